"""The line of a function in a chart with logarithmic axes, as SVG path data."""

from __future__ import annotations

from collections.abc import Callable

from .axes import LogAxis


def samples(axis: LogAxis, count: int) -> list[float]:
    """Return `count` values along an axis, evenly spaced to the eye."""
    return [axis.low * (axis.high / axis.low) ** (i / (count - 1)) for i in range(count)]


def curve(x: LogAxis, y: LogAxis, f: Callable[[float], float], count: int) -> str:
    """Return the path of `f` as SVG path data."""
    return "M" + "L".join(f"{x(v):.1f},{y(f(v)):.1f}" for v in samples(x, count))
