"""Tensors as maps for a strip: amounts, signed values, and what a gradient asks for."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib import colormaps
from numpy.typing import NDArray
from torch import Tensor

from lossedu import _validate

from .panels import Panel
from .pictures import checked_range, to_array


def _map_array(name: str, values: Tensor) -> NDArray[np.float64]:
    array = to_array(name, values)
    if array.ndim == 3:
        raise ValueError(
            f"{name} must have one channel to be shown as a map, got shape {tuple(values.shape)}; "
            "sum or average the channels first"
        )
    return array


def scalar_map(
    values: Tensor,
    *,
    value_range: tuple[float, float] | None = None,
    cmap: str = "viridis",
    label: str = "",
    name: str = "values",
) -> Panel:
    """A map of amounts, such as an SSIM map, with a colour bar.

    Parameters
    ----------
    values : Tensor
        (1, 1, H, W), (1, H, W) or (H, W), floating.
    value_range : tuple of float, optional
        Ends of the scale; by default the least and greatest value over all maps of the strip with the same settings.
        What lies outside is clipped for display only, and the bar then ends in an arrow.
    cmap : str
        Name of a matplotlib scale.
    label : str
        Text at the bar: what is shown, and its unit.  Maps with different labels have different scales.
    name : str
        What error messages call `values`.

    Returns
    -------
    Panel

    Raises
    ------
    TypeError, ValueError
        If `values` is no such tensor, the range is empty, or `cmap` is unknown.
    """
    if cmap not in colormaps:
        raise ValueError(f"cmap must be the name of a matplotlib colour scale such as 'viridis', got {cmap!r}")
    return Panel(_map_array(name, values), "map", checked_range(value_range), cmap, label)


def signed_map(
    values: Tensor, *, limit: float | None = None, quantile: float = 1.0, label: str = "", name: str = "values"
) -> Panel:
    """A map of signed values, symmetric about zero: blue below, near-white at zero, rust above.

    Parameters
    ----------
    values : Tensor
        (1, 1, H, W), (1, H, W) or (H, W), floating.
    limit : float, optional
        The scale runs from ``-limit`` to ``limit``; by default as far as `quantile` says.
    quantile : float
        Share of the absolute values, over all maps with the same settings, that the scale holds; the rest is clipped
        for display only, and the bar then ends in arrows.
    label : str
        Text at the bar.  Maps with different labels have different scales.
    name : str
        What error messages call `values`.

    Returns
    -------
    Panel

    Raises
    ------
    TypeError, ValueError
        If `values` is no such tensor, or `limit` or `quantile` is out of range.
    """
    value_range = None if limit is None else (-_validate.positive("limit", limit), float(limit))
    quantile = _validate.in_range("quantile", quantile, 0.0, 1.0)
    return Panel(_map_array(name, values), "signed", value_range, "", label, quantile)


def gradient_field(
    gradient: Tensor, *, limit: float | None = None, quantile: float = 0.995, label: str | None = None
) -> Panel:
    r"""What a loss asks of each pixel: the gradient with its sign turned, :math:`-\partial L / \partial x`.

    Rust pixels would lower the loss by getting brighter, blue ones by getting darker.  Three channels are added up:
    the sum is the derivative for a change of all three together.

    Parameters
    ----------
    gradient : Tensor
        dLoss/dx as `torch.autograd` gives it, (1, C, H, W), (C, H, W) or (H, W); do not turn the sign yourself.
    limit, quantile : float
        As in `signed_map`.  A gradient has a few far outliers, hence the .995.
    label : str, optional
        Text at the bar instead of the usual one.

    Returns
    -------
    Panel

    Raises
    ------
    TypeError, ValueError
        As `signed_map` does.
    """
    array = to_array("gradient", gradient)
    asked = -torch.from_numpy(array.sum(-1) if array.ndim == 3 else array)
    label = r"$\mathrm{darker} \leftarrow \mathrm{pull} \rightarrow \mathrm{brighter}$" if label is None else label
    return signed_map(asked, limit=limit, quantile=quantile, label=label, name="gradient")
