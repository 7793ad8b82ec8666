"""What chapter 7 shows of networks that retouch: rows of tables, lines of figures, numbers of pictures."""

from __future__ import annotations

import numpy as np
import pytest

from lossedu.experiments import retouch_pairs, retouch_rates, retouch_scores
from lossedu.experiments.retouching import COMPARED, KEPT, KEPT_PHOTOGRAPH, KEPT_TASK, USUAL
from lossedu.records import Record
from lossedu.reports import retouch_figures, retouching
from lossedu.reports.retouching import NAMES
from lossedu.reports.wording import number

COLUMNS = list(retouch_scores.COLUMNS)


def record() -> Record:
    """Three seeds, four pictures; arm number k has a PSNR of 20 + k dB, and a tone curve k hundredths too high."""
    runs, scores, weights = [], {}, {}
    for task, arms in ((task, COMPARED[task]) for task in USUAL):
        for seed in range(3):
            for rank, arm in enumerate(("input", *arms)):
                if arm == "input" and seed > 0 and task != "hdr":
                    continue
                job = f"{task}-{arm}-{seed}"
                run = {"job": job, "task": task, "arm": arm, "seed": seed, "ran_away": False}
                runs.append(run | {"commit": "0" * 12, "device": "cpu"})
                rows = np.tile(np.linspace(0.1, 0.9, len(COLUMNS), dtype=np.float32), (4, 1))
                rows[:, 0] = 20 + rank + np.arange(4) + 0.01 * seed
                for where in ("test", "train"):
                    scores[f"{job}@{retouching.testset(task, where)}"] = rows
                ramp = np.linspace(0, 1, retouch_scores.POINTS) + 0.01 * rank
                scores[f"{job}@curve"] = np.tile(ramp, (2, 1)).astype(np.float32)
    bright = (retouch_pairs.shown(KEPT_PHOTOGRAPH).y[0].permute(1, 2, 0) * 255).round().byte().numpy()
    weights |= {f"{KEPT_TASK}/{KEPT_PHOTOGRAPH}/{arm}": bright for arm in KEPT}
    sets = {name: list("abcd") for name in ("test", "train", "test_views", "train_views")}
    settings = {"columns": COLUMNS, "sets": sets, "contexts": 2}
    provenance = {"device": "x", "torch": "y", "date": "z"}
    return Record("retouching", "cpu", settings, runs, provenance, "lossedu run", scores=scores, weights=weights)


def test_every_arm_of_the_experiment_has_a_name_and_a_row() -> None:
    made = record()
    assert set(NAMES) == {"input", *(arm for arms in COMPARED.values() for arm in arms)}
    for task, arms in ((task, COMPARED[task]) for task in USUAL):
        assert set(retouching.arms_of(made, task)) == {"input", *arms}
        text = retouching.table(made, task)
        assert text.count("\n| ") == len(arms) + 2 and "4 pictures and 3 seeds" in text
    short = retouching.table(made, "moody", arms=("l2", "printed"))
    assert short.count("\n| ") == 3 and "| ℓ2 | 22.51" in short


def test_leads_and_values_are_those_of_the_pictures() -> None:
    made = record()
    assert retouching.values(made, "certain", "l2", "psnr") == pytest.approx([22.5, 22.51, 22.52], abs=1e-4)
    assert retouching.values(made, "hdr", "input", "psnr") == pytest.approx([21.5, 21.51, 21.52], abs=1e-4)
    found = retouching.lead(made, "certain", "printed", "l2")
    assert found.mean == pytest.approx(1) and found.high - found.low < 1e-4


def test_networks_that_ran_away_are_named_below_the_table() -> None:
    made = record()
    made.runs[2]["ran_away"] = True
    assert f"{made.runs[2]['job']} ran away" in retouching.table(made, made.runs[2]["task"])


def test_the_search_for_step_sizes_is_told_whole() -> None:
    runs = [
        {"arm": arm, "lr": lr, "cost": 1 + place, "ran_away": False}
        for arm in retouch_rates.ARMS
        for place, lr in enumerate(retouch_rates.RATES)
    ]
    text = retouching.rates_table(Record("retouch_rates", "cpu", {}, runs, {}, "run"))
    assert text.count("| 1.00 | 2.00 | 3.00 | 4.00 | 0.0003 |") == len(retouch_rates.ARMS)


def test_differences_are_taken_by_seed() -> None:
    made = record()
    lines = retouching.gaps_table(made).splitlines()
    shown = [line for line in lines if line.startswith("| ")][2:]
    assert len(shown) == sum(len(retouching.arms_of(made, task)) - 2 for task in retouching.TITLES if task != "own")
    found = retouching.lead(made, "moody", "printed", "l2")
    (row,) = (line for line in shown if line.startswith("| hidden moods | ℓ2 + EMD, printed |"))
    cell = row.split("|")[3].strip()
    assert cell.strip("*").split(" ")[0] == number(found.mean, 1, signed=True)
    assert cell.startswith("**") == (not found.low <= 0 <= found.high)


def test_pictures_histograms_and_curves_are_drawn() -> None:
    made = record()
    assert retouch_figures.strip(made).get_size_inches()[0] > 0
    # The made-up networks return the target.
    assert retouch_figures.distances(made).splitlines()[-1] == "| 1000 EMD | 210 | 0 | 0 | 0 | 0 |"
    found = retouch_figures.histograms_shown(made, ("l2", "printed"))
    for arm, rows in found.items():
        np.testing.assert_allclose(rows.sum(axis=1), 1)
        np.testing.assert_allclose(rows, found["target"], err_msg=arm)
    assert len(retouch_figures.figure3(made).axes) == 3
    curves = retouch_figures.mean_curves(made, "certain", "printed")
    assert curves.shape == (3, retouch_scores.POINTS) and curves[0, 0] == pytest.approx(0.02)
    (left, right) = retouch_figures.figure5(made).axes
    drawn = [retouch_figures.NAMES[arm][0] for arm in retouch_figures.DRAWN]
    assert [line.get_label() for line in right.lines] == ["retoucher", *drawn]
    assert "ℓ2 + VGG" not in [line.get_label() for line in left.lines]


def test_violins_show_mean_and_fifth_percentile_of_single_pictures() -> None:
    made = record()
    assert retouch_figures.per_picture(made, "moody", "l2").tolist() == pytest.approx([21.01, 22.01, 23.01, 24.01])
    assert len(retouch_figures.per_picture(made, "hdr", "l2")) == 12
    figure = retouch_figures.figure6(made)
    assert len(figure.axes) == 3
    marks = {line.get_marker(): line.get_ydata() for line in figure.axes[0].lines[2:4]}
    values = retouch_figures.per_picture(made, "certain", "l2")
    assert marks["+"] == pytest.approx(values.mean()) and marks["x"] == pytest.approx(np.quantile(values, 0.05))
