"""Damage of nine kinds in five strengths each: what an index of quality is asked to put in order.

The strengths of a kind go from hardly visible to gross, so the kinds overlap.  Everything is clipped to [0, 1], as a
stored picture is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from .. import data
from ..filters import gaussian_blur


class Kind(NamedTuple):
    """A kind of damage: its strengths, weakest first, and ``apply(picture, strength, seed)``."""

    strengths: tuple[float, ...]
    apply: Callable[[Tensor, float, int], Tensor]


def _noise(length: float) -> Callable[[Tensor, float, int], Tensor]:
    def apply(y: Tensor, std: float, seed: int) -> Tensor:
        return y + data.correlated_noise(y.shape, length=length, std=std, seed=seed, dtype=y.dtype)

    return apply


#: Name -> kind.  Noise is measured by its standard deviation, "grain" is 4 pixels wide; blur by sigma in pixels, JPEG
#: by its quality, low resolution by the factor, the sensor by how many times the noise of Zhao et al. (2017) it has.
KINDS: Mapping[str, Kind] = {
    "noise": Kind((0.01, 0.02, 0.04, 0.08, 0.16), _noise(0.0)),
    "grain": Kind((0.01, 0.02, 0.04, 0.08, 0.16), _noise(4.0)),
    "blur": Kind((0.5, 0.8, 1.2, 2.0, 3.5), lambda y, sigma, seed: gaussian_blur(y, sigma)),
    "jpeg": Kind((90, 70, 40, 20, 8), lambda y, quality, seed: data.jpeg(y, quality=int(quality))),
    "low_resolution": Kind((1.25, 1.5, 2.0, 3.0, 4.0), lambda y, factor, seed: data.down_up(y, factor=factor)),
    "brightness": Kind((0.01, 0.03, 0.06, 0.1, 0.15), lambda y, amount, seed: data.shift_brightness(y, amount)),
    "contrast": Kind((0.95, 0.85, 0.7, 0.5, 0.3), lambda y, factor, seed: data.scale_contrast(y, factor)),
    "gamma": Kind((1.05, 1.15, 1.3, 1.6, 2.0), lambda y, power, seed: y**power),
    "sensor": Kind(
        (0.1, 0.3, 1.0, 3.0, 10.0),
        lambda y, times, seed: data.noisy_bayer(y, a=0.005 * times, b=0.0001 * times, seed=seed),
    ),
}


def names(strengths: int = 5) -> list[str]:
    """Return the kind of every damaged picture that `damaged` makes, in order."""
    return [kind for kind in KINDS for _ in range(strengths)]


def damaged(clean: Tensor, *, strengths: int = 5, seed: int = 0) -> Tensor:
    """Return a picture (1, 3, H, W) under every kind and strength of damage, (9 * strengths, 3, H, W).

    `strengths` of the five are taken, evenly spread from the weakest on; every noise is drawn anew.
    """
    chosen = [5 * place // strengths for place in range(strengths)]
    made = [
        apply(clean, amounts[place], data.derive_seed(seed, kind, place)).clamp(0, 1)
        for kind, (amounts, apply) in KINDS.items()
        for place in chosen
    ]
    return torch.cat(made)
