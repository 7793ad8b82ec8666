"""The price of a loss by spatial frequency, as a curve."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator
from matplotlib.transforms import blended_transform_factory
from torch import Tensor

from .palette import loss_style

# A uniform shift has frequency 0, which a logarithmic axis cannot hold: it gets a strip of its own at the left, as a
# share of the axis.
_STRIP, _UNIFORM, _FOOT = 0.09, 0.045, 0.04
_PERIODS = (512, 256, 128, 64, 32, 16, 8, 4, 2)
_FREQUENCIES = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


class PriceLike(Protocol):
    """What `price_curve` draws: the result of `lossedu.price`."""

    @property
    def frequencies(self) -> Tensor:
        """1-D, cycles per pixel, above 0."""

    @property
    def values(self) -> Tensor:
        """1-D, price of a sinusoid of each frequency, MSE = 1."""

    @property
    def uniform(self) -> float:
        """Price of a uniform shift, MSE = 1."""


def price_curve(ax: Axes, price: PriceLike, name: str, *, label: str | None = None, **line: Any) -> None:
    """Draw what a loss charges for a small error, by spatial frequency, on logarithmic axes.

    The lower axis is frequency in cycles per pixel, the upper one period in pixels; the price is a pure number, 1 for
    MSE. The marker in the shaded strip at the left is the price of a uniform shift, frequency 0; one that costs
    nothing (or less) is a hollow marker at the foot of the strip, below every curve.  Prices of 0 or less leave a gap
    in the curve.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Call again on the same axes to add a curve.
    price : PriceLike
        `frequencies` and `values` are 1-D tensors of one length, `uniform` a float.
    name : str
        The loss, see `loss_style`.
    label : str, optional
        Name in the legend instead of the usual one.
    **line
        Passed on to `matplotlib.axes.Axes.plot`.

    Raises
    ------
    ValueError
        If the name is unknown, the tensors do not match, or a frequency is not above 0.
    """
    style = loss_style(name) | ({} if label is None else {"label": label}) | line
    frequencies, values = (np.asarray(t.detach().cpu().double()) for t in (price.frequencies, price.values))
    if frequencies.ndim != 1 or frequencies.shape != values.shape or frequencies.size == 0:
        raise ValueError(
            "price must have frequencies and values that are 1-D and of one length, "
            f"got {frequencies.shape} and {values.shape}"
        )
    if not (frequencies > 0).all():
        raise ValueError(f"price must have frequencies above 0 cycles per pixel, got {frequencies.min():g}")
    order = np.argsort(frequencies)
    ax.loglog(
        frequencies[order], np.where(values > 0, values, np.nan)[order], **{"markersize": 5.0} | style, gid="price"
    )
    free = price.uniform <= 0
    transform = ax.transAxes if free else blended_transform_factory(ax.transAxes, ax.transData)
    ground = {"markerfacecolor": "white"} if free else {}
    ax.plot(
        [_UNIFORM],
        [_FOOT if free else price.uniform],
        transform=transform,
        clip_on=False,
        zorder=3,
        **style | {"label": "", "markersize": 8.0} | ground,
        gid="free" if free else "uniform",
    )
    _price_axes(ax)


def _price_axes(ax: Axes) -> None:
    """Set range and ticks for all curves drawn so far; label the axes once."""
    curves = [curve for curve in ax.get_lines() if curve.get_gid() == "price"]
    data = np.concatenate([np.asarray(curve.get_xdata()) for curve in curves])
    low, high = float(data.min()), float(data.max())
    if any(curve.get_gid() == "free" for curve in ax.get_lines()):
        least = min(float(np.nanmin(np.asarray(curve.get_ydata()))) for curve in curves)
        ax.update_datalim([(low, least / 2)])
        ax.autoscale_view(scalex=False)
    # The curves get the share of the axis that the strip leaves, less a little on both sides.
    span = max(high / low, 2.0)
    ax.set_xlim(low / span ** ((_STRIP + 0.03) / (1 - _STRIP - 0.06)), low * span ** (1 + 0.03 / (1 - _STRIP - 0.06)))
    shown = [f for f in _FREQUENCIES if low * 0.999 <= f <= high * 1.001]
    ax.set_xticks(shown, [f"{f:g}" for f in shown])
    ax.xaxis.set_minor_locator(NullLocator())
    periods = [p for p in _PERIODS if low * 0.999 <= 1 / p <= high * 1.001]
    tops = [child for child in ax.child_axes if child.get_gid() == "period"]
    if tops:
        top = tops[0]
    else:
        top = ax.secondary_xaxis("top")
        top.set_gid("period")
        top.set_xlabel("period (pixels)")
        ax.set_xlabel("spatial frequency (cycles per pixel); 0 = uniform shift")
        ax.set_ylabel("price (MSE = 1)")
        ax.add_patch(Rectangle((0, 0), _STRIP, 1, transform=ax.transAxes, facecolor="#f0f0f0", linewidth=0, zorder=0))
        for y, text, offset, va in ((0, "0", -7, "top"), (1, r"$\infty$", 7, "bottom")):
            ax.annotate(
                text,
                (_UNIFORM, y),
                xycoords="axes fraction",
                xytext=(0, offset),
                textcoords="offset points",
                ha="center",
                va=va,
                size=11,
            )
    top.xaxis.set_major_locator(FixedLocator([1 / p for p in periods]))
    top.set_xticks([1 / p for p in periods], [str(p) for p in periods])
    top.xaxis.set_minor_locator(NullLocator())
    top.xaxis.set_minor_formatter(NullFormatter())
