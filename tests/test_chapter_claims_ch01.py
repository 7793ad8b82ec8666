"""What chapter 1 concludes in words from records.  If a new record turns one of these red, rewrite the sentence."""

from __future__ import annotations

import numpy as np
import pytest

from lossedu.ledger.evidence import Nets, paired
from lossedu.records import Record, load
from lossedu.reports import noisy_targets as targets
from lossedu.reports import pixels, verdicts
from lossedu.reports.indices import gap
from lossedu.reports.zhao2017 import published
from lossedu.statistics import Interval, t_interval


def sign(found: Interval) -> int:
    """Return -1 or 1 where the interval lies on one side of zero, and 0 where it holds zero."""
    return (found.low > 0) - (found.high < 0)


@pytest.fixture(scope="module")
def table() -> Record:
    return load("table1-cpu")


@pytest.fixture(scope="module")
def course() -> Record:
    return load("convergence-cpu")


@pytest.fixture(scope="module")
def noisy() -> Record:
    return load("noisy_targets-cpu")


# The gradient


def test_the_numbers_sixty_and_thirty_are_those_of_the_papers_error() -> None:
    error = published("dd", "l1", "l2")
    assert error and round(1 / error) == 63 and round(1 / (2 * error)) == 31


# Averages of PSNR


def test_l1_wins_the_mean_psnr_with_every_seed_and_l2_the_pooled_error_with_two(table: Record) -> None:
    ahead = []
    for seed in range(3):
        mse = {arm: pixels.per_image(table, arm, seed) for arm in ("l1", "l2")}
        assert pixels.mean_psnr(mse["l1"]) > pixels.mean_psnr(mse["l2"])
        ahead.append(pixels.psnr_of_mean(mse["l2"]) > pixels.psnr_of_mean(mse["l1"]))
    assert ahead == [True, False, True]


def test_l1_is_far_ahead_on_easy_pictures_and_l2_a_little_on_hard_ones(table: Record) -> None:
    mse = {arm: pixels.per_image(table, arm, 0) for arm in ("l1", "l2")}
    size, lead = mse["l1"] + mse["l2"], 10 * np.log10(mse["l2"] / mse["l1"])
    easy = size < np.quantile(size, 1 / 3)
    hard = size > np.quantile(size, 2 / 3)
    assert np.mean(lead[easy] > 0) > 0.8 and np.median(lead[easy]) > 0.25
    assert np.mean(lead[hard] < 0) > 0.6 and -0.3 < np.median(lead[hard]) < 0


# Noise in the target


def test_no_network_with_noisy_targets_ran_away_and_all_are_there(noisy: Record) -> None:
    assert noisy.settings["unfinished"] == [] and not any(run["ran_away"] for run in noisy.runs)
    assert {run["seed"] for run in noisy.runs} == {0, 1, 2}


def mean_shift(noisy: Record, target: str, arm: str, name: str) -> float:
    bins = next(bins for words, bins in targets.RANGES.items() if words.startswith(name))
    return float(np.mean(targets.shift_in(noisy, target, arm, bins)))


def predicted(noisy: Record, name: str) -> float:
    bins = next(bins for words, bins in targets.RANGES.items() if words.startswith(name))
    return targets.predicted_in(noisy, "clipped", "l2", bins)


def test_even_noise_shifts_nothing_and_costs_psnr_more_with_l1(noisy: Record) -> None:
    gained = {}
    for arm in ("l2", "l1"):
        assert max(abs(mean_shift(noisy, "even", arm, name)) for name in ("black", "middle", "white")) < 0.004
        gained[arm] = np.mean(list(paired(noisy, Nets(arm, "even"), Nets(arm, "clean"), "psnr").values.values()))
    assert gained["l1"] < gained["l2"] - 0.1 < gained["l2"] < 0
    # and then both are much alike
    alike = paired(noisy, Nets("l1", "even"), Nets("l2", "even"), "psnr").values.values()
    assert max(map(abs, alike)) < 0.25


def test_clipping_makes_shadows_of_l2_bright_as_predicted_and_leaves_l1(noisy: Record) -> None:
    share = mean_shift(noisy, "clipped", "l2", "black") / predicted(noisy, "black")
    assert 0.85 < share < 1.05
    assert abs(mean_shift(noisy, "clipped", "l1", "black")) < 0.1 * predicted(noisy, "black")
    assert sign(t_interval(targets.shift_in(noisy, "clipped", "l2", (0, 2)))) == 1


def test_highlights_of_l2_are_too_dark_by_about_half_of_what_is_predicted(noisy: Record) -> None:
    share = mean_shift(noisy, "clipped", "l2", "white") / predicted(noisy, "white")
    assert 0.4 < share < 0.75
    assert sign(t_interval(targets.shift_in(noisy, "clipped", "l2", (18, 20)))) == -1
    assert abs(mean_shift(noisy, "clipped", "l1", "white")) < 0.15 * abs(predicted(noisy, "white"))


def test_clean_targets_leave_no_bias_although_the_input_is_clipped(noisy: Record) -> None:
    assert max(map(abs, targets.overall(noisy, "clean", "l2"))) < 0.003


# Section 5.1


def over_l2(course: Record, mode: str, where: str) -> Interval:
    pair = (Nets(arm, branch="continue", where=(("mode", mode),)) for arm in ("l1", "l2"))
    return t_interval(list(paired(course, *pair, "mse", where, how="dB").values.values()))


def test_l1_is_ahead_with_gradient_descent_and_not_with_adam(course: Record) -> None:
    for where in ("test", "train"):
        assert sign(over_l2(course, "sgd_tuned", where)) == 1
        assert sign(over_l2(course, "adam_tuned", where)) == 0


def test_l1_lies_below_l2_from_the_first_look_on(course: Record) -> None:
    curves = {
        arm: np.mean(
            [
                [errors[0] for _, errors in run["curves"]["trunk"]]
                for run in course.runs
                if (run["mode"], run["arm"]) == ("sgd_tuned", arm)
            ],
            axis=0,
        )
        for arm in ("l1", "l2")
    }
    assert (curves["l1"] < 0.95 * curves["l2"]).all()


# Splotches and edges


def test_l2_leaves_more_splotches_than_l1_in_every_seed(table: Record, course: Record) -> None:
    assert max(gap(table, "dd", "l1", "l2", "flat_middle").values()) < 0
    ends = {arm: pixels.splotches(course, arm, "continue") for arm in ("l1", "l2")}
    assert all(a < b for a, b in zip(ends["l1"], ends["l2"], strict=True))


def test_a_change_to_l1_helps_and_the_orders_cannot_be_told_apart(course: Record) -> None:
    stayed = pixels.splotches(course, "l2", "continue")
    then_l1, then_l2 = (pixels.splotches(course, arm, "switch") for arm in ("l2", "l1"))
    assert all(a < b for a, b in zip(then_l1, stayed, strict=True))
    assert sign(t_interval([b - a for a, b in zip(then_l1, then_l2, strict=True)])) == 0


def test_verdicts_that_the_text_explains() -> None:
    rows = verdicts.rows()
    assert rows["Z7"]["verdict"] == "supported"
    assert {rows[claim]["verdict"] for claim in ("Z1", "Z2", "Z3", "Z4", "Z6")} == {"inconclusive"}


def test_neither_loss_is_ahead_by_the_squared_error_with_adam(table: Record) -> None:
    assert sign(t_interval(list(gap(table, "dd", "l1", "l2", "mse").values()))) == 0
    assert sign(t_interval(list(gap(table, "dd", "l1", "l2", "psnr").values()))) == 0
