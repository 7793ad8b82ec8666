"""Losses for image enhancement: derived, tested and measured.

``import lossedu as le``.  Images are floating tensors (N, C, H, W) with nominal range [0, 1]; `x` is the processed
image, `y` the reference.  A loss is lower-is-better; an index or metric has its usual direction.
"""

from __future__ import annotations

import importlib
from types import ModuleType

from . import metrics
from .filters import gaussian_blur
from .instruments import Price, bayes_act, gradient_share, price
from .losses import (
    CharbonnierLoss,
    L1Loss,
    MSELoss,
    SSIMLoss,
    WeightedLoss,
    charbonnier_loss,
    l1_loss,
    mse_loss,
    ssim,
    ssim_grad,
    ssim_loss,
    ssim_map,
)

__version__ = "0.1.0"

# These need matplotlib, scikit-image or pooch: loaded when first asked for, as in ``le.figures``.
_ON_DEMAND = ("check", "data", "experiments", "explorables", "figures", "laboratory", "nets", "records", "training")


def __getattr__(name: str) -> ModuleType:
    if name in _ON_DEMAND:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_ON_DEMAND])


__all__ = [
    "CharbonnierLoss",
    "L1Loss",
    "MSELoss",
    "Price",
    "SSIMLoss",
    "WeightedLoss",
    "bayes_act",
    "charbonnier_loss",
    "gaussian_blur",
    "gradient_share",
    "l1_loss",
    "metrics",
    "mse_loss",
    "price",
    "ssim",
    "ssim_grad",
    "ssim_loss",
    "ssim_map",
]
