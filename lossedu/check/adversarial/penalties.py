"""The exercise on R1, the squared slope of the critic at the real pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..examination import Examination
from ..numbers import Mistake
from ..reader import describe, function
from ..verdict import Verdict
from .answers import distinct, number

_CALL = "fn(critic, x, y)"


def bent_critic() -> nn.Sequential:
    """Return a small critic for pictures (N, 3, 7, 6), float64, whose slope differs from picture to picture."""
    made = nn.Sequential(
        nn.Conv2d(3, 5, 3), nn.Softplus(), nn.Conv2d(5, 4, 3, 2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 1)
    ).double()
    generator = torch.Generator().manual_seed(12)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 2)
    return made


def slopes_at(critic: nn.Module, z: Tensor) -> Tensor:
    """Return the gradient of each picture's own logit in its own pixels, with its graph."""
    leaf = z.detach().clone().requires_grad_()
    (made,) = torch.autograd.grad(critic(leaf).sum(), leaf, create_graph=True)
    return made


def squared_slope(critic: nn.Module, y: Tensor) -> Tensor:
    """Return the mean over pictures of the squared norm of the critic's gradient."""
    return slopes_at(critic, y).square().sum(dim=(1, 2, 3)).mean()


def r1_penalty(fn: Callable[[nn.Module, Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(critic, x, y)``: the mean over real pictures of the squared norm of the critic's gradient in them.

    Parameters
    ----------
    fn : callable
        Takes a critic that returns logits (N, 1), processed pictures x and real ones y, (N, 3, H, W), float64; returns
        one number with a graph that leads to the critic's parameters.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    generator = torch.Generator().manual_seed(8)
    x, y = torch.rand(2, 4, 3, 7, 6, generator=generator, dtype=torch.float64).unbind()
    with Examination("r1_penalty", _CALL, _explain) as exam:
        for title, a, b in (("four pictures", x, y), ("one picture", x[:1], y[1:2])):
            critic = bent_critic()
            answer = exam.call(lambda one, two, critic=critic: fn(critic, one, two), a, b)
            found = number(exam, answer, title, "the square root of 0 is not needed here: the norm is squared")
            right = float(squared_slope(critic, b).detach())
            exam.value(title, found, right, rtol=1e-5, mistakes=distinct(_mistakes(critic, a, b)))
        critic = bent_critic()
        answer = exam.call(lambda one, two: fn(critic, one, two), x, y)
        written = [p for p in critic.parameters() if p.grad is not None]
        hint = "backward() also writes into the critic's parameters: torch.autograd.grad returns the one gradient"
        seen = f"{len(written)} of its tensors have a gradient" if written else "none"
        exam.test("leaves the critic's gradients alone", not written, seen, "none before the loss goes back", hint)
        critic.zero_grad()
        hint = (
            "create_graph=True in torch.autograd.grad, and no .item() or .detach() after it: the penalty has to train"
        )
        flows = isinstance(answer, Tensor) and answer.requires_grad
        exam.require("has a gradient", flows, "yes" if flows else "no", "a tensor with a graph", hint)
        try:
            answer.sum().backward()
        except RuntimeError as error:
            exam.require("goes back", False, describe(error), "answer.backward() runs", hint)
        taken = _taken(critic)
        # A penalty of another value has another gradient too: the hint is on one that is cut off.
        fits = all(item.ok for item in exam.properties) or not taken.any()
        exam.value("gradient in the critic's parameters", taken, _wanted(y), rtol=1e-5, hint=hint if fits else "")
    return exam.verdict()


def _explain(error: Exception) -> str:
    text = str(error)
    if "does not require grad" in text:
        return "real pictures come without a graph: y = y.detach().requires_grad_() before the critic sees them"
    if "implicitly created only for scalar" in text:
        return "one number has to be differentiated: no logit depends on another picture, so take their sum"
    return (
        "the critic has to see the very tensor that is differentiated in" if "appears to not have been" in text else ""
    )


def _taken(critic: nn.Module) -> Tensor:
    made = [p.grad if p.grad is not None else torch.zeros_like(p) for p in critic.parameters()]
    return torch.cat([one.flatten() for one in made])[None]


def _wanted(y: Tensor) -> Tensor:
    critic = bent_critic()
    squared_slope(critic, y).backward()
    return _taken(critic)


def _mistakes(critic: nn.Module, x: Tensor, y: Tensor) -> list[Mistake]:
    slope = slopes_at(critic, y).detach()
    each = slope.square().sum(dim=(1, 2, 3))
    right, count, pixels = float(each.mean()), len(y), slope[0].numel()
    inside = torch.autograd.grad(critic(y).sum(), list(critic.parameters()))
    norm, between = float(each.sqrt().mean()), _at(critic, (x + y) / 2)
    leaf = y.clone().requires_grad_()
    ((probability,), (cost,)) = (
        torch.autograd.grad(made, leaf) for made in (torch.sigmoid(critic(leaf)).sum(), F.softplus(-critic(leaf)).sum())
    )
    return [
        ("this is taken at the processed pictures: R1 is taken at the real ones, y", _at(critic, x)),
        ("this is taken between real and processed pictures: R1 is taken at the real ones, y", between),
        ("this is R1 of the real pictures plus the same of the processed ones", right + _at(critic, x)),
        ("the norm is not squared", norm),
        ("the mean norm is squared: square each picture's norm, and take the mean after that", norm**2),
        ("a mean over pixels and channels: a squared norm is their sum", right / pixels),
        ("this is the sum over the pictures: take their mean", right * count),
        ("the mean of the logits is differentiated: take their sum, since the 1/N in it is squared", right / count**2),
        ("the mean of the logits is differentiated, and the norms are added up: 1/N is squared", right / count),
        ("the gradients of all pictures are averaged before the square", float(slope.mean(dim=0).square().sum())),
        ("the gradients of all pictures are added up before the square", float(slope.sum(dim=0).square().sum())),
        ("the norm runs over channels only, and the pixels are averaged", right * slope.shape[1] / pixels),
        ("half of it: the factor gamma/2 stands before the penalty, and not in it", right / 2),
        ("(norm - 1)² is for a Wasserstein critic", float((each.sqrt() - 1).square().mean())),
        ("the sizes are added up: the norm has their squares", float(slope.abs().sum(dim=(1, 2, 3)).mean())),
        ("the probability is differentiated: take the logit", float(probability.square().sum(dim=(1, 2, 3)).mean())),
        ("the loss is differentiated: take the logit", float(cost.square().sum(dim=(1, 2, 3)).mean())),
        (
            "this is the gradient in the critic's parameters: that in the pictures is asked for",
            float(sum(one.square().sum() for one in inside)),
        ),
        ("the norm of the whole batch, not squared", math.sqrt(right * count)),
    ]


def _at(critic: nn.Module, z: Tensor) -> float:
    return float(squared_slope(critic, z).detach())
