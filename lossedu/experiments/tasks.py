"""The tasks of Table 1: how a picture is damaged, in training and in the test, and which network repairs it."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import _validate, data
from ..nets import RestorationCNN, SuperResolutionCNN, inner

Network = RestorationCNN | SuperResolutionCNN
Batches = Callable[[int], tuple[Tensor, Tensor]]


def as_it_is(x: Tensor) -> Tensor:
    """Return the picture itself."""
    return x


#: How pictures are shrunk, whatever enlarges them: both starts of super-resolution are of the same small picture.
SHRINKING = "bicubic"


class Task(NamedTuple):
    """A way of damaging pictures, and the network against it.

    `train` makes ``batch_at`` from the photographs, the side of the output, the number of crops, the seed and the
    device; `damage` makes the input of a test picture from the photographs, the set's name and the picture's number.
    `see` takes a picture from display values to those that the network works on, `show` takes its output back.
    """

    title: str
    network: type[RestorationCNN] | type[SuperResolutionCNN]
    train: Callable[[data.Pack, int, int, int, str], Batches]
    damage: Callable[[data.Pack, str, int], Tensor]
    see: Callable[[Tensor], Tensor] = as_it_is
    show: Callable[[Tensor], Tensor] = as_it_is


def noise_generator(device: str, *parts: int | str) -> torch.Generator:
    """Return a generator on the device, whose numbers depend on the parts and on the kind of device."""
    return torch.Generator(device).manual_seed(data.derive_seed(*parts))


def _mosaic_batches(
    photographs: data.Pack,
    out: int,
    batch: int,
    seed: int,
    device: str,
    *,
    see: Callable[[Tensor], Tensor] = as_it_is,
) -> Batches:
    # One pixel more on each side: the interpolation at the border of a crop is not that of the inside.
    margin = RestorationCNN.margin + 1
    clean_set = photographs["train"].to(device)
    sampler = data.PackSampler(clean_set, size=out + 2 * margin, batch=batch, seed=data.derive_seed(seed, "crops"))

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        clean = see(sampler.batch_at(step))
        noisy = data.noisy_bayer(clean, seed=noise_generator(device, seed, "noise", step))
        return inner(noisy, 1), inner(clean, margin)

    return batch_at


def _mosaic(photographs: data.Pack, name: str, index: int, *, see: Callable[[Tensor], Tensor] = as_it_is) -> Tensor:
    clean = photographs[name].picture(index)
    # The noise depends on the picture alone, and not on how many there are.
    seed = data.derive_seed("test", name, zlib.crc32(clean.cpu().numpy().tobytes()))
    return data.noisy_bayer(see(clean.cpu()), seed=seed).to(clean.device)


def _shrunk(clean: Tensor, factor: int, mode: str) -> Tensor:
    """Shrink and enlarge a picture of any size; what is missing to a multiple of the factor repeats the last pixel."""
    height, width = clean.shape[-2:]
    padded = F.pad(clean, (0, -width % factor, 0, -height % factor), mode="replicate")
    return data.down_up(padded, factor=factor, mode=SHRINKING, up=mode)[..., :height, :width]


def _small_batches(
    photographs: data.Pack, out: int, batch: int, seed: int, device: str, *, factor: int, mode: str = "bilinear"
) -> Batches:
    # Crops begin where a small pixel does, and are wide enough that the interpolation at their border is cut off.
    margin = SuperResolutionCNN.margin
    reach = -(-(margin + 4 * factor) // factor) * factor
    size = -(-(out + 2 * reach) // factor) * factor
    sampler = data.PackSampler(
        photographs["train"].to(device), size=size, batch=batch, seed=data.derive_seed(seed, "crops"), stride=factor
    )

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        clean = sampler.batch_at(step)
        small = data.down_up(clean, factor=factor, mode=SHRINKING, up=mode)
        seen, target = slice(reach - margin, reach + out + margin), slice(reach, reach + out)
        return small[..., seen, seen], clean[..., target, target]

    return batch_at


def _small(photographs: data.Pack, name: str, index: int, *, factor: int, mode: str = "bilinear") -> Tensor:
    return _shrunk(photographs[name].picture(index), factor, mode)


def _jpeg_batches(
    photographs: data.Pack, out: int, batch: int, seed: int, device: str, *, stride: int = 1, offset: int = 0
) -> Batches:
    margin = RestorationCNN.margin
    sampler = data.PackSampler(
        photographs["train"].to(device),
        size=out + 2 * margin,
        batch=batch,
        seed=data.derive_seed(seed, "crops"),
        stride=stride,
        offset=offset,
    )
    coded = photographs["train/jpeg25"].to(device)

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        clean, damaged = sampler.pair_at(step, coded)
        return damaged, inner(clean, margin)

    return batch_at


def _jpeg(photographs: data.Pack, name: str, index: int) -> Tensor:
    return photographs[f"{name}/jpeg25"].picture(index)


def super_resolution(factor: int, mode: str = "bilinear") -> Task:
    """Return the task of enlarging by `factor`, from a start that `mode` interpolated."""
    return Task(
        f"super-resolution x{factor}",
        SuperResolutionCNN,
        functools.partial(_small_batches, factor=factor, mode=mode),
        functools.partial(_small, factor=factor, mode=mode),
    )


def deblocking(stride: int = 1, offset: int = 0) -> Task:
    """Return the task of repairing JPEG at quality 25; with a stride of 8, crops keep their place in the blocks."""
    return Task(
        "JPEG, quality 25",
        RestorationCNN,
        functools.partial(_jpeg_batches, stride=stride, offset=offset),
        _jpeg,
    )


def _encoded(x: Tensor) -> Tensor:
    return data.srgb_encode(x.clamp(0, 1))


def linear_light() -> Task:
    """Return denoising and demosaicking where noise, network and loss know linear light, and the eye sees sRGB."""
    see = data.srgb_decode
    return Task(
        "denoising and demosaicking in linear light",
        RestorationCNN,
        functools.partial(_mosaic_batches, see=see),
        functools.partial(_mosaic, see=see),
        see,
        _encoded,
    )


TASKS: Mapping[str, Task] = {
    "dd": Task("denoising and demosaicking", RestorationCNN, _mosaic_batches, _mosaic),
    "sr2": super_resolution(2),
    "sr3": super_resolution(3),
    "jpeg": deblocking(),
    "sr2_bicubic": super_resolution(2, "bicubic"),
    "sr3_bicubic": super_resolution(3, "bicubic"),
    "jpeg_16": deblocking(16),
    "jpeg_17": deblocking(17),
    "dd_linear": linear_light(),
}


def task(name: str) -> Task:
    """Return a task by name; ValueError with the list of known ones for another."""
    _validate.option("task", name, TASKS)
    return TASKS[name]


@functools.lru_cache(maxsize=2)
def photographs(name: str) -> data.Pack:
    """Return the photographs of a scale, kept from job to job."""
    return data.photo_sets(name)


def test_pairs(name: str, photos: data.Pack, where: str, limit: int = 0) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Yield name, damaged and clean picture of a set; `limit` of them, spread evenly, where it is not 0."""
    pictures, which = photos[where], task(name)
    for index in chosen(len(pictures), limit):
        yield pictures.names[index], which.damage(photos, where, index), which.see(pictures.picture(index))


def chosen(count: int, limit: int) -> list[int]:
    """Return `limit` of the numbers below `count`, evenly spread; all of them where it is 0."""
    limit = min(limit, count) or count
    return [k * count // limit for k in range(limit)]


def restore(network: Network, damaged: Tensor) -> Tensor:
    """Run a whole picture through the network, mirrored at its border so that the size stays."""
    with torch.no_grad():
        return network(F.pad(damaged, [network.margin] * 4, mode="reflect"))
