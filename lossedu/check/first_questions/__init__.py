"""Chapter 0: price, choice and pull on a few numbers, and the reader as observer."""

from __future__ import annotations

from .compromises import likely_signal
from .observers import choice_strengths, needed_agreements
from .pulls import bounded_pull
from .toy_prices import error_order, wave_price

__all__ = ["bounded_pull", "choice_strengths", "error_order", "likely_signal", "needed_agreements", "wave_price"]
