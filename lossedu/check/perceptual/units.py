"""Exercises on the activation: who has a gradient, and what it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict

#: Case -> title, the unit's value for x and for y before the activation, and a hint.
CASES: dict[str, tuple[str, float, float, str]] = {
    "both_below": ("x below zero, y below zero", -2.0, -1.0, "after the activation both are 0: no cost, no slope"),
    "x_below": (
        "x below zero, y above",
        -1.0,
        2.0,
        "after the activation there is a cost, and a slope of 0 for x: the derivative of relu below zero",
    ),
    "y_below": ("x above zero, y below", 1.0, -1.0, "x is above zero, so relu lets its gradient pass"),
    "both_above": ("x above zero, y above", 1.0, 3.0, "relu changes nothing here"),
}

ANSWERS = ("both", "before", "after", "none")


def felt_by(x: float, y: float) -> str:
    """Return which of the two losses has a gradient in x: before the activation, after it, both, none."""
    leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    goal = torch.tensor(y, dtype=torch.float64)
    slopes = [torch.autograd.grad(cost, leaf)[0] for cost in ((leaf - goal) ** 2, (leaf.relu() - goal.relu()) ** 2)]
    return {(True, True): "both", (True, False): "before", (False, True): "after", (False, False): "none"}[
        bool(slopes[0]), bool(slopes[1])
    ]


def who_feels(*, both_below: str = "", x_below: str = "", y_below: str = "", both_above: str = "") -> Verdict:
    """Check predictions: which of two losses has a gradient at one unit, ``"before"`` the activation, ``"after"`` it.

    Parameters
    ----------
    both_below, x_below, y_below, both_above : {"both", "before", "after", "none"}
        For a unit of x and the same unit of y that lie below or above zero before the activation.
    """
    given = {"both_below": both_below, "x_below": x_below, "y_below": y_below, "both_above": both_above}
    with Examination("who_feels") as exam:
        known = all(answer in ANSWERS for answer in given.values())
        exam.require("answers every case", known, str(given), f"one of {', '.join(ANSWERS)} for each")
        for case, (title, x, y, hint) in CASES.items():
            right = felt_by(x, y)
            exam.test(title, given[case] == right, given[case], right, hint)
    return exam.verdict()


_CALL = "fn(x, y, weight)"


def feature_gradient(fn: Callable[[Tensor, Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(x, y, weight)``: the gradient in x of the mean square difference of relu(conv(·)).

    Parameters
    ----------
    fn : callable
        Takes two pictures (1, 3, H, W) and the weight (C, 3, 3, 3) of a convolution with padding 1 and no bias, all
        float64; returns a tensor like x.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    generator = torch.Generator().manual_seed(6)
    weight = torch.randn(5, 3, 3, 3, generator=generator, dtype=torch.float64) / 4
    y = torch.rand(1, 3, 9, 8, generator=generator, dtype=torch.float64) - 0.5
    x = y + 0.2 * torch.randn(y.shape, generator=generator, dtype=torch.float64)
    with Examination("feature_gradient", _CALL) as exam:
        for name, a, b, w in (
            ("five features", x, y, weight),
            ("one feature", x, y, weight[:1]),
            ("x and y changed round", y, x, weight),
        ):
            answer = exam.tensor(exam.call(fn, a, b, w), a.shape, torch.float64)
            exam.value(name, answer, _gradient(a, b, w), rtol=1e-9, mistakes=_mistakes(a, b, w))
        same = exam.tensor(exam.call(fn, y, y, weight), y.shape, torch.float64)
        exam.test("0 for equal pictures", not bool(same.any()), f"up to {float(same.abs().max()):.3g}", "0")
    return exam.verdict()


def _features(x: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(x, weight, padding=1)


def _gradient(x: Tensor, y: Tensor, weight: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    cost = (_features(leaf, weight).relu() - _features(y, weight).relu()).square().mean()
    return torch.autograd.grad(cost, leaf)[0]


def _mistakes(x: Tensor, y: Tensor, weight: Tensor) -> list[Mistake]:
    a, b = _features(x, weight), _features(y, weight)
    gap, before = a.relu() - b.relu(), a - b

    def back(values: Tensor) -> Tensor:
        return 2 / a.numel() * F.conv_transpose2d(values, weight, padding=1)

    def across(values: Tensor) -> Tensor:
        return 2 / a.numel() * F.conv2d(values, weight.transpose(0, 1), padding=1)

    right = _gradient(x, y, weight)
    return [
        ("the mask of relu is missing: where x's unit is below zero nothing comes back", back(gap)),
        ("the mask is that of y: the slope of relu is taken where x is", back(gap * (b > 0))),
        ("this is the gradient of the loss before the activation", back(before)),
        ("both masks at once: a unit that only x has on is pulled as well", back(gap * (a > 0) * (b > 0))),
        ("relu is missing in the difference", back(before * (a > 0))),
        ("a factor 2 is missing", right / 2),
        ("1/n is missing: the loss is a mean over channels and pixels", right * a.numel()),
        ("the mean is over pixels and channels: divide by C H W, not by H W", right * a.shape[1]),
        ("the sign is wrong", -right),
        ("the way back turns the kernel round: conv_transpose2d, not conv2d", across(gap * (a > 0))),
    ]
