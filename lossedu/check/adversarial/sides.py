"""The critic's side of the game: its loss, from its logits for real and for processed pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..examination import Examination
from ..numbers import Mistake
from ..reader import describe, function
from ..verdict import Verdict
from .answers import distinct, number, slopes
from .logits import UNDERFLOW


class Affine(nn.Module):
    """A critic that is a straight line in the mean of the picture: steepness times (mean - 1/2)."""

    def __init__(self, steepness: float) -> None:
        super().__init__()
        self.steepness = nn.Parameter(torch.tensor(steepness, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        logit: Tensor = self.steepness * (x.mean(dim=(1, 2, 3)) - 0.5)
        return logit[:, None]


def small_critic() -> nn.Sequential:
    """Return a critic for pictures (N, 3, 6, 6), float64, with logits far enough from 0."""
    last = nn.Linear(64, 1)
    made = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Softplus(), nn.Flatten(), last).double()
    generator = torch.Generator().manual_seed(8)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / 2)
        last.bias.add_(5)  # so that neither side is sure
    return made


def both_sides(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return the critic's loss: y is real, x is not and gets no gradient."""
    return F.softplus(-critic(y)).mean() + F.softplus(critic(x.detach())).mean()


_CRITIC = "fn(critic, x, y)"


def critic_loss(fn: Callable[[nn.Module, Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(critic, x, y)``: the critic's loss, y real and x processed, the sum of both sides.

    Parameters
    ----------
    fn : callable
        Takes a critic that returns logits (N, 1), processed pictures x and real ones y, (N, 3, H, W), float64; x has a
        graph that leads to the generator.  Returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CRITIC)
    generator = torch.Generator().manual_seed(8)
    x, y = torch.rand(2, 3, 3, 6, 6, generator=generator, dtype=torch.float64).unbind()
    with Examination("critic_loss", _CRITIC) as exam:
        critic = small_critic()
        leaf = x.clone().requires_grad_()
        answer = exam.call(lambda a, b: fn(critic, a, b), leaf, y)
        found = number(exam, answer, "pictures", UNDERFLOW)
        mistakes = _critic_mistakes(small_critic(), x, y)
        right = float(both_sides(small_critic(), x, y).detach())
        usual = exam.value("value", found, right, rtol=1e-6, mistakes=distinct(mistakes))
        total = slopes(exam, answer, "no .item() and no torch.no_grad(): the critic learns from this number")
        try:
            total.backward()
        except RuntimeError as error:
            exam.require("goes back", False, describe(error), "answer.backward() runs")
        _gradients(exam, critic, x, y)
        reached = leaf.grad is not None and bool(leaf.grad.any())
        hint = (
            "only the critic learns from this loss, and backward() went on into the generator: cut x off from its graph"
        )
        exam.test("the generator gets no gradient", not reached, "x has one" if reached else "none", "none", hint)
        for title, steepness in (("sure, and right", 4000.0), ("sure, and wrong", -4000.0)):
            line, dark, bright = Affine(steepness), torch.full_like(x, 0.25), torch.full_like(y, 0.75)
            answer = exam.call(lambda a, b, line=line: fn(line, a, b), dark, bright)
            value = number(exam, answer, f"{title}, logits of 1000", UNDERFLOW)
            right = float(both_sides(line, dark, bright).detach())
            cut: list[Mistake] = [("binary_cross_entropy cuts the logarithm off at -100: give it logits", 200.0)]
            hint = _BOUNDED if usual else ""  # another loss is wrong here too, and not for that reason
            exam.value(f"{title}, logits of 1000", value, right, rtol=1e-6, atol=1e-9, mistakes=cut, hint=hint)
    return exam.verdict()


_BOUNDED = "a clamp or a small number inside of the logarithm changes the loss where the critic is sure"


def _gradients(exam: Examination, critic: nn.Module, x: Tensor, y: Tensor) -> None:
    """Test what has arrived in the critic's parameters."""
    seen = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in critic.parameters()])

    def wanted(loss: Callable[[nn.Module], Tensor]) -> Tensor:
        fresh = small_critic()
        made = torch.autograd.grad(loss(fresh), list(fresh.parameters()))
        return torch.cat([one.flatten() for one in made])

    real = wanted(lambda critic: F.softplus(-critic(y)).mean())
    fake = wanted(lambda critic: F.softplus(critic(x)).mean())
    mistakes: list[Mistake] = [
        ("the critic learns nothing from the processed pictures: detach x, and not the logits", real[None]),
        ("the critic learns nothing from the real pictures", fake[None]),
    ]
    exam.value("gradient in the critic's parameters", seen[None], (real + fake)[None], rtol=1e-6, mistakes=mistakes)


def _critic_mistakes(critic: nn.Module, x: Tensor, y: Tensor) -> list[Mistake]:
    with torch.no_grad():
        real, fake = critic(y), critic(x)
        right = F.softplus(-real).mean() + F.softplus(fake).mean()
        swapped = F.softplus(real).mean() + F.softplus(-fake).mean()
        return [
            ("real and processed are changed round: y is real", float(swapped)),
            (
                "the sign: the critic wants the mean of log D(y) + log(1 - D(x)) large, and losses are made small",
                float(-right),
            ),
            ("this is the mean of both sides: their sum is asked for", float(right / 2)),
            ("summed over the pictures: average over them", float(right * len(x))),
            ("the processed pictures are missing", float(F.softplus(-real).mean())),
            ("the real pictures are missing", float(F.softplus(fake).mean())),
            ("both are called real", float(F.softplus(-real).mean() + F.softplus(-fake).mean())),
            ("both are called fake", float(F.softplus(real).mean() + F.softplus(fake).mean())),
            ("this is the loss of a Wasserstein critic", float(fake.mean() - real.mean())),
            ("this is a hinge", float(F.relu(1 - real).mean() + F.relu(1 + fake).mean())),
            ("this is the loss of least squares", float((real - 1).square().mean() + fake.square().mean())),
            ("this is the relativistic form: the logits are subtracted", float(F.softplus(fake - real).mean())),
        ]
