"""Judges behind a blur: tables, figure and numbers from a made-up record, and the four windows by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lossedu.experiments.blur_critics import PRESETS, TASKS
from lossedu.experiments.blur_judges import COLUMNS
from lossedu.experiments.blur_pictures import BLURS, deviation
from lossedu.figures import png_bytes
from lossedu.records import Record
from lossedu.reports import blur_critics as report
from lossedu.statistics import t_interval

#: Accuracy of every judge on two photographs, less what a seed adds: by task, and how fast it falls with the blur.
HEIGHT = {"texture": 0.4, "cast": 0.1, "tint": 0.05, "grain": 0.2, "texture_slight": 0.3, "nothing": 0.0}


def planted(task: str, arm: str, blur: str, seed: int) -> float:
    """The accuracy that the record is made with, mean of both photographs."""
    fall = 1.0 if task == "cast" else math.exp(-deviation(blur) / 3)
    bonus = 0.03 if arm.startswith("critic_plain") and task == "tint" else 0.0
    return 0.5 + HEIGHT[task] * fall + bonus + 0.01 * (seed - 1)


def runs_of(task: str) -> list[dict[str, Any]]:
    """Every judge behind every blur: five seeds of the critics on texture and colour, and three of all else."""
    found = []
    for blur in BLURS if task in ("texture", "cast") else PRESETS:
        arms = ["critic", "critic_plain", "spectrum", "spectrum_8bit"]
        if task == "texture":
            arms += ["critic_long", "critic_plain_long"] if blur in ("wespe", "dped") else []
            arms += ["critic_unpaired", "critic_plain_unpaired"] if blur in ("none", "wespe") else []
        for arm in arms:
            many = arm in ("critic", "critic_plain") and task in ("texture", "cast", "tint")
            found += [
                {"job": f"{task}-{blur}-{arm}-{seed}", "task": task, "arm": arm, "blur": blur, "seed": seed, "lr": 1e-3}
                for seed in range(5 if many else 3)
            ]
    return found


@pytest.fixture(scope="module")
def record() -> Record:
    runs, scores = [], {}
    for entry in (entry for task in TASKS for entry in runs_of(task)):
        accuracy = planted(*(entry[key] for key in ("task", "arm", "blur", "seed")))
        runs.append({**entry, "sd": deviation(entry["blur"]), "ran_away": False})
        rows = [[accuracy + off, min(1.0, accuracy + 0.1 + off), 1.0] for off in (0.02, -0.02)]
        scores[f"{entry['job']}@test"] = np.array(rows, dtype=np.float32)
    body = {
        "columns": list(COLUMNS),
        "sets": {"test": ["a", "b"], "train": ["c"]},
        "deviations": {blur: deviation(blur) for blur in BLURS},
        "unfinished": [],
    }
    made = {"date": "2026-01-02", "device": "toy CPU", "torch": "2"}
    return Record("blur_critics", "cpu", body, runs, made, "lossedu run blur_critics", scores=scores)


def test_the_numbers_of_the_explorable(record: Record) -> None:
    found = report.accuracies(record)
    rows = found["critic", "texture"]
    assert [row[0] for row in rows] == pytest.approx([deviation(blur) for blur in BLURS])
    for blur, (_, *interval) in zip(BLURS, rows, strict=True):
        values = [100 * planted("texture", "critic", blur, seed) for seed in range(5)]
        assert interval == pytest.approx(t_interval(values), abs=1e-4)
    assert len(found["critic", "nothing"]) == 4 and len(found["critic_long", "texture"]) == 2
    assert ("critic_long", "cast") not in found
    ordered = report.accuracies(record, "ordered")["spectrum", "cast"]
    assert ordered[0][1] == pytest.approx(70, abs=1e-3)
    with pytest.raises(ValueError, match="column must be one of"):
        report.accuracies(record, "auc")


def test_what_the_page_gets_are_shares(record: Record) -> None:
    from lossedu.explorables import CriticExplorer

    found, percents = report.shares(record), report.accuracies(record)
    assert ("critic_long", "texture") not in found and ("critic", "nothing") not in found
    for key, rows in found.items():
        np.testing.assert_allclose(np.array(rows)[:, 1:], np.array(percents[key])[:, 1:] / 100)
    CriticExplorer(found)


def test_the_table_has_a_row_for_each_difference(record: Record) -> None:
    text = report.table(record)
    head, _, *rows = [line for line in text.splitlines() if line.startswith("|")]
    assert head == "| difference | no blur | variance 3 (sd 1.73) | σ = 3 (sd 2.99) | DPED's code (sd 4.34) |"
    assert [row.split(" |")[0].lstrip("| ") for row in rows] == list(report.TITLES.values())
    # Three seeds tell 49, 50 and 51 of nothing: half of the interval is 4.303 / √3; five of texture 2.776 · 1.581 / √5.
    assert rows[-1].count("50.0 ±2.5") == 4
    assert rows[0].split("|")[2].strip() == "91.0 ±2.0"
    assert "2 test photographs" in text and "Left out" not in text
    few = report.table(record, "critic_long", blurs=("none", "dped"))
    assert [row.split("|")[2].strip() for row in few.splitlines() if row.startswith("| texture")] == ["–"]


def test_what_ran_away_and_what_is_missing_is_told(record: Record) -> None:
    runs = [dict(run) for run in record.runs]
    gone = next(run for run in runs if run["arm"] == "critic" and run["task"] == "cast")
    gone["ran_away"] = True
    body = {**record.settings, "unfinished": ["x"]}
    other = Record("blur_critics", "cpu", body, runs, record.provenance, record.command, scores=record.scores)
    text = report.table(other)
    assert f"{gone['job']} ran away" in text and "Not finished: 1 of" in text


def test_norms_are_compared_by_seed(record: Record) -> None:
    """Seeds differ by a point each, and the two critics of a seed by three points of a tint and by nothing else."""
    rows = [line.split("|")[1:-1] for line in report.table_norm(record).splitlines() if line.startswith("|")][2:]
    assert len(rows) == 12
    for task, _, with_norm, without, difference in ([cell.strip() for cell in row] for row in rows):
        if task == report.TITLES["tint"]:
            assert difference == "**−3.0 ±<0.1**"
            assert float(without) - float(with_norm) == pytest.approx(3, abs=0.11)
        else:
            assert with_norm == without and difference == "+0.0 ±<0.1"
    assert report.gap(record, "tint", "dped") == pytest.approx((-3, -3, -3), abs=1e-3)


def test_the_figure_has_a_line_for_each_judge_and_difference(record: Record) -> None:
    figure = report.figure(record)
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 6
    left, right = figure.axes
    drawn = [line for line in left.lines if len(line.get_xdata()) == 6 and line.get_linestyle() != "None"]
    assert len(drawn) == 6  # the others are the ends of the intervals
    expected = [deviation(blur) for blur in BLURS if blur != "dped"]
    for line in drawn:
        np.testing.assert_allclose(np.asarray(line.get_xdata(), dtype=float), expected)
    words = {text.get_text() for text in right.texts}
    assert words == {"variance 3", "σ = 3", "DPED's code"}
    assert png_bytes(figure)[:4] == b"\x89PNG"


def test_every_arm_has_a_name(record: Record) -> None:
    assert {run["arm"] for run in record.runs} == set(report.JUDGES)
    assert {run["task"] for run in record.runs} == set(report.TITLES)
    assert list(BLURS) == list(report.BLURS)
