"""What a loss outputs when several answers are plausible: an edge, a texture and a level, each under doubt."""

from __future__ import annotations

import torch
from torch import Tensor

from .. import data


def edges(reach: int = 4, *, height: int = 24, width: int = 64) -> Tensor:
    """Return a step 0.25 | 0.75 at every place within `reach` px of the middle: (2 * reach + 1, 1, height, width)."""
    columns = torch.arange(width).expand(1, height, width)
    return torch.stack([torch.where(columns < width // 2 + shift, 0.25, 0.75) for shift in range(-reach, reach + 1)])


def textures(name: str = "brick", reach: int = 2, *, top: int = 96, left: int = 160, size: int = 64) -> Tensor:
    """Return one patch of a photograph, displaced by every whole number of pixels up to `reach` in x."""
    photo = data.photograph(name, gray=True)
    return torch.cat([data.crop(photo, top, left + shift, size) for shift in range(-reach, reach + 1)])


def predicted_gain(samples: Tensor) -> float:
    r"""Return :math:`\sqrt{E\|y\|^2 / \|Ey\|^2}` of the samples about their levels: how SSIM amplifies their mean."""
    detail = samples - samples.mean(dim=(1, 2, 3), keepdim=True)
    return float((detail.square().sum(dim=(1, 2, 3)).mean() / detail.mean(dim=0).square().sum()).sqrt())


def levels(mean: float = 0.5, spread: float = 0.1, *, size: int = 16) -> Tensor:
    """Return two flat pictures, `mean` less and plus `spread`: their variance is ``spread ** 2``."""
    return torch.stack([torch.full((1, size, size), mean - spread), torch.full((1, size, size), mean + spread)])
