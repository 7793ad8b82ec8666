"""Rank correlation: do two indices put the same things in the same order?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def ranks(values: Array) -> Array:
    """Return the rank of each value from 1 up; equal values share the mean of their ranks.

    >>> ranks(np.array([0.2, 0.7, 0.2])).tolist()
    [1.5, 3.0, 1.5]
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place.reshape(-1)]


def spearman(a: Array, b: Array) -> float:
    r"""Return Spearman's :math:`\rho`, the correlation of the ranks; NaN where all values of one are equal."""
    x, y = (ranks(values) - (len(values) + 1) / 2 for values in _pair(a, b))
    return _ratio(float(x @ y), float(x @ x), float(y @ y))


def kendall(a: Array, b: Array, counted: Array | None = None) -> float:
    r"""Return Kendall's :math:`\tau_b`: pairs in the same order less pairs in opposite order, over all pairs.

    .. math:: \tau_b = \frac{\sum s_{ij} t_{ij}}{\sqrt{\sum s_{ij}^2 \sum t_{ij}^2}},
        \qquad s_{ij} = \operatorname{sign}(a_i - a_j), \quad t_{ij} = \operatorname{sign}(b_i - b_j)

    Parameters
    ----------
    a, b : array
        One number each thing, equally many.
    counted : bool array, optional
        Shape (n, n), symmetric: which pairs count; all of them if not given.

    Returns
    -------
    float
        From -1 to 1; NaN where no pair counts, or one index tells none of them apart.
    """
    s, t = (_order(values) for values in _pair(a, b))
    if counted is not None:
        s, t = s * counted, t * counted
    return _ratio(int((s * t).sum(dtype=np.int64)), int(np.count_nonzero(s)), int(np.count_nonzero(t)))


def _order(values: Array) -> Array:
    """Return the sign of every difference: one byte each, since there may be millions."""
    above = (values[:, None] > values).astype(np.int8)
    return above - above.T


def _pair(a: Array, b: Array) -> tuple[Array, Array]:
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"a and b must be two rows of equally many numbers, got shapes {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("a and b must be finite numbers")
    return a, b


def _ratio(product: float, first: float, second: float) -> float:
    return product / math.sqrt(first * second) if first and second else math.nan
