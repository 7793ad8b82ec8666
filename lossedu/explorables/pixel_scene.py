r"""The scene of the pixel explorable: what one pixel may be, and the level that each loss chooses.

The plausible values are two answers under noise, each a fan of equally likely points, and one outlier.  The page
computes the same numbers with the same formulas, in the same order; a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

#: Grey levels of the two answers.
DARK, BRIGHT = 0.2, 0.8
#: Points of the fan of one answer: quantiles of a normal distribution at the middles of so many equal shares.
FAN = 61
QUANTILES = tuple(NormalDist().inv_cdf((k + 0.5) / FAN) for k in range(FAN))
#: Halvings of an interval no longer than 3 leave less than 1e-15.
HALVINGS = 52
#: A level this near to an answer is that answer, however much doubt there is about either.
CLOSE = 0.1


class Answers(NamedTuple):
    """Plausible values of a pixel, and their probabilities, which add up to 1."""

    values: list[float]
    weights: list[float]


def answers(bright: float, spread: float, outliers: float, place: float) -> Answers:
    """Return what a pixel may be.

    Parameters
    ----------
    bright : float
        Probability of the bright answer among the two, 0 to 1.
    spread : float
        Standard deviation of each answer.
    outliers : float
        Probability of the outlier, 0 to 1.
    place : float
        The value of the outlier.
    """
    values = [DARK + spread * q for q in QUANTILES] + [BRIGHT + spread * q for q in QUANTILES] + [place]
    each = [(1 - outliers) * (1 - bright) / FAN, (1 - outliers) * bright / FAN]
    return Answers(values, [each[0]] * FAN + [each[1]] * FAN + [outliers])


def mean(known: Answers) -> float:
    """Return the mean: what squared error chooses."""
    total = 0.0
    for value, weight in zip(known.values, known.weights, strict=True):
        total += weight * value
    return total


def median(known: Answers) -> float:
    """Return the smallest value that half of the probability does not exceed: what absolute error chooses."""
    order, below = sorted(range(len(known.values)), key=lambda k: known.values[k]), 0.0
    for k in order:
        below += known.weights[k]
        if below >= 0.5 - 1e-12:
            break
    return known.values[k]


def huber(known: Answers, delta: float) -> float:
    """Return what Huber's loss chooses: where errors, cut off at ``delta``, cancel."""
    low, high = min(known.values), max(known.values)
    for _ in range(HALVINGS):
        middle, pull = (low + high) / 2, 0.0
        for value, weight in zip(known.values, known.weights, strict=True):
            pull += weight * max(-delta, min(delta, middle - value))
        low, high = (low, middle) if pull > 0 else (middle, high)
    return (low + high) / 2


def expected(known: Answers, level: float, delta: float) -> tuple[float, float, float]:
    """Return the expected squared, absolute and Huber loss of answering with a level."""
    squared = absolute = cut = 0.0
    for value, weight in zip(known.values, known.weights, strict=True):
        size = abs(level - value)
        squared += weight * size * size
        absolute += weight * size
        cut += weight * (size * size / 2 if size <= delta else delta * (size - delta / 2))
    return squared, absolute, cut


def heights(known: Answers, low: float, high: float, bins: int) -> list[float]:
    """Return the probability in each of so many equal bins; what lies outside goes to the end bins."""
    found = [0.0] * bins
    for value, weight in zip(known.values, known.weights, strict=True):
        found[max(0, min(bins - 1, math.floor((value - low) / (high - low) * bins)))] += weight
    return found


def named(level: float, spread: float) -> str:
    """Return which of the two answers a level is, that it is neither, or that the doubt reaches it from both."""
    near, dark, bright = 0.02 + 2 * spread, abs(level - DARK), abs(level - BRIGHT)
    if min(dark, bright) > near:
        return "neither answer"
    if max(dark, bright) <= near and min(dark, bright) > CLOSE:
        return "in between"
    return "the dark answer" if dark < bright else "the bright answer"


def scaled(curves: Sequence[tuple[float, ...]], first: int, last: int) -> list[tuple[float, ...]]:
    """Return curves, one row a level, each moved and stretched to fill 0 to 1 between two rows."""
    columns = list(zip(*curves, strict=True))
    ends = [(min(column), max(column[first], column[last])) for column in columns]
    return [tuple((v - a) / (b - a) for v, (a, b) in zip(row, ends, strict=True)) for row in curves]
