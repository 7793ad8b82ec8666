"""Chapter 3: SSIM and its gradient."""

from __future__ import annotations

from .bargains import price_order, splotch
from .digits import stable_variance
from .doubt import level_under_doubt
from .extremes import equal_psnr
from .formula import ssim_at_centre
from .loss_gradient import ssim_gradient
from .patch_gradients import contrast_structure_gradient, luminance_gradient

__all__ = [
    "contrast_structure_gradient",
    "equal_psnr",
    "level_under_doubt",
    "luminance_gradient",
    "price_order",
    "splotch",
    "ssim_at_centre",
    "ssim_gradient",
    "stable_variance",
]
