r"""Phase congruency: where the waves that make up an image are in step, as they are at edges and lines.

Kovesi, "Image features from phase congruency" (1999), in the form that FSIM uses (his PC2).  An image is filtered with
log-Gabor wavelets at four scales s and four orientations o, even :math:`e_{so}` and odd :math:`o_{so}`; with the
amplitude :math:`A_{so} = \sqrt{e_{so}^2 + o_{so}^2}`, the sums over scales :math:`E_o, O_o` and their length
:math:`L_o`,

.. math:: PC = \frac{\sum_o \max(W_o - T_o,\, 0)}{\sum_o \sum_s A_{so}}, \qquad
   W_o = \frac{L_o^2 - \sum_s \lvert e_{so} O_o - o_{so} E_o\rvert}{L_o + \varepsilon}.

The threshold :math:`T_o` is what noise alone would reach, estimated from the median of the squared amplitude at the
finest scale; both it and :math:`\varepsilon = 10^{-4}` belong to the definition, for images in 0 ... 255.
"""

from __future__ import annotations

import math
from operator import index
from typing import NamedTuple

import torch
from torch import Tensor

from ..keeping import Shelf, called_while_tracing
from .magnitudes import length

SCALES = 4
ORIENTATIONS = 4
#: In pixels; each scale has twice the wavelength of the one before.
SHORTEST_WAVE = 6
#: Bandwidth of a log-Gabor filter: its deviation in log frequency is -log of this.
SIGMA_ON_F = 0.55
#: Standard deviation of a filter's angle.
THETA_SIGMA = math.pi / ORIENTATIONS / 1.2
#: Radius and order of the Butterworth low-pass that keeps the corners of the spectrum out.
CUTOFF, SHARPNESS = 0.45, 15
#: Deviations above the mean of the noise at which energy begins to count, and Kovesi's empirical divisor.
NOISE_DEVIATIONS, OVERESTIMATE = 2.0, 1.7
EPSILON = 1e-4


class Bank(NamedTuple):
    """Filters for one size of image, on the half of the spectrum that a real image needs."""

    radial: Tensor  # (SCALES, H, W // 2 + 1)
    even: Tensor  # (ORIENTATIONS, 1, H, W // 2 + 1)
    odd: Tensor
    noise: tuple[float, ...]  # for each orientation, threshold by root of median squared amplitude


#: Filters of the last sizes.
BANKS: Shelf[Bank] = Shelf(8)


def _frequencies(size: int) -> Tensor:
    """Return the frequencies of a transform in its own order; odd sizes span [-1/2, 1/2], even ones [-1/2, 1/2)."""
    steps = torch.arange(size, dtype=torch.float64) - size // 2
    return torch.fft.ifftshift(steps / (size - size % 2))


def _build(height: int, width: int) -> Bank:
    v, u = torch.meshgrid(_frequencies(height), _frequencies(width), indexing="ij")
    radius, theta = torch.hypot(u, v), torch.atan2(-v, u)
    low_pass = 1 / (1 + (radius / CUTOFF) ** (2 * SHARPNESS))
    radius[0, 0] = 1  # the logarithm needs a number; the mean is taken out below
    waves = torch.tensor([SHORTEST_WAVE * 2.0**s for s in range(SCALES)], dtype=torch.float64).view(-1, 1, 1)
    radial = torch.exp(-((radius * waves).log() ** 2) / (2 * math.log(SIGMA_ON_F) ** 2)) * low_pass
    radial[:, 0, 0] = 0
    angles = torch.arange(ORIENTATIONS, dtype=torch.float64).view(-1, 1, 1) * math.pi / ORIENTATIONS
    distance = torch.atan2(torch.sin(theta - angles), torch.cos(theta - angles))
    angular = torch.exp(-(distance**2) / (2 * THETA_SIGMA**2))
    # A real image filtered by f gives e + io with e from the part of f that is even in the frequency, o from the odd.
    mirrored = angular.flip(1, 2).roll((1, 1), (1, 2))
    even, odd = (angular + mirrored) / 2, (angular - mirrored) / 2
    # Squared amplitudes of white noise are exponentially distributed, so their mean is their median / log 2; the length
    # of the sum over scales has a Rayleigh distribution with parameter tau.
    power = (radial[0] * angular).square().sum(dim=(1, 2)) * math.log(2)
    tau = ((radial.sum(dim=0) * even).square().sum(dim=(1, 2)) / power).sqrt()
    noise = tau * (math.sqrt(math.pi / 2) + NOISE_DEVIATIONS * math.sqrt(2 - math.pi / 2)) / OVERESTIMATE
    half = width // 2 + 1
    return Bank(
        radial[..., :half].contiguous(),
        even[:, None, :, :half].contiguous(),
        odd[:, None, :, :half].contiguous(),
        tuple(noise.tolist()),
    )


def _made(height: int, width: int, dtype: torch.dtype, device: str) -> Bank:
    made = _build(height, width)
    radial, even, odd = (part.to(device=device, dtype=dtype) for part in (made.radial, made.even, made.odd))
    return Bank(radial, even, odd, made.noise)


@called_while_tracing
def bank(height: int, width: int, dtype: torch.dtype, device: str) -> Bank:
    """Return the filters for one size, computed in float64 and cast once; those of the last few sizes are kept.

    Compiled code holds them as constants.
    """
    return BANKS.get((height, width, dtype, device), lambda: _made(height, width, dtype, device))


def _middle(amplitude: Tensor) -> Tensor:
    """Return the root of the median of A^2 over the pixels, (..., H, W) to (..., 1, 1).

    Of an even number of pixels the middle two are averaged.  `torch.median` gives the lower of these; the upper is the
    same, if enough pixels reach no higher, or the next.
    """
    flat = amplitude.flatten(-2)
    lower = flat.median(dim=-1, keepdim=True).values
    above = flat > lower
    next_one = torch.where(above, flat, math.inf).amin(dim=-1, keepdim=True)
    upper = torch.where(above.sum(dim=-1, keepdim=True) < flat.shape[-1] - flat.shape[-1] // 2, lower, next_one)
    return length(lower, upper)[..., None] / math.sqrt(2)


def phase_congruency(x: Tensor) -> Tensor:
    """Return PC of grey images in 0 ... 255: (N, 1, H, W) to the same, in [0, 1].  It is 0 where nothing oscillates."""
    height, width = (index(side) for side in x.shape[-2:])  # numbers also where torch.compile would take symbols
    filters = bank(height, width, x.dtype, str(x.device))
    # No filter sees the mean; without it flat images are exactly 0, and others keep their digits.
    spectrum = torch.fft.rfft2(x - x[..., :1, :1].detach()) * filters.radial
    turned = torch.view_as_complex(torch.stack((spectrum.imag, -spectrum.real), dim=-1))  # times -i
    energy, total = torch.zeros_like(x), torch.zeros_like(x)
    for even, odd, noise in zip(filters.even, filters.odd, filters.noise, strict=True):
        waves = torch.fft.irfft2(
            torch.stack((spectrum * even, turned * odd)), s=(height, width)
        )  # (2, N, SCALES, H, W)
        e, o = waves[0], waves[1]
        amplitude = length(e, o)
        sum_e, sum_o = e.sum(dim=1, keepdim=True), o.sum(dim=1, keepdim=True)
        whole = length(sum_e, sum_o)
        out_of_step = (e * sum_o - o * sum_e).abs().sum(dim=1, keepdim=True)
        in_step = (whole.square() - out_of_step) / (whole + EPSILON)
        energy = energy + (in_step - noise * _middle(amplitude[:, :1])).clamp_min(0)
        total = total + amplitude.sum(dim=1, keepdim=True)
    silent = total == 0
    return torch.where(silent, 0, energy / torch.where(silent, 1, total))


__all__ = ["SHORTEST_WAVE", "phase_congruency"]
