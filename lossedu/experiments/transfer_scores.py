"""What colours learned without pairs are judged by: what the pictures looked like before is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .. import histogram_emd_loss, sliced_emd_loss
from ..filters import gaussian_blur
from ..metrics import ciede2000, psnr
from . import transfer_scenes
from .transfer_arms import grey

#: Columns of a picture.  ``emd`` is the exact distance of the channel histograms to the truth, ``joint`` that of the
#: colours (sliced, 32 directions, of every other row and column), both in units of the range; ``bias`` the mean error;
#: ``colour`` the mean distance from grey and ``spread`` the standard deviation of all values, both over the truth's;
#: ``likeness`` the correlation with the truth in luma (a negative has -1); ``fine`` the standard deviation of what a
#: Gaussian window of 1 pixel takes from the luma, over the truth's.
COLUMNS = ("psnr", "mse", "de00", "emd", "joint", "bias", "colour", "spread", "likeness", "fine")

#: What is looked at during training.
SEEN = ("de00", "emd", "likeness")


@torch.no_grad()
def judged(network: nn.Module | None, options: Mapping[str, Any], device: str) -> np.ndarray:
    """Return one row a test picture, columns as in `COLUMNS`; without a network, of the input."""
    rows = []
    for scene in transfer_scenes.scenes(options["photographs"], "test", options["pictures"]):
        z, y = output(network, scene.x, device), scene.y
        far = [float((one - one.mean(dim=1, keepdim=True)).abs().mean()) for one in (z, y)]
        rows.append(
            [
                float(psnr(z, y)),
                float((z - y).square().mean()),
                float(ciede2000(z, y)),
                float(histogram_emd_loss(z, y, kernel="sort")),
                float(sliced_emd_loss(z[..., ::2, ::2], y[..., ::2, ::2])),
                float((z - y).mean()),
                far[0] / max(far[1], 1e-6),
                float(z.std() / y.std().clamp_min(1e-6)),
                likeness(z, y),
                fine(z, y),
            ]
        )
    return np.array(rows, dtype=np.float32)


@torch.no_grad()
def looked(network: nn.Module | None, options: Mapping[str, Any], device: str, limit: int) -> dict[str, float]:
    """Return the means of `SEEN` over a few validation pictures."""
    rows = []
    for scene in transfer_scenes.scenes(options["photographs"], "val", limit):
        z = output(network, scene.x, device)
        distance = float(histogram_emd_loss(z, scene.y, kernel="sort"))
        rows.append([float(ciede2000(z, scene.y)), distance, likeness(z, scene.y)])
    return dict(zip(SEEN, np.mean(rows, axis=0).tolist(), strict=True))


def output(network: nn.Module | None, x: Tensor, device: str) -> Tensor:
    """Return what a network makes of a picture, as it is shown: in [0, 1]."""
    return x if network is None else network(x.to(device)).clamp(0, 1).cpu()


def likeness(x: Tensor, y: Tensor) -> float:
    """Return the correlation of two pictures in luma; 0 where one of them is flat."""
    a, b = ((z - z.mean()).flatten().double() for z in (grey(x), grey(y)))
    size = float(a.norm() * b.norm())
    return float(a @ b) / size if size > 1e-9 else 0.0


def fine(x: Tensor, y: Tensor) -> float:
    """Return how much fine detail there is in a picture, in units of another's."""
    a, b = (float((grey(z) - gaussian_blur(grey(z), 1.0)).std()) for z in (x, y))
    return a / max(b, 1e-6)
