"""Which step size every loss was given, and how much depends on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..experiments.arms import LOSSES, OTHERS
from ..experiments.tuning import at_the_end, choose, means
from ..figures import chart, loss_style
from ..records import Record
from . import wording
from .wording import NOTHING, label, number

#: Panels: fifteen losses in one would be a thicket.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "pixels": ("l2", "l1", "charbonnier", "l1_frequency"),
    "SSIM": ("ssim_1", "ssim_1.5", "ssim_3", "ssim_5", "ssim_9"),
    "MS-SSIM": ("ms_ssim", "ms_ssim_dense", "ms_ssim_pyramid"),
    "Mix": ("mix_0", "mix_0.025", "mix_0.1", "mix_0.3", "mix"),
}

#: In percent above the best; what is worse stands in a strip above, one row a loss.
CAP, ROW = 30.0, 4.0


def draw_tuning(record: Record, task: str) -> Figure:
    """Draw the validation loss over the step size for every loss, in percent above the best.

    The chosen step size has a ring.  What does not fit the axis stands in the strip above it: a cross where a network
    ran away, a triangle where the loss is larger still.

    Raises
    ------
    ValueError
        If the record has no runs of the task.
    """
    values = {key[1:]: by_rate for key, by_rate in means(record.runs).items() if key[0] == task}
    if not values:
        known = sorted({run["task"] for run in record.runs})
        raise ValueError(f"task must be one that record {record.name} has runs of, {', '.join(known)}, got {task!r}")
    chosen = {key[1:]: rate for key, rate in choose(record.runs).items() if key[0] == task}
    panels = [(name, "adam", [arm for arm in arms if (arm, "adam") in values]) for name, arms in FAMILIES.items()]
    panels.append(("gradient descent", "sgd", [arm for arm in LOSSES if (arm, "sgd") in values]))
    panels = [panel for panel in panels if panel[2]]
    rows = math.ceil(len(panels) / 2)
    figure, axes = chart(min(2, len(panels)), rows=rows, height=140 + 270 * rows)
    for ax, (title, optimizer, arms) in zip(axes, panels, strict=False):
        top = CAP + ROW * (len(arms) + 1)
        ax.axhspan(CAP + ROW / 2, top, facecolor="#f0f0f0", linewidth=0, zorder=0)
        for place, arm in enumerate(reversed(arms)):
            _curve(ax, values[arm, optimizer], chosen.get((arm, optimizer)), arm, CAP + ROW * (place + 1))
        ax.set(title=title, xscale="log", xlabel="step size", ylabel="loss above best (%)", ylim=(-2.5, top))
        rates = sorted({rate for arm in arms for rate in values[arm, optimizer]})
        ax.set_xticks(rates, [f"{rate:g}" for rate in rates])
        ax.set_xticks([], minor=True)
        ax.set_yticks(range(0, int(CAP) + 1, 10))
    for ax in axes[len(panels) :]:
        ax.remove()
    _legend(figure, [arms for _, optimizer, arms in panels if optimizer == "adam"] or [panels[0][2]])
    drawn = [line.get_gid() for ax in figure.axes for line in ax.get_lines() if len(line.get_xdata())]  # type: ignore[arg-type]
    said = [text for gid, text in (("away", "×: ran away."), ("beyond", "▲: beyond the axis.")) if gid in drawn]
    wording.remark(figure, [*said, *_lost(record, task), *wording.unfinished(record)])
    return figure


def _curve(ax: Axes, by_rate: Mapping[float, float], chosen: float | None, arm: str, row: float) -> None:
    best = min(by_rate.values())
    rates = sorted(by_rate)
    excess = {rate: 100 * (by_rate[rate] / best - 1) if math.isfinite(by_rate[rate]) else math.nan for rate in rates}
    inside = [excess[rate] if excess[rate] <= CAP else math.nan for rate in rates]
    style = loss_style(arm)
    ax.plot(rates, inside, **style)
    off: dict[str, Any] = {"color": style["color"], "linestyle": "none"}
    beyond = [rate for rate in rates if excess[rate] > CAP]
    away = [rate for rate in rates if not math.isfinite(by_rate[rate])]
    ax.plot(beyond, [row] * len(beyond), marker="^", markersize=5, gid="beyond", **off)
    ax.plot(away, [row] * len(away), marker="x", markersize=6, markeredgewidth=2, gid="away", **off)
    if chosen is not None:
        look = {"markerfacecolor": "none", "markeredgecolor": style["color"], "markeredgewidth": 1.5}
        ax.plot([chosen], [excess[chosen]], "o", markersize=13, gid="chosen", **look)


def _legend(figure: Figure, families: Sequence[Sequence[str]]) -> None:
    """One column a family: columns are filled up, as matplotlib would break them elsewhere."""
    longest = max(map(len, families))
    handles = []
    for arms in families:
        handles += [Line2D([], [], **loss_style(arm)) for arm in arms]
        handles += [Line2D([], [], linestyle="none", label=" ")] * (longest - len(arms))
    figure.legend(handles=handles, loc="outside upper center", ncols=len(families), handlelength=2.4, columnspacing=1.2)


def _lost(record: Record, task: str) -> list[str]:
    """Return a sentence on losses whose networks ran away under every step size."""
    found = [arm for (of, arm, _), by_rate in means(record.runs).items() if of == task and not _finite(by_rate)]
    return [f"No step size was found for {', '.join(map(label, found))}: all ran away."] if found else []


def _finite(by_rate: Mapping[float, float]) -> bool:
    return any(map(math.isfinite, by_rate.values()))


def trials(record: Record, task: str, arms: Sequence[str]) -> str:
    """Return as Markdown the PSNR on the validation pictures under every step size of Adam, one row a loss."""
    found = {arm: means(record.runs, "psnr")[task, arm, "adam"] for arm in arms}
    rates = sorted(set().union(*found.values()))
    rows = []
    for arm, by_rate in found.items():
        values = [by_rate.get(rate, math.nan) for rate in rates]
        rows.append([label(arm), *("ran away" if math.isinf(value) else number(value, 2) for value in values)])
    steps = f"{record.settings['steps']:,} steps"
    note = f"PSNR in dB on the validation pictures after {steps}, by step size; seeds: {_seeds(record)}."
    head = ["loss", *(f"{rate:g}" for rate in rates)]
    return "\n\n".join([wording.markdown_table(head, rows), " ".join([note, *wording.unfinished(record)])])


def _seeds(record: Record) -> int:
    return len({run["seed"] for run in record.runs})


def table_of_rates(record: Record) -> str:
    """Return the chosen step sizes as Markdown, one row a loss, one column a task and optimiser."""
    values, chosen, ends = means(record.runs), choose(record.runs), set(at_the_end(record.runs))
    columns = list(dict.fromkeys((task, optimizer) for task, _, optimizer in values))
    rows = []
    for arm in (arm for arm in (*LOSSES, *OTHERS) if any(key[1] == arm for key in values)):
        cells = []
        for task, optimizer in columns:
            key = (task, arm, optimizer)
            mark = "*" if key in ends else ""
            cells.append(NOTHING if key not in values else f"{chosen[key]:g}{mark}" if key in chosen else "none")
        rows.append([label(arm), *cells])
    head = ["loss", *(f"{task}, {'Adam' if optimizer == 'adam' else 'SGD'}" for task, optimizer in columns)]
    notes = [
        "The step size with the smallest loss, the network's own, on the validation pictures.",
        "\\*: it lies at an end of those that were tried; none: networks ran away under all of them.",
    ]
    return "\n\n".join(
        [wording.markdown_table(head, rows).replace("*", "\\*"), " ".join(notes + wording.unfinished(record))]
    )
