"""What chapters conclude in words from their records.  If a new record turns one of these red, rewrite the sentence."""

from __future__ import annotations

import pytest

from lossedu.experiments.residuals import RINGS
from lossedu.experiments.sigma_report import difference
from lossedu.records import Record, load


@pytest.fixture(scope="module")
def record() -> Record:
    return load("sigma_sensitivity-cpu")


def sign(record: Record, measure: str, loss: str, base: str, ring: int | None = None) -> int:
    """Return -1 or 1 where the interval lies on one side of zero, and 0 where it holds zero."""
    _, low, high = difference(record, measure, loss, base, ring)
    return (low > 0) - (high < 0)


def test_a_wider_window_leaves_less_in_the_middle_band_and_the_first_step_does_all_of_it(record: Record) -> None:
    assert sign(record, "flat_middle", "ssim_3", "ssim_1") == -1
    assert sign(record, "flat_middle", "ssim_9", "ssim_1") == -1
    assert sign(record, "flat_middle", "ssim_9", "ssim_3") == 0


def test_beside_edges_the_question_is_open_and_one_ring_in_five_lies_below_zero(record: Record) -> None:
    signs = [sign(record, "ring", "ssim_9", "ssim_1", ring) for ring in range(1, len(RINGS))]
    assert signs[0] == 0
    assert sorted(signs) == [-1, 0, 0, 0, 0]


def test_in_the_coarse_band_the_networks_differ_less_than_in_the_middle_band(record: Record) -> None:
    coarse, middle = (difference(record, f"flat_{band}", "ssim_9", "ssim_1").mean for band in ("coarse", "middle"))
    assert middle < coarse < 0


@pytest.mark.parametrize("band", ["fine", "middle"])
@pytest.mark.parametrize("other", ["ssim_1", "ssim_3", "ssim_9", "l1"])
def test_l2_leaves_most_in_the_fine_and_the_middle_band(record: Record, band: str, other: str) -> None:
    assert sign(record, f"flat_{band}", "l2", other) == 1


def test_no_recorded_network_ran_away_at_the_smaller_step(record: Record) -> None:
    assert not any(run["ran_away"] for run in record.runs)


def test_one_run_with_the_widest_window_ran_away_between_step_600_and_900_and_never_came_back() -> None:
    runs = load("sigma_sensitivity-cpu_fast").runs
    assert [(run["loss"], run["seed"]) for run in runs if run["ran_away"]] == [("ssim_9", 1)]
    (lost,) = (run["history"] for run in runs if run["ran_away"])
    assert max(lost[1:6]) < 0.15 and min(lost[9:]) > 0.99
