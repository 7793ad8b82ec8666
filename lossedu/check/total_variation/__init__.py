"""Chapter 2: total variation."""

from __future__ import annotations

from .costs import contrast_loss, edge_costs
from .dual import chambolle_step, field_divergence
from .slopes import safe_isotropic, tv_subgradient
from .weights import rof_weight, winners

__all__ = [
    "chambolle_step",
    "contrast_loss",
    "edge_costs",
    "field_divergence",
    "rof_weight",
    "safe_isotropic",
    "tv_subgradient",
    "winners",
]
