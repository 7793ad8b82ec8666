"""Does a change of the loss help?  Section 5.1 of Zhao et al. (2017) and its inset, with the controls it lacks.

One network is trained with l1 or l2 at a constant step size: the trunk.  From its end four branches go on for half as
many steps, the step size falling to 0 in each:

- ``continue``: the same loss, and the optimiser as it was: what time and a smaller step do by themselves
- ``reset``: the same loss, but the optimiser begins afresh: what a change does to its memory
- ``switch``: the other loss, and the optimiser begins afresh
- ``switch_carried``: the other loss, and the optimiser as it was: scaled to gradients that come no more.  From l2 to l1
  Adam's steps are then too long by the ratio of the gradients, from l1 to l2 too short

The switch is worth what it wins over ``continue``, and over ``reset``, from which it differs by the loss alone.  All of
it with Adam and with gradient descent, at the step size that was tuned for the loss, and at a tenth of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

#: What `landscape.compare` matches weights with; asked for before hours of training.
REQUIRES = ("scipy",)

ARMS = ("l2", "l1")
OTHER = {"l1": "l2", "l2": "l1"}
BRANCHES = ("continue", "reset", "switch", "switch_carried")

#: Mode -> optimiser, and its step size in units of what `tuning.rate` gives for it and for the loss of the trunk.  A
#: tenth stands for those who did not look for the best: where errors are below 1/2, l2 has the smaller gradient.
MODES: Mapping[str, tuple[str, float]] = {
    "adam_tuned": ("adam", 1.0),
    "sgd_tuned": ("sgd", 1.0),
    "sgd": ("sgd", 0.1),
    "adam": ("adam", 0.1),
}

#: What `jobs` can be asked for one by one: the modes; the task is always denoising and demosaicking.
TASKS = tuple(MODES)

SCALES: Mapping[str, Scale] = USUAL

#: Test pictures along the way, and on the line between two networks.
PICTURES = 16


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each mode (`tasks`), seed and loss of the trunk; it includes the branches."""
    size = named(scale, SCALES)
    result = []
    for mode, (optimizer, factor) in MODES.items():
        if tasks and mode not in tasks:
            continue
        for seed in range(seeds or size.seeds):
            for arm in arms or ARMS:
                lr = round(factor * tuning.rate(size, "dd", arm, optimizer=optimizer), 9)
                options = {"task": "dd", "arm": arm, "mode": mode, "optimizer": optimizer, "seed": seed, "lr": lr}
                name = f"{mode}-{arm}-{seed}"
                result.append(Job("lossedu.experiments.convergence", name, options | size.options()))
    return result


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train the trunk and its branches; the entry has the test error over time, the arrays what each ended with."""
    options = job.options
    entry = {**trial.identity(options), "mode": options["mode"], "curves": {}, "histories": {}, "ran_away": False}
    arrays: dict[str, np.ndarray] = {}
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
        scores = trial.judged(network, options, place.device)
        entry["ran_away"] |= (branch == "trunk" and course["ran_away"]) or trial.lost(scores)
        arrays |= {f"{branch}@{where}": table for where, table in scores.items()}
    return entry, arrays


def _train(branch: str, network: Network, options: Mapping[str, Any], place: Place) -> Any:
    """Train one part of the tree; a branch starts where the trunk ended, and sees the batches that follow."""
    common = {"optimizer": options["optimizer"], "name": branch, "watch": error_watch(options, place.device)}
    if branch == "trunk":
        return trial.fit(network, options, place, schedule="constant", **common)
    trunk = read_checkpoint(place.folder / "trunk.pt")
    network.load_state_dict(trunk["network"])
    arm = OTHER[options["arm"]] if branch.startswith("switch") else options["arm"]
    state = trunk["optimiser"] if branch in ("continue", "switch_carried") else None
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

    All of them end with l2: networks that began with l1 after the switch, those that began with l2 by going on.  A
    pair is named by how the two began, and has two seeds, since networks that share their first weights are near each
    other for another reason: "l1-l2" is the claim, "l2-l2" and "l1-l1" tell what "other parameters" means.
    """
    ends: dict[tuple[str, str], dict[int, Outcome]] = {}
    for outcome in outcomes:
        entry = outcome.entry
        if entry is not None and not entry["ran_away"] and "branches_diverged" not in entry:
            ends.setdefault((entry["mode"], entry["arm"]), {})[entry["seed"]] = outcome
    rows = []
    for mode in MODES:
        for first, second in (("l1", "l2"), ("l2", "l2"), ("l1", "l1")):
            ours, theirs = ends.get((mode, first), {}), ends.get((mode, second), {})
            seeds = sorted(ours.keys() | theirs.keys())
            for seed in ours:
                other = seeds[(seeds.index(seed) + 1) % len(seeds)]
                if other in theirs and other != seed:
                    row = {"pair": f"{first}-{second}", "mode": mode, "seed": seed}
                    rows.append(row | _between((ours[seed], first), (theirs[other], second)))
    return {"landscape": rows}


def _between(*points: tuple[Outcome, str]) -> dict[str, Any]:
    networks = [
        trial.network_of(
            outcome.run / "jobs" / outcome.job.name,
            outcome.job.options,
            name="switch" if began == "l1" else "continue",
        )
        for outcome, began in points
    ]
    pairs = trial.pairs(points[0][0].job.options, "test", PICTURES // 2)

    def error(network: Any) -> float:
        return float(np.mean([float((restore(network, x) - y).square().mean()) for _, x, y in pairs]))

    return compare(networks[0], networks[1], error)


describe = trial.describe
