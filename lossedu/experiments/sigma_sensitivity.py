"""How the window's sigma shapes what an SSIM-trained network leaves behind (Zhao et al. 2017, section 5.2, Figure 8).

The small network is trained to denoise and demosaick with SSIM of four widths, and with l1 and l2 for comparison.
Everything else is the same for all: first weights, crops, noise, steps.  Beside the usual scores every test picture has
the residual on quiet pixels by distance from the nearest strong edge, a table of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from ..sweeps import Job, Outcome, Place
from . import keepsakes, trial
from .residuals import RINGS, by_distance
from .scales import USUAL, Scale, named
from .tasks import restore
from .tuning import rate

NAME = "sigma_sensitivity"

TASKS = ("dd",)
ARMS = ("ssim_1", "ssim_3", "ssim_5", "ssim_9", "l1", "l2")

SCALES: Mapping[str, Scale] = USUAL

#: What the table of distances is called beside the scores.
BESIDE_EDGES = "rings@test"


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each seed and loss."""
    size = named(scale, SCALES)
    return [
        Job(
            "lossedu.experiments.sigma_sensitivity",
            f"{arm}-{seed}",
            {"task": "dd", "arm": arm, "seed": seed, "lr": rate(size, "dd", arm), **size.options()},
        )
        for seed in range(seeds or size.seeds)
        for arm in arms or ARMS
    ]


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train and judge one network; the arrays have, beside the scores, the residual at the distances `RINGS`."""
    entry, arrays = trial.perform(job, place)
    if arrays:
        network = trial.network_of(place.folder, job.options).to(place.device)
        arrays[BESIDE_EDGES] = beside_edges(network, job.options, place.device)
    return entry, arrays


def beside_edges(network: nn.Module, options: Mapping[str, Any], device: str = "cpu") -> np.ndarray:
    """Return for each test picture the residual at the distances `RINGS` from edges, NaN where nothing is that far."""
    rows = []
    for _, damaged, clean in trial.pairs(options, "test", options["pictures"]):
        residual = restore(network, damaged.to(device)).cpu() - clean  # type: ignore[arg-type]
        rows.append([np.nan if value is None else value for value in by_distance(residual, clean)])
    return np.array(rows, dtype=np.float64).reshape(-1, len(RINGS))


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the settings of a record say beside the scale."""
    return trial.describe(options) | {"rings": [list(ring) for ring in RINGS], "window": "31 taps, reflect"}


def kept(outcomes: Sequence[Outcome]) -> dict[str, np.ndarray]:
    """Return the networks that chapters show: those of the smallest window and of the largest."""
    return keepsakes.weights(outcomes, ("ssim_1", "ssim_9"))
