"""How wide a text is, and how it is broken into lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import matplotlib as mpl
from matplotlib.cbook import is_math_text
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from .style import DPI, HOUSE

TITLE_SIZES = (12.0, 11.0, 10.0)
NOTE_SIZES = (11.0, 10.0)

# A word is anything without a blank, where a formula counts as one letter however many blanks it holds.
_WORD = re.compile(r"(?:\$[^$]*\$|[^\s$]|\$)+")


def line_height(size: float) -> int:
    """Pixels from one baseline to the next for a font size in points."""
    return round(1.3 * size * DPI / 72)


@cache
def text_width(text: str, size: float) -> float:
    """Width in pixels of a text in the house font; dollar signs enclose maths."""
    with mpl.rc_context(HOUSE):
        # A string without a pair of dollar signs comes back with its signs unescaped.
        shown, is_math = (text, True) if is_math_text(text) else (text.replace(r"\$", "$"), False)
        width, _, _ = text_to_path.get_text_width_height_descent(shown, FontProperties(size=size), is_math)
    return float(width) * DPI / 72


def break_lines(text: str, size: float, width: float) -> list[str]:
    """Break a text at blanks into lines of at most `width` pixels; a longer word gets a line of its own."""
    lines: list[str] = []
    for word in _WORD.findall(text):
        if lines and text_width(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def fit(
    name: str, texts: Sequence[str], width: float, sizes: Sequence[float], max_lines: int = 2
) -> tuple[float, list[list[str]]]:
    """Return the largest of `sizes` at which every text fits into `width` pixels, and the lines of each.

    Raises
    ------
    ValueError
        If one text does not fit at the smallest size either.
    """
    for size in sizes:
        broken = [break_lines(text, size, width) for text in texts]
        wrong = [
            k
            for k, lines in enumerate(broken)
            if len(lines) > max_lines or any(text_width(line, size) > width for line in lines)
        ]
        if not wrong:
            return size, broken
    raise ValueError(
        f"{name}[{wrong[0]}] must fit into {max_lines} lines of {width:.0f} pixels, got {texts[wrong[0]]!r}; "
        f"shorten it, or choose a larger zoom or fewer columns"
    )
