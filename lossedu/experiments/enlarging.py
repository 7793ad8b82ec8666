"""Small and large crops for a network that enlarges, and what its outputs are judged by beside the usual columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .. import data
from ..metrics import lpips
from ..nets import SubPixelCNN
from ..storage import DataError
from .residuals import BANDS, band
from .scoring import COLUMNS, Judge

Batches = Callable[[int], tuple[Tensor, Tensor]]

#: Columns beside the usual ones, which `extra` explains.
EXTRA = ("lpips_alexnet", "brightness", "detail", "lattice")

#: The period in pixels of the lattice that is looked for: that of VGG's fourth pool, a multiple of the others.
PERIOD = 16


def shrunk(clean: Tensor, factor: int) -> Tensor:
    """Return pictures made `factor` times smaller by bicubic interpolation, antialiased."""
    height, width = (side // factor for side in clean.shape[-2:])
    return F.interpolate(clean, size=(height, width), mode="bicubic", antialias=True, align_corners=False)


def whole(clean: Tensor, factor: int) -> Tensor:
    """Return a picture without the rows and columns that are left over when it is made `factor` times smaller."""
    height, width = (side // factor * factor for side in clean.shape[-2:])
    return clean[..., :height, :width]


def batches(photos: data.PhotoSet, side: int, batch: int, seed: int, factor: int) -> Batches:
    """Return ``batch_at``, which gives small and clean crops of a step, for every loss the same."""
    sampler = data.PackSampler(photos, size=side, batch=batch, seed=data.derive_seed(seed, "crops"))

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        clean = sampler.batch_at(step)
        return shrunk(clean, factor), clean

    return batch_at


def new_network(width: int, blocks: int, factor: int, seed: int) -> SubPixelCNN:
    """Return a network whose first weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(data.derive_seed(seed, "weights") % 2**32)
        return SubPixelCNN(width, blocks=blocks, factor=factor)


@torch.no_grad()
def judged(network: SubPixelCNN | None, cleans: Sequence[Tensor], judge: Judge, factor: int) -> np.ndarray:
    """Return scores of the enlarged pictures, those of bicubic interpolation without a network: (pictures, columns)."""
    outputs = []
    for clean in cleans:
        small = shrunk(clean, factor)
        if network is None:
            outputs.append(F.interpolate(small, size=clean.shape[-2:], mode="bicubic", align_corners=False))
        else:
            device = next(network.parameters()).device
            outputs.append(network(small.to(device)).float().to(clean.device))
    usual = judge.score(outputs)
    more = [extra(output, clean) for output, clean in zip(outputs, cleans, strict=True)]
    return np.concatenate([usual, np.array(more, dtype=np.float32)], axis=1)


def extra(output: Tensor, clean: Tensor) -> list[float]:
    """Return the columns `EXTRA` of one picture.

    ``lpips_alexnet`` is LPIPS by another network than the one that the losses look through; ``brightness`` the mean
    error over all pixels and channels; ``detail`` the root mean square of the fine band of the output over that of the
    clean picture; ``lattice`` how much of the error repeats with a period of 16 pixels, as a ratio of variances that is
    about 1 where nothing does.  LPIPS is NaN where its weights are not on this machine.
    """
    x, y = output.clamp(0, 1), clean.clamp(0, 1)
    fine = [float(band(one, *BANDS["fine"]).square().mean().sqrt()) for one in (output, clean)]
    try:
        seen = float(lpips(x, y, net="alexnet"))
    except DataError:
        seen = math.nan
    return [seen, float((output - clean).mean()), fine[0] / fine[1], lattice(output - clean)]


def lattice(error: Tensor, period: int = PERIOD) -> float:
    """Return the variance between the places of a lattice over what chance would leave there, about 1 without one."""
    fine = band(error.mean(dim=1, keepdim=True), *BANDS["fine"])
    height, width = (side // period * period for side in fine.shape[-2:])
    blocks = fine[0, 0, :height, :width].double().unfold(0, period, period).unfold(1, period, period)
    cells = blocks.reshape(-1, period * period)
    between = cells.mean(dim=0).var(correction=1)
    return float(between * len(cells) / cells.var(correction=1).clamp_min(1e-20))


def columns() -> list[str]:
    """Return the names of all columns."""
    return [*COLUMNS, *EXTRA]
