r"""The scene of the explorable on total variation: three signals, their noise, and what is read off a denoised one.

The page computes the same numbers with the same formulas; a test holds the two together.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate
from ..variational import taut_string, tikhonov
from .draws import draws

#: Samples of a signal.
SIZE = 96

LOW, HIGH = 0.25, 0.75

#: Seed of the noise: with it, every signal shows what the text says at noise 0.1.
SEED = 20

#: Differences below this count as flat.
FLAT = 1e-9

#: Steps of the bisection for the weight of the squares, over so many powers of ten.
HALVINGS, POWERS = 60, (-5.0, 6.0)


class Shape(NamedTuple):
    """Where to look at a signal: middle of its edge, the two plateaus beside it, and what the upper one is moved by.

    `moves` is the move of the upper plateau in units of w, 0 where no plateau is known beforehand.
    """

    middle: int
    lower: tuple[int, int]
    upper: tuple[int, int]
    moves: float


#: Name -> where to look.
SHAPES = {
    "step": Shape(48, (0, 32), (64, 96), 1 / 48),
    "bump": Shape(42, (0, 26), (44, 52), 2 / 12),
    "ramp": Shape(48, (0, 16), (80, 96), 0.0),
}


def signal(name: str) -> Tensor:
    """Return a clean signal, (96,), float64: 0.25 and 0.75, joined by a step, a bump of 12 samples, or a ramp of 48."""
    _validate.option("name", name, SHAPES)
    place = torch.arange(SIZE, dtype=torch.float64)
    if name == "ramp":
        return LOW + (HIGH - LOW) * ((place - 23.5) / 48).clamp(0, 1)
    inside = place >= 48 if name == "step" else (place >= 42) & (place < 54)
    return torch.where(inside, HIGH, LOW).double()


def unit_noise() -> Tensor:
    """Return noise of mean 0 and standard deviation 1, (96,), from a generator that the page can repeat."""
    raw = draws(SIZE, seed=SEED, terms=12) - 6
    return (raw - raw.mean()) / raw.std(correction=0)


def squared_alike(f: Tensor, distance: float) -> tuple[Tensor, float]:
    """Return what squares make of a signal when they move it by a root mean square `distance`, and their weight."""
    low, high = POWERS

    def denoised(power: float) -> Tensor:
        return tikhonov(f.view(1, 1, 1, -1), 10**power).flatten()

    for _ in range(HALVINGS):
        power = (low + high) / 2
        if float((denoised(power) - f).square().mean().sqrt()) < distance:
            low = power
        else:
            high = power
    return denoised((low + high) / 2), 10 ** ((low + high) / 2)


def edge_rise(u: Tensor, shape: Shape) -> float:
    """Return the 10-90 % rise of the edge in samples, between the means of its plateaus; NaN if there is none left.

    A step between two samples has 0.8.
    """
    low, high = (float(u[slice(*ends)].mean()) for ends in (shape.lower, shape.upper))
    if not high - low > 1e-6:
        return math.nan
    levels = ((u - low) / (high - low)).tolist()
    start = next((k for k in range(shape.middle - 1, -1, -1) if levels[k] <= 0.1 < levels[k + 1]), None)
    end = next((k for k in range(shape.middle, SIZE) if levels[k - 1] < 0.9 <= levels[k]), None)
    if start is None or end is None:
        return math.nan
    before = start + (0.1 - levels[start]) / (levels[start + 1] - levels[start])
    after = end - (levels[end] - 0.9) / (levels[end] - levels[end - 1])
    return after - before


class State(NamedTuple):
    """Everything the figure shows, from Python's own functions."""

    clean: Tensor
    data: Tensor
    tv: Tensor
    squared: Tensor
    squared_weight: float
    moved: float
    predicted: float
    rises: tuple[float, float]
    stairs: float


def state(name: str, noise: float, weight: float) -> State:
    """Return the figure's numbers.

    `moved` is how much the upper plateau comes down under TV, mean against mean; `predicted` the same by theory,
    without noise, 0 where there is none or the edge is gone; `stairs` the share of differences that are 0 under TV.
    """
    shape, clean = SHAPES[name], signal(name)
    data = clean + noise * unit_noise()
    tv = taut_string(data, weight)
    squared, squared_weight = squared_alike(data, float((tv - data).square().mean().sqrt()))
    upper, rises = slice(*shape.upper), (edge_rise(tv, shape), edge_rise(squared, shape))
    return State(
        clean,
        data,
        tv,
        squared,
        squared_weight,
        float(data[upper].mean() - tv[upper].mean()),
        weight * shape.moves if math.isfinite(rises[0]) else 0.0,
        rises,
        float(((tv[1:] - tv[:-1]).abs() < FLAT).double().mean()),
    )
