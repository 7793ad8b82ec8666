r"""The Laplacian pyramid of Burt and Adelson (1983), with the conventions of Simoncelli's matlabPyrTools.

Each level is what a coarser picture cannot say about a finer one, :math:`b_s = g_s - \uparrow g_{s+1}` with
:math:`g_{s+1} = \downarrow g_s`, and the last level is the coarsest picture itself.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

#: Along one axis the low-pass filter weighs five pixels: OUTER, INNER, MIDDLE, INNER, OUTER.  These sum to the root of
#: 2, so a picture doubles with each level.
OUTER, INNER, MIDDLE = (math.sqrt(2) * tap / 16 for tap in (1, 4, 6))


def _reduce(x: Tensor) -> Tensor:
    """Filter along the last axis and keep every second pixel, beginning with the first."""
    left, right, centre = x[..., 1:-3:2], x[..., 3:-1:2], x[..., 2:-2:2]
    return OUTER * (x[..., :-4:2] + x[..., 4::2]) + INNER * (left + right) + MIDDLE * centre


def reduce_by_two(x: Tensor) -> Tensor:
    """Filter and keep every second pixel, beginning with the first: (N, 1, H, W) to ceil(H / 2) x ceil(W / 2)."""
    x = F.pad(x, (2, 2, 2, 2), mode="reflect")
    return _reduce(_reduce(x.mT).mT)


def _expand(x: Tensor, size: int) -> Tensor:
    """Put zeros between the pixels along the last axis, and filter: (..., ceil(size / 2)) to (..., size)."""
    # The picture with its zeros is mirrored at its border pixels: an even size ends with a zero, so it mirrors at that.
    last = x[..., -1:] if size % 2 == 0 else x[..., -2:-1]
    x = torch.cat((x[..., 1:2], x, last), dim=-1)
    before, here, after = x[..., :-2], x[..., 1:-1], x[..., 2:]
    even, odd = OUTER * (before + after) + MIDDLE * here, INNER * (here + after)
    return torch.stack((even, odd), dim=-1).flatten(-2)[..., :size]


def expand_by_two(x: Tensor, height: int, width: int) -> Tensor:
    """Enlarge to the size from which `reduce_by_two` came: a flat picture becomes a flat picture of half the value."""
    return _expand(_expand(x.mT, height).mT, width)


def laplacian_pyramid(x: Tensor, levels: int) -> list[Tensor]:
    """Return `levels` pictures (N, 1, H, W), each half as large as the one before, none below 3 x 3 but the last."""
    bands = []
    for _ in range(levels - 1):
        coarse = reduce_by_two(x)
        bands.append(x - expand_by_two(coarse, *x.shape[-2:]))
        x = coarse
    return [*bands, x]


def enlarge(x: Tensor, height: int, width: int) -> Tensor:
    r"""Enlarge a level of the pyramid to the size of the next finer one, by interpolation.

    Notes
    -----
    Convention: that of IW-SSIM's MATLAB program, which stretches M pixels linearly to 4M - 3, continues them by one at
    both ends, and takes every second: pixel i shows the place :math:`(2i - \frac12)\frac{M}{4M-3} - \frac12`.
    """
    return _stretch(_stretch(x.mT, height).mT, width)


def _stretch(x: Tensor, size: int) -> Tensor:
    length = x.shape[-1]
    place = (torch.arange(size, dtype=torch.float64, device="cpu") * 2 - 0.5) * (length / (4 * length - 3)) - 0.5
    place = place.clamp(0, length - 1)
    left = place.floor().clamp_max(length - 2)
    share = (place - left).to(device=x.device, dtype=x.dtype)
    at = left.to(device=x.device, dtype=torch.int64)
    return torch.lerp(x.index_select(-1, at), x.index_select(-1, at + 1), share)


__all__ = ["enlarge", "laplacian_pyramid"]
