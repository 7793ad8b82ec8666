"""What retouched pictures are judged by, and the tone curves that a network gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .. import histogram_emd_loss, sliced_emd_loss
from ..losses import ssim
from ..metrics import ciede2000, psnr
from .retouch_pairs import Pair

#: Columns of a picture.  ``emd`` is the exact distance of the channel histograms, ``joint`` that of the colours
#: (sliced, 32 directions), both in units of the range; ``bias`` the mean error; ``colour`` the mean distance from grey
#: over that of the target, ``spread`` the same with the standard deviation of all values.
COLUMNS = ("psnr", "mse", "de00", "ssim", "emd", "joint", "bias", "colour", "spread")

#: Points of a tone curve, and the share of a picture's rows that the ramp takes.
POINTS, BAND = 33, 8

Retoucher = Callable[[Tensor], Tensor]


@torch.no_grad()
def judged(found: Sequence[Tensor], pairs: Sequence[Pair]) -> np.ndarray:
    """Return one row a picture, columns as in `COLUMNS`; outputs are clipped to [0, 1] first, as they are shown."""
    rows = []
    for output, pair in zip(found, pairs, strict=True):
        x, y = output.clamp(0, 1), pair.y
        far = [float((z - z.mean(dim=1, keepdim=True)).abs().mean()) for z in (x, y)]
        rows.append(
            [
                float(psnr(x, y)),
                float((x - y).square().mean()),
                float(ciede2000(x, y)),
                float(ssim(x, y)),
                float(histogram_emd_loss(x, y, kernel="sort")),
                float(sliced_emd_loss(x, y)),
                float((x - y).mean()),
                far[0] / max(far[1], 1e-6),
                float(x.std() / y.std().clamp_min(1e-6)),
            ]
        )
    return np.array(rows, dtype=np.float32)


def with_ramp(x: Tensor) -> Tensor:
    """Return pictures (1, 3, H, W) whose lowest eighth is a ramp of grey from 0 to 1, from left to right."""
    height, width = x.shape[-2:]
    ramp = torch.linspace(0, 1, width, dtype=x.dtype, device=x.device)
    return torch.cat([x[..., : height - height // BAND, :], ramp.expand(1, 3, height // BAND, width)], dim=-2)


@torch.no_grad()
def curve(retouched: Retoucher, x: Tensor) -> Tensor:
    """Return what becomes of a ramp of grey within a picture: `POINTS` values, mean over rows and channels.

    The rows next to the picture and at its border are left out.  The output is not clipped.
    """
    output = retouched(with_ramp(x))
    rows = x.shape[-2] // BAND
    first = output.shape[-2] - rows
    band = output[..., first + rows // 4 : first + max(rows - rows // 4, rows // 4 + 1), :]
    line = band.mean(dim=(0, 1, 2))
    return F.interpolate(line[None, None], size=POINTS, mode="linear", align_corners=True)[0, 0]


def curves(retouchers: Sequence[Retoucher], pairs: Sequence[Pair]) -> np.ndarray:
    """Return the tone curve of each picture: (pictures, `POINTS`)."""
    found = [curve(one, pair.x).cpu() for one, pair in zip(retouchers, pairs, strict=True)]
    return torch.stack(found).numpy().astype(np.float32)
