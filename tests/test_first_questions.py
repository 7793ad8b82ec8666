"""The checks of chapter 0: model solutions pass, typical mistakes fail and are called by their name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import chapter_solutions
import pytest
import torch
from torch import Tensor

import lossedu as le
from lossedu import check
from lossedu.preferences import bradley_terry

pytest.importorskip("skimage")

solutions = chapter_solutions.solutions("ch00")
FUNCTIONS = ("wave_price", "l1_act", "bounded_slope", "needed_agreements", "choice_strengths", "mended_loss")


def hints(verdict: check.Verdict) -> str:
    return " | ".join(item.hint for item in verdict.failures)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_model_solution_passes(name: str) -> None:
    verdict = getattr(check, name)(getattr(solutions, name))
    assert verdict.passed, verdict
    assert repr(verdict).startswith(f"check.{name}: passed, all")


def test_the_order_passes_and_a_wrong_one_learns_where_it_goes_down() -> None:
    assert check.error_order(solutions.order).passed
    verdict = check.error_order(["zigzag", "spike", "slope", "shift"])
    assert "'zigzag' stands before 'spike'" in verdict.failures[0].seen
    assert "err alike" in hints(check.error_order(["slope", "shift", "spike", "zigzag"]))
    assert not check.error_order(["shift", "shift", "spike", "zigzag"]).passed
    with pytest.raises(TypeError, match="list of four names"):
        check.error_order("shift")


def mean(y: Tensor, w: Tensor) -> Tensor:
    return (w[:, None] * y).sum(0) / w.sum()


WRONG: list[tuple[str, Callable[..., Any], str]] = [
    ("wave_price", lambda f: 2 * math.sin(math.pi * f), "the loss squares it"),
    ("wave_price", lambda f: math.sin(math.pi * f) ** 2, "the 2 of 2 sin(pi f)"),
    ("wave_price", lambda f: 4 * math.sin(2 * math.pi * f) ** 2, "half of it is pi f"),
    ("wave_price", lambda f: (2 * math.pi * f) ** 2, "slow waves"),
    ("wave_price", lambda f: 1.0, "which amplitude"),
    ("l1_act", mean, "what squared error chooses"),
    ("l1_act", lambda y, w: y.median(0).values, "weights are left out"),
    ("l1_act", lambda y, w: y[w.argmax()], "each pixel by itself"),
    ("l1_act", lambda y, w: y.mean(1), ""),
    ("bounded_slope", lambda q, c: 2 * q / (q * q + c * c), "denominator depends on q too"),
    ("bounded_slope", lambda q, c: q * q / (q * q + c * c), "this is the loss itself"),
    ("bounded_slope", lambda q, c: -2 * q * c * c / (q * q + c * c) ** 2, "negative of the derivative"),
    ("bounded_slope", lambda q, c: abs(2 * q * c * c / (q * q + c * c) ** 2), "keeps the sign"),
    ("bounded_slope", lambda q, c: q * c * c / (q * q + c * c) ** 2, "a factor 2"),
    ("needed_agreements", lambda n: math.ceil(n * 0.75), "binomial"),
    ("needed_agreements", lambda n: 0.75, "not a share"),
    ("needed_agreements", lambda n: solutions.needed_agreements(n) - 1, "one more is needed"),
    ("choice_strengths", lambda wins: -bradley_terry(wins).values, "exchanged"),
    ("choice_strengths", lambda wins: bradley_terry(wins, spread=1e3).values, "prior is missing"),
    ("choice_strengths", lambda wins: bradley_terry(wins, spread=0.5**0.5).values, "counts twice"),
    ("choice_strengths", lambda wins: wins.sum(1) / (wins + wins.T).sum(1).clamp(min=1e-9), "share of choices"),
    ("mended_loss", lambda x, y: le.l1_loss(x, y) + 0.5 * le.ssim_loss(x, y), "nothing of it is left"),
    ("mended_loss", lambda x, y: two_terms(x, y) + 0.5 * (x.mean() - y.mean()).abs(), "take each picture by itself"),
    ("mended_loss", lambda x, y: two_terms(x, y) + 0.5 * abs((x - y).mean().item()), "a plain number"),
    (
        "mended_loss",
        lambda x, y: le.l1_loss(x, y) + 0.5 * (1 - le.ssim(x, y, data_range=255)) + bright(x, y),
        "0 to 255",
    ),
    ("mended_loss", lambda x, y: le.l1_loss(x, y) + 0.5 * le.ssim(x, y) + bright(x, y), "the sign is wrong"),
    ("mended_loss", lambda x, y: le.l1_loss(x, y) + bright(x, y), "nothing of it is left"),
    ("mended_loss", lambda x, y: two_terms(x, y) + bright(x[:1], y[:1]), "the other is not"),
    ("mended_loss", lambda x, y: two_terms(x, y) + bright(x[-1:], y[-1:]), "the other is not"),
    ("mended_loss", lambda x, y: two_terms(x, y) + bright(x[:, :1], y[:, :1]), "one mean over all"),
    ("mended_loss", lambda x, y: two_terms(x, y) + 0.5 * (x - y).mean((2, 3)).abs().mean(), "one mean over all"),
    ("mended_loss", lambda x, y: two_terms(x, y) + 0.5 * (x - y).mean(), "without an absolute value"),
    ("mended_loss", lambda x, y: two_terms(x, y) - bright(x, y), "the sign is wrong"),
    (
        "mended_loss",
        lambda x, y: two_terms(x, y) + bright(x, y) + 0.5 * abs((x.mean() - y.mean()).item()),
        "dead term left in",
    ),
    (
        "mended_loss",
        lambda x, y: two_terms(x, y) + 0.5 * (x - y).mean((1, 2, 3)).square().sqrt().mean(),
        "square root",
    ),
    ("mended_loss", lambda x, y: two_terms(x, y) + bright(x, y) + (0 * x).sqrt().mean(), "square root"),
]

#: Losses of which one thing alone is wrong, the only hint that fits, and how many of the properties fail.
EXACT: list[tuple[Callable[[Tensor, Tensor], Tensor], str, int]] = [
    (lambda x, y: le.l1_loss(x, y) + 0.55 * le.ssim_loss(x, y) + bright(x, y), "another one", 1),
    (lambda x, y: two_terms(x, y) + 1.6 * bright(x, y), "another one", 1),
    (lambda x, y: two_terms(x, y) + 0.5 * (x - y).mean((1, 2, 3)).abs().sum(), "twice too much", 1),
    (lambda x, y: two_terms(x, y) + 0.5 * (x - y).mean((1, 2, 3)).square().mean(), "squared", 1),
    (lambda x, y: 0.5 * (two_terms(x, y) + bright(x, y)), "the whole loss", 3),
    (lambda x, y: two_terms(x, y) + bright(x, y) + le.mse_loss(x, y), "", 3),
]


def two_terms(x: Tensor, y: Tensor) -> Tensor:
    return le.l1_loss(x, y) + 0.5 * le.ssim_loss(x, y)


def bright(x: Tensor, y: Tensor) -> Tensor:
    return 0.5 * (x - y).mean(dim=(1, 2, 3)).abs().mean()


@pytest.mark.parametrize(
    "mended",
    [
        lambda x, y: two_terms(x, y) + bright(x, y),
        lambda x, y: (x - y).abs().mean() + (1 - le.ssim(x, y, data_range=1)) / 2 + bright(y, x),
        lambda x, y: two_terms(x, y) + sum((a.mean() - b.mean()).abs() for a, b in zip(x, y, strict=True)) / 4,
        lambda x, y: le.l1_loss(x, y) - 0.5 * le.ssim(x, y) + bright(x, y),
        lambda x, y: two_terms(x.float(), y.float()) + bright(x.float(), y.float()),
    ],
)
def test_a_loss_may_be_mended_in_several_ways(mended: Callable[[Tensor, Tensor], Tensor]) -> None:
    assert check.mended_loss(mended).passed


@pytest.mark.parametrize(("wrong", "words", "failures"), EXACT)
def test_a_mended_loss_gets_a_hint_only_for_what_explains_it(
    wrong: Callable[[Tensor, Tensor], Tensor], words: str, failures: int
) -> None:
    verdict = check.mended_loss(wrong)
    told = [item.hint for item in verdict.failures if item.hint]
    assert len(verdict.failures) == failures
    assert len(told) == bool(words) and all(words in hint for hint in told), verdict


def test_a_median_by_a_loop_in_single_precision_passes() -> None:
    def by_hand(signals: Tensor, weights: Tensor) -> Tensor:
        out = []
        for n in range(signals.shape[1]):
            below = 0.0
            for k in signals[:, n].argsort().tolist():
                below += float(weights[k])
                if below >= float(weights.sum()) / 2:
                    out.append(float(signals[k, n]))
                    break
        return torch.tensor(out)

    assert check.l1_act(by_hand).passed
    assert not check.l1_act(lambda y, w: by_hand(y, w) + 1e-3).passed


def test_where_the_slope_is_largest_is_an_answer_of_its_own() -> None:
    slope = solutions.bounded_slope
    assert check.bounded_slope(slope, solutions.peak).passed
    assert check.bounded_slope(slope, lambda c: math.sqrt(c * c / 3)).passed
    for steps in range(100, 400):  # a search, as its hint says
        errors = torch.linspace(0, 2, steps + 1, dtype=torch.float64)
        at = float(errors[(errors / (errors**2 + 1) ** 2).argmax()])
        assert at == pytest.approx(1 / math.sqrt(3), rel=0.02)
    assert check.bounded_slope(slope, lambda c: 0.58 * c).passed
    assert not check.bounded_slope(slope, lambda c: 0.6 * c).passed
    assert "half of its height" in hints(check.bounded_slope(slope, lambda c: c))
    assert "is missing" in hints(check.bounded_slope(slope, lambda c: c * c / 3))
    assert not check.bounded_slope(slope, lambda c: 0.1732).passed  # right for one c alone
    assert not check.bounded_slope(slope, lambda c: None).passed
    shown = repr(check.bounded_slope(slope)) + repr(check.bounded_slope(lambda q, c: None, solutions.peak))
    assert "0.173" not in shown  # the place is not given away
    with pytest.raises(TypeError, match="peak must be a function"):
        check.bounded_slope(slope, 0.1732)


def test_a_slope_from_autograd_in_single_precision_passes() -> None:
    def by_autograd(q: float, c: float) -> Tensor:
        error = torch.tensor(float(q), requires_grad=True)
        return torch.autograd.grad(error**2 / (error**2 + c**2), error)[0]

    assert check.bounded_slope(by_autograd, solutions.peak).passed
    assert not check.bounded_slope(lambda q, c: 1.0001 * solutions.bounded_slope(q, c)).passed


@pytest.mark.parametrize(("name", "wrong", "words"), WRONG)
def test_a_typical_mistake_is_called_by_its_name(name: str, wrong: Callable[..., Any], words: str) -> None:
    verdict = getattr(check, name)(wrong)
    assert not verdict.passed
    assert words in hints(verdict), verdict
