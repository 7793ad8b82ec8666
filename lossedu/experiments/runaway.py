"""Why do networks run away under SSIM?  What the output does while it happens, step by step.

Two ways of failing, each watched on a batch that training does not see:

- ``wide``: 64 filters, a way back to the input, Adam at 2e-3.  The network begins near the truth.
- ``plain``: 16 filters without a way back, Adam at 1e-3.  The network begins with an output that has nothing to do with
  the picture, and as likely with its negative: SSIM of y and -y is nearly 1 where a wide window sees texture (0.95 on
  grass with sigma 9, 0.8 on a mean of photographs), and there it hardly pulls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from ..sweeps import Job, Place
from . import arms as losses
from . import trial
from .gain import loss_pull, offset, output_gain
from .scales import CPU, FULL, QUICK, SMOKE, Scale, named
from .tasks import Batches, Network

NAME = "runaway"

TASKS = ("wide", "warm", "plain")
ARMS = ("ssim_1", "ssim_5", "ssim_9", "l1")

SCALES: Mapping[str, Scale] = {
    "smoke": SMOKE,
    "quick": replace(QUICK, seeds=3, deep_every=0),
    "cpu": replace(CPU, steps=1_000, tuning="", deep_every=0, pictures=16),
    "full": replace(FULL, steps=5_000, batch=16, warmup=0, tuning="", deep_every=0),
}

#: Condition -> what it changes in a scale, but for the smallest ones.
CONDITIONS: Mapping[str, Mapping[str, Any]] = {
    "wide": {"width": 64, "residual": True, "lr": 2e-3, "schedule": "cosine"},
    "warm": {"width": 64, "residual": True, "lr": 2e-3, "schedule": "warm"},
    "plain": {"width": 16, "residual": False, "lr": 1e-3, "schedule": "cosine"},
}

#: A batch that training does not see.
WATCHED = -1


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each condition, seed and loss."""
    size = named(scale, SCALES)
    result = []
    for condition in tasks or TASKS:
        shape = dict(CONDITIONS[condition])
        if scale in ("smoke", "quick"):
            shape["width"] = size.width
        for seed in range(seeds or size.seeds):
            for arm in arms or ARMS:
                options = {"task": "dd", "arm": arm, "seed": seed, **size.options(), **shape}
                options["label"] = {"task": condition}
                result.append(Job("lossedu.experiments.runaway", f"{condition}-{arm}-{seed}", options))
    return result


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train and watch gain, offset and pull; `watched` of the entry has them every hundredth of the way."""
    return trial.perform(job, place, watch=course_of(losses.loss(job.options["arm"])), watches=100)


def course_of(loss: losses.Loss) -> Callable[[Network, Batches], Callable[[int], Any]]:
    """Return a `watch` of the loss, how hard it pulls, and the gain and the offset of each channel of the output."""

    def watch(network: Network, batch_at: Batches) -> Callable[[int], Any]:
        damaged, clean = batch_at(WATCHED)

        def at(step: int) -> dict[str, Any]:
            with torch.no_grad():
                output = network(damaged)
            channels = [(output[:, c : c + 1], clean[:, c : c + 1]) for c in range(output.shape[1])]
            return {
                "loss": _short(float(loss(output, clean))),
                "pull": _short(loss_pull(loss, output, clean)),
                "gain": [_short(output_gain(*pair)) for pair in channels],
                "offset": [_short(offset(*pair)) for pair in channels],
            }

        return at

    return watch


def _short(value: float) -> float:
    return float(f"{value:.4g}")


describe = trial.describe
