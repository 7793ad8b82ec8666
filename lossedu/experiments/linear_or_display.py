"""Which verdicts change when noise, network and loss live in linear light, as on a sensor, and not in display values?

The paper does not say in which space its noise was added.  The pictures are decoded to linear light, damaged and
repaired there, and judged after they are encoded again; the other half are the same losses in display values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..sweeps import Job
from . import trial
from .scales import USUAL, Scale, named
from .tuning import rate

NAME = "linear_or_display"

TASKS = ("dd", "dd_linear")
ARMS = ("l2", "l1", "ssim_5", "ms_ssim", "mix")

SCALES: Mapping[str, Scale] = USUAL


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each space, seed and loss, and one that judges the input of each space."""
    size = named(scale, SCALES)
    result = []
    for task in tasks or TASKS:
        trials = [(arm, seed) for seed in range(seeds or size.seeds) for arm in arms or ARMS]
        for arm, seed in [("input", 0), *trials]:
            options = {"task": task, "arm": arm, "seed": seed, "lr": rate(size, task, arm), **size.options()}
            result.append(Job("lossedu.experiments.linear_or_display", f"{task}-{arm}-{seed}", options))
    return result


perform = trial.perform
describe = trial.describe
