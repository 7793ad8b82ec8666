"""Does a change of the loss help?  Section 5.1 of Zhao et al. (2017) and its inset, with the controls it lacks.

One network is trained with l1 or l2 at a constant step size: the trunk.  From its end three branches go on for half as
many steps, the step size falling to 0 in each:

- ``continue``: the same loss, and the optimiser as it was: what time and a smaller step do by themselves
- ``reset``: the same loss, but the optimiser begins afresh: what a change does to its memory
- ``switch``: the other loss, and the optimiser as it was

The switch is worth what it wins over ``continue``.  All of it with Adam and with gradient descent, each at one step
size for both losses and at one that was tuned for each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..sweeps import Job, Outcome, Place
from ..training import Diverged, read_checkpoint
from . import trial, tuning
from .arms import LOSSES
from .landscape import compare
from .scales import USUAL, Scale, named
from .tasks import Batches, Network, restore

NAME = "convergence"

TASKS = ("dd",)
ARMS = ("l2", "l1")
OTHER = {"l1": "l2", "l2": "l1"}
BRANCHES = ("continue", "reset", "switch")

#: Mode -> optimiser, and the loss whose tuned step size is used; "" for that of the trunk's own loss.
MODES: Mapping[str, tuple[str, str]] = {
    "adam": ("adam", "l1"),
    "adam_tuned": ("adam", ""),
    "sgd": ("sgd", "l1"),
    "sgd_tuned": ("sgd", ""),
}

SCALES: Mapping[str, Scale] = {name: replace(scale, deep_every=0) for name, scale in USUAL.items()}

#: Test pictures along the way, and on the line between two networks.
PICTURES = 16


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each mode, seed and loss of the trunk; it includes the branches."""
    size = named(scale, SCALES)
    result = []
    for mode, (optimizer, owner) in MODES.items():
        for seed in range(seeds or size.seeds):
            for arm in arms or ARMS:
                lr = tuning.rate(size, "dd", owner or arm, optimizer=optimizer)
                options = {"task": "dd", "arm": arm, "mode": mode, "optimizer": optimizer, "seed": seed, "lr": lr}
                result.append(Job("lossedu.experiments.convergence", f"{mode}-{arm}-{seed}", options | size.options()))
    return result


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train the trunk and its branches; the entry has the test error over time, the arrays what each ended with."""
    options = job.options
    entry = {**trial.identity(options), "mode": options["mode"], "curves": {}, "histories": {}, "ran_away": False}
    arrays: dict[str, np.ndarray] = {}
    started = time.perf_counter()
    for branch in ("trunk", *BRANCHES):
        network = trial.new_network(options, place.device)
        try:
            history = _train(branch, network, options, place)
        except Diverged as error:
            if branch == "trunk":
                return {**entry, "diverged_at": error.step, "ran_away": True}, {}
            entry.setdefault("branches_diverged", {})[branch] = error.step
            continue
        entry["curves"][branch] = history.watched
        course = trial.course(list(history), blocks=20)
        entry["histories"][branch] = course["history"]
        entry["ran_away"] |= branch == "trunk" and course["ran_away"]
        for where, table in trial.judged(network, options, place.device).items():
            arrays[f"{branch}@{where}"] = table
    entry["training_seconds"] = round(time.perf_counter() - started, 1)
    return entry, arrays


def _train(branch: str, network: Network, options: Mapping[str, Any], place: Place) -> Any:
    """Train one part of the tree; a branch starts where the trunk ended, and sees the batches that follow."""
    common = {"optimizer": options["optimizer"], "name": branch, "watch": error_watch(options, place.device)}
    if branch == "trunk":
        return trial.fit(network, options, place, schedule="constant", **common)
    trunk = read_checkpoint(place.folder / "trunk.pt")
    network.load_state_dict(trunk["network"])
    arm = OTHER[options["arm"]] if branch == "switch" else options["arm"]
    state = None if branch == "reset" else trunk["optimiser"]
    half = {**options, "steps": max(1, options["steps"] // 2), "warmup": 0}
    return trial.fit(network, half, place, loss=LOSSES[arm], offset=options["steps"], start=state, **common)


def error_watch(options: Mapping[str, Any], device: str) -> Callable[[Network, Batches], Callable[[int], Any]]:
    """Return a `watch` that measures the mean square and the mean absolute error on some of the test pictures."""
    pairs = trial.pairs(options, "test", PICTURES)

    def watch(network: Network, _: Batches) -> Callable[[int], Any]:
        def at(step: int) -> list[float]:
            errors = [restore(network, damaged.to(device)).cpu() - clean for _, damaged, clean in pairs]
            squares, sizes = [float(e.square().mean()) for e in errors], [float(e.abs().mean()) for e in errors]
            return [float(f"{np.mean(squares):.6g}"), float(f"{np.mean(sizes):.6g}")]

        return at

    return watch


def finish(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return what needs several networks at once: how far apart end points are, and what lies between them.

    Both trunks end with l2 (one by a switch, one by going on), which is the claim of equal error at other parameters;
    pairs of one loss and two seeds tell what "other" means.
    """
    ends: dict[tuple[str, str, int], tuple[Path, Mapping[str, Any]]] = {
        (o.job.options["mode"], o.job.options["arm"], o.job.options["seed"]): (
            o.run / "jobs" / o.job.name,
            o.job.options,
        )
        for o in outcomes
        if o.entry is not None and not o.entry["ran_away"] and "branches_diverged" not in o.entry
    }
    rows = []
    for mode, arm, seed in ends:
        if arm != "l2":
            continue
        others = {
            "l1-l2": ((mode, "l1", seed), "switch"),
            "l2-l2": ((mode, "l2", seed + 1), "continue"),
            "l1-l1": ((mode, "l1", seed + 1), "switch"),
        }
        for pair, (key, branch) in others.items():
            first = ((mode, "l1", seed), "switch") if pair == "l1-l1" else ((mode, "l2", seed), "continue")
            if key in ends and first[0] in ends:
                rows.append({"pair": pair, "mode": mode, "seed": seed} | _between(ends, first, (key, branch)))
    return {"landscape": rows}


def _between(ends: Mapping[Any, tuple[Path, Mapping[str, Any]]], *points: tuple[Any, str]) -> dict[str, Any]:
    networks = [trial.network_of(*ends[key], name=branch) for key, branch in points]
    options = ends[points[0][0]][1]
    pairs = trial.pairs(options, "test", PICTURES // 2)

    def error(network: Any) -> float:
        return float(np.mean([float((restore(network, x) - y).square().mean()) for _, x, y in pairs]))

    return compare(networks[0], networks[1], error)


describe = trial.describe
