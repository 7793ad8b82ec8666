"""Step sizes, and networks that run away."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import pytest
import report_records as made

from lossedu.experiments import tuning as experiment
from lossedu.experiments.arms import LOSSES
from lossedu.figures import loss_style
from lossedu.records import Record
from lossedu.reports import runaway, tuning

mpl.use("Agg")

ADAM = (5e-4, 1e-3, 2e-3, 4e-3, 8e-3)


def remark(figure: Any) -> str:
    return figure._supxlabel.get_text().replace("\n", " ") if figure._supxlabel else ""


@pytest.fixture(scope="module")
def tuned() -> Record:
    best = {"l2": 2, "l1": 4, "ssim_5": 1, "ssim_9": 1, "ms_ssim": 0, "mix": 3}
    away = [("ssim_9", 4e-3), ("ssim_9", 8e-3), *(("ms_ssim", rate) for rate in ADAM)]
    return made.tuning(best, away=away)


def marks(ax: Any, gid: str) -> dict[str, list[float]]:
    """Return colour -> step sizes of the marks of a kind."""
    return {
        line.get_color() if gid != "chosen" else line.get_markeredgecolor(): [float(x) for x in line.get_xdata()]
        for line in ax.get_lines()
        if line.get_gid() == gid and len(line.get_xdata())
    }


def test_tuning_marks_choices_and_runaways(tuned: Record) -> None:
    figure = tuning.draw_tuning(tuned, "dd")
    figure.canvas.draw()
    panels = {ax.get_title(): ax for ax in figure.axes}
    assert list(panels) == ["pixels", "SSIM", "MS-SSIM", "Mix", "gradient descent"]
    look = {arm: loss_style(arm)["color"] for arm in LOSSES}
    assert marks(panels["pixels"], "chosen") == {look["l2"]: [2e-3], look["l1"]: [8e-3]}
    assert marks(panels["gradient descent"], "chosen") == {look["l2"]: [0.1], look["l1"]: [1.0]}
    assert marks(panels["SSIM"], "away") == {look["ssim_9"]: [4e-3, 8e-3]}
    assert marks(panels["MS-SSIM"], "away") == {look["ms_ssim"]: list(ADAM)}
    assert marks(panels["MS-SSIM"], "chosen") == {}
    # 6 % k^1.5: three places off is 31 %, beyond the axis, two are 17 %.
    assert marks(panels["pixels"], "beyond") == {look["l1"]: [5e-4, 1e-3]}
    (curve,) = [line for line in panels["pixels"].get_lines() if line.get_label() == r"$\ell_2$"]
    assert curve.get_ydata() == pytest.approx([6 * 2**1.5, 6, 0, 6, 6 * 2**1.5])
    # What is above the axis lies in the strip, and inside the panel.
    for ax in panels.values():
        high = [y for line in ax.get_lines() if line.get_gid() in ("away", "beyond") for y in line.get_ydata()]
        assert all(tuning.CAP < y < ax.get_ylim()[1] for y in high)
    assert remark(figure) == "×: ran away. ▲: beyond the axis. No step size was found for MS-SSIM: all ran away."
    texts = [text.get_text() for text in figure.legends[0].get_texts() if text.get_text().strip()]
    assert texts == [loss_style(arm)["label"] for arm in ("l2", "l1", "ssim_5", "ssim_9", "ms_ssim", "mix")]


def test_tuning_says_what_it_lacks(tuned: Record) -> None:
    with pytest.raises(ValueError, match=r"task must be one .*, dd, got 'jpeg'"):
        tuning.draw_tuning(tuned, "jpeg")
    few = made.tuning({"ssim_9": 1})
    few.settings["unfinished"] = ["a", "b"]
    figure = tuning.draw_tuning(few, "dd")
    assert [ax.get_title() for ax in figure.axes] == ["SSIM"]
    assert "Not finished: 2 of 7 jobs are missing." in remark(figure)
    assert "Not finished: 2 of 7" in tuning.table_of_rates(few)


def test_table_of_rates_stars_the_ends_of_the_grid(tuned: Record) -> None:
    other = made.tuning({"l2": 3}, task="jpeg")
    record = Record("tuning", "cpu", {}, [*tuned.runs, *(r for r in other.runs if r["optimizer"] == "adam")], {}, "")
    lines = tuning.table_of_rates(record).split("\n\n")[0].splitlines()
    assert lines[0] == "| loss | dd, Adam | dd, SGD | jpeg, Adam |"
    assert lines[2:] == [
        r"| $\ell_2$ | 0.002 | 0.1 | 0.004 |",
        r"| $\ell_1$ | 0.008\* | 1\* | – |",
        r"| $\mathrm{SSIM}_5$ | 0.001 | – | – |",
        r"| $\mathrm{SSIM}_9$ | 0.001 | – | – |",
        "| MS-SSIM | none | – | – |",
        "| Mix | 0.004 | – | – |",
    ]


@pytest.fixture(scope="module")
def lost() -> Record:
    ends = {("wide", arm, seed): (0.9, 1.0, 1.1) for arm in ("ssim_1", "ssim_9", "l1") for seed in range(3)}
    ends[("wide", "ssim_9", 1)] = (0.9, -0.4, 1.0)
    ends[("wide", "ssim_9", 2)] = (-30.0, -0.1, 1.0)
    ends[("plain", "ssim_9", 0)] = (0.1, 0.2, -0.3)
    record = made.runaway(ends, away=[("wide", "ssim_9", 2), ("wide", "ssim_1", 0)])
    job = {"job": "plain-l1-0", "task": "plain", "arm": "l1", "seed": 0, "ran_away": True, "diverged_at": 12}
    return Record("runaway", "cpu", record.settings, [*record.runs, job], {}, "")


def test_gain_has_a_line_for_each_seed_and_channel(lost: Record) -> None:
    figure = runaway.draw_gain(lost, "wide")
    figure.canvas.draw()
    panels = {ax.get_title(): ax for ax in figure.axes}
    assert list(panels) == [r"$\mathrm{SSIM}_1$", r"$\mathrm{SSIM}_9$", r"$\ell_1$"]
    for title, ax in panels.items():
        courses = [line for line in ax.get_lines() if len(line.get_xdata()) == 100]
        assert len(courses) == 9
        assert len({str(line._dash_pattern) for line in courses}) == 3
        crosses = [line.get_ydata()[0] for line in ax.get_lines() if line.get_gid() == "negative"]
        assert crosses == pytest.approx([-0.4, -30.0, -0.1] if "9" in title else [])
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["−10", "−1", "0", "1"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["red", "green", "blue"]


def test_gain_names_networks_without_a_course(lost: Record) -> None:
    assert remark(runaway.draw_gain(lost, "plain")) == "Not drawn, diverged: plain-l1-0."
    with pytest.raises(ValueError, match=r"condition must be one .* \['wide', 'plain'\], got 'narrow'"):
        runaway.draw_gain(lost, "narrow")


def test_a_negative_is_told_from_what_left_the_range(lost: Record) -> None:
    one, nine, l1 = r"$\mathrm{SSIM}_1$", r"$\mathrm{SSIM}_9$", r"$\ell_1$"
    lines = [
        f"- **Wide, left the range:** 0 of 3 with {one}, 1 of 3 with {nine}, 0 of 3 with {l1}.",
        f"- **Wide, ended with the negative of a channel:** 0 of 3 with {one}, 1 of 3 with {nine}, 0 of 3 with {l1}.",
        f"- **Wide, ran away in another way:** 1 of 3 with {one}, 0 of 3 with {nine}, 0 of 3 with {l1}.",
        f"- **Plain, left the range:** 0 of 1 with {nine}, 1 of 1 with {l1}.",
        f"- **Plain, ended with the negative of a channel:** 1 of 1 with {nine}, 0 of 1 with {l1}.",
    ]
    assert runaway.ways(lost).splitlines() == lines
    assert runaway.ways(lost, "plain").splitlines() == lines[3:]
    sound = made.runaway({("warm", "ssim_1", 0): (0.9, 1.0, 1.1)})
    assert runaway.ways(sound) == "- **Warm:** none was lost."


def test_networks_that_ran_away_are_counted_over_records(lost: Record) -> None:
    sound = made.table1({"input": {}, "l1": {}})
    assert runaway.counted([sound]) == "Of the 3 networks of table1-cpu none ran away."
    text = runaway.counted([sound, lost])
    assert text.startswith("Of the 14 networks of table1-cpu and runaway-cpu 3 ran away: ")
    assert "plain-l1-0 of runaway-cpu" in text


def test_trials_are_told_by_step_size() -> None:
    found = made.tuning({"l1": 1, "ms_ssim": 2}, away=[("ms_ssim", 8e-3)])
    for run in found.runs:
        run["psnr"] = 28 + 100 * run["lr"]
    found.settings["steps"] = 2000
    lines = tuning.trials(found, "dd", ("ms_ssim", "l1")).splitlines()
    assert lines[0] == "| loss | 0.0005 | 0.001 | 0.002 | 0.004 | 0.008 |"
    assert lines[2] == "| MS-SSIM | 28.05 | 28.10 | 28.20 | 28.40 | ran away |"
    assert lines[3] == r"| $\ell_1$ | 28.05 | 28.10 | 28.20 | 28.40 | 28.80 |"
    assert "after 2,000 steps" in lines[-1] and lines[-1].endswith("seeds: 1.")


def test_every_loss_that_is_tuned_has_a_row_and_all_but_the_centre_a_curve() -> None:
    runs = [
        {"task": "dd", "arm": arm, "optimizer": "adam", "lr": lr, "seed": 0, "validation": 1 + lr, "job": f"{arm}-{lr}"}
        for arm in experiment.ARMS
        for lr in (1e-3, 2e-3, 4e-3)
    ]
    found = made.record("tuning", runs)
    rows = [line.split(" | ")[0].strip("| ") for line in tuning.table_of_rates(found).splitlines()[2:]]
    assert rows[: len(experiment.ARMS)] == [tuning.label(arm) for arm in (*LOSSES, "ssim_1", "ssim_3", "ssim_5_centre")]
    assert tuning.label("ssim_5_centre") == r"$\mathrm{SSIM}_5$, centre"
    drawn = {text.get_text() for text in tuning.draw_tuning(found, "dd").legends[0].get_texts()} - {" "}
    assert drawn == {tuning.label(arm) for arm in experiment.ARMS if arm != "ssim_5_centre"}
