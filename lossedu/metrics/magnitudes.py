"""Lengths, ratios and powers whose slope is a number everywhere, 0 included."""

from __future__ import annotations

import torch
from torch import Tensor


def length(a: Tensor, b: Tensor) -> Tensor:
    r"""Return :math:`\sqrt{a^2+b^2}`; at 0, where the root has no derivative, the slope is 0.

    (`torch.linalg.vector_norm` has that slope too, but takes thirty times as long over an axis of two.)
    """
    square = a.square() + b.square()
    if not square.requires_grad:
        return square.sqrt()
    nothing = square == 0
    return torch.where(nothing, 0, torch.where(nothing, 1, square).sqrt())


def power(base: Tensor, exponent: float | Tensor) -> Tensor:
    """Return base ** exponent, and 0 with slope 0 for bases that are not above 0."""
    nothing = base <= 0
    return torch.where(nothing, 0, torch.where(nothing, 1, base) ** exponent)


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Return the mean of (N, 1, H, W) weighted by the same, shape (N,); where all weights are 0, the plain mean."""
    nothing = weight.sum(dim=(1, 2, 3), keepdim=True) == 0
    weight = torch.where(nothing, 1, weight)
    return (values * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))


__all__ = ["length", "power", "weighted_mean"]
