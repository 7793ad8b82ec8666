"""What every trained experiment shares: one network, one loss, one seed, trained and judged."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .. import data
from ..sweeps import Job, Place
from ..training import Diverged, History, read_checkpoint, train
from . import arms
from .narration import narrator
from .scoring import COLUMNS, Judge
from .speed import speed
from .tasks import Batches, Network, chosen, photographs, restore, task, test_pairs

#: A network whose loss, in the last block of steps, is this many times that of the first has run away.
RUNAWAY = 1.5

#: And so has one whose mean PSNR is below this (dB): even uniform grey reaches it.  A bounded loss may have been at its
#: end within the first block.
LOST = 10.0

#: Blocks into which the course of the training loss is gathered for the record.
BLOCKS = 50

Watch = Callable[[Network, Batches], Callable[[int], Any]]


def new_network(options: Mapping[str, Any], device: str = "cpu") -> Network:
    """Return the network of a trial, whose first weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(data.derive_seed(options["seed"], "weights") % 2**32)
        network: Network = task(options["task"]).network(options["width"], residual=options["residual"])
    network.to(torch.device(device))
    if device.startswith("cuda"):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def batches(options: Mapping[str, Any], device: str = "cpu") -> Batches:
    """Return ``batch_at`` of a trial: the same crops and the same damage for every loss."""
    photos = photographs(options["photographs"])
    return task(options["task"]).train(photos, options["out"], options["batch"], options["seed"], device)


def fit(
    network: Network,
    options: Mapping[str, Any],
    place: Place,
    *,
    loss: arms.Loss | None = None,
    watch: Watch | None = None,
    name: str = "network",
    offset: int = 0,
    **keywords: Any,
) -> History:
    """Train the network of a trial with the loss of its arm, in the job's folder.

    The first step sees the batch of number `offset`; `keywords` go to `training.train`.
    """
    arm = arms.loss(options.get("loss", options["arm"])) if loss is None else loss
    batch_of = batches(options, place.device)
    steps = options["steps"]

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        return batch_of(step + offset)

    common: dict[str, Any] = {"precision": options["precision"], "deadline": place.deadline}
    common["every"] = max(1, min(500, steps // 4))
    if options["warmup"] and name == "network":
        file, first = place.folder / "warmup.pt", functools.partial(train, network, arms.loss("l2"))
        first(lambda step: batch_of(step + steps), steps=options["warmup"], lr=1e-3, checkpoint=file, **common)
    settings: dict[str, Any] = {"steps": steps, "lr": options["lr"], **common, **keywords}
    if "schedule" in options:
        settings.setdefault("schedule", options["schedule"])
    if watch is not None:
        settings.setdefault("watch_every", max(1, steps // 20))
        settings["watch"] = watch(network, batch_at)
    return train(
        network, arm, batch_at, checkpoint=place.folder / f"{name}.pt", on_step=narrator(place, steps), **settings
    )


@functools.lru_cache(maxsize=8)
def judge(name: str, where: str, limit: int, deep_every: int) -> Judge:
    """Return the judge of a set of clean pictures, which remembers their masks from job to job."""
    pictures = photographs(name)[where]
    cleans = [pictures.picture(index) for index in chosen(len(pictures), limit)]
    return Judge(cleans, deep_every=deep_every)


def pairs(options: Mapping[str, Any], where: str, limit: int) -> list[tuple[str, Tensor, Tensor]]:
    """Return name, damaged and clean picture of a set of a trial."""
    return list(test_pairs(options["task"], photographs(options["photographs"]), where, limit))


def judged(network: nn.Module | None, options: Mapping[str, Any], device: str = "cpu") -> dict[str, np.ndarray]:
    """Return the scores of the outputs on the test and the training pictures; without a network, those of the input.

    They are judged as they are shown: a task in linear light is encoded first.
    """
    result = {}
    for where, limit, kind in (("test", options["pictures"], "all"), ("train", options["train_pictures"], "cheap")):
        damaged = [pair[1] for pair in pairs(options, where, limit)]
        restored = damaged if network is None else [_restored(network, picture, device) for picture in damaged]
        outputs = [task(options["task"]).show(picture) for picture in restored]
        known = judge(options["photographs"], where, limit, options["deep_every"] if where == "test" else 0)
        result[where] = known.score(outputs, kind=kind)
    return result


def _restored(network: Any, picture: Tensor, device: str) -> Tensor:
    return restore(network, picture.to(device)).cpu()


def course(history: list[float], blocks: int = BLOCKS) -> dict[str, Any]:
    """Return the mean loss of each block of steps, and whether it ended far above where it began.

    SSIM is bounded: a network that has run away shows a loss near 1, not an infinite one.
    """
    ends = sorted({len(history) * k // blocks for k in range(blocks + 1)})
    means = [float(np.mean(history[a:b])) for a, b in itertools.pairwise(ends)]
    return {
        "history": [float(f"{mean:.4g}") for mean in means],
        "ran_away": not means or means[-1] > RUNAWAY * means[0],
    }


def identity(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry says of which trial it is; a label in the options says it in the experiment's words."""
    return {key: options[key] for key in ("task", "arm", "seed", "lr")} | options.get("label", {})


def _steps_so_far(place: Place) -> int:
    """Return how many steps earlier sittings have made."""
    file = place.folder / "network.pt"
    return len(read_checkpoint(file)["history"]) if file.exists() else 0


def perform(
    job: Job, place: Place, *, watch: Watch | None = None, watches: int = 20
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train and judge the network of a job, watched so many times; a loss that stops being finite is a result."""
    options = job.options
    entry = identity(options)
    if options["arm"] == "input":
        return entry, judged(None, options)
    network = new_network(options, place.device)
    started, before = time.perf_counter(), _steps_so_far(place)
    try:
        history = fit(network, options, place, watch=watch, watch_every=max(1, options["steps"] // watches))
    except Diverged as error:
        return {**entry, "diverged_at": error.step, "ran_away": True}, {}
    seconds, steps = time.perf_counter() - started, len(history) - before
    if steps:
        patches = steps * options["batch"]
        entry["patches_per_second"] = round(patches / seconds, 1)
        place.say(f"{job.name}: {speed(network, options['out'], patches, seconds, place.device)}")
    entry |= course(list(history))
    if history.watched:
        entry["watched"] = history.watched
    scores = judged(network, options, place.device)
    entry["ran_away"] |= lost(scores)
    return entry, scores


def lost(scores: Mapping[str, np.ndarray]) -> bool:
    """Return whether what was judged has hardly anything to do with the test pictures."""
    return not np.mean(scores["test"][:, COLUMNS.index("psnr")]) >= LOST  # nor has what is no number


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the record of a trained experiment says of its columns and its pictures."""
    photos = photographs(options["photographs"])
    limits = {"test": options["pictures"], "train": options["train_pictures"]}
    sets = {
        where: [photos[where].names[index] for index in chosen(len(photos[where]), limit)]
        for where, limit in limits.items()
    }
    return {"columns": list(COLUMNS), "sets": sets}


def network_of(folder: Path, options: Mapping[str, Any], name: str = "network") -> Network:
    """Return the trained network of a finished job."""
    network = new_network(options)
    network.load_state_dict(read_checkpoint(folder / f"{name}.pt")["network"])
    return network.eval()
