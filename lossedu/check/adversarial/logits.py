"""The generator's side of the game: its loss, from the critic's logits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict
from .answers import distinct, number, slopes

#: Why a loss is infinite where the critic is sure.
UNDERFLOW = (
    "at such logits a sigmoid is 0 or 1 to the last digit and its logarithm infinite, or exp overflows: a stable form "
    "takes neither the logarithm of a sigmoid nor the exponential of a large number"
)
_WHERE = (
    "the branch that torch.where does not choose has a slope too, and 0 times infinity is NaN: take a form without one"
)
_GRAPH = "no .item(), no .detach() and no torch.no_grad() on the way from the logits"

_GENERATOR = "fn(logits)"


def generator_loss(fn: Callable[[Tensor], Any]) -> Verdict:
    """Check ``fn(logits)``: the generator's loss that does not saturate, a mean over the pictures, for any logits.

    Parameters
    ----------
    fn : callable
        Takes the critic's logits for processed pictures, (N, 1), high for "real"; returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _GENERATOR)
    cases = {
        "four logits": torch.tensor([-2.0, -0.5, 0.3, 1.5]).double(),
        "the critic can hardly tell": torch.tensor([0.01, -0.02]).double(),
        "logits of 1000, taken in": torch.full((3,), 1000.0).double(),
        "logits of -1000, found out": torch.full((2,), -1000.0).double(),
        "the same in single precision": torch.tensor([-1000.0, 0.5]),
        "-200 in single precision": torch.tensor([-200.0]),
    }
    with Examination("generator_loss", _GENERATOR) as exam:
        for title, values in cases.items():
            logits = values[:, None]
            answer = exam.call(fn, logits.clone().requires_grad_())
            found = number(exam, answer, title, UNDERFLOW)
            right = float(F.softplus(-logits.double()).mean())
            mistakes = distinct(_generator_mistakes(logits.double()))
            exam.value(f"{title}: value", found, right, rtol=1e-5, atol=1e-9, mistakes=mistakes)
            leaf = logits.clone().requires_grad_()
            total = slopes(exam, exam.call(lambda leaf=leaf: fn(leaf)), _GRAPH)
            (slope,) = torch.autograd.grad(total, leaf, allow_unused=True)
            slope = torch.zeros_like(leaf) if slope is None else slope
            hint = _WHERE if math.isfinite(found) else UNDERFLOW
            fine = bool(slope.isfinite().all())
            exam.require_once("the gradient is finite", fine, "yes" if fine else f"no, for {title}", "yes", hint)
            wanted = -torch.sigmoid(-logits.double()) / len(logits)
            exam.value(
                f"{title}: gradient", slope, wanted, rtol=1e-5, atol=1e-9, mistakes=distinct(_slope_mistakes(logits))
            )
    return exam.verdict()


def _generator_mistakes(logits: Tensor) -> list[Mistake]:
    right = F.softplus(-logits)
    made = [
        ("this is log(1 - D), the form that saturates: where the critic is sure it has no slope", -F.softplus(logits)),
        ("this is low where the critic says *fake*: the labels, or the sign of the logit", F.softplus(logits)),
        ("this is log D: the loss is minus that", -right),
        ("the logarithm is missing: this is minus the probability", -torch.sigmoid(logits)),
        ("the logarithm is missing: this is one minus the probability", torch.sigmoid(-logits)),
        ("this is the loss of a Wasserstein critic: minus the logit", -logits),
        ("this is the loss of least squares", (logits - 1).square()),
        ("this is half the loss of least squares", (logits - 1).square() / 2),
        ("this is a hinge", F.relu(1 - logits)),
        ("this is in bits: take the natural logarithm", right / math.log(2)),
        ("binary_cross_entropy cuts the logarithm off at -100, and the slope with it", right.clamp(max=100)),
    ]
    means: list[Mistake] = [(hint, float(value.mean())) for hint, value in made]
    for small in (1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16, 1e-20, 1e-30):
        hint = "a small number inside of the logarithm bounds the loss, and where it acts there is no slope"
        means.append((hint, float(-torch.log(torch.sigmoid(logits) + small).mean())))
        means.append((hint, float(-torch.log(torch.sigmoid(logits).clamp(min=small)).mean())))
    for bound in (10, 15, 20, 30, 40, 50, 80, 88):
        hint = "the logits are clamped: beyond the bound there is no slope"
        means.append((hint, float(F.softplus(-logits.clamp(-bound, bound)).mean())))
    return [*means, ("this is the sum: average over the pictures", float(right.sum()))]


def _slope_mistakes(logits: Tensor) -> list[Mistake]:
    right = -torch.sigmoid(-logits.double()) / len(logits)
    return [
        (
            "no slope where the critic is sure: a clamp, or a small number in the logarithm, has taken it",
            torch.zeros_like(right),
        ),
        ("this is the slope of the form that saturates", -torch.sigmoid(logits.double()) / len(logits)),
        ("the slope of a sum: average over the pictures", right * len(logits)),
    ]
