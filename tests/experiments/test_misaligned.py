"""Networks whose targets do not register: pairs that are moved as they say, losses on the same pixels, small runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from trained import needs_weights

import lossedu as le
from lossedu.data import looks
from lossedu.experiments import (
    misaligned,
    misaligned_losses,
    misaligned_pairs,
    misaligned_rates,
    misaligned_scores,
    running,
)
from lossedu.filters import color_blur, gaussian_blur
from lossedu.nets import RestorationCNN, inner
from lossedu.records import load
from lossedu.sweeps import Place

PHOTOS = "embedded"
MARGIN = RestorationCNN.margin


def batch(task: str, seed: int = 0, step: int = 3, border: int = 0, count: int = 4) -> tuple[Tensor, Tensor]:
    return misaligned_pairs.batches(task, PHOTOS, 24, count, seed, border=border)(step)


def test_batches_depend_on_seed_and_step_alone() -> None:
    for one, again in zip(batch("shift3"), batch("shift3"), strict=True):
        assert torch.equal(one, again)
    x, y = batch("shift0")
    assert x.shape == (4, 3, 24 + 2 * MARGIN, 24 + 2 * MARGIN) and y.shape == (4, 3, 24, 24)
    assert not torch.equal(x, batch("shift0", step=4)[0]) and not torch.equal(x, batch("shift0", seed=1)[0])
    for task in misaligned_pairs.SHIFTS:
        assert torch.equal(x, batch(task)[0])
    with pytest.raises(ValueError, match="task must be one of"):
        batch("shift4")
    with pytest.raises(ValueError, match="border must be from 0 to 5, got 6"):
        batch("shift0", border=6)


def test_a_border_shows_more_of_the_same() -> None:
    for task in ("shift0", "shift5"):
        x, y = batch(task)
        wide_x, wide_y = batch(task, border=5)
        assert torch.equal(inner(wide_x, 5), x) and torch.equal(inner(wide_y, 5), y)


@pytest.mark.parametrize("task", misaligned_pairs.SHIFTS)
def test_targets_are_moved_within_the_shift_and_evenly(task: str) -> None:
    shift = misaligned_pairs.SHIFTS[task]
    _, aligned = batch("shift0", border=5, count=40)
    _, moved = batch(task, count=40)
    found = []
    for one, other in zip(aligned, moved, strict=True):
        exact = [
            (u, v)
            for u in range(-5, 6)
            for v in range(-5, 6)
            if torch.equal(one[:, 5 + u : 29 + u, 5 + v : 29 + v], other)
        ]
        found.append(min(exact, key=lambda vector: max(map(abs, vector))))
    assert all(abs(u) <= shift and abs(v) <= shift for u, v in found)
    if shift:
        assert {u for u, _ in found} >= {-shift, shift} and {v for _, v in found} >= {-shift, shift}
        assert abs(np.mean(found)) < 0.35 * shift


def test_the_phone_is_what_it_says() -> None:
    for pair in (*misaligned_pairs.pairs(PHOTOS, "test", 1), misaligned_pairs.shown()):
        clean = gaussian_blur(looks.flat(pair.y, contrast=0.75, exposure=-0.2, warmth=0.08), 0.7, padding="reflect")
        error = pair.x - clean
        assert float(error.std()) == pytest.approx(0.02, rel=0.1) and abs(float(error.mean())) < 2e-3
        torch.testing.assert_close(pair.x * 255, (pair.x * 255).round(), rtol=0, atol=1e-4)
        assert pair.x.shape == pair.y.shape


def test_losses_are_what_their_names_say_on_the_same_pixels() -> None:
    _, y = batch("shift0", border=5)
    x = y.roll((1, -2), dims=(2, 3)) + 0.01
    near, far = (inner(z, 5) for z in (x, y))
    expected = {
        "l2": (near - far).square().mean(),
        "l1": (near - far).abs().mean(),
        "min_shift": torch.tensor(1e-4),
        **{
            f"blurred_{preset}": color_blur(near - far, preset=preset, padding="reflect").square().mean()
            for preset in ("wespe", "std3", "dped")
        },
    }
    assert set(expected) == set(misaligned_losses.PLAIN)
    for arm, value in expected.items():
        pair = (x, y) if arm == "min_shift" else (near, far)
        torch.testing.assert_close(misaligned_losses.loss(arm)(*pair), value, rtol=1e-4, atol=1e-9)
    with pytest.raises(ValueError, match="arm must be one of"):
        misaligned_losses.loss("l3")


@needs_weights("vgg16")
@pytest.mark.parametrize("arm", misaligned_losses.FEATURES)
def test_losses_on_features_see_the_first_pictures(arm: str) -> None:
    x, y = (z[..., :24, :24] for z in batch("shift2"))
    whole = {"perceptual": le.PerceptualLoss, "contextual": le.ContextualLoss}[arm](("relu3_3",))
    for seen, few in ((1, slice(1)), (2, slice(2)), (0, slice(None))):
        torch.testing.assert_close(misaligned_losses.loss(arm, seen=seen)(x, y), whole(x[few], y[few]))


def test_prices() -> None:
    pictures = [misaligned_pairs.shown().y, misaligned_pairs.pairs(PHOTOS, "test", 1)[0].y]
    found = misaligned_losses.prices(pictures, arms=tuple(misaligned_losses.PLAIN))
    assert set(found) == set(misaligned_losses.PLAIN)
    for arm, row in found.items():
        assert len(row) == 6 and row[0] == 0
        assert (row[1:] == [0] * 5) if arm == "min_shift" else (sorted(row) == row and row[1] > 0)
    assert found["blurred_dped"][3] < found["blurred_std3"][3] < found["blurred_wespe"][3] < found["l2"][3]
    one = misaligned_losses.prices(pictures[:1], side=48, arms=("l2",))["l2"]
    y = pictures[0][..., 24:72, 24:72]
    moves = [pictures[0][..., 24 + u : 72 + u, 24 + v : 72 + v] for u, v in ((2, 0), (-2, 0), (0, 2), (0, -2))]
    warm = torch.stack([y[:, 0] * 1.08, y[:, 1], y[:, 2] * 0.92], dim=1).clamp(0, 1)
    cost = np.mean([float(le.mse_loss(x, y)) for x in moves]) / float(le.mse_loss(warm, y))
    assert one[2] == pytest.approx(cost, rel=1e-3)


def test_scores() -> None:
    (pair,) = misaligned_pairs.pairs(PHOTOS, "test", 1)

    def score(x: Tensor) -> dict[str, float]:
        row = misaligned_scores.judged([x], [pair])[0]
        return {name: float(value) for name, value in zip(misaligned_scores.COLUMNS, row, strict=True)}

    same = score(pair.y + 0.0)
    assert same["mse"] == same["colour"] == same["moved"] == 0 and same["ssim"] == pytest.approx(1)
    assert same["fine"] == pytest.approx(1) and same["detail"] == pytest.approx(1)
    moved = score(pair.y.roll((0, 2), dims=(2, 3)))
    assert moved["moved"] > 20 and moved["fine"] == pytest.approx(1, abs=0.05) and moved["detail"] < 0.5
    soft = score(gaussian_blur(pair.y, 2, padding="reflect"))
    assert soft["fine"] < 0.2 and soft["moved"] == pytest.approx(0, abs=0.2) and 0 < soft["detail"] < 0.5
    grain = score(pair.y + 0.1 * torch.randn(pair.y.shape, generator=torch.Generator().manual_seed(0)))
    assert grain["fine"] > 1.2 and grain["detail"] == pytest.approx(1, abs=0.15) and grain["colour"] < 0.02
    dark = score(0.9 * pair.y)
    assert dark["colour"] == pytest.approx(
        float(color_blur(0.1 * pair.y, preset="dped").square().mean() ** 0.5), rel=0.1
    )


def test_jobs_are_those_of_the_study() -> None:
    found = misaligned.jobs("cpu")
    assert len(found) == 3 * (5 * 6 + 3 * 2) + 5
    for job in found:
        assert job.options["arm"] not in misaligned_losses.FEATURES or job.options["task"] in misaligned.FEW
        if job.options["arm"] == "input":
            assert job.options["seed"] == 0
    assert {job.options["task"] for job in found} == set(misaligned_pairs.SHIFTS)
    assert misaligned.SCALES["cpu"].photographs == misaligned.SCALES["full"].photographs == "bsds500"
    assert not misaligned.jobs("cpu", tasks=("shift1",), arms=("contextual",), seeds=1)[1:]


def test_a_small_run_has_its_tables_and_its_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSEDU_DATA", str(tmp_path))  # prices without the networks of the features
    monkeypatch.setenv("LOSSEDU_CACHE", str(tmp_path))
    arms = ("l2", "min_shift")
    chosen = {"arms": arms, "tasks": ("shift0", "shift1"), "device": "cpu", "say": lambda line: None}
    record = running.run("misaligned", "smoke", out=tmp_path / "one", **chosen)
    names = [f"{task}-{arm}-0" for task in ("shift0", "shift1") for arm in ("input", *arms)]
    assert [run["job"] for run in record.runs] == names
    assert record.settings["columns"] == list(misaligned_scores.COLUMNS) and record.settings["sets"]["test"] == [
        "rocket"
    ]
    for name in names:
        assert record.scores[f"{name}@test"].shape == (1, len(misaligned_scores.COLUMNS))
    np.testing.assert_array_equal(record.scores["shift0-input-0@test"], record.scores["shift1-input-0@test"])
    assert record.settings["prices"]["l2"][1] > 0
    assert misaligned.picture(record, "shift0", "l2").shape == misaligned_pairs.shown().x.shape
    with pytest.raises(ValueError, match="task/name/arm must be one of"):
        misaligned.picture(record, "shift1", "l2")
    again = running.run("misaligned", "smoke", out=tmp_path / "two", **chosen)
    for key, table in record.scores.items():
        np.testing.assert_array_equal(table, again.scores[key])


def test_every_loss_of_a_seed_begins_at_the_same_network() -> None:
    one, two, other = (misaligned.new_network(seed, 4) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.layers[0].weight, other.layers[0].weight)


def test_the_search_judges_by_the_loss_itself(tmp_path: Path) -> None:
    job = next(job for job in misaligned_rates.jobs("smoke") if job.options["arm"] == "min_shift")
    entry, tables = misaligned_rates.perform(job, Place(tmp_path, "cpu", None, lambda line: None))
    assert entry["cost"] > 0 and entry["psnr"] > 5 and not entry["ran_away"] and not tables
    assert len(misaligned_rates.jobs("cpu")) == len(misaligned_losses.ARMS) * len(misaligned_rates.RATES)
    made = [
        {"arm": "l2", "lr": lr, "cost": cost, "ran_away": cost < 0} for lr, cost in ((1e-3, 2.0), (3e-3, 1), (1e-2, -1))
    ]
    assert misaligned_rates.best(made) == {"l2": 3e-3}
    seeds = {job.options["seed"] for job in misaligned.jobs("full")}
    assert misaligned_rates.SEED not in seeds


def test_step_sizes_are_those_of_the_recorded_search() -> None:
    found = misaligned_rates.best(load("misaligned_rates-cpu").runs)
    assert {arm: misaligned.RATES.get(arm, misaligned.RATE) for arm in misaligned_losses.ARMS} == found
