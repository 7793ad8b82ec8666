"""The small pictures that answers are tried on, and the mistakes that all of them share."""

from __future__ import annotations

import torch
from torch import Tensor

from ...data import crop, photograph


def grey_patch(height: int = 18, width: int = 22) -> Tensor:
    """Return a part of the astronaut in grey, (1, 1, height, width), float64."""
    return crop(photograph("astronaut", gray=True), 96, 208, (height, width)).double()


def noisy_patch(height: int = 18, width: int = 22) -> Tensor:
    """Return the same under noise of standard deviation 0.05: no two neighbours are equal."""
    y = grey_patch(height, width)
    return y + 0.05 * torch.randn(y.shape, generator=torch.Generator().manual_seed(3), dtype=y.dtype)


def colour_patches() -> Tensor:
    """Return two parts of the astronaut in colour, (2, 3, 12, 14), float64, under noise."""
    y = torch.cat([crop(photograph("astronaut"), 96, left, (12, 14)) for left in (208, 60)]).double()
    return y + 0.05 * torch.randn(y.shape, generator=torch.Generator().manual_seed(7), dtype=y.dtype)


def field(height: int = 7, width: int = 9, seed: int = 4) -> Tensor:
    """Return a field of arrows no longer than 1, (2, 1, 1, height, width), float64, 0 past the last row and column."""
    p = torch.randn(2, 1, 1, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    p[0, ..., -1, :] = 0
    p[1, ..., -1] = 0
    return p / p.square().sum(dim=0, keepdim=True).sqrt().clamp_min(1)
