"""Does it help if patches are not aligned with the blocks of JPEG?  Section 4.3 of Zhao et al. (2017).

Patches begin at multiples of 16 pixels, where every patch meets the 8 x 8 blocks in the same way, or of 17, where they
meet them in all ways; there are about as many patches of the one kind as of the other (104 and 84 a picture).  Their
losses see the full patch (l1), or what lies around its centre (SSIM_1.5 at the centre pixel).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..sweeps import Job
from . import trial
from .scales import USUAL, Scale, named
from .tuning import rate

NAME = "jpeg_alignment"

TASKS = ("jpeg",)

SCALES: Mapping[str, Scale] = USUAL

#: Arm -> loss, loss whose step size is taken, task with its stride.
ARMS: Mapping[str, tuple[str, str, str]] = {
    "full_17": ("l1", "l1", "jpeg_17"),
    "full_16": ("l1", "l1", "jpeg_16"),
    "centre_17": ("ssim_1.5_centre", "ssim_1.5", "jpeg_17"),
    "centre_16": ("ssim_1.5_centre", "ssim_1.5", "jpeg_16"),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each seed, loss and stride."""
    size = named(scale, SCALES)
    result = []
    for seed in range(seeds or size.seeds):
        for name in arms or ARMS:
            loss, lender, task = ARMS[name]
            options = {"task": task, "arm": name, "loss": loss, "seed": seed, "lr": rate(size, "jpeg", lender)}
            options |= {"label": {"task": "jpeg"}, **size.options()}
            result.append(Job("lossedu.experiments.jpeg_alignment", f"{name}-{seed}", options))
    return result


perform = trial.perform
describe = trial.describe
