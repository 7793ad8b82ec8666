"""Exercises on what a weight in a sum of two losses comes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...instruments.steering import same_weight
from ..examination import Examination
from ..reader import function
from ..verdict import Verdict
from .scenes import CASES, SHARES, steering_share


def who_steers(**named: str) -> Verdict:
    """Check which term has more than half of the pull on the pixels: "ms_ssim" or "l1", case by case.

    Parameters
    ----------
    grain, shift, storm, code : str
        On the patch of the explorable.  With the paper's weight: grain of 5/255, a uniform shift of 5/255, grain of
        80/255; with the weight of the code, 0.025: grain of 5/255.
    """
    with Examination("who_steers") as exam:
        fits = sorted(named) == sorted(CASES) and all(one in ("ms_ssim", "l1") for one in named.values())
        wanted = ", ".join(f"{case}=" for case in CASES) + ', each "ms_ssim" or "l1"'
        exam.require("names a term for each case", fits, repr(named)[:80], wanted)
        for case, (title, _, _, _, hint) in CASES.items():
            share = steering_share(case)
            right = "ms_ssim" if share > 0.5 else "l1"
            exam.test(title, named[case] == right, f"{named[case]}; MS-SSIM has {100 * share:.0f} %", right, hint)
    return exam.verdict()


def equivalent_weight(fn: Callable[[float, float], Any]) -> Verdict:
    """Check ``fn(alpha, unit)``: the weight that does on [0, 1] what alpha does with the absolute error in 0 to unit.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, "fn(alpha, unit)")
    with Examination("equivalent_weight", "fn(alpha, unit)") as exam:
        for alpha, unit in ((0.84, 255.0), (0.5, 255.0), (0.3, 1.0), (0.0, 255.0), (1.0, 255.0), (0.84, 1023.0)):
            answer = exam.number(exam.call(fn, alpha, unit))
            right = same_weight(alpha, unit)
            mistakes = [
                ("the weights no longer add up to 1: divide both by their sum", alpha / unit),
                (
                    "this is the way back: it makes a weight for 0 to unit of one for [0, 1]",
                    same_weight(alpha, 1 / unit),
                ),
                (
                    "the sum of both weights is alpha + (1 - alpha) unit",
                    alpha / ((1 - alpha) * unit) if alpha < 1 else 0,
                ),
            ]
            exam.value(f"alpha {alpha:g}, unit {unit:g}", answer, right, rtol=1e-6, atol=1e-12, mistakes=mistakes)
    return exam.verdict()


def matching_weight(fn: Callable[[float, float, float], Any]) -> Verdict:
    """Check ``fn(weight, d_ssim, ms_ssim)``: Zhao's alpha at which MS-SSIM has the share that D-SSIM has.

    Parameters
    ----------
    fn : callable
        Takes the weight of D-SSIM beside an absolute error, and the pulls of D-SSIM and of MS-SSIM, where that of the
        absolute error is 1.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, "fn(weight, d_ssim, ms_ssim)")
    with Examination("matching_weight", "fn(weight, d_ssim, ms_ssim)") as exam:
        for weight, single, many in SHARES:
            answer = exam.number(exam.call(fn, weight, single, many))
            right = weight * single / (weight * single + (1 - weight) * many)
            share = weight * single / (weight * single + 1 - weight)
            mistakes = [
                ("this is the share itself; which alpha gives MS-SSIM that share?", share),
                ("the pulls are the wrong way round", weight * many / (weight * many + (1 - weight) * single)),
                (
                    "only the MS-SSIM term has changed: both weights have to be divided by their sum",
                    weight * single / many,
                ),
            ]
            exam.value(f"weight {weight:g}, pulls {single:g} and {many:g}", answer, right, rtol=1e-6, mistakes=mistakes)
    return exam.verdict()
