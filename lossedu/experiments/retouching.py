"""HDRNet learns to retouch: squared error alone, with features, with histograms in several versions, and SSIM.

Each network starts as the identity and sees the same crops for every loss of a seed.  What is compared depends on what
the input tells of the target, which is the task: see `retouch_pairs`.  The arm ``input`` is the untouched picture, and
its curves are those of the retoucher himself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import _validate, data
from ..nets import HDRNet
from ..records import Record
from ..sweeps import Job, Outcome, Place
from ..training import Diverged, train
from . import retouch_losses, retouch_pairs, retouch_scores, retouch_views, trial
from .retouch_losses import ARMS
from .tasks import chosen

NAME = "retouching"

#: Arms of each task: the search for bins and weights is done on one task alone, panoramas are few.
COMPARED: Mapping[str, tuple[str, ...]] = {
    "certain": ("l2", "printed", "unit_mirror", "ssim"),
    "moody": ARMS,
    "hdr": ("l2", "printed", "unit_mirror"),
    "own": ("l2", "vgg", "printed", "unit_mirror", "ssim"),
}

TASKS = tuple(COMPARED)

#: Tasks that are run where none are asked for: your own pairs are nobody else's, and panoramas not on every machine.
USUAL = ("certain", "moody", "hdr")
ALONE = dict.fromkeys(("smoke", "quick"), ("certain", "moody"))

#: Arms, task and photograph of which the pictures of seed 0 are kept, for the chapter.
KEPT, KEPT_TASK, KEPT_PHOTOGRAPH = ("l2", "printed", "unit_mirror", "ssim"), "certain", "rocket"

#: Step size of every arm, and of those that took another: from the record of `retouch_rates`.
RATE = 3e-3
RATES: Mapping[str, float] = dict.fromkeys(("printed", "printed_k50", "printed_k100", "printed_01", "printed_10"), 1e-3)


@dataclass(frozen=True)
class Scale:
    """Photographs, steps, crops and their side, pictures judged and in how many curves are measured, seeds.

    `every`: histogram terms see every so many-th row and column.
    """

    photographs: str
    steps: int
    batch: int
    side: int
    pictures: int = 0
    train_pictures: int = 32
    contexts: int = 16
    every: int = 2
    seeds: int = 3
    precision: str = "float32"


SCALES: Mapping[str, Scale] = {
    "smoke": Scale("embedded", 2, 2, 64, pictures=1, train_pictures=1, contexts=1, seeds=1),
    "quick": Scale("embedded", 150, 4, 96, train_pictures=3, contexts=1),
    "cpu": Scale("bsds500", 600, 4, 128),
    "full": Scale("bsds500", 50_000, 16, 160, train_pictures=0, contexts=0, every=1, seeds=5),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each task, loss and seed, and one that judges the untouched pictures of each task."""
    _validate.option("scale", scale, SCALES)
    sizes = asdict(SCALES[scale])
    most = sizes.pop("seeds")
    if "own" in tasks and len(set(tasks)) > 1:
        raise ValueError(f"tasks must be 'own' alone or others without it, got {', '.join(tasks)}")
    found = []
    for seed in range(seeds or most):
        for task in tasks or ALONE.get(scale, USUAL):
            compared = [arm for arm in COMPARED[task] if not arms or arm in arms]
            for arm in ("input", *compared) if seed == 0 or task == "hdr" else compared:
                lr = RATES.get(arm, RATE)
                options = {"task": task, "arm": arm, "seed": seed, "lr": lr, **sizes}
                found.append(Job(f"lossedu.experiments.{NAME}", f"{task}-{arm}-{seed}", options))
    return found


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train the network of a job, and judge it on the test and on training pictures."""
    options = job.options
    entry = {key: options[key] for key in ("task", "arm", "seed", "lr")}
    if options["arm"] == "input":
        return entry, measured(None, options, place)
    network = new_network(options["seed"], place.device)
    try:
        history = fit(network, options, place)
    except Diverged as error:
        return {**entry, "diverged_at": error.step, "ran_away": True}, {}
    torch.save(network.state_dict(), place.folder / "last.pt")
    return entry | trial.course(list(history)), measured(network, options, place)


def new_network(seed: int, device: str = "cpu") -> HDRNet:
    """Return a network whose first weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(data.derive_seed(seed, "weights") % 2**32)
        return HDRNet().to(torch.device(device))


def fit(network: HDRNet, options: Mapping[str, Any], place: Place) -> list[float]:
    """Train a network with the loss of its arm."""
    steps = options["steps"]
    batch_at = retouch_pairs.batches(
        options["task"], options["photographs"], options["side"], options["batch"], options["seed"], place.device
    )
    loss = retouch_losses.loss(options["arm"], batch_at, place.device, options["precision"], options["every"])
    return train(
        network,
        loss,
        batch_at,
        steps=steps,
        lr=options["lr"],
        checkpoint=place.folder / "network.pt",
        every=max(1, min(500, steps // 3)),
        deadline=place.deadline,
        compiled=place.compiled,
        schedule="warm",
    )


def measured(network: HDRNet | None, options: Mapping[str, Any], place: Place) -> dict[str, np.ndarray]:
    """Return the tables of a network, of the untouched pictures without one."""
    found = {}
    for where, limit in (("test", options["pictures"]), ("train", options["train_pictures"])):
        pairs = retouch_pairs.pairs(options["task"], options["photographs"], where, limit, options["seed"])
        found[set_name(options["task"], where)] = retouch_scores.judged(
            [_output(network, pair.x, place.device) for pair in pairs], pairs
        )
        if where == "test":
            few = pairs[: options["contexts"] or len(pairs)]
            ways = [pair.again if network is None else lambda x: _output(network, x, place.device) for pair in few]
            if known := [way for way in ways if way is not None]:
                found["curve"] = retouch_scores.curves(known, few)
    return found


def set_name(task: str, where: str) -> str:
    """Return what the pictures of a task are called: those of "certain" and "moody" are the photographs of a split."""
    return where + {"hdr": "_views", "own": "_own"}.get(task, "")


@torch.no_grad()
def _output(network: HDRNet | None, x: Tensor, device: str) -> Tensor:
    return x if network is None else network(x.to(device)).cpu()


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the columns are, and which pictures the networks were judged on; views differ from seed to seed.

    Pairs of one's own are run by themselves: their photographs are nobody else's.
    """
    sets = {}
    own = options["task"] == "own"
    for where, limit in (("test", options["pictures"]), ("train", options["train_pictures"])):
        if not own:
            pairs = retouch_pairs.pairs("certain", options["photographs"], where, limit, 0)
            sets[where] = [pair.name for pair in pairs]
        views = chosen(retouch_views.VIEWS[where], limit)
        sets[f"{where}_views"] = [f"view {number}" for number in range(len(views))]
        if own:
            sets[f"{where}_own"] = [pair.name for pair in retouch_pairs.pairs("own", "", where, limit, 0)]
    # HDRNet computed in float32, whatever the precision.
    return {"columns": list(retouch_scores.COLUMNS), "sets": sets, "shortened": "VGG features"}


def kept(outcomes: Sequence[Outcome]) -> dict[str, np.ndarray]:
    """Return what networks of seed 0 make of photographs that may be shown: "task/photograph/arm", (H, W, 3) bytes."""
    found: dict[str, np.ndarray] = {}
    for outcome in outcomes:
        options, entry = outcome.job.options, outcome.entry
        wanted = options["seed"] == 0 and options["arm"] in KEPT and options["task"] == KEPT_TASK
        if wanted and entry is not None and not entry["ran_away"]:
            network = new_network(0)
            file = outcome.run / "jobs" / outcome.job.name / "last.pt"
            network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
            network.eval()
            output = _output(network, retouch_pairs.shown(KEPT_PHOTOGRAPH).x, "cpu").clamp(0, 1)
            levels = (output[0].permute(1, 2, 0) * 255).round().byte().numpy()
            found[f"{KEPT_TASK}/{KEPT_PHOTOGRAPH}/{options['arm']}"] = levels
    return found


def picture(record: Record, task: str, name: str, arm: str) -> Tensor:
    """Return a picture that a record keeps, (1, 3, H, W) in [0, 1]; ValueError names those it has."""
    key = f"{task}/{name}/{arm}"
    _validate.option("task/name/arm", key, list(record.weights))
    return torch.from_numpy(record.weights[key]).permute(2, 0, 1)[None].float() / 255
