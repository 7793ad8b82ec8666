"""Does the blur before the colour discriminator remove texture?  Judges of two kinds of photographs behind it.

A task is a difference, an arm is a judge, see `blur_pictures` and `blur_judges`; each judge is trained for one
difference behind one blur, and asked about photographs that it has not seen.  The task ``nothing`` has two classes that
are alike: whatever a judge makes of it beyond chance is a fault of the experiment.  There each class has its own crops,
since of the same crop twice nothing could be learnt, not even by heart.

Two numbers tell different things.  ``accuracy`` is that of a crop by itself, which has to be told from all other
photographs there may be; ``ordered`` compares the same place in both kinds, and says whether the logit points the right
way, which is what a generator is driven by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .. import _validate
from ..sweeps import Job, Place
from ..training import Diverged, train
from . import blur_judges, blur_pictures, trial
from .blur_judges import COLUMNS, CRITICS, SPECTRA
from .blur_pictures import BLURS
from .tasks import chosen, photographs

NAME = "blur_critics"

TASKS = tuple(blur_pictures.TASKS)

#: Arm -> critic, steps in units of the scale's, and whether the classes of a batch show the same places.
TRAINED: Mapping[str, tuple[str, int, bool]] = {
    **{name: (name, 1, True) for name in CRITICS},
    **{f"{name}_long": (name, 3, True) for name in CRITICS},
    **{f"{name}_unpaired": (name, 1, False) for name in CRITICS},
}

ARMS = (*TRAINED, *SPECTRA)

#: Blurs of the papers.
PRESETS = ("none", "wespe", "std3", "dped")

#: Difference -> behind which blurs it is judged; classes that are alike need one.
BEHIND: Mapping[str, tuple[str, ...]] = {
    "texture": BLURS,
    "cast": ("none", "wespe", "std3", "dped", "g13"),
    "tint": ("none", "wespe", "dped"),
    "grain": ("none", "wespe", "dped"),
    "texture_slight": ("none", "wespe"),
    "nothing": ("dped",),
}

#: Tasks that spectra are weighed for, and tasks that one critic is enough for.
CURVES, ONE = ("texture", "cast"), ("grain", "texture_slight")

#: Arms that are no more than a check: their tasks and blurs.
CHECKS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "long": (("texture",), ("wespe", "dped")),
    "unpaired": (("texture",), ("none", "wespe")),
}

#: Tasks of the small scales where none are asked for.
ALONE: Mapping[str, tuple[str, ...]] = {"smoke": ("texture", "nothing"), "quick": CURVES}

#: Tasks whose critics have all seeds behind the blurs of the papers; `FEWER` are enough for the rest.
MANY, FEWER = ("texture",), 3

#: Step sizes of the critics: of 3e-4, 1e-3 and 3e-3 that with the least cross-entropy on validation photographs
#: (texture, without a blur and behind "dped", seed 100; with instance normalisation 1e-4 is worse than 3e-4, and at
#: 1e-3 it stays at chance).
RATES: Mapping[str, float] = {"critic": 3e-4, "critic_plain": 1e-3}


@dataclass(frozen=True)
class Scale:
    """Photographs, steps, crops in a batch, width of the critics, pictures judged, batches of the spectra, seeds."""

    photographs: str
    steps: int
    batch: int = 32
    width: float = 0.25
    pictures: int = 0
    train_pictures: int = 24
    spectra: int = 60
    seeds: int = 5


SCALES: Mapping[str, Scale] = {
    "smoke": Scale("embedded", 2, 4, 0.1, pictures=1, train_pictures=1, spectra=4, seeds=1),
    "quick": Scale("embedded", 150, train_pictures=3, spectra=20, seeds=1),
    "cpu": Scale("bsds500", 600),
    "full": Scale("bsds500", 20_000, 64, 1.0, spectra=200, seeds=10),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each difference, blur, judge and seed; those that share their pictures follow each other."""
    _validate.option("scale", scale, SCALES)
    sizes = asdict(SCALES[scale])
    most = sizes.pop("seeds")
    found = []
    for task in tasks or ALONE.get(scale, TASKS):
        for blur in BEHIND[task]:
            for arm in arms or ARMS:
                for seed in range(seeds or seeds_of(arm, task, blur, most)):
                    if asked(arm, task, blur):
                        options = {"task": task, "arm": arm, "blur": blur, "seed": seed, "lr": rate(arm), **sizes}
                        found.append(Job(f"lossedu.experiments.{NAME}", f"{task}-{blur}-{arm}-{seed}", options))
    return found


def rate(arm: str) -> float:
    """Return the step size of a judge; spectra are weighed without one."""
    return RATES[TRAINED[arm][0]] if arm in TRAINED else 0.0


def asked(arm: str, task: str, blur: str) -> bool:
    """Return whether a judge is asked about a difference behind a blur; checks are few."""
    if arm in SPECTRA:
        return task in CURVES
    if task in ONE and arm == "critic":
        return False
    where = CHECKS.get(arm.rpartition("_")[2])
    return where is None or (task in where[0] and blur in where[1])


def seeds_of(arm: str, task: str, blur: str, most: int) -> int:
    """Return how many seeds a judge has where nobody says."""
    return most if arm in CRITICS and task in MANY and blur in PRESETS else min(most, FEWER)


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train the judge of a job, and ask it about test and training photographs: one row a picture."""
    options = job.options
    entry = {key: options[key] for key in ("task", "arm", "blur", "seed", "lr")}
    entry["sd"] = float(f"{blur_pictures.deviation(options['blur']):.5g}")
    where = options["task"], options["blur"], options["photographs"]
    name, times, paired = TRAINED.get(options["arm"], ("", 0, True))
    paired &= options["task"] != "nothing"
    batch_at = blur_pictures.batches(*where, options["batch"], options["seed"], place.device, paired=paired)
    if options["arm"] in SPECTRA:
        judge = blur_judges.spectral(options["arm"], batch_at, options["spectra"])
        entry["ran_away"] = False
    else:
        network = blur_judges.critic(name, options["seed"], options["width"], place.device)
        steps = times * options["steps"]
        try:
            history = train(
                network,
                blur_judges.cross_entropy,
                batch_at,
                steps=steps,
                lr=options["lr"],
                checkpoint=place.folder / "network.pt",
                every=max(1, min(500, steps // 2)),
                deadline=place.deadline,
            )
        except Diverged as error:
            return {**entry, "diverged_at": error.step, "ran_away": True}, {}
        # A critic that ends at chance has not run away: that is what is asked.
        entry |= trial.course(list(history), blocks=20) | {"ran_away": False}
        judge = blur_judges.by_network(network, place.device)
    found = {
        split: blur_judges.judged(judge, blur_pictures.shown(*where, split, options[limit]))
        for split, limit in (("test", "pictures"), ("train", "train_pictures"))
    }
    return entry, found


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the columns are, which pictures were judged, and the standard deviations of the blurs."""
    photos = photographs(options["photographs"])
    limits = {"test": options["pictures"], "train": options["train_pictures"]}
    sets = {where: [photos[where].names[k] for k in chosen(len(photos[where]), n)] for where, n in limits.items()}
    deviations = {blur: float(f"{blur_pictures.deviation(blur):.5g}") for blur in BLURS}
    return {
        "columns": list(COLUMNS),
        "sets": sets,
        "deviations": deviations,
        "places": int(np.prod(blur_pictures.ROWS)),
    }
