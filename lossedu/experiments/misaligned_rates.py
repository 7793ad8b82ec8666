"""Step sizes for `misaligned`: the same for every loss to choose from, the loss itself on validation pictures as judge.

One seed that the comparison does not use, half of its steps, targets moved by up to 2 pixels, and so are those that
judge: what a loss is worth on aligned pictures is what the comparison asks.
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
from . import misaligned, misaligned_losses
from .misaligned_losses import ARMS
from .misaligned_pairs import pairs
from .tasks import restore

NAME = "misaligned_rates"

TASKS = ("shift2",)

#: Step sizes that are tried, a factor of about three apart.
RATES = (1e-3, 3e-3, 1e-2)

#: The seed, of none of the compared networks.
SEED = 100


@dataclass(frozen=True)
class Scale:
    """As `misaligned.Scale`; so many batches of validation crops judge, and so many pictures say the aligned PSNR."""

    photographs: str
    steps: int
    batch: int
    out: int
    width: int
    judging: int = 24
    pictures: int = 8
    seen: int = 1
    precision: str = "float32"


SCALES: Mapping[str, Scale] = {
    "smoke": Scale("embedded", 2, 2, 24, 4, judging=1, pictures=1),
    "quick": Scale("embedded", 75, 4, 48, 16, pictures=1),
    "cpu": Scale("bsds500", 300, 4, 48, 16),
    "full": Scale("bsds500", 15_000, 16, 80, 64, seen=0),
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
    """Train a network and return its own loss on moved validation crops, and its PSNR on aligned pictures."""
    options = job.options
    entry = {key: options[key] for key in ("task", "arm", "seed", "lr")}
    network = misaligned.new_network(options["seed"], options["width"], place.device)
    try:
        misaligned.fit(network, options, place)
    except Diverged as error:
        return {**entry, "diverged_at": error.step, "ran_away": True}, {}
    network.eval()
    loss = misaligned_losses.loss(options["arm"], place.device, options["precision"], seen=0)
    batch_at = misaligned.batches(options, place.device, "val")
    with torch.no_grad():
        moved = (batch_at(step) for step in range(options["judging"]))
        cost = float(np.mean([float(loss(network(x), y)) for x, y in moved]))
        aligned = pairs(options["photographs"], "val", options["pictures"])
        outputs = [restore(network, pair.x.to(place.device)).cpu().clamp(0, 1) for pair in aligned]
        level = np.mean([float(psnr(x, pair.y)) for x, pair in zip(outputs, aligned, strict=True)])
    return entry | {"cost": float(f"{cost:.5g}"), "psnr": float(f"{level:.4g}"), "ran_away": False}, {}


def best(runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the step size with the least cost for every arm of a record."""
    found: dict[str, float] = {}
    for arm in dict.fromkeys(run["arm"] for run in runs):
        tried = [run for run in runs if run["arm"] == arm and not run["ran_away"]]
        found[arm] = float(min(tried, key=lambda run: run["cost"])["lr"])
    return found
