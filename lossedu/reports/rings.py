"""The two rings of chapter 0: what networks make of a noisy picture, and what their losses want to see."""

from __future__ import annotations

import math
from functools import cache

import torch
from matplotlib.figure import Figure
from torch import Tensor

from .. import data
from ..experiments import plausible, rings
from ..figures import image_strip
from ..records import Record
from ..statistics import Interval
from . import wording
from .wording import label

#: The eight rays, clockwise from the top left; one of them is no loss at all.
TRUTH = "truth"
RAYS = ("ms_ssim", "l1", "ssim_1", TRUTH, "l2", "ssim_9", "mix", "ssim_5")

#: How much the contrast is stretched about the middle level, to be seen at all.
STRETCH = 4

#: Losses that measure structure, in whole or in part.
STRUCTURAL = ("ssim_1", "ssim_5", "ssim_9", "ms_ssim", "mix")

_OUTER = ((0, 0), (0, 2), (0, 4), (2, 4), (4, 4), (4, 2), (4, 0), (2, 0))
_INNER = ((1, 1), (1, 2), (1, 3), (2, 3), (3, 3), (3, 2), (3, 1), (2, 1))


def letter(arm: str) -> str:
    """Return the letter of a ray."""
    return "ABCDEFGH"[RAYS.index(arm)]


def draw(record: Record, *, zoom: int = 4) -> Figure:
    """Draw the noisy picture in the middle, networks around it, acts outermost, and plausible scenes in the gaps.

    The acts come from the record; the scene is drawn and the networks are run anew.
    """
    scene = plausible.draw_scene(0)
    others = list(rings.candidates(0, 9)[:, 0].double())
    pictures: dict[tuple[int, int], tuple[str, Tensor]] = {(2, 2): ("noisy", scene.seen)}
    for arm, near, far in zip(RAYS, _INNER, _OUTER, strict=True):
        if arm == TRUTH:
            inner, outer = scene.clean, others.pop()
        else:
            inner = rings.network_output(arm, scene)
            outer = torch.nn.functional.pad(torch.from_numpy(record.scores[f"{arm}-0@act"]), [rings.MARGIN] * 4)
        pictures |= {near: (letter(arm), inner), far: (letter(arm), outer.double())}
    cells = [pictures.get(divmod(k, 5)) or ("", others.pop()) for k in range(25)]
    shown = [_stretched(rings.inside(picture)) for _, picture in cells]
    return image_strip(shown, [title for title, _ in cells], columns=5, zoom=zoom)


def _stretched(x: Tensor) -> Tensor:
    middle = (plausible.LOW + plausible.HIGH) / 2
    return middle + STRETCH * (x - middle)


def values(record: Record, who: str, arm: str, measure: str) -> list[float]:
    """Return by scene what was measured of the acts (`who` "act") or the networks ("network") of a loss."""
    runs = sorted((run for run in record.runs if run["arm"] == arm), key=lambda run: run["seed"])
    return [float(run[who][measure]) for run in runs]


def estimate(record: Record, who: str, arm: str, measure: str) -> Interval:
    """Return the mean of a measure over scenes, with its interval."""
    return wording.estimate(values(record, who, arm, measure))


def change(record: Record, who: str, arm: str, base: str, measure: str = "contrast") -> Interval:
    """Return by how many percent a measure is larger than for another loss, paired by scene."""
    pairs = zip(*(values(record, who, name, measure) for name in (arm, base)), strict=True)
    return wording.estimate([100 * (a / b - 1) for a, b in pairs])


def table(record: Record) -> str:
    """Return means over scenes as a Markdown table: acts beside networks."""
    head = ["loss"]
    for measure in ("contrast", "sharpness", "level (10⁻³)", "error (10⁻³)"):
        head += [f"{measure}: act", "network"]
    plan = (("contrast", 1.0, 2, False), ("rise", 1.0, 2, False), ("level", 1e3, 1, True), ("error", 1e3, 1, False))
    rows = []
    for arm in rings.ARMS:
        row = [f"{label(arm)} ({letter(arm)})"]
        for measure, factor, digits, signed in plan:
            means = (factor * estimate(record, who, arm, measure).mean for who in ("act", "network"))
            row += [wording.number(mean, digits, signed=signed) for mean in means]
        rows.append(row)
    return "\n\n".join([wording.markdown_table(head, rows), *wording.unfinished(record)])


def findings(record: Record) -> str:
    """Return as Markdown what each loss does to the contrast: beside l2, and, for networks, beside l1."""
    lines = []
    acts, networks = ("act", "The Bayes acts"), ("network", "The trained networks")
    for (who, name), base in ((acts, "l2"), (networks, "l2"), (networks, "l1")):
        arms = ("l1", *STRUCTURAL) if base == "l2" else STRUCTURAL
        parts = [f"{label(arm)} {_percent(change(record, who, arm, base))}" for arm in arms]
        lines.append(f"- **{name},** contrast against that of {label(base)}: {'; '.join(parts)}.")
    return "\n".join([*lines, *wording.unfinished(record)])


@cache
def parts(arm: str, count: int = 6, draws: int = 8) -> tuple[list[float], list[float]]:
    """Return by scene the two parts of a network's contrast: its answer to the scene, and noise that came through.

    The same scene is measured several times.  What varies from one output to the next is the noise; what stays is the
    answer.  Both are relative to the contrast of the true scene, and free of the bias of few draws, so that their
    squares add up to the mean square of `contrast`.
    """
    answer, noise = [], []
    for seed in range(count):
        scene = plausible.draw_scene(seed)
        outputs = torch.stack(
            [_texture(rings.network_output(arm, measured_again(scene, seed, draw)), scene) for draw in range(draws)]
        )
        power = _texture(scene.clean, scene).square().mean()
        varies = outputs.var(dim=0).mean()
        stays = outputs.mean(dim=0).square().mean() - varies / draws
        answer.append(float((stays / power).sqrt()))
        noise.append(float((varies / power).sqrt()))
    return answer, noise


def measured_again(scene: plausible.Scene, seed: int, draw: int) -> plausible.Scene:
    """Return the scene with another draw of its noise."""
    clean, other = scene.clean[None, None], data.derive_seed(seed, "noise", draw)
    seen = data.sensor_noise(clean, a=plausible.PHOTON, b=plausible.READ, clip=False, seed=other)[0, 0]
    return scene._replace(seen=seen)


def _texture(picture: Tensor, scene: plausible.Scene) -> Tensor:
    """Return what varies inside either side, where `experiments.rings` measures the contrast."""
    edge = scene.edge[rings.MARGIN : -rings.MARGIN, None] - rings.MARGIN
    shown = rings.inside(picture)
    off = torch.arange(shown.shape[-1]) - edge
    return torch.cat([side - side.mean() for side in (shown[off >= 3], shown[off < -3])])


def tell_parts(count: int = 6) -> str:
    """Return as Markdown how much of each network's contrast answers to the scene, and how much is noise."""
    rows = []
    for arm in rings.ARMS:
        means = (sum(part) / count for part in parts(arm, count))
        rows.append([f"{label(arm)} ({letter(arm)})", *(wording.number(mean, 2) for mean in means)])
    return wording.markdown_table(["network", "answer to the scene", "noise that came through"], rows)


def _percent(found: Interval) -> str:
    digits = 0 if abs(found.mean) >= 10 else 1  # or the end of an interval beside 0 would be rounded to it
    mean, low, high = (wording.number(value, digits, signed=True) for value in found)
    return f"{mean} %" + (f" ({low} to {high})" if math.isfinite(found.low) else "")
