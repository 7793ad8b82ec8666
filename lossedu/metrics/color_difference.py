r"""CIEDE2000: how different two colours look, as the CIE's committee on colour differences measures it.

Sharma, Wu and Dalal, "The CIEDE2000 color-difference formula: implementation notes, supplementary test data, and
mathematical observations" (2005).  For two colours :math:`(L^*, a^*, b^*)`, with :math:`a' = (1+G)\,a^*`, the length
:math:`C'` and the angle :math:`h'` of :math:`(a', b^*)`,

.. math:: \Delta E_{00} = \sqrt{
   \Bigl(\frac{\Delta L'}{S_L}\Bigr)^2 + \Bigl(\frac{\Delta C'}{S_C}\Bigr)^2 + \Bigl(\frac{\Delta H'}{S_H}\Bigr)^2
   + R_T \frac{\Delta C'}{S_C} \frac{\Delta H'}{S_H}}, \qquad
   \Delta H' = 2\sqrt{C'_1 C'_2}\,\sin\frac{h'_2 - h'_1}{2}.

Written down so, it has no slope at greys, where the angle is undefined, nor for equal colours.  Here
:math:`\Delta H'^2 = 2\,(C'_1 C'_2 - a'_1 a'_2 - b_1 b_2)` has one: a grey pixel is pulled towards the colour it lacks.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .. import _validate
from .magnitudes import length, power

#: Rows of the matrix from linear sRGB to XYZ (IEC 61966-2-1) over their sums, which are the white: the weights of R and
#: B in X, Y and Z as parts of the white's.  G has the rest, so that greys are neutral to the last bit.
WEIGHTS = ((0.4124 / 0.9505, 0.1805 / 0.9505), (0.2126, 0.0722), (0.0193 / 1.0890, 0.9505 / 1.0890))

#: Squared chroma below which a colour counts as grey, with no hue.
GREY = 1e-20


def lab(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    r"""Return CIELAB of display sRGB: (N, 3, H, W) in [0, 1] to three planes (N, H, W), for the white D65.

    .. math:: L^* = 116 f(Y/Y_n) - 16,\quad a^* = 500\,(f(X/X_n) - f(Y/Y_n)),\quad b^* = 200\,(f(Y/Y_n) - f(Z/Z_n)),

    with :math:`f(t) = t^{1/3}` above :math:`(6/29)^3` and the tangent there, :math:`\tfrac{841}{108}t + \tfrac{4}{29}`,
    below.  Values outside [0, 1] count as the nearest end.
    """
    x = x.clamp(0, 1)
    linear = torch.where(x <= 0.04045, x / 12.92, ((x.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4)
    red, green, blue = linear.unbind(1)
    f_x, f_y, f_z = (_lightness(green + r * (red - green) + b * (blue - green)) for r, b in WEIGHTS)
    return 116 * f_y - 16, 500 * (f_x - f_y), 200 * (f_y - f_z)


def _lightness(t: Tensor) -> Tensor:
    """Return the cube root, and its tangent for dark colours."""
    knee = (6 / 29) ** 3
    return torch.where(t > knee, t.clamp(min=knee) ** (1 / 3), (841 / 108) * t + 4 / 29)


def _hue(a: Tensor, b: Tensor, colored: Tensor) -> Tensor:
    """Return the angle of (a, b) in [0, 2 pi), and 0 with slope 0 for greys."""
    angle = torch.atan2(torch.where(colored, b, 0), torch.where(colored, a, 1))
    return torch.where(angle < 0, angle + 2 * math.pi, angle)


def _saturation(chroma: Tensor) -> Tensor:
    r"""Return :math:`\sqrt{C^7 / (C^7 + 25^7)}`."""
    ratio = chroma / 25
    return ratio**3.5 / (ratio**7 + 1).sqrt()


def _mean_hue(h_1: Tensor, h_2: Tensor, both: Tensor) -> Tensor:
    """Return the middle of the shorter arc between two hues; where one colour is grey, the hue of the other."""
    total = h_1 + h_2
    far = both & ((h_1 - h_2).abs() > math.pi)
    around = torch.where(total < 2 * math.pi, total + 2 * math.pi, total - 2 * math.pi)
    return torch.where(both, torch.where(far, around, total) / 2, total)


def difference(one: tuple[Tensor, Tensor, Tensor], two: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """Return CIEDE2000 of two colours in CIELAB with parametric factors 1; three planes of one shape each."""
    (l_1, a_1, b_1), (l_2, a_2, b_2) = one, two
    stretch = 1.5 - 0.5 * _saturation((length(a_1, b_1) + length(a_2, b_2)) / 2)
    a_1, a_2 = stretch * a_1, stretch * a_2
    c_1, c_2 = length(a_1, b_1), length(a_2, b_2)
    colored_1, colored_2 = (a.square() + b.square() > GREY for a, b in ((a_1, b_1), (a_2, b_2)))
    both = colored_1 & colored_2
    h_1, h_2 = _hue(a_1, b_1, colored_1), _hue(a_2, b_2, colored_2)
    lightness, chroma, hue = (l_1 + l_2) / 2, (c_1 + c_2) / 2, _mean_hue(h_1, h_2, both)

    # dH two ways: by the cross product where the hues are less than a right angle apart (no digits cancel there), and
    # by the scalar product elsewhere.
    product, dot = c_1 * c_2, a_1 * a_2 + b_1 * b_2
    cross = a_1 * (b_2 - b_1) - (a_2 - a_1) * b_1
    near = both & (dot > GREY)
    half = torch.where(near, (product + dot) / 2, 1)
    apart = 2 * (product - dot)
    turn = torch.where((h_2 - h_1).abs() > math.pi, h_1 - h_2, h_2 - h_1).sign()
    root = turn * power(torch.where(both & ~near, apart, 0), 0.5)
    d_hue = torch.where(near, cross / half.sqrt(), root)
    d_hue_squared = torch.where(near, cross.square() / half, apart)

    t = (
        1
        - 0.17 * (hue - math.radians(30)).cos()
        + 0.24 * (2 * hue).cos()
        + 0.32 * (3 * hue + math.radians(6)).cos()
        - 0.20 * (4 * hue - math.radians(63)).cos()
    )
    from_middle = (lightness - 50).square()
    s_l = 1 + 0.015 * from_middle / (20 + from_middle).sqrt()
    s_c, s_h = 1 + 0.045 * chroma, 1 + 0.015 * chroma * t
    angle = math.radians(60) * (-((hue - math.radians(275)) / math.radians(25)).square()).exp()
    r_t = -2 * _saturation(chroma) * angle.sin()
    d_chroma = (c_2 - c_1) / s_c
    square = ((l_2 - l_1) / s_l).square() + d_chroma.square() + d_hue_squared / s_h.square()
    return power(square + r_t * d_chroma * d_hue / s_h, 0.5)


def ciede2000_map(x: Tensor, y: Tensor, *, data_range: float = 1.0) -> Tensor:
    """CIEDE2000 of every pixel: see `ciede2000`, whose arguments and errors it shares.

    Returns
    -------
    Tensor
        Shape (N, 1, H, W), at least 0.

    Examples
    --------
    >>> ciede2000_map(torch.zeros(1, 3, 2, 4), torch.ones(1, 3, 2, 4)).shape
    torch.Size([1, 1, 2, 4])
    """
    x, y = _validate.images(x, y)
    if x.shape[1] != 3:
        raise ValueError(
            f"x and y must have 3 channels (sRGB), got {x.shape[1]}; a grey picture becomes one with "
            "x.expand(-1, 3, -1, -1)"
        )
    data_range = _validate.positive("data_range", data_range)
    limits = torch.finfo(x.dtype)
    if not limits.tiny <= data_range <= limits.max:
        raise ValueError(f"data_range must be a number that {x.dtype} can hold, got {data_range!r}")
    with torch.autocast(x.device.type, enabled=False):
        # one after the other, in the same order: equal pictures are then equal bit by bit
        return difference(lab(x / data_range), lab(y / data_range))[:, None]


def ciede2000(x: Tensor, y: Tensor, *, data_range: float = 1.0, reduction: str = "mean") -> Tensor:
    r"""Mean colour difference CIEDE2000 over the pixels (Sharma, Wu and Dalal, 2005).

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, 3, H, W), stored values of sRGB as a display gets them.
    data_range : float
        Width of the nominal range: 1.0 for images in [0, 1], 255 for 0 ... 255.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        At least 0, lower is better; 0 for equal images, with gradient 0.  Black against white is 100.  A difference of
        1 is about what a trained eye just sees, between two large patches side by side.  Symmetric.  float32 for
        half-precision input.

    Raises
    ------
    TypeError, ValueError
        For no floating (N, C, H, W) pair, other channels than 3, or `data_range` not above 0.

    Notes
    -----
    Convention: the mean over pixels of :math:`\Delta E_{00}` with :math:`k_L = k_C = k_H = 1`.  sRGB is decoded by IEC
    61966-2-1, with its matrix to XYZ; the white is the display's own (D65), so that greys have no chroma.  Values
    outside [0, 1] count as the nearest end and have gradient 0; a value on the end feels the pull from inside.
    ``skimage.color.deltaE_ciede2000`` on ``rgb2lab`` has a matrix and a white of other decimals: on photographs the
    mean differs by about a thousandth, and single pixels near the jumps by more.
    The formula itself has jumps: where two hues are just opposite, the middle between them changes sides.  Between a
    grey and a colour the slope is that of :math:`\Delta H'^2` alone, without the kink of :math:`\Delta C'`.
    It was fitted to differences below about 5; of large ones it says little more than that they are large.

    Examples
    --------
    >>> x = torch.tensor([0.5, 0.5, 0.5]).view(1, 3, 1, 1)
    >>> round(ciede2000(x, x + torch.tensor([0.1, 0.0, 0.0]).view(1, 3, 1, 1)).item(), 2)
    11.48
    """
    return _validate.reduce(ciede2000_map(x, y, data_range=data_range).mean(dim=(1, 2, 3)), reduction)


__all__ = ["ciede2000", "ciede2000_map", "difference", "lab"]
