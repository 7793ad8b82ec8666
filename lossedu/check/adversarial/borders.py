"""The exercise on what zero padding does to a picture at its border."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from ... import filters
from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Target, Verdict
from .answers import distinct, pair

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What the blur is called in the package.
PRESETS = ("wespe", "std3", "dped")

_LIGHT = "fn(centre)"


def border_light(fn: Callable[[float], Any]) -> Verdict:
    """Check ``fn(centre)``: what zero padding leaves of a white picture, at the middle of an edge and at a corner.

    Parameters
    ----------
    fn : callable
        Takes the middle tap of a symmetric window in one direction, whose taps sum to 1; returns a pair: edge, corner.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _LIGHT)
    windows = {name: float(filters.color_window(name).max()) for name in PRESETS}
    cases = {**windows, "three equal taps": 1 / 3, "a very wide window": 1e-12, "one tap": 1.0}
    with Examination("border_light", _LIGHT) as exam:
        for title, middle in cases.items():
            edge, corner = pair(exam, exam.call(fn, middle), ("edge", "corner"))
            left = (1 + middle) / 2
            exam.value(f"{title}: edge", edge, left, rtol=1e-6, mistakes=distinct(_edges(middle)))
            exam.value(f"{title}: corner", corner, left**2, rtol=1e-6, mistakes=distinct(_corners(middle)))
        exam.target = _white()
    return exam.verdict()


def _edges(middle: float) -> list[Mistake]:
    left = (1 + middle) / 2
    return [
        ("this is what is lost: what is left is asked for", 1 - left),
        ("half is what is left by a very wide window: the middle tap lies inside as a whole", 0.5),
        ("this is the corner: the pair is edge, corner", left**2),
        ("the whole middle tap lies inside, and half of the others: (1 - centre) / 2 + centre", 0.5 + middle),
    ]


def _corners(middle: float) -> list[Mistake]:
    left = (1 + middle) / 2
    return [
        ("this is what is lost: what is left is asked for", 1 - left**2),
        ("a quarter is what is left by a very wide window", 0.25),
        ("this is the edge: the pair is edge, corner", left),
        ("half of the edge is not enough: a corner loses in both directions, and the factors multiply", left / 2),
        ("the losses of both directions do not add up: what is left in them multiplies", 2 * left - 1),
        ("the window in two directions is a product: its factors are the same as at the edge", (1 + middle**2) / 4),
    ]


def _white() -> Target:
    def draw() -> Figure:
        from ...figures import image_strip

        white = torch.ones(1, 1, 48, 48)
        names = {"wespe": "variance 3", "std3": "deviation 3", "dped": "DPED's code"}
        shown = [filters.color_blur(white, preset=preset, padding="zeros") for preset in names]
        notes = [f"{float(x[0, 0, 24, 0]):.2f}, {float(x[0, 0, 0, 0]):.2f}" for x in shown]
        return image_strip([white, *shown], ["white", *names.values()], ["", *notes], zoom=3)

    alt = "A white square, and three blurs of it with zero padding: each has a grey frame, darkest in the corners."
    return Target(
        draw, alt, "A white picture, and what three blurs with zero padding leave of it: at an edge, at a corner."
    )
