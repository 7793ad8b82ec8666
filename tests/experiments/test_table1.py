"""Which networks are trained for Table 1, and who steers in Mix."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from experiment_toys import here, trial_options
from torch import Tensor

import lossedu as le
from lossedu.experiments import arms, table1, trial
from lossedu.experiments.scales import Scale


@pytest.fixture(autouse=True)
def rates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Step sizes that need no record, and tell for what they were asked."""

    def rate(scale: Scale, task: str, arm: str) -> float:
        return (
            {"dd": 1.0, "jpeg": 2.0, "sr2": 3.0}[task] + list(arms.LOSSES).index(arm) / 100 if arm != "input" else 9.0
        )

    monkeypatch.setattr(table1, "rate", rate)


@pytest.mark.parametrize(
    ("scale", "seeds", "by_task"),
    [
        ("smoke", 1, {"dd": 2, "jpeg": 2, "sr2": 2}),
        ("quick", 10, {"dd": 5, "jpeg": 3, "sr2": 3}),
        ("cpu", 3, {"dd": 15, "jpeg": 11, "sr2": 11}),
        ("cpu_plain", 3, {"dd": 6, "jpeg": 4, "sr2": 4}),
        ("cpu_wide", 3, {"dd": 6}),
        ("full", 5, {"dd": 15, "jpeg": 11, "sr2": 11}),
    ],
)
def test_jobs_of_every_scale(scale: str, seeds: int, by_task: dict[str, int]) -> None:
    jobs = table1.jobs(scale)
    assert table1.SCALES[scale].seeds == seeds
    assert len({job.name for job in jobs}) == len(jobs)
    trained = [job for job in jobs if job.options["arm"] != "input"]
    assert Counter(job.options["task"] for job in trained) == {task: seeds * n for task, n in by_task.items()}
    assert [job.name for job in jobs if job not in trained] == [f"{task}-input-0" for task in by_task]
    assert {job.options["seed"] for job in trained} == set(range(seeds))
    for job in jobs:
        o = job.options
        assert job.name == f"{o['task']}-{o['arm']}-{o['seed']}"
        assert o["lr"] == table1.rate(table1.SCALES[scale], o["task"], o["arm"])
        assert {key: o[key] for key in o if key not in ("task", "arm", "seed", "lr")} == table1.SCALES[scale].options()
    # A seed is finished for all losses before the next one is begun.
    assert [job.options["seed"] for job in trained if job.options["task"] == "dd"] == sorted(
        job.options["seed"] for job in trained if job.options["task"] == "dd"
    )


def test_losses_of_the_table() -> None:
    assert table1.arms_of("cpu", "dd") == tuple(arms.LOSSES)
    assert set(arms.ALPHAS) <= set(table1.arms_of("full", "dd"))  # the sweep
    assert table1.arms_of("cpu", "jpeg") == table1.arms_of("full", "sr2") == arms.TABLE
    assert table1.arms_of("cpu_wide", "dd") == arms.PAPER
    for scale in table1.SCALES:
        for task in table1.TASKS:
            assert set(table1.arms_of(scale, task)) <= set(arms.LOSSES)


def test_some_of_the_jobs() -> None:
    names = [job.name for job in table1.jobs("quick", tasks=["jpeg"], arms=["mix", "ssim_5", "l2"], seeds=2)]
    assert names == ["jpeg-input-0", "jpeg-l2-0", "jpeg-mix-0", "jpeg-l2-1", "jpeg-mix-1"]
    assert table1.jobs("cpu_wide", tasks=["sr2"]) == []
    assert table1.jobs("quick", tasks=["jpeg"], arms=["ssim_5"]) == []  # not even its input
    with pytest.raises(ValueError, match=r"scale must be one of 'smoke', .*, got 'huge'"):
        table1.jobs("huge")


def watched(alpha: float, seen: list[int] | None = None) -> Any:
    options = trial_options(batch=4)
    network, batch_at = trial.new_network(options), trial.batches(options)

    def spied(step: int) -> tuple[Tensor, Tensor]:
        if seen is not None:
            seen.append(step)
        return batch_at(step)

    return table1.shares(alpha)(network, spied)(1), network, batch_at


def test_shares_at_the_ends_of_the_sweep() -> None:
    assert watched(1.0)[0] == {"parameters": 1.0, "pixels": 1.0}
    assert watched(0.0)[0] == {"parameters": 0.0, "pixels": 0.0}


@pytest.mark.parametrize("alpha", [0.025, 0.84])
def test_shares_add_up(alpha: float) -> None:
    """Each term's share is its gradient's size over the sum of both sizes; they leave nothing over."""
    seen: list[int] = []
    found, network, batch_at = watched(alpha, seen)
    assert set(seen) == {-1}  # a batch that training never sees
    damaged, clean = batch_at(-1)
    sizes: dict[str, list[float]] = {"parameters": [], "pixels": []}
    for weight, loss in ((alpha, arms.loss("ms_ssim")), (1 - alpha, arms.loss("mix_0"))):
        output = network(damaged)
        pulls = torch.autograd.grad(weight * loss(output, clean), list(network.parameters()), retain_graph=True)
        sizes["parameters"].append(torch.cat([pull.flatten() for pull in pulls]).norm().item())
        x = output.detach().requires_grad_()
        sizes["pixels"].append(torch.autograd.grad(weight * loss(x, clean), x)[0].abs().sum().item())
    for where, (ms_ssim, l1) in sizes.items():
        assert found[where] == pytest.approx(ms_ssim / (ms_ssim + l1), abs=2e-4), where
        assert 0 < found[where] < 1


def test_more_alpha_more_share() -> None:
    found = [watched(alpha)[0] for alpha in sorted(arms.ALPHAS.values())]
    for where in ("parameters", "pixels"):
        values = [row[where] for row in found]
        assert values == sorted(values) and len(set(values)) == len(values)


def test_the_losses_of_the_sweep_are_watched_and_no_others(tmp_path: Path) -> None:
    entries = {}
    for job in table1.jobs("smoke", tasks=["sr2"]):
        options = job.options | {"lr": 1e-3}
        entries[options["arm"]], _ = table1.perform(job._replace(options=options), here(tmp_path / job.name))
    assert [row[0] for row in entries["mix"]["watched"]] == [1, 2, 3, 4]
    assert all(0.5 < row[1]["pixels"] < 1 for row in entries["mix"]["watched"])
    assert "watched" not in entries["l2"] and "history" not in entries["input"]
    assert le.MIX_ALPHA["paper"] == arms.ALPHAS["mix"]
