"""Fidelity metrics: how far an image is from its reference, pixel by pixel."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import _validate


def psnr(x: Tensor, y: Tensor, *, data_range: float = 1.0, reduction: str = "mean") -> Tensor:
    r"""Peak signal-to-noise ratio :math:`10\log_{10}(L^2/\mathrm{MSE})` in decibels, per image.

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W).
    data_range : float
        The peak L: 1.0 for images in [0, 1].
    reduction : {"mean", "sum", "none"}
        Over the batch.  The mean of PSNRs is not the PSNR of the mean error.

    Returns
    -------
    Tensor
        Higher is better; ``inf`` with gradient 0 for equal images (nothing is added inside the logarithm).

    Raises
    ------
    TypeError, ValueError
        As for the losses: no floating (N, C, H, W) pair, or `data_range` not above 0.

    Examples
    --------
    >>> psnr(torch.full((1, 1, 2, 2), 0.1, dtype=torch.float64), torch.zeros(1, 1, 2, 2)).item()
    20.0
    """
    x, y = _validate.images(x, y)
    peak = _validate.positive("data_range", data_range)
    error = F.mse_loss(x, y, reduction="none").mean(dim=(1, 2, 3))
    equal = error == 0
    # log10 sees a 1 where the error is 0: its slope there would be infinite, and infinity times 0 is not a number
    decibels = 20 * math.log10(peak) - 10 * torch.where(equal, 1.0, error).log10()
    return _validate.reduce(torch.where(equal, math.inf, decibels), reduction)


__all__ = ["psnr"]
