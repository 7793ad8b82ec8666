r"""Slicing of a bilateral grid: a small grid of numbers, read at full resolution along the edges of a guide.

A grid has a place in depth for each tone of the guide, beside those in the image.  Reading it at
:math:`(x, y, g(x, y))`, trilinearly, gives numbers that are smooth where the guide is, and change where it does
(Chen, Paris and Durand, 2007; Gharbi et al., HDRNet, 2017, equation 4).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import _validate


def slice_grid(grid: Tensor, guide: Tensor) -> Tensor:
    """Read a bilateral grid at every pixel of a guide.

    Parameters
    ----------
    grid : Tensor
        (N, C, D, h, w), floating: C numbers for D tones and h times w places.
    guide : Tensor
        (N, 1, H, W), of the same dtype and on the same device: the tone of each pixel, in [0, 1]; what is outside
        counts as the nearest end.

    Returns
    -------
    Tensor
        (N, C, H, W), float32 for half precision, in which places could not be told apart.  Differentiable in both.

    Raises
    ------
    TypeError, ValueError
        If a tensor is not such a one, or batches, dtypes or devices differ.

    Notes
    -----
    Convention: one for all three axes.  Pictures, grids and tones are areas that are divided into cells, and a value
    stands for the centre of its cell: pixel i of W is at (i + 1/2)/W, cell k of w at (k + 1/2)/w, and beyond the
    outermost centres the outermost value holds (``align_corners=False`` with borders repeated).  A published port
    computes the places with corners aligned and reads them with corners not aligned; a ramp in the grid then comes out
    flat near the border of the picture.

    Examples
    --------
    >>> grid = torch.linspace(0, 1, 8).view(1, 1, 8, 1, 1)
    >>> slice_grid(grid, torch.full((1, 1, 2, 2), 0.5))[0, 0, 0, 0].item()
    0.5
    """
    _validate.image("guide", guide)
    if not isinstance(grid, Tensor) or not grid.is_floating_point():
        raise TypeError(f"grid must be a floating tensor, got {type(grid).__name__}")
    same = grid.ndim == 5 and grid.shape[0] == guide.shape[0] and guide.shape[1] == 1
    if not same or grid.dtype != guide.dtype or grid.device != guide.device or 0 in grid.shape:
        raise ValueError(
            "grid must have shape (N, C, D, h, w), and guide (N, 1, H, W) with its N, dtype and device, got "
            f"{tuple(grid.shape)} in {grid.dtype} on {grid.device} and {tuple(guide.shape)} in {guide.dtype} "
            f"on {guide.device}"
        )
    exact = _validate.working_dtype(guide)
    grid, guide = grid.to(exact), guide.to(exact)
    height, width = guide.shape[-2:]
    rows, columns = _centres(height, guide), _centres(width, guide)
    place = torch.stack(
        [columns.expand(height, width), rows[:, None].expand(height, width)], dim=-1
    )  # grid_sample wants x before y before z
    place = torch.cat([place.expand(len(guide), -1, -1, -1), (2 * guide - 1).permute(0, 2, 3, 1)], dim=-1)
    with torch.autocast(guide.device.type, enabled=False):
        read = F.grid_sample(grid, place[:, None], mode="bilinear", padding_mode="border", align_corners=False)
    return read[:, :, 0]


def _centres(count: int, like: Tensor) -> Tensor:
    """Return the centres of `count` cells of the interval from -1 to 1."""
    return (2 * torch.arange(count, dtype=like.dtype, device=like.device) + 1) / count - 1


def apply_affine(x: Tensor, coefficients: Tensor) -> Tensor:
    """Return the colours of x after an affine map of each pixel's own.

    Parameters
    ----------
    x : Tensor
        (N, C, H, W).
    coefficients : Tensor
        (N, C * (C + 1), H, W): for each output channel the C factors, then what is added.

    Raises
    ------
    TypeError, ValueError
        If the shapes do not fit together.
    """
    _validate.image("x", x)
    _validate.image("coefficients", coefficients)
    n, c, height, width = x.shape
    if coefficients.shape != (n, c * (c + 1), height, width):
        raise ValueError(
            f"coefficients must have shape {(n, c * (c + 1), height, width)} for x of shape {tuple(x.shape)}, "
            f"got {tuple(coefficients.shape)}"
        )
    each = coefficients.view(n, c, c + 1, height, width)
    return (each[:, :, :c] * x[:, None]).sum(dim=2) + each[:, :, c]


__all__ = ["apply_affine", "slice_grid"]
