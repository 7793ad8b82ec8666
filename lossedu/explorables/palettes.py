"""The colour scales of the house as tables of 256 colours, the same in Python and in the page."""

from __future__ import annotations

import base64
from functools import cache

import numpy as np
from numpy.typing import NDArray


def _table(colormap: object) -> NDArray[np.uint8]:
    colours = colormap(np.linspace(0, 1, 256))  # type: ignore[operator]  # matplotlib has no types
    return np.round(colours[:, :3] * 255).astype(np.uint8)


@cache
def amounts() -> NDArray[np.uint8]:
    """Return viridis, the scale of `figures.scalar_map`: (256, 3)."""
    from matplotlib import colormaps

    return _table(colormaps["viridis"])


@cache
def signs() -> NDArray[np.uint8]:
    """Return the scale of `figures.signed_map`, blue below zero and rust above: (256, 3)."""
    from ..figures import signed_colormap

    return _table(signed_colormap())


def to_base64(values: NDArray[np.uint8]) -> str:
    """Return bytes as text for the page's data."""
    return base64.b64encode(values.tobytes()).decode("ascii")


def css_gradient(table: NDArray[np.uint8], stops: int = 17) -> str:
    """Return a table as a CSS gradient from left to right, for a colour bar."""
    places = np.linspace(0, 255, stops).round().astype(int)
    return "linear-gradient(90deg," + ",".join("#" + bytes(table[p]).hex() for p in places) + ")"
