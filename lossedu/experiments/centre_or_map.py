"""One value of SSIM a patch, at its centre, or one a pixel?  Section 3.2 of Zhao et al. (2017).

The paper computes the loss at the centre of each patch, because its derivative there reaches the whole patch.  The same
network is trained with SSIM_5 at the centre and over the map, after equally many patches; and with the centre for a
fifth more steps, which is at least as much time: the loss at the centre is the cheaper one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..sweeps import Job
from . import trial
from .scales import USUAL, Scale, named
from .tuning import rate

NAME = "centre_or_map"

TASKS = ("dd",)

SCALES: Mapping[str, Scale] = USUAL

#: Loss, budget -> steps in units of the scale's.
ARMS: Mapping[str, tuple[str, str, float]] = {
    "map": ("ssim_5", "patches", 1.0),
    "centre": ("ssim_5_centre", "patches", 1.0),
    "centre_longer": ("ssim_5_centre", "time", 1.2),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each seed and way of computing the loss, each with the step size tuned for it."""
    size = named(scale, SCALES)
    result = []
    for seed in range(seeds or size.seeds):
        for name in arms or ARMS:
            loss, budget, factor = ARMS[name]
            label = {"arm": "ssim_5_map" if name == "map" else loss, "budget": budget}
            options = {"task": "dd", "arm": "ssim_5", "loss": loss, "seed": seed, "lr": rate(size, "dd", loss)}
            options |= {"label": label, **size.options(), "steps": round(factor * size.steps)}
            result.append(Job("lossedu.experiments.centre_or_map", f"{name}-{seed}", options))
    return result


perform = trial.perform
describe = trial.describe
