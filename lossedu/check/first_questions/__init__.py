"""Chapter 0: price, choice and pull on a few numbers, and the reader as observer."""

from __future__ import annotations

from .compromises import l1_act
from .mends import mended_loss
from .observers import choice_strengths, needed_agreements
from .pulls import bounded_slope
from .toy_prices import error_order, wave_price

__all__ = [
    "bounded_slope",
    "choice_strengths",
    "error_order",
    "l1_act",
    "mended_loss",
    "needed_agreements",
    "wave_price",
]
