"""The step size of every loss: the same number of trials for each, chosen on the validation pictures.

The trials have a fifth of the steps of the runs that they are for, which begin with half of what was best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from .. import records
from ..sweeps import Job, Place
from ..training import Diverged
from .arms import LOSSES, TABLE, loss
from .scales import CPU, CPU_PLAIN, CPU_WIDE, FULL, SMOKE, Scale, named
from .trial import LOST, course, fit, identity, new_network, pairs, restore

NAME = "tuning"

#: Step sizes that are tried, for every loss, by optimiser.
RATES = {"adam": (5e-4, 1e-3, 2e-3, 4e-3, 8e-3), "sgd": (0.01, 0.03, 0.1, 0.3, 1.0)}

#: Tasks that take the step sizes of another.
LENDERS = {
    "sr3": "sr2",
    "sr2_bicubic": "sr2",
    "sr3_bicubic": "sr2",
    "jpeg_16": "jpeg",
    "jpeg_17": "jpeg",
    "dd_linear": "dd",
}

#: Losses that are tuned for gradient descent too, in the first task.
DESCENT = ("l2", "l1")

#: A fifth of the steps of the runs that the step sizes are for.
SCALES: Mapping[str, Scale] = {
    "smoke": replace(SMOKE, seeds=1),
    "cpu": replace(CPU, steps=2_000, seeds=1, tuning=""),
    "cpu_plain": replace(CPU_PLAIN, steps=2_000, seeds=1, tuning=""),
    "cpu_wide": replace(CPU_WIDE, steps=2_000, seeds=1, tuning=""),
    "full": replace(FULL, steps=10_000, seeds=1, tuning=""),
}

TASKS = ("dd", "jpeg", "sr2")

#: Losses of single experiments that are tuned in the first task, beside those of the tables.
SINGLE = ("ssim_1", "ssim_3", "ssim_5_centre")
ARMS = (*LOSSES, *SINGLE)


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each task, loss, optimiser, step size and seed."""
    size = named(scale, SCALES)
    result = []
    for task in tasks or TASKS:
        listed = [("adam", arm) for arm in (ARMS if task == "dd" else TABLE)]
        listed += [("sgd", arm) for arm in DESCENT if task == "dd"]
        for optimizer, arm in listed:
            for rate in RATES[optimizer] if not arms or arm in arms else ():
                for seed in range(seeds or size.seeds):
                    options = {"task": task, "arm": arm, "seed": seed, "lr": rate, "optimizer": optimizer}
                    name = f"{task}-{arm}-{optimizer}-{rate:g}-{seed}"
                    result.append(Job("lossedu.experiments.tuning", name, options | size.options()))
    return result


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train with one step size; the entry has the loss itself, the mean square error and PSNR on the validation set."""
    options = job.options
    network = new_network(options, place.device)
    entry = identity(options) | {"optimizer": options["optimizer"]}
    try:
        history = fit(network, options, place, optimizer=options["optimizer"])
    except Diverged as error:
        return {**entry, "diverged_at": error.step, "ran_away": True}, {}
    values, errors = [], []
    for _, damaged, clean in pairs(options, "val", options["pictures"]):
        output = restore(network, damaged.to(place.device)).cpu()
        values.append(float(_whole(options["arm"])(output, clean)))
        errors.append(float((output - clean).square().mean()))
    entry |= course(list(history), blocks=10)
    entry["validation"] = float(f"{np.mean(values):.6g}")
    entry["mse"] = float(f"{np.mean(errors):.6g}")
    entry["psnr"] = round(float(np.mean(-10 * np.log10(errors))), 4)
    entry["ran_away"] |= not entry["psnr"] >= LOST  # nor is what is no number a choice
    return entry, {}


def _whole(arm: str) -> Any:
    """Return the loss of an arm for whole pictures: a patch form is asked patch by patch."""
    whole = loss(arm)
    if getattr(whole, "keywords", {}).get("form") != "patch":
        return whole

    def tiles(output: torch.Tensor, clean: torch.Tensor) -> torch.Tensor:
        cut = [x.unfold(2, 31, 31).unfold(3, 31, 31).permute(0, 2, 3, 1, 4, 5).flatten(0, 2) for x in (output, clean)]
        return whole(cut[0], cut[1])

    return tiles


#: Task, loss, optimiser -> step size -> value.
Means = dict[tuple[str, str, str], dict[float, float]]


def means(entries: Sequence[Mapping[str, Any]], key: str = "validation") -> Means:
    """Return task, loss, optimiser -> step size -> mean over seeds; infinite where a network ran away."""
    seen: dict[tuple[str, str, str], dict[float, list[float]]] = {}
    for entry in entries:
        value = float("inf") if entry["ran_away"] else float(entry[key])
        place = seen.setdefault((entry["task"], entry["arm"], entry["optimizer"]), {})
        place.setdefault(entry["lr"], []).append(value)
    return {which: {lr: float(np.mean(v)) for lr, v in by_rate.items()} for which, by_rate in seen.items()}


def choose(entries: Sequence[Mapping[str, Any]], *, key: str = "validation") -> dict[tuple[str, str, str], float]:
    """Return the step size for each task, loss and optimiser.

    It is the one with the smallest validation loss; one under which a network ran away is no choice.
    """
    best = {which: min(by_rate.items(), key=lambda item: item[1]) for which, by_rate in means(entries, key).items()}
    return {which: lr for which, (lr, value) in best.items() if np.isfinite(value)}


def at_the_end(entries: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return for which the best step size is the largest or the smallest that was tried: the grid is to be extended."""
    return [which for which, by_rate in means(entries).items() if min(by_rate, key=by_rate.get) in _ends(by_rate)]  # type: ignore[arg-type]


def _ends(by_rate: Mapping[float, float]) -> tuple[float, float]:
    return min(by_rate), max(by_rate)


#: Step size of gradient descent in units of Adam's where neither was tuned: as they were found at scale `cpu`.
DESCENT_RATE = 15

#: Share of the chosen step size that longer runs begin with.  What is best over a fifth of the steps is near the edge
#: of what is stable over all of them: at all of it, two of four networks of `convergence` were thrown back.
SAFETY = 0.5


def rate(scale: Scale, task: str, arm: str, *, optimizer: str = "adam") -> float:
    """Return the step size for a loss at a scale, the scale's own where none was tuned for it.

    It is `SAFETY` times the recorded choice.

    Raises
    ------
    ValueError
        If the scale asks for tuned step sizes and there is no record of them, with the command that makes one.
    """
    if not scale.tuning or arm == "input":
        return scale.lr if optimizer == "adam" else DESCENT_RATE * scale.lr
    command = f"lossedu run {NAME} --scale {scale.tuning} --out DIR, then lossedu report DIR"
    try:
        entries = records.load(f"{NAME}-{scale.tuning}").runs
    except ValueError as error:
        raise ValueError(f"no step sizes were tuned at scale {scale.tuning!r}; make them with {command}") from error
    which = (LENDERS.get(task, task), arm, optimizer)
    found = choose(entries)
    if which not in found:
        raise ValueError(f"no step size was tuned for {' '.join(which)} at scale {scale.tuning!r}; use {command}")
    return SAFETY * found[which]
