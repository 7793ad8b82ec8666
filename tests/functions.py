"""Every loss, index and metric of the package, and what its contract exempts it from: one list for the shared tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from pictures import batch
from torch import Tensor, nn

import lossedu as le


class Here:
    """The device that the shared tests run on at the moment."""

    device = "cpu"

    def move(self, device: str) -> None:
        """Have images and networks made there from now on."""
        self.device = device
        for network in (CRITIC, *PERCEPTUAL.values(), *CONTEXTUAL.values()):
            network.to(device)


here = Here()


@dataclass(frozen=True)
class Case:
    """One function with the options it is tried with.

    `size` is the smallest comfortable image, `units` the power of data_range that the value scales with, `to_y` whether
    y has a gradient, `twin` the module class.
    """

    name: str
    function: Callable[..., Tensor]
    options: dict[str, Any] = field(default_factory=dict)
    size: tuple[int, int] = (14, 12)
    twin: type[nn.Module] | None = None
    unary: bool = False
    zero: bool = True
    units: int | None = 0
    to_y: bool = True
    twice: bool = True
    symmetric: bool = True
    rough: bool = False
    tolerance: float = 1e-5

    def __call__(self, x: Tensor, y: Tensor, **more: Any) -> Tensor:
        options = {**self.options, **more}
        return self.function(x, **options) if self.unary else self.function(x, y, **options)

    def pair(self, n: int = 2, c: int = 3) -> tuple[Tensor, Tensor]:
        """Pieces of photographs in float64: x noisy, y clean."""
        x, y = batch(n, c, self.size)
        return x.to(here.device), y.to(here.device)


class SmallCritic(nn.Module):
    """A discriminator for tests: two layers and a mean."""

    def __init__(self) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.one, self.two = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 1, 1)
        for parameter in self.parameters():
            parameter.data = 0.5 * torch.randn(parameter.shape, generator=generator)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.one.weight
        out = self.two(nn.functional.leaky_relu(self.one(x.to(weight.dtype)), 0.2))
        return out.mean(dim=(2, 3))


CRITIC = SmallCritic().double()
PERCEPTUAL = {r: le.PerceptualLoss(("relu1_2",), weights="random", reduction=r) for r in ("mean", "sum", "none")}
CONTEXTUAL = {r: le.ContextualLoss(("relu1_2",), weights="random", reduction=r) for r in ("mean", "sum", "none")}


def perceptual(x: Tensor, y: Tensor, *, reduction: str = "mean") -> Tensor:
    return PERCEPTUAL[reduction](x, y)


def contextual(x: Tensor, y: Tensor, *, reduction: str = "mean") -> Tensor:
    return CONTEXTUAL[reduction](x, y)


def adversarial(x: Tensor, y: Tensor, *, reduction: str = "mean") -> Tensor:
    return le.adversarial_color_loss(CRITIC, x, reduction=reduction)


three = {"sigmas": (0.5, 1, 2)}  # windows of 5, 9 and 15 pixels

LOSSES = [
    Case("mse_loss", le.mse_loss, twin=le.MSELoss, units=2),
    Case("l1_loss", le.l1_loss, twin=le.L1Loss, units=1, rough=True),
    Case("charbonnier_loss", le.charbonnier_loss, {"eps": 0.01}, twin=le.CharbonnierLoss, units=None),
    *[
        Case(
            f"tv_loss {kind}",
            le.tv_loss,
            {"kind": kind},
            twin=le.TVLoss,
            unary=True,
            zero=False,
            units=None,
            to_y=False,
            rough=kind == "anisotropic",
        )
        for kind in ("anisotropic", "isotropic", "squared")
    ],
    Case("ssim_loss", le.ssim_loss, {"sigma": 0.8}, twin=le.SSIMLoss),
    Case("ssim_loss reflect", le.ssim_loss, {"padding": "reflect"}, twin=le.SSIMLoss),
    Case("ms_ssim_loss", le.ms_ssim_loss, {"weights": (0.4, 0.6), "kernel_size": 5}, (17, 15), twin=le.MSSSIMLoss),
    Case("ms_ssim_sigma_loss", le.ms_ssim_sigma_loss, three, (18, 17), twin=le.MSSSIMSigmaLoss),
    Case("ms_ssim_sigma_loss reflect", le.ms_ssim_sigma_loss, {**three, "padding": "reflect"}, twin=le.MSSSIMSigmaLoss),
    Case("ms_ssim_sigma_loss patch", le.ms_ssim_sigma_loss, {"form": "patch"}, (11, 11), twin=le.MSSSIMSigmaLoss),
    Case("mix_loss", le.mix_loss, three, (18, 17), twin=le.MixLoss),
    Case("mix_loss reflect", le.mix_loss, {**three, "padding": "reflect"}, twin=le.MixLoss),
    Case("mix_loss patch", le.mix_loss, {"form": "patch"}, (11, 11), twin=le.MixLoss),
    *[
        Case(
            f"histogram_emd_loss {kernel}",
            le.histogram_emd_loss,
            {"kernel": kernel, **bins},
            twin=le.HistogramEMDLoss,
            units=1,
            rough=True,
            tolerance=1e-4,
        )
        for kernel, bins in (("linear", {"bins": 32}), ("logistic", {"bins": 16}), ("sort", {}))
    ],
    Case("sliced_emd_loss", le.sliced_emd_loss, {"directions": 5}, twin=le.SlicedEMDLoss, units=1, rough=True),
    Case("blurred_mse_loss", le.blurred_mse_loss, size=(24, 23), twin=le.BlurredMSELoss, units=2),
    Case("min_shift_loss", le.min_shift_loss, {"shift": 2}, twin=le.MinShiftLoss, units=2, symmetric=False),
    # equal pixels of a picture share what one of them would have, so that equal pictures cost something
    Case(
        "contextual_loss",
        le.contextual_loss,
        {"eps": 0.01},
        (9, 8),
        zero=False,
        symmetric=False,
        rough=True,
        tolerance=1e-4,
    ),
]

INDICES = [
    Case("ssim", le.ssim, {"sigma": 0.8}, zero=False),
    Case("ms_ssim", le.ms_ssim, {"weights": (0.4, 0.6), "kernel_size": 5}, (17, 15), zero=False),
    Case("ms_ssim_sigma", le.ms_ssim_sigma, three, (18, 17), zero=False),
    Case("ms_ssim_sigma patch", le.ms_ssim_sigma, {"form": "patch"}, (11, 11), zero=False),
]

METRICS = [
    Case("psnr", le.metrics.psnr, zero=False),
    Case("gmsd", le.metrics.gmsd, size=(20, 18)),
    Case("fsim", le.metrics.fsim, size=(24, 22), zero=False, rough=True, tolerance=1e-4),
    Case("fsimc", le.metrics.fsim, {"chromatic": True}, (24, 22), zero=False, rough=True, tolerance=1e-4),
    Case("ciede2000", le.metrics.ciede2000, tolerance=1e-4),
    Case("iw_ssim", le.metrics.iw_ssim, size=(176, 164), zero=False, symmetric=False, tolerance=1e-4),
]

NETWORKS = [
    Case("PerceptualLoss", perceptual, size=(16, 14), to_y=False, symmetric=False, units=None),
    Case("ContextualLoss", contextual, size=(12, 10), to_y=False, zero=False, symmetric=False, units=None, rough=True),
    Case("adversarial_color_loss", adversarial, size=(26, 25), to_y=False, zero=False, units=None, symmetric=False),
]

ALL = [*LOSSES, *INDICES, *METRICS, *NETWORKS]

#: Of `lossedu.metrics` too, but they need networks: those of `small_networks.py` have to be put in place for them.
DEEP = [
    Case("lpips", le.metrics.lpips, size=(17, 16), rough=True),
    Case("lpips alexnet", le.metrics.lpips, {"net": "alexnet"}, (17, 16), rough=True),
    Case("dists", le.metrics.dists, size=(17, 16), rough=True),
]
