"""The exercises of chapter 5: model solutions pass, typical mistakes are called by their name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import chapter_solutions
import pytest
import torch
from torch import Tensor

from lossedu import check
from lossedu.check.mixtures.ports import grouped_mix

pytest.importorskip("skimage")

solutions = chapter_solutions.solutions("ch05")

FUNCTIONS = {
    "equivalent_weight": "equivalent_weight",
    "weighted_l1": "weighted_l1",
    "mix_gradient": "mix_gradient",
    "permutation_test": "permutation_test",
    "paired_by_channel": "mended_mix",
    "matching_weight": "matching_weight",
}


def hints(verdict: check.Verdict) -> str:
    return " | ".join(item.hint for item in verdict.failures)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_model_solution_passes(name: str) -> None:
    verdict = getattr(check, name)(getattr(solutions, FUNCTIONS[name]))
    assert verdict.passed, verdict
    assert len(verdict.properties) >= 5


def test_the_predictions_of_exercise_1() -> None:
    assert check.who_steers(**solutions.steering_terms).passed
    wrong = check.who_steers(grain="l1", shift="ms_ssim", storm="ms_ssim", code="ms_ssim")
    assert len(wrong.failures) == 4
    assert "hardly" in hints(wrong) and "so a third" in hints(wrong)
    assert not check.who_steers(grain="l1").passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda a, r: a / r, "no longer add up to 1"),
        (lambda a, r: a * r / (a * r + 1 - a), "the way back"),
        (lambda a, r: a / ((1 - a) * r) if a < 1 else 1.0, "the sum of both weights"),
    ],
)
def test_wrong_weights_are_explained(answer: Callable[[float, float], float], hint: str) -> None:
    verdict = check.equivalent_weight(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda w, d, m: w * d / (w * d + 1 - w), "this is the share itself"),
        (lambda w, d, m: w * m / (w * m + (1 - w) * d), "the wrong way round"),
        (lambda w, d, m: w * d / m, "divided by their sum"),
    ],
)
def test_wrong_matches_are_explained(answer: Callable[[float, float, float], float], hint: str) -> None:
    verdict = check.matching_weight(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def size(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).abs()


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y, w: (size(x, y) * w).sum(), "sum over channels"),
        (lambda x, y, w: (size(x, y) * w).mean(), "divided by the number of pixels once more"),
        (lambda x, y, w: size(x, y).mean(), "the window does not come in"),
        (lambda x, y, w: (((x - y).square()) * w).sum((-2, -1)).mean(), "squared error"),
        (lambda x, y, w: (size(x, y) * w).sum((-2, -1)).mean().item(), "leave .item() out"),
    ],
)
def test_wrong_readings_of_equation_14_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.weighted_l1(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y, a, w, g: a * g, "the second term is missing"),
        (lambda x, y, a, w, g: a * g + (1 - a) * w * (x - y).sign(), "1/C is missing"),
        (lambda x, y, a, w, g: a * g + (1 - a) * (x - y).sign() / x.numel(), "the window is missing"),
        (lambda x, y, a, w, g: a * g - (1 - a) * w * (x - y).sign() / x.shape[1], "wrong sign"),
        (lambda x, y, a, w, g: a * g + w * (x - y).sign() / x.shape[1], "no weight 1 - alpha"),
        (lambda x, y, a, w, g: (1 - a) * g + a * w * (x - y).sign() / x.shape[1], "the wrong way round"),
    ],
)
def test_wrong_gradients_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.mix_gradient(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def tried(orders: list[list[int]], *, both: bool = True, strengths: tuple[float, ...] = (0.02, 0.05, 0.1)) -> Any:
    generator = torch.Generator().manual_seed(0)
    y = torch.rand(1, 3, 48, 48, generator=generator)
    x = y + torch.randn(y.shape, generator=generator) * torch.tensor(strengths).view(3, 1, 1)

    def test(loss: Callable[[Tensor, Tensor], Tensor]) -> float:
        first = float(loss(x, y))
        values = [float(loss(x[:, p], y[:, p] if both else y)) for p in orders]
        return max(abs(value - first) for value in values) / first

    return test


ALL = [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]


def tolerant(loss: Callable[[Tensor, Tensor], Tensor]) -> float:
    found = float(tried(ALL)(loss))
    return found if found > 0.1 else 0.0


def test_any_full_test_by_permutation_passes() -> None:
    assert check.permutation_test(tried(ALL)).passed
    assert check.permutation_test(tried([[1, 2, 0], [2, 0, 1]])).passed  # two turns see all three weights


@pytest.mark.parametrize(
    ("answer", "title", "hint"),
    [
        (tried([[2, 1, 0]]), "weights .4, .2, .4: not alike", "try every order"),
        (tried([[1, 0, 2]]), "weights .2, .2, .6: not alike", "try every order"),
        (tried(ALL, both=False), "mean absolute error: alike", "the same order for both"),
        (tolerant, "the port: not alike", "no tolerance"),
        (lambda loss: 0.0, "weights .3, .6, .1: not alike", "different errors"),
    ],
)
def test_incomplete_tests_are_explained(answer: Callable[..., Any], title: str, hint: str) -> None:
    verdict = check.permutation_test(answer)
    assert not verdict.passed
    assert title in [item.name for item in verdict.failures] and hint in hints(verdict), verdict


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"order": "by width", "together": True}, "stand together"),
        ({"together": True}, "average over them"),
        ({"together": True, "last_bright": False}, "average over them"),
        ({"last_bright": True}, "blue's widths"),
        ({"last_masks": True}, "blue's widths"),
        ({"last_bright": True, "last_masks": True}, "blue's widths"),
        ({"luminance": 0}, "that of the first width"),
    ],
)
def test_half_repairs_are_explained(options: dict[str, Any], hint: str) -> None:
    verdict = check.paired_by_channel(partial(grouped_mix, **options))
    assert not verdict.passed and hint in hints(verdict), verdict


def test_a_product_in_the_right_order_is_not_blamed_on_the_order() -> None:
    verdict = check.paired_by_channel(partial(grouped_mix, together=True, last_bright=False))
    assert not verdict.passed and "still stand together" not in hints(verdict)


def test_an_order_for_one_picture_only_is_told_the_same_thing_by_every_loss() -> None:
    verdict = check.permutation_test(tried(ALL, both=False))
    assert len(verdict.failures) == 3
    assert {item.hint.partition(",")[0] for item in verdict.failures} <= {"the same order for both pictures", ""}


def test_the_factor_is_recognised() -> None:
    assert "factor of 200" in hints(check.paired_by_channel(lambda x, y: 200 * grouped_mix(x, y)))


def test_the_mended_port_is_the_loss_of_a_library() -> None:
    kornia = pytest.importorskip("kornia", minversion="0.9.0")
    generator = torch.Generator().manual_seed(4)
    y = torch.rand(1, 3, 40, 40, generator=generator)
    x = y + 0.1 * torch.randn(y.shape, generator=generator)
    theirs = kornia.losses.MS_SSIMLoss(compensation=1.0)(x, y)
    torch.testing.assert_close(grouped_mix(x, y), theirs, rtol=1e-4, atol=1e-6)
