"""What an index of quality says of a picture that was sharpened and made noisy by hand, beside a trained network's.

The control of every sentence that begins with "it helps by LPIPS": nothing is learned here, and no detail is recovered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from .. import data
from ..filters import gaussian_blur
from ..metrics import dists, lpips, psnr
from ..nets import SubPixelCNN
from . import enlarging
from .tasks import chosen, photographs

#: Photographs that no network was trained or judged on; their middles at half size.
PICTURES, SIDE = ("astronaut", "chelsea", "coffee"), 128

#: What is done to the pictures of the l1 network: how many times what a blur takes is added, and the grain's deviation.
TREATMENTS: Mapping[str, tuple[float, float]] = {
    "l1": (0.0, 0.0),
    "grain 0.01": (0.0, 0.01),
    "grain 0.02": (0.0, 0.02),
    "sharpened": (2.0, 0.0),
    "sharpened, grain 0.01": (2.0, 0.01),
}

INDICES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "psnr": psnr,
    "lpips_alexnet": lambda x, y: lpips(x, y, net="alexnet"),
    "lpips": lpips,
    "dists": dists,
}


def cleans() -> list[Tensor]:
    """Return the clean pictures, (1, 3, SIDE, SIDE) each."""
    found = []
    for name in PICTURES:
        half = data.downsample2(data.photograph(name))
        top, left = ((length - SIDE) // 2 for length in half.shape[-2:])
        found.append(data.crop(half, top, left, SIDE))
    return found


def judged_pictures(name: str, limit: int, every: int, factor: int) -> list[Tensor]:
    """Return the test photographs of a set for which the record has LPIPS through VGG-16 and DISTS: every so many-th.

    Parameters
    ----------
    name, limit : str, int
        The set of photographs, and how many of its test pictures are judged (0 for all).
    every : int
        ``deep_every`` of the record.
    factor : int
        By which they are made smaller: rows and columns that are left over are cut off.
    """
    photos = photographs(name)["test"]
    return [enlarging.whole(photos.picture(index), factor) for index in list(chosen(len(photos), limit))[::every]]


def treated(picture: Tensor, sharpening: float, grain: float) -> Tensor:
    """Return a picture plus `sharpening` times what a blur of sigma 1 takes from it, plus grey grain."""
    noise = torch.randn(picture[:, :1].shape, generator=torch.Generator().manual_seed(0))
    return picture + sharpening * (picture - gaussian_blur(picture, 1.0)) + grain * noise


@torch.no_grad()
def measure(
    networks: Mapping[str, SubPixelCNN], factor: int, pictures: Sequence[Tensor] = ()
) -> dict[str, dict[str, float]]:
    """Return the means of `INDICES` over the pictures, for each treatment of those of "l1", and each other network.

    Without pictures, those of `cleans`.

    Raises
    ------
    DataError
        If trained weights are not on this machine.
    """
    pictures = pictures or cleans()
    made = {arm: [network(enlarging.shrunk(one, factor)) for one in pictures] for arm, network in networks.items()}
    outputs = {name: [treated(one, *how) for one in made["l1"]] for name, how in TREATMENTS.items()}
    outputs |= {arm: found for arm, found in made.items() if arm != "l1"}
    return {name: judged(found, pictures) for name, found in outputs.items()}


def judged(outputs: Sequence[Tensor], pictures: Sequence[Tensor]) -> dict[str, float]:
    """Return the means of `INDICES`, of pictures cut to [0, 1]."""
    pairs = [(x.clamp(0, 1), y) for x, y in zip(outputs, pictures, strict=True)]
    return {name: float(f"{np.mean([float(index(x, y)) for x, y in pairs]):.4g}") for name, index in INDICES.items()}
