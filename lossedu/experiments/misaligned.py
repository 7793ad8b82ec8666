"""Does a blurred loss stand pairs that do not register?  A phone's pictures, and targets moved in training only.

The network sees a picture as a phone takes it, and learns to give the photograph: colours, noise and blur are to be
mended.  Targets are moved by a vector that is drawn anew for every crop, uniform from {-s ... s} along each axis; s is
in the task's name.  Nothing in the input tells the vector.  Test pictures lie where they should.  All networks of a
seed start from the same weights and see the same crops.  See `misaligned_pairs` and `misaligned_losses`; the arm
``input`` is the phone's picture itself.

Feature losses are tried at three shifts alone, without a pixel loss beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import _validate, data
from ..nets import RestorationCNN
from ..records import Record
from ..sweeps import Job, Outcome, Place
from ..training import Diverged, train
from . import misaligned_losses, misaligned_pairs, misaligned_scores, trial
from .misaligned_losses import ARMS, BORDERS, FEATURES
from .tasks import restore

NAME = "misaligned"

TASKS = tuple(misaligned_pairs.SHIFTS)

#: Tasks of the losses on features.
FEW = ("shift0", "shift2", "shift5")

#: Step size of every arm, and of those that took another: from the record of `misaligned_rates`.
RATE = 3e-3
RATES: Mapping[str, float] = dict.fromkeys(("perceptual", "contextual"), 1e-3)

#: Arms and tasks of which the picture of seed 0 is kept, for the chapter.
KEPT = ("l2", "blurred_wespe", "blurred_dped", "min_shift", "contextual")
KEPT_TASKS = ("shift0", "shift5")

#: Pictures whose prices are measured.
PRICED = 8


@dataclass(frozen=True)
class Scale:
    """Photographs, steps, crops and the side of the output, filters, pictures judged, seeds.

    `seen`: how many pictures of a batch the losses on features see, 0 for all.
    """

    photographs: str
    steps: int
    batch: int
    out: int
    width: int
    pictures: int = 0
    seen: int = 1
    seeds: int = 3
    precision: str = "float32"


SCALES: Mapping[str, Scale] = {
    "smoke": Scale("embedded", 2, 2, 24, 4, pictures=1, seeds=1),
    "quick": Scale("embedded", 150, 4, 48, 16),
    "cpu": Scale("bsds500", 600, 4, 48, 16),
    "full": Scale("bsds500", 30_000, 16, 80, 64, seen=0, seeds=5),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each task, loss and seed, and one that judges the phone's pictures."""
    _validate.option("scale", scale, SCALES)
    sizes = asdict(SCALES[scale])
    most = sizes.pop("seeds")
    found = []
    for seed in range(seeds or most):
        for task in tasks or TASKS:
            compared = [arm for arm in arms or ARMS if arm not in FEATURES or task in FEW]
            for arm in ("input", *compared) if seed == 0 else compared:
                options = {"task": task, "arm": arm, "seed": seed, "lr": RATES.get(arm, RATE), **sizes}
                found.append(Job(f"lossedu.experiments.{NAME}", f"{task}-{arm}-{seed}", options))
    return found


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train the network of a job, and judge it on the test pictures."""
    options = job.options
    entry = {key: options[key] for key in ("task", "arm", "seed", "lr")}
    if options["arm"] == "input":
        return entry, {"test": measured(None, options, place)}
    network = new_network(options["seed"], options["width"], place.device)
    try:
        history = fit(network, options, place)
    except Diverged as error:
        return {**entry, "diverged_at": error.step, "ran_away": True}, {}
    torch.save(network.state_dict(), place.folder / "last.pt")
    return entry | trial.course(list(history)), {"test": measured(network, options, place)}


def new_network(seed: int, width: int, device: str = "cpu") -> RestorationCNN:
    """Return a network whose first weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(data.derive_seed(seed, "weights") % 2**32)
        return RestorationCNN(width, residual=True).to(torch.device(device))


def fit(network: RestorationCNN, options: Mapping[str, Any], place: Place) -> list[float]:
    """Train a network with the loss of its arm."""
    steps = options["steps"]
    return train(
        network,
        misaligned_losses.loss(options["arm"], place.device, options["precision"], options["seen"]),
        batches(options, place.device),
        steps=steps,
        lr=options["lr"],
        checkpoint=place.folder / "network.pt",
        every=max(1, min(500, steps // 3)),
        precision=options["precision"],
        deadline=place.deadline,
        compiled=place.compiled,
        schedule="warm",
    )


def batches(options: Mapping[str, Any], device: str, where: str = "train") -> misaligned_pairs.Batches:
    """Return ``batch_at`` of a job."""
    return misaligned_pairs.batches(
        options["task"],
        options["photographs"],
        options["out"],
        options["batch"],
        options["seed"],
        device,
        border=BORDERS.get(options["arm"], 0),
        where=where,
    )


def measured(network: RestorationCNN | None, options: Mapping[str, Any], place: Place) -> np.ndarray:
    """Return the scores of a network on the test pictures, of the phone's pictures without one."""
    pairs = misaligned_pairs.pairs(options["photographs"], "test", options["pictures"])
    return misaligned_scores.judged([_output(network, pair.x, place.device) for pair in pairs], pairs)


def _output(network: RestorationCNN | None, x: Tensor, device: str) -> Tensor:
    return x if network is None else restore(network.eval(), x.to(device)).cpu()


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the columns are, and which pictures the networks were judged on."""
    pairs = misaligned_pairs.pairs(options["photographs"], "test", options["pictures"])
    return {"columns": list(misaligned_scores.COLUMNS), "sets": {"test": [pair.name for pair in pairs]}}


def finish(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return what each loss charges for a translation, over what it charges for a cast, on test photographs."""
    options = outcomes[0].job.options
    pictures = [pair.y for pair in misaligned_pairs.pairs(options["photographs"], "test", options["pictures"])]
    return {"prices": misaligned_losses.prices(pictures[:: -(-len(pictures) // PRICED)])}


def kept(outcomes: Sequence[Outcome]) -> dict[str, np.ndarray]:
    """Return what networks of seed 0 make of a photograph that may be shown: "task/photograph/arm", (H, W, 3) bytes."""
    found: dict[str, np.ndarray] = {}
    pair = misaligned_pairs.shown()
    for outcome in outcomes:
        options, entry = outcome.job.options, outcome.entry
        wanted = options["seed"] == 0 and options["arm"] in KEPT and options["task"] in KEPT_TASKS
        if wanted and entry is not None and not entry["ran_away"]:
            network = new_network(0, options["width"])
            file = outcome.run / "jobs" / outcome.job.name / "last.pt"
            network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
            levels = (_output(network, pair.x, "cpu").clamp(0, 1)[0].permute(1, 2, 0) * 255).round().byte()
            found[f"{options['task']}/{pair.name}/{options['arm']}"] = levels.numpy()
    return found


def picture(record: Record, task: str, arm: str) -> Tensor:
    """Return a picture that a record keeps, (1, 3, H, W) in [0, 1]; ValueError names those it has."""
    key = f"{task}/{misaligned_pairs.SHOWN}/{arm}"
    _validate.option("task/name/arm", key, list(record.weights))
    return torch.from_numpy(record.weights[key]).permute(2, 0, 1)[None].float() / 255
