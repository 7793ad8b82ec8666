"""A pixel that is one of two values: drag the odds, and see mean, median and Huber's choice move."""

from __future__ import annotations

import math
from typing import Any

from .. import _validate
from . import pixel_scene as scene
from .base import Explorable, escape

#: Levels at the left and right end of the chart, and where these lie.
_X = (-0.2, 1.8, 20.0, 372.0)
#: Where the bars of probability and the curves of loss stand: bottom and top.
_BARS, _CURVES = (74.0, 20.0), (178.0, 92.0)
_BINS = 50
_POINTS = 101
#: The points at black and at white: between them a curve has its full height.
_INSIDE = (10, 60)
#: The tallest bar is drawn for so much probability.
_FULL = 0.5
#: Steps of the buttons: odds, spread, outliers, place of the outlier, base-10 logarithm of Huber's delta.
_STEPS = (
    ("40", "0.04", "0", "1.60", "-0.7"),
    ("60", "0.04", "0", "1.60", "-0.7"),
    ("50", "0.20", "0", "1.60", "-0.7"),
    ("0", "0.04", "20", "1.60", "-0.7"),
)


def _x(level: float) -> float:
    low, high, start, end = _X
    return start + (end - start) * (level - low) / (high - low)


def _grey(level: float) -> str:
    tone = math.floor(min(1.0, max(0.0, level)) * 255 + 0.5)
    return f"rgb({tone},{tone},{tone})"


def _marker(name: str, x: float, y: float) -> str:
    shapes = {
        "l2": f"M{x - 5:.1f},{y:.1f}a5,5 0 1,0 10,0a5,5 0 1,0 -10,0Z",
        "l1": f"M{x - 4.5:.1f},{y - 4.5:.1f}h9v9h-9Z",
        "huber": f"M{x:.1f},{y - 6:.1f}l6,10h-12Z",
    }
    return shapes[name]


class PixelLossExplorer(Explorable):
    """Drag the odds of two plausible values and an outlier, and see what l2, l1 and Huber choose.

    A pixel is dark or bright, each answer a little uncertain, or it is an outlier.  The chart shows the probability of
    each level and the expected loss of answering with it; each loss is stretched to the height of the chart
    between black and white, since only the place of its minimum matters.  Beside it are the greys that the best network
    would paint.

    Parameters
    ----------
    bright : int
        Odds of the bright answer at the start, 0 to 100 percent.
    spread : float
        Uncertainty of each answer, 0.01 to 0.3 (rounded to 0.01).
    outliers : int
        Share of outliers, 0 to 40 percent.
    place : float
        Value of the outlier, -0.2 to 1.8 (rounded to 0.05).
    delta : float
        Where Huber's loss turns from square to line, 0.01 to 1 (rounded to a tenth of a decade).
    key : str
        See `Explorable`.

    Raises
    ------
    ValueError
        If a start value lies outside its slider.
    """

    template = "pixel_explorer.html"
    styles = ("pixel_explorer.css",)
    scripts = ("pixel_explorer.js",)

    def __init__(
        self,
        *,
        bright: float = 40,
        spread: float = 0.04,
        outliers: float = 0,
        place: float = 1.6,
        delta: float = 0.2,
        key: str = "",
    ) -> None:
        super().__init__(label="What three losses choose for a pixel that may be dark or bright", key=key)
        self.bright = f"{round(_validate.in_range('bright', bright, 0, 100))}"
        self.spread = f"{_validate.in_range('spread', spread, 0.01, 0.3):.2f}"
        self.outliers = f"{round(_validate.in_range('outliers', outliers, 0, 40))}"
        self.place = f"{round(_validate.in_range('place', place, -0.2, 1.8) * 20) / 20:.2f}"
        self.delta = f"{math.log10(_validate.in_range('delta', delta, 0.01, 1)):.1f}"

    def chosen(self) -> dict[str, float]:
        """Return the level that each loss chooses in the first state."""
        known = self._answers()
        return {
            "l2": scene.mean(known),
            "l1": scene.median(known),
            "huber": scene.huber(known, 10 ** float(self.delta)),
        }

    def _answers(self) -> scene.Answers:
        return scene.answers(
            float(self.bright) / 100, float(self.spread), float(self.outliers) / 100, float(self.place)
        )

    def fields(self) -> dict[str, str]:
        known, delta, spread = self._answers(), 10 ** float(self.delta), float(self.spread)
        found = {
            "bright": self.bright,
            "spread": self.spread,
            "outliers": self.outliers,
            "place": self.place,
            "logdelta": self.delta,
            "delta": f"{delta:.2f}",
            "frame": _frame(),
            "bars": _bars(scene.heights(known, _X[0], _X[1], _BINS)),
            "dark": _grey(scene.DARK),
            "light": _grey(scene.BRIGHT),
        }
        levels = [_X[0] + (_X[1] - _X[0]) * k / (_POINTS - 1) for k in range(_POINTS)]
        curves = scene.scaled([scene.expected(known, level, delta) for level in levels], *_INSIDE)
        for column, (name, level) in enumerate(self.chosen().items()):
            path = "L".join(f"{_x(at):.1f},{_height(row[column]):.1f}" for at, row in zip(levels, curves, strict=True))
            found |= {
                f"curve_{name}": "M" + path,
                f"mark_{name}": _marker(name, _x(level), _CURVES[0]),
                f"line_{name}": f"M{_x(level):.1f},{_BARS[1]:g}V{_CURVES[0]:g}",
                f"grey_{name}": _grey(level),
                f"level_{name}": f"{level:.2f}",
                f"word_{name}": scene.named(level, spread),
            }
        return found

    def data(self) -> dict[str, Any]:
        return {
            "dark": scene.DARK,
            "bright": scene.BRIGHT,
            "close": scene.CLOSE,
            "quantiles": scene.QUANTILES,
            "halvings": scene.HALVINGS,
            "x": _X,
            "bars": _BARS,
            "curves": _CURVES,
            "bins": _BINS,
            "points": _POINTS,
            "inside": _INSIDE,
            "full": _FULL,
            "steps": _STEPS,
        }


def _height(share: float) -> float:
    return _CURVES[0] + (_CURVES[1] - _CURVES[0]) * share


def _bars(heights: list[float]) -> str:
    width, parts = (_X[3] - _X[2]) / len(heights), []
    for k, height in enumerate(heights):
        if height > 0:
            tall = min(1.0, height / _FULL) ** 0.5 * (_BARS[0] - _BARS[1])
            left = _X[2] + k * width
            parts.append(f"M{left + 0.5:.1f},{_BARS[0]:g}v{-tall:.1f}h{width - 1:.1f}v{tall:.1f}Z")
    return "".join(parts)


def _frame() -> str:
    ticks = (0.0, 0.2, 0.5, 0.8, 1.0, 1.5)
    grid = "".join(f"M{_x(v):.1f},{_BARS[1]}V{_CURVES[0]}" for v in ticks)
    parts = [f'<path d="{grid}" fill="none" stroke="var(--lx-line)" stroke-width=".75"/>']
    parts += [
        f'<path d="M{_X[2]},{y}H{_X[3]}" stroke="var(--lx-soft)" stroke-width=".75"/>' for y in (_BARS[0], _CURVES[0])
    ]
    parts += [f'<text x="{_x(v):.1f}" y="{_CURVES[0] + 19}" text-anchor="middle">{v:g}</text>' for v in ticks]
    labels = (
        (_X[2], _BARS[1] - 7, "how plausible each level is", "start"),
        (_X[2], _CURVES[1] - 5, "expected loss of answering with it", "start"),
        (_X[3], _CURVES[0] + 35, "grey level", "end"),
    )
    parts += [f'<text x="{x}" y="{y}" text-anchor="{anchor}">{escape(text)}</text>' for x, y, text, anchor in labels]
    return "".join(parts)
