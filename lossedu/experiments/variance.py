r"""Making a sensor's noise equally strong everywhere, and the way back without bias.

For :math:`z = y + \sqrt{ay + b}\,n`, clipped to [0, 1], the generalised Anscombe transform

.. math:: f(z) = \frac2a \sqrt{\max(az + \tfrac38 a^2 + b,\, 0)}

has noise of variance 1 at all levels but those within a few standard deviations of black and white, where the sensor
clips.  A denoiser then returns about :math:`E[f(z)\,|\,y]`, and :math:`f^{-1}` of that is not y: f is bent, and what
was clipped is gone.  `Inverse` undoes the expectation itself, clipping included (Makitalo and Foi, Optimal inversion of
the generalized Anscombe transformation for Poisson-Gaussian noise, IEEE Trans. Image Processing 22(1), 2013, for noise
that is not clipped).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def stabilise(z: Array, a: float, b: float) -> Array:
    """Return the generalised Anscombe transform of noisy values."""
    return 2 / a * np.sqrt(np.maximum(a * z + 0.375 * a * a + b, 0))


def algebraic_inverse(d: Array, a: float, b: float) -> Array:
    """Return the z of ``stabilise(z) = d``: of a mean, a/4 too dark, and farther off where the sensor clips."""
    return a * d * d / 4 - 0.375 * a - b / a


class Inverse:
    """The exact unbiased inverse: the y in [0, 1] of which d is the expectation of ``stabilise(z)``.

    The expectation is a sum over 4001 values of the noise, at 4001 levels, and interpolated between them; what lies
    outside is black or white.
    """

    def __init__(self, a: float, b: float, *, clip: bool = True) -> None:
        self.levels = np.linspace(0, 1, 4001)
        noise = np.linspace(-8, 8, 4001)
        weight = np.exp(-(noise**2) / 2) * (noise[1] - noise[0]) / math.sqrt(2 * math.pi)
        self.expected = np.empty_like(self.levels)
        for place, y in enumerate(self.levels):
            z = y + math.sqrt(a * y + b) * noise
            self.expected[place] = weight @ stabilise(np.clip(z, 0, 1) if clip else z, a, b)

    def __call__(self, d: Array) -> Array:
        return np.interp(d, self.expected, self.levels)
