"""The networks of Figure 8: what is judged beside the usual, what is kept, and the trainings of a chapter's cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lossedu.experiments import keepsakes, live, running, sigma_sensitivity, table1, trial
from lossedu.experiments.residuals import RINGS, by_distance
from lossedu.experiments.scoring import COLUMNS
from lossedu.experiments.tasks import restore
from lossedu.records import Record, load


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sigma")
    running.run(
        "sigma_sensitivity", "smoke", out=folder, seeds=2, arms=("ssim_1", "l1"), device="cpu", say=lambda _: None
    )
    return folder


@pytest.fixture
def record(out: Path) -> Record:
    return load("sigma_sensitivity-smoke", out)


def test_the_residual_beside_edges_is_that_of_the_trained_network(out: Path, record: Record) -> None:
    options = sigma_sensitivity.jobs("smoke", seeds=1, arms=("l1",))[0].options
    network = trial.network_of(out / "jobs" / "l1-0", options)
    ((_, damaged, clean),) = trial.pairs(options, "test", options["pictures"])
    expected = [np.nan if v is None else v for v in by_distance(restore(network, damaged) - clean, clean)]
    found = record.scores["l1-0/rings@test"]
    assert found.shape == (1, len(RINGS)) and np.isfinite(found).any()
    np.testing.assert_allclose(found[0], expected, rtol=1e-4)
    assert record.settings["rings"] == [list(ring) for ring in RINGS]
    assert record.scores["l1-0@test"].shape == (1, len(COLUMNS))


def test_the_networks_of_the_outer_windows_and_the_first_seed_are_kept(out: Path, record: Record) -> None:
    assert keepsakes.names(record, "dd") == ["ssim_1"]
    shown = keepsakes.network(record, "ssim_1")
    options = sigma_sensitivity.jobs("smoke", seeds=1, arms=("ssim_1",))[0].options
    trained = trial.network_of(out / "jobs" / "ssim_1-0", options)
    for key, value in trained.state_dict().items():
        torch.testing.assert_close(shown.state_dict()[key], value, rtol=1e-3, atol=1e-6)
    ((_, damaged, _),) = trial.pairs(options, "test", options["pictures"])
    assert (restore(shown, damaged) - restore(trained, damaged)).abs().max() < 1e-3  # a quarter of a level of 255
    with pytest.raises(ValueError, match="arm must be one of 'ssim_1', got 'l1'"):
        keepsakes.network(record, "l1")


def test_a_network_that_ran_away_is_not_kept(out: Path) -> None:
    done = [outcome for outcome in running.finished(out) if outcome.job.options["arm"] == "ssim_1"]
    assert keepsakes.weights(done, ("ssim_1",))
    for outcome in done:
        assert outcome.entry is not None
        outcome.entry["ran_away"] = True
    assert keepsakes.weights(done, ("ssim_1",)) == {}


def test_table1_keeps_the_networks_of_the_papers_figures_for_every_task(tmp_path: Path) -> None:
    found = running.run("table1", "smoke", out=tmp_path, tasks=("dd", "sr2"), device="cpu", say=lambda _: None)
    assert {task: keepsakes.names(found, task) for task in ("dd", "sr2", "jpeg")} == {
        "dd": ["l2", "mix"],
        "sr2": ["l2", "mix"],
        "jpeg": [],
    }
    assert set(table1.SHOWN) >= {"l2", "mix"}
    network = keepsakes.network(found, "mix", "sr2")
    assert type(network).__name__ == "SuperResolutionCNN"


def test_a_training_for_a_cell_is_that_of_a_trial() -> None:
    one, two = live.train_now("ssim_5", steps=3), live.train_now("ssim_5", steps=3)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    first = trial.new_network(live._options("l1", "dd", 0, 3))
    assert not torch.equal(next(first.parameters()), next(one.parameters()))
    found = live.judge_now(one)
    assert found.keys() >= {"psnr", "flat_middle", "ring"} and "lpips" not in found
    assert found["psnr"] > 20


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"arm": "l7"}, "loss must be one of 'l2', .*, got 'l7'"),
        ({"arm": "l1", "task": "sr9"}, "task must be one of 'dd', .*, got 'sr9'"),
        ({"arm": "l1", "steps": 0}, "steps must be an integer of at least 1, got 0"),
    ],
)
def test_what_a_training_refuses(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        live.train_now(**options)  # type: ignore[arg-type]
