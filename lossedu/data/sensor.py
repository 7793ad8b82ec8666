r"""What a camera's sensor does to a picture: one colour at each pixel, and noise that grows with the light.

The joint denoising and demosaicking task of Zhao et al. (2017, section 3) is `noisy_bayer`: mosaic, noise,
clipping, and a first guess of the missing colours by bilinear interpolation.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import _validate
from .randomness import Seed, standard_normal_like

#: Pattern -> the channel (0 red, 1 green, 2 blue) measured at even row and column, even-odd, odd-even, odd-odd.
BAYER_PATTERNS = {"RGGB": (0, 1, 1, 2), "BGGR": (2, 1, 1, 0), "GRBG": (1, 0, 2, 1), "GBRG": (1, 2, 0, 1)}


def bayer_mosaic(x: Tensor, *, pattern: str = "RGGB") -> Tensor:
    """Keep one colour at each pixel, as the filter array of B. E. Bayer (US patent 3971065, 1976) does.

    Parameters
    ----------
    x : Tensor
        Shape (N, 3, H, W), floating.
    pattern : {"RGGB", "BGGR", "GRBG", "GBRG"}
        The colours of the 2x2 cell at the top left, row by row.

    Returns
    -------
    Tensor
        Shape (N, 1, H, W): ``m[:, 0, i, j] = x[:, c(i, j), i, j]``.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor, or `pattern` is unknown.
    """
    _validate.image("x", x)
    _validate.option("pattern", pattern, BAYER_PATTERNS)
    if x.shape[1] != 3:
        raise ValueError(f"x must have 3 channels (red, green, blue), got shape {tuple(x.shape)}")
    mask = _mask(pattern, x)
    # A choice, not a sum of products: a NaN in a channel that is not measured must not get through.
    return torch.where(mask, x, torch.zeros((), dtype=x.dtype, device=x.device)).sum(1, keepdim=True)


def demosaick_bilinear(m: Tensor, *, pattern: str = "RGGB") -> Tensor:
    r"""Fill in the missing colours with the weighted mean of the nearest measured ones.

    .. math:: z_c(p) = \frac{\sum_q k_c(q - p)\, \chi_c(q)\, m(q)}{\sum_q k_c(q - p)\, \chi_c(q)}

    :math:`\chi_c` is 1 where channel c was measured and 0 elsewhere and outside the image; :math:`k` is
    ``[[1, 2, 1], [2, 4, 2], [1, 2, 1]]`` for red and blue, ``[[0, 1, 0], [1, 4, 1], [0, 1, 0]]`` for green.

    Parameters
    ----------
    m : Tensor
        Shape (N, 1, H, W), floating, both sides at least 2 pixels.
    pattern : {"RGGB", "BGGR", "GRBG", "GBRG"}
        As for `bayer_mosaic`.

    Returns
    -------
    Tensor
        Shape (N, 3, H, W).  Measured samples come back bit for bit.

    Raises
    ------
    TypeError, ValueError
        If `m` is not such a tensor, or `pattern` is unknown.

    Notes
    -----
    Convention: inside the image this is ordinary bilinear interpolation, and affine ramps come out exactly.  At the
    border the mean is over the neighbours that exist, so constants are still exact and no dark edge appears.
    """
    _validate.image("m", m)
    _validate.option("pattern", pattern, BAYER_PATTERNS)
    if m.shape[1] != 1:
        raise ValueError(f"m must have 1 channel (a mosaic), got shape {tuple(m.shape)}; bayer_mosaic makes one")
    if min(m.shape[-2:]) < 2:
        raise ValueError(f"m must be at least 2 pixels high and wide to hold every colour, got {tuple(m.shape)}")
    mask = _mask(pattern, m)
    return _spread(torch.where(mask, m, torch.zeros((), dtype=m.dtype, device=m.device))) / _spread(mask.to(m.dtype))


def sensor_noise(x: Tensor, *, a: float = 0.005, b: float = 0.0001, clip: bool = True, seed: Seed = None) -> Tensor:
    r"""Add the signal-dependent noise of a digital sensor.

    .. math:: z = y + \sqrt{a\,y + b}\; n, \qquad n \sim \mathcal N(0, 1) \text{ at each pixel}

    Parameters
    ----------
    x : Tensor
        The clean picture y, shape (N, C, H, W), floating, nominally in [0, 1]; below 0 the variance is `b`.
    a, b : float
        Photon and read noise.  With 1/a photo-electrons at full well and a read noise of sqrt(b)/a electrons,
        the defaults (those of Zhao et al.) mean 200 electrons and 2 electrons.
    clip : bool
        Clip to [0, 1] as a sensor does.  The mean of what is clipped is biased near black and white.
    seed : int, torch.Generator or None
        None draws from torch's global generator.  A generator may be the CPU's, or one of the device of `x`.

    Returns
    -------
    Tensor
        Shape, dtype and device of `x`.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor, `a` or `b` is negative, or `seed` is of another type or device.

    Notes
    -----
    Source: Foi, Trimeche, Katkovnik, Egiazarian: Practical Poissonian-Gaussian Noise Modeling and Fitting for
    Single-Image Raw-Data, IEEE Trans. Image Processing 17(10), 2008; parameters: Zhao et al., IEEE Trans.
    Computational Imaging 3(1), 2017.

    Convention: numbers are drawn in float64 on the CPU and then moved, so one seed gives one picture on every device.
    A generator of another device draws there, in float32: faster, but the numbers depend on the kind of device.
    """
    _validate.image("x", x)
    _validate.in_range("a", a, 0.0, 1e6)
    _validate.in_range("b", b, 0.0, 1e6)
    noise = standard_normal_like(x, seed)
    z = x + (a * x.clamp(min=0) + b).sqrt() * noise
    return z.clamp(0, 1) if clip else z


def noisy_bayer(x: Tensor, *, a: float = 0.005, b: float = 0.0001, pattern: str = "RGGB", seed: Seed = None) -> Tensor:
    """Return what a network for joint denoising and demosaicking gets to see of the picture `x`.

    One noisy sample at each pixel, clipped, then interpolated:
    ``demosaick_bilinear(sensor_noise(bayer_mosaic(x), a=a, b=b))``.  The noise is put on the mosaic, so the
    interpolation spreads it over neighbours, as in a camera.

    Parameters and errors as for those three; shape (N, 3, H, W) in and out.
    """
    noisy = sensor_noise(bayer_mosaic(x, pattern=pattern), a=a, b=b, seed=seed)
    return demosaick_bilinear(noisy, pattern=pattern)


def _mask(pattern: str, like: Tensor) -> Tensor:
    """Return where each channel is measured: bool, shape (3, H, W)."""
    mask = torch.zeros(3, *like.shape[-2:], dtype=torch.bool, device=like.device)
    for place, channel in enumerate(BAYER_PATTERNS[pattern]):
        mask[channel, place // 2 :: 2, place % 2 :: 2] = True
    return mask


def _spread(x: Tensor) -> Tensor:
    """Correlate (..., 3, H, W) with the kernels of `demosaick_bilinear`, zeros outside.

    Written as sums of shifted pictures: a GPU's convolution may round its input to 10 bits.
    """
    rows = F.pad(x, (0, 0, 1, 1))
    vertical = rows[..., :-2, :] + rows[..., 2:, :]
    columns = F.pad(x, (1, 1, 0, 0))
    horizontal = columns[..., :-2] + columns[..., 2:]
    corners = F.pad(vertical, (1, 1, 0, 0))
    diagonal = corners[..., :-2] + corners[..., 2:]
    cross = vertical + horizontal + 4 * x
    full = diagonal + 2 * (vertical + horizontal) + 4 * x
    return torch.stack((full[..., 0, :, :], cross[..., 1, :, :], full[..., 2, :, :]), dim=-3)
