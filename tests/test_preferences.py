"""Strengths from choices between two, and the interval of a share."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import optimize, stats

from lossedu.preferences import bradley_terry, wilson


def by_scipy(wins: np.ndarray, spread: float) -> np.ndarray:
    """The same maximum, written as a loop over choices and given to a general optimiser."""

    def cost(theta: np.ndarray) -> float:
        total = float((theta**2).sum()) / (2 * spread**2)
        for i, j in itertools.permutations(range(len(wins)), 2):
            total += wins[i, j] * math.log1p(math.exp(theta[j] - theta[i]))
        return total

    return optimize.minimize(cost, np.zeros(len(wins)), method="BFGS", options={"gtol": 1e-9}).x


@pytest.mark.equation("0.13")
@pytest.mark.parametrize("spread", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(3))
def test_strengths_are_those_of_a_general_optimiser(seed: int, spread: float) -> None:
    wins = np.random.default_rng(seed).integers(0, 5, (6, 6)).astype(float)
    wins[0, 1:] += 0.5  # choices that could not be made count one half each way
    wins[1:, 0] += 0.5
    found = bradley_terry(wins.tolist(), spread=spread)
    off_diagonal = wins * (1 - np.eye(6))
    assert found.values.numpy() == pytest.approx(by_scipy(off_diagonal, spread), abs=1e-6)
    assert float(found.values.sum()) == pytest.approx(0, abs=1e-10)


@pytest.mark.equation("0.12")
def test_two_candidates_by_hand() -> None:
    """With next to no prior the chance that the model gives is the share that was seen."""
    found = bradley_terry([[0, 15], [5, 0]], spread=1e4)
    gap = float(found.values[0] - found.values[1])
    assert 1 / (1 + math.exp(-gap)) == pytest.approx(0.75, abs=1e-5)


def test_one_sided_choices_stay_finite_and_more_of_them_say_more() -> None:
    strengths = [float(bradley_terry([[0, n], [0, 0]]).values[0]) for n in (0, 1, 5, 20, 1000)]
    assert strengths[0] == 0 and all(a < b for a, b in itertools.pairwise(strengths)) and strengths[-1] < 5
    deviations = [float(bradley_terry([[0, n], [0, 0]]).deviations[0]) for n in (0, 1, 5)]
    assert deviations[0] == pytest.approx(math.sqrt(1 / 2)) and deviations[0] > deviations[1] > deviations[2]


def test_all_undecided_is_all_equal() -> None:
    wins = 0.5 * (1 - torch.eye(4))
    assert bradley_terry(wins).values.abs().max() < 1e-12


def test_deviations_are_those_of_the_second_derivative() -> None:
    wins = torch.tensor([[0.0, 3, 1], [2, 0, 4], [0, 1, 0]], dtype=torch.float64)
    found = bradley_terry(wins)

    def gain(theta: torch.Tensor) -> torch.Tensor:
        gap = theta[:, None] - theta
        return (wins * torch.nn.functional.logsigmoid(gap)).sum() - theta.square().sum() / 2

    hessian = torch.autograd.functional.hessian(gain, found.values)
    centred = torch.eye(3, dtype=torch.float64) - 1 / 3  # the deviation of each strength from the mean of all
    expected = (centred @ torch.linalg.inv(-hessian) @ centred).diagonal().sqrt()
    torch.testing.assert_close(found.deviations, expected, rtol=1e-9, atol=0)


def test_a_wide_prior_does_not_widen_what_was_chosen_often() -> None:
    """A level common to all is known by the prior alone; it must not enter the interval of a difference."""
    wins = 100 * (1 - torch.eye(4, dtype=torch.float64))
    found = [bradley_terry(wins, spread=spread).deviations for spread in (1.0, 100.0)]
    torch.testing.assert_close(found[0], found[1], rtol=0.01, atol=0)


def test_one_candidate_alone_has_nothing_in_doubt() -> None:
    found = bradley_terry([[0]])
    assert found.values.tolist() == found.deviations.tolist() == [0]


@pytest.mark.parametrize("bad", [[[0.0, 1.0]], [[0.0, -1.0], [0.0, 0.0]], [[0.0, math.inf], [0.0, 0.0]], []])
def test_other_tables_are_refused(bad: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="wins must be"):
        bradley_terry(bad)


@pytest.mark.equation("0.14")
@pytest.mark.parametrize(("k", "n"), [(0, 20), (10, 20), (15, 20), (20, 20), (3, 7)])
def test_interval_is_that_of_scipy(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n)[1:] == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nothing_seen_excludes_nothing() -> None:
    assert wilson(0, 0) == (0.5, 0.0, 1.0)
    with pytest.raises(ValueError, match="successes"):
        wilson(3, 2)
