r"""The losses for pairs that do not register, by the name of the arm, and what each charges for a translation.

=============  ========================================================================================================
l2, l1         pixel by pixel
blurred_…      DPED's colour loss with the blur of WESPE as printed (sd 1.73), of sd 3, and of DPED's code (sd 4.34)
min_shift      the least squared error over all translations up to 5 pixels
perceptual     squared error of relu3_3 of VGG-16, trained on ImageNet
contextual     the contextual loss of the same layer
=============  ========================================================================================================

Blurred losses mirror the picture at its border: with ``padding="valid"`` the outermost 10 pixels of a crop would hardly
count.  For the same reason the network's output is 5 pixels wider on each side for `min_shift`, which looks at the
pixels inside: all losses are charged for the same pixels of the output.  The feature losses see the first pictures of
each batch: crops are drawn at random, and it costs less.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from .. import ContextualLoss, PerceptualLoss, _validate, blurred_mse_loss, l1_loss, min_shift_loss, mse_loss
from ..storage import DataError
from .misaligned_pairs import REACH, WARMTH

Loss = Callable[[Tensor, Tensor], Tensor]

PLAIN: Mapping[str, Loss] = {
    "l2": mse_loss,
    "l1": l1_loss,
    **{
        f"blurred_{preset}": functools.partial(blurred_mse_loss, preset=preset, padding="reflect")
        for preset in ("wespe", "std3", "dped")
    },
    "min_shift": functools.partial(min_shift_loss, shift=REACH),
}

#: Losses that see through a network.
FEATURES: Mapping[str, type[PerceptualLoss] | type[ContextualLoss]] = {
    "perceptual": PerceptualLoss,
    "contextual": ContextualLoss,
}

ARMS = (*PLAIN, *FEATURES)

#: How much wider output and target are on each side, by arm.
BORDERS: Mapping[str, int] = {"min_shift": REACH}


def loss(arm: str, device: str = "cpu", precision: str = "float32", seen: int = 1) -> Loss:
    """Return the loss of an arm; those on features see the first `seen` pictures of a batch, 0 for all.

    Raises
    ------
    ValueError
        If the arm is unknown.
    DataError
        If the trained network that it looks through is not on this machine.
    """
    _validate.option("arm", arm, ARMS)
    if arm in PLAIN:
        return PLAIN[arm]
    made = FEATURES[arm](("relu3_3",)).to(torch.device(device))

    def features(x: Tensor, y: Tensor) -> Tensor:
        few = slice(seen or None)
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            found: Tensor = made(x[few], y[few])
        return found

    return features


@torch.no_grad()
def prices(pictures: Sequence[Tensor], *, side: int = 64, arms: Sequence[str] = ARMS) -> dict[str, list[float]]:
    r"""Return what each loss charges for a translation by 0 ... `REACH` pixels, over what it charges for a cast.

    The cast takes 8 % off the blue and adds it to the red.  Costs are means over the pictures, of which the middle is
    compared, and over the four directions; what a loss charges for equal pictures is taken off.  An arm whose network
    is not on this machine is left out.
    """
    found = {}
    for arm in arms:
        try:
            charged = loss(arm)
        except DataError:
            continue
        moved, cast = [0.0] * (REACH + 1), 0.0
        for picture in pictures:
            top, left = ((full - side) // 2 for full in picture.shape[-2:])
            y = _window(picture, top, left, side)
            least = float(charged(y, y))
            for shift in range(REACH + 1):
                for u, v in ((shift, 0), (-shift, 0), (0, shift), (0, -shift)):
                    x = _window(picture, top + u, left + v, side)
                    moved[shift] += (float(charged(x, y)) - least) / 4
            cast += float(charged(_warm(y), y)) - least
        found[arm] = [float(f"{cost / cast:.5g}") for cost in moved]
    return found


def _window(picture: Tensor, top: int, left: int, side: int) -> Tensor:
    return picture[..., top : top + side, left : left + side]


def _warm(x: Tensor) -> Tensor:
    tint = x.new_tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1)
    return (x * (1 + WARMTH * tint)).clamp(0, 1)
