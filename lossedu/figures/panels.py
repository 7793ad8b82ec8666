"""What one panel of a strip shows: a picture, a map of amounts, or a map of signs.

A panel keeps its values; colours are given when the strip is drawn, since maps of one kind share one scale over the
whole strip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap
from numpy.typing import NDArray

from .colormaps import signed_colormap

# Shown where a value is NaN or infinite: a colour that no photograph and no map here has.
NOT_FINITE = (255, 0, 255)


@dataclass(frozen=True)
class Mark:
    """A rectangle drawn around pixels of a panel, in source pixels."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class Panel:
    """One panel of a strip; made by `picture`, `scalar_map`, `signed_map`, `gradient_field` and `mark_crop`.

    Attributes
    ----------
    values : numpy.ndarray
        (H, W, 3) or (H, W) for a picture, (H, W) for a map.
    kind : str
        ``"picture"``, ``"map"`` or ``"signed"``.
    value_range : tuple of float, optional
        Values at the ends of the scale; None takes them from all panels that share the scale.
    cmap, label : str
        Colour scale of a map and the text at its bar.
    quantile : float
        For a signed map without a range: the share of absolute values that the scale holds.
    marks : tuple of Mark
    """

    values: NDArray[np.float64]
    kind: str = "picture"
    value_range: tuple[float, float] | None = (0.0, 1.0)
    cmap: str = ""
    label: str = ""
    quantile: float = 1.0
    marks: tuple[Mark, ...] = ()

    @property
    def scale_key(self) -> tuple[object, ...]:
        """Panels with the same key share one colour scale."""
        return self.kind, self.value_range, self.cmap, self.label, self.quantile


@dataclass(frozen=True)
class Scale:
    """A scale: the values at its ends, the colours of a map (None for a picture), and whether values lie beyond."""

    low: float
    high: float
    cmap: Colormap | None
    label: str
    extend: str

    def color(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return 8-bit RGB; values beyond the ends get the colour of the end."""
        unit = np.clip((np.nan_to_num(values) - self.low) / (self.high - self.low), 0, 1)
        finite = np.isfinite(values)
        if self.cmap is not None:
            unit = self.cmap(unit)[..., :3]
        # A grey picture, and the finite mask of a map, gets the axis of the colours here.
        unit, finite = (array if array.ndim == 3 else array[..., None] for array in (unit, finite))
        return np.where(finite.all(-1, keepdims=True), np.rint(unit * 255), NOT_FINITE).astype(np.uint8)


def shared_scale(panels: Sequence[Panel]) -> Scale:
    """Return the one scale of panels that have the same `scale_key`."""
    first = panels[0]
    values = np.concatenate([panel.values.ravel() for panel in panels])
    values = values[np.isfinite(values)] if np.isfinite(values).any() else np.zeros(1)
    low, high = first.value_range or (float(values.min()), float(values.max()))
    if first.kind == "signed" and first.value_range is None:
        high = float(np.quantile(np.abs(values), first.quantile))
        low = -high
    if low == high:
        # A constant map still needs a scale; it shows the middle of it.
        low, high = low - 0.5, high + 0.5
    beyond = (bool(values.min() < low), bool(values.max() > high))
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[beyond]
    cmap: Colormap | None = None
    if first.kind != "picture":
        cmap = signed_colormap() if first.kind == "signed" else colormaps[first.cmap]
    return Scale(low, high, cmap, first.label, extend)
