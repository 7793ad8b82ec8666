r"""Squared differences as the regulariser: one linear system, which cosines solve."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .. import _validate


def tikhonov(z: Tensor, weight: float) -> Tensor:
    r"""Return :math:`\arg\min_x \frac12 \lVert x - z\rVert^2 + w \sum |\nabla x|^2`, channels one by one.

    Setting the derivative to zero gives :math:`(1 + 2w \nabla^\top \nabla)\,x = z`.  Cosines that are mirrored at the
    border are its eigenvectors: a wave of m half periods down and n across is divided by
    :math:`1 + 8w\,(\sin^2\frac{\pi m}{2H} + \sin^2\frac{\pi n}{2W})`.

    Parameters
    ----------
    z : Tensor
        Images (N, C, H, W).
    weight : float
        w, at least 0, in pixels squared.

    Returns
    -------
    Tensor
        As `z`, float32 for half precision; exact up to rounding.

    Raises
    ------
    TypeError, ValueError
        If `z` is no floating image tensor, or `weight` is negative.

    Notes
    -----
    The factor 2 is that of ``losses.tv_loss(kind="squared")``, which has no 1/2.  An edge is spread over about
    :math:`\sqrt{2w}` pixels to either side, however high it is.
    """
    _validate.image("z", z)
    weight = _validate.in_range("weight", weight, 0, math.inf)
    z = z.to(_validate.working_dtype(z))
    rows, columns = (_cosines(side).to(z) for side in z.shape[-2:])
    charge = 1 + 2 * weight * (_charges(z.shape[-2])[:, None] + _charges(z.shape[-1])).to(z)
    return rows.T @ ((rows @ z @ columns.T) / charge) @ columns


def _cosines(side: int) -> Tensor:
    """Return the orthonormal cosines that are mirrored half a pixel outside the border, one a row."""
    order = torch.arange(side, dtype=torch.float64)
    waves = torch.cos(math.pi / side * torch.outer(order, order + 0.5))
    return waves / waves.norm(dim=1, keepdim=True)


def _charges(side: int) -> Tensor:
    """Return what the squared differences of each of those cosines sum to."""
    return 4 * torch.sin(math.pi * torch.arange(side, dtype=torch.float64) / (2 * side)) ** 2


__all__ = ["tikhonov"]
