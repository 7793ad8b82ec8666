"""Trunk and branches: what the branches start from, what they share, and what they differ by."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from experiment_toys import here, weights
from torch import Tensor, nn

import lossedu as le
from lossedu.experiments import arms, convergence, trial, tuning
from lossedu.experiments.convergence import BRANCHES, MODES
from lossedu.experiments.scales import CPU
from lossedu.experiments.scoring import COLUMNS
from lossedu.experiments.tasks import photographs, restore, task
from lossedu.sweeps import Job, Outcome
from lossedu.training import read_checkpoint

STEPS, HALF = 6, 3


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tree(optimizer: str, arm: str, seed: int = 0) -> Job:
    jobs = convergence.jobs("smoke", seeds=seed + 1)
    wanted = {"mode": f"{optimizer}_tuned", "arm": arm, "seed": seed}
    (job,) = [job for job in jobs if wanted.items() <= job.options.items()]
    return job._replace(options=job.options | {"steps": STEPS})


def unjudged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "judged", lambda network, options, device: {"test": np.full((1, len(COLUMNS)), 30.0)})


def test_a_job_for_every_mode_loss_and_seed() -> None:
    jobs = convergence.jobs("smoke", seeds=2)
    asked = [(job.options["mode"], job.options["arm"], job.options["seed"]) for job in jobs]
    assert sorted(asked) == sorted(itertools.product(MODES, ("l2", "l1"), (0, 1)))
    assert {job.options["arm"] for job in convergence.jobs("smoke", arms=["l1"])} == {"l1"}
    assert {job.options["mode"] for job in convergence.jobs("smoke", tasks=["sgd"])} == {"sgd"}
    assert convergence.OTHER == {"l1": "l2", "l2": "l1"}
    for scale in convergence.SCALES.values():
        assert scale.deep_every == 0


def test_step_sizes_of_the_modes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each loss at its own, and at a tenth of it."""

    def rate(scale: Any, task: str, arm: str, *, optimizer: str) -> float:
        assert task == "dd"
        return {"l1": 1.0, "l2": 2.0}[arm] + (0.5 if optimizer == "sgd" else 0)

    monkeypatch.setattr(tuning, "rate", rate)
    jobs = [job.options for job in convergence.jobs("cpu", seeds=1)]
    assert {(o["mode"], o["arm"]): (o["optimizer"], o["lr"]) for o in jobs} == {
        ("adam_tuned", "l2"): ("adam", 2.0),
        ("adam_tuned", "l1"): ("adam", 1.0),
        ("sgd_tuned", "l2"): ("sgd", 2.5),
        ("sgd_tuned", "l1"): ("sgd", 1.5),
        ("sgd", "l2"): ("sgd", 0.25),
        ("sgd", "l1"): ("sgd", 0.15),
        ("adam", "l2"): ("adam", 0.2),
        ("adam", "l1"): ("adam", 0.1),
    }
    assert convergence.SCALES["cpu"].steps == CPU.steps


def by_hand(job: Job) -> dict[str, Tensor]:
    """Trunk and branches in the plainest form of the training loop."""
    o = job.options
    network, batch_at, lr = trial.new_network(o), trial.batches(o), o["lr"]
    losses = {"l1": le.l1_loss, "l2": le.mse_loss}

    def optimiser(module: nn.Module) -> torch.optim.Optimizer:
        if o["optimizer"] == "adam":
            return torch.optim.Adam(module.parameters(), lr=lr)
        return torch.optim.SGD(module.parameters(), lr=lr, momentum=0.9)

    def walk(module: nn.Module, descent: torch.optim.Optimizer, loss: str, first: int, rates: list[float]) -> None:
        for step, rate in enumerate(rates, first):
            descent.param_groups[0]["lr"] = rate
            x, y = batch_at(step)
            descent.zero_grad()
            losses[loss](module(x), y).backward()
            descent.step()

    descent = optimiser(network)
    walk(network, descent, o["arm"], 0, [lr] * STEPS)
    ends = {"trunk": weights(network)}
    down = [lr * 0.5 * (1 + math.cos(math.pi * k / HALF)) for k in range(HALF)]
    for branch in BRANCHES:
        module = copy.deepcopy(network)
        own = optimiser(module)
        if branch in ("continue", "switch_carried"):
            own.load_state_dict(copy.deepcopy(descent.state_dict()))
        loss = o["arm"] if branch in ("continue", "reset") else {"l1": "l2", "l2": "l1"}[o["arm"]]
        walk(module, own, loss, STEPS, down)  # the data go on
        ends[branch] = weights(module)
    return ends


@pytest.mark.parametrize(("optimizer", "arm"), [("adam", "l1"), ("sgd", "l2")])
def test_trunk_and_branches_are_what_they_are_called(
    optimizer: str, arm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`continue` is one longer run; `reset` and `switch_carried` differ from it in one thing each, `switch` in both."""
    unjudged(monkeypatch)
    job, starts, fit = tree(optimizer, arm), [], trial.fit

    def spied(network: Any, options: Any, place: Any, **keywords: Any) -> Any:
        starts.append((keywords["name"], weights(network), keywords.get("offset", 0)))
        return fit(network, options, place, **keywords)

    monkeypatch.setattr(trial, "fit", spied)
    entry, arrays = convergence.perform(job, here(tmp_path))
    expected = by_hand(job)
    ends = {name: weights(trial.network_of(tmp_path, job.options, name)) for name in ("trunk", *BRANCHES)}
    for name, end in ends.items():
        assert torch.equal(end, expected[name]), name
    assert len({end.sum().item() for end in ends.values()}) == 5
    assert [(name, offset) for name, _, offset in starts] == [("trunk", 0), *((name, STEPS) for name in BRANCHES)]
    for _, start, _ in starts[1:]:
        assert torch.equal(start, ends["trunk"])

    assert set(arrays) == {f"{name}@test" for name in ends}
    assert entry["mode"] == f"{optimizer}_tuned"
    assert not entry["ran_away"] and "branches_diverged" not in entry
    assert [row[0] for row in entry["curves"]["trunk"]] == list(range(1, STEPS + 1))
    assert {name: len(rows) for name, rows in entry["curves"].items()} == {
        "trunk": 6,
        "continue": 3,
        "reset": 3,
        "switch": 3,
        "switch_carried": 3,
    }
    assert "training_seconds" not in entry
    histories = entry["histories"]
    assert histories["continue"][0] == histories["reset"][0]  # the same weights, batch and loss
    assert histories["switch"][0] == histories["switch_carried"][0] != histories["continue"][0]
    settings = {name: read_checkpoint(tmp_path / f"{name}.pt")["settings"] for name in ends}
    assert settings["trunk"]["schedule"] == "constant" and settings["switch"]["schedule"] == "cosine"
    assert {one["lr"] for one in settings.values()} == {job.options["lr"]}

    # What is watched is the mean error of the network on test pictures.
    network = trial.network_of(tmp_path, job.options, "switch")
    photos = photographs("embedded")
    with torch.no_grad():
        error = restore(network, task("dd").damage(photos, "test", 0)) - photos["test"].picture(0)
    last = entry["curves"]["switch"][-1]
    assert last[1] == pytest.approx([error.square().mean().item(), error.abs().mean().item()], rel=1e-4)
    # Performed again, all of it is there already.
    again, _ = convergence.perform(job, here(tmp_path))
    assert {key: again[key] for key in ("curves", "histories")} == {key: entry[key] for key in ("curves", "histories")}


@pytest.mark.parametrize(("arm", "carried"), [("l2", (1.8, 20)), ("l1", (0.01, 0.4))])
def test_a_fresh_switch_steps_as_far_as_a_reset(
    arm: str, carried: tuple[float, float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Adam divides by what it remembers of the gradients; those of l1 and of l2 are not of one size."""
    path, step = list[float](), torch.optim.Adam.step

    def spied(self: torch.optim.Adam, *arguments: Any, **keywords: Any) -> Any:
        parameters = [parameter for group in self.param_groups for parameter in group["params"]]
        before = torch.cat([parameter.detach().flatten() for parameter in parameters]).clone()
        result = step(self, *arguments, **keywords)
        path.append((torch.cat([parameter.detach().flatten() for parameter in parameters]) - before).norm().item())
        return result

    job = tree("adam", arm)
    options, place = job.options | {"steps": 100}, here(tmp_path)
    monkeypatch.setattr(convergence, "error_watch", lambda *_: None)
    convergence._train("trunk", trial.new_network(options), options, place)
    # Adam's memory of the squares reaches back a thousand steps; here it is made that of a trunk as long as that.
    kept = torch.load(tmp_path / "trunk.pt", weights_only=True)
    for state in kept["optimiser"]["state"].values():
        state["exp_avg_sq"] /= 1 - 0.999 ** state["step"]
        state["step"].fill_(20_000)
    torch.save(kept, tmp_path / "trunk.pt")

    monkeypatch.setattr(torch.optim.Adam, "step", spied)
    lengths = {}
    for branch in ("reset", "switch", "switch_carried"):
        path.clear()
        convergence._train(branch, trial.new_network(options), options, place)
        assert len(path) == 50
        lengths[branch] = sum(path)
    assert 0.7 < lengths["switch"] / lengths["reset"] < 1.4
    low, high = carried
    assert low < lengths["switch_carried"] / lengths["reset"] < high


def test_landscape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All end with l2, by a switch or by going on, and the two of a pair have two seeds."""
    unjudged(monkeypatch)
    outcomes = []
    for arm, seed in itertools.product(("l1", "l2"), (0, 1)):
        job = tree("adam", arm, seed)
        entry, _ = convergence.perform(job, here(tmp_path / "jobs" / job.name))
        outcomes.append(Outcome(job, entry, tmp_path))
    rows = convergence.finish(outcomes)["landscape"]
    pairs = [(pair, seed) for pair in ("l1-l2", "l2-l2", "l1-l1") for seed in (0, 1)]
    assert [(row["mode"], row["pair"], row["seed"]) for row in rows] == [("adam_tuned", *pair) for pair in pairs]
    by_job = {(o.job.options["arm"], o.job.options["seed"]): o.job for o in outcomes}

    def end(arm: str, seed: int) -> Tensor:
        job = by_job[arm, seed]
        branch = {"l1": "switch", "l2": "continue"}[arm]
        return weights(trial.network_of(tmp_path / "jobs" / job.name, job.options, branch)).double()

    for row in rows:
        first, second = row["pair"].split("-")
        a, b = end(first, row["seed"]), end(second, 1 - row["seed"])
        assert row["distance_raw"] == pytest.approx(((a - b).norm() / (a.norm() * b.norm()).sqrt()).item(), rel=1e-5)
        assert len(row["line"]) == 11 and row["barrier"] >= 0
        assert row["distance"] > 0.3  # other first weights

    lost = [o._replace(entry=(o.entry or {}) | {"ran_away": o.job is by_job["l2", 1]}) for o in outcomes]
    found = {(row["pair"], row["seed"]) for row in convergence.finish(lost)["landscape"]}
    assert found == {("l1-l2", 1), ("l1-l1", 0), ("l1-l1", 1)}
    assert convergence.finish([o._replace(entry=None) for o in outcomes]) == {"landscape": []}


def test_divergence_of_a_trunk_and_of_a_branch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unjudged(monkeypatch)
    monkeypatch.setitem(arms.LOSSES, "l1", lambda x, y: le.l1_loss(x, y) * math.nan)  # type: ignore[call-overload]
    entry, arrays = convergence.perform(tree("adam", "l1"), here(tmp_path / "a"))
    assert (entry["diverged_at"], entry["ran_away"], arrays) == (0, True, {})
    entry, arrays = convergence.perform(tree("adam", "l2"), here(tmp_path / "b"))
    assert entry["branches_diverged"] == {"switch": 0, "switch_carried": 0} and not entry["ran_away"]
    assert set(arrays) == {"trunk@test", "continue@test", "reset@test"}
    assert set(entry["curves"]) == {"trunk", "continue", "reset"}
    assert convergence.finish([Outcome(tree("adam", "l2"), entry, tmp_path)]) == {"landscape": []}
