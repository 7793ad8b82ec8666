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
                recognise(answer, right, _mistakes(m, v)),
            )
        if min(errors[:2]) > 0:
            order = math.log(errors[0] / errors[1]) / math.log(_CASES[0][1] / _CASES[1][1])
            exam.notes.append(
                f"At m = {_CASES[0][0]} the error of your formula grows like v to the power {order:.1f}; "
                "a formula of first order leaves out v^2."
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


def _mistakes(m: float, v: float) -> list[Mistake]:
    return [
        ("m is what MSE chooses: there the denominator does not depend on the output", m),
        ("the shift has the wrong sign: SSIM chooses too dark", m + v / (2 * m)),
        ("a factor 2 is missing in the denominator of the shift", m - v / m),
        ("the shift is divided by m once, not twice", m - v / (2 * m * m)),
        ("the shift is not divided by m", m - v / 2),
        ("v is the variance; its square root was taken", m - math.sqrt(v) / (2 * m)),
    ]
