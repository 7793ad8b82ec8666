"""Patches to measure pulls on, what is measured, and the pull of MS-SSIM on flat ground by hand."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from .. import data, ms_ssim_sigma_loss, ssim_loss
from ..filters import gaussian_window
from ..losses.multiscale import SIGMAS
from .arms import Loss

#: Photographs that patches are cut from, and the side of a patch.
NAMES, SIDE = ("astronaut", "chelsea", "coffee"), 31

#: MS-SSIM in the form of the paper: one window for each scale, as large as the patch.
MS_SSIM: Loss = partial(ms_ssim_sigma_loss, form="patch")

#: The other term of Gaussian splatting, D-SSIM; its code puts zeros round the picture, here the border is mirrored.
D_SSIM: Loss = partial(ssim_loss, padding="reflect")

#: Its weight in Gaussian splatting.
SPLATTING = 0.2


def patches(count: int = 60, *, seed: int = 0) -> Tensor:
    """Return patches of three photographs, (count, 3, 31, 31), float64, at places that the seed draws."""
    generator = torch.Generator().manual_seed(seed)
    photos = [data.photograph(name).double() for name in NAMES]
    found = []
    for place in range(count):
        photo = photos[place % len(photos)]
        top, left = (int(torch.randint(side - SIDE, (), generator=generator)) for side in photo.shape[-2:])
        found.append(data.crop(photo, top, left, SIDE))
    return torch.cat(found)


def noise(like: Tensor, *, seed: int = 1) -> Tensor:
    """Return white noise of standard deviation 1."""
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(seed), dtype=like.dtype)


def flat_pull(deviation: float) -> float:
    r"""Return what MS-SSIM pulls with on flat ground under white noise, worked out by hand.

    .. math:: m(s) \approx 2\sqrt{\tfrac2\pi}\, s \prod_{j=1}^M \frac{C_2}{v_j s^2 + C_2}
       \sum_{j=1}^M \frac{\sqrt{v_j}}{v_j s^2 + C_2}, \qquad v_j = 1 - \sum_q G_j(q)^2.
    """
    c2 = 0.03**2
    kept = []
    for sigma in SIGMAS:
        line = gaussian_window(sigma, SIDE)
        kept.append(1 - float(line.square().sum()) ** 2)
    variances = [v * deviation**2 + c2 for v in kept]
    product = math.prod(c2 / below for below in variances)
    terms = sum(math.sqrt(v) / below for v, below in zip(kept, variances, strict=True))
    return 2 * math.sqrt(2 / math.pi) * deviation * product * terms
