"""Several seeds and the interval of their mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.transforms import ScaledTranslation

from lossedu.statistics import Interval, t_interval

from .palette import loss_style


def interval(
    ax: Axes, x: float, mean: float, low: float, high: float, name: str, *, label: str | None = None, shift: float = 0.0
) -> None:
    """Draw a mean with its interval in the look of a loss.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x, mean, low, high : float
        Position, mean, and the ends of the interval, in data units.
    name : str
        The loss, see `loss_style`.
    label : str, optional
        Name in the legend instead of the usual one; ``""`` for none.
    shift : float
        Points by which to move it to the right, so that several stand side by side at one x.

    Raises
    ------
    ValueError
        If the name is unknown or the mean does not lie in the interval.
    """
    if not low <= mean <= high:
        raise ValueError(f"low and high must enclose the mean {mean!r}, got {low!r} and {high!r}")
    style = loss_style(name)
    ax.errorbar(
        [x],
        [mean],
        yerr=[[mean - low], [high - mean]],
        color=style["color"],
        marker=style["marker"],
        linestyle="none",
        label=style["label"] if label is None else label,
        markersize=8,
        capsize=5,
        elinewidth=2,
        capthick=2,
        zorder=3,
        transform=_shifted(ax, shift),
    )
    _make_room(ax, x, [low, high])


def seed_dots(
    ax: Axes,
    x: float,
    values: Iterable[float],
    name: str,
    *,
    level: float = 0.95,
    label: str | None = None,
    shift: float = 0.0,
) -> Interval:
    """Draw one hollow point a seed, and beside them their mean with its t interval.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    x : float
        Position in data units; the points stand a little to the left of it and the mean a little to the right.
    values : iterable of float
        One number a seed, at least two.
    name : str
        The loss, see `loss_style`.
    level : float
        Coverage of the interval, see `lossedu.statistics.t_interval`.
    label : str, optional
        Name in the legend instead of the usual one; ``""`` for none.
    shift : float
        Points by which to move everything to the right, so that several losses stand side by side at one x.

    Returns
    -------
    Interval
        The mean and the interval drawn.

    Raises
    ------
    ValueError
        If the name is unknown, or there are fewer than two finite values.
    """
    numbers: Sequence[float] = [float(value) for value in values]
    found = t_interval(numbers, level)
    color = loss_style(name)["color"]
    ax.plot(
        [x] * len(numbers),
        numbers,
        "o",
        markersize=5,
        markerfacecolor="white",
        markeredgecolor=color,
        markeredgewidth=1.3,
        zorder=3,
        transform=_shifted(ax, shift - 6),
    )
    _make_room(ax, x, numbers)
    interval(ax, x, *found, name, label=label, shift=shift + 6)
    return found


def _make_room(ax: Axes, x: float, values: Sequence[float]) -> None:
    """Widen the axes to show the values; matplotlib leaves out what has a transform of its own."""
    ax.update_datalim([(x, value) for value in values])
    ax.autoscale_view()


def _shifted(ax: Axes, points: float) -> Any:
    """Return the data transform moved to the right by so many points."""
    return ax.transData + ScaledTranslation(points / 72, 0, ax.figure.dpi_scale_trans)
