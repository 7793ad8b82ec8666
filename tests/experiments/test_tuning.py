"""Step sizes: the same trials for every loss, and which one is taken."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from experiment_toys import here
from pictures import batch

import lossedu as le
from lossedu import records
from lossedu.experiments import arms, table1, trial, tuning
from lossedu.experiments.scales import CPU, QUICK
from lossedu.experiments.tasks import TASKS, photographs, restore, task
from lossedu.experiments.tuning import SAFETY, at_the_end, choose, means, rate
from lossedu.records import Record


def entry(lr: float, value: float, *, seed: int = 0, away: bool = False, **changes: Any) -> dict[str, Any]:
    found = {"task": "dd", "arm": "l1", "optimizer": "adam", "seed": seed, "lr": lr, "ran_away": away}
    return found | ({} if away else {"validation": value, "mse": value / 10}) | changes


L1 = ("dd", "l1", "adam")


@pytest.mark.parametrize(
    ("values", "chosen"),
    [
        ({1e-3: 0.030, 2e-3: 0.020, 4e-3: 0.025}, 2e-3),
        ({1e-3: 0.0201, 2e-3: 0.020, 4e-3: 0.0199}, 4e-3),  # however close
        ({4e-3: 0.025, 1e-3: 0.02, 2e-3: 0.03}, 1e-3),  # whatever the order
    ],
)
def test_the_step_size_with_the_smallest_validation_loss(values: dict[float, float], chosen: float) -> None:
    assert choose([entry(lr, value) for lr, value in values.items()]) == {L1: chosen}


def test_a_step_size_under_which_a_network_ran_away_is_no_choice() -> None:
    entries = [entry(1e-3, 0.03), entry(2e-3, 0.02), entry(2e-3, 0.0, seed=1, away=True)]
    entries += [entry(8e-3, 0.001, ran_away=True)]  # a low value does not excuse it
    assert choose(entries) == {L1: 1e-3}
    assert means(entries)[L1] == {1e-3: 0.03, 2e-3: math.inf, 8e-3: math.inf}
    assert choose([entry(1e-3, 0, away=True)]) == {}  # nothing to choose from


def test_seeds_are_averaged_and_losses_kept_apart() -> None:
    entries = [
        entry(lr, value, seed=seed)
        for lr, values in ((1e-3, (1, 3)), (2e-3, (2.5, 1.0)))
        for seed, value in enumerate(values)
    ]
    entries += [entry(1e-3, 9.0, arm="l2"), entry(0.1, 1.0, optimizer="sgd"), entry(1e-3, 4.0, task="jpeg")]
    assert means(entries) == {
        L1: {1e-3: 2.0, 2e-3: 1.75},
        ("dd", "l2", "adam"): {1e-3: 9.0},
        ("dd", "l1", "sgd"): {0.1: 1.0},
        ("jpeg", "l1", "adam"): {1e-3: 4.0},
    }
    assert choose(entries)[L1] == 2e-3
    assert means(entries, "mse")[L1] == pytest.approx({1e-3: 0.2, 2e-3: 0.175})
    assert choose([entry(1e-3, 2, mse=1.0), entry(2e-3, 1, mse=5.0)], key="mse") == {L1: 1e-3}


@pytest.mark.parametrize(("best", "ends"), [(5e-4, True), (1e-3, False), (4e-3, False), (8e-3, True)])
def test_a_best_step_size_at_the_end_of_the_grid_is_told(best: float, ends: bool) -> None:
    entries = [entry(lr, abs(math.log2(lr / best)) + 1) for lr in tuning.RATES["adam"]]
    assert at_the_end(entries) == ([L1] if ends else [])


def test_the_recorded_choice_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [entry(1e-3, 0.03), entry(2e-3, 0.02), entry(0.3, 0.02, optimizer="sgd"), entry(4e-3, 0.1, task="sr2")]
    asked = []

    def load(name: str) -> Record:
        asked.append(name)
        return Record("tuning", "cpu", {}, runs, {}, "")

    monkeypatch.setattr(records, "load", load)
    assert SAFETY == 0.5
    assert rate(CPU, "dd", "l1") == 1e-3
    assert rate(CPU, "dd", "l1", optimizer="sgd") == 0.15
    for borrower in ("sr2", "sr3", "sr2_bicubic", "sr3_bicubic"):
        assert rate(CPU, borrower, "l1") == 2e-3
    assert rate(CPU, "dd_linear", "l1") == 1e-3
    assert set(asked) == {"tuning-cpu"}
    with pytest.raises(
        ValueError, match=r"no step size was tuned for jpeg l1 adam at scale 'cpu'; use lossedu run tun"
    ):
        rate(CPU, "jpeg_16", "l1")
    asked.clear()
    assert rate(CPU, "dd", "input") == CPU.lr
    assert rate(QUICK, "dd", "l1") == QUICK.lr == 2e-3
    assert rate(QUICK, "dd", "l1", optimizer="sgd") == pytest.approx(0.03)
    assert asked == []


def test_without_a_record_the_command_is_named() -> None:
    scale = replace(CPU, tuning="nowhere")
    command = "lossedu run tuning --scale nowhere --out DIR, then lossedu report DIR"
    with pytest.raises(
        ValueError, match=re.escape(f"no step sizes were tuned at scale 'nowhere'; make them with {command}")
    ):
        rate(scale, "dd", "l1")


def test_the_same_number_of_trials_for_every_loss() -> None:
    jobs = tuning.jobs("smoke")
    tried: dict[tuple[str, str, str], list[float]] = {}
    for job in jobs:
        o = job.options
        tried.setdefault((o["task"], o["arm"], o["optimizer"]), []).append(o["lr"])
    assert {tuple(rates) for (_, _, kind), rates in tried.items() if kind == "adam"} == {tuning.RATES["adam"]}
    assert {tuple(rates) for (_, _, kind), rates in tried.items() if kind == "sgd"} == {tuning.RATES["sgd"]}
    assert {arm for task, arm, kind in tried if (task, kind) == ("dd", "adam")} == {*arms.LOSSES, *tuning.SINGLE}
    for which in ("jpeg", "sr2"):
        assert {arm for task, arm, _ in tried if task == which} == set(arms.TABLE)
    assert {which for which in tried if which[2] == "sgd"} == {("dd", "l2", "sgd"), ("dd", "l1", "sgd")}
    assert len({job.name for job in jobs}) == len(jobs) == 5 * (15 + 3 + 2 + 2 * len(arms.TABLE))
    few = tuning.jobs("smoke", tasks=["jpeg"], arms=["l1"], seeds=2)
    assert len(few) == 10 and {(job.options["arm"], job.options["seed"]) for job in few} == {("l1", 0), ("l1", 1)}
    # What is tuned is a fifth of what it is tuned for, in everything else the same.
    for name in ("cpu", "cpu_plain", "cpu_wide", "full"):
        short, long = tuning.SCALES[name].options(), table1.SCALES[name].options()
        assert short.pop("steps") * 5 == long.pop("steps")
        assert short == long
        assert table1.SCALES[name].tuning == name
    with pytest.raises(ValueError, match=r"scale must be one of 'smoke', .* got 'quick'"):
        tuning.jobs("quick")
    assert set(tuning.LENDERS.values()) <= set(tuning.TASKS) <= set(TASKS)


def test_a_patch_form_is_asked_patch_by_patch() -> None:
    x, y = (z.float() for z in batch(1, 3, (70, 95)))
    tiles = [(i, j) for i in (0, 31) for j in (0, 31, 62)]
    for arm in ("ms_ssim", "mix", "mix_0"):
        values = [
            arms.loss(arm)(x[..., i : i + 31, j : j + 31], y[..., i : i + 31, j : j + 31]).item() for i, j in tiles
        ]
        assert tuning._whole(arm)(x, y).item() == pytest.approx(np.mean(values), rel=1e-5)
    for arm in set(arms.LOSSES) - set(arms.ALPHAS):
        assert tuning._whole(arm) is arms.LOSSES[arm]


def test_one_trial(tmp_path: Path) -> None:
    (first,) = [job for job in tuning.jobs("smoke", tasks=["dd"], arms=["l1"]) if job.name == "dd-l1-sgd-0.03-0"]
    found, arrays = tuning.perform(first, here(tmp_path))
    assert arrays == {}
    assert {key: found[key] for key in ("task", "arm", "seed", "lr", "optimizer")} == {
        "task": "dd",
        "arm": "l1",
        "seed": 0,
        "lr": 0.03,
        "optimizer": "sgd",
    }
    network, options = trial.network_of(tmp_path, first.options), first.options
    photos = photographs("embedded")
    with torch.no_grad():
        output, clean = restore(network, task("dd").damage(photos, "val", 0)), photos["val"].picture(0)
    assert found["validation"] == pytest.approx(le.l1_loss(output, clean).item(), rel=1e-5)
    assert found["mse"] == pytest.approx(le.mse_loss(output, clean).item(), rel=1e-5)
    assert found["psnr"] == pytest.approx(-10 * math.log10(found["mse"]), abs=1e-3)
    plain = trial.new_network(options)
    with_adam = trial.fit(plain, options, here(tmp_path / "adam"))
    assert [float(f"{v:.4g}") for v in with_adam] != found["history"]  # it really was another optimiser


def test_a_trial_that_diverges_is_no_choice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(arms.LOSSES, "l1", lambda x, y: le.l1_loss(x, y) * math.nan)  # type: ignore[call-overload]
    first = tuning.jobs("smoke", tasks=["dd"], arms=["l1"])[0]
    found, _ = tuning.perform(first, here(tmp_path))
    assert found["diverged_at"] == 0 and found["ran_away"] and found["optimizer"] == "adam"
    assert choose([found]) == {}


@pytest.mark.parametrize("psnr", [9.9, math.nan])
def test_a_step_size_under_which_a_network_is_lost_is_no_choice(
    psnr: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bounded loss may have been at its end within the first steps, and shows nothing of it."""
    wrong = math.sqrt(10 ** (-psnr / 10))
    monkeypatch.setattr(tuning, "restore", lambda network, damaged: damaged)
    monkeypatch.setattr(
        tuning, "pairs", lambda *_: [("", torch.full((1, 3, 40, 40), wrong), torch.zeros(1, 3, 40, 40))]
    )
    found, _ = tuning.perform(tuning.jobs("smoke", tasks=["dd"], arms=["ssim_5"])[0], here(tmp_path))
    assert found["ran_away"] is True
    assert choose([found, entry(1e-3, 0.9, arm="ssim_5")]) == {("dd", "ssim_5", "adam"): 1e-3}
