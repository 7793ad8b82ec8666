"""Step sizes for `retouching`: the same for every loss to choose from, the loss itself on validation pictures as judge.

One seed that the comparison does not use, half of its steps, on the task ``moody``.  Losses that are not tried take the
step size of the one they are closest to, which is in `TAKEN`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from .. import _validate
from ..metrics import psnr
from ..sweeps import Job, Place
from ..training import Diverged
from . import retouch_losses, retouch_pairs, retouching

NAME = "retouch_rates"

TASKS = ("moody",)
ARMS = ("l2", "vgg", "printed", "unit_mirror", "ssim", "unit", "printed_mirror")

#: Step sizes that are tried, a factor of about three apart.
RATES = (3e-4, 1e-3, 3e-3, 1e-2)

#: The seed, of none of the compared networks.
SEED = 100

#: Arm -> the one that was tried in its place.
TAKEN: Mapping[str, str] = {
    "printed_k50": "printed",
    "printed_k100": "printed",
    "printed_01": "printed",
    "printed_10": "printed",
    "unit_01": "unit",
    "unit_10": "unit",
    "sharp": "unit_mirror",
    "sort": "unit_mirror",
}


@dataclass(frozen=True)
class Scale:
    """As `retouching.Scale`; `validation` is how many pictures judge."""

    photographs: str
    steps: int
    batch: int
    side: int
    validation: int = 12
    every: int = 2
    precision: str = "float32"


SCALES: Mapping[str, Scale] = {
    "smoke": Scale("embedded", 2, 2, 64, validation=1),
    "quick": Scale("embedded", 75, 4, 96, validation=1),
    "cpu": Scale("bsds500", 300, 4, 128),
    "full": Scale("bsds500", 25_000, 16, 160, validation=32, every=1),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each loss and step size; there is one seed, whatever is asked for."""
    _validate.option("scale", scale, SCALES)
    sizes = asdict(SCALES[scale])
    return [
        Job(
            f"lossedu.experiments.{NAME}",
            f"{task}-{arm}-{lr:g}",
            {"task": task, "arm": arm, "seed": SEED, "lr": lr, **sizes},
        )
        for task in tasks or TASKS
        for arm in arms or ARMS
        for lr in RATES
    ]


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train a network and return what its own loss and PSNR are on validation pictures."""
    options = job.options
    entry = {key: options[key] for key in ("task", "arm", "seed", "lr")}
    network = retouching.new_network(options["seed"], place.device)
    try:
        retouching.fit(network, options, place)
    except Diverged as error:
        return {**entry, "diverged_at": error.step, "ran_away": True}, {}
    batch_at = retouch_pairs.batches(
        options["task"], options["photographs"], options["side"], options["batch"], options["seed"], place.device
    )
    loss = retouch_losses.loss(options["arm"], batch_at, place.device, options["precision"], options["every"])
    costs, decibels = [], []
    with torch.no_grad():
        for pair in retouch_pairs.pairs(options["task"], options["photographs"], "val", options["validation"], SEED):
            x, y = pair.x.to(place.device), pair.y.to(place.device)
            output = network(x)
            costs.append(float(loss(output, y)))
            decibels.append(float(psnr(output.clamp(0, 1), y)))
    cost, level = float(np.mean(costs)), float(np.mean(decibels))
    return entry | {"cost": float(f"{cost:.5g}"), "psnr": float(f"{level:.4g}"), "ran_away": False}, {}


def best(runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the step size with the least cost for every arm of a record, of those that were not tried by `TAKEN`."""
    found: dict[str, float] = {}
    for arm in dict.fromkeys(run["arm"] for run in runs):
        tried = [run for run in runs if run["arm"] == arm and not run["ran_away"]]
        found[arm] = float(min(tried, key=lambda run: run["cost"])["lr"])
    return found | {arm: found[other] for arm, other in TAKEN.items() if other in found}


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what computed in the precision of the record: HDRNet kept float32."""
    return {"shortened": "VGG features"}
