"""What colours learned without pairs are judged by: what the pictures looked like before is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .. import histogram_emd_loss
from ..filters import gaussian_blur
from ..metrics import ciede2000
from . import retouch_scores, transfer_scenes
from .retouch_pairs import Pair
from .transfer_arms import grey

#: Columns of a picture.  Beside those of `retouch_scores`: ``likeness``, the correlation of output and truth in luma
#: (a negative has -1); ``fine``, the standard deviation of what a Gaussian window of 1 pixel takes from the luma, over
#: that of the truth.
COLUMNS = (*retouch_scores.COLUMNS, "likeness", "fine")

#: What is looked at during training.
SEEN = ("de00", "emd", "likeness")


@torch.no_grad()
def judged(network: nn.Module | None, options: Mapping[str, Any], device: str) -> np.ndarray:
    """Return one row a test picture, columns as in `COLUMNS`; without a network, of the input."""
    found = transfer_scenes.scenes(options["photographs"], "test", options["pictures"])
    outputs = [output(network, scene.x, device) for scene in found]
    rows = retouch_scores.judged(outputs, [Pair(scene.name, scene.x, scene.y, None) for scene in found])
    more = [[likeness(z, scene.y), fine(z, scene.y)] for z, scene in zip(outputs, found, strict=True)]
    return np.concatenate([rows, np.array(more, dtype=np.float32)], axis=1)


@torch.no_grad()
def looked(network: nn.Module, options: Mapping[str, Any], device: str, limit: int) -> dict[str, float]:
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
