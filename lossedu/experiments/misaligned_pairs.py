"""Pairs of a picture as a phone takes it and of the photograph it should be, which in training do not register.

The input is made from the photograph: flat, dark and warm, softer, and noisy.  The target is the photograph itself.  In
training it is moved by whole pixels, by another random vector for every crop; test pictures lie where they should.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate, data
from ..data import looks
from ..filters import gaussian_blur
from ..nets import RestorationCNN
from .tasks import chosen, noise_generator, photographs

Batches = Callable[[int], tuple[Tensor, Tensor]]

#: Task -> the farthest translation of a target along each axis, in pixels.
SHIFTS: Mapping[str, int] = {f"shift{shift}": shift for shift in (0, 1, 2, 3, 5)}

#: The farthest of all.
REACH = max(SHIFTS.values())

#: What the phone does to a photograph: contrast, exposure and warmth of `looks.flat`, the standard deviations of its
#: blur, in pixels, and of its noise.
CONTRAST, EXPOSURE, WARMTH, BLUR, NOISE = 0.75, -0.2, 0.08, 0.7, 0.02

#: A photograph that may be shown; the networks of the scales "cpu" and "full" have not seen it.
SHOWN = "rocket"


class Pair(NamedTuple):
    """Name, input and target of a picture, both (1, 3, H, W)."""

    name: str
    x: Tensor
    y: Tensor


def phone(clean: Tensor, generator: torch.Generator) -> Tensor:
    """Return photographs as the phone takes them, in 256 levels."""
    x = looks.flat(clean, contrast=CONTRAST, exposure=EXPOSURE, warmth=WARMTH)
    x = gaussian_blur(x, BLUR, padding="reflect")
    noise = torch.randn(x.shape, generator=generator, device=x.device)
    return ((x + NOISE * noise).clamp(0, 1) * 255).round() / 255


def batches(
    task: str, name: str, out: int, batch: int, seed: int, device: str = "cpu", *, border: int = 0, where: str = "train"
) -> Batches:
    """Return ``batch_at`` of a task: inputs with the margin of `RestorationCNN`, and targets of `out` pixels a side.

    With a `border`, both are so many pixels wider on each side.  The same crops, noise and directions of the
    translations for every loss and every border; at another shift the translations are others in length.
    """
    _validate.option("task", task, SHIFTS)
    shift, margin = SHIFTS[task], RestorationCNN.margin
    if not 0 <= border <= REACH:
        raise ValueError(f"border must be from 0 to {REACH}, got {border}")
    room = REACH + REACH  # a border, and a translation
    side = out + 2 * (margin + room)
    sampler = data.PackSampler(
        photographs(name)[where].to(device), size=side, batch=batch, seed=data.derive_seed(seed, "crops", where)
    )

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        clean = sampler.batch_at(step)
        seen = phone(clean, noise_generator(device, seed, "phone", where, step))
        drawn = torch.rand(batch, 2, generator=noise_generator("cpu", seed, "shift", where, step))
        vectors = (drawn * (2 * shift + 1)).long() - shift
        first, size = room - border, out + 2 * border
        x = seen[..., first : first + size + 2 * margin, first : first + size + 2 * margin]
        first += margin
        y = [
            one[:, first + u : first + u + size, first + v : first + v + size]
            for one, (u, v) in zip(clean, vectors.tolist(), strict=True)
        ]
        return x, torch.stack(y)

    return batch_at


@functools.lru_cache(maxsize=4)
def pairs(name: str, where: str, limit: int) -> list[Pair]:
    """Return whole pictures of a split and what the phone makes of them, aligned; `limit` of them, 0 for all."""
    photos, found = photographs(name)[where], []
    for index in chosen(len(photos), limit):
        clean = photos.picture(index)
        found.append(Pair(photos.names[index], phone(clean, noise_generator("cpu", "phone", where, index)), clean))
    return found


def shown() -> Pair:
    """Return a photograph that comes with the package as a pair: 96 x 96 pixels."""
    clean = data.downsample2(data.downsample2(data.photograph(SHOWN)[..., :424, :600]))[..., 10:, 27:123]
    return Pair(SHOWN, phone(clean, noise_generator("cpu", "phone", "shown", SHOWN)), clean)
