"""Where the smallest adversarial game comes to rest: the size of a step's eigenvalues, and the least penalty."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..examination import Examination
from ..numbers import Mistake
from ..reader import function, kind
from ..verdict import Verdict
from .answers import distinct, number, single

_FACTOR = "fn(step, gamma)"
_SIZE = "the size of an eigenvalue, abs(), which both have in common: one number"


def dirac_factor(fn: Callable[[float, float], Any]) -> Verdict:
    """Check ``fn(step, gamma)``: by what the distance from the equilibrium is multiplied, a step, near to it.

    Parameters
    ----------
    fn : callable
        Takes the step size and the strength of the penalty, 0 to 1; returns the size of the eigenvalues of a step.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _FACTOR)
    complex_ = (
        "the eigenvalues of the derivative are complex for gamma below 1: the size of a complex number is asked for"
    )
    with Examination("dirac_factor", _FACTOR) as exam:
        for h, g in ((0.1, 0.0), (0.5, 0.0), (0.5, 0.125), (0.5, 0.5), (1.0, 0.9), (0.2, 1.0)):
            title = f"step {h:g}, gamma {g:g}"
            answer = exam.call(fn, h, g)
            real = single(answer) and not (isinstance(answer, Tensor) and answer.is_complex())
            exam.require_once("returns one real number", real, kind(answer), "a float", _SIZE)
            value = number(exam, answer, title, complex_)
            square = 1 - h * g + h * h / 4
            mistakes: list[Mistake] = [
                ("this is the square: the determinant is the product of two eigenvalues of one size", square),
                ("the slope of softplus at 0 is 1/2, not 1", math.sqrt(1 - h * g + h * h)),
                ("h²/4 is missing: a step of finite size leads away from a circle", math.sqrt(1 - h * g)),
                ("this is the factor of infinitely small steps: h²/4 is missing", math.exp(-h * g / 2)),
                ("this is the real part alone", 1 - h * g / 2),
                ("the penalty is missing", math.sqrt(1 + h * h / 4)),
                (
                    "the penalty is gamma/2 psi², so its derivative is gamma psi, not 2 gamma psi",
                    math.sqrt(abs(1 - 2 * h * g + h * h / 4)),
                ),
                (
                    "the penalty is gamma/2 psi², so its derivative is gamma psi, not gamma psi / 2",
                    math.sqrt(1 - h * g / 2 + h * h / 4),
                ),
                ("the sign of the penalty: it draws psi towards 0", math.sqrt(1 + h * g + h * h / 4)),
                ("the two off-diagonal entries have opposite signs", math.sqrt(abs(1 - h * g - h * h / 4))),
            ]
            exam.value(title, value, math.sqrt(square), rtol=1e-6, mistakes=distinct(mistakes))
    return exam.verdict()


_LEAST = "fn(step)"


def least_gamma(fn: Callable[[float], Any]) -> Verdict:
    """Check ``fn(step)``: the strength of R1 above which simultaneous steps of this size converge.

    Parameters
    ----------
    fn : callable
        Takes the step size, between 0 and 4; returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _LEAST)
    with Examination("least_gamma", _LEAST) as exam:
        for h in (0.1, 0.5, 2.0):
            value = exam.number(exam.call(fn, h))
            mistakes: list[Mistake] = [
                ("the slope of softplus at 0 is 1/2, not 1", h),
                ("this is h²/4: one h belongs to h gamma", h * h / 4),
                ("the penalty is gamma/2 psi², so its derivative is gamma psi, not 2 gamma psi", h / 8),
                ("the penalty is gamma/2 psi², so its derivative is gamma psi, not gamma psi / 2", h / 2),
                ("every gamma above 0 is enough for infinitely small steps, and not for a step of this size", 0.0),
                ("that is where nothing turns any more: it converges long before", 1.0),
                ("this is the largest gamma: the least is asked for", 2 / h + h / 8),
                ("upside down: larger steps need more of the penalty", 4 / h),
            ]
            exam.value(f"step {h:g}", value, h / 4, rtol=1e-6, mistakes=distinct(mistakes))
    return exam.verdict()
