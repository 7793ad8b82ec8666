"""The exercise on CHOICE: which level does SSIM put out when it is not sure?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..examination import Examination
from ..numbers import Mistake, recognise, short
from ..reader import function
from ..verdict import Verdict

_CALL = "fn(m, v)"
_C1 = 0.01**2
#: Mean and variance of the level; the first two show the order of the error.
_CASES = ((0.4, 0.01), (0.4, 0.0025), (0.3, 0.0025), (0.7, 0.0025))
_SHARE = 0.05


def level_under_doubt(fn: Callable[[float, float], Any]) -> Verdict:
    r"""Check ``fn(m, v)``: the level that SSIM chooses for a flat picture whose level has mean m and small variance v.

    Compared with the minimiser of :math:`\mathbb E[1 - l(a, t)]` over a, where t is :math:`m \pm \sqrt v` with equal
    chances; for small v only mean and variance matter.  The shift away from m must be right within 5 %.

    Parameters
    ----------
    fn : callable
        Takes two floats and returns a number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    errors = []
    with Examination("level_under_doubt", _CALL) as exam:
        for m, v in _CASES:
            answer, right = exam.number(exam.call(fn, m, v)), _best_level(m, v)
            off, shift = answer - right, m - right
            errors.append(abs(off))
            exam.test(
                f"level for m = {m}, v = {v}",
                abs(off) <= _SHARE * shift,
                f"{answer:.6f}, off by {short(off, 2)}, which is {abs(off) / shift:.1%} of the shift",
                f"{right:.6f}, {short(shift, 3)} below m (within {_SHARE:.0%} of this shift)",
                _hint(m, v, answer, shift),
            )
        if min(errors[:2]) > 0:
            exam.notes.append(
                f"At m = {_CASES[0][0]}, with v four times as large, the error of your formula is "
                f"{errors[0] / errors[1]:.0f} times as large. About 4 times, like v: the term in v is not right yet. "
                "About 16 times, like v^2: it is right, and only smaller terms are left out."
            )
    return exam.verdict()


def _best_level(m: float, v: float) -> float:
    """Return the zero of the slope of E[1 - l] by bisection, in float64."""
    levels = (m - math.sqrt(v), m + math.sqrt(v))
    low, high = levels
    for _ in range(60):
        a = (low + high) / 2
        if sum(_slope(a, t) for t in levels) > 0:
            high = a
        else:
            low = a
    return (low + high) / 2


def _slope(a: float, t: float) -> float:
    """Return d/da of 1 - l = (a - t)^2 / (a^2 + t^2 + C1)."""
    below = a * a + t * t + _C1
    return 2 * (a - t) / below - 2 * a * (a - t) ** 2 / below**2


def _hint(m: float, v: float, answer: float, right: float) -> str:
    """Judge the shift below m: beside the level itself, two wrong shifts would look alike."""
    shift = m - answer
    if abs(shift) <= 1e-7:
        return "m is what MSE chooses: there the denominator does not depend on the output"
    return recognise(shift, right, _mistakes(m, v))


def _mistakes(m: float, v: float) -> list[Mistake]:
    alone = "this is the shift alone; the level is m minus it"
    return [
        ("the shift has the wrong sign: SSIM chooses too dark", -v / (2 * m)),
        ("a factor 2 is missing in the denominator of the shift", v / m),
        ("there is a factor 2 too many in the denominator of the shift", v / (4 * m)),
        ("v is already the variance; it was squared once more", v * v / (2 * m)),
        ("the shift is divided by m once, not twice", v / (2 * m * m)),
        ("the shift is not divided by m", v / 2),
        ("v is the variance; its square root was taken", math.sqrt(v) / (2 * m)),
        (alone, m - v / (2 * m)),
        (alone, m + v / (2 * m)),
    ]
