"""Colour bars: what a colour in a map means."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.ticker import MaxNLocator

from .canvas import Canvas
from .lettering import NOTE_SIZES, break_lines, line_height
from .panels import Scale
from .style import FAINT

HEIGHT = 12
MIN_WIDTH = 180
_SIZE = NOTE_SIZES[0]
# Room at both ends for half a number.
_INSET = 14
_TICK = 4
_GREY = (89, 89, 89)


def _power(scale: Scale) -> int:
    """Return the power of ten to take out of the numbers, 0 when they read well as they are."""
    power = math.floor(math.log10(max(abs(scale.low), abs(scale.high))))
    return 0 if -2 <= power <= 3 else power


def label_lines(scale: Scale, width: int) -> list[str]:
    """Return the lines of text under a bar of `width` pixels."""
    power = _power(scale)
    text = scale.label + (rf" $(\times 10^{{{power}}})$" if power else "")
    return break_lines(text, _SIZE, width)


def bar_height(scale: Scale, width: int) -> int:
    """Return the pixels that a bar takes with its numbers and its label."""
    return HEIGHT + _TICK + line_height(_SIZE) * (1 + len(label_lines(scale, width)))


def draw_bar(canvas: Canvas, x: int, y: int, width: int, scale: Scale) -> None:
    """Draw a horizontal bar; an end beyond which values were clipped comes to a point."""
    left, length = x + _INSET, width - 2 * _INSET
    values = scale.low + (np.arange(length) + 0.5) / length * (scale.high - scale.low)
    canvas.ring(left, y, length, HEIGHT, _GREY)
    canvas.paint(left, y, scale.color(np.tile(values, (HEIGHT, 1))))
    for end, step, value in (("min", -1, scale.low), ("max", 1, scale.high)):
        if scale.extend in (end, "both"):
            tip = scale.color(np.full((1, 1), value))[0, 0]
            start = left + length + 1 if step > 0 else left - 2
            for k in range(HEIGHT // 2):
                canvas.fill(start + step * k, y + k, 1, HEIGHT - 2 * k, (int(tip[0]), int(tip[1]), int(tip[2])))
    power = _power(scale)
    locator = MaxNLocator(nbins=max(2, length // 60), steps=[1, 2, 2.5, 5, 10])
    for tick in locator.tick_values(scale.low, scale.high):
        unit = (tick - scale.low) / (scale.high - scale.low)
        if -1e-9 <= unit <= 1 + 1e-9:
            place = left + round(unit * (length - 1))
            canvas.fill(place, y + HEIGHT + 1, 1, _TICK, _GREY)
            # Rounding to the twelfth digit keeps 0.30000000000000004 out of the print.
            number = f"{round(tick / 10**power, 12) + 0.0:g}".replace("-", "\N{MINUS SIGN}")
            canvas.lines(place, y + HEIGHT + _TICK, [number], _SIZE, FAINT)
    canvas.lines(x + width / 2, y + HEIGHT + _TICK + line_height(_SIZE), label_lines(scale, width), _SIZE)
