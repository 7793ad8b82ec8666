r"""FSIM and FSIMc: how well the features of an image, where its waves are in step, agree with the reference's.

Zhang, Zhang, Mou and Zhang, "FSIM: a feature similarity index for image quality assessment" (2011).  With phase
congruency PC, the length G of the Scharr gradient, and the colour planes I and Q of YIQ,

.. math:: \mathrm{FSIM} = \frac{\sum_p S_{PC}\, S_G\, PC_m}{\sum_p PC_m}, \qquad
   \mathrm{FSIMc} = \frac{\sum_p S_{PC}\, S_G\, \mathrm{Re}\,(S_I S_Q)^{0.03}\, PC_m}{\sum_p PC_m}, \qquad
   S_v = \frac{2 v_x v_y + T_v}{v_x^2 + v_y^2 + T_v}, \qquad PC_m = \max(PC_x, PC_y).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate
from .gradient_similarity import SCHARR, disagreement, gradient_length
from .luma import average_down, large_enough, luma, on_peak_scale, plane, reduction_factor
from .magnitudes import power, weighted_mean
from .phase_congruency import SHORTEST_WAVE, phase_congruency

T_PC, T_G, T_I, T_Q = 0.85, 160.0, 200.0, 200.0
CHROMA_POWER = 0.03


class FeatureMaps(NamedTuple):
    """What FSIM and FSIMc compare: phase congruency and gradient length, (N, 1, h, w), and the planes I and Q."""

    congruency: Tensor
    gradient: Tensor
    colours: Tensor  # (N, 2, h, w); of grey images (N, 0, h, w)


def feature_maps(x: Tensor, *, data_range: float = 1.0) -> FeatureMaps:
    """Return the features of images (N, C, H, W), for `compare_feature_maps`; parameters and errors as for `fsim`.

    Most of FSIM's time goes into them: keep those of a reference that many images are compared with.
    """
    x, _ = on_peak_scale(x, x, data_range)
    large_enough(x.shape[-2:], SHORTEST_WAVE, "(the wavelength of the finest filter)")
    factor = reduction_factor(*x.shape[-2:])
    with torch.autocast(x.device.type, enabled=False):
        grey = average_down(luma(x), factor)
        colours = grey[:, :0]
        if x.shape[1] == 3:
            colours = average_down(torch.cat((plane(x, 1), plane(x, 2)), dim=1), factor)
        return FeatureMaps(phase_congruency(grey), gradient_length(grey, SCHARR), colours)


def compare_feature_maps(x: FeatureMaps, y: FeatureMaps, *, chromatic: bool = False) -> Tensor:
    """Return FSIM, or with `chromatic` FSIMc, of the images whose features these are: shape (N,)."""
    with torch.autocast(x.congruency.device.type, enabled=False):
        similarity = 1 - disagreement(x.congruency, y.congruency, T_PC)
        similarity = similarity * (1 - disagreement(x.gradient, y.gradient, T_G))
        if chromatic and x.colours.shape[1]:
            similarity = similarity * _chroma_similarity(x.colours, y.colours)
        return weighted_mean(similarity, torch.maximum(x.congruency, y.congruency))


def _chroma_similarity(x: Tensor, y: Tensor) -> Tensor:
    """Return the real part of (S_I S_Q) ** 0.03 of the planes I and Q, (N, 2, h, w) to (N, 1, h, w)."""
    product = (1 - disagreement(x[:, :1], y[:, :1], T_I)) * (1 - disagreement(x[:, 1:], y[:, 1:], T_Q))
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
    x, y = _validate.images(x, y)
    if not isinstance(chromatic, bool):
        raise ValueError(f"chromatic must be True or False, got {chromatic!r}")
    both = feature_maps(torch.cat((x, y)), data_range=data_range)
    maps_x, maps_y = (FeatureMaps(*parts) for parts in zip(*(maps.chunk(2) for maps in both), strict=True))
    return _validate.reduce(compare_feature_maps(maps_x, maps_y, chromatic=chromatic), reduction)


__all__ = ["FeatureMaps", "compare_feature_maps", "feature_maps", "fsim"]
