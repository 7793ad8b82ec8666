"""What chapter 1 shows of the records, from made-up numbers where the answer is known."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
import pytest
import report_records as made

from lossedu.experiments.noisy_targets import ARMS, LEVELS, TASKS, expected
from lossedu.records import Record
from lossedu.reports import kinks, pixels
from lossedu.reports import noisy_targets as targets

mpl.use("Agg")


def test_averages_name_two_winners() -> None:
    record = made.table1({"l2": {}, "l1": {}}, seeds=1, spread=0.0)
    column = record.settings["columns"].index("mse")
    record.scores["dd-l2-0@test"][:, column] = [1e-3, 1e-3, 1e-2, 1e-2]
    record.scores["dd-l1-0@test"][:, column] = [5e-4, 5e-4, 1.1e-2, 1.1e-2]
    line = pixels.averages(record).splitlines()[2].split("|")
    cells = [cell.strip() for cell in line]
    assert cells[1:5] == ["0", "25.000", "26.298", r"$\ell_1$"]
    assert cells[5:9] == ["22.596", "22.403", r"$\ell_2$", "2 of 4"]
    assert len(pixels.draw_averages(record).axes) == 1


def test_leads_on_easier_and_harder_pictures_are_told() -> None:
    record = made.table1({"l2": {}, "l1": {}}, seeds=1, spread=0.0)
    column = record.settings["columns"].index("mse")
    record.scores["dd-l2-0@test"][:, column] = [1e-3, 1e-3, 1e-2, 1e-2]
    record.scores["dd-l1-0@test"][:, column] = [5e-4, 1e-3, 1.1e-2, 1.2e-2]
    easier, harder = pixels.tell_halves(record).split("; ")
    assert "ahead on 1 (largest lead 3.01 dB, median of all +1.51 dB)" in easier
    assert "ahead on 2 (largest lead 0.79 dB, median of all +0.60 dB)" in harder


def test_noise_rounds_the_kink_and_moves_the_least_towards_the_mean() -> None:
    draws = np.random.default_rng(0)
    for spread in (0.0, 0.2):
        values = np.where(draws.random(400_000) < 0.6, 0.1, 0.7) + spread * draws.standard_normal(400_000)
        for answer in (0.1, 0.3, 0.8):
            assert kinks.mean_size(answer, spread) == pytest.approx(np.abs(answer - values).mean(), abs=2e-3)
    (ax,) = kinks.draw_rounded().axes
    marks = [line.get_xdata()[0] for line in ax.get_lines() if line.get_marker() not in ("", "None")]
    assert marks[0] == pytest.approx(0.1) and 0.1 < marks[1] < marks[2] < 0.34
    assert marks[1:] == pytest.approx([0.284, 0.328], abs=0.003)  # medians of a million draws


def test_mean_psnr_and_psnr_of_the_mean() -> None:
    mse = np.array([1e-2, 1e-4])
    assert pixels.mean_psnr(mse) == pytest.approx(30)
    assert pixels.psnr_of_mean(mse) == pytest.approx(-10 * math.log10(0.00505))


def test_what_l1_has_over_l2() -> None:
    record = made.table1({"l2": {}, "l1": {"psnr": 1.01}}, spread=0.0)
    assert pixels.over_l2(record, "l1", "psnr", 2).startswith("+0.32 ±")


def test_tasks_are_told_side_by_side() -> None:
    record = made.table1({"l2": {}, "l1": {"flat_middle": 0.9, "mse": 0.5}}, spread=0.0)
    for task in ("jpeg", "sr2"):
        other = made.table1({"l2": {}, "l1": {}}, task=task, spread=0.0)
        record.runs += other.runs
        record.scores |= other.scores
    found = pixels.on_task(record, "dd")
    assert found["splotches"] == pytest.approx([-10] * 3, abs=1e-3)
    assert found["mse"] == pytest.approx([10 * math.log10(2)] * 3, abs=1e-3)
    lines = pixels.tasks_beside(record).splitlines()[2:]
    assert [line.split("|")[2].strip().split(" ")[0] for line in lines] == ["+0.00"] * 3
    assert lines[0].split("|")[4].strip().startswith("−10.0 ±") and len(lines) == 3


def test_splotches_are_compared_seed_by_seed() -> None:
    record = made.convergence({})
    column = record.settings["columns"].index("flat_middle")
    for name, scores in record.scores.items():
        if name.endswith("@test") and "/" in name:
            job, _, branch = name.removesuffix("@test").partition("/")
            last = job.split("-")[1] if branch != "switch" else {"l1": "l2", "l2": "l1"}[job.split("-")[1]]
            scores[:, column] = 0.007 + 0.001 * int(job[-1]) - 0.002 * (last == "l1")
            scores[0, column] = math.nan
    lines = pixels.compare_splotches(record).splitlines()[2:]
    cells = [[cell.strip() for cell in line.split("|")[2:4]] for line in lines]
    assert [one[0].split(" ")[0] for one in cells] == ["−2.0", "−2.0", "+2.0", "+0.0", "+2.0"]
    few, all_ = pixels.flat_pictures(record)
    assert few == all_ - 1


def noisy(kinds: tuple[str, ...] = TASKS, bias: float = 0.01) -> Record:
    """Networks that do what is expected of them, on top of an error that all of a seed share."""
    runs, scores = [], {}
    middles = [(k + 0.5) / LEVELS for k in range(LEVELS)]
    for target in kinds:
        for arm in ARMS:
            for seed in range(3):
                job = f"{target}-{arm}-{seed}"
                runs.append({"job": job, "task": target, "arm": arm, "seed": seed})
                shift = [expected(target, arm, level) + bias * seed for level in middles]
                scores[f"{job}@levels"] = np.array([shift, [10.0 + k for k in range(LEVELS)]]).T
                scores[f"{job}@test"] = np.array([[1e-3, 30.0, 0.02]] * 2, dtype=np.float32)
    settings = {"columns": ["mse", "psnr", "l1"], "sets": {"test": ["a", "b"]}}
    return made.record("noisy_targets", runs, scores, **settings)


def test_shifts_are_against_the_twin_of_the_same_seed() -> None:
    record = noisy()
    for target in targets.kinds(record):
        for arm in ARMS:
            for values in targets.shifts(record, target, arm).values():
                assert values == pytest.approx(targets.predicted(target, arm), abs=1e-12)
            for bins in targets.RANGES.values():
                found = targets.shift_in(record, target, arm, bins)
                assert found == pytest.approx([targets.predicted_in(record, target, arm, bins)] * 3, abs=1e-12)


def test_the_mean_error_counts_pixels() -> None:
    record = noisy()
    assert targets.overall(record, "clean", "l2") == pytest.approx([0.0, 0.01, 0.02])
    levels = record.scores["clean-l2-0@levels"]
    levels[3] = [math.nan, 0.0]  # a level that no picture has
    assert targets.overall(record, "clean", "l2")[0] == pytest.approx(0.0)


def test_table_and_figure_show_what_the_record_has() -> None:
    for kinds in (TASKS, ("clean", "even", "clipped")):
        record = noisy(kinds)
        text = targets.table(record)
        assert len([line for line in text.splitlines() if line.startswith("| ")]) == 2 + 2 * len(kinds)
        assert "30.00" in text and ("skewed" in text) == ("skewed" in kinds)
        assert len(targets.draw_shifts(record).axes) == len(kinds) - 1


def test_networks_that_ran_away_are_left_out_and_named() -> None:
    record = noisy()
    record.runs[-1]["ran_away"] = True
    assert len(targets.shifts(record, "clipped", "l1")) == 2
    assert "clipped-l1-2 ran away" in targets.table(record)
