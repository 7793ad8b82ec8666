r"""What the quality indices see: luma on the scale 0 ... 255, averaged down as MATLAB does it.

GMSD, FSIM and IW-SSIM were published as MATLAB programs on 8-bit grey images, and their constants (170, 160, 0.4, ...)
belong to that scale.  Images of any `data_range` are therefore multiplied by 255 / data_range first, and colour becomes
the luma of YIQ,

.. math:: Y = 0.299 R + 0.587 G + 0.114 B, \qquad
   I = 0.596 R - 0.274 G - 0.322 B, \qquad Q = 0.211 R - 0.523 G + 0.312 B.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import _validate

#: Rows of the matrix from RGB to YIQ, with the three decimals of the published programs.
YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))

#: The white of the published programs.
PEAK = 255.0

#: The side that automatic down-sampling aims at.
NORMAL_SIDE = 256


def on_peak_scale(x: Tensor, y: Tensor, data_range: float) -> tuple[Tensor, Tensor]:
    """Check a pair, and return it in the working dtype on the scale 0 ... 255, with 1 or 3 channels.

    Raises
    ------
    TypeError, ValueError
        As for the losses; also if there are neither 1 nor 3 channels, or if `data_range` is not above 0 or so small or
        large that the dtype cannot hold the factor.
    """
    x, y = _validate.images(x, y)
    if x.shape[1] not in (1, 3):
        raise ValueError(
            f"x and y must have 1 channel (grey) or 3 (RGB), got {x.shape[1]}; "
            "for other channels compare them one by one, as (N * C, 1, H, W)"
        )
    factor = PEAK / _validate.positive("data_range", data_range)
    limits = torch.finfo(x.dtype)
    if not limits.tiny <= factor <= limits.max:
        raise ValueError(f"data_range must give a factor 255 / data_range that {x.dtype} can hold, got {data_range!r}")
    return x * factor, y * factor


def large_enough(sides: Sequence[int], needed: int, purpose: str) -> None:
    """Raise `ValueError` if an image is lower or narrower than `needed` pixels."""
    height, width = sides
    if min(height, width) < needed:
        raise ValueError(
            f"x is too small: height and width must be at least {needed} {purpose}, got {height} x {width}"
        )


def plane(x: Tensor, row: int = 0) -> Tensor:
    """Return one plane of YIQ, (N, 3, H, W) to (N, 1, H, W): 0 is luma, 1 and 2 are I and Q."""
    red, green, blue = YIQ[row]
    return x[:, :1] * red + x[:, 1:2] * green + x[:, 2:] * blue


def luma(x: Tensor) -> Tensor:
    """Return the luma of colour images; grey ones are their own luma."""
    return plane(x) if x.shape[1] == 3 else x


def reduction_factor(height: int, width: int) -> int:
    """Return the factor of the automatic down-sampling, max(1, round(min(height, width) / 256)).

    Notes
    -----
    Convention: MATLAB rounds halves up, so 640 pixels give 3 where Python's ``round(2.5)`` gives 2.

    Examples
    --------
    >>> [reduction_factor(side, side) for side in (64, 383, 384, 640)]
    [1, 1, 2, 3]
    """
    return max(1, (2 * min(height, width) + NORMAL_SIDE) // (2 * NORMAL_SIDE))


def average_down(x: Tensor, factor: int) -> Tensor:
    """Average over squares of `factor` pixels and keep every `factor`-th: (N, C, H, W) to ceil(H / f) x ceil(W / f).

    Notes
    -----
    Convention: that of ``conv2(x, ones(f) / f^2, "same")`` followed by ``(1:f:end, 1:f:end)``.  The square of the first
    pixel begins (f - 1) // 2 pixels before it, and outside the image there are zeros: from factor 3 on the first row
    and column are darker, and with sizes that f does not divide the last ones are.
    """
    if factor == 1:
        return x
    before = (factor - 1) // 2
    below, right = (-side % factor for side in x.shape[-2:])  # enough for whole squares; any rest is left out
    return F.avg_pool2d(F.pad(x, (before, right, before, below)), factor)


__all__ = ["PEAK", "average_down", "large_enough", "luma", "on_peak_scale", "plane", "reduction_factor"]
