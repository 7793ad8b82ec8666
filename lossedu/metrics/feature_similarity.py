r"""FSIM and FSIMc: how well the features of an image, where its waves are in step, agree with the reference's.

Zhang, Zhang, Mou and Zhang, "FSIM: a feature similarity index for image quality assessment" (2011).  With phase
congruency PC, the length G of the Scharr gradient, and the colour planes I and Q of YIQ,

.. math:: \mathrm{FSIM} = \frac{\sum_p S_{PC}\, S_G\, PC_m}{\sum_p PC_m}, \qquad
   \mathrm{FSIMc} = \frac{\sum_p S_{PC}\, S_G\, \mathrm{Re}\,(S_I S_Q)^{0.03}\, PC_m}{\sum_p PC_m}, \qquad
   S_v = \frac{2 v_x v_y + T_v}{v_x^2 + v_y^2 + T_v}, \qquad PC_m = \max(PC_x, PC_y).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .. import _validate
from .gradient_similarity import SCHARR, disagreement, gradient_length
from .luma import average_down, large_enough, luma, on_peak_scale, plane, reduction_factor
from .magnitudes import power, weighted_mean
from .phase_congruency import SHORTEST_WAVE, phase_congruency

T_PC, T_G, T_I, T_Q = 0.85, 160.0, 200.0, 200.0
CHROMA_POWER = 0.03


def _chroma_similarity(x: Tensor, y: Tensor, factor: int) -> Tensor:
    """Return the real part of (S_I S_Q) ** 0.03 of colour images."""
    planes = [average_down(torch.cat((plane(x, row), plane(y, row))), factor).chunk(2) for row in (1, 2)]
    (i_x, i_y), (q_x, q_y) = planes
    product = (1 - disagreement(i_x, i_y, T_I)) * (1 - disagreement(q_x, q_y, T_Q))
    # opposite colours make it negative, whose power is complex; at 0 the slope is infinite, and 0 is used
    size = power(product.abs(), CHROMA_POWER)
    return torch.where(product < 0, math.cos(math.pi * CHROMA_POWER) * size, size)


def fsim(x: Tensor, y: Tensor, *, chromatic: bool = False, data_range: float = 1.0, reduction: str = "mean") -> Tensor:
    r"""Feature similarity index, FSIM or (with `chromatic`) FSIMc; Zhang et al. (2011).

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W) with C = 1 or 3 and at least 6 x 6 pixels.
    chromatic : bool
        FSIMc, which also compares the colours I and Q of YIQ.  Grey images have none: for C = 1 it equals FSIM.
    data_range : float
        Width of the nominal range: 1.0 for images in [0, 1], 255 for 0 ... 255.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        Higher is better, 1 for equal images; FSIM lies in [0, 1].  Symmetric.  float32 for half-precision input.

    Raises
    ------
    TypeError, ValueError
        For no floating (N, C, H, W) pair, other channels than 1 or 3, images below 6 x 6, a `chromatic` that is no
        bool, or `data_range` not above 0.

    Notes
    -----
    Convention: the authors' MATLAB program.  YIQ luma; averages down by max(1, round(min(H, W) / 256)), halves rounded
    up, and with MATLAB's sampling phase; the noise of each image by itself, its median the mean of the middle two.
    Where :math:`S_I S_Q` is negative (opposite colours) the real part of the complex power counts, as in MATLAB; ports
    that take the power of the absolute value are larger there by 1/cos(0.03 pi) = 1.0045.
    Two images without any feature (both flat), for which the formula is 0/0, weigh all pixels the same: black against
    black is 1.
    Some devices have no median that ``torch.use_deterministic_algorithms`` accepts.

    Examples
    --------
    >>> x = torch.rand(1, 3, 16, 16)
    >>> fsim(x, x, chromatic=True).item()
    1.0
    """
    x, y = on_peak_scale(x, y, data_range)
    large_enough(x.shape[-2:], SHORTEST_WAVE, "(the wavelength of the finest filter)")
    if not isinstance(chromatic, bool):
        raise ValueError(f"chromatic must be True or False, got {chromatic!r}")
    factor = reduction_factor(*x.shape[-2:])
    with torch.autocast(x.device.type, enabled=False):
        both = average_down(luma(torch.cat((x, y))), factor)
        pc_x, pc_y = phase_congruency(both).chunk(2)
        g_x, g_y = gradient_length(both, SCHARR).chunk(2)
        similarity = (1 - disagreement(pc_x, pc_y, T_PC)) * (1 - disagreement(g_x, g_y, T_G))
        if chromatic and x.shape[1] == 3:
            similarity = similarity * _chroma_similarity(x, y, factor)
        values = weighted_mean(similarity, torch.maximum(pc_x, pc_y))
    return _validate.reduce(values, reduction)


__all__ = ["fsim"]
