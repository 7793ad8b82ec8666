"""Which verdicts change in linear light, from records whose differences are known."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import report_records as made

from lossedu.experiments.linear_or_display import ARMS, TASKS
from lossedu.records import Record
from lossedu.reports import linear


def record(linear_light: Mapping[str, Mapping[str, float]], seeds: int = 3) -> Record:
    """In display values all losses are alike; in linear light they differ by these factors."""
    runs, tables = [], {}
    for task in TASKS:
        for arm in ARMS:
            for seed in range(seeds):
                job = f"{task}-{arm}-{seed}"
                runs.append({"task": task, "arm": arm, "seed": seed, "job": job})
                effect = linear_light.get(arm, {}) if task == "dd_linear" else {}
                tables[f"{job}@test"] = made.rows(seed, effect)
    return made.record("linear_or_display", runs, tables)


def rows(found: Record) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in linear.table(found).split("\n\n")[0].splitlines()[2:]]


def test_a_word_that_changes_is_told() -> None:
    found = rows(record({"l1": {"mse": 0.8}, "mix": {"psnr": 1.0}}))
    assert [line[0].partition("]")[0] for line in found] == ["[Z1", "[Z8", "[Z9", "[Z16"]
    assert [line[4] for line in found] == ["changes", "the same", "the same", "the same"]
    assert found[0][1] == "+0.00 dB (+0.00 to +0.00): equivalent" and found[0][2].endswith(": supported")
    assert found[0][2].startswith("+0.97 dB")  # 10 log10(1 / 0.8)
    assert found[0][3] == "+0.97 dB (+0.97 to +0.97)"
    assert found[3][3] == "–"  # a percentage has a base of its own in each space


@pytest.mark.parametrize(("seeds", "words"), [(2, "too few seeds"), (3, "supported")])
def test_two_seeds_have_no_word(seeds: int, words: str) -> None:
    found = rows(record({}, seeds))
    assert found[2][1].endswith(f": {words}")  # at par, which is what Z9 says
    assert found[2][4] == ("–" if seeds < 3 else "the same")


def test_a_record_without_a_loss_has_no_row_for_it() -> None:
    found = record({})
    found.runs = [run for run in found.runs if run["arm"] != "mix"]
    assert [line[0].partition("]")[0] for line in rows(found)] == ["[Z1", "[Z9", "[Z16"]


def test_the_shift_itself_and_how_far_the_networks_came() -> None:
    found = record({"l1": {"bias": 3.0}, "mix": {"psnr": 1.1}})
    bias = linear.shifts(found)
    assert bias["l1", "dd_linear"] == pytest.approx([3 * value for value in bias["l1", "dd"]])
    assert bias["ms_ssim", "dd_linear"] == pytest.approx(bias["ms_ssim", "dd"])
    assert linear.tell_shifts(found).count("in linear light") == 2
    for task in TASKS:
        found.scores[f"{task}-input-0@test"] = made.rows(0, {})
    gains = linear.gains(found)
    before, after = (gains[task]["mix"] + gains[task]["input"] for task in TASKS)
    assert after == pytest.approx(1.1 * before)
    assert gains["dd_linear"]["l2"] == pytest.approx(gains["dd"]["l2"], abs=1e-3)
    assert linear.tell_gains(found).splitlines()[2].startswith("| display values | ")
