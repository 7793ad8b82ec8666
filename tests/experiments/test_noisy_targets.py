"""Noise in the target: what is drawn, what is expected of it, and what a record holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lossedu.experiments import keepsakes, noisy_targets, running
from lossedu.experiments.noisy_targets import ARMS, LEVELS, SPREAD, TASKS, expected, spoiled


@pytest.mark.parametrize("target", TASKS)
@pytest.mark.parametrize("level", [0.0, 0.05, 0.5, 0.97, 1.0])
def test_expected_shifts_are_those_of_the_noise(target: str, level: float) -> None:
    flat = torch.full((1, 1, 1000, 2000), level, dtype=torch.float64)
    off = spoiled(flat, target, torch.Generator().manual_seed(1)) - level
    assert expected(target, "l2", level) == pytest.approx(float(off.mean()), abs=6e-4)
    assert expected(target, "l1", level) == pytest.approx(float(off.median()), abs=6e-4)


def test_both_kinds_of_noise_are_equally_strong() -> None:
    flat = torch.full((1, 1, 1000, 1000), 0.5)
    for target in ("even", "skewed"):
        off = spoiled(flat, target, torch.Generator().manual_seed(2)) - flat
        assert float(off.std()) == pytest.approx(SPREAD, rel=5e-3)
    clipped = spoiled(flat, "clipped", torch.Generator().manual_seed(2))
    even = spoiled(flat, "even", torch.Generator().manual_seed(2))
    assert torch.equal(clipped, even.clamp(0, 1))
    assert spoiled(flat, "clean", torch.Generator()) is flat


def test_unknown_targets_are_refused() -> None:
    with pytest.raises(ValueError, match="target"):
        spoiled(torch.zeros(1, 1, 4, 4), "salted", torch.Generator())
    with pytest.raises(ValueError, match="target"):
        expected("salted", "l2", 0.5)


def test_every_loss_sees_the_same_targets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: dict[str, list[torch.Tensor]] = {}
    original = noisy_targets.train

    def spy(network: object, loss: object, batch_at: object, **options: object) -> object:
        seen.setdefault(str(len(seen)), [*batch_at(0), *batch_at(1)])  # type: ignore[operator]
        return original(network, loss, batch_at, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(noisy_targets, "train", spy)
    running.run("noisy_targets", "smoke", out=tmp_path, tasks=("clipped",), device="cpu", say=lambda line: None)
    first, second = seen["0"], seen["1"]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[1], first[3]) and float(first[1].min()) >= 0


def test_a_record(tmp_path: Path) -> None:
    record = running.run("noisy_targets", "smoke", out=tmp_path, device="cpu", say=lambda line: None)
    assert {(run["task"], run["arm"]) for run in record.runs} == {(t, a) for t in TASKS for a in ARMS}
    assert record.settings["columns"] == ["mse", "psnr", "l1"]
    for run in record.runs:
        scores, levels = record.scores[f"{run['job']}@test"], record.scores[f"{run['job']}@levels"]
        assert scores.shape == (1, 3) and levels.shape == (LEVELS, 2)
        assert np.isfinite(scores).all() and levels[:, 1].sum() > 1000
        # the mean of the errors, and their size, fit together
        mean = float(np.nansum(levels[:, 0] * levels[:, 1]) / levels[:, 1].sum())
        assert mean**2 <= scores[0, 0] * 1.001
    assert sorted(keepsakes.names(record, "dd")) == ["l1", "l2"]
    network = keepsakes.network(record, "l2")
    assert network(torch.rand(1, 3, 40, 40)).shape == (1, 3, 24, 24)
