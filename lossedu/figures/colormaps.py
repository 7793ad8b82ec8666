r"""Colour scales of maps: one for amounts, one for signs.

Amounts use matplotlib's viridis, which is even to the eye and to the colour-blind.  Signs use a diverging scale made
here: two straight lines in CIELAB that leave the same near-white and end at the same lightness and chroma, blue for
negative and rust for positive.  Equal steps of the value are then equal colour differences, and :math:`+v` and
:math:`-v` weigh the same.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from matplotlib.colors import ListedColormap
from numpy.typing import NDArray

# White of sRGB (D65) and the matrix from XYZ to linear sRGB, IEC 61966-2-1.
_WHITE = np.array([0.95047, 1.0, 1.08883])
_XYZ_TO_RGB = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)


def _srgb(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sRGB in [0, 1] for CIELAB colours in the last axis."""
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], axis=-1)
    xyz = _WHITE * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    linear = np.clip(xyz @ _XYZ_TO_RGB.T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def _lab(lightness: float, chroma: float, hue: float) -> NDArray[np.float64]:
    """Return CIELAB from lightness, chroma and hue in degrees."""
    angle = math.radians(hue)
    return np.array([lightness, chroma * math.cos(angle), chroma * math.sin(angle)])


@cache
def signed_colormap() -> ListedColormap:
    """The diverging scale of every signed map: blue below zero, near-white at zero, rust above.

    Returns
    -------
    matplotlib.colors.ListedColormap
        257 colours, so that zero has one of its own in the middle.
    """
    zero, negative, positive = _lab(97, 0, 0), _lab(34, 58, 290), _lab(34, 58, 50)
    t = np.linspace(0, 1, 129)[:, None]
    below, above = zero + t * (negative - zero), zero + t * (positive - zero)
    return ListedColormap(_srgb(np.concatenate([below[:0:-1], above])), name="lossedu signed")
