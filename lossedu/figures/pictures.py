"""Tensors as pictures for a strip, with or without a crop marked in them."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lossedu import _validate

from .panels import Mark, Panel


def to_array(name: str, image: Tensor) -> NDArray[np.float64]:
    """Return one image as (H, W) or (H, W, 3) in float64, or raise naming the argument."""
    _validate.tensor(name, image)
    shape = tuple(image.shape)
    if image.ndim == 4 and shape[0] == 1:
        image = image[0]
    if image.ndim == 2:
        image = image[None]
    if image.ndim != 3 or image.shape[0] not in (1, 3) or image.numel() == 0:
        raise ValueError(f"{name} must have shape (1, C, H, W), (C, H, W) or (H, W) with 1 or 3 channels, got {shape}")
    array = image.detach().to("cpu", torch.float64).permute(1, 2, 0).numpy()
    return array[..., 0] if array.shape[-1] == 1 else array


def checked_range(value_range: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return the range as floats, or raise unless low < high."""
    if value_range is None:
        return None
    low, high = map(float, value_range)
    if not low < high:
        raise ValueError(f"value_range must be (low, high) with low < high, got {value_range!r}")
    return low, high


def picture(image: Tensor, *, value_range: tuple[float, float] = (0.0, 1.0), name: str = "image") -> Panel:
    """A grey or RGB picture.

    Parameters
    ----------
    image : Tensor
        (1, C, H, W), (C, H, W) or (H, W), floating, C = 1 or 3.
    value_range : tuple of float
        Values shown as black and white.  What lies outside is clipped for display only; NaN and infinity are shown in
        magenta.
    name : str
        What error messages call `image`.

    Returns
    -------
    Panel

    Raises
    ------
    TypeError, ValueError
        If `image` is no floating tensor of such a shape, or the range is empty.
    """
    return Panel(to_array(name, image), value_range=checked_range(value_range))


def mark_crop(image: Tensor | Panel, top: int, left: int, size: int | tuple[int, int]) -> Panel:
    """A picture with a thin rectangle around a crop; the pixels inside stay untouched.

    Parameters
    ----------
    image : Tensor or Panel
        The picture, or a panel that may have marks already.
    top, left : int
        First row and column of the crop.
    size : int or tuple of int
        Side of a square crop, or (height, width).

    Returns
    -------
    Panel

    Raises
    ------
    ValueError
        If the crop does not lie inside the picture.
    """
    panel = image if isinstance(image, Panel) else picture(image)
    height, width = (size, size) if isinstance(size, int) else size
    rows, columns = panel.values.shape[:2]
    for name, start, length, end in (("top", top, height, rows), ("left", left, width, columns)):
        if not isinstance(start, Integral) or start < 0 or length < 1 or start + length > end:
            raise ValueError(
                f"{name} and size must be whole numbers that give a crop inside the {rows} x {columns} picture, "
                f"got {name}={start!r}, size={size!r}"
            )
    return replace(panel, marks=(*panel.marks, Mark(top, left, height, width)))
