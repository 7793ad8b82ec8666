r"""Total variation of a signal, exactly: a string pulled tight through a tube.

With :math:`x = z + w \operatorname{div} \xi` the running sums of x are those of z plus :math:`w \xi`.  Since
:math:`|\xi| \le 1` they run in a tube of half-width w around the running sums of z, whose ends are fixed; and the dual
problem asks for the x of least sum of squares: the shortest way through the tube.  x is the slope of that string.
"""

from __future__ import annotations

import math
from itertools import accumulate

import torch
from torch import Tensor

from .. import _validate


def taut_string(z: Tensor, weight: float) -> Tensor:
    r"""Return :math:`\arg\min_x \frac12 \sum_i (x_i - z_i)^2 + w \sum_i |x_{i+1} - x_i|` of a signal.

    Parameters
    ----------
    z : Tensor
        Shape (n,), floating.
    weight : float
        w, at least 0.

    Returns
    -------
    Tensor
        Shape (n,), float64, exact up to rounding.

    Raises
    ------
    TypeError, ValueError
        If `z` is no floating tensor of one axis, is empty, or `weight` is negative.

    Notes
    -----
    From every bend the string is followed as far as a straight line can stay in the tube.  That takes a number of
    operations that grows with the square of the longest plateau at worst; Condat (2013) does the same in one pass.

    Examples
    --------
    >>> taut_string(torch.tensor([0.0, 0.0, 1.0, 1.0, 1.0, 1.0]), 0.2).tolist()
    [0.1, 0.1, 0.95, 0.95, 0.95, 0.95]
    """
    _validate.tensor("z", z)
    if z.ndim != 1 or not z.numel():
        raise ValueError(f"z must be a signal of shape (n,), not empty, got shape {tuple(z.shape)}")
    weight = _validate.in_range("weight", weight, 0, math.inf)
    values = z.detach().cpu().double().tolist()
    sums = [0.0, *accumulate(values)]
    last = len(values)
    tube = [(total - weight, total + weight) for total in sums]
    tube[last] = (sums[last], sums[last])
    slopes: list[float] = []
    at, height = 0, 0.0
    while at < last:
        to, level = _straight(tube, at, height)
        slopes += [(level - height) / (to - at)] * (to - at)
        at, height = to, level
    return torch.tensor(slopes, dtype=torch.float64)


def _straight(tube: list[tuple[float, float]], at: int, height: float) -> tuple[int, float]:
    """Return where the string that leaves (at, height) bends next: place and height."""
    steepest, flattest = math.inf, -math.inf  # slopes that stay below the roof, and above the floor
    roof = floor = at
    for k in range(at + 1, len(tube)):
        low, high = ((end - height) / (k - at) for end in tube[k])
        if low > steepest:
            return roof, tube[roof][1]
        if high < flattest:
            return floor, tube[floor][0]
        if high <= steepest:
            steepest, roof = high, k
        if low >= flattest:
            flattest, floor = low, k
    return len(tube) - 1, tube[-1][0]


__all__ = ["taut_string"]
