"""Super-resolution from a bilinear or from a bicubic start?  Section 4.2 of Zhao et al. (2017).

Both starts are made of the same small pictures, which were shrunk by bicubic interpolation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..sweeps import Job
from . import trial
from .scales import USUAL, Scale, named
from .tuning import rate

NAME = "sr_start"

TASKS = ("sr2", "sr3")
ARMS = ("bilinear", "bicubic")

SCALES: Mapping[str, Scale] = USUAL


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each factor, seed and start, trained with l1, and one that judges each start itself."""
    size = named(scale, SCALES)
    result = []
    for task in tasks or TASKS:
        for start in arms or ARMS:
            name = task if start == "bilinear" else f"{task}_{start}"
            for seed in range(seeds or size.seeds):
                options = {"task": name, "arm": "l1", "seed": seed, "lr": rate(size, task, "l1")}
                options |= {"label": {"task": task, "arm": start}, **size.options()}
                result.append(Job("lossedu.experiments.sr_start", f"{task}-{start}-{seed}", options))
            options = {"task": name, "arm": "input", "seed": 0, "lr": 0.0, **size.options()}
            options["label"] = {"task": task, "arm": f"{start}_input"}
            result.append(Job("lossedu.experiments.sr_start", f"{task}-{start}-input", options))
    return result


perform = trial.perform
describe = trial.describe
