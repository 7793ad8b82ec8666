r"""The scene of the explorable on scales: an edge, a blotch beside it, grain over both, and windows of five widths.

The page computes the same numbers with the same formulas; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..losses.multiscale import SIGMAS
from ..losses.scales_apart import Factors, factors
from .draws import draws

#: Side of the picture, the first bright column, and both levels.
SIZE, EDGE = 96, 32
LOW, HIGH = 0.35, 0.65

#: Row and column of the blotch's middle.
MIDDLE = (48, 66)

#: Mean square of the blotch, whatever its width, and of the grain that it is compared with.
MEAN_SQUARE = 2e-4

#: Rows on either side of the middle that a profile is the mean of.
ROWS = 4

#: Seed of the grain.
SEED = 7


def clean() -> Tensor:
    """Return the step, (1, 1, 96, 96), float64."""
    columns = torch.arange(SIZE).expand(1, 1, SIZE, SIZE)
    low, high = torch.tensor((LOW, HIGH), dtype=torch.float64)
    return torch.where(columns < EDGE, low, high)


def blotch(width: float) -> Tensor:
    """Return a Gaussian bump of this width in pixels, (1, 1, 96, 96), with mean square `MEAN_SQUARE`."""
    place = torch.arange(SIZE, dtype=torch.float64)
    rows, columns = ((-0.5 * ((place - middle) / width) ** 2).exp() for middle in MIDDLE)
    bump = torch.outer(rows, columns)
    return (bump * (MEAN_SQUARE / bump.square().mean()).sqrt())[None, None]


def grain() -> Tensor:
    """Return noise of mean square 1, (1, 1, 96, 96), from a generator that the page can repeat."""
    noise = draws(SIZE * SIZE, seed=SEED, terms=4).view(1, 1, SIZE, SIZE) - 2
    noise = noise - noise.mean()
    return noise / noise.square().mean().sqrt()


class Prices(NamedTuple):
    """What the blotch and grain of the same mean square cost, by mean square error, each alone."""

    blotch: float
    grain: float


class State(NamedTuple):
    """Everything the figure shows."""

    picture: Tensor
    map: Tensor
    profiles: Tensor
    loss: float
    prices: Prices


def product(found: Factors, used: Sequence[bool], luminance: Tensor) -> Tensor:
    """Return 1 - l prod cs over the windows that are used."""
    chosen = found.contrast_structure[torch.tensor(used)]
    return 1 - luminance * chosen.prod(0)


def _map(x: Tensor, y: Tensor, used: Sequence[bool]) -> tuple[Tensor, Factors]:
    found = factors(x, y, sigmas=SIGMAS, padding="reflect")
    last = max(sigma for sigma, one in zip(SIGMAS, used, strict=True) if one)
    return product(found, used, factors(x, y, sigmas=(last,), padding="reflect").luminance), found


def state(width: float, grain_rms: float, used: Sequence[bool]) -> State:
    """Return the figure's numbers: the profiles are those of every cs, used or not, along the middle rows."""
    y, bump, noise = clean(), blotch(width), grain()
    x = y + bump + grain_rms * noise
    charged, found = _map(x, y, used)
    middle = slice(MIDDLE[0] - ROWS, MIDDLE[0] + ROWS + 1)
    alone = [float(_map(y + error, y, used)[0].mean()) for error in (bump, MEAN_SQUARE**0.5 * noise)]
    return State(
        x,
        charged,
        found.contrast_structure[:, 0, 0, middle].mean(1),
        float(charged.mean()),
        Prices(*(loss / MEAN_SQUARE for loss in alone)),
    )
