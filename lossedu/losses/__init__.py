"""The losses of the book: one module per family, one function per loss, one module twin each."""

from .pixel import CharbonnierLoss, L1Loss, MSELoss, charbonnier_loss, l1_loss, mse_loss
from .structural import SSIMLoss, ssim, ssim_grad, ssim_loss, ssim_map
from .weighted import WeightedLoss

__all__ = [
    "CharbonnierLoss",
    "L1Loss",
    "MSELoss",
    "SSIMLoss",
    "WeightedLoss",
    "charbonnier_loss",
    "l1_loss",
    "mse_loss",
    "ssim",
    "ssim_grad",
    "ssim_loss",
    "ssim_map",
]
