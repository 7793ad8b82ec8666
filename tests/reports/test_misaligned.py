"""What chapter 8 shows of targets that do not register: rows of tables, lines of figures."""

from __future__ import annotations

import numpy as np
import pytest

from lossedu.experiments import misaligned, misaligned_pairs, misaligned_rates, misaligned_scores
from lossedu.experiments.misaligned_losses import ARMS, FEATURES
from lossedu.records import Record
from lossedu.reports import misaligned as report
from lossedu.reports.misaligned import NAMES

COLUMNS = list(misaligned_scores.COLUMNS)
SHIFTS = misaligned_pairs.SHIFTS


def record() -> Record:
    """Three seeds, four pictures; arm k has 20 + k dB where targets are still, and loses s / (k + 1) dB at shift s."""
    runs, scores = [], {}
    for task, shift in SHIFTS.items():
        for seed in range(3):
            for rank, arm in enumerate(("input", *ARMS)):
                if (arm == "input" and seed > 0) or (arm in FEATURES and task not in misaligned.FEW):
                    continue
                job = f"{task}-{arm}-{seed}"
                runs.append({"job": job, "task": task, "arm": arm, "seed": seed, "ran_away": False})
                rows = np.tile(np.linspace(0.1, 0.9, len(COLUMNS)), (4, 1))
                lost = 0 if arm == "input" else shift / rank
                rows[:, 0] = 20 + rank - lost + np.arange(4) + 0.01 * seed
                scores[f"{job}@test"] = rows.astype(np.float32)
    bright = (misaligned_pairs.shown().y[0].permute(1, 2, 0) * 255).round().byte().numpy()
    weights = {f"{task}/rocket/{arm}": bright for task in misaligned.KEPT_TASKS for arm in misaligned.KEPT}
    prices = {arm: [0.0, *(k / (10 + rank) for k in range(1, 6))] for rank, arm in enumerate(ARMS)}
    prices["min_shift"] = [0.0] * 6
    settings = {"columns": COLUMNS, "sets": {"test": list("abcd")}, "prices": prices}
    return Record("misaligned", "cpu", settings, runs, {"device": "x"}, "lossedu run", scores=scores, weights=weights)


def test_every_arm_has_a_name() -> None:
    assert set(NAMES) == {"input", *ARMS} and set(report.DRAWN) <= set(ARMS)
    assert report.arms_of(record()) == list(NAMES)
    assert report.arms_of(record(), "shift1") == [arm for arm in NAMES if arm not in FEATURES]
    assert set(report.COLUMNS) <= set(COLUMNS)


def test_drops_are_means_over_shifts_by_seed() -> None:
    made = record()
    assert report.drops(made, "l2") == pytest.approx(dict.fromkeys(range(3), 11 / 4), abs=1e-4)
    assert report.drops(made, "contextual", ("shift5",)) == pytest.approx(dict.fromkeys(range(3), 5 / 8), abs=1e-4)
    found = report.drop_lead(made)
    assert found.mean == pytest.approx(11 / 4 - 11 / 12, abs=1e-4)
    made.runs[[run["job"] for run in made.runs].index("shift2-l2-1")]["ran_away"] = True
    assert set(report.drops(made, "l2")) == {0, 2}


def test_differences_are_taken_by_seed_at_each_shift() -> None:
    made = record()
    lines = report.table(made).splitlines()
    rows = {line.split("|")[1].strip(): [c.strip() for c in line.split("|")[2:-1]] for line in lines if "|" in line}
    assert set(rows) == {"loss", "---", *(NAMES[arm][0] for arm in ARMS if arm != "l2")}
    assert rows["loss"] == ["0", "1", "2", "3", "5"]
    found = report.lead(made, "shift5", "blurred_wespe")
    assert found.mean == pytest.approx(2 + 5 - 5 / 3, abs=1e-4)
    cells = rows[NAMES["blurred_wespe"][0]]
    assert cells[0].startswith("**+2.0") and cells[4].startswith("**+5.3") and len(cells) == 5
    assert rows["contextual"][1] == rows["contextual"][3] == "–" and rows["contextual"][4] != "–"
    made.runs[1]["ran_away"] = True
    assert f"{made.runs[1]['job']} ran away" in report.table(made)
    with pytest.raises(ValueError, match="column must be one of"):
        report.table(made, column="lpips")


def test_scores_of_a_task() -> None:
    text = report.scores_table(record(), "shift1")
    assert text.count("\n| ") == 1 + len(NAMES) - len(FEATURES) and "up to 1 pixels; 4 aligned" in text
    assert "| ℓ2 | 21.5" in text
    assert report.scores_table(record(), "shift0", ("l2", "l1")).count("\n| ") == 3


def test_the_search_for_step_sizes_is_told_whole() -> None:
    runs = [
        {"arm": arm, "lr": lr, "cost": 1 + place, "psnr": 20.0 + place, "ran_away": False}
        for arm in ARMS
        for place, lr in enumerate(misaligned_rates.RATES)
    ]
    text = report.rates_table(Record("misaligned_rates", "cpu", {}, runs, {}, "run"))
    assert text.count("| 1.00 (20.0) | 2.00 (21.0) | 3.00 (22.0) | 0.001 |") == len(ARMS)


def test_lines_of_the_figures() -> None:
    made = record()
    (ax,) = report.figure_shift(made).axes
    drawn = {container.get_label(): container.lines[0] for container in ax.containers}
    assert set(drawn) == {NAMES[arm][0] for arm in report.DRAWN}
    assert drawn["ℓ2"].get_xdata().tolist() == [0, 1, 2, 3, 5]
    assert drawn["ℓ2"].get_ydata() == pytest.approx([22.51 - shift for shift in SHIFTS.values()], abs=1e-4)
    assert drawn["contextual"].get_xdata().tolist() == [0, 2, 5]
    level = [line for line in ax.lines if line.get_label() == NAMES["input"][0]]
    assert level[0].get_ydata()[0] == pytest.approx(21.5)
    assert report.strip(made).get_size_inches()[0] > 0
