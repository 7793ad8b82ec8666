"""Table 1 of Zhao et al. (2017): three tasks, one network each, many losses, nine indices and more.

Beside the paper's losses there are Charbonnier, l1 with a term on the spectrum, the pyramid of MS-SSIM, and a sweep of
the weight in Mix; beside its indices LPIPS, DISTS and what `scoring` measures of calibration, flat regions and edges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import WeightedLoss, gradient_share
from ..sweeps import Job, Outcome, Place
from . import keepsakes, trial
from .arms import ALPHAS, LOSSES, PAPER, TABLE
from .scales import CPU, CPU_PLAIN, CPU_WIDE, FULL, QUICK, SMOKE, Scale, named
from .tasks import Batches, Network
from .tuning import rate

NAME = "table1"

SCALES: Mapping[str, Scale] = {
    "smoke": SMOKE,
    "quick": QUICK,
    "cpu": CPU,
    "cpu_plain": CPU_PLAIN,
    "cpu_wide": CPU_WIDE,
    "full": FULL,
}

TASKS = ("dd", "jpeg", "sr2")

#: The losses of a scale, by task, where they are not all of `TABLE` with the sweep of Mix in "dd".
_FEW: Mapping[str, Mapping[str, Sequence[str]]] = {
    "smoke": dict.fromkeys(TASKS, ("l2", "mix")),
    "quick": {"dd": ("l2", "l1", "ssim_5", "ms_ssim", "mix"), "jpeg": ("l2", "l1", "mix"), "sr2": ("l2", "l1", "mix")},
    "cpu_plain": {"dd": PAPER, "jpeg": ("l2", "l1", "ms_ssim", "mix"), "sr2": ("l2", "l1", "ms_ssim", "mix")},
    "cpu_wide": {"dd": PAPER, "jpeg": (), "sr2": ()},
}

#: Losses whose networks the record takes along: those of the paper's Figures 3 to 6.
SHOWN = ("l2", "l1", "ssim_5", "ms_ssim", "mix")

#: The batch on which the gradient's shares are watched: one that training does not see.
WATCHED = -1


def arms_of(scale: str, task: str) -> Sequence[str]:
    """Return the losses of a task at a scale, in the order in which they are trained."""
    return _FEW.get(scale, {}).get(task, tuple(LOSSES) if task == "dd" else TABLE)


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each task, seed and loss, and one that judges the input of each task."""
    size = named(scale, SCALES)
    result = []
    for task in tasks or TASKS:
        listed = [arm for arm in arms_of(scale, task) if not arms or arm in arms]
        trials = [(arm, seed) for seed in range(seeds or size.seeds) for arm in listed]
        for arm, seed in [("input", 0), *trials] if trials else ():
            options = {"task": task, "arm": arm, "seed": seed, "lr": rate(size, task, arm), **size.options()}
            result.append(Job("lossedu.experiments.table1", f"{task}-{arm}-{seed}", options))
    return result


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train and judge; the entry of a loss of the sweep says who steers: the gradient's shares over the steps."""
    return trial.perform(job, place, watch=shares(ALPHAS[job.options["arm"]]) if job.options["arm"] in ALPHAS else None)


def shares(alpha: float) -> Callable[[Network, Batches], Callable[[int], Any]]:
    """Return a `watch` that measures the share of MS-SSIM in the gradient of Mix, in parameters and in pixels."""
    terms = {}
    if alpha > 0:
        terms["ms_ssim"] = (alpha, LOSSES["ms_ssim"])
    if alpha < 1:
        terms["l1"] = (1 - alpha, LOSSES["mix_0"])
    loss = WeightedLoss(terms)

    def watch(network: Network, batch_at: Batches) -> Callable[[int], Any]:
        damaged, clean = batch_at(WATCHED)

        def at(step: int) -> dict[str, float]:
            output = network(damaged)
            parameters = list(network.parameters())
            return {
                "parameters": _share(gradient_share(loss, output, clean, parameters=parameters)),
                "pixels": _share(gradient_share(loss, output.detach(), clean, norm=1)),
            }

        return at

    return watch


def _share(found: Mapping[str, Any]) -> float:
    return round(float(found.get("ms_ssim", 0.0)), 5)


describe = trial.describe


def kept(outcomes: Sequence[Outcome]) -> dict[str, np.ndarray]:
    """Return the networks that chapters show, of every task."""
    return keepsakes.weights(outcomes, SHOWN)
