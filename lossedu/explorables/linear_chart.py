"""A small chart with two even axes, as SVG text: its frame in Python, its moving parts by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .base import escape


@dataclass(frozen=True)
class LinearAxis:
    """An even axis from value `low` at coordinate `start` to value `high` at coordinate `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)

    def as_list(self) -> list[float]:
        """Return the four numbers, for the page."""
        return [self.low, self.high, self.start, self.end]


def polyline(x: LinearAxis, y: LinearAxis, values: Sequence[float]) -> str:
    """Return a line through values at 0, 1, 2, … as SVG path data."""
    return "M" + "L".join(f"{x(k):.1f},{y(value):.1f}" for k, value in enumerate(values))


def points(x: LinearAxis, y: LinearAxis, values: Sequence[float]) -> str:
    """Return values at 0, 1, 2, … as SVG path data for dots: strokes of no length with round ends."""
    return "".join(f"M{x(k):.1f},{y(value):.1f}h0" for k, value in enumerate(values))


def linear_frame(
    x: LinearAxis, y: LinearAxis, x_ticks: Sequence[float], y_ticks: Sequence[float], x_name: str, y_name: str
) -> str:
    """Return grid, tick labels and axis names as SVG text."""
    top, bottom, left, right = min(y.start, y.end), max(y.start, y.end), min(x.start, x.end), max(x.start, x.end)
    grid = [f"M{x(v):.1f},{top}V{bottom}" for v in x_ticks] + [f"M{left},{y(v):.1f}H{right}" for v in y_ticks]
    parts = [f'<path d="{"".join(grid)}" fill="none" stroke="var(--lx-line)" stroke-width=".75"/>']
    parts += [f'<text x="{x(v):.1f}" y="{bottom + 15}" text-anchor="middle">{v:g}</text>' for v in x_ticks]
    parts += [f'<text x="{left - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:g}</text>' for v in y_ticks]
    parts.append(f'<text x="{(left + right) / 2:g}" y="{bottom + 31}" text-anchor="middle">{escape(x_name)}</text>')
    parts.append(f'<text x="{left}" y="{top - 8}" text-anchor="start">{escape(y_name)}</text>')
    return "".join(parts)
