"""Whether doubt explains where networks with clipped targets end, from made-up outputs where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import report_records as made
import torch

from lossedu.experiments.noisy_targets import LEVELS, expected
from lossedu.records import Record
from lossedu.reports import target_blur


def on_the_line() -> Record:
    """Networks of l2 that do what is expected of them at every level, and twins without an error."""
    runs, scores = [], {}
    for target in ("clean", "clipped"):
        for seed in range(3):
            job = f"{target}-l2-{seed}"
            runs.append({"job": job, "task": target, "arm": "l2", "seed": seed})
            shift = [expected(target, "l2", (k + 0.5) / LEVELS) for k in range(LEVELS)]
            scores[f"{job}@levels"] = np.array([shift, [10.0] * LEVELS]).T
    return made.record("noisy_targets", runs, scores, columns=["mse"], sets={"test": ["a"]})


def test_what_clipping_adds_is_that_of_the_experiment() -> None:
    levels = np.array([0.0, 0.123, 0.5, 1.0])
    assert target_blur.added(levels) == pytest.approx([expected("clipped", "l2", one) for one in levels], abs=1e-6)


def test_pixels_of_one_output_share_their_mean() -> None:
    outputs = np.array([0.9, 0.1, 0.9, 0.1])
    assert target_blur.given_output(np.array([1.0, 2, 3, 4]), outputs, groups=2).tolist() == [2, 3, 2, 3]


def test_a_sure_output_leaves_the_line_and_a_blind_one_its_mean() -> None:
    clean = torch.linspace(0, 1, 20_000).view(1, 1, 1, -1)
    line, sure = target_blur.by_level([clean], [2 * clean - 1])  # any output that tells the level
    assert sure == pytest.approx(line, abs=2e-4)
    blind = torch.rand(clean.shape, generator=torch.Generator().manual_seed(0))
    _, blurred = target_blur.by_level([clean], [blind])
    assert np.abs(blurred).max() < 0.01 < 0.05 < line.max()


def test_the_mean_of_what_is_asked_for_is_off_by_nothing() -> None:
    clean = torch.linspace(0, 1, 20_000, dtype=torch.float64).view(1, 1, 1, -1)
    asked = clean + torch.from_numpy(target_blur.added(clean.flatten().numpy())).view_as(clean)
    off = target_blur.off_what_was_asked([clean], [asked])
    assert all(abs(value) < 1e-9 for value in off.values() if value == value)
    off = target_blur.off_what_was_asked([clean], [clean + 0.01])
    assert off["0.25 to 0.6"] == pytest.approx(0.01, abs=3e-3) and off["above 0.95"] > 0.05


def test_the_table_has_the_marks_of_the_record() -> None:
    clean = torch.linspace(0, 1, 2_000).view(1, 1, 1, -1)
    record = on_the_line()
    for line, blurred, mark in target_blur.told(record, [clean], [clean]).values():
        assert line == pytest.approx(blurred, abs=1e-3) and line == pytest.approx(mark, abs=3e-3)
    upper, lower = target_blur.table(record, [clean], [clean]).split("\n\n")
    assert len(upper.splitlines()) == 2 + 4 and len(lower.splitlines()) == 2 + 6
