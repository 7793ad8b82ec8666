"""What the exercises on Mix are tried on."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from ... import data
from ...filters import gaussian_window
from ...instruments.steering import pull_sizes, share_beside_l1
from ...losses.multiscale import ms_ssim_sigma_loss

#: Weight of D-SSIM, its pull, and that of MS-SSIM: made up, weak grain, strong grain, equal pulls.
SHARES = ((0.2, 9.0, 20.0), (0.2, 0.7, 2.7), (0.2, 3.3, 1.2), (0.5, 4.0, 4.0))

#: Name -> title, weight, strength in 255ths, whether it is a shift, hint.
CASES: dict[str, tuple[str, float, float, bool, str]] = {
    "grain": ("0.84, grain of 5/255", 0.84, 5, False, "MS-SSIM pulls at grain twenty times as hard as l1 does"),
    "shift": ("0.84, shift of 5/255", 0.84, 5, True, "only the luminance feels a shift, and on this ground hardly"),
    "storm": ("0.84, grain of 80/255", 0.84, 80, False, "a product of five small factors has no slope left"),
    "code": (
        "0.025, grain of 5/255",
        0.025,
        5,
        False,
        "twenty times the pull at a fortieth of the weight: half as much as l1, so a third",
    ),
}


def steering_share(case: str) -> float:
    """Return the share of MS-SSIM in the pull on the pixels of the explorable's patch, mean over twenty draws."""
    _, alpha, strength, shift, _ = CASES[case]
    halved = data.downsample2(data.photograph("camera").double())
    y = data.crop(halved, 104, 206, 31).expand(20, 1, 31, 31)
    grain = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=y.dtype)
    error = torch.ones_like(y) if shift else grain
    pull = pull_sizes(functools.partial(ms_ssim_sigma_loss, form="patch"), y + strength / 255 * error, y)
    return share_beside_l1(float(pull.mean()), alpha)


def window(size: int = 31, sigma: float = 8.0) -> Tensor:
    """Return a window, (size, size), float64."""
    line = gaussian_window(sigma, size)
    return torch.outer(line, line)


def pair(seed: int = 3) -> tuple[Tensor, Tensor]:
    """Return a patch in colour with noise and without, (1, 3, 31, 31), float64."""
    y = data.crop(data.photograph("astronaut"), 96, 208, 31).double()
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(seed), dtype=y.dtype)
    return y + 0.05 * noise, y
