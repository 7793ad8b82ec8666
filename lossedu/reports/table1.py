"""Table 1 of Zhao et al. (2017) from our records, beside theirs, and what the weight of Mix does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..experiments.arms import ALPHAS
from ..figures import chart, loss_style
from ..ledger.decision import LEAST_SEEDS
from ..ledger.evidence import Nets, entries, left_out
from ..records import Record
from ..statistics import Interval
from . import wording
from .indices import INDICES, gap, heading, lead, losses_of, seed_mean, seeds_of, values_of
from .wording import NOTHING, estimate, label, number, with_half
from .zhao2017 import ARMS, METRICS, over_l2, published

#: Rows that only some tasks have.
_OWN = {"blockiness": ("jpeg", "jpeg_16", "jpeg_17")}


def table(record: Record, task: str, arms: Sequence[str] = ()) -> str:
    """Return the task's part of Table 1 as Markdown: means over seeds, with half of their 95 % intervals.

    The best mean of a row is bold; a dagger marks those that are not separable from it, each seed compared with
    itself.

    Parameters
    ----------
    record : Record
        Of the experiment "table1", or another one with the same columns.
    task : str
        One of those that it has runs of.
    arms : sequence of str
        The columns, in their order; the input and all losses of `experiments.arms.TABLE` where empty.

    Raises
    ------
    ValueError
        If the record has no runs of the task, or a table of it is missing or damaged.
    """
    arms, absent = losses_of(record, task, arms)
    columns = [c for c in INDICES if c in record.settings["columns"] and task in _OWN.get(c, (task,))]
    rows, unknown, tested = [], [], False
    for column in columns:
        found = {arm: list(values_of(record, task, arm, column).values()) for arm in arms}
        if not any(found.values()):
            unknown.append(INDICES[column].label)
            continue
        marks = _marks(record, task, column, found)
        tested |= "†" in marks.values() or any(len(values) >= LEAST_SEEDS for values in found.values())
        rows.append([heading(column), *_cells({arm: estimate(values) for arm, values in found.items()}, column, marks)])
    text = wording.markdown_table(["index", *(label(arm) for arm in arms)], rows)
    notes = [f"Mean over {seeds_of(record, task)} seeds" + (" ± half of the 95 % interval." if tested else ".")]
    notes += ["Bold: best of the row" + ("; †: not separable from it, seed by seed, at 95 %." if tested else ".")]
    if not tested:
        notes += [f"With fewer than {LEAST_SEEDS} seeds there are no intervals: the best may be so by chance."]
    notes += [f"Not measured: {', '.join(unknown)}."] if unknown else []
    return "\n\n".join([text, " ".join([*notes, *_gaps(record, task, absent)])])


def _marks(record: Record, task: str, column: str, found: Mapping[str, list[float]]) -> dict[str, str]:
    """Return "best" for the best mean, and a dagger for those that may be as good."""
    known = {arm: _goodness(column, float(np.mean(values))) for arm, values in found.items() if values}
    best = max(known, key=lambda arm: known[arm])
    marks = {best: "best"}
    if any(len(values) >= LEAST_SEEDS for values in found.values()):
        for arm in known.keys() - {best}:
            # Where seeds are too few the ends are NaN, and nothing is separable.
            if not estimate(list(lead(record, task, best, arm, column).values())).low > 0:
                marks[arm] = "†"
    return marks


def _goodness(column: str, value: float) -> float:
    return {"high": value, "low": -value, "one": -abs(value - 1)}[INDICES[column].better]


def _cells(found: Mapping[str, Interval], column: str, marks: Mapping[str, str]) -> list[str]:
    digits = wording.decimals([f.high - f.mean for f in found.values()], INDICES[column].digits)
    cells = []
    for arm, interval in found.items():
        mean, _, half = with_half(interval, digits).partition(" ")
        mark = marks.get(arm, "")
        cells.append((f"**{mean}**" if mark == "best" else mean + mark) + (f" {half}" if half else ""))
    return cells


def _gaps(record: Record, task: str, absent: Sequence[str] = ()) -> list[str]:
    """Return sentences on all that is not in a table or a figure."""
    said = [f"Not in the record: {', '.join(label(arm) for arm in absent)}."] if absent else []
    return (
        said + wording.losses_left_out(run for run in record.runs if run["task"] == task) + wording.unfinished(record)
    )


def beside_paper(record: Record, task: str) -> str:
    """Return, as Markdown, what each loss has over l2: here, and in brackets in the paper.

    Photographs and sizes differ, so that the numbers of Table 1 themselves cannot be compared; differences to a common
    loss can, in sign at least.  What disagrees is marked.

    Raises
    ------
    ValueError
        As `table`, or if the paper or the record has nothing of the task to compare.
    """
    theirs = [arm for arm in ARMS if arm not in ("l2", "bm3d") and over_l2(task, "psnr", arm)[1]]
    if not theirs:
        raise ValueError(f"task must be one of the paper's Table 1 (dd, sr2, sr3, jpeg), got {task!r}")
    arms, absent = losses_of(record, task, theirs)
    entries(record, Nets("l2", task))
    rows = []
    for column in METRICS:
        own = {arm: estimate(list(gap(record, task, arm, "l2", column).values())) for arm in arms}
        cells = [_pair(own[arm], *over_l2(task, column, arm), INDICES[column].digits) for arm in arms]
        rows.append([heading(column), *cells])
    text = wording.markdown_table(["over $\\ell_2$", *(label(arm) for arm in arms)], rows)
    seeds = seeds_of(record, task)
    psnr = {arm: seed_mean(record, task, arm, "psnr") for arm in ("input", "l2")}
    theirs_psnr = {arm: number(published(task, "psnr", arm) or math.nan, 1) for arm in psnr}
    notes = [
        f"Differences to the network trained with $\\ell_2$: ours ({seeds} seeds, ± half of the 95 % interval where "
        f"there are {LEAST_SEEDS} or more), and in brackets the paper's (one network each).",
        "≠: the other sign than in the paper (by the means alone, where there is no interval); ~: our interval holds "
        "0, and no sign is certain.",
        f"The pictures are not the paper's: input and $\\ell_2$ have {number(psnr['input'], 1)} and "
        f"{number(psnr['l2'], 1)} dB here, {theirs_psnr['input']} and {theirs_psnr['l2']} there, so that sizes say "
        "little.",
    ]
    return "\n\n".join([text, " ".join([*notes, *_gaps(record, task, absent)])])


def _pair(ours: Interval, theirs: float, printed: int, usual: int) -> str:
    beside = f"({number(theirs, printed, signed=True)})"
    if not math.isfinite(ours.mean):
        return f"{NOTHING} {beside}"
    digits = wording.decimals([ours.high - ours.mean], usual)
    mark = " ~" if ours.low <= 0 <= ours.high else " ≠" if ours.mean * theirs < 0 else ""
    return f"{with_half(ours, digits, signed=True)} {beside}{mark}"


def draw_sweep(record: Record, task: str = "dd") -> Figure:
    """Draw what the weight alpha of MS-SSIM in Mix does to PSNR and SSIM: differences to alpha = 0, by seed.

    Raises
    ------
    ValueError
        As `table`, or if alpha = 0 is not in the record.
    """
    entries(record, Nets("mix_0", task))
    arms, absent = losses_of(record, task, tuple(ALPHAS))
    figure, panels = chart(2, height=340)
    for ax, (column, factor, unit) in zip(panels, (("psnr", 1, "dB"), ("ssim", 1000, "10⁻³")), strict=True):
        ax.axhline(0, color=loss_style("mix_0")["color"], linewidth=1.5, zorder=2)
        ax.plot([0], [0], **loss_style("mix_0") | {"markersize": 8})
        for place, arm in enumerate(ALPHAS):
            if arm in arms and arm != "mix_0":
                values = [factor * value for value in gap(record, task, arm, "mix_0", column).values()]
                wording.dots(ax, place, values, arm, text="")
        ax.set(xticks=range(len(ALPHAS)), xlim=(-0.5, len(ALPHAS) - 0.4), xlabel="weight α of MS-SSIM in Mix")
        ax.set_xticklabels([f"{alpha:g}" for alpha in ALPHAS.values()])
        ax.set_ylabel(f"{column.upper()} above that of α = 0 ({unit})")
    wording.remark(figure, _gaps(record, task, absent))
    return figure


def draw_shares(record: Record, task: str = "dd") -> Figure:
    """Draw the share of MS-SSIM in the gradient of Mix over the steps: mean over seeds and their range.

    Shares of the gradient's norm in the network's parameters, and of the sum of its sizes over the output's pixels.
    For alpha = 0 and 1 they are 0 and 1 by definition, and not drawn.
    """
    losses_of(record, task)
    names = [arm for arm, alpha in ALPHAS.items() if 0 < alpha < 1]
    figure, panels = chart(2, height=380, sharey=True)
    drawn: list[Any] = []
    absent = []
    for arm in reversed(names):
        runs = [run for run in record.runs if (run["task"], run["arm"]) == (task, arm)]
        courses = [run["watched"] for run in runs if left_out(run) is None and run.get("watched")]
        if not courses:
            absent.append(arm)
            continue
        style = loss_style(arm) | {"marker": "", "label": f"α = {ALPHAS[arm]:g}"}
        steps = [step for step, _ in courses[0]]
        for ax, key in zip(panels, ("parameters", "pixels"), strict=True):
            shares = np.array([[point[key] for _, point in course] for course in courses])
            ax.fill_between(steps, shares.min(0), shares.max(0), color=style["color"], alpha=0.2, linewidth=0)
            (line,) = ax.plot(steps, shares.mean(0), **style)
        drawn.append(line)
    for ax, title in zip(panels, ("in the parameters", "in the pixels of the output"), strict=True):
        ax.set(title=title, xlabel="step", ylim=(-0.02, 1.02))
    panels[0].set_ylabel("share of MS-SSIM in the gradient")
    if drawn:
        figure.legend(handles=drawn, loc="outside upper center", ncols=len(drawn))
    wording.remark(figure, _gaps(record, task, absent[::-1]))
    return figure
