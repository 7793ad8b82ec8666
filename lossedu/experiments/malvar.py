r"""A better guess of the missing colours than the bilinear one: the linear filters of Malvar, He and Cutler.

Source: High-quality linear interpolation for demosaicing of Bayer-patterned color images, ICASSP 2004.  Each missing
colour is the bilinear guess plus a share of the Laplacian of the colour that was measured there: edges are nearly the
same in all channels.  A classical method should not lose for want of it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import _validate

#: In eighths.  Green at red and blue; red or blue at green, where its neighbours are left and right; at the other one.
_GREEN = ((0, 0, -1, 0, 0), (0, 0, 2, 0, 0), (-1, 2, 4, 2, -1), (0, 0, 2, 0, 0), (0, 0, -1, 0, 0))
_BESIDE = ((0, 0, 0.5, 0, 0), (0, -1, 0, -1, 0), (-1, 4, 5, 4, -1), (0, -1, 0, -1, 0), (0, 0, 0.5, 0, 0))
_ACROSS = ((0, 0, -1.5, 0, 0), (0, 2, 0, 2, 0), (-1.5, 0, 6, 0, -1.5), (0, 2, 0, 2, 0), (0, 0, -1.5, 0, 0))


def demosaick_malvar(m: Tensor) -> Tensor:
    """Fill in the missing colours of an RGGB mosaic, (N, 1, H, W) to (N, 3, H, W), mirrored at the border.

    Measured samples come back bit for bit; the others may leave [0, 1] by a little.  Sides of at least 3 pixels.
    """
    _validate.image("m", m)
    if m.shape[1] != 1 or min(m.shape[-2:]) < 3:
        raise ValueError(f"m must be a mosaic (N, 1, H, W) with sides of at least 3 pixels, got {tuple(m.shape)}")
    beside = torch.tensor(_BESIDE)
    kernels = torch.stack([torch.tensor(_GREEN).float(), beside, beside.T, torch.tensor(_ACROSS)])[:, None].to(m) / 8
    green, left_right, up_down, across = F.conv2d(F.pad(m, (2, 2, 2, 2), mode="reflect"), kernels).unbind(1)
    measured = m[:, 0]
    z = torch.stack([measured] * 3, dim=1)
    even, odd = slice(0, None, 2), slice(1, None, 2)
    for channel, rows, columns, values in (
        (1, even, even, green),
        (1, odd, odd, green),
        (0, even, odd, left_right),
        (0, odd, even, up_down),
        (0, odd, odd, across),
        (2, odd, even, left_right),
        (2, even, odd, up_down),
        (2, even, even, across),
    ):
        z[:, channel, rows, columns] = values[:, rows, columns]
    return z
