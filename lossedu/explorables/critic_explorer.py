"""Blur a photograph and a changed one, and see what is left of the difference, and which judges still tell them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .. import _validate, data, png
from . import critic_chart as chart
from . import critic_scene as scene
from . import palettes
from .base import Explorable, escape
from .perceptual_scene import fewer
from .ssim_explorer import digits3, round_up

#: What the three buttons of the questions set: the slider, the difference, and the two switches.
_STEPS: tuple[tuple[str, str, bool, bool], ...] = (
    ("17", "texture", True, False),
    ("43", "texture", True, False),
    ("130", "texture", True, False),
)
#: What a changed photograph is called above its picture.
_NAMES = {"texture": "Softened", "grain": "With grain", "cast": "Warmer", "tint": "Tinted"}
#: The colours of the difference run to this many times its root mean square, at least.
_REACH = 3.0
#: Bits of a colour in the pictures for a page without scripts.
_BITS = {"plain": 6, "other": 6, "difference": 4}


def full_scale(level: float) -> float:
    """Return the end of the colour scale for a difference of this root mean square, in 255ths; 1 for none."""
    return round_up(_REACH * level) if level > 0 else 1.0


def full_text(full: float) -> str:
    """Return the end of the colour scale with the digits it needs."""
    return f"{full:.{max(0, -math.floor(math.log10(full) + 1e-9))}f}"


def percent(share: float) -> str:
    """Return a share in per cent, with three digits."""
    return f"{digits3(100 * share) if share < 0.9995 else '100'} %"


def _pixels(x: Tensor) -> NDArray[np.uint8]:
    """Return levels, (1, 3, N, N) from 0 to 255, as pixels."""
    return x[0].permute(1, 2, 0).numpy().astype(np.uint8)


class CriticExplorer(Explorable):
    r"""Drag a blur over a photograph and a changed one: which difference does it leave, and who can still tell?

    The photograph is softened, made grainy, made warmer or tinted; both pictures are blurred.  The page shows them,
    their difference, the share of its energy that the blur leaves, and how many pixels still differ once they are
    rounded to 256 levels.  With `accuracies`, a chart and a table show what judges that were trained on blurred pairs
    got right.  Ten pairs let the reader try the same.  The pictures are computed in the page in float64;
    `lossedu.gaussian_blur` gives the same.
    DPED's code stands for a Gaussian of its width, 4.34: its own window is cut off at 10 pixels.

    Parameters
    ----------
    accuracies : mapping, optional
        (judge, task) -> rows (sd, mean, low, high): standard deviation of the blur in pixels, share of right answers
        from 0 to 1, and its interval, which is cut off at 0 and 1; NaN for one that is unknown.  Judges are keys of
        `critic_chart.JUDGES`, tasks of `critic_chart.TASKS`; others are left out.  What stands at 4.34 pixels counts as
        the window of DPED's code.  Without `accuracies` the page has no chart.
    ordered : mapping, optional
        The same where judges compare both kinds of one place, as the reader does in the ten pairs.
    note : str
        What the intervals are, and where the numbers come from; stands below the chart.
    blur : float
        Standard deviation at the start in pixels, 0 to 13, rounded to 0.1; 1.73 and 4.34 are places of the slider.
    difference : {"texture", "grain", "cast", "tint"}
        What is done to the photograph at the start.
    key : str
        See `Explorable`.

    Raises
    ------
    ValueError
        If `blur` lies outside its slider, `difference` is unknown, or `accuracies` or `ordered` are not as described.
    """

    template = "critic_explorer.html"
    styles = ("critic_explorer.css",)
    scripts = ("filters.js", "critic.js", "critic_explorer.js")

    def __init__(
        self,
        accuracies: chart.Accuracies | None = None,
        *,
        ordered: chart.Accuracies | None = None,
        note: str = "",
        blur: float = 1.73,
        difference: str = "texture",
        key: str = "",
    ) -> None:
        super().__init__(label="What a blur leaves of a difference, and who can still tell", key=key)
        self.tasks, self.pairs, self.note = chart.by_task(accuracies), chart.by_task(ordered), note
        self.setting = round(_validate.in_range("blur", blur, 0, scene.WIDEST) * scene.STEPS)
        _validate.option("difference", difference, scene.KINDS)
        self.difference = difference

    def state(self) -> scene.State:
        """Return the numbers of the first state."""
        return scene.state(self.difference, scene.deviation(self.setting))

    def fields(self) -> dict[str, str]:
        s, sd = self.state(), scene.deviation(self.setting)
        full = full_scale(s.left)
        shown = ((1 + 255 * (s.other - s.plain) / full) / 2).clamp(0, 1)
        pictures = {"plain": scene.levels(s.plain), "other": scene.levels(s.other), "difference": scene.levels(shown)}
        measured = ""
        if self.tasks:
            measured = chart.svg(self.tasks, self.difference, sd) + chart.table(self.tasks, self.difference, sd)
            measured = f'<div class="lx-judges">{measured}</div>'
            measured += f'<p class="lx-note">{escape(self.note)}</p>' if self.note else ""
        return {
            **{key: _still(levels, _BITS[key]) for key, levels in pictures.items()},
            **{kind: " selected" if kind == self.difference else "" for kind in scene.KINDS},
            "setting": str(self.setting),
            "last": str(round(scene.WIDEST * scene.STEPS)),
            "sd": f"{sd:.2f} px",
            "kind": chart.TASKS[self.difference],
            "name": _NAMES[self.difference],
            "marks": _marks(),
            "full": full_text(full),
            "energy": percent(s.energy),
            "before": digits3(s.before),
            "left": digits3(s.left),
            "apart": percent(s.apart),
            "measured": measured,
            "read": " and the table" if self.tasks else "",
            **{f"answer{k}": text for k, text in enumerate(self.answers())},
        }

    def answers(self) -> tuple[str, str, str]:
        """Return the answers to the three questions, computed."""
        printed, code, widest = (
            {kind: scene.state(kind, scene.deviation(int(step[0]))) for kind in ("texture", "cast")} for step in _STEPS
        )
        first = "; ".join(
            f"of the {chart.TASKS[kind]} {percent(s.energy)}, {digits3(s.left)}/255 root mean square"
            for kind, s in printed.items()
        )
        second = (
            f"{percent(code['texture'].apart)} of them do. Rounding does not hide a small difference: where a level "
            "lay beside the edge to the next, it becomes a whole step."
        )
        third = (
            f"At {scene.WIDEST:g} px the blur leaves {percent(widest['texture'].energy)} of the texture’s energy and "
            f"{percent(widest['cast'].energy)} of the cast’s; rounded, {percent(widest['texture'].apart)} and "
            f"{percent(widest['cast'].apart)} of the pixels differ."
        )
        if self.tasks:
            found = {each: chart.blind_to_texture_alone(self.tasks, each) for each in chart.judges(self.tasks)}
            parts = [
                f"{chart.JUDGES[each].name}, at "
                + (", ".join(f"{round(sd, 2):g}" for sd in sds) + " px" if sds else "no blur")
                for each, sds in found.items()
            ]
            third += f" Measured: texture not above chance, and the cast above it, for {'; '.join(parts)}."
        if rows := self.pairs.get("texture", {}).get("critic"):
            least, most = (chart.whole(pick(row[1] for row in rows)) for pick in (min, max))
            third += (
                " That is of one crop by itself. Where it can compare both kinds of one place, the critic with "
                f"instance norm is right on the texture at {least} to {most} % of the places, over the blurs measured."
            )
        return f"{first[0].upper()}{first[1:]}.", second, third

    def data(self) -> dict[str, Any]:
        luma, chroma = scene.planes()
        return {
            "n": scene.SIZE,
            "luma": palettes.to_base64(luma.numpy()),
            "chroma": palettes.to_base64(chroma.numpy()),
            "parts": scene.LUMA,
            "coarse": scene.COARSE,
            "room": scene.ROOM,
            "soft": scene.SOFT,
            "grain": [scene.GRAIN, scene.SEED],
            "cast": scene.CAST,
            "tint": scene.TINT,
            "step": scene.STEPS,
            "marks": scene.MARKS,
            "reach": _REACH,
            "kinds": {kind: [chart.TASKS[kind], _NAMES[kind]] for kind in scene.KINDS},
            "steps": _STEPS,
            "judges": {judge: chart.JUDGES[judge].aside for judge in chart.judges(self.tasks)},
            "tasks": chart.plain(self.tasks),
            "pairs": {task: found.get("critic", []) for task, found in chart.plain(self.pairs).items()},
            "cut": chart.CUT,
            "same": chart.SAME,
            "chance": chart.CHANCE,
            "x": chart.X.as_list(),
            "y": chart.Y.as_list(),
        }


def _still(levels: Tensor, bits: int) -> str:
    """Return a picture at half its resolution: it stands where the script does not."""
    levels = data.downsample2(levels).add(0.5).floor()
    return png.data_uri(png.encode(fewer(_pixels(levels), bits), small=True))


def _marks() -> str:
    """Return the marks below the slider: where the blurs of the literature stand."""
    places = (0, 17, 30, 43, round(scene.WIDEST * scene.STEPS))
    return "".join(
        f'<span style="--at:{place / places[-1]:.4f}">{scene.deviation(place):.3g}</span>' for place in places
    )
