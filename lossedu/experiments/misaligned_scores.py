"""What the output of a network that saw pairs which do not register is judged by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .. import min_shift_loss
from ..filters import color_blur, gaussian_blur
from ..losses import ssim
from ..metrics import ciede2000, psnr
from ..nets import inner
from .misaligned_pairs import REACH, Pair

#: Columns of a picture.  ``colour`` is the root mean square error after the blur of DPED's code; ``fine`` the energy of
#: what a Gaussian of one pixel takes away, over that of the target, noise and all; ``detail`` how much of the target's
#: own is in it: the slope of the output's fine part on the target's.  ``moved`` is how many decibels the picture
#: gains where it may be translated by up to 5 pixels: 0 where it lies as it should.
COLUMNS = ("psnr", "mse", "ssim", "de00", "colour", "fine", "detail", "moved")

#: Standard deviation of what counts as fine, in pixels.
FINE = 1.0


@torch.no_grad()
def judged(found: Sequence[Tensor], pairs: Sequence[Pair]) -> np.ndarray:
    """Return one row a picture, columns as in `COLUMNS`; outputs are clipped to [0, 1] first, as they are shown."""
    return np.array([_row(x.clamp(0, 1), pair.y) for x, pair in zip(found, pairs, strict=True)], dtype=np.float32)


def _row(x: Tensor, y: Tensor) -> list[float]:
    fine_x, fine_y = (z - gaussian_blur(z, FINE, padding="reflect") for z in (x, y))
    power = fine_y.square().mean().clamp_min(1e-12)
    inside = (inner(x, REACH) - inner(y, REACH)).square().mean()
    least = min_shift_loss(x, y, shift=REACH)
    return [
        float(psnr(x, y)),
        float((x - y).square().mean()),
        float(ssim(x, y)),
        float(ciede2000(x, y)),
        float(color_blur(x - y, preset="dped", padding="reflect").square().mean().sqrt()),
        float(fine_x.square().mean() / power),
        float((fine_x * fine_y).mean() / power),
        float(10 * (inside.clamp_min(1e-12) / least.clamp_min(1e-12)).log10()),
    ]
