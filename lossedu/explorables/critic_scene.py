r"""The scene of the explorable on blurred critics: one photograph, four ways to change it, and what a blur leaves.

With :math:`B` a Gaussian blur and :math:`d = x - y` the difference of the changed photograph x from the photograph y,
the blur leaves the share :math:`\lVert Bd\rVert^2 / \lVert d\rVert^2` of the difference's energy.  The page computes
the same numbers with the same formulas; a test holds the two together.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate, data
from ..filters import gaussian_blur
from .draws import draws

#: Side of the picture in pixels, and the upper left corner of the crop in the photograph, halved once.
SIZE, PLACE = 96, (54, 70)
#: The photograph is changed by one of these.
KINDS = ("texture", "grain", "cast", "tint")
#: Standard deviation of the blur that softens the texture, in pixels.
SOFT = 1.0
#: Standard deviation of the grain, and the seed of its numbers.
GRAIN, SEED = 0.02, 8
#: What the warm cast multiplies red, green and blue by, and what the uniform tint adds, in 255ths.
CAST, TINT = (1.08, 1.0, 0.92), (8.0, 0.0, -8.0)
#: The photograph is made so much flatter at either end, in 255ths, so that the tint is cut off nowhere.
ROOM = 8.0
#: Steps of the slider for each pixel of standard deviation, and its right end.
STEPS, WIDEST = 10, 13.0
#: Settings of the slider that stand for another deviation than their tenth: the printed blur (variance 3), and that of
#: DPED's code, measured on its 21 taps.
MARKS = {17: math.sqrt(3.0), 43: 4.34}
#: The parts of red, green and blue in luma (ITU-R BT.601); colours are kept for squares of so many pixels.
LUMA, COARSE = (0.299, 0.587, 0.114), 4


def deviation(setting: int) -> float:
    """Return the blur's standard deviation in pixels at a setting of the slider, 0 to 130."""
    return MARKS.get(setting, setting / STEPS)


def planes() -> tuple[Tensor, Tensor]:
    """Return what the page keeps of the photograph, uint8: luma (96, 96), and half of R - Y and B - Y (2, 24, 24)."""
    half = data.downsample2(data.photograph("chelsea").double())
    crop = ROOM / 255 + (1 - 2 * ROOM / 255) * data.crop(half, *PLACE, SIZE)[0]
    luma = torch.tensordot(torch.tensor(LUMA, dtype=crop.dtype), crop, dims=1)
    chroma = (
        (crop[[0, 2]] - luma).unflatten(1, (SIZE // COARSE, COARSE)).unflatten(3, (SIZE // COARSE, COARSE)).mean((2, 4))
    )
    return (luma * 255).round().to(torch.uint8), (chroma * 127.5 + 128).round().clamp(0, 255).to(torch.uint8)


def photo() -> Tensor:
    """Return the photograph, made a little flatter, (1, 3, 96, 96), float64, whole 255ths in [0, 1]."""
    luma, chroma = (plane.double() for plane in planes())
    far = 2 * (chroma - 128).repeat_interleave(COARSE, 1).repeat_interleave(COARSE, 2)
    red, blue = luma + far[0], luma + far[1]
    green = (luma - LUMA[0] * red - LUMA[2] * blue) / LUMA[1]
    return ((torch.stack([red, green, blue]) + 0.5).floor().clamp(ROOM, 255 - ROOM) / 255)[None]


def levels(x: Tensor) -> Tensor:
    """Return the nearest of 256 levels, 0 to 255, of two as near the higher."""
    return (x * 255 + 0.5).floor().clamp(0, 255)


def changed(y: Tensor, kind: str) -> Tensor:
    """Return a photograph with one of `KINDS` done to it, in 256 levels as in a file.

    Parameters
    ----------
    y : Tensor
        (1, 3, N, N), float64 in [0, 1].
    kind : {"texture", "grain", "cast", "tint"}
        "texture" softens by a blur of standard deviation 1; "grain" adds nearly normal noise of 0.02, its own in each
        colour; "cast" multiplies red by 1.08 and blue by 0.92; "tint" adds 8/255 to red and takes as
        much from blue.

    Raises
    ------
    ValueError
        If `kind` is unknown.
    """
    _validate.option("kind", kind, KINDS)
    if kind == "texture":
        x = gaussian_blur(y, SOFT)
    elif kind == "grain":
        x = y + GRAIN * (draws(y.numel(), seed=SEED, terms=12).view_as(y) - 6)
    elif kind == "cast":
        x = y * torch.tensor(CAST, dtype=y.dtype).view(1, 3, 1, 1)
    else:
        x = y + torch.tensor(TINT, dtype=y.dtype).view(1, 3, 1, 1) / 255
    return levels(x) / 255


def blurred(x: Tensor, sd: float) -> Tensor:
    """Return pictures after a Gaussian blur of standard deviation `sd` pixels, mirrored at the border; 0 for none."""
    return gaussian_blur(x, sd) if sd > 0 else x


class State(NamedTuple):
    """What a blur leaves of a difference: see `state`."""

    plain: Tensor
    other: Tensor
    energy: float
    before: float
    left: float
    apart: float


def state(kind: str, sd: float) -> State:
    r"""Return what a blur leaves of the difference between the photograph and the changed one.

    Parameters
    ----------
    kind : {"texture", "grain", "cast", "tint"}
        As for `changed`.
    sd : float
        Standard deviation of the blur in pixels, 0 for none.

    Returns
    -------
    State
        The photograph and the changed one after the blur, (1, 3, 96, 96); the share of the difference's energy that is
        left, :math:`\lVert Bd\rVert^2 / \lVert d\rVert^2`; the root mean square of the difference before and after the
        blur, in 255ths; and the share of pixels that differ, in any colour, once both are rounded to 256 levels.
    """
    y = photo()
    x = changed(y, kind)
    plain, other = blurred(y, sd), blurred(x, sd)
    before, left = ((a - b).square().mean().item() for a, b in ((x, y), (other, plain)))
    return State(
        plain=plain,
        other=other,
        energy=left / before,
        before=255 * math.sqrt(before),
        left=255 * math.sqrt(left),
        apart=(levels(other) != levels(plain)).any(1).double().mean().item(),
    )
