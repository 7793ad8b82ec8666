"""Do shorter numbers in the networks change what is found?  The same trainings in float32 and in bfloat16.

bfloat16 has eight significant bits.  Weights, their updates and the loss stay in float32, and so does the judging.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..sweeps import Job
from . import trial
from .scales import USUAL, Scale, named
from .tuning import rate

NAME = "precision"

TASKS = ("dd",)
ARMS = ("l2", "l1", "ssim_5", "mix")

PRECISIONS = ("float32", "bfloat16")

#: Options that are not for the caller to change.
OWN = ("precision",)

#: A fifth of the usual steps, as in tuning, where these are many.
SCALES: Mapping[str, Scale] = {
    name: scale if name in ("smoke", "quick") else replace(scale, steps=scale.steps // 5)
    for name, scale in USUAL.items()
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each seed, loss and precision."""
    size = named(scale, SCALES)
    result = []
    for seed in range(seeds or size.seeds):
        for arm in arms or ARMS:
            for precision in PRECISIONS:
                options = {"task": "dd", "arm": arm, "seed": seed, "lr": rate(size, "dd", arm), **size.options()}
                options |= {"precision": precision, "label": {"precision": precision}}
                result.append(Job("lossedu.experiments.precision", f"{arm}-{precision}-{seed}", options))
    return result


perform = trial.perform
describe = trial.describe
