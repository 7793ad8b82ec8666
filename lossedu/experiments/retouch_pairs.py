"""Pairs of an untouched and a retouched picture: with a look that the picture tells, with moods, and out of panoramas.

- ``certain``: the target is a function of the input, `data.looks.retouch`.  The best output is the target.
- ``moody``: the same retoucher with a mood that the input does not tell, another one each time: what is best depends on
  the loss.
- ``hdr``: views of HDR panoramas in BT.2020 and PQ, and their rendering for an ordinary display.
- ``own``: a folder of your own, see `retouch_folders`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate, data
from ..data import looks
from .tasks import chosen, noise_generator, photographs

Batches = Callable[[int], tuple[Tensor, Tensor]]

TASKS = ("certain", "moody", "hdr", "own")

#: Exposure and warmth of untouched pictures: the middle of the exposure, and how far both reach.
DIM, EXPOSURE, CAST = -0.2, 0.5, 0.1

#: Photographs that may be shown, halved twice; the networks of the scales "cpu" and "full" have not seen them.
SHOWN = ("rocket", "coffee")


class Pair(NamedTuple):
    """Name, input and target of a picture, and what makes a target of any other input alike, where that is known."""

    name: str
    x: Tensor
    y: Tensor
    again: Callable[[Tensor], Tensor] | None


def batches(task: str, name: str, side: int, batch: int, seed: int, device: str = "cpu") -> Batches:
    """Return ``batch_at`` of a task: crops, their untouched state and the target, the same for every loss of a seed."""
    _validate.option("task", task, TASKS)
    if task == "hdr":
        from .retouch_views import view_batches

        return view_batches(side, batch, seed, device)
    if task == "own":
        from .retouch_folders import folder_batches

        return folder_batches(side, batch, seed, device)
    sampler = data.PackSampler(
        photographs(name)["train"].to(device), size=side, batch=batch, seed=data.derive_seed(seed, "crops")
    )

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        x, mood = _untouched(sampler.batch_at(step), "train", seed, step)
        return x, _levels(looks.retouch(x, mood if task == "moody" else looks.NO_MOOD))

    return batch_at


def pairs(task: str, name: str, where: str, limit: int, seed: int) -> list[Pair]:
    """Return pairs of whole pictures of a split; those of photographs do not depend on the seed."""
    _validate.option("task", task, TASKS)
    if task == "hdr":
        from .retouch_views import view_pairs

        return view_pairs(where, limit, seed)
    if task == "own":
        from .retouch_folders import folder_pairs

        return folder_pairs(where, limit)
    return _photographed(task, name, where, limit)


@functools.lru_cache(maxsize=8)
def _photographed(task: str, name: str, where: str, limit: int) -> list[Pair]:
    photos, found = photographs(name)[where], []
    for index in chosen(len(photos), limit):
        x, mood = _untouched(photos.picture(index), where, index)
        own = mood if task == "moody" else looks.NO_MOOD
        found.append(Pair(photos.names[index], x, _levels(looks.retouch(x, own)), functools.partial(_again, mood=own)))
    return found


def shown(name: str) -> Pair:
    """Return a photograph that comes with the package as a pair, without any mood."""
    clean = data.downsample2(data.downsample2(data.photograph(name)[..., :424, :600]))
    x, _ = _untouched(clean, "shown", name)
    return Pair(name, x, _levels(looks.retouch(x)), functools.partial(_again, mood=looks.NO_MOOD))


def _again(x: Tensor, mood: looks.Mood) -> Tensor:
    return _levels(looks.retouch(x, mood))


def _untouched(clean: Tensor, *parts: int | str) -> tuple[Tensor, looks.Mood]:
    """Return pictures as nobody touched them, and the moods in which they will be."""
    generator = noise_generator("cpu", "retouching", *parts)
    exposure, warmth = 2 * torch.rand(2, len(clean), generator=generator) - 1
    mood = looks.moods(len(clean), generator=generator)
    x = looks.flat(clean, exposure=DIM + EXPOSURE * exposure, warmth=CAST * warmth)
    return _levels(x), mood


def _levels(x: Tensor) -> Tensor:
    """Return pictures in 256 levels, as files have them."""
    return (x * 255).round() / 255
