"""Chapter 1: mean square error, mean absolute error and their kin."""

from __future__ import annotations

from .averages import both_win
from .careful import careful_mse
from .gradients import charbonnier_gradient
from .intervals import interval_of_three
from .medians import weighted_median
from .orders import orders_by_loss
from .targets import clipped_target

__all__ = [
    "both_win",
    "careful_mse",
    "charbonnier_gradient",
    "clipped_target",
    "orders_by_loss",
    "interval_of_three",
    "weighted_median",
]
