"""Where the networks of `convergence` end: with which error, and with what between them."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..experiments.convergence import ARMS, MODES, OTHER
from ..figures import chart, loss_style
from ..ledger.evidence import Nets, paired, seed_values
from ..records import Record
from . import wording
from .convergence import CARRIED, TITLES, branches_of, gaps, modes_of
from .wording import estimate, label, number

#: Names below the axis; the long one begins a line lower, where it has no neighbour.
_TICKS = {
    "continue": "continued",
    "reset": "reset",
    "switch": "switched",
    "switch_carried": "\n" + "\n".join(textwrap.wrap(CARRIED, 12)),
}

#: Pair of `settings["landscape"]` -> what its two networks are, always of two seeds.
_PAIRS = {
    "l1-l2": r"$\ell_1$ then $\ell_2$, against $\ell_2$ throughout",
    "l2-l2": r"$\ell_2$ throughout, both",
    "l1-l1": r"$\ell_1$ then $\ell_2$, both",
}


#: Networks whose errors at the end are compared, as (loss, branch): the pair of the walls, and the two that switched.
_ERRORS = (
    (("l1", "switch"), ("l2", "continue")),
    (("l2", "switch"), ("l1", "switch")),
)


def draw_final(record: Record) -> Figure:
    """Draw the error that every branch ended with, one panel a mode: seeds, mean, and interval."""
    modes, branches = modes_of(record), branches_of(record)
    figure, panels = chart(2, rows=math.ceil(len(modes) / 2), height=340 * math.ceil(len(modes) / 2))
    for ax, mode in zip(panels, modes, strict=False):
        for arm, shift in zip(ARMS, (-7, 13), strict=True):
            for place, branch in enumerate(branches):
                values = _ends(record, mode, arm, branch)
                wording.dots(ax, place, values, arm, text=f"first {label(arm)}" if place == 0 else "", shift=shift)
        ax.set(title=TITLES[mode], xticks=range(len(branches)), xlim=(-0.5, len(branches) - 0.5))
        ax.set_xticklabels([_TICKS[branch] for branch in branches])
        ax.set_ylabel(r"1000 $\ell_2$, test")
    # One scale for both modes of an optimiser.
    for optimizer in dict.fromkeys(MODES[mode][0] for mode in modes):
        group = [ax for ax, mode in zip(panels, modes, strict=False) if MODES[mode][0] == optimizer]
        limits = [ax.get_ylim() for ax in group]
        for ax in group:
            ax.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
    _finish(figure, panels, len(modes), gaps(record, *modes))
    return figure


def _ends(record: Record, mode: str, arm: str, branch: str) -> list[float]:
    if not any((run["mode"], run["arm"]) == (mode, arm) for run in record.runs):
        return []
    found = seed_values(record, "", arm, "mse", branch=branch, mode=mode)
    return [1000 * value for value in found.values() if math.isfinite(value)]


def draw_landscape(record: Record) -> Figure:
    """Draw the error on the straight line between two end points, one panel a mode: dB above that between the ends.

    Of networks whose order of channels and scales have been matched, and which all end with l2; two that began alike
    say how much of a wall there is between networks that differ in luck alone.

    Raises
    ------
    ValueError
        If the record has no such lines: they are computed when all its networks are trained.
    """
    rows = record.settings.get("landscape") or []
    modes = [mode for mode in TITLES if any(row["mode"] == mode for row in rows)]
    if not modes:
        raise ValueError(f"record {record.name} must have a landscape, got none: it is computed when all jobs are done")
    figure, panels = chart(2, rows=math.ceil(len(modes) / 2), height=330 * math.ceil(len(modes) / 2))
    said: list[str] = []
    for ax, mode in zip(panels, modes, strict=False):
        for pair, text in _PAIRS.items():
            lines = [row["line"] for row in rows if (row["mode"], row["pair"]) == (mode, pair)]
            found = [above(line) for line in lines if all(math.isfinite(value) and value > 0 for value in line)]
            if len(found) < len(lines):
                said.append(f"{TITLES[mode]}, {text}: {len(lines) - len(found)} left out, error not finite.")
            for values in found:
                _line(ax, pair, values, linewidth=0.8, alpha=0.3)
            if found:
                _line(ax, pair, np.mean(found, axis=0).tolist(), linewidth=2.0, label=text)
        ax.set(title=TITLES[mode], xlabel="way from one end to the other", ylabel="above the ends (dB)")
    _finish(figure, panels, len(modes), said + wording.unfinished(record))
    return figure


def beside_walls(record: Record) -> str:
    """Return as Markdown, by mode, how near matching brings two networks, and which errors they end with.

    Distances are those of l1 then l2 to l2 throughout.  Beside them stand those to which networks come that have
    nothing to do with each other, and two seeds of l2; see `experiments.landscape.compare`.
    """
    rows = record.settings.get("landscape") or []
    lines = []
    for mode in (mode for mode in modes_of(record) if any(row["mode"] == mode for row in rows)):
        near, chance, alike = (
            number(float(np.mean([row[key] for row in rows if (row["mode"], row["pair"]) == (mode, pair)])), 3)
            for pair, key in (("l1-l2", "distance"), ("l1-l2", "distance_chance"), ("l2-l2", "distance"))
        )
        errors = [_error_gap(record, mode, *ends) for ends in _ERRORS]
        lines.append([TITLES[mode], near, chance, alike, *errors])
    distances = ["distance, matched", "by chance", r"of two seeds of $\ell_2$"]
    head = ["training", *distances, *(_over(*ends) for ends in _ERRORS)]
    return wording.markdown_table(head, lines)


def _error_gap(record: Record, mode: str, one: tuple[str, str], base: tuple[str, str]) -> str:
    first, second = (Nets(arm, branch=branch, where=(("mode", mode),)) for arm, branch in (one, base))
    found = estimate(list(paired(record, first, second, "mse", how="dB").values.values()))
    mean, low, high = (number(value, 2, signed=True) for value in found)
    return f"{mean} ({low} to {high})"


def _over(*ends: tuple[str, str]) -> str:
    words = [label(arm) + (f" then {label(OTHER[arm])}" if branch == "switch" else "") for arm, branch in ends]
    return f"{' over '.join(words)}, test (dB)"


def above(line: Sequence[float]) -> list[float]:
    """Return by how many dB the values of a line exceed the straight line between its ends."""
    last = len(line) - 1
    return [10 * math.log10(v / ((last - k) / last * line[0] + k / last * line[-1])) for k, v in enumerate(line)]


def _line(ax: Axes, pair: str, values: Sequence[float], **look: Any) -> None:
    first, second = pair.split("-")
    ways = np.linspace(0, 1, len(values))
    (drawn,) = ax.plot(ways, values, color=loss_style(first)["color"], **look)
    if first != second:
        # Both colours: this is the pair of two losses.
        drawn.set(linestyle=(0, (4, 4)), gapcolor=loss_style(second)["color"])


def _finish(figure: Figure, panels: Sequence[Axes], used: int, notes: Sequence[str]) -> None:
    """Take away empty panels, and put the legend of all below the last."""
    for ax in panels[used:]:
        ax.remove()
    handles: dict[str, Any] = {}
    for ax in panels[:used]:
        handles = {text: handle for handle, text in zip(*ax.get_legend_handles_labels(), strict=True)} | handles
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=1 if len(handles) > 2 else 2)
    wording.remark(figure, notes)
