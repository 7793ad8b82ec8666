"""How results are shown: the house style, strips of pictures and maps, curves and intervals.

This sub-package needs matplotlib, so `lossedu` loads it at the first use of ``lossedu.figures``.  Strips and charts
are returned as figures that pyplot does not know: a notebook cell that ends with one shows it once.
"""

from __future__ import annotations

from .colormaps import signed_colormap
from .context import strip_with_context
from .curves import price_curve
from .maps import gradient_field, scalar_map, signed_map
from .palette import LOSS_NAMES, loss_style
from .panels import Panel
from .pictures import mark_crop, picture
from .spread import interval, seed_dots
from .strips import image_strip
from .style import PAGE_WIDTH, chart, png_bytes, save_figure, use_house_style

__all__ = [
    "LOSS_NAMES",
    "PAGE_WIDTH",
    "Panel",
    "chart",
    "gradient_field",
    "image_strip",
    "interval",
    "loss_style",
    "mark_crop",
    "picture",
    "png_bytes",
    "price_curve",
    "save_figure",
    "scalar_map",
    "seed_dots",
    "signed_colormap",
    "signed_map",
    "strip_with_context",
    "use_house_style",
]
