"""Losses for image enhancement: derived, tested and measured.

``import lossedu as le``.  Images are floating tensors (N, C, H, W) with nominal range [0, 1]; `x` is the processed
image, `y` the reference.  A loss is lower-is-better; an index or metric has its usual direction.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from . import metrics
from .auditing import Finding, Report, audit
from .filters import color_blur, gaussian_blur
from .instruments import Price, bayes_act, gradient_share, price
from .losses import (
    MIX_ALPHA,
    WANG_2003,
    AdversarialColorLoss,
    BlurredMSELoss,
    CharbonnierLoss,
    ColorDiscriminator,
    ContextualLoss,
    HistogramEMDLoss,
    L1Loss,
    MinShiftLoss,
    MixLoss,
    MSELoss,
    MSSSIMLoss,
    MSSSIMSigmaLoss,
    PerceptualLoss,
    SlicedEMDLoss,
    SSIMLoss,
    TVLoss,
    WeightedLoss,
    adversarial_color_loss,
    blurred_mse_loss,
    charbonnier_loss,
    color_discriminator_loss,
    contextual_loss,
    histogram_emd_loss,
    l1_loss,
    min_shift_loss,
    mix_loss,
    ms_ssim,
    ms_ssim_loss,
    ms_ssim_sigma,
    ms_ssim_sigma_grad,
    ms_ssim_sigma_loss,
    mse_loss,
    r1_penalty,
    sliced_emd_loss,
    soft_histogram,
    ssim,
    ssim_grad,
    ssim_loss,
    ssim_map,
    tv_loss,
    vgg_features,
)

__version__ = "0.1.0"

# These need matplotlib, scikit-image or pooch: loaded when first asked for, as in ``le.figures``.
_ON_DEMAND = (
    "check",
    "data",
    "experiments",
    "explorables",
    "figures",
    "laboratory",
    "ledger",
    "nets",
    "records",
    "reports",
    "sweeps",
    "training",
)


def __getattr__(name: str) -> ModuleType:
    if name in _ON_DEMAND:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_ON_DEMAND])


__all__ = [
    "AdversarialColorLoss",
    "BlurredMSELoss",
    "CharbonnierLoss",
    "ColorDiscriminator",
    "ContextualLoss",
    "Finding",
    "HistogramEMDLoss",
    "L1Loss",
    "MIX_ALPHA",
    "MSELoss",
    "MSSSIMLoss",
    "MSSSIMSigmaLoss",
    "MinShiftLoss",
    "MixLoss",
    "PerceptualLoss",
    "Price",
    "Report",
    "SSIMLoss",
    "SlicedEMDLoss",
    "TVLoss",
    "WANG_2003",
    "WeightedLoss",
    "adversarial_color_loss",
    "audit",
    "bayes_act",
    "blurred_mse_loss",
    "charbonnier_loss",
    "color_blur",
    "color_discriminator_loss",
    "contextual_loss",
    "gaussian_blur",
    "gradient_share",
    "histogram_emd_loss",
    "l1_loss",
    "metrics",
    "min_shift_loss",
    "mix_loss",
    "ms_ssim",
    "ms_ssim_loss",
    "ms_ssim_sigma",
    "ms_ssim_sigma_grad",
    "ms_ssim_sigma_loss",
    "mse_loss",
    "price",
    "r1_penalty",
    "sliced_emd_loss",
    "soft_histogram",
    "ssim",
    "ssim_grad",
    "ssim_loss",
    "ssim_map",
    "tv_loss",
    "vgg_features",
]
