r"""The pooling of DISTS: a weighted root mean square, free of the aliasing of a maximum.

.. math:: P(x) = \sqrt{g * (x \cdot x)},

at every second pixel, with g the 3x3 window of Hann (Hénaff and Simoncelli, 2016; Ding et al., 2020).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Added under the root, as published: where all is 0, the slope of the root would be infinite.
FLOOR = 1e-12


class L2Pool2d(nn.Module):
    """Halve height and width: root of the local mean square, per channel, zeros beyond the border."""

    window: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        side = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("window", (side[:, None] * side[None, :]).view(1, 1, 3, 3), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, ceil(H / 2), ceil(W / 2)), at least float32: squares of features overflow half precision."""
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        kernel = self.window.to(wide.dtype).expand(self.channels, 1, 3, 3)
        with torch.autocast(x.device.type, enabled=False):
            return (F.conv2d(wide * wide, kernel, stride=2, padding=1, groups=self.channels) + FLOOR).sqrt()


__all__ = ["L2Pool2d"]
