r"""The losses that HDRNet is trained with, by the name of the arm.

Histogram arms are squared error plus :math:`\lambda` times the earth mover's distance of the channel histograms:

===============  ======================================================================================================
printed          as printed: in bins (no 1/K), :math:`\lambda` = 1, 256 bins, logistic kernel of width 1/1000 of the
                 range (alpha = 1000 with B = 1), nothing mirrored at the ends
printed_mirror   the same with mirror terms
unit             with 1/K: in units of the range
unit_mirror      both mended
sharp            `unit_mirror` with the other reading of alpha = 1000: a thousandth of a bin
sort             exact, without bins: sorted pixels
printed_k50 …    other numbers of bins and other :math:`\lambda`, which the source's search compares
===============  ======================================================================================================
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .. import PerceptualLoss, _validate, histogram_emd_loss, mse_loss, ssim_loss

Loss = Callable[[Tensor, Tensor], Tensor]

#: Johnson et al.'s and Mustafa et al.'s layers of VGG-16.
LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")

#: Batches over which the gradients of the squared error and of the features are compared.
COMPARED = 4


class Histogram(NamedTuple):
    """Settings of a histogram term beside the squared error."""

    weight: float = 1.0
    bins: int = 256
    in_bins: bool = True
    mirror: bool = False
    kernel: str = "logistic"
    bandwidth: float = 1e-3


HISTOGRAMS: Mapping[str, Histogram] = {
    "printed": Histogram(),
    "printed_mirror": Histogram(mirror=True),
    "unit": Histogram(in_bins=False),
    "unit_mirror": Histogram(in_bins=False, mirror=True),
    "sharp": Histogram(in_bins=False, mirror=True, bandwidth=1 / 256_000),
    "sort": Histogram(in_bins=False, kernel="sort"),
    "printed_k50": Histogram(bins=50),
    "printed_k100": Histogram(bins=100),
    "printed_01": Histogram(weight=0.1),
    "printed_10": Histogram(weight=10.0),
    "unit_01": Histogram(weight=0.1, in_bins=False),
    "unit_10": Histogram(weight=10.0, in_bins=False),
}

ARMS = ("l2", "vgg", "ssim", *HISTOGRAMS)


def loss(
    arm: str, batch_at: Callable[[int], tuple[Tensor, Tensor]], device: str, precision: str, every: int = 1
) -> Loss:
    """Return the loss of an arm; of ``vgg``, the weight is found on the first batches.

    Histograms are of every so many-th row and column.

    The features see the first picture of each batch only: crops are drawn at random, and it costs a quarter.  Their
    gradient has on average the size of the squared error's where training begins (2-norms in the pixels).
    """
    _validate.option("arm", arm, ARMS)
    if arm == "l2":
        return mse_loss
    if arm == "ssim":
        return ssim_loss
    if arm == "vgg":
        return _with_features(batch_at, device, precision)
    return functools.partial(with_histogram, HISTOGRAMS[arm], every)


def with_histogram(own: Histogram, every: int, x: Tensor, y: Tensor) -> Tensor:
    """Return the squared error plus the histogram term."""
    options: dict[str, Any] = {"kernel": own.kernel, "bins": own.bins}
    if own.kernel == "logistic":
        options |= {"mirror": own.mirror, "bandwidth": own.bandwidth}
    few = (..., slice(None, None, every), slice(None, None, every))
    distance = histogram_emd_loss(x[few], y[few], **options)
    return mse_loss(x, y) + own.weight * (own.bins if own.in_bins else 1) * distance


def _with_features(batch_at: Callable[[int], tuple[Tensor, Tensor]], device: str, precision: str) -> Loss:
    seen = PerceptualLoss(LAYERS).to(torch.device(device))

    def features(x: Tensor, y: Tensor) -> Tensor:
        with torch.autocast(x.device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            found: Tensor = seen(x[:1], y[:1])
        return found

    sizes = [0.0, 0.0]
    for step in range(COMPARED):
        start, target = batch_at(step)
        for part, one in enumerate((mse_loss, features)):
            x = start.clone().requires_grad_()
            (slope,) = torch.autograd.grad(one(x, target), x)
            sizes[part] += float(slope.norm())
    weight = sizes[0] / sizes[1]
    return lambda x, y: mse_loss(x, y) + weight * features(x, y)
