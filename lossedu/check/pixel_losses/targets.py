"""The exercise on noise in the target: what two losses learn from a target that was clipped."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

from ..examination import Examination
from ..reader import function
from ..verdict import Verdict

_CALL = "fn(level, spread)"
_NORMAL = NormalDist()
_TOLERANCE = 2e-3


def clipped_mean(level: float, spread: float) -> float:
    """Return the mean of clip(level + spread n, 0, 1) for a standard normal n."""
    low, high = -level / spread, (1 - level) / spread
    inside = _NORMAL.cdf(high) - _NORMAL.cdf(low)
    return level * inside + spread * (_NORMAL.pdf(low) - _NORMAL.pdf(high)) + 1 - _NORMAL.cdf(high)


def clipped_target(fn: Callable[[float, float], Any]) -> Verdict:
    """Check ``fn(level, spread)``: what the best l2 and the best l1 network answer where the truth is one grey level.

    The targets are the level plus Gaussian noise of that standard deviation, clipped to [0, 1].

    Parameters
    ----------
    fn : callable
        Takes two floats and returns two numbers, for l2 and for l1; right to .002, so that a simulation will do.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    cases = ((0.0, 0.2), (0.5, 0.2), (0.9, 0.1), (1.0, 0.3))
    with Examination("clipped_target", _CALL) as exam:
        for level, spread in cases:
            answer = exam.call(fn, level, spread)
            try:
                mean, median = answer
            except (TypeError, ValueError):
                seen = "None" if answer is None else f"an object of type {type(answer).__name__}"
                hint = "the function has no return" if answer is None else ""
                exam.require("returns two numbers", False, seen, "(for l2, for l1)", hint)
            right = clipped_mean(level, spread)
            where = f"level {level:g}, spread {spread:g}"
            number, other = exam.number(mean), exam.number(median)
            swapped = math.isclose(other, right, abs_tol=_TOLERANCE)
            whole = math.isclose(number, level, abs_tol=_TOLERANCE)
            hint = _MEAN if not whole else _SWAPPED if swapped else _not_clipped(level)
            exam.value(f"l2, {where}", number, right, rtol=0.0, atol=_TOLERANCE, hint=hint)
            hint = _SWAPPED if swapped else _MEDIAN
            exam.value(f"l1, {where}", other, level, rtol=0.0, atol=_TOLERANCE, hint=hint)
    return exam.verdict()


_SWAPPED = "l2 learns the mean, l1 the median: the two are swapped"
_MEAN = "take the mean of the clipped values; a million draws are right to .001"
_MEDIAN = "clipping keeps the order of the values: which one stands in the middle?"


def _not_clipped(level: float) -> str:
    """Return what is amiss with a mean that is the level: nothing was cut off at the end where it is."""
    end = "below 0" if level < 0.5 else "above 1"
    return f"this is the level itself: clipping moves the mean, because what is cut off {end} has no counterpart"
