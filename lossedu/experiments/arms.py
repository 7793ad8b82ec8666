"""The losses that are compared, as they are put on the 31 x 31 output of a small network.

SSIM_k and the dense forms mirror the patch at its border, so that every pixel has its window of 31 taps, the size of
the authors' window; the patch forms have one window as large as the patch, as in the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor

from .. import (
    WANG_2003,
    _validate,
    charbonnier_loss,
    l1_loss,
    mix_loss,
    ms_ssim_loss,
    ms_ssim_sigma_loss,
    mse_loss,
    ssim_loss,
)

Loss = Callable[[Tensor, Tensor], Tensor]

#: What the spectrum's error counts beside the pixels' in `l1_frequency`, as in MIMO-UNet (Cho et al., ICCV 2021).
FREQUENCY_WEIGHT = 0.1


def ssim(sigma: float) -> Loss:
    """Return SSIM_sigma over the whole patch."""
    return partial(ssim_loss, sigma=sigma, kernel_size=31, padding="reflect")


def mix(alpha: float) -> Loss:
    """Return Mix as in the paper: one window as large as the patch."""
    return partial(mix_loss, alpha=alpha, form="patch")


def l1_frequency(x: Tensor, y: Tensor) -> Tensor:
    r"""Return :math:`\ell_1` plus 0.1 times the mean absolute error of the spectrum's real and imaginary parts.

    The transform is not normalised, so white error counts with the side of the patch: 31 times 0.1 here.
    """
    error = torch.view_as_real(torch.fft.fft2(x.float() - y.float()))
    return l1_loss(x, y) + FREQUENCY_WEIGHT * error.abs().mean()


def _three_scales() -> Loss:
    # Five scales of the pyramid need 161 pixels; a patch of 31 holds three, with windows of 7 taps.
    weights = WANG_2003[:3]
    return partial(ms_ssim_loss, weights=tuple(weight / sum(weights) for weight in weights), kernel_size=7)


#: Name -> loss, in the order of the tables.
LOSSES: Mapping[str, Loss] = {
    "l2": mse_loss,
    "l1": l1_loss,
    "ssim_1.5": ssim(1.5),
    "ssim_5": ssim(5.0),
    "ssim_9": ssim(9.0),
    "ms_ssim": partial(ms_ssim_sigma_loss, form="patch"),
    "mix": mix(0.84),
    "charbonnier": charbonnier_loss,
    "l1_frequency": l1_frequency,
    "ms_ssim_dense": partial(ms_ssim_sigma_loss, form="dense", padding="reflect"),
    "ms_ssim_pyramid": _three_scales(),
    "mix_0": mix(0.0),
    "mix_0.025": mix(0.025),
    "mix_0.1": mix(0.1),
    "mix_0.3": mix(0.3),
}

#: Losses of single experiments: SSIM at the centre of each patch alone, as in the paper, and other widths.
OTHERS: Mapping[str, Loss] = {
    "ssim_1": ssim(1.0),
    "ssim_3": ssim(3.0),
    "ssim_1.5_centre": partial(ssim_loss, sigma=1.5, kernel_size=31),
    "ssim_5_centre": partial(ssim_loss, sigma=5.0, kernel_size=31),
}


def loss(name: str) -> Loss:
    """Return a loss by name; ValueError with the list of known ones for another."""
    known = {**LOSSES, **OTHERS}
    _validate.option("loss", name, known)
    return known[name]


#: The six of the first task in the paper's Table 1.
PAPER = ("l2", "l1", "ssim_5", "ssim_9", "ms_ssim", "mix")

#: What the weight of MS-SSIM in Mix is swept over; the ends are a weighted l1 and MS-SSIM itself.
ALPHAS: Mapping[str, float] = {
    "mix_0": 0.0,
    "mix_0.025": 0.025,
    "mix_0.1": 0.1,
    "mix_0.3": 0.3,
    "mix": 0.84,
    "ms_ssim": 1.0,
}

#: The arms of Table 1 without those of the sweep alone.
TABLE = tuple(name for name in LOSSES if name not in ALPHAS or name in ("mix", "ms_ssim"))
