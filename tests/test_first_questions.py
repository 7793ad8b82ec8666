"""The checks of chapter 0: model solutions pass, typical mistakes fail and are called by their name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import chapter_solutions
import pytest
import torch
from torch import Tensor

from lossedu import check
from lossedu.preferences import bradley_terry

pytest.importorskip("skimage")

solutions = chapter_solutions.solutions("ch00")
FUNCTIONS = ("wave_price", "likely_signal", "bounded_pull", "needed_agreements", "choice_strengths")


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
    ("likely_signal", mean, "what squared error chooses"),
    ("likely_signal", lambda y, w: y.median(0).values, "weights are left out"),
    ("likely_signal", lambda y, w: y[w.argmax()], "each pixel by itself"),
    ("likely_signal", lambda y, w: y.mean(1), ""),
    ("bounded_pull", lambda q, c: 2 * q / (q * q + c * c), "denominator depends on q too"),
    ("bounded_pull", lambda q, c: q * q / (q * q + c * c), "this is the loss itself"),
    ("bounded_pull", lambda q, c: -2 * q * c * c / (q * q + c * c) ** 2, "negative of the derivative"),
    ("bounded_pull", lambda q, c: abs(2 * q * c * c / (q * q + c * c) ** 2), "keeps the sign"),
    ("bounded_pull", lambda q, c: q * c * c / (q * q + c * c) ** 2, "a factor 2"),
    ("needed_agreements", lambda n: math.ceil(n * 0.75), "binomial"),
    ("needed_agreements", lambda n: 0.75, "not a share"),
    ("needed_agreements", lambda n: solutions.needed_agreements(n) - 1, "one more is needed"),
    ("choice_strengths", lambda wins: -bradley_terry(wins).values, "exchanged"),
    ("choice_strengths", lambda wins: bradley_terry(wins, spread=1e3).values, "prior is missing"),
    ("choice_strengths", lambda wins: bradley_terry(wins, spread=0.5**0.5).values, "counts twice"),
    ("choice_strengths", lambda wins: wins.sum(1) / (wins + wins.T).sum(1).clamp(min=1e-9), "share of choices"),
]


@pytest.mark.parametrize(("name", "wrong", "words"), WRONG)
def test_a_typical_mistake_is_called_by_its_name(name: str, wrong: Callable[..., Any], words: str) -> None:
    verdict = getattr(check, name)(wrong)
    assert not verdict.passed
    assert words in hints(verdict), verdict


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_answer_makes_a_check_crash(name: str) -> None:
    def crashes(*args: Any) -> Any:
        raise RuntimeError("mine")

    for answer in (lambda *args: None, lambda *args: "text", lambda *args: torch.full((3, 3), math.nan), crashes):
        verdict = getattr(check, name)(answer)
        assert not verdict.passed and repr(verdict) and verdict._repr_html_()
    with pytest.raises(TypeError, match="must be a function"):
        getattr(check, name)(3)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_unfinished_answer_in_the_chapter_does_not_give_the_solution_away(name: str) -> None:
    verdict = getattr(check, name)(lambda *args: None)
    assert len(verdict.properties) == 1
