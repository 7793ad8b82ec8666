"""One comparison of a claim: what is compared, the differences, and what would satisfy the claim."""

from __future__ import annotations

from typing import NamedTuple

from ..statistics import Interval, t_interval

#: Of the intervals that are shown.
LEVEL = 0.95


class Part(NamedTuple):
    """One comparison of a claim, in the unit of its values.

    Attributes
    ----------
    name : str
        What is compared with what, in words, as a difference that has a sign.
    values : tuple of float
        One a seed, each seed compared with itself.
    unit : str
        Of the values and of the margin.
    margin : float
        The smallest difference of interest, 0 or more.
    claimed : int
        Where the claim puts the difference: 1 above, -1 below, 0 at nothing.
    par : bool
        Whether a tie satisfies the claim.
    of : str
        What the values are one of each of, in the plural.
    exact : bool
        Whether the values are computed and not drawn: they have no spread but that of the cases, and their interval is
        from the least to the largest.
    """

    name: str
    values: tuple[float, ...]
    unit: str
    margin: float
    claimed: int = 1
    par: bool = False
    of: str = "seeds"
    exact: bool = False

    def interval(self, level: float = LEVEL) -> Interval:
        """Return mean and interval of the values, at least two of them."""
        found = t_interval(self.values, level)
        return Interval(found.mean, min(self.values), max(self.values)) if self.exact else found


def describe(part: Part) -> str:
    """Return one comparison as words: its mean, interval, number of seeds, and what was asked of it."""
    n = len(part.values)
    if n == 0:
        numbers = "no value"
    elif n == 1:
        numbers = f"{part.values[0]:+.3g} {part.unit} (one of the {part.of} alone, no interval)"
    else:
        mean, low, high = part.interval()
        numbers = f"{mean:+.3g} {part.unit} [{low:+.3g}, {high:+.3g}], {n} {part.of}"
    side = {1: "above", -1: "below", 0: "within"}[part.claimed]
    asked = "within" if part.claimed == 0 else f"at par or {side}" if part.par else side
    return f"{part.name}: {numbers}; claimed {asked}, margin {part.margin:g} {part.unit}"
