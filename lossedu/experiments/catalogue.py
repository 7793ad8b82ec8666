"""Which experiments there are, and at which scales; a module of its own, so that listing them loads nothing."""

from __future__ import annotations

from collections.abc import Mapping

#: Experiment, a module of this room -> its scales.  Tests hold it against the modules.
EXPERIMENTS: Mapping[str, tuple[str, ...]] = {
    "tuning": ("smoke", "cpu", "cpu_plain", "cpu_wide", "full"),
    "table1": ("smoke", "quick", "cpu", "cpu_plain", "cpu_wide", "full"),
    "convergence": ("smoke", "quick", "cpu", "full"),
    "centre_or_map": ("smoke", "quick", "cpu", "full"),
    "jpeg_alignment": ("smoke", "quick", "cpu", "full"),
    "sr_start": ("smoke", "quick", "cpu", "full"),
    "linear_or_display": ("smoke", "quick", "cpu", "full"),
    "sigma_sensitivity": ("smoke", "quick", "cpu", "full"),
    "runaway": ("smoke", "quick", "cpu", "full"),
    "noisy_targets": ("smoke", "quick", "cpu", "full"),
    "loss_times": ("smoke", "cpu", "full"),
    "precision": ("smoke", "quick", "cpu", "full"),
    "figure9": ("smoke", "quick", "cpu", "full"),
    "ms_ssim_forms": ("smoke", "quick", "cpu", "full"),
    "total_variation": ("smoke", "quick", "cpu", "full"),
    "classical": ("smoke", "quick", "cpu", "full"),
    "rings": ("smoke", "quick", "cpu"),
    "at_rest": ("smoke", "cpu", "full"),
    "edge_errors": ("smoke", "quick", "cpu"),
    "inversion": ("smoke", "quick", "cpu", "full"),
    "features": ("smoke", "quick", "cpu", "full"),
    "tone_fit": ("smoke", "quick", "cpu", "full"),
    "perceptual_sr": ("smoke", "quick", "cpu", "full"),
    "retouch_rates": ("smoke", "quick", "cpu", "full"),
    "retouching": ("smoke", "quick", "cpu", "full"),
    "blur_critics": ("smoke", "quick", "cpu", "full"),
}
