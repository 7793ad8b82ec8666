"""Two kinds of photographs and the blur between them and whoever is to tell them apart.

Whole pictures are made first: the difference, 256 levels as in a file, then the blur with mirrored borders.  Crops are
cut afterwards, `MARGIN` pixels off the border, so that no border tells anything.  Class 1 is the photograph, class 0
what became of it.  Crops of a batch are the same places in both classes, which leaves the difference alone to be learnt
and takes a fraction of the steps; or, unpaired as in WESPE, each class has its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate, data
from ..filters import color_blur, color_window, gaussian_blur, gaussian_window
from ..filters.color import PRESETS
from .tasks import Batches, chosen, noise_generator, photographs

#: Side of a crop, and how far from the border of a picture crops stay.
SIDE, MARGIN = 64, 16

#: Standard deviations of the softening and of the grain; warmth of the cast; levels of the tint.
SOFT, SLIGHT, GRAIN, WARMTH, LEVELS = 1.0, 0.5, 0.02, 0.08, 8

#: Gaussians beside the presets, and their standard deviations.
GAUSSIANS: Mapping[str, float] = {"g6": 6.0, "g9": 9.0, "g13": 13.0}

#: By standard deviation.
BLURS = ("none", "wespe", "std3", "dped", *GAUSSIANS)

#: Crops of a picture that is judged lie in so many rows and columns, the more along its longer side.
ROWS = (2, 4)

Difference = Callable[[Tensor, torch.Generator], tuple[Tensor, Tensor]]


def _softened(x: Tensor, sigma: float) -> tuple[Tensor, Tensor]:
    return gaussian_blur(x, sigma), x


def _cast(x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    return x * (1 + WARMTH * _warm(x)), x


def _tint(x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    # Both are made a little flatter first: where a shifted picture is clipped, the shift is no longer uniform.
    room = LEVELS / 255
    x = room + (1 - 2 * room) * x
    return x + room * _warm(x), x


def _warm(x: Tensor) -> Tensor:
    return x.new_tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1)


#: Task -> pictures of class 0 and of class 1, from photographs (N, 3, H, W) and a generator for what is random.
TASKS: Mapping[str, Difference] = {
    "texture": lambda x, generator: _softened(x, SOFT),
    "texture_slight": lambda x, generator: _softened(x, SLIGHT),
    "grain": lambda x, generator: (x + GRAIN * torch.randn(x.shape, generator=generator), x),
    "cast": _cast,
    "tint": _tint,
    "nothing": lambda x, generator: (x, x),
}


def deviation(blur: str) -> float:
    """Return the standard deviation of a blur in pixels, of its window as it is cut off; 0 for none."""
    if (window := _window(blur)) is None:
        return 0.0
    offsets = torch.arange(window.numel(), dtype=torch.float64) - window.numel() // 2
    return float((window * offsets.square()).sum().sqrt())


def _window(blur: str) -> Tensor | None:
    _validate.option("blur", blur, BLURS)
    if blur == "none":
        return None
    return color_window(blur) if blur in PRESETS else gaussian_window(GAUSSIANS[blur])


def blurred(x: Tensor, blur: str) -> Tensor:
    """Return pictures behind a blur, mirrored at their borders."""
    _validate.option("blur", blur, BLURS)
    if blur == "none":
        return x
    return color_blur(x, preset=blur, padding="reflect") if blur in PRESETS else gaussian_blur(x, GAUSSIANS[blur])


def both(task: str, blur: str, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return a photograph (1, 3, H, W) as class 0 and as class 1 behind the blur, less its border."""
    _validate.option("task", task, TASKS)
    inner = (..., slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
    zero, one = (blurred(_levels(z), blur)[inner] for z in TASKS[task](x, generator))
    return zero, one


def _levels(x: Tensor) -> Tensor:
    """Return pictures in 256 levels, as files have them: neither class is known by its numbers alone."""
    return (x.clamp(0, 1) * 255).round() / 255


@functools.lru_cache(maxsize=3)
def pictures(task: str, blur: str, name: str, where: str, limit: int = 0) -> list[tuple[Tensor, Tensor]]:
    """Return the pictures of a split in both classes, kept from job to job.

    What is random in a picture depends on the split and on its number: one draw, the same for every blur and seed.
    """
    photos = photographs(name)[where]
    return [
        both(task, blur, photos.picture(index).cpu(), noise_generator("cpu", "blur_critics", where, index))
        for index in chosen(len(photos), limit)
    ]


def batches(
    task: str, blur: str, name: str, batch: int, seed: int, device: str = "cpu", *, paired: bool = True
) -> Batches:
    """Return ``batch_at`` of crops (batch, 3, 64, 64) and labels (batch, 1), one half of each class.

    The classes show the same places where `paired` is true, and else places that are drawn for each.
    """
    if _validate.count("batch", batch) % 2:
        raise ValueError(f"batch must be even, one half for each class, got {batch}")
    samplers = [
        data.PatchSampler(
            [pair[label][0] for pair in pictures(task, blur, name, "train")],
            size=SIDE,
            batch=batch // 2,
            seed=data.derive_seed(seed, "crops", 1 if paired else label),
            device=device,
        )
        for label in (0, 1)
    ]
    labels = torch.arange(2, device=device).repeat_interleave(batch // 2).float()[:, None]

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        return torch.cat([sampler.batch_at(step) for sampler in samplers]), labels

    return batch_at


class Shown(NamedTuple):
    """What a judge is shown of a photograph.

    Attributes
    ----------
    crops : Tensor
        Class 0 and class 1 at every place, (2, places, 3, 64, 64).
    real : Tensor
        Which places count as class 1 and which as class 0 for the accuracy, (places,) of bool: no place as both.
    """

    crops: Tensor
    real: Tensor


@functools.lru_cache(maxsize=2)
def shown(task: str, blur: str, name: str, where: str, limit: int = 0) -> list[Shown]:
    """Return crops of the pictures of a split at fixed places; neighbours, and a place of two pictures, take turns."""
    found = []
    for number, pair in enumerate(pictures(task, blur, name, where, limit)):
        height, width = pair[0].shape[-2:]
        rows, columns = ROWS if height <= width else ROWS[::-1]
        corners = [
            (i * (height - SIDE) // (rows - 1), j * (width - SIDE) // (columns - 1), (i + j + number) % 2 == 0)
            for i in range(rows)
            for j in range(columns)
        ]
        crops = [torch.stack([z[0, :, i : i + SIDE, j : j + SIDE] for i, j, _ in corners]) for z in pair]
        found.append(Shown(torch.stack(crops), torch.tensor([real for *_, real in corners])))
    return found
