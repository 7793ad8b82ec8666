"""The exercises of chapter 7: model solutions pass, typical mistakes are called by their name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import chapter_solutions
import pytest
import torch
from torch import Tensor

import lossedu as le
from lossedu import check
from lossedu.check.histograms.ends import hard, mirrored, pixelwise, plain
from lossedu.check.histograms.predictions import CASES, felt, share_of_l1

FUNCTIONS = {
    "ordered_emd": "ordered",
    "mass_keeping_histogram": "soft",
    "end_bin_test": "keeps_mass",
    "weight_for_reach": "weight",
    "projected_emd": "projected",
    "notices_shuffles": "tolerant",
}

solutions = chapter_solutions.solutions("ch07")


def hints(verdict: check.Verdict) -> str:
    return " | ".join(item.hint for item in verdict.failures)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_model_solution_passes(name: str) -> None:
    verdict = getattr(check, name)(getattr(solutions, FUNCTIONS[name]))
    assert verdict.passed, verdict
    assert len(verdict.properties) >= 5


def test_the_predictions_of_exercise_1() -> None:
    verdict = check.histogram_charges(**solutions.charges)
    assert verdict.passed and "noise 0." in verdict.notes[0]
    wrong = check.histogram_charges(**(solutions.charges | {"curve": "some", "red_mirrored": "all"}))
    assert "keeps the ranks" in hints(wrong) and "compared by itself" in hints(wrong) and not wrong.notes
    unfinished = check.histogram_charges(brighter="all", curve="?")
    (failure,) = unfinished.failures
    assert failure.name == "answers every case" and len(unfinished.properties) == 1
    assert not any(hint in repr(unfinished) for _, hint in CASES.values())
    assert {case: felt(case) for case in CASES} == solutions.charges
    assert 0.1 < share_of_l1("noise") < 0.4


def test_the_numbers_of_exercise_2() -> None:
    assert check.emd_by_hand(value=solutions.four_value, gradient=solutions.four_gradient).passed
    apart = check.emd_by_hand(value=0.3, gradient=[0.25, -0.25, -0.25, 0.25])
    assert "put both in order first" in hints(apart) and "sign against the pixel at the same place" in hints(apart)
    by_size = check.emd_by_hand(value=0.1, gradient=[-0.25, 0.25, 0.25, 0.25])
    assert "not of their sizes" in hints(by_size)
    assert "a size is a sign" in hints(check.emd_by_hand(value=0.3, gradient=[0.4, -0.1, -0.4, 0.3]))
    summed = check.emd_by_hand(value=0.4, gradient=[1, -1, 1, 1])
    assert "divide by the four pixels" in hints(summed) and "1/4 in size" in hints(summed)
    assert "too bright has a positive slope" in hints(
        check.emd_by_hand(value=0.1, gradient=[-0.25, 0.25, -0.25, -0.25])
    )
    assert not check.emd_by_hand().passed and not check.emd_by_hand(value=0.1, gradient=[1, 2]).passed
    assert not check.emd_by_hand(value=0.1, gradient=["a"]).passed  # type: ignore[list-item]


def in_order(x: Tensor, y: Tensor) -> Tensor:
    return x.sort().values - y.sort().values


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y: (in_order(x, y).abs().mean(), in_order(x, y).sign() / len(x)), "put each slope back"),
        (lambda x, y: ((x - y).abs().mean(), (x - y).sign() / len(x)), "put both lists in order first"),
        (lambda x, y: (in_order(x, y).abs().sum(), ordered_slope(x, y) * len(x)), "1/n is missing"),
        (lambda x, y: (in_order(x, y).square().mean(), ordered_slope(x, y)), "this is a mean square"),
        (lambda x, y: (in_order(x, y).abs().mean(), -ordered_slope(x, y)), "too bright has a positive slope"),
        (lambda x, y: in_order(x, y).abs().mean(), ""),
    ],
)
def test_wrong_distances_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.ordered_emd(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def ordered_slope(x: Tensor, y: Tensor) -> Tensor:
    ranks = x.argsort().argsort()
    return (x - y.sort().values[ranks]).sign() / len(x)


def test_distances_in_another_style_pass() -> None:
    def by_autograd(x: Tensor, y: Tensor) -> list[Any]:
        leaf = x.clone().requires_grad_()
        cost = le.histogram_emd_loss(leaf.view(1, 1, 1, -1), y.view(1, 1, 1, -1), kernel="sort")
        return [cost.item(), torch.autograd.grad(cost, leaf)[0]]

    def lists(x: Tensor, y: Tensor) -> tuple[Any, Any]:
        return in_order(x, y).abs().mean().requires_grad_(), ordered_slope(x, y).tolist()

    assert check.ordered_emd(by_autograd).passed
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check.ordered_emd(lists).passed
    assert check.ordered_emd(lambda x, y: (in_order(x, y).abs().mean(), ordered_slope(x, y).numpy())).passed
    assert check.ordered_emd(lambda x, y: (float(in_order(x, y).abs().mean()), ordered_slope(x, y))).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (plain, "half of a black pixel lies below 0"),
        (lambda x, k, w: plain(x, k, w) / plain(x, k, w).sum(), "goes to the wrong pixels"),
        (lambda x, k, w: mirrored(x, k, w) * len(x), "divide by the number of pixels"),
        (lambda x, k, w: mirrored(x, k, w).cumsum(0), "take differences"),
        (lambda x, k, w: mirrored(x, k, w).detach(), "counting has no slope"),
    ],
)
def test_histograms_that_lose_mass_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.mass_keeping_histogram(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_both_good_ways_to_keep_mass_pass() -> None:
    def two_mirrors(x: Tensor, bins: int, width: float) -> Tensor:
        images = torch.cat([x, -x, 2 - x])
        edges = torch.arange(bins + 1, dtype=x.dtype) / bins
        return torch.sigmoid((edges[:, None] - images) / width).sum(dim=1).diff() / len(x)

    assert check.mass_keeping_histogram(mirrored).passed
    assert check.mass_keeping_histogram(two_mirrors).passed
    assert check.mass_keeping_histogram(pixelwise).passed


def test_only_the_end_that_loses_is_named() -> None:
    def white_lost(x: Tensor, bins: int, width: float) -> Tensor:
        edges = torch.arange(bins + 1, dtype=x.dtype) / bins
        edges[0] = -torch.inf
        return torch.sigmoid((edges[:, None] - x) / width).mean(dim=1).diff()

    said = hints(check.mass_keeping_histogram(white_lost))
    assert "a white pixel" in said and "a black pixel" not in said


def test_too_few_digits_are_not_called_a_factor() -> None:
    verdict = check.ordered_emd(lambda x, y: (in_order(x, y).abs().mean(), ordered_slope(x, y).float() * (1 + 1e-7)))
    assert "digits" in hints(verdict) and "1 times" not in hints(verdict)
    assert not verdict.passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda h: bool(h(torch.tensor([0.5]).double(), 8).sum() > 0.9), "outside of the range is lost"),
        (lambda h: bool(h(torch.tensor([0.0, 1.0]).double(), 8).sum() > 0.51), "too large as well"),
        (lambda h: False, "it calls every histogram wrong"),
        (lambda h: bool(h(torch.tensor([0.0]).double(), 8).sum() > 0.9), "in none of them"),
        (lambda h: bool(torch.equal(h(torch.tensor([0.0]).double(), 8), hard(torch.zeros(1), 8))), "ask for the mass"),
        (lambda h: True, "it calls every histogram right"),
        (lambda h: float(h(torch.tensor([0.0, 1.0]).double(), 8).sum()), "compare, as in"),
    ],
)
def test_tests_that_miss_or_accuse_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.end_bin_test(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_other_good_tests_pass() -> None:
    ends = torch.tensor([0.0, 1.0, 0.3]).double()
    assert check.end_bin_test(lambda h: bool((h(ends, 16).sum() - 1).abs() < 1e-4)).passed
    assert check.end_bin_test(lambda h: torch.isclose(h(ends, 50).sum(), torch.tensor(1.0).double())).passed


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda reach, bins: 2 * reach, "the printed value is in bins"),
        (lambda reach, bins: 2 * reach * bins, "multiplied where it has to be divided"),
        (lambda reach, bins: reach / bins, "a factor 2 is missing"),
        (lambda reach, bins: reach / 2 / bins, "on the wrong side"),
    ],
)
def test_wrong_weights_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.weight_for_reach(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def lines(x: Tensor, y: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    a, b = (directions @ z[0].flatten(1) for z in (x, y))
    return a, b


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y, d: (lines(x, y, d)[0] - lines(x, y, d)[1]).abs().mean(), "not put in order"),
        (lambda x, y, d: solutions.projected(x, y, d) * len(d), "take their mean"),
        (lambda x, y, d: le.histogram_emd_loss(x, y, kernel="sort"), "project first"),
        (lambda x, y, d: le.histogram_emd_loss(*(z[None, :, None] for z in lines(x, y, d))), "bins do not reach"),
    ],
)
def test_wrong_projections_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.projected_emd(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x, y: le.histogram_emd_loss(x, y, kernel="sort"), "where a pixel lies"),
        (le.l1_loss, "exact place of a pixel"),
        (le.mse_loss, "should cost about 0.1"),
        (lambda x, y: float(solutions.tolerant(x.detach(), y)), "no .item()"),
    ],
)
def test_losses_that_notice_too_little_or_too_much_are_explained(answer: Callable[..., Any], hint: str) -> None:
    verdict = check.notices_shuffles(answer)
    assert not verdict.passed and hint in hints(verdict), verdict


def test_blurred_differences_are_another_good_answer() -> None:
    assert check.notices_shuffles(lambda x, y: le.l1_loss(le.gaussian_blur(x, 4), le.gaussian_blur(y, 4))).passed
    assert check.notices_shuffles(lambda x, y: solutions.tolerant(x, y, side=32)).passed
