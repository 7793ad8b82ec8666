r"""A scene in noise of which everything plausible is known: a wandering edge under faint texture.

.. math:: y(p) = u(p) + t(p), \qquad z = y + \sqrt{a\,y + b}\; n

u is `LOW` left of an edge and `HIGH` right of it; the edge goes down the picture as a random walk, at each row one
pixel to the left, one to the right, or straight on.  t is Gaussian texture with the spectrum of a photograph.  z is
what a sensor measures: the scene is grey, so every pixel of a colour mosaic measures it once.

Given z, the texture is Gaussian where the edge is known, and the edge is a hidden Markov chain where the texture is
known.  Both can be drawn exactly, one after the other in turns (Gibbs sampling): `plausible_scenes`.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate, data

SIDE = 48
#: Levels on either side of the edge, how far it may wander from the middle, and its chance to go straight on.
LOW, HIGH, REACH, STRAIGHT = 0.45, 0.55, 8, 0.5
#: Photograph that lends its spectrum, at half size, and the standard deviation of the texture.
TEXTURE, DEVIATION = "gravel", 0.04
#: The noise of Zhao et al. (2017), at which the networks of the records were trained.
PHOTON, READ = 0.005, 0.0001
#: Rounds before the first plausible scene is kept, and from one to the next.
FIRST, EVERY = 40, 8


class Scene(NamedTuple):
    """A clean scene and its measurement, (side, side), and for each row the first column right of the edge."""

    clean: Tensor
    seen: Tensor
    edge: Tensor


def noise_variance() -> float:
    """Return the variance of the noise at the middle level, which the posterior takes for all pixels."""
    return PHOTON * (LOW + HIGH) / 2 + READ


@cache
def texture_covariance(side: int = SIDE) -> Tensor:
    """Return the covariance of the texture between all pixels of a square, (side², side²), float64.

    It is stationary, with the mean spectrum of all crops of twice the side, half overlapping.
    """
    photo, size = data.downsample2(data.photograph(TEXTURE, gray=True).double()), 2 * side
    starts = [range(0, length - size + 1, side) for length in photo.shape[-2:]]
    crops = torch.cat([data.crop(photo, top, left, size) for top in starts[0] for left in starts[1]])
    crops = crops - crops.mean(dim=(-2, -1), keepdim=True)
    correlation = torch.fft.ifft2(torch.fft.fft2(crops).abs().square().mean(dim=0))[0].real
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    down, across = ((place.flatten()[:, None] - place.flatten()) % size for place in (rows, columns))
    return DEVIATION**2 * correlation[down, across] / correlation[0, 0]


@cache
def _root(side: int, variance: float) -> Tensor:
    """Return the Cholesky factor of the texture's covariance plus white noise."""
    return torch.linalg.cholesky(texture_covariance(side) + variance * torch.eye(side * side, dtype=torch.float64))


def _normal(side: int, rng: torch.Generator) -> Tensor:
    return torch.randn(side * side, generator=rng, dtype=torch.float64)


def draw_texture(side: int, rng: torch.Generator) -> Tensor:
    """Return one texture, (side, side)."""
    return (_root(side, 1e-9) @ _normal(side, rng)).view(side, side)


def draw_texture_given(seen: Tensor, rng: torch.Generator) -> Tensor:
    """Return a texture out of all that fit `seen`, a noisy texture, by its share: a draw of the Gaussian posterior.

    A draw from the prior is corrected by how its own noisy picture differs from the one that was seen (Matheron's
    rule).
    """
    side, variance = seen.shape[-1], noise_variance()
    prior = draw_texture(side, rng).flatten()
    off = seen.flatten() - prior - variance**0.5 * _normal(side, rng)
    moved = texture_covariance(side) @ torch.cholesky_solve(off[:, None], _root(side, variance))[:, 0]
    return (prior + moved).view(side, side)


def places(side: int = SIDE) -> Tensor:
    """Return the columns at which the edge may stand."""
    reach = min(REACH, side // 2 - 1)
    return torch.arange(side // 2 - reach, side // 2 + reach + 1)


def transition(count: int) -> Tensor:
    """Return the chances to go from one place to another in the next row, (count, count); walls reflect."""
    steps = torch.arange(count)[:, None] - torch.arange(count)
    chances = torch.where(steps == 0, STRAIGHT, (1 - STRAIGHT) / 2).double() * (steps.abs() <= 1)
    return chances / chances.sum(dim=1, keepdim=True)


def levels(edge: Tensor, side: int = SIDE) -> Tensor:
    """Return the scene without texture, (side, side)."""
    return torch.where(torch.arange(side) < edge[:, None], LOW, HIGH).double()


def draw_edge(side: int, rng: torch.Generator) -> Tensor:
    """Return an edge: for each row the first column on its right."""
    columns, step = places(side), transition(len(places(side)))
    path = [len(columns) // 2]
    for _ in range(side - 1):
        path.append(_pick(step[path[-1]], rng))
    return columns[path]


def draw_edge_given(seen: Tensor, rng: torch.Generator) -> Tensor:
    """Return an edge out of all that fit `seen`, noisy levels without texture, by its share.

    Chances are summed up from the first row down, and the edge is then drawn from the last row up.
    """
    side = seen.shape[-1]
    columns, step = places(side), transition(len(places(side)))
    flat = torch.where(torch.arange(side) < columns[:, None], LOW, HIGH).double()
    fit = -(seen[:, None] - flat).square().sum(dim=-1) / (2 * noise_variance())
    start = torch.zeros(len(columns), dtype=torch.float64)
    start[len(columns) // 2] = 1
    down = [start]
    for row in fit[1:]:
        chances = down[-1] @ step * torch.exp(row - row.max())
        down.append(chances / chances.sum())
    path = [_pick(down[-1], rng)]
    for chances in reversed(down[:-1]):
        path.append(_pick(chances * step[:, path[-1]], rng))
    return columns[path[::-1]]


def _pick(chances: Tensor, rng: torch.Generator) -> int:
    return int(torch.multinomial(chances, 1, generator=rng))


def draw_scene(seed: int = 0, side: int = SIDE) -> Scene:
    """Return a scene drawn from the prior, and its measurement under the sensor's noise."""
    rng = torch.Generator().manual_seed(data.derive_seed(_validate.integer("seed", seed), "scene"))
    edge = draw_edge(side, rng)
    clean = levels(edge, side) + draw_texture(side, rng)
    noise = data.derive_seed(seed, "noise")
    seen = data.sensor_noise(clean[None, None], a=PHOTON, b=READ, clip=False, seed=noise)[0, 0]
    return Scene(clean, seen, edge)


def plausible_scenes(seen: Tensor, count: int = 24, *, seed: int = 0) -> Tensor:
    """Return clean scenes that may lie behind a measurement, each as often as it is likely: (count, 1, side, side).

    Raises
    ------
    TypeError, ValueError
        If `count` is no integer of at least 1, or `seed` no integer.
    """
    count, side = _validate.count("count", count), seen.shape[-1]
    rng = torch.Generator().manual_seed(data.derive_seed(_validate.integer("seed", seed), "plausible"))
    edge, kept = draw_edge(side, rng), []
    for turn in range(FIRST + (count - 1) * EVERY + 1):
        texture = draw_texture_given(seen - levels(edge, side), rng)
        edge = draw_edge_given(seen - texture, rng)
        if turn >= FIRST and (turn - FIRST) % EVERY == 0:
            kept.append(levels(edge, side) + texture)
    return torch.stack(kept)[:, None]
