"""Chapter 6: perceptual losses."""

from __future__ import annotations

from .contents import mended_content_loss, srgan_scale
from .fields import field_size, write_counts
from .units import feature_gradient, who_feels

__all__ = [
    "feature_gradient",
    "field_size",
    "mended_content_loss",
    "srgan_scale",
    "who_feels",
    "write_counts",
]
