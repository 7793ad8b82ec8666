"""Times of losses: a record has a ratio for every loss and shape."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from lossedu.experiments import loss_times, running


def test_a_record_has_a_ratio_for_every_loss(tmp_path: Path) -> None:
    record = running.run("loss_times", "smoke", out=tmp_path, device="cpu", say=lambda line: None)
    assert {(run["task"], run["arm"]) for run in record.runs} == {
        (task, arm) for task in loss_times.TASKS for arm in loss_times.ARMS
    }
    for run in record.runs:
        low, high = run["ratio_quartiles"]
        assert run["ms"] > 0 and (low <= run["ratio"] <= high or math.isnan(run["ratio"]))
    ssim = next(run for run in record.runs if run["job"] == "picture-ssim_1.5-0")
    assert not ssim["ratio"] < 2


def test_a_clock_too_coarse_gives_no_ratio(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(loss_times, "interleaved", lambda turns, repeats, device: [[0.1] * repeats, [0.0] * repeats])
    record = running.run("loss_times", "smoke", out=tmp_path, arms=("l1",), device="cpu", say=lambda line: None)
    assert all(math.isnan(run["ratio"]) for run in record.runs)
