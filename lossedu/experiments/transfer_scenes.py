"""Photographs in two halves that share no scene: one tinted by its own content, one as it came.

The first half is what the generator is given, the second is what its critics take for real.  What the first half looked
like before is known and used for nothing but the judging, and for the arm that is trained on pairs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from .. import data
from ..data import looks
from .tasks import chosen, photographs

#: Contrast and exposure of the tinted pictures, and the strength of the tints.
CONTRAST, EXPOSURE, STRENGTH = 0.85, -0.15, 1.0

#: Photograph that may be shown, halved twice; no network of the scales "cpu" and "full" has seen it.
SHOWN = "rocket"

#: Pixels that a crop is larger than what is kept, so that the surround of each pixel is that of the picture.
MARGIN = 18


class Batch(NamedTuple):
    """Inputs, what they were before, and real pictures of other scenes."""

    x: Tensor
    y: Tensor
    real: Tensor


class Scene(NamedTuple):
    """Name, tinted picture, and the picture as it was."""

    name: str
    x: Tensor
    y: Tensor


def tinted(clean: Tensor) -> Tensor:
    """Return pictures with the look of the input domain, in 256 levels."""
    flat = looks.flat(clean, exposure=EXPOSURE, contrast=CONTRAST)
    return (looks.split_tone(flat, strength=STRENGTH) * 255).round() / 255


def batches(name: str, side: int, batch: int, seed: int, device: str = "cpu") -> Callable[[int], Batch]:
    """Return ``batch_at``: crops of the two halves of the training photographs, every other picture in each."""
    photos = photographs(name)["train"].to(device)
    size = side + 2 * MARGIN
    samplers = [
        data.PackSampler(
            photos.select(range(half, len(photos), 2)),
            size=size,
            batch=batch,
            seed=data.derive_seed(seed, "half", half),
        )
        for half in range(2)
    ]
    inside = (..., slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))

    def batch_at(step: int) -> Batch:
        clean, real = (sampler.batch_at(step) for sampler in samplers)
        return Batch(tinted(clean)[inside], clean[inside], real[inside])

    return batch_at


@functools.lru_cache(maxsize=8)
def scenes(name: str, where: str, limit: int) -> tuple[Scene, ...]:
    """Return whole pictures of a split ("val" or "test"), at most `limit` if not 0."""
    photos = photographs(name)[where]
    found = []
    for index in chosen(len(photos), limit):
        clean = photos.picture(index)
        found.append(Scene(photos.names[index], tinted(clean), clean))
    return tuple(found)


def shown(name: str = SHOWN) -> Scene:
    """Return a photograph that comes with the package, tinted and as it was."""
    clean = data.downsample2(data.downsample2(data.photograph(name)[..., :424, :600]))
    clean = (clean * 255).round() / 255
    return Scene(name, tinted(clean), clean)
