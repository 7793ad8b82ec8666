"""Pairs of seeds out of records whose differences are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ledger_records import COLUMNS, PICTURE, below, nets, record, seed_factor

from lossedu.ledger.evidence import Missing, Nets, compared, paired, pooled, seed_values
from lossedu.records import Record


def two_arms(spread: float = 0.0, seeds: int = 3) -> Record:
    better = nets("dd", "l1", seeds, spread, mse=below(0.5), psnr=0.4, flat_middle=0.9)
    return record("table1", better + nets("dd", "l2", seeds))


def test_a_seed_is_the_mean_over_its_pictures() -> None:
    found = seed_values(two_arms(), "dd", "l2", "mse")
    assert list(found) == [0, 1, 2]
    for seed, value in found.items():
        assert value == pytest.approx(1e-3 * PICTURE.mean() * seed_factor(seed), rel=1e-6)
    on_train = seed_values(two_arms(), "dd", "l2", "mse", "train")
    assert on_train[0] == pytest.approx(2e-3, rel=1e-6)


def test_bands_are_pooled_as_root_mean_squares() -> None:
    found = seed_values(two_arms(), "dd", "l2", "flat_middle", pool="rms")[0]
    assert found == pytest.approx(1e-3 * math.sqrt((PICTURE**2).mean()), rel=1e-6)


def test_pairs_find_the_difference_under_far_larger_ones() -> None:
    found = two_arms()
    l1, l2 = Nets("l1", "dd"), Nets("l2", "dd")
    assert list(paired(found, l1, l2, "mse", how="dB").values.values()) == pytest.approx([0.5] * 3, abs=1e-5)
    assert list(paired(found, l2, l1, "mse", how="dB").values.values()) == pytest.approx([-0.5] * 3, abs=1e-5)
    assert list(paired(found, l1, l2, "psnr").values.values()) == pytest.approx([0.4] * 3, abs=1e-5)
    percent = paired(found, l1, l2, "flat_middle", how="percent", pool="rms")
    assert list(percent.values.values()) == pytest.approx([-10.0] * 3, abs=1e-4)
    assert percent.left_out == ()


def test_decibels_are_of_the_pooled_error_and_not_the_mean_of_decibels() -> None:
    found = two_arms()
    k = COLUMNS.index("mse")
    found.scores["dd-l1-0@test"][:, k] = found.scores["dd-l2-0@test"][:, k] * [0.1, 1, 1, 1]
    pool = 10 * math.log10(PICTURE.sum() / (PICTURE * [0.1, 1, 1, 1]).sum())
    assert pool != pytest.approx(2.5, abs=0.3)  # what the mean of the four pictures' decibels would be
    assert paired(found, Nets("l1", "dd"), Nets("l2", "dd"), "mse", how="dB").values[0] == pytest.approx(pool, abs=1e-5)


def test_pictures_without_a_value_under_one_loss_are_left_out_for_both() -> None:
    found = two_arms()
    found.scores["dd-l1-0@test"][1, COLUMNS.index("psnr")] = np.nan
    found.scores["dd-l2-0@test"][2, COLUMNS.index("psnr")] = np.nan
    gap = paired(found, Nets("l1", "dd"), Nets("l2", "dd"), "psnr")
    assert gap.values[0] == pytest.approx(0.4, abs=1e-5)
    assert gap.left_out == ()


def test_runs_that_failed_are_left_out_with_their_seed_and_named() -> None:
    found = two_arms(seeds=5)
    by_job = {run["job"]: run for run in found.runs}
    by_job["dd-l1-1"]["ran_away"] = True
    by_job["dd-l2-2"] |= {"diverged_at": 77, "ran_away": True}
    del found.scores["dd-l2-2@test"]
    gap = paired(found, Nets("l1", "dd"), Nets("l2", "dd"), "mse", how="dB")
    assert list(gap.values) == [0, 3, 4]
    assert gap.left_out == ("dd-l1-1 ran away", "dd-l2-2 diverged at step 77")
    assert list(seed_values(found, "dd", "l1", "mse")) == [0, 2, 3, 4]


def test_seeds_without_a_partner_are_named() -> None:
    found = record("table1", nets("dd", "l1", 4) + nets("dd", "l2", 3))
    gap = paired(found, Nets("l1", "dd"), Nets("l2", "dd"), "mse", how="dB")
    assert list(gap.values) == [0, 1, 2] and "seeds 3 of l1 or l2" in gap.left_out[0]


def test_a_measure_that_no_picture_has_is_no_value() -> None:
    found = two_arms()
    found.scores["dd-l1-0@test"][:, COLUMNS.index("flat_middle")] = np.nan
    gap = paired(found, Nets("l1", "dd"), Nets("l2", "dd"), "flat_middle", how="percent", pool="rms")
    assert list(gap.values) == [1, 2]
    assert gap.left_out == ("flat_middle is not defined on any picture of dd-l1-0@test",)


def test_the_input_is_compared_with_every_seed() -> None:
    found = record("table1", nets("jpeg", "l2", psnr=1.0) + nets("jpeg", "input", 1))
    gap = paired(found, Nets("l2", "jpeg"), Nets("input", "jpeg"), "psnr")
    expected = [1.0 + PICTURE.mean() * (seed_factor(seed) - 1) for seed in range(3)]
    assert list(gap.values.values()) == pytest.approx(expected, abs=1e-5)


def test_branches_and_modes() -> None:
    runs = [
        {
            "task": "dd",
            "arm": "l1",
            "mode": mode,
            "seed": 0,
            "values": {"continue": {"mse": below(size)}, "switch": {"mse": below(2 * size)}},
        }
        for mode, size in (("adam", 1.0), ("sgd", 3.0))
    ]
    found = record("convergence", runs)

    def net(branch: str, mode: str) -> Nets:
        return Nets("l1", "dd", branch, (("mode", mode),))

    for mode, gain in (("adam", 1.0), ("sgd", 3.0)):
        gap = paired(found, net("switch", mode), net("continue", mode), "mse", how="dB")
        assert gap.values == {0: pytest.approx(gain, abs=1e-5)}
    found.runs[0]["branches_diverged"] = {"switch": 5}
    gap = paired(found, net("switch", "adam"), net("continue", "adam"), "mse", how="dB")
    assert gap.values == {} and gap.left_out == ("dd-adam-l1-0 diverged at step 5 of switch",)
    assert len(seed_values(found, "dd", "l1", "mse", branch="continue", mode="adam")) == 1


def test_what_a_record_never_had_is_told_from_what_it_lost() -> None:
    found = two_arms()
    with pytest.raises(Missing, match="no runs of arm mix, task dd"):
        seed_values(found, "dd", "mix", "mse")
    del found.scores["dd-l1-2@test"]
    with pytest.raises(ValueError, match="no scores dd-l1-2@test") as caught:
        seed_values(found, "dd", "l1", "mse")
    assert not isinstance(caught.value, Missing)


def test_damaged_records_are_named() -> None:
    found = two_arms()
    with pytest.raises(ValueError, match=r"column .* must be one of .*'lpips'.* got 'vif'"):
        seed_values(found, "dd", "l1", "vif")
    with pytest.raises(ValueError, match=r"testset .* must be one of 'test', 'train', got 'free'"):
        seed_values(found, "dd", "l1", "mse", "free")
    found.scores["dd-l1-0@test"] = found.scores["dd-l1-0@test"][:2]
    with pytest.raises(ValueError, match=r"must have shape \(4, 20\), got \(2, 20\)"):
        seed_values(found, "dd", "l1", "mse")
    doubled = record("table1", nets("dd", "l1", 2) + nets("dd", "l1", 1))
    with pytest.raises(ValueError, match="more than one run"):
        seed_values(doubled, "dd", "l1", "mse")


def test_options_are_named() -> None:
    with pytest.raises(ValueError, match=r"^pool must"):
        pooled(np.ones(3), "median")
    with pytest.raises(ValueError, match=r"^how must"):
        compared(1.0, 2.0, "ratio")
    assert math.isnan(pooled(np.full(3, np.nan)))
