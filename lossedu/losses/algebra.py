r"""The algebra of SSIM in the sum and the difference of two images.

With :math:`p = x+y`, :math:`q = x-y` and their windowed means and variances :math:`M_p, M_q, V_p, V_q`,

.. math:: 1-l = \frac{2M_q^2}{M_p^2+M_q^2+2C_1}, \qquad 1-cs = \frac{2V_q}{V_p+V_q+2C_2}, \qquad
   1-l\,cs = (1-l) + (1-cs) - (1-l)(1-cs).

That takes four blurs where the textbook form takes five, it is exactly 0 for equal images, and it does not subtract
nearly equal numbers where it matters most: close to the optimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .. import filters

#: Up to this many pixels, blurs are made together: a small picture feels the cost of every call.
TOGETHER = 2**17


class Constants(NamedTuple):
    """C1, C2 and the middle of the range of x + y: variances do not mind it, and float32 keeps its digits."""

    c1: float
    c2: float
    middle: float


def constants(data_range: float, k1: float, k2: float, dtype: torch.dtype) -> Constants:
    """Return the constants for images of `dtype`, or raise `ValueError` if it cannot hold them."""
    a, b = k1 * data_range, k2 * data_range
    limits = torch.finfo(dtype)
    if not limits.tiny <= min(a * a, b * b) <= max(a * a, b * b) <= limits.max:
        raise ValueError(
            f"data_range must give constants (k1 * data_range)**2 and (k2 * data_range)**2 that {dtype} can hold, "
            f"got data_range={data_range:g}, k1={k1:g}, k2={k2:g}"
        )
    return Constants(a * a, b * b, data_range)


#: Index of windows in a folded picture: the image of a batch, channels, rows.
Place = tuple[slice, slice, slice]


class Luminance(NamedTuple):
    """At every window: the mean of p with the middle, the denominator, and 1 - l."""

    mu_p: Tensor
    denominator: Tensor
    one_minus_l: Tensor


class Terms(NamedTuple):
    """At every window: the means of p (less the middle) and q, the denominator of cs, 1 - cs, and what l has."""

    m_p: Tensor
    m_q: Tensor
    denominator: Tensor
    one_minus_cs: Tensor
    luminance: Luminance | None


def sum_and_difference(x: Tensor, y: Tensor, k: Constants, difference: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return p, less the middle of its range, and q, which may be known already, both folded."""
    x, y = filters.fold(x), filters.fold(y)
    return (x + y).sub_(k.middle), x - y if difference is None else filters.fold(difference)


def _moments(p: Tensor, q: Tensor, window: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the means of p and q, and their variances."""
    if p.numel() <= TOGETHER:
        m_p, m_q, v_p, v_q = filters.correlate(torch.cat((p, q, p * p, q * q)), window).split(1)
        return m_p, m_q, (v_p - m_p * m_p).clamp_min_(0), (v_q - m_q * m_q).clamp_min_(0)
    m_p, m_q = filters.correlate(p, window), filters.correlate(q, window)
    v_p = filters.correlate(p * p, window).sub_(m_p * m_p).clamp_min_(0)
    v_q = filters.correlate(q * q, window).sub_(m_q * m_q).clamp_min_(0)
    return m_p, m_q, v_p, v_q


def terms(p: Tensor, q: Tensor, window: Tensor, k: Constants, luminance: bool = True) -> Terms:
    """Return everything that 1 - l cs, or without `luminance` 1 - cs, and its slopes are made of."""
    # In place where the buffer is fresh: the time goes into touching memory, not into arithmetic.
    m_p, m_q, v_p, v_q = _moments(p, q, window)
    d_cs = v_p.add_(v_q).add_(2 * k.c2)
    one_minus_cs = v_q.div_(d_cs).mul_(2)
    if not luminance:
        return Terms(m_p, m_q, d_cs, one_minus_cs, None)
    mu_p = m_p + k.middle
    d_l = (mu_p * mu_p).add_(m_q * m_q).add_(2 * k.c1)
    return Terms(m_p, m_q, d_cs, one_minus_cs, Luminance(mu_p, d_l, (m_q * m_q).div_(d_l).mul_(2)))


def loss_map(t: Terms) -> Tensor:
    """Return 1 - l cs at every window, or 1 - cs where there is no luminance among the terms."""
    if t.luminance is None:
        return t.one_minus_cs
    one_minus_l = t.luminance.one_minus_l
    return (one_minus_l + t.one_minus_cs).sub_(one_minus_l * t.one_minus_cs)


def slopes(t: Terms, blank: Sequence[Place] = ()) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the derivatives of `loss_map` by G*p, G*q, G*p^2 and G*q^2 at every window, 0 at those that are `blank`.

    d(1 - l cs) = cs d(1 - l) + l d(1 - cs), and dV = d(G*p^2) - 2 (G*p) d(G*p).
    """
    to_cs = t.denominator.reciprocal() if t.luminance is None else (1 - t.luminance.one_minus_l).div_(t.denominator)
    for place in blank:
        to_cs[place] = 0
    square_p = (t.one_minus_cs * to_cs).neg_()
    square_q = (2 - t.one_minus_cs).mul_(to_cs)
    if t.luminance is None:
        return (t.m_p * square_p).mul_(-2), (t.m_q * square_q).mul_(-2), square_p, square_q
    mu_p, d_l, one_minus_l = t.luminance
    to_l = (1 - t.one_minus_cs).div_(d_l)
    for place in blank:
        to_l[place] = 0
    mean_p = (one_minus_l * mu_p).mul_(to_l).add_(t.m_p * square_p).mul_(-2)
    mean_q = (2 - one_minus_l).mul_(to_l).sub_(square_q).mul_(t.m_q).mul_(2)
    return mean_p, mean_q, square_p, square_q


def pull_back(slopes: tuple[Tensor, ...], p: Tensor, q: Tensor, window: Tensor, sign: int) -> Tensor:
    r"""Return the gradient in x (`sign` 1) or y (-1).

    With slopes m and s it is :math:`G^\top(m_p \pm m_q) + 2p\,G^\top s_p \pm 2q\,G^\top s_q`.
    """
    mean_p, mean_q, square_p, square_q = slopes
    mean = torch.add(mean_p, mean_q, alpha=sign)
    if p.numel() <= TOGETHER:
        mean, square_p, square_q = filters.correlate_adjoint(torch.cat((mean, square_p, square_q)), window).split(1)
        grad = torch.add(mean, square_p * p, alpha=2)
    else:
        grad = filters.correlate_adjoint(mean, window)
        grad.add_(filters.correlate_adjoint(square_p, window).mul_(p), alpha=2)
        square_q = filters.correlate_adjoint(square_q, window)
    return grad.add_(square_q * q, alpha=2 * sign)


__all__ = [
    "Constants",
    "Luminance",
    "Place",
    "Terms",
    "constants",
    "loss_map",
    "pull_back",
    "slopes",
    "sum_and_difference",
    "terms",
]
