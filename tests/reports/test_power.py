"""How many seeds a claim needs."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from lossedu.records import load
from lossedu.reports.power import MOST, seeds_needed, table


@pytest.mark.parametrize("spread", [0.001, 0.05, 0.1, 0.2, 0.4])
def test_it_is_the_first_number_whose_interval_is_short_enough(spread: float) -> None:
    values = [1.0 - spread, 1.0, 1.0 + spread]  # whose standard deviation is the spread
    found = seeds_needed(values, 0.1)
    assert found is not None

    def half(n: int) -> float:
        return float(stats.t.ppf(0.975, n - 1)) * spread / math.sqrt(n)

    assert half(found) <= 0.1
    assert found == 3 or half(found - 1) > 0.1
    assert (found == 3) == (spread < 0.04)


def test_too_many_are_none() -> None:
    assert seeds_needed([-5.0, 5.0], 0.1) is None
    assert seeds_needed([-0.5, 0.5], 0.1, most=10_000) is not None


@pytest.mark.parametrize(("values", "margin"), [([0.1], 0.1), ([0.1, 0.2], 0.0), ([0.1, 0.2], math.nan)])
def test_bad_input(values: list[float], margin: float) -> None:
    with pytest.raises(ValueError, match="values must be two or more and margin above 0, got"):
        seeds_needed(values, margin)


def test_a_row_for_each_comparison_of_a_record() -> None:
    lines = table(load("convergence-cpu")).splitlines()[2:]
    claims = {line.split(":")[0].strip("| ") for line in lines}
    assert {"Z3", "Z4", "Z6"} <= claims
    for line in lines:
        *_, half, margin, seeds, needed = (cell.strip() for cell in line.strip("|").split("|"))
        assert needed == f"over {MOST}" or int(needed) >= 3
        # An interval that is short enough already needs no more seeds than it has.
        assert (float(half) <= float(margin)) == (needed.isdigit() and int(needed) <= int(seeds)) or abs(
            float(half) - float(margin)
        ) < 1e-3
