r"""Noise with a chosen scale: band-limited, or with a correlation length.

White noise on the periodic grid is filtered in the Fourier domain, so the statistics are the same at every pixel
(opposite edges fit together).  Each plane is then given mean 0 and exactly the wanted standard deviation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .. import _validate
from .randomness import Seed, standard_normal


def band_noise(
    shape: Sequence[int],
    *,
    low: float,
    high: float,
    std: float,
    seed: Seed = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Tensor:
    r"""Return Gaussian noise whose spatial frequencies lie in a band.

    .. math:: \hat n(f) = \hat w(f)\,[\,low \le |f| \le high\,], \qquad |f| = \sqrt{f_x^2 + f_y^2}

    with w white noise.  A frequency of 0.1 cycles per pixel is a period of 10 pixels.

    Parameters
    ----------
    shape : (N, C, H, W)
        Every plane is drawn separately.
    low, high : float
        Cycles per pixel, 0 <= low < high.  Along rows and columns 0.5 is the highest frequency there is, along
        diagonals 0.707.  The mean (frequency 0) is never part of the band.
    std : float
        Root mean square of every plane, met exactly (to rounding).
    seed : int, torch.Generator or None
        None draws from torch's global generator.
    dtype, device
        Of the result; the numbers are drawn in float64 on the CPU, so a seed gives one picture everywhere.

    Raises
    ------
    TypeError, ValueError
        If a value is out of range, or the grid has no frequency in the band (the message says which it has).
    """
    planes = _shape(shape)
    _validate.positive("std", std)
    _validate.in_range("low", low, 0, math.sqrt(0.5))
    if not low < high:
        raise ValueError(f"high must be above low, got low={low!r}, high={high!r}")
    radius = _radius(planes)
    # The tolerance lets a band that is given as 1/3 or 0.1 contain the grid's own 1/3 or 0.1.
    keep = (radius > 0) & (radius >= low - 1e-12) & (radius <= high + 1e-12)
    if not keep.any():
        raise ValueError(
            f"low={low:g} and high={high:g} enclose no frequency of a {planes[2]} x {planes[3]} grid, which has "
            f"multiples of 1/{planes[2]} and 1/{planes[3]} cycles per pixel; widen the band or use a larger picture"
        )
    return _filtered(planes, keep.double(), std, seed).to(device=device, dtype=dtype)


def correlated_noise(
    shape: Sequence[int],
    *,
    length: float,
    std: float,
    seed: Seed = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Tensor:
    r"""Return white noise blurred by a Gaussian of standard deviation `length` pixels: grain at 0, splotches at 4.

    .. math:: n = c\, G_{length} * w, \qquad \mathbb E\,[n(p)\,n(q)] \propto e^{-|p - q|^2 / (4\, length^2)}

    Parameters
    ----------
    shape : (N, C, H, W)
        Every plane is drawn separately.
    length : float
        Pixels, at least 0; 0 is white noise.
    std : float
        Root mean square of every plane, met exactly (to rounding); the mean is 0.
    seed, dtype, device
        As in `band_noise`.

    Raises
    ------
    TypeError, ValueError
        If a value is out of range, or a plane has one pixel only (it cannot have mean 0 and a spread).
    """
    planes = _shape(shape)
    _validate.positive("std", std)
    _validate.in_range("length", length, 0, max(planes[2:]))
    if planes[2] * planes[3] == 1:
        raise ValueError(f"shape must have more than one pixel in a plane, got {planes}")
    radius = _radius(planes)
    # The Fourier transform of a Gaussian of standard deviation s is exp(-2 (pi s f)^2).
    gain = torch.exp(-2 * (math.pi * length * radius) ** 2)
    gain[0, 0] = 0
    return _filtered(planes, gain, std, seed).to(device=device, dtype=dtype)


def _shape(shape: Sequence[int]) -> tuple[int, int, int, int]:
    """Return the four sizes, or say what is wrong with them."""
    sizes = tuple(shape)
    if len(sizes) != 4:
        raise ValueError(f"shape must be (N, C, H, W), got {sizes}")
    n, c, h, w = (_validate.count(f"shape[{axis}]", size) for axis, size in enumerate(sizes))
    return n, c, h, w


def _radius(planes: tuple[int, int, int, int]) -> Tensor:
    """Return |f| in cycles per pixel on the half plane that `torch.fft.rfft2` uses."""
    rows = torch.fft.fftfreq(planes[2], dtype=torch.float64)[:, None]
    columns = torch.fft.rfftfreq(planes[3], dtype=torch.float64)[None, :]
    return torch.hypot(rows, columns)


def _filtered(planes: tuple[int, int, int, int], gain: Tensor, std: float, seed: Seed) -> Tensor:
    """Filter white noise and give every plane the exact root mean square."""
    white = standard_normal(planes, seed)
    noise = torch.fft.irfft2(torch.fft.rfft2(white) * gain, s=planes[2:])
    return noise * (std / noise.square().mean(dim=(-2, -1), keepdim=True).sqrt())
