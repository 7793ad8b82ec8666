"""Total variation and its square on a signal, both as close to the data: computed in the page, TV exactly."""

from __future__ import annotations

import math
from typing import Any

from .. import _validate
from . import tv_scene
from .axes import LinearAxis, frame
from .base import Explorable
from .linear_chart import points, polyline

_X = LinearAxis(0, 95, 34, 376)
_Y = LinearAxis(0, 1, 214, 22)
#: What the three buttons set: signal, noise, base-10 logarithm of w, as the controls write them.
_STEPS = (("step", "0.00", "0.50"), ("bump", "0.00", "0.00"), ("ramp", "0.10", "0.00"))


def rise_text(rise: float) -> str:
    """Write a rise as the page does."""
    return f"{rise:.1f} px" if math.isfinite(rise) else "gone"


def move_text(move: float) -> str:
    """Write how far a plateau moved, with the sign that it moved by."""
    return f"{0.0 if round(move, 4) == 0 else -move:.4f}".replace("-", "−")


class TVExplorer(Explorable):
    r"""Drag the weight of total variation over a step, a bump or a ramp, beside squared differences.

    Both solve :math:`\min_x \frac12\lVert x-z\rVert^2 + w R(x)`.  The weight of the squares is chosen so that they move
    the signal as far as TV does, as a root mean square: neither may take more from the data.  TV is solved exactly in
    the page, as `variational.taut_string` does it.

    Parameters
    ----------
    signal : {"step", "bump", "ramp"}
        What is denoised at the start.
    noise : float
        Standard deviation of the noise at the start, 0 to 0.3 (rounded to 0.02).
    weight : float
        w of TV at the start, 0.01 to about 31.6 (rounded to a twentieth of a power of ten).
    key : str
        See `Explorable`.

    Raises
    ------
    ValueError
        If a start value lies outside its slider, or `signal` is unknown.
    """

    template = "tv_explorer.html"
    styles = ("tv_explorer.css",)
    scripts = ("tv.js", "tv_explorer.js")

    def __init__(self, *, signal: str = "step", noise: float = 0.1, weight: float = 1.0, key: str = "") -> None:
        super().__init__(label="What total variation and its square make of a signal", key=key)
        _validate.option("signal", signal, tv_scene.SHAPES)
        noise = _validate.in_range("noise", noise, 0, 0.3)
        weight = _validate.in_range("weight", weight, 0.01, 10**1.5)
        self.signal, self.noise = signal, f"{round(noise * 50) / 50:.2f}"
        self.power = f"{round(math.log10(weight) * 20) / 20 + 0.0:.2f}"

    def state(self) -> tv_scene.State:
        """Return the numbers of the first state."""
        return tv_scene.state(self.signal, float(self.noise), 10 ** float(self.power))

    def fields(self) -> dict[str, str]:
        s, weight = self.state(), 10 ** float(self.power)
        lines = {name: polyline(_X, _Y, values.tolist()) for name, values in s._asdict().items() if name in _LINES}
        return {
            **lines,
            "dots": points(_X, _Y, s.data.tolist()),
            "noise": self.noise,
            "power": self.power,
            "weight": f"{weight:.2f}",
            "moved": move_text(s.moved),
            "predicted": move_text(s.predicted) if s.predicted else "–",
            "rise_tv": rise_text(s.rises[0]),
            "rise_squared": rise_text(s.rises[1]),
            "stairs": f"{100 * s.stairs:.0f} %",
            "squared_weight": f"{s.squared_weight:.3g}",
            "frame": frame(_X, _Y, (0, 24, 48, 72), (0, 0.25, 0.5, 0.75, 1), "sample", "level", gap=6),
            **{name: " selected" if name == self.signal else "" for name in ("step", "bump", "ramp")},
        }

    def data(self) -> dict[str, Any]:
        return {
            "n": tv_scene.SIZE,
            "seed": tv_scene.SEED,
            "levels": [tv_scene.LOW, tv_scene.HIGH],
            "shapes": {name: list(shape) for name, shape in tv_scene.SHAPES.items()},
            "flat": tv_scene.FLAT,
            "halvings": tv_scene.HALVINGS,
            "powers": tv_scene.POWERS,
            "x": _X.as_list(),
            "y": _Y.as_list(),
            "steps": _STEPS,
        }


_LINES = ("clean", "tv", "squared")
