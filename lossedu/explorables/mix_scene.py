r"""The scene of the explorable on Mix: one patch, an error of one kind and strength, and what either term asks for.

The page computes the same numbers with the same formulas; a test holds the two together.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate, data
from ..filters import gaussian_window
from ..instruments.steering import same_weight, share_beside_l1
from ..losses.multiscale import SIGMAS, ms_ssim_sigma_grad, ms_ssim_sigma_loss
from .draws import draws

#: Side of the patch in pixels: that of the paper.
SIDE = 31

#: Seed of the grain.
SEED = 7

#: What the error may be.
KINDS = ("grain", "splotch", "shift")

#: The weakest and the strongest error, root mean square in 255ths of the range.
STRENGTHS = (0.25, 64.0)

#: Upper left corner of the patch, in the halved photograph.
PLACE = (104, 206)


def patch() -> Tensor:
    """Return a patch of the photograph "camera", (1, 1, 31, 31), float64 in whole 255ths: lawn, and a dark roof."""
    halved = data.downsample2(data.photograph("camera").double())
    return (data.crop(halved, *PLACE, SIDE) * 255).round() / 255


def error(kind: str) -> Tensor:
    """Return an error whose root mean square is 1, (1, 1, 31, 31), float64.

    Grain is white noise of mean 0, from a generator that the page can repeat; a splotch is one hump of a cosine,
    as wide as the patch, with mean 0; a shift is 1 everywhere.
    """
    _validate.option("kind", kind, KINDS)
    if kind == "shift":
        return torch.ones(1, 1, SIDE, SIDE, dtype=torch.float64)
    if kind == "splotch":
        wave = torch.cos(2 * math.pi * (torch.arange(SIDE, dtype=torch.float64) - SIDE // 2) / SIDE)
        raw = wave[:, None] + wave
    else:
        raw = draws(SIDE * SIDE, seed=SEED, terms=12).view(SIDE, SIDE) - 6
    raw = raw - raw.mean()
    return (raw / raw.square().mean().sqrt())[None, None]


class State(NamedTuple):
    """Everything the figure shows.

    `pull` is the 1-norm of the gradient of MS-SSIM; `asks` holds what the two terms ask of the pixels, weighted, and
    their sum: minus the gradient, times the number of pixels.
    """

    picture: Tensor
    ms_ssim: float
    l1: float
    pull: float
    share: float
    weight: float
    asks: tuple[Tensor, Tensor, Tensor]


def state(kind: str, strength: float, alpha: float, unit: float) -> State:
    """Return the figure's numbers.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    strength : float
        Root mean square of the error, in 255ths.
    alpha, unit : float
        Weight of MS-SSIM, and what the range of the absolute error is: 1 or 255.
    """
    y = patch()
    x = y + strength / 255 * error(kind)
    window = torch.outer(gaussian_window(SIGMAS[-1], SIDE), gaussian_window(SIGMAS[-1], SIDE))
    count = SIDE * SIDE
    one = -count * alpha * ms_ssim_sigma_grad(x, y, form="patch")
    two = -count * (1 - alpha) * unit * (x - y).sign() * window
    pull = float(one.abs().sum()) / count / alpha if alpha else 0.0
    return State(
        x,
        float(ms_ssim_sigma_loss(x, y, form="patch")),
        unit * float((window * (x - y).abs()).sum()),
        pull,
        share_beside_l1(pull, alpha, unit),
        same_weight(alpha, unit),
        (one, two, one + two),
    )


def course(kind: str, alpha: float, unit: float, strengths: list[float]) -> list[float]:
    """Return the share of MS-SSIM for each strength of the error."""
    return [state(kind, strength, alpha, unit).share for strength in strengths]
