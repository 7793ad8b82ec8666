"""Chapter 4: MS-SSIM and the sigma trick."""

from __future__ import annotations

from .choices import dearest_wave, multiplications, window_choice
from .gambles import best_agreement
from .moments import all_contrast_structures
from .powers import safe_power
from .products import leave_one_out, ms_ssim_patch_gradient

__all__ = [
    "all_contrast_structures",
    "best_agreement",
    "dearest_wave",
    "leave_one_out",
    "ms_ssim_patch_gradient",
    "multiplications",
    "safe_power",
    "window_choice",
]
