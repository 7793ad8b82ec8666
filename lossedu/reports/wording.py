"""Numbers, tables and remarks: how all reports write."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from ..figures import loss_style, seed_dots
from ..figures.style import FAINT
from ..ledger.decision import LEAST_SEEDS
from ..ledger.evidence import left_out
from ..records import Record
from ..statistics import Interval, t_interval

#: What stands in a cell for which there is no number.
NOTHING = "–"

MINUS = "\N{MINUS SIGN}"

_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def label(name: str) -> str:
    """Return the name of a loss as it is set in tables and figures; "_centre" is for the centre of each patch alone."""
    whole = name.removesuffix("_centre")
    return str(loss_style(whole)["label"]) + (", centre" if whole != name else "")


def number(value: float, digits: int, *, signed: bool = False) -> str:
    """Return a number with so many decimals, `NOTHING` for NaN; what rounds to zero has no minus."""
    if not math.isfinite(value):
        return NOTHING
    text = f"{round(value, digits) + 0.0:{'+' if signed else ''}.{digits}f}"
    return text.replace("-", MINUS)


def decimals(halves: Iterable[float], usual: int) -> int:
    """Return how many decimals numbers deserve whose intervals have these half-widths, at most one more than usual.

    The typical half-width is shown with one digit, or with two where the first is a 1 or a 2; numbers without an
    interval have the usual decimals.
    """
    known = sorted(half for half in halves if half > 0)
    if not known:
        return usual
    return min(max(-math.floor(math.log10(known[len(known) // 2] / 3)), 0), usual + 1)


def estimate(values: Sequence[float]) -> Interval:
    """Return the mean with its 95 % interval, whose ends are NaN with fewer seeds than a verdict needs."""
    if len(values) >= LEAST_SEEDS:
        return t_interval(values)
    return Interval(sum(values) / len(values) if values else math.nan, math.nan, math.nan)


def with_half(found: Interval, digits: int, *, signed: bool = False) -> str:
    """Return a mean and half of its interval, where it has one: "0.31 ±0.04"."""
    half = found.high - found.mean
    if not math.isfinite(half):
        return number(found.mean, digits, signed=signed)
    small = number(half, digits) == number(0, digits)
    tail = f"<{10**-digits:.{digits}f}" if small else number(half, digits)
    return f"{number(found.mean, digits, signed=signed)} ±{tail}"


def plain(text: str) -> str:
    """Return a text without formulas: the head of a table must be read without them."""
    text = re.sub(r"\\mathrm\{(\w+)\}", r"\1", text).replace("\\ell_", "ℓ").replace("\\alpha=", "α = ")
    text = re.sub(r"_\{?([\d.]+)\}?", lambda found: found[1].translate(_LOWERED), text).replace("_\\sigma", "σ")
    return text.replace("$", "")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, the first column to the left and the others to the right; its head has no formulas."""
    lines = [[plain(cell) for cell in head], ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def losses_left_out(runs: Iterable[Mapping[str, Any]], branches: Sequence[str] = ("",)) -> list[str]:
    """Return a sentence on those of the networks that no mean has; none if all have.

    Nobody may overlook them: to leave them out favours their loss.
    """
    found = [
        f"{run['job']} {why}"
        for run in runs
        for why in dict.fromkeys(left_out(run, branch) for branch in branches)
        if why
    ]
    # One network may serve several modes.
    return [f"Left out of all means: {', '.join(dict.fromkeys(found))}."] if found else []


def unfinished(record: Record) -> list[str]:
    """Return a sentence if jobs of the record are not finished."""
    left = record.settings.get("unfinished") or []
    return [f"Not finished: {len(left)} of {len(left) + len(record.runs)} jobs are missing."] if left else []


def remark(figure: Figure, sentences: Iterable[str], width: int = 95) -> None:
    """Write sentences below a figure; none where there are none."""
    text = "\n".join(textwrap.wrap(" ".join(sentences), width, break_on_hyphens=False))
    if text:
        figure.supxlabel(text, fontsize=11, color=FAINT)


def dots(ax: Axes, x: float, values: Sequence[float], name: str, *, text: str | None = None, shift: float = 0) -> None:
    """Draw the seeds, and mean and interval where there are enough of them for a verdict."""
    if len(values) >= LEAST_SEEDS:
        seed_dots(ax, x, values, name, label=text, shift=shift)
    elif values:
        style = loss_style(name)
        look = {"markerfacecolor": "white", "markeredgecolor": style["color"], "markersize": 5}
        place = ax.transData + ScaledTranslation(shift / 72, 0, ax.figure.dpi_scale_trans)
        ax.plot([x] * len(values), values, "o", label=style["label"] if text is None else text, transform=place, **look)
        # What has a transform of its own does not count for the limits.
        ax.update_datalim([(x, value) for value in values])
        ax.autoscale_view()
