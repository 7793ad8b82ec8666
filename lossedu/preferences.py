r"""Choices between two: how strong each candidate is, and how far a judge agrees with a metric.

The model of Bradley and Terry (1952) gives each candidate k a strength :math:`\theta_k`, and says that

.. math:: P(i \text{ is chosen over } j) = \frac{1}{1 + e^{-(\theta_i - \theta_j)}}.

A candidate that won all of its choices, or lost them all, would get an infinite strength.  Here every strength has a
normal distribution about 0 beforehand, which keeps it finite and pulls what is known from few choices towards 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from . import _validate

_NORMAL_975 = 1.959963984540054


class Strengths(NamedTuple):
    """Strengths, which add up to 0, and the standard deviation of each from the mean of all; float64, (K,)."""

    values: Tensor
    deviations: Tensor


class Share(NamedTuple):
    """A share of successes with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def bradley_terry(wins: Tensor | Sequence[Sequence[float]], *, spread: float = 1.0) -> Strengths:
    r"""Fit strengths to choices.

    .. math:: \hat\theta = \arg\max_\theta \sum_{i,j} n_{ij} \ln \frac{1}{1 + e^{-(\theta_i - \theta_j)}}
       - \frac{1}{2 s^2} \sum_k \theta_k^2

    Parameters
    ----------
    wins : (K, K) numbers
        ``wins[i][j]`` is how often i was chosen over j, at least 0.  A choice that could not be made counts one half
        each way.  The diagonal is not read.
    spread : float
        Standard deviation s of the strengths beforehand.  At 1, two candidates of which nothing is known lie so close
        that the stronger one is chosen in fewer than 94 of 100 choices, with 95 % probability.

    Returns
    -------
    Strengths
        The maximum, and :math:`\sqrt{\mathrm{diag}\, H^{-1} - s^2 / K}` with H the negative second derivative there.
        Choices say nothing of a level common to all strengths: only the prior holds it, and its variance
        :math:`s^2 / K` is taken off, so that a deviation is that of one strength from the mean of all.

    Raises
    ------
    TypeError, ValueError
        If `wins` is no square table of finite numbers of at least 0, or `spread` is not positive.

    Notes
    -----
    Source: R. A. Bradley and M. E. Terry, Rank analysis of incomplete block designs: I, Biometrika 39, 1952.  The
    sum is strictly concave thanks to the second term, so Newton's method with halved steps finds its only maximum.

    Examples
    --------
    >>> [round(value, 3) for value in bradley_terry([[0, 5], [0, 0]]).values.tolist()]
    [0.817, -0.817]
    """
    table = _validate.numbers("wins", wins).double()
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not len(table):
        raise ValueError(f"wins must be a square table of numbers, got shape {tuple(table.shape)}")
    if not bool((table.isfinite() & (table >= 0)).all()):
        raise ValueError("wins must be finite numbers of at least 0")
    _validate.positive("spread", spread)
    table = table * (1 - torch.eye(len(table), dtype=table.dtype))
    ridge = torch.eye(len(table), dtype=table.dtype) / spread**2
    theta = torch.zeros(len(table), dtype=table.dtype)
    for _ in range(50):
        gap = theta[:, None] - theta
        lost = table * torch.sigmoid(-gap)
        slope = lost.sum(dim=1) - lost.sum(dim=0) - theta / spread**2
        bent = (table + table.T) * torch.sigmoid(gap) * torch.sigmoid(-gap)
        curvature = bent.sum(dim=1).diag() - bent + ridge
        step = torch.linalg.solve(curvature, slope)
        theta = theta + step / max(1.0, float(step.abs().max()))
        if float(step.abs().max()) < 1e-12:
            break
    variances = torch.linalg.inv(curvature).diagonal() - spread**2 / len(table)
    return Strengths(theta, variances.clamp(min=0).sqrt())


def wilson(successes: float, count: float) -> Share:
    r"""Return a share and the 95 % interval of Wilson (1927), which stays inside [0, 1]; z = 1.96.

    .. math:: \frac{k + z^2/2}{n + z^2} \pm \frac{z}{n + z^2} \sqrt{\frac{k (n - k)}{n} + \frac{z^2}{4}}

    Raises
    ------
    ValueError
        If `successes` does not lie from 0 to `count`.

    Examples
    --------
    >>> [round(end, 2) for end in wilson(15, 20)]
    [0.75, 0.53, 0.89]
    """
    count = _validate.in_range("count", count, 0, 1e12)
    successes = _validate.in_range("successes", successes, 0, count)
    if not count:
        return Share(0.5, 0.0, 1.0)
    z = _NORMAL_975
    middle, half = successes + z * z / 2, z * math.sqrt(successes * (count - successes) / count + z * z / 4)
    return Share(successes / count, (middle - half) / (count + z * z), (middle + half) / (count + z * z))


__all__ = ["Share", "Strengths", "bradley_terry", "wilson"]
