"""The axes of small charts, and the frame around them, as SVG text; what moves in a chart is drawn elsewhere."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from .base import escape


@dataclass(frozen=True)
class Axis(ABC):
    """An axis from value `low` at coordinate `start` to value `high` at coordinate `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the coordinate of a value."""
        return self.start + (self.end - self.start) * self.way(value)

    @abstractmethod
    def way(self, value: float) -> float:
        """Return how far along the axis a value lies, 0 at its start and 1 at its end."""

    def as_list(self) -> list[float]:
        """Return the four numbers, for the page."""
        return [self.low, self.high, self.start, self.end]


class LinearAxis(Axis):
    """An even axis."""

    def way(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)


class LogAxis(Axis):
    """A logarithmic axis."""

    def way(self, value: float) -> float:
        return math.log(value / self.low) / math.log(self.high / self.low)


def frame(
    x: Axis, y: Axis, x_ticks: Sequence[float], y_ticks: Sequence[float], x_name: str, y_name: str, *, gap: float = 9
) -> str:
    """Return grid, tick labels and axis names as SVG text; `gap` lies between the labels on the left and the grid."""
    top, bottom, left, right = min(y.start, y.end), max(y.start, y.end), min(x.start, x.end), max(x.start, x.end)
    grid = [f"M{x(v):.1f},{top}V{bottom}" for v in x_ticks] + [f"M{left},{y(v):.1f}H{right}" for v in y_ticks]
    parts = [f'<path d="{"".join(grid)}" fill="none" stroke="var(--lx-line)" stroke-width=".75"/>']
    parts += [f'<text x="{x(v):.1f}" y="{bottom + 15}" text-anchor="middle">{v:g}</text>' for v in x_ticks]
    parts += [f'<text x="{left - gap}" y="{y(v) + 4:.1f}" text-anchor="end">{v:g}</text>' for v in y_ticks]
    parts.append(f'<text x="{(left + right) / 2:g}" y="{bottom + 31}" text-anchor="middle">{escape(x_name)}</text>')
    parts.append(f'<text x="{left}" y="{top - 8}" text-anchor="start">{escape(y_name)}</text>')
    return "".join(parts)
