r"""Mean, interval and test over seeds: Student's t without scipy.

A training run is repeated with a few seeds, so the spread is estimated from very few numbers and the
normal quantile 1.96 would be far too small: at three seeds the factor is 4.30.  For a whole number of degrees of
freedom the distribution function is a finite sum (Abramowitz and Stegun, Handbook of Mathematical Functions,
26.7.3 and 26.7.4), which is all that is needed here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from lossedu import _validate


class Interval(NamedTuple):
    """A mean with the ends of its confidence interval, in the unit of the values."""

    mean: float
    low: float
    high: float


def _central_probability(theta: float, dof: int) -> float:
    r"""Return P(|T| < t) for :math:`t = \sqrt{\nu}\,\tan\theta`, the finite sums 26.7.3 (odd) and 26.7.4 (even)."""
    cos2 = math.cos(theta) ** 2
    odd = dof % 2
    term, total = (math.cos(theta), 0.0) if odd else (1.0, 0.0)
    for k in range(dof // 2):
        total += term
        term *= cos2 * (2 * k + 2) / (2 * k + 3) if odd else cos2 * (2 * k + 1) / (2 * k + 2)
    return 2 / math.pi * (theta + math.sin(theta) * total) if odd else math.sin(theta) * total


def t_quantile(probability: float, dof: int) -> float:
    r"""Quantile of Student's t distribution.

    Parameters
    ----------
    probability : float
        Strictly between 0 and 1; ``0.975`` gives the factor of a two-sided 95 % interval.
    dof : int
        Degrees of freedom :math:`\nu \ge 1`, for a mean of n values n - 1.

    Returns
    -------
    float
        The t with P(T < t) = `probability`, to about 12 digits.

    Raises
    ------
    ValueError
        If `probability` is not strictly between 0 and 1 or `dof` is no integer of at least 1.

    Examples
    --------
    >>> round(t_quantile(0.975, 2), 4)
    4.3027
    """
    dof = _validate.count("dof", dof)
    if not 0.0 < _validate.in_range("probability", probability, 0.0, 1.0) < 1.0:
        raise ValueError(f"probability must lie strictly between 0 and 1, got {probability!r}")
    central = abs(2 * probability - 1)
    low, high = 0.0, math.pi / 2
    # The sum grows with theta, so bisection cannot miss; it stops when no float lies between the ends.
    while low < (middle := (low + high) / 2) < high:
        if _central_probability(middle, dof) < central:
            low = middle
        else:
            high = middle
    return math.copysign(math.sqrt(dof) * math.tan(high), probability - 0.5)


def t_probability(t: float, dof: int) -> float:
    r"""Probability that Student's t lies as far from 0 as `t` or farther, on either side: the two-sided p value.

    Parameters
    ----------
    t : float
        The statistic :math:`\bar v \sqrt n / s`; an infinite one (all values alike) has probability 0.
    dof : int
        Degrees of freedom, at least 1.

    Returns
    -------
    float
        Between 0 and 1, to about 15 decimal places: one below :math:`10^{-13}` is small, and no more is known.

    Raises
    ------
    ValueError
        If `t` is not a number or `dof` is no integer of at least 1.

    Examples
    --------
    >>> round(t_probability(4.302653, 2), 6)
    0.05
    """
    dof = _validate.count("dof", dof)
    if math.isnan(t):
        raise ValueError(f"t must be a number, got {t!r}")
    return min(1.0, max(0.0, 1.0 - _central_probability(math.atan(abs(t) / math.sqrt(dof)), dof)))


def t_test(values: Iterable[float]) -> float:
    r"""Two-sided p value of the hypothesis that independent values have mean 0.

    Parameters
    ----------
    values : iterable of float
        One number a seed, at least two, all finite; for a comparison, the differences of pairs.

    Returns
    -------
    float
        1 if all values are 0, and 0 if they are alike and not 0.

    Raises
    ------
    ValueError
        As `t_interval`.
    """
    numbers = _numbers(values)
    mean, error = _mean_and_error(numbers)
    if error == 0.0:
        return 1.0 if mean == 0.0 else 0.0
    return t_probability(mean / error, len(numbers) - 1)


def _numbers(values: Iterable[float]) -> list[float]:
    numbers = [float(value) for value in values]
    if len(numbers) < 2:
        raise ValueError(f"values must hold at least 2 numbers (one says nothing about spread), got {len(numbers)}")
    if not all(map(math.isfinite, numbers)):
        raise ValueError(f"values must be finite numbers, got {numbers}")
    return numbers


def _mean_and_error(numbers: list[float]) -> tuple[float, float]:
    n = len(numbers)
    mean = math.fsum(numbers) / n
    # The mean of equal numbers may be rounded; their spread is nothing all the same.
    if min(numbers) == max(numbers):
        return numbers[0], 0.0
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in numbers) / (n - 1) / n)


def t_interval(values: Iterable[float], level: float = 0.95) -> Interval:
    r"""Mean of independent values and its two-sided confidence interval.

    .. math:: \bar v \pm t_{(1+\text{level})/2,\,n-1}\; s / \sqrt n,
        \qquad s^2 = \frac{1}{n-1} \sum_i (v_i - \bar v)^2

    It covers the true mean with probability `level` when the values are independent and roughly normal;
    it says nothing about a bias that all values share.

    Parameters
    ----------
    values : iterable of float
        One number a seed, at least two; a 1-D tensor or array will do.
    level : float
        Coverage, strictly between 0 and 1.

    Returns
    -------
    Interval
        ``(mean, low, high)`` in the unit of the values.

    Raises
    ------
    ValueError
        If there are fewer than two values, one is not finite, or `level` is out of range.

    Examples
    --------
    >>> mean, low, high = t_interval([30.1, 30.4, 30.2])
    >>> print(f"{mean:.3f} from {low:.3f} to {high:.3f}")
    30.233 from 29.854 to 30.613
    """
    numbers = _numbers(values)
    if not 0.0 < _validate.in_range("level", level, 0.0, 1.0) < 1.0:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level!r}")
    mean, error = _mean_and_error(numbers)
    half = t_quantile((1 + level) / 2, len(numbers) - 1) * error
    return Interval(mean, mean - half, mean + half)
