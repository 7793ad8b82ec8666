"""How long a loss and its gradient take beside mean square error, on patches and on a picture.  No training.

Loss and mean square error take turns in one process, and the order changes every time, as in `loss_speed`.  `ratio` is
the median over the repeats of a loss's time over that of mean square error: processor time, but on a GPU.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from .. import _validate, data
from ..sweeps import Job, Place
from . import arms as losses
from .loss_speed import interleaved

NAME = "loss_times"

#: What is measured on: number of pictures and their side.
SHAPES: Mapping[str, tuple[int, int]] = {"patches": (16, 31), "picture": (1, 255)}
TASKS = tuple(SHAPES)
ARMS = ("l1", "charbonnier", "ssim_1.5", "ms_ssim", "ms_ssim_dense", "mix")


@dataclass(frozen=True)
class Size:
    """How often everything is repeated, and how many seeds there are."""

    repeats: int
    seeds: int = 3


SCALES: Mapping[str, Size] = {"smoke": Size(3, 1), "cpu": Size(200), "full": Size(1000, 5)}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each shape, loss and seed."""
    _validate.option("scale", scale, SCALES)
    size = SCALES[scale]
    result = []
    for task in tasks or TASKS:
        for arm in arms or ARMS:
            for seed in range(seeds or size.seeds):
                options = {"task": task, "arm": arm, "seed": seed, **asdict(size)}
                del options["seeds"]
                result.append(Job("lossedu.experiments.loss_times", f"{task}-{arm}-{seed}", options))
    return result


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, Any]]:
    """Measure one loss."""
    options = job.options
    count, side = SHAPES[options["task"]]
    y = data.correlated_noise((count, 3, side, side), length=2.0, std=0.1, seed=options["seed"]).to(place.device) + 0.5
    noise = data.correlated_noise(y.shape, length=0.0, std=0.05, seed=options["seed"] + 1).to(place.device)

    def turn(loss: losses.Loss) -> Callable[[], object]:
        x = (y + noise).requires_grad_()
        return lambda: torch.autograd.grad(loss(x, y), x)

    contestants = [turn(losses.loss(name)) for name in (options["arm"], "l2")]
    ours, squared = interleaved(contestants, options["repeats"], place.device)
    # Where the clock is too coarse to see mean square error, there is nothing to divide by.
    ratios = [a / b for a, b in zip(ours, squared, strict=True) if b > 0] or [float("nan")]
    low, ratio, high = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
    found = {
        "ms": round(1000 * statistics.median(ours), 4),
        "ms_l2": round(1000 * statistics.median(squared), 4),
        "ratio": round(ratio, 3),
        "ratio_quartiles": [round(low, 3), round(high, 3)],
    }
    return {key: options[key] for key in ("task", "arm", "seed")} | found, {}
