r"""Scenes on which a denoiser shows its hand: a step, a ramp, a disc, and what is measured on each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

LOW, HIGH = 0.25, 0.75

#: Differences along a ramp below this share of its own are stairs, not ramp.
STAIR = 0.1

#: Pixels on either side of the step that do not count as flat ground.
BESIDE = 16


def step(rows: int = 96, columns: int = 128) -> Tensor:
    """Return a step 0.25 | 0.75 in the middle: (1, 1, rows, columns), float64."""
    picture = torch.full((1, 1, rows, columns), LOW, dtype=torch.float64)
    picture[..., columns // 2 :] = HIGH
    return picture


def ramp(rows: int = 96, columns: int = 128) -> Tensor:
    """Return a ramp from 0.25 at the left to 0.75 at the right: (1, 1, rows, columns), float64."""
    return torch.linspace(LOW, HIGH, columns, dtype=torch.float64).expand(1, 1, rows, columns).clone()


def disc(radius: float, side: int | None = None, *, samples: int = 8) -> Tensor:
    """Return a disc of 1 on 0, each pixel the share of it that the disc covers: (1, 1, side, side), float64.

    Without `samples` in each pixel its rim would be a staircase, 16 % too long to isotropic total variation.
    """
    side = math.ceil(4 * radius) if side is None else side
    place = (torch.arange(side * samples, dtype=torch.float64) + 0.5) / samples - side / 2
    inside = (place[:, None].square() + place.square() <= radius**2).double()
    return inside.view(side, samples, side, samples).mean(dim=(1, 3))[None, None]


def profile(picture: Tensor) -> Tensor:
    """Return the mean of each column, (columns,): an edge that wanders from row to row is blurred in it."""
    return picture.mean(dim=(0, 1, 2))


def plateaus(line: Tensor) -> tuple[float, float]:
    """Return the levels on both sides of a step in the middle, without the `BESIDE` pixels next to it."""
    middle = len(line) // 2
    return float(line[: middle - BESIDE].mean()), float(line[middle + BESIDE :].mean())


def rise(line: Tensor) -> float:
    """Return the 10-90 % rise in pixels of a step in the middle, between its own plateaus.

    A step between two pixels has 0.8: straight lines join the samples.  NaN if nothing rises.
    """
    low, high = plateaus(line)
    if not high > low:
        return math.nan
    levels = ((line - low) / (high - low)).tolist()
    before, after = _last_below(levels, 0.1), _last_below([1 - level for level in reversed(levels)], 0.1)
    return len(levels) - 1 - before - after


def _last_below(levels: Sequence[float], height: float) -> float:
    """Return where the levels, on the way up through the middle, leave a height: a place between two samples."""
    middle = len(levels) // 2
    for k in range(middle - 1, -1, -1):
        if levels[k] <= height < levels[k + 1]:
            return k + (height - levels[k]) / (levels[k + 1] - levels[k])
    return 0.0


def flat_noise(picture: Tensor) -> float:
    """Return what is left of the noise beside a step, root mean square about the mean of each side."""
    middle = picture.shape[-1] // 2
    sides = picture[..., : middle - BESIDE], picture[..., middle + BESIDE :]
    return math.sqrt(sum(float(side.var(correction=0)) for side in sides) / 2)


def stairs(line: Tensor, slope: float) -> float:
    """Return the share of the differences of a line that are less than `STAIR` of a slope: its treads."""
    steps = [b - a for a, b in pairwise(line.tolist())]
    return sum(abs(one) < STAIR * slope for one in steps) / len(steps)
