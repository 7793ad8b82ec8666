r"""What gradient of a histogram loss is left in each pixel: readings of the kernel's width, on photographs.

The paper prints a slope alpha = 1000 and a width B without a number, so that the bandwidth may be B/alpha for B = 1 or
B = L, the width of a bin, or more.  Gradients are those of the loss as printed, in bins, times the number of pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ..losses import histogram_emd_loss
from .tone_curves import BINS

#: Reading -> options of the loss; a number is the bandwidth over the width of a bin.
READINGS: Mapping[str, Mapping[str, Any]] = {
    **{
        f"{share:g}": {"kernel": "logistic", "bandwidth": share / BINS}
        for share in (0.4, 0.256, 0.01, 0.001, 0.0004)
    },
    "0.4_plain": {"kernel": "logistic", "bandwidth": 0.4 / BINS, "mirror": False},
    "linear": {"kernel": "linear"},
    "sort": {"kernel": "sort"},
}  # fmt: skip

#: Which pixels: as a smooth change leaves them, and rounded to 8 bits.
KINDS = ("continuous", "8-bit")

#: Above which size a gradient counts as there.
LEVELS = (1e-6, 1e-3)

STATISTICS = (*(f"above {level:g}" for level in LEVELS), "mean", "max", "rms")

COLUMNS = tuple(f"{kind} {name}" for kind in KINDS for name in STATISTICS)

#: The gamma of the change at the left and at the right border of the picture.
RAMP = (1.2, 1.6)


def changed(y: Tensor) -> Tensor:
    """Return a picture made darker by a gamma that grows smoothly from left to right, so that no two columns agree."""
    gamma = torch.linspace(*RAMP, y.shape[-1], dtype=y.dtype, device=y.device)
    return y**gamma


def survey(y: Tensor, options: Mapping[str, Any]) -> list[float]:
    """Return the statistics of the gradient for one picture (1, C, H, W), in the order of `COLUMNS`."""
    found = []
    smooth = changed(y)
    for x in (smooth, (255 * smooth).round() / 255):
        x = x.clone().requires_grad_()
        loss = BINS * histogram_emd_loss(x, y, bins=BINS, **options)
        (slope,) = torch.autograd.grad(loss, x)
        found += statistics(slope * x.numel())
    return found


def statistics(slope: Tensor) -> list[float]:
    """Return the shares above `LEVELS`, the mean, the largest size and the root mean square."""
    size = slope.abs()
    shares = [float((size > level).double().mean()) for level in LEVELS]
    return [*shares, float(slope.mean()), float(size.max()), float(slope.square().mean().sqrt())]
