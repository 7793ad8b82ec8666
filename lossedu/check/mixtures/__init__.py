"""Chapter 5: Mix."""

from __future__ import annotations

from .channels import paired_by_channel, permutation_test
from .patches import mix_gradient, weighted_l1
from .weights import equivalent_weight, matching_weight, who_steers

__all__ = [
    "equivalent_weight",
    "matching_weight",
    "mix_gradient",
    "paired_by_channel",
    "permutation_test",
    "weighted_l1",
    "who_steers",
]
