r"""Many comparisons at once: how much rarer each must be, so that all that are named hold together."""

from __future__ import annotations

from collections.abc import Iterable


def holm(p_values: Iterable[float]) -> list[float]:
    r"""Adjust the p values of a family of comparisons (Holm, A simple sequentially rejective multiple test, 1979).

    .. math:: \tilde p_{(i)} = \max_{j \le i} \min\bigl(1, (m - j + 1)\, p_{(j)}\bigr)

    Comparisons with an adjusted value below 0.05 hold together: the probability that even one of them is false is
    below 5 %, however the comparisons depend on each other.

    Parameters
    ----------
    p_values : iterable of float
        Between 0 and 1, in any order; there may be none.

    Returns
    -------
    list of float
        The adjusted values, in the order of `p_values`, none below its own.

    Raises
    ------
    ValueError
        If one is not between 0 and 1.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    values = [float(value) for value in p_values]
    if not all(0.0 <= value <= 1.0 for value in values):
        raise ValueError(f"p_values must lie between 0 and 1, got {values}")
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = largest
    return adjusted
