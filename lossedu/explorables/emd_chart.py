"""The chart of the explorable on histogram EMD, as SVG text: the first state, drawn as the page draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from . import emd_scene as scene
from .axes import LinearAxis

X = LinearAxis(0, 1, 44, 372)
#: The line on which the picture's histogram stands, and that from which the target's hangs; the highest bar.
LINES, TALL = (62, 106), 46
#: Between these the threads run that say which level goes to which.
WAYS = (65, 103)
#: Bottom and top of the cumulative histograms and of the pull.
SUMS, PULLS = (250, 178), (382, 282)
BARS, POINTS, THREADS = 64, 64, 25
#: The tallest bar is drawn for so much of the pixels.
FULL = 0.2
#: The pull at the ends of its scale.
STRONGEST = 1e5
HEIGHT = PULLS[0] + 38


def pull_scale(pull: float) -> float:
    """Return where a pull lies on its scale, -1 to 1: a thousandth and less is 0, 1 is half way."""
    size = abs(pull)
    if not size > scene.FELT:
        return 0.0
    end = scene.FELT if size < 1 else STRONGEST
    way = 0.5 + (-0.5 if size < 1 else 0.5) * math.log10(size) / math.log10(end)
    return math.copysign(min(1.0, way), pull)


def _short(value: float) -> str:
    """Return a coordinate with one digit; of two that are as near the higher, as the page does."""
    return f"{math.floor(10 * value + 0.5) / 10:.1f}"


def bars(levels: Sequence[float], line: float, tall: float) -> str:
    """Return a histogram that stands on a line, or hangs from it for a negative height, with bars of root height."""
    found, width = [0.0] * BARS, (X.end - X.start) / BARS
    for level in levels:
        found[min(BARS - 1, math.floor(level * BARS))] += 1 / len(levels)
    parts = []
    for k, height in enumerate(found):
        if height > 0:
            up = tall * math.sqrt(min(1.0, height / FULL))
            parts.append(f"M{_short(X(0) + k * width)},{line}v{_short(-up)}h{_short(width - 0.5)}v{_short(up)}Z")
    return "".join(parts)


def transport(start: Sequence[float], end: Sequence[float]) -> str:
    """Return threads from levels to the levels of equal rank; both are sorted."""
    places = [math.floor((k + 0.5) / THREADS * len(start)) for k in range(THREADS)]
    return "".join(f"M{_short(X(start[i]))},{WAYS[0]}L{_short(X(end[i]))},{WAYS[1]}" for i in places)


def cumulative(levels: Sequence[float]) -> list[str]:
    """Return the points of the cumulative histogram of sorted levels, from black to white."""
    points, i = [f"{_short(X(0))},{_short(SUMS[0])}"], 0
    for k in range(POINTS + 1):
        while i < len(levels) and levels[i] <= k / POINTS:
            i += 1
        points.append(f"{_short(X(k / POINTS))},{_short(SUMS[0] + (SUMS[1] - SUMS[0]) * i / len(levels))}")
    return points


def dots(levels: Sequence[float], pulls: Sequence[float]) -> str:
    """Return a dot for each pixel at its level and its pull, each place once."""
    middle, half = sum(PULLS) / 2, (PULLS[0] - PULLS[1]) / 2
    places = {
        f"{math.floor(X(level) + 0.5)},{math.floor(middle - half * pull_scale(pull) + 0.5)}"
        for level, pull in zip(levels, pulls, strict=True)
    }
    return "".join(f"M{place}h0" for place in sorted(places))


def frame() -> str:
    """Return what does not move: lines, ticks and names."""
    ticks = (0.0, 0.25, 0.5, 0.75, 1.0)
    middle, quarter = sum(PULLS) / 2, (PULLS[0] - PULLS[1]) / 4
    grid = "".join(f"M{X(v):g},16V{PULLS[0]}" for v in ticks)
    grid += "".join(f"M{X.start:g},{y:g}H{X.end:g}" for y in (*SUMS, *(middle + k * quarter for k in range(-2, 3))))
    strong = "".join(f"M{X.start:g},{y:g}H{X.end:g}" for y in (*LINES, middle))
    parts = [
        f'<path d="{grid}" fill="none" stroke="var(--lx-line)" stroke-width=".75"/>',
        f'<path d="{strong}" fill="none" stroke="var(--lx-soft)" stroke-width=".75"/>',
    ]
    texts: list[tuple[float, float, str, str]] = [(X(v), PULLS[0] + 15, "middle", f"{v:g}") for v in ticks]
    texts += [((X.start + X.end) / 2, PULLS[0] + 31, "middle", "grey level")]
    texts += [(X.end, 28, "end", "picture ↔"), (X.end, 146, "end", "target ↔")]
    texts += [(X.start, SUMS[1] - 6, "start", "share of pixels up to this level")]
    texts += [(X.start, PULLS[1] - 9, "start", "pull on the pixels of this level")]
    texts += [(X.start - 6, SUMS[0] + 4, "end", "0"), (X.start - 6, SUMS[1] + 4, "end", "1")]
    names = ("10⁵", "1", "0", "−1", "−10⁵")
    texts += [(X.start - 6, PULLS[1] + k * quarter + 4, "end", name) for k, name in enumerate(names)]
    parts += [f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{text}</text>' for x, y, anchor, text in texts]
    return "".join(parts)


def zones() -> str:
    """Return where the pointer takes hold of a histogram: the picture's above, the target's below."""
    width, middle = X.end - X.start, sum(LINES) / 2
    return "".join(
        f'<rect data-drag="{name}" x="{X.start:g}" y="{y:g}" width="{width:g}" height="{middle - 16:g}" '
        'fill="none" pointer-events="all"/>'
        for name, y in (("pshift", 16), ("tshift", middle))
    )
