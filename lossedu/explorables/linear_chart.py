"""Lines and dots of a chart with even axes, as SVG path data."""

from __future__ import annotations

from collections.abc import Sequence

from .axes import LinearAxis


def polyline(x: LinearAxis, y: LinearAxis, values: Sequence[float]) -> str:
    """Return a line through values at 0, 1, 2, … as SVG path data."""
    return "M" + "L".join(f"{x(k):.1f},{y(value):.1f}" for k, value in enumerate(values))


def points(x: LinearAxis, y: LinearAxis, values: Sequence[float]) -> str:
    """Return values at 0, 1, 2, … as SVG path data for dots: strokes of no length with round ends."""
    return "".join(f"M{x(k):.1f},{y(value):.1f}h0" for k, value in enumerate(values))
