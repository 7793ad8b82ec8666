"""The exercise on PULL: the derivative of a bounded loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict

_CALL = "fn(q, c)"


def bounded_slope(fn: Callable[[float, float], Any], peak: Callable[[float], Any] | None = None) -> Verdict:
    r"""Check ``fn(q, c)``: the derivative of :math:`q^2 / (q^2 + c^2)` in q, (0.11) for one pixel.

    Parameters
    ----------
    fn : callable
        Takes two numbers and returns one.
    peak : callable, optional
        Takes c and returns the error q > 0 at which the slope is largest.  Without it, this is not asked.

    Raises
    ------
    TypeError
        If `fn` or `peak` cannot be called.
    """
    function("fn", fn, _CALL)
    if peak is not None:
        function("peak", peak, "peak(c)")
    cases = (
        ("no error, q = 0", 0.0, 0.3),
        ("near, q = 0.1", 0.1, 0.3),
        ("at q = c = 0.3", 0.3, 0.3),
        ("far, q = 2", 2.0, 0.3),
        ("an output that is too dark, q = -0.2", -0.2, 0.3),
        ("another c, q = 0.5", 0.5, 0.1),
    )
    with Examination("bounded_slope", _CALL if peak is None else f"{_CALL} and peak(c)") as exam:
        right = True
        for name, q, c in cases:
            answer = exam.number(exam.call(fn, q, c))
            # where all was right above zero, it is the sign that was lost below
            mistakes = [(_SIGN, -_slope(q, c))] if q < 0 and right else _mistakes(q, c)
            right &= exam.value(name, answer, _slope(q, c), rtol=1e-5, atol=1e-12, mistakes=mistakes, hint=_HINT)
        if peak is not None:
            for c in (0.3, 0.1):
                at = exam.number(exam.call(peak, c), "where it is largest: returns one number")
                exam.value(f"largest, c = {c:g}", at, c / math.sqrt(3), rtol=0.02, mistakes=_peaks(c), hint=_PEAK)
    return exam.verdict()


_HINT = "quotient rule: (A'B - AB') / B^2 with A = q^2, B = q^2 + c^2, and A' = B' = 2q"


_PEAK = "set the derivative of the slope in q to zero, or try errors from 0 to 2c in at least 100 steps"


_SIGN = "the derivative keeps the sign of the error: for q below 0 it points the other way"


def _slope(q: float, c: float) -> float:
    return 2 * q * c * c / (q * q + c * c) ** 2


def _peaks(c: float) -> list[Mistake]:
    return [
        ("at q = c the loss has reached half of its height; its slope was largest before", c),
        ("this is the slope there; the error q was asked for", _slope(c / math.sqrt(3), c)),
        ("the square root is missing: this is the square of q", c * c / 3),
        ("the numerator of the slope grows with q as well: differentiate it too", 0.0),
    ]


def _mistakes(q: float, c: float) -> list[Mistake]:
    below = q * q + c * c
    return [
        ("only the numerator was differentiated: the denominator depends on q too", 2 * q / below),
        ("the denominator is squared in the quotient rule", 2 * q * c * c / below),
        ("this is the loss itself", q * q / below),
        ("the sign of the second term of the quotient rule is minus", (2 * q * below + q * q * 2 * q) / below**2),
        ("a factor 2 is missing", q * c * c / below**2),
        ("this is the pull, the negative of the derivative; the derivative was asked for", -_slope(q, c)),
    ]
