"""Checks for the exercises: each says, property by property, what is right, what is wrong, and what usually causes it.

A check returns a `Verdict` and never raises because of a wrong answer, not even one that crashes.

- Chapter 0: `error_order`, `wave_price`, `l1_act`, `bounded_slope`, `needed_agreements`, `choice_strengths`,
  `mended_loss`
- Chapter 1: `orders_by_loss`, `weighted_median`, `charbonnier_gradient`, `careful_mse`, `clipped_target`, `both_win`,
  `interval_of_three`
- Chapter 2: `edge_costs`, `tv_subgradient`, `safe_isotropic`, `field_divergence`, `chambolle_step`, `contrast_loss`,
  `rof_weight`, `winners`
- Chapter 3: `price_order`, `ssim_at_centre`, `luminance_gradient`, `contrast_structure_gradient`, `ssim_gradient`,
  `splotch`, `level_under_doubt`, `equal_psnr`, `stable_variance`
- Chapter 4: `dearest_wave`, `leave_one_out`, `ms_ssim_patch_gradient`, `all_contrast_structures`, `multiplications`,
  `safe_power`, `best_agreement`, `window_choice`
- Chapter 5: `who_steers`, `equivalent_weight`, `weighted_l1`, `mix_gradient`, `permutation_test`, `paired_by_channel`,
  `matching_weight`
- Chapter 6: `who_feels`, `field_size`, `mended_content_loss`, `feature_gradient`, `srgan_scale`, `write_counts`
- Chapter 7: `histogram_charges`, `emd_by_hand`, `ordered_emd`, `mass_keeping_histogram`, `end_bin_test`,
  `weight_for_reach`, `projected_emd`, `notices_shuffles`
- Chapter 8: `printed_kernel`, `valid_blur`, `border_light`, `generator_loss`, `critic_loss`, `gaussian_critic`,
  `uniform_divergence`, `dirac_step`, `dirac_factor`, `least_gamma`, `r1_penalty`, `hidden_changes`, `min_shift`,
  `free_negative`
"""

from __future__ import annotations

from .adversarial import (
    border_light,
    critic_loss,
    dirac_factor,
    dirac_step,
    free_negative,
    gaussian_critic,
    generator_loss,
    hidden_changes,
    least_gamma,
    min_shift,
    printed_kernel,
    r1_penalty,
    uniform_divergence,
    valid_blur,
)
from .first_questions import (
    bounded_slope,
    choice_strengths,
    error_order,
    l1_act,
    mended_loss,
    needed_agreements,
    wave_price,
)
from .histograms import (
    emd_by_hand,
    end_bin_test,
    histogram_charges,
    mass_keeping_histogram,
    notices_shuffles,
    ordered_emd,
    projected_emd,
    weight_for_reach,
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
from .multi_scale import (
    all_contrast_structures,
    best_agreement,
    dearest_wave,
    leave_one_out,
    ms_ssim_patch_gradient,
    multiplications,
    safe_power,
    window_choice,
)
from .perceptual import (
    feature_gradient,
    field_size,
    mended_content_loss,
    srgan_scale,
    who_feels,
    write_counts,
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
    "all_contrast_structures",
    "best_agreement",
    "border_light",
    "both_win",
    "bounded_slope",
    "careful_mse",
    "chambolle_step",
    "charbonnier_gradient",
    "choice_strengths",
    "clipped_target",
    "contrast_loss",
    "contrast_structure_gradient",
    "critic_loss",
    "dearest_wave",
    "dirac_factor",
    "dirac_step",
    "edge_costs",
    "emd_by_hand",
    "end_bin_test",
    "equal_psnr",
    "equivalent_weight",
    "error_order",
    "feature_gradient",
    "field_divergence",
    "field_size",
    "free_negative",
    "gaussian_critic",
    "generator_loss",
    "hidden_changes",
    "histogram_charges",
    "interval_of_three",
    "l1_act",
    "least_gamma",
    "leave_one_out",
    "level_under_doubt",
    "luminance_gradient",
    "mass_keeping_histogram",
    "matching_weight",
    "mended_content_loss",
    "mended_loss",
    "min_shift",
    "mix_gradient",
    "ms_ssim_patch_gradient",
    "multiplications",
    "needed_agreements",
    "notices_shuffles",
    "ordered_emd",
    "orders_by_loss",
    "paired_by_channel",
    "permutation_test",
    "price_order",
    "printed_kernel",
    "projected_emd",
    "r1_penalty",
    "rof_weight",
    "safe_isotropic",
    "safe_power",
    "splotch",
    "srgan_scale",
    "ssim_at_centre",
    "ssim_gradient",
    "stable_variance",
    "tv_subgradient",
    "uniform_divergence",
    "valid_blur",
    "wave_price",
    "weight_for_reach",
    "weighted_l1",
    "weighted_median",
    "who_feels",
    "who_steers",
    "window_choice",
    "winners",
    "write_counts",
]
