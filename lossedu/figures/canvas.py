"""A sheet of pixels with lettering: what strips are drawn on.

Pictures, frames and colour bars are painted into one array that fills the figure, one array element for each pixel of
the file. No position ever passes through floating point, so a source pixel can be found again in the saved PNG.
"""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from .lettering import line_height
from .style import HOUSE, INK, pixel_size

Color = tuple[int, int, int]


class Canvas:
    """White pixels, addressed from the top left corner, and texts above them."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._pixels = np.full((height, width, 3), 255, np.uint8)
        with mpl.rc_context(HOUSE | {"figure.constrained_layout.use": False}):
            self._figure = Figure(figsize=pixel_size(width, height))

    def paint(self, x: int, y: int, rgb: NDArray[np.uint8], zoom: int = 1) -> None:
        """Copy 8-bit RGB to (x, y), every source pixel as a square of `zoom` x `zoom`."""
        block = rgb.repeat(zoom, axis=0).repeat(zoom, axis=1)
        self._pixels[y : y + block.shape[0], x : x + block.shape[1]] = block

    def fill(self, x: int, y: int, width: int, height: int, color: Color) -> None:
        """Fill a rectangle."""
        self._pixels[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = color

    def ring(self, x: int, y: int, width: int, height: int, color: Color, *, thickness: int = 1, gap: int = 0) -> None:
        """Draw a frame around a rectangle, `gap` pixels off, without touching the pixels inside."""
        for k in range(gap + 1, gap + thickness + 1):
            self.fill(x - k, y - k, width + 2 * k, 1, color)
            self.fill(x - k, y + height + k - 1, width + 2 * k, 1, color)
            self.fill(x - k, y - k, 1, height + 2 * k, color)
            self.fill(x + width + k - 1, y - k, 1, height + 2 * k, color)

    def lines(self, x: float, top: int, lines: list[str], size: float, color: str = INK) -> None:
        """Write centred lines of text below each other, the first one starting at `top`."""
        for k, line in enumerate(lines):
            # The ascent of the house font is .93 of its size; a baseline keeps lines level whatever their letters.
            self._write(x, top + line_height(size) * (k + 0.79), line, size, color, va="baseline")

    def sideways(self, x: float, y: float, text: str, size: float) -> None:
        """Write a text that reads upwards, centred at (x, y)."""
        self._write(x, y, text, size, INK, va="center", rotation=90)

    def _write(self, x: float, y: float, text: str, size: float, color: str, *, va: str, rotation: float = 0) -> None:
        with mpl.rc_context(HOUSE):
            place = x / self.width, 1 - y / self.height
            self._figure.text(*place, text, size=size, color=color, ha="center", va=va, rotation=rotation)

    def figure(self) -> Figure:
        """Return the sheet as a figure that is not registered with pyplot."""
        with mpl.rc_context(HOUSE):
            axes = self._figure.add_axes((0, 0, 1, 1))
            axes.imshow(self._pixels, interpolation="nearest", aspect="auto")
            axes.set_axis_off()
        return self._figure
