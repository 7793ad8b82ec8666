r"""What a display with a high dynamic range is sent: the PQ curve, and the wide primaries of BT.2020.

SMPTE ST 2084 gives an absolute luminance Y in cd/m² the code

.. math:: E = \left(\frac{c_1 + c_2 u}{1 + c_3 u}\right)^{m_2}, \qquad u = \left(\frac{Y}{10000}\right)^{m_1},

with :math:`m_1 = 2610/16384`, :math:`m_2 = 2523/32`, :math:`c_1 = 107/128`, :math:`c_2 = 2413/128` and
:math:`c_3 = 2392/128`.  Equal steps of the code are steps of about equal visibility.  ITU-R BT.2100 takes it over.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import torch
from torch import Tensor

from .. import _validate

#: Exponents and coefficients of the PQ curve, as the standard has them.
M1, M2 = Fraction(2610, 16384), Fraction(2523, 32)
C1, C2, C3 = Fraction(107, 128), Fraction(2413, 128), Fraction(2392, 128)

#: The luminance of the highest code, in cd/m².
PEAK = 10000.0

_Matrix = tuple[tuple[Fraction, ...], ...]

#: x and y of red, green, blue and white, in ten-thousandths (ITU-R BT.709 and BT.2020).
_BT709 = ((6400, 3300), (3000, 6000), (1500, 600), (3127, 3290))
_BT2020 = ((7080, 2920), (1700, 7970), (1310, 460), (3127, 3290))


def pq_encode(luminance: Tensor) -> Tensor:
    """Turn absolute luminance into PQ codes (SMPTE ST 2084).

    Parameters
    ----------
    luminance : Tensor
        (N, C, H, W), floating, in cd/m².  Below 0 counts as 0 and above 10000 as 10000, with gradient 0.

    Returns
    -------
    Tensor
        Same shape, in [0, 1]; 100 cd/m² is 0.508, 1000 is 0.752, and 10000 is 1.  float32 for half-precision input.

    Raises
    ------
    TypeError, ValueError
        If `luminance` is not such a tensor.

    Notes
    -----
    Convention: the code of 0 is 7.3e-7, as the formula has it.  The slope grows without bound towards 0, where the
    gradient is 0.

    Examples
    --------
    >>> pq_encode(torch.tensor([[[[100.0, 1000.0, 10000.0]]]]))
    tensor([[[[0.5081, 0.7518, 1.0000]]]])
    """
    _validate.image("luminance", luminance)
    y = luminance.to(_validate.working_dtype(luminance)).clamp(0, PEAK) / PEAK
    black = y <= 0
    u = torch.where(black, 0, torch.where(black, 1, y) ** float(M1))
    return ((float(C1) + float(C2) * u) / (1 + float(C3) * u)) ** float(M2)


def pq_decode(code: Tensor) -> Tensor:
    """Turn PQ codes into absolute luminance: the inverse of `pq_encode`.

    Parameters
    ----------
    code : Tensor
        (N, C, H, W), floating.  Codes below that of 0 cd/m² count as it, and above 1 as 1, with gradient 0.

    Returns
    -------
    Tensor
        Same shape, in cd/m², from 0 to 10000.  float32 for half-precision input.

    Raises
    ------
    TypeError, ValueError
        If `code` is not such a tensor.

    Examples
    --------
    >>> pq_decode(torch.tensor([[[[0.5]]]])).round().item()
    92.0
    """
    _validate.image("code", code)
    e = code.to(_validate.working_dtype(code))
    root = e.clamp(float(C1) ** float(M2), 1) ** (1 / float(M2))
    u = (root - float(C1)).clamp(min=0) / (float(C2) - float(C3) * root)
    return PEAK * u ** (1 / float(M1))


def _product(a: _Matrix, b: _Matrix) -> _Matrix:
    columns = tuple(zip(*b, strict=True))
    return tuple(tuple(sum((u * v for u, v in zip(r, c, strict=True)), Fraction()) for c in columns) for r in a)


def _inverse(m: _Matrix) -> _Matrix:
    """Return the inverse of a 3 x 3 matrix by its cofactors."""

    def cofactor(i: int, j: int) -> Fraction:
        p, q, r, s = (i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3
        return m[p][r] * m[q][s] - m[p][s] * m[q][r]

    determinant = sum((m[0][j] * cofactor(0, j) for j in range(3)), Fraction())
    return tuple(tuple(cofactor(j, i) / determinant for j in range(3)) for i in range(3))


def _to_xyz(primaries: tuple[tuple[int, int], ...]) -> _Matrix:
    """Return the matrix from linear RGB to XYZ that gives (1, 1, 1) the white, with Y = 1."""
    points = [(Fraction(x), Fraction(y), Fraction(10000 - x - y)) for x, y in primaries]
    columns = tuple(zip(*points[:3], strict=True))
    white = tuple((v / points[3][1],) for v in points[3])
    gains = _product(_inverse(columns), white)
    return tuple(tuple(v * gain for v, (gain,) in zip(row, gains, strict=True)) for row in columns)


@cache
def _matrix(wider: bool) -> tuple[tuple[float, ...], ...]:
    """Return the matrix from BT.709 to BT.2020, or back."""
    narrow, wide = _to_xyz(_BT709), _to_xyz(_BT2020)
    exact = _product(_inverse(wide), narrow) if wider else _product(_inverse(narrow), wide)
    return tuple(tuple(map(float, row)) for row in exact)


def _mixed(name: str, x: Tensor, wider: bool) -> Tensor:
    _validate.image(name, x)
    if x.shape[1] != 3:
        raise ValueError(f"{name} must have 3 channels (linear RGB), got shape {tuple(x.shape)}")
    x = x.to(_validate.working_dtype(x))
    red, green, blue = x.unbind(1)
    # a product of matrices may be computed with fewer digits on a graphics card
    return torch.stack([r * red + g * green + b * blue for r, g, b in _matrix(wider)], dim=1)


def bt709_to_bt2020(x: Tensor) -> Tensor:
    """Express linear light of BT.709 (and sRGB) in the primaries of BT.2020 (ITU-R BT.2087).

    Parameters
    ----------
    x : Tensor
        (N, 3, H, W), floating, linear light on any scale.

    Returns
    -------
    Tensor
        Same shape.  What was not negative stays so, and greys stay what they are.  float32 for half-precision input.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor.

    Notes
    -----
    Convention: the matrix is made from the primaries with exact fractions; BT.2087 prints it with four decimals.

    Examples
    --------
    >>> bt709_to_bt2020(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)).flatten()
    tensor([0.6274, 0.0691, 0.0164])
    """
    return _mixed("x", x, True)


def bt2020_to_bt709(x: Tensor) -> Tensor:
    """Express linear light of BT.2020 in the primaries of BT.709: the inverse of `bt709_to_bt2020`.

    (N, 3, H, W), floating, to the same.  Colours that BT.709 cannot show get values below 0, which are left as they
    are.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor.
    """
    return _mixed("x", x, False)


__all__ = ["PEAK", "bt2020_to_bt709", "bt709_to_bt2020", "pq_decode", "pq_encode"]
