r"""The scene of the SSIM explorable: a photograph or flat grey, and a disturbance of one size at a fixed mean square.

The page computes the same numbers with the same formulas; a test holds the two together.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .. import _validate, data, filters
from .draws import draws

#: Side of the picture in pixels.
SIZE = 96
#: Level of the flat ground.
FLAT = 0.5
#: Seed of the disturbance's amplitudes, and the width of its band of frequencies as a standard deviation in log f.
#: With this seed the measured price on flat ground stays within 4 % of `flat_price` for wavelengths from 3 px up.
SEED, BANDWIDTH = 111, 0.12


def amplitudes(size: int = SIZE) -> Tensor:
    """Return one number from -1 to 1 for each cosine, (size, size), from a generator that the page can repeat."""
    return 2 * draws(size * size, seed=SEED).view(size, size) - 1


def disturbance(wavelength: float, *, rms: float = 1.0, size: int = SIZE) -> Tensor:
    r"""Return noise of one wavelength, in all directions, whose mean square is the same for every wavelength.

    It is a sum of cosines whose frequencies lie in a narrow band about :math:`1/\lambda`,

    .. math:: d(i, j) \propto \sum_{m,n} a_{mn}\, e^{-\ln^2(\lambda f_{mn})/2b^2}
       \cos\frac{\pi m i}{N-1} \cos\frac{\pi n j}{N-1}, \qquad f_{mn} = \frac{\sqrt{m^2+n^2}}{2(N-1)},

    with fixed random :math:`a_{mn}`.  Each cosine continues itself when the picture is mirrored at its border, so a
    blur with ``padding="reflect"`` only scales it, and what holds on an endless plane holds here.

    Parameters
    ----------
    wavelength : float
        In pixels: 2 is grain, 64 or 128 a splotch.
    rms : float
        Root of the mean square, exact on this picture; adding the pattern to an image costs an MSE of ``rms**2``.
    size : int
        Side of the picture, N.

    Returns
    -------
    Tensor
        (1, 1, size, size), float64.

    Examples
    --------
    >>> d = disturbance(64, rms=0.02)
    >>> round(d.square().mean().sqrt().item(), 12)
    0.02
    """
    wavelength, rms = _validate.positive("wavelength", wavelength), _validate.positive("rms", rms)
    order = torch.arange(size, dtype=torch.float64)
    cosines = torch.cos(torch.outer(order, order) * (math.pi / (size - 1)))
    frequency = torch.hypot(order[:, None], order[None, :]) / (2 * (size - 1))
    deviation = torch.log(frequency * wavelength) / BANDWIDTH
    # beyond eight deviations a weight is 1e-14; left out, because so small numbers are slow to multiply
    weight = torch.where(deviation.abs() < 8, amplitudes(size) * torch.exp(-0.5 * deviation**2), 0.0)
    pattern = cosines @ weight @ cosines
    return (pattern * (rms / pattern.square().mean().sqrt()))[None, None]


def flat_price(frequency: float, sigma: float, *, level: float = FLAT) -> float:
    r"""Return what SSIM charges for a sinusoid on flat ground, relative to MSE, when the sinusoid is weak.

    .. math:: W(f) = \frac{G(f)^2}{2\mu^2 + C_1} + \frac{1 - G(f)^2}{C_2}, \qquad
       G(f) = \sum_k G_\sigma(k) \cos 2\pi f k

    Parameters
    ----------
    frequency : float
        Cycles per pixel, along one axis.
    sigma : float
        Width of SSIM's window in pixels.
    level : float
        Level of the ground, :math:`\mu`.

    Examples
    --------
    >>> round(flat_price(1 / 128, 1.5), 1), round(flat_price(1 / 2, 1.5))  # a splotch, grain
    (8.0, 1111)
    """
    window = filters.gaussian_window(sigma)
    offset = torch.arange(window.numel(), dtype=torch.float64) - window.numel() // 2
    power = (window * torch.cos(2 * math.pi * frequency * offset)).sum().item() ** 2
    return power / (2 * level**2 + 0.01**2) + (1 - power) / 0.03**2


def camera_crop() -> Tensor:
    """Return sky, buildings and lawn of the photograph "camera", halved: a crop (1, 1, 96, 96), float64.

    Values are whole 255ths, so that the page can hold them as bytes.
    """
    halved = data.downsample2(data.photograph("camera").double())
    return (data.crop(halved, 52, 160, SIZE) * 255).round() / 255
