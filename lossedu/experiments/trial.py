"""What every trained experiment shares: one network, one loss, one seed, trained and judged."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .. import data
from ..sweeps import Job, Place
from ..training import Diverged, History, read_checkpoint, train
from . import arms
from .narration import Narrator
from .scoring import COLUMNS, Judge
from .speed import speed
from .tasks import Batches, Network, chosen, photographs, restore, task, test_pairs

#: A network whose loss, in the last tenth of the steps, is this many times that of its best tenth has run away; where
#: there are fewer steps than `LONG`, that is not asked.
RUNAWAY = 1.5
LONG = 100

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

    common: dict[str, Any] = {"precision": options["precision"], "deadline": place.deadline, "compiled": place.compiled}
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
    narrate = Narrator(place, steps)
    history = train(network, arm, batch_at, checkpoint=place.folder / f"{name}.pt", on_step=narrate.on_step, **settings)
    if narrate.rate:
        place.say(speed(network, options["out"], narrate.rate * options["batch"], place.device))
    return history


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
    for name, (where, limit) in sets(options).items():
        damaged = [pair[1] for pair in pairs(options, where, limit)]
        restored = damaged if network is None else [_restored(network, picture, device) for picture in damaged]
        outputs = [task(options["task"]).show(picture) for picture in restored]
        known = judge(options["photographs"], where, limit, options["deep_every"] if name == "test" else 0)
        result[name] = known.score(outputs, kind="all" if name == "test" else "cheap")
    return result


def sets(options: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Return the sets that a trial is judged on: name -> split of the photographs, and how many of them.

    "original" are the test pictures as they came, with what JPEG left in them.
    """
    found = {"test": ("test", options["pictures"]), "train": ("train", options["train_pictures"])}
    if "test/original" in photographs(options["photographs"]):
        found["original"] = ("test/original", options["pictures"])
    return found


def _restored(network: Any, picture: Tensor, device: str) -> Tensor:
    return restore(network, picture.to(device)).cpu()


def course(history: list[float], blocks: int = BLOCKS) -> dict[str, Any]:
    """Return the mean loss of each block of steps, and whether the network ran away.

    SSIM is bounded: a network that has run away shows a loss near 1, not an infinite one.
    """
    tenths = _means(history, 10)
    # In shorter runs a tenth is a few batches, and tells more of them than of the network.
    away = not history or (len(history) >= LONG and not tenths[-1] <= RUNAWAY * min(tenths))
    return {"history": [float(f"{mean:.4g}") for mean in _means(history, blocks)], "ran_away": away}


def _means(history: Sequence[float], blocks: int) -> list[float]:
    ends = sorted({len(history) * k // blocks for k in range(blocks + 1)})
    return [float(np.mean(history[a:b])) for a, b in itertools.pairwise(ends)]


def identity(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry says of which trial it is; a label in the options says it in the experiment's words."""
    return {key: options[key] for key in ("task", "arm", "seed", "lr")} | options.get("label", {})


def perform(
    job: Job, place: Place, *, watch: Watch | None = None, watches: int = 20
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train and judge the network of a job, watched so many times; a loss that stops being finite is a result."""
    options = job.options
    entry = identity(options)
    if options["arm"] == "input":
        return entry, judged(None, options)
    network = new_network(options, place.device)
    try:
        history = fit(network, options, place, watch=watch, watch_every=max(1, options["steps"] // watches))
    except Diverged as error:
        return {**entry, "diverged_at": error.step, "ran_away": True}, {}
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
    names = {
        name: [photos[where].names[index] for index in chosen(len(photos[where]), limit)]
        for name, (where, limit) in sets(options).items()
    }
    return {"columns": list(COLUMNS), "sets": names}


def network_of(folder: Path, options: Mapping[str, Any], name: str = "network") -> Network:
    """Return the trained network of a finished job."""
    network = new_network(options)
    network.load_state_dict(read_checkpoint(folder / f"{name}.pt")["network"])
    return network.eval()
