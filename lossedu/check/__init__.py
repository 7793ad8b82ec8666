"""Checks for the exercises: each says, property by property, what is right, what is wrong, and what usually causes it.

A check returns a `Verdict` and never raises because of a wrong answer, not even one that crashes.

- Chapter 0: `error_order`, `wave_price`, `likely_signal`, `bounded_pull`, `needed_agreements`, `choice_strengths`
- Chapter 1: `orders_by_loss`, `weighted_median`, `charbonnier_gradient`, `careful_mse`, `clipped_target`, `both_win`,
  `interval_of_three`
- Chapter 2: `edge_costs`, `tv_subgradient`, `safe_isotropic`, `field_divergence`, `chambolle_step`, `contrast_loss`,
  `rof_weight`, `winners`
- Chapter 3: `price_order`, `ssim_at_centre`, `luminance_gradient`, `contrast_structure_gradient`, `ssim_gradient`,
  `splotch`, `level_under_doubt`, `equal_psnr`, `stable_variance`
- Chapter 5: `who_steers`, `equivalent_weight`, `weighted_l1`, `mix_gradient`, `permutation_test`, `paired_by_channel`,
  `matching_weight`
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
from .mixtures import (
    equivalent_weight,
    matching_weight,
    mix_gradient,
    paired_by_channel,
    permutation_test,
    weighted_l1,
    who_steers,
)
from .pixel_losses import (
    both_win,
    careful_mse,
    charbonnier_gradient,
    clipped_target,
    interval_of_three,
    orders_by_loss,
    weighted_median,
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
from .total_variation import (
    chambolle_step,
    contrast_loss,
    edge_costs,
    field_divergence,
    rof_weight,
    safe_isotropic,
    tv_subgradient,
    winners,
)
from .verdict import Property, Target, Verdict

__all__ = [
    "Property",
    "Target",
    "Verdict",
    "both_win",
    "bounded_pull",
    "careful_mse",
    "chambolle_step",
    "charbonnier_gradient",
    "choice_strengths",
    "clipped_target",
    "contrast_loss",
    "contrast_structure_gradient",
    "edge_costs",
    "equal_psnr",
    "equivalent_weight",
    "error_order",
    "field_divergence",
    "interval_of_three",
    "level_under_doubt",
    "likely_signal",
    "luminance_gradient",
    "matching_weight",
    "mix_gradient",
    "needed_agreements",
    "orders_by_loss",
    "paired_by_channel",
    "permutation_test",
    "price_order",
    "rof_weight",
    "safe_isotropic",
    "splotch",
    "ssim_at_centre",
    "ssim_gradient",
    "stable_variance",
    "tv_subgradient",
    "wave_price",
    "weighted_l1",
    "weighted_median",
    "who_steers",
    "winners",
]
