"""The exercises of chapter 6: model solutions pass, typical mistakes are called by their name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chapter_solutions
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossedu import check
from lossedu.check.perceptual.contents import normalised
from lossedu.check.perceptual.units import felt_by

FUNCTIONS = {
    "field_size": "field_size",
    "mended_content_loss": "mended",
    "feature_gradient": "feature_gradient",
    "srgan_scale": "srgan_scale",
    "write_counts": "write_counts",
}

#: The last solution is a picture, and needs what the chapter made before.
solutions = chapter_solutions.solutions("ch06", but=("exercise 7",))


def hints(verdict: check.Verdict) -> str:
    return " | ".join(item.hint for item in verdict.failures)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_model_solution_passes(name: str) -> None:
    verdict = getattr(check, name)(getattr(solutions, FUNCTIONS[name]))
    assert verdict.passed, verdict
    assert len(verdict.properties) >= 5


def test_the_predictions_of_exercise_1() -> None:
    assert check.who_feels(**solutions.feelings).passed
    wrong = check.who_feels(both_below="both", x_below="both", y_below="before", both_above="both")
    assert len(wrong.failures) == 3 and "no cost, no slope" in hints(wrong)
    assert not check.who_feels(both_below="both").passed
    assert [felt_by(*pair) for pair in ((-2, -1), (-1, 2), (1, -1), (1, 3))] == ["before", "before", "both", "both"]


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda layers: 1 + sum(k - 1 for k, _ in layers), "the strides are left out"),
        (lambda layers: _late(layers), "own stride counts only for the layers behind"),
        (lambda layers: _size(layers) - 1, "the size begins with 1"),
    ],
)
def test_wrong_fields_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.field_size(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def _size(layers: list[tuple[int, int]]) -> int:
    size, step = 1, 1
    for kernel, stride in layers:
        size += (kernel - 1) * step
        step *= stride
    return size


def _late(layers: list[tuple[int, int]]) -> int:
    size, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        size += (kernel - 1) * step
    return size


def conv(x: Tensor, w: Tensor) -> Tensor:
    return F.conv2d(x, w, padding=1)


def back(gap: Tensor, w: Tensor) -> Tensor:
    return 2 / gap.numel() * F.conv_transpose2d(gap, w, padding=1)


def gaps(x: Tensor, y: Tensor, w: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    a, b = conv(x, w), conv(y, w)
    return a, b, a.relu() - b.relu()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y, w: back(gaps(x, y, w)[2], w), "the mask of relu is missing"),
        (lambda x, y, w: back(gaps(x, y, w)[2] * (conv(y, w) > 0), w), "the mask is that of y"),
        (lambda x, y, w: back(conv(x, w) - conv(y, w), w), "before the activation"),
        (lambda x, y, w: back(gaps(x, y, w)[2] * (conv(x, w) > 0), w) / 2, "a factor 2 is missing"),
        (lambda x, y, w: -back(gaps(x, y, w)[2] * (conv(x, w) > 0), w), "the sign is wrong"),
        (
            lambda x, y, w: 2 / conv(x, w).numel() * conv(gaps(x, y, w)[2] * (conv(x, w) > 0), w.transpose(0, 1)),
            "turns the kernel round",
        ),
    ],
)
def test_wrong_gradients_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.feature_gradient(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_a_gradient_by_autograd_passes() -> None:
    def by_autograd(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
        leaf = x.clone().requires_grad_()
        return torch.autograd.grad((conv(leaf, w).relu() - conv(y, w).relu()).square().mean(), leaf)[0]

    assert check.feature_gradient(by_autograd).passed


def frozen(network: nn.Module) -> nn.Module:
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network


def no_grad(network: nn.Module, y: Tensor) -> Tensor:
    with torch.no_grad():
        found: Tensor = network(y)
    return found


Content = Callable[[nn.Module, Tensor, Tensor], Any]


def plain(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(frozen(network)(x), no_grad(network, y))


def trains(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(network(normalised(x)), no_grad(network, normalised(y)))


def both(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(frozen(network)(normalised(x)), network(normalised(y)))


def summed(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(frozen(network)(normalised(x)), no_grad(network, normalised(y)), reduction="sum")


def number(network: nn.Module, x: Tensor, y: Tensor) -> float:
    return float(trains(frozen(network), x, y).detach())


def stretched(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.mse_loss(frozen(network)(2 * x - 1), no_grad(network, 2 * y - 1))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (plain, "mean and deviation are missing"),
        (trains, "an optimiser that gets them trains them"),
        (both, "under torch.no_grad()"),
        (summed, "this is the sum"),
        (number, "no_grad is for the target's features alone"),
        (stretched, "stretched to [-1, 1]"),
    ],
)
def test_half_mended_losses_are_explained(answer: Content, hint: str) -> None:
    verdict = check.mended_content_loss(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_the_printed_loss_is_told_that_it_returns_nothing() -> None:
    verdict = check.mended_content_loss(lambda network, x, y: None)
    assert "no return" in hints(verdict)


def test_a_module_that_leaves_the_network_alone_in_another_way_passes() -> None:
    def detached(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
        state = {name: value.detach() for name, value in network.named_parameters()}
        seen = torch.func.functional_call(network, state, (normalised(x),))
        return (seen - no_grad(network, normalised(y))).pow(2).mean()

    assert check.mended_content_loss(detached).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda mean, c: c * mean / 12.75, "stands at the features"),
        (lambda mean, c: mean / 12.75**2, "sum over channels is missing"),
        (lambda mean, c: mean / 12.75, "stands on the loss"),
        (lambda mean, c: c * mean, "the factor is missing"),
        (lambda mean, c: c * mean * 12.75**2, "wrong way round"),
    ],
)
def test_wrong_scales_are_explained(answer: Callable[[float, int], float], hint: str) -> None:
    verdict = check.srgan_scale(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda n, k, s: torch.full(((n - 1) * s + k,), k / s), "count"),
        (lambda n, k, s: torch.ones(n * s), "nothing is cut off"),
        (lambda n, k, s: _dense(n, k, s), "not side by side"),
    ],
)
def test_wrong_counts_are_explained(answer: Callable[[int, int, int], Tensor], hint: str) -> None:
    verdict = check.write_counts(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def _dense(length: int, kernel: int, stride: int) -> Tensor:
    written = torch.zeros((length - 1) * stride + kernel)
    for k in range(length):
        written[k : k + kernel] += 1
    return written
