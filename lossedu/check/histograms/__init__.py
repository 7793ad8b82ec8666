"""Chapter 7: histogram EMD."""

from __future__ import annotations

from .ends import end_bin_test, mass_keeping_histogram
from .places import notices_shuffles
from .predictions import emd_by_hand, histogram_charges, weight_for_reach
from .transport import ordered_emd, projected_emd

__all__ = [
    "emd_by_hand",
    "end_bin_test",
    "histogram_charges",
    "mass_keeping_histogram",
    "notices_shuffles",
    "ordered_emd",
    "projected_emd",
    "weight_for_reach",
]
