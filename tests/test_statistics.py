"""Student's t against scipy, and the interval against its definition."""

from __future__ import annotations

import math

import pytest
import torch

from lossedu.statistics import t_interval, t_probability, t_quantile, t_test

scipy_stats = pytest.importorskip("scipy.stats")


@pytest.mark.parametrize("dof", [1, 2, 3, 4, 5, 9, 10, 31, 200])
@pytest.mark.parametrize("probability", [0.001, 0.025, 0.2, 0.5, 0.7, 0.95, 0.975, 0.9995])
def test_quantile_agrees_with_scipy(dof: int, probability: float) -> None:
    assert t_quantile(probability, dof) == pytest.approx(scipy_stats.t.ppf(probability, dof), rel=1e-10, abs=1e-12)


def test_interval_agrees_with_scipy() -> None:
    values = [30.1, 30.4, 30.2, 29.7]
    expected = scipy_stats.t.interval(0.9, 3, loc=sum(values) / 4, scale=scipy_stats.sem(values))
    found = t_interval(values, 0.9)
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-12)
    assert found.mean == pytest.approx(30.1)
    assert t_interval(torch.tensor(values, dtype=torch.float64), 0.9) == found


def test_equal_values_have_no_width() -> None:
    assert t_interval([0.1, 0.1, 0.1]) == pytest.approx((0.1, 0.1, 0.1))


def test_interval_covers_as_often_as_it_says() -> None:
    draws = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = [t_interval(row, 0.8) for row in draws]
    share = sum(interval.low <= 0 <= interval.high for interval in found) / len(found)
    assert abs(share - 0.8) < 3 * math.sqrt(0.8 * 0.2 / len(found))


@pytest.mark.parametrize(
    ("values", "level", "named"),
    [
        ([1.0], 0.95, "values"),
        ([], 0.95, "values"),
        ([1.0, math.nan], 0.95, "values"),
        ([1.0, 2.0], 1.0, "level"),
        ([1.0, 2.0], 95, "level"),
    ],
)
def test_interval_names_what_is_wrong(values: list[float], level: float, named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named} must"):
        t_interval(values, level)


@pytest.mark.parametrize(
    ("probability", "dof", "named"),
    [(0.0, 3, "probability"), (1.5, 3, "probability"), (0.9, 0, "dof"), (0.9, 2.5, "dof")],
)
def test_quantile_names_what_is_wrong(probability: float, dof: int, named: str) -> None:
    with pytest.raises(ValueError, match=f"^{named} must"):
        t_quantile(probability, dof)


@pytest.mark.parametrize("dof", [1, 2, 3, 4, 9, 30])
@pytest.mark.parametrize("t", [0.0, 0.3, -1.0, 4.3026527, -25.0, 1e6])
def test_probability_agrees_with_scipy(t: float, dof: int) -> None:
    assert t_probability(t, dof) == pytest.approx(2 * scipy_stats.t.sf(abs(t), dof), rel=1e-9, abs=3e-15)


def test_probability_and_quantile_are_inverse() -> None:
    for dof in (1, 2, 5, 8):
        assert t_probability(t_quantile(0.975, dof), dof) == pytest.approx(0.05, rel=1e-10)
    assert t_probability(math.inf, 2) == t_probability(-math.inf, 3) == 0.0


@pytest.mark.parametrize("values", [[0.1, 0.4, 0.2], [-3.0, 1.0, 0.5, 0.2, 0.9], [1e-3, -1e-3]])
def test_test_agrees_with_scipy(values: list[float]) -> None:
    assert t_test(values) == pytest.approx(scipy_stats.ttest_1samp(values, 0.0).pvalue, rel=1e-10)


def test_test_of_equal_values() -> None:
    assert t_test([0.0, 0.0, 0.0]) == 1.0
    assert t_test([0.1, 0.1, 0.1]) == 0.0  # 0.1 + 0.1 + 0.1 is not 0.3 in binary: no spread may come of it


def test_probability_names_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"^t must"):
        t_probability(math.nan, 2)
    with pytest.raises(ValueError, match=r"^dof must"):
        t_probability(1.0, 0)
    with pytest.raises(ValueError, match=r"^values must"):
        t_test([1.0])
