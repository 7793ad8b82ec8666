"""Exercises for head and pencil: what a histogram notices, four pixels by hand, and what a weight may move."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ... import data
from ...losses import histogram_emd_loss, l1_loss
from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict

ANSWERS = ("none", "some", "all")

#: Case -> title and hint.
CASES: dict[str, tuple[str, str]] = {
    "brighter": ("every value 0.05 brighter", "every pixel has to go the same way, and keeps its rank"),
    "curve": ("a rising tone curve", "a rising curve keeps the ranks: each pixel is compared with itself"),
    "mirrored": ("the picture mirrored", "the same pixels at other places have the same histograms"),
    "red_mirrored": ("the red channel alone mirrored", "each channel is compared by itself"),
    "noise": ("noise on a photograph", "noise goes both ways: most of it cancels between pixels of near ranks"),
    "noise_on_flat": ("the same noise on a flat picture", "a flat picture has one value: every pixel goes there"),
}


def changed(case: str) -> tuple[Tensor, Tensor]:
    """Return the changed picture of a case and the picture itself, (1, 3, 96, 96), float64."""
    y = data.crop(data.photograph("astronaut"), 60, 150, 96).double() * 0.8 + 0.1
    noise = 0.05 * torch.randn(y.shape, generator=torch.Generator().manual_seed(7), dtype=y.dtype)
    if case == "brighter":
        return y + 0.05, y
    if case == "curve":
        return y**1.3, y
    if case == "mirrored":
        return y.flip(-1), y
    if case == "red_mirrored":
        return torch.cat([y[:, :1].flip(-1), y[:, 1:]], dim=1), y
    if case == "noise":
        return y + noise, y
    flat = torch.full_like(y, 0.5)
    return flat + noise, flat


def share_of_l1(case: str) -> float:
    """Return what the exact distance charges for a case, in parts of what the absolute error charges."""
    x, y = changed(case)
    return float(histogram_emd_loss(x, y, kernel="sort") / l1_loss(x, y))


def felt(case: str) -> str:
    """Return the answer to a case: none, some or all of what the absolute error charges."""
    share = share_of_l1(case)
    return "none" if share < 1e-9 else "all" if share > 1 - 1e-9 else "some"


def histogram_charges(
    *,
    brighter: str = "",
    curve: str = "",
    mirrored: str = "",
    red_mirrored: str = "",
    noise: str = "",
    noise_on_flat: str = "",
) -> Verdict:
    """Check predictions: of what the absolute error charges, how much does the histogram distance charge?

    Parameters
    ----------
    brighter, curve, mirrored, red_mirrored, noise, noise_on_flat : {"none", "some", "all"}
        For a photograph that was made brighter, put through a rising tone curve, mirrored, mirrored in red alone, and
        made noisy, and for a flat picture with the same noise.
    """
    given = {
        "brighter": brighter,
        "curve": curve,
        "mirrored": mirrored,
        "red_mirrored": red_mirrored,
        "noise": noise,
        "noise_on_flat": noise_on_flat,
    }
    with Examination("histogram_charges") as exam:
        still = ", ".join(f"{case}={answer!r}" for case, answer in given.items() if answer not in ANSWERS)
        exam.require("answers every case", not still, still or "yes", f"one of {', '.join(ANSWERS)} for each")
        for case, (title, hint) in CASES.items():
            exam.test(title, given[case] == felt(case), given[case], felt(case), hint)
        if all(item.ok for item in exam.properties):
            exam.notes.append("shares: " + ", ".join(f"{case} {share_of_l1(case):.2f}" for case in CASES))
    return exam.verdict()


#: The four pixels of the exercise.
FOUR_X, FOUR_Y = (0.9, 0.1, 0.4, 0.6), (0.5, 0.2, 0.8, 0.3)


def emd_by_hand(*, value: float = 0.0, gradient: Sequence[float] = ()) -> Verdict:
    """Check the distance of two pictures of four pixels, and its gradient in the first, worked out by hand.

    Parameters
    ----------
    value : float
        The mean of the four ways.
    gradient : sequence of float
        Its derivative in each pixel of x, in the order in which the pixels are given.
    """
    x, y = torch.tensor([FOUR_X], dtype=torch.float64), torch.tensor([FOUR_Y], dtype=torch.float64)
    leaf = x.clone().requires_grad_()
    cost = (leaf.sort().values - y.sort().values).abs().mean()
    (right,) = torch.autograd.grad(cost, leaf)
    expected = float(cost.detach())
    apart = float((x - y).abs().mean())
    with Examination("emd_by_hand") as exam:
        mistakes: list[Mistake] = [
            ("this compares the pixels at the same place: put both in order first", apart),
            ("this is the sum: divide by the four pixels", 4 * expected),
            ("this is a mean square", float((x.sort().values - y.sort().values).square().mean())),
        ]
        exam.value("value", exam.number(value), expected, rtol=1e-6, mistakes=mistakes)
        try:
            slopes = torch.as_tensor([float(one) for one in gradient], dtype=torch.float64)
        except (TypeError, ValueError):
            slopes = torch.zeros(0, dtype=torch.float64)
        slopes = exam.tensor(slopes, (4,), what="gradient")
        order = x.argsort()
        wrong: list[Mistake] = [
            ("each is 1/4 in size: the distance is a mean of four", 4 * right),
            ("in the order of the pixels as they are given, not of their sizes", right.gather(1, order)),
            ("this is the sign against the pixel at the same place", (x - y).sign() / 4),
            ("these are differences of pixels at the same place: the slope of a size is a sign, by rank", x - y),
            ("the sign is wrong: a pixel that is too bright has a positive slope", -right),
        ]
        exam.value("gradient", slopes[None], right, rtol=1e-6, mistakes=wrong)
    return exam.verdict()


_REACH = "fn(reach, bins)"


def weight_for_reach(fn: Callable[[float, int], Any]) -> Verdict:
    """Check ``fn(reach, bins)``: the largest printed weight that moves no pixel of a Bayes act further than `reach`.

    Parameters
    ----------
    fn : callable
        Takes how far a pixel may leave the mean of the candidates, in [0, 1], and the number of bins; returns the
        weight of a histogram term whose value is in bins, beside the mean squared error.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _REACH)
    with Examination("weight_for_reach", _REACH) as exam:
        for reach, bins in ((0.05, 256), (0.5, 256), (0.01, 50), (0.25, 100)):
            answer = exam.number(exam.call(fn, reach, bins))
            mistakes: list[Mistake] = [
                ("this is the weight for a value in units of the range: the printed value is in bins", 2 * reach),
                ("multiplied where it has to be divided: a value in bins is the larger one", 2 * reach * bins),
                ("a factor 2 is missing: the squared error has the slope 2 (x - mean)", reach / bins),
                ("the factor 2 is on the wrong side: weight / 2 is the reach", reach / 2 / bins),
            ]
            exam.value(f"{reach:g} with {bins} bins", answer, 2 * reach / bins, rtol=1e-9, mistakes=mistakes)
    return exam.verdict()
