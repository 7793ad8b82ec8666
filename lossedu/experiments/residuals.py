"""Where a network leaves its errors: in flat regions, by scale, and around edges, by distance.

The residual is output minus clean.  *Flat* and *quiet* pixels are found in the clean picture, so that the texture that
a network smoothes away is not counted as noise that it left.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..filters import gaussian_blur

#: A Gaussian of sigma = HALF * period passes half the amplitude of a sinusoid of that period.
HALF = 0.18739

#: Chessboard distances to the nearest edge, in pixels: first and last of each class.
RINGS = ((1, 2), (3, 4), (5, 6), (7, 10), (11, 16), (17, 24))

#: The number of flat or of quiet pixels below which a picture says nothing about them.
FEW = 100

#: Bands of the residual: name -> (shortest, longest period in pixels).
BANDS = {"fine": (None, 4.0), "middle": (4.0, 16.0), "coarse": (16.0, 64.0)}


def local_deviation(clean: Tensor, sigma: float) -> Tensor:
    """Return the Gaussian-weighted standard deviation around each pixel, worst channel: (N, 1, H, W)."""
    mean = gaussian_blur(clean, sigma)
    variance = gaussian_blur((clean - 0.5).square(), sigma) - (mean - 0.5).square()
    return variance.clamp_min(0).sqrt().amax(dim=1, keepdim=True)


def flat_mask(clean: Tensor, *, limit: float = 0.01) -> Tensor:
    """Return where the clean picture is flat: local deviation below `limit` in a window of sigma 5."""
    return local_deviation(clean, 5.0) < limit


def edge_mask(clean: Tensor, *, slope: float = 0.08) -> Tensor:
    """Return strong edges: luma slope above `slope` per pixel after a blur of sigma 1 (a step of 0.2 just passes)."""
    grey = gaussian_blur(clean.mean(dim=1, keepdim=True), 1.0)
    padded = F.pad(grey, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    down = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    return across.square() + down.square() > slope**2


def edge_distance(edges: Tensor, *, limit: int = 25) -> Tensor:
    """Return the chessboard distance to the nearest edge pixel, `limit` where it is that far or farther."""
    near = edges.float()
    distance = torch.full_like(near, float(limit))
    distance[edges] = 0
    for step in range(1, limit):
        near = F.max_pool2d(near, 3, stride=1, padding=1)
        distance = torch.where((near > 0) & (distance == limit), float(step), distance)
    return distance


def band(residual: Tensor, shortest: float | None, longest: float | None) -> Tensor:
    """Return the part of the residual with periods between the two, as a difference of two Gaussian blurs."""
    upper = residual if shortest is None else gaussian_blur(residual, HALF * shortest)
    return upper if longest is None else upper - gaussian_blur(residual, HALF * longest)


def _rms(residual: Tensor, mask: Tensor) -> float | None:
    where = mask.expand_as(residual)
    return round(float(residual[where].square().mean().sqrt()), 7) if int(mask.sum()) >= FEW else None


def by_distance(residual: Tensor, clean: Tensor) -> list[float | None]:
    """Return the residual on quiet pixels at the distances `RINGS` from strong edges, None for fewer than `FEW`."""
    quiet, distance = local_deviation(clean, 1.0) < 0.015, edge_distance(edge_mask(clean))
    return [_rms(residual, quiet & (distance >= low) & (distance <= high)) for low, high in RINGS]
