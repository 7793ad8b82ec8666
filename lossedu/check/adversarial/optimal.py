"""Exercises on the best critic that there is, and on the divergence that it measures."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict
from .answers import distinct, number, pair

#: Mean of the real values, mean of the fake ones, and the standard deviation of both.
GAUSSIANS = ((1.0, 0.0, 1.0), (0.7, 0.2, 0.1), (-1.0, 2.0, 0.5), (0.4, 0.4, 0.2), (0.0, -0.6, 2.0))

_LINE = "fn(real, fake, deviation)"


def gaussian_critic(fn: Callable[[float, float, float], Any]) -> Verdict:
    """Check ``fn(real, fake, deviation)``: the logit of the optimal critic of two Gaussians, a straight line.

    Parameters
    ----------
    fn : callable
        Takes the mean of the real values, the mean of the fake ones, and the standard deviation that both have; returns
        a pair: slope, offset, for the logit slope * t + offset, high for real.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _LINE)
    with Examination("gaussian_critic", _LINE) as exam:
        for a, b, s in GAUSSIANS:
            title = f"means {a:g} and {b:g}, deviation {s:g}"
            slope, offset = pair(exam, exam.call(fn, a, b, s), ("slope", "offset"))
            right = (a - b) / s**2
            mistakes: list[Mistake] = [
                ("real and fake are changed round: the logit rises towards the real values", -right),
                ("divided by the deviation: the exponent of a Gaussian has the variance below it", (a - b) / s),
                ("a factor 2 is missing: the mixed term of (t - a)² is 2at, and 2s² stands below it", right / 2),
                ("a factor 2 too many: 2at is divided by 2s²", right * 2),
                ("the variance is missing", a - b),
                ("multiplied by the variance: it stands below", (a - b) * s**2),
            ]
            exam.value(f"{title}: slope", slope, right, rtol=1e-6, atol=1e-9, mistakes=distinct(mistakes))
            right = (b * b - a * a) / (2 * s**2)
            mistakes = [
                ("the sign: the logit is 0 halfway between both means, and high for real", -right),
                ("a factor 2 is missing: the logit is 0 halfway between both means", right * 2),
                ("divided by the deviation: the exponent of a Gaussian has the variance below it", right * s),
                ("the logit is 0 halfway between both means, not at the real one", -(a - b) * a / s**2),
                ("the logit is 0 halfway between both means, not at the fake one", -(a - b) * b / s**2),
                ("(b - a)² is not b² - a²: each square is taken by itself", (b - a) ** 2 / (2 * s**2)),
                ("(b - a)² is not b² - a²: each square is taken by itself", -((b - a) ** 2) / (2 * s**2)),
                ("the variance is missing", (b * b - a * a) / 2),
                ("this is where the logit is 0: the offset is its value at t = 0", (a + b) / 2),
            ]
            exam.value(f"{title}: offset", offset, right, rtol=1e-6, atol=1e-9, mistakes=distinct(mistakes))
    return exam.verdict()


#: How far apart the two uniform distributions lie, in units of their width.
SHIFTS = (0.25, 0.6, 1.0, 1.5, 4.0, 0.0, -0.6, -3.0)

_DIVERGENCE = "fn(shift)"


def uniform_divergence(fn: Callable[[float], Any]) -> Verdict:
    """Check ``fn(shift)``: the Jensen-Shannon divergence, in nats, of two uniform distributions of width 1.

    Parameters
    ----------
    fn : callable
        Takes by how much the second lies to the right of the first, a float of either sign; returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _DIVERGENCE)
    kl = "a Kullback-Leibler divergence is infinite here: this one compares both with their mixture, which is nowhere 0"
    nan = "0 times the logarithm of 0 counts as 0"
    with Examination("uniform_divergence", _DIVERGENCE) as exam:
        for shift in SHIFTS:
            value = number(exam, exam.call(fn, shift), f"shifted by {shift:g}", kl, nan)
            part = min(abs(shift), 1.0)
            right = part * math.log(2)
            mistakes: list[Mistake] = [
                (
                    "once they are apart they stay as different as they are: no more than all of it lies outside",
                    _ramp(shift),
                ),
                ("a shift to the left is as far as one to the right", shift * math.log(2)),
                ("a shift to the left is as far as one to the right", max(min(shift, 1.0), 0.0) * math.log(2)),
                ("this is in bits: with the natural logarithm it is log 2 as large", part),
                ("this is half of it: what lies outside does so on both sides", right / 2),
                ("this is twice the divergence", right * 2),
                ("this is the least loss of the critic, 2 log 2 - 2 JS: solve for JS", 2 * math.log(2) - 2 * right),
                ("this is the divergence of all but the shifted part", (1 - part) * math.log(2)),
                (
                    "log 2 only when they are apart: where both lie the mixture is as high as they are, and costs 0",
                    math.log(2),
                ),
                ("the square of the shift: the part outside grows like the shift itself", part**2 * math.log(2)),
            ]
            exam.value(f"shifted by {shift:g}", value, right, rtol=1e-6, atol=1e-9, mistakes=distinct(mistakes))
    return exam.verdict()


def _ramp(shift: float) -> float:
    return abs(shift) * math.log(2)
