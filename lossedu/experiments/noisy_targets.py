r"""What does noise in the *target* do to a network trained with l2, and with l1?  After Lehtinen et al. (2018).

Every network sees the same noisy mosaic.  What it is asked for differs:

- ``clean``: the photograph;
- ``even``: with Gaussian noise, whose mean and median are 0;
- ``skewed``: with exponential noise of the same strength, whose mean is 0 and whose median lies below it;
- ``clipped``: with the noise of ``even``, clipped to the range, as a file would store it.

l2 learns means and l1 medians, so `expected` says by how much each moves, at every level of the photograph.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import _validate
from ..metrics import psnr
from ..sweeps import Job, Outcome, Place
from ..training import Diverged, train
from . import arms as losses
from . import keepsakes, trial
from .narration import Narrator
from .scales import CPU, FULL, QUICK, SMOKE, Scale, named
from .tasks import Network, chosen, noise_generator, photographs, restore

NAME = "noisy_targets"

#: What is asked for.
TASKS = ("clean", "even", "skewed", "clipped")
ARMS = ("l2", "l1")

#: Standard deviation of the noise in a target.
SPREAD = 0.2

#: Bins of grey level, from 0 to 1.
LEVELS = 20

#: 2,000 steps from 2e-3 on, as `tuning` found them best for both losses; it had as many.
SCALES: Mapping[str, Scale] = {
    "smoke": SMOKE,
    "quick": replace(QUICK, seeds=3, deep_every=0),
    "cpu": replace(CPU, steps=2_000, tuning="", lr=2e-3, deep_every=0, pictures=16),
    "full": replace(FULL, steps=20_000, batch=16, warmup=0, tuning="", deep_every=0),
}

COLUMNS = ("mse", "psnr", "l1")


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each kind of target, seed and loss."""
    size = named(scale, SCALES)
    result = []
    for target in tasks or TASKS:
        for seed in range(seeds or size.seeds):
            for arm in arms or ARMS:
                options = {"task": "dd", "arm": arm, "seed": seed, "lr": size.lr, "target": target, **size.options()}
                options["label"] = {"task": target}
                result.append(Job("lossedu.experiments.noisy_targets", f"{target}-{arm}-{seed}", options))
    return result


def spoiled(clean: Tensor, target: str, generator: torch.Generator) -> Tensor:
    """Return what a network is asked for instead of the clean picture."""
    _validate.option("target", target, TASKS)
    if target == "clean":
        return clean
    if target == "skewed":
        return clean + SPREAD * (torch.empty_like(clean).exponential_(generator=generator) - 1)
    noisy = clean + SPREAD * torch.randn(clean.shape, generator=generator, device=clean.device).to(clean.dtype)
    return noisy.clamp(0, 1) if target == "clipped" else noisy


def expected(target: str, arm: str, level: float) -> float:
    """Return by how much the mean (l2) or the median (l1) of a target exceeds a known clean level."""
    _validate.option("target", target, TASKS)
    _validate.option("arm", arm, ARMS)
    if target == "skewed":
        return SPREAD * (math.log(2) - 1) if arm == "l1" else 0.0
    if target != "clipped" or arm == "l1":
        return 0.0  # clipping moves no median that lies in the range
    low, high = -level / SPREAD, (1 - level) / SPREAD
    inside = _share(high) - _share(low)
    return level * inside + SPREAD * (_density(low) - _density(high)) + 1 - _share(high) - level


def _share(z: float) -> float:
    return 0.5 * (1 + math.erf(z / math.sqrt(2)))


def _density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train the network of a job, and judge it against clean pictures, whatever it was trained on."""
    options = job.options
    network, batch_of = trial.new_network(options, place.device), trial.batches(options, place.device)

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        damaged, clean = batch_of(step)
        drawn = noise_generator(place.device, options["seed"], "target", step)
        return damaged, spoiled(clean, options["target"], drawn)

    entry = trial.identity(options)
    try:
        history = train(
            network,
            losses.loss(options["arm"]),
            batch_at,
            steps=options["steps"],
            lr=options["lr"],
            precision=options["precision"],
            compiled=place.compiled,
            checkpoint=place.folder / "network.pt",
            every=max(1, options["steps"] // 4),
            deadline=place.deadline,
            on_step=Narrator(place, options["steps"]).on_step,
        )
    except Diverged as error:
        return {**entry, "diverged_at": error.step, "ran_away": True}, {}
    entry |= trial.course(list(history))
    scores = judged(network, options, place.device)
    entry["ran_away"] |= not np.mean(scores["test"][:, COLUMNS.index("psnr")]) >= trial.LOST
    return entry, scores


def judged(network: Network, options: Mapping[str, Any], device: str = "cpu") -> dict[str, np.ndarray]:
    """Return the scores of each test picture, and the mean error by clean level: rows of `LEVELS`, error and pixels."""
    rows, error_sum, pixels = [], *torch.zeros(2, LEVELS, dtype=torch.float64)
    for _, damaged, clean in trial.pairs(options, "test", options["pictures"]):
        output = restore(network, damaged.to(device)).cpu()
        error = (output - clean).double()
        rows.append([float(error.square().mean()), float(psnr(output, clean)), float(error.abs().mean())])
        where = (clean * LEVELS).long().clamp(0, LEVELS - 1).flatten()
        error_sum.index_add_(0, where, error.flatten())
        pixels += torch.bincount(where, minlength=LEVELS)
    by_level = torch.stack((error_sum / pixels, pixels), dim=1).numpy()  # NaN where no picture has the level
    return {"test": np.array(rows, dtype=np.float32), "levels": by_level.astype(np.float32)}


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the record says of its columns and pictures."""
    pictures = photographs(options["photographs"])["test"]
    names = [pictures.names[index] for index in chosen(len(pictures), options["pictures"])]
    return {"columns": list(COLUMNS), "sets": {"test": names}, "spread": SPREAD}


def kept(outcomes: Sequence[Outcome]) -> dict[str, np.ndarray]:
    """Return the networks of clipped targets, to be looked at."""
    return keepsakes.weights([one for one in outcomes if one.job.options["target"] == "clipped"], ARMS)
