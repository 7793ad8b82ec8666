"""The exercise on intervals: what covers the truth in 95 of 100 cases, if there are three seeds?"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import torch

from ...statistics import t_quantile
from ..examination import Examination
from ..reader import function
from ..verdict import Verdict

_CALL = "fn(values)"
_DRAWS = 4000
_WITHIN = (0.942, 0.958)
_T = t_quantile(0.975, 2)


def interval_of_three(fn: Callable[[Sequence[float]], Any]) -> Verdict:
    """Check ``fn(values)``: an interval that covers the mean of a normal distribution in 95 of 100 cases.

    It is called with 4,000 triples of which the truth is known.

    Parameters
    ----------
    fn : callable
        Takes a list of three floats, such as the differences of two losses for three seeds; returns (low, high).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    drawn = torch.randn(_DRAWS, 3, generator=torch.Generator().manual_seed(12), dtype=torch.float64).tolist()
    with Examination("interval_of_three", _CALL) as exam:
        first = _pair(exam, exam.call(fn, [1.0, 2.0, 4.0]))
        exam.require("low before high", first[0] < first[1], f"{first[0]:.4g} and {first[1]:.4g}", "low < high")
        inside = first[0] < 7 / 3 < first[1]
        exam.test("holds the mean of the three", inside, f"{first[0]:.4g} to {first[1]:.4g} for 1, 2, 4", "7/3 inside")
        moved = _pair(exam, exam.call(fn, [11.0, 12.0, 14.0]))
        shifted = all(math.isclose(b - a, 10, abs_tol=1e-6) for a, b in zip(first, moved, strict=True))
        seen = f"{moved[0]:.4g} to {moved[1]:.4g} for 11, 12, 14"
        exam.test("moves with the values", shifted, seen, "10 more than for 1, 2, 4")
        wider = _pair(exam, exam.call(fn, [10.0, 20.0, 40.0]))
        grown = all(math.isclose(10 * a, b, rel_tol=1e-6, abs_tol=1e-6) for a, b in zip(first, wider, strict=True))
        seen = f"{wider[0]:.4g} to {wider[1]:.4g} for 10, 20, 40"
        exam.test("grows with the values", grown, seen, "ten times what it is for 1, 2, 4", _FIXED)
        covered, width = 0, 0.0
        for values in drawn:
            low, high = _pair(exam, exam.call(fn, values))
            covered, width = covered + (low <= 0 <= high), width + (high - low) / _DRAWS
        share = covered / _DRAWS
        ok = _WITHIN[0] <= share <= _WITHIN[1]
        wanted = f"{_WITHIN[0]:.1%} to {_WITHIN[1]:.1%}"
        exam.test("covers the truth", ok, f"in {share:.1%} of {_DRAWS} cases", wanted, "" if ok else _why(first, share))
        exam.notes.append(f"Its mean width is {width:.2f} standard deviations of a seed.")
    return exam.verdict()


def _pair(exam: Examination, answer: Any) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in answer)
    except Exception:  # whatever a reader returns, also what says it has a value and has none
        hint = "the function has no return" if answer is None else ""
        exam.require("returns two numbers", False, f"an object of type {type(answer).__name__}", "(low, high)", hint)
        raise AssertionError from None  # never reached: require has left the block
    exam.require_once("returns two numbers", math.isfinite(low) and math.isfinite(high), f"{low:.4g}, {high:.4g}")
    return low, high


def _why(found: tuple[float, float], share: float) -> str:
    """Return what makes the interval of 1, 2, 4 too short or too long."""
    values = [1.0, 2.0, 4.0]
    mean, sample, population = 7 / 3, math.sqrt(7 / 3), math.sqrt(14 / 9)
    means = sorted(sum(chosen) / 3 for chosen in product(values, repeat=3))
    known = {
        _NORMAL: (mean - 1.96 * sample / math.sqrt(3), mean + 1.96 * sample / math.sqrt(3)),
        f"{_NORMAL}, and the deviation divides by n where it must divide by n - 1": (
            mean - 1.96 * population / math.sqrt(3),
            mean + 1.96 * population / math.sqrt(3),
        ),
        "the deviation divides by n where it must divide by n - 1": (
            mean - _T * population / math.sqrt(3),
            mean + _T * population / math.sqrt(3),
        ),
        "the deviation of one seed is not that of their mean: divide by the root of 3": (
            mean - _T * sample,
            mean + _T * sample,
        ),
        "however you resample three values, the ends are the smallest and the largest of them": (
            means[0],
            means[-1],
        ),
    }
    for hint, ends in known.items():
        if all(math.isclose(a, b, rel_tol=2e-3) for a, b in zip(found, ends, strict=True)):
            return hint
    return _WIDE if share > _WITHIN[1] else _NARROW


_FIXED = "nobody tells you how far seeds scatter: the width must come from the three values"
_NORMAL = "1.96 is for a deviation that is known; one that comes from three values is often too small"
_WIDE = "it is longer than it needs to be"
_NARROW = "it is too short: three values say little about how far they scatter; Student's t with 2 degrees of freedom"
