"""Checks for the exercises: each says, property by property, what is right, what is wrong, and what usually causes it.

A check returns a `Verdict` and never raises because of a wrong answer, not even one that crashes.

- Chapter 0: `error_order`, `wave_price`, `likely_signal`, `bounded_pull`, `needed_agreements`, `choice_strengths`
- Chapter 3: `price_order`, `ssim_at_centre`, `luminance_gradient`, `contrast_structure_gradient`, `ssim_gradient`,
  `splotch`, `level_under_doubt`, `equal_psnr`, `stable_variance`
"""

from __future__ import annotations

from .first_questions import (
    bounded_pull,
    choice_strengths,
    error_order,
    likely_signal,
    needed_agreements,
    wave_price,
)
from .structural_similarity import (
    contrast_structure_gradient,
    equal_psnr,
    level_under_doubt,
    luminance_gradient,
    price_order,
    splotch,
    ssim_at_centre,
    ssim_gradient,
    stable_variance,
)
from .verdict import Property, Target, Verdict

__all__ = [
    "Property",
    "Target",
    "Verdict",
    "bounded_pull",
    "choice_strengths",
    "contrast_structure_gradient",
    "equal_psnr",
    "error_order",
    "level_under_doubt",
    "likely_signal",
    "luminance_gradient",
    "needed_agreements",
    "price_order",
    "splotch",
    "ssim_at_centre",
    "ssim_gradient",
    "stable_variance",
    "wave_price",
]
