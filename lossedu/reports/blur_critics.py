"""What chapter 8 shows of judges behind a blur: what they still tell of texture and of colour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import _validate
from ..experiments.blur_critics import PRESETS
from ..figures import chart, loss_style
from ..figures.style import FAINT
from ..ledger.evidence import Nets as Networks
from ..ledger.evidence import paired, seed_values
from ..records import Record
from ..statistics import Interval
from .wording import decimals, estimate, losses_left_out, markdown_table, number, unfinished, with_half

#: Judge -> what it is called, line style and marker.
JUDGES: Mapping[str, tuple[str, str | tuple[int, tuple[float, ...]], str]] = {
    "critic": ("critic, instance norm", "-", "o"),
    "critic_plain": ("critic, no norm", (0, (5, 1.5)), "s"),
    "critic_long": ("critic, instance norm, 3 × the steps", "-", "o"),
    "critic_plain_long": ("critic, no norm, 3 × the steps", (0, (5, 1.5)), "s"),
    "critic_unpaired": ("critic, instance norm, unpaired", "-", "o"),
    "critic_plain_unpaired": ("critic, no norm, unpaired", (0, (5, 1.5)), "s"),
    "spectrum": ("spectrum, exact numbers", (0, (1.2, 1.2)), "^"),
    "spectrum_8bit": ("spectrum, 256 levels", (0, (6, 1.5, 1.2, 1.5)), "v"),
}

TITLES: Mapping[str, str] = {
    "texture": "texture (softened, σ = 1)",
    "texture_slight": "texture (softened, σ = 0.5)",
    "grain": "grain (σ = 0.02)",
    "cast": "cast (red × 1.08, blue × 0.92)",
    "tint": "tint (red + 0.03, blue − 0.03)",
    "nothing": "nothing (control)",
}

BLURS: Mapping[str, str] = {
    "none": "no blur",
    "wespe": "variance 3",
    "std3": "σ = 3",
    "dped": "DPED's code",
    "g6": "σ = 6",
    "g9": "σ = 9",
    "g13": "σ = 13",
}

#: Column -> the question it answers.
COLUMNS: Mapping[str, str] = {"accuracy": "a crop by itself", "ordered": "the same place in both kinds"}

#: Colours of the two differences that are drawn.
DRAWN: Mapping[str, str] = {"texture": "l2", "cast": "adversarial_color"}


def percent(record: Record, task: str, arm: str, blur: str, column: str = "accuracy") -> list[float]:
    """Return how many percent a judge tells right on test photographs, one number a seed."""
    _validate.option("column", column, COLUMNS)
    return [100 * value for value in seed_values(record, task, arm, column, blur=blur).values()]


def blurs_of(record: Record, task: str, arm: str) -> list[str]:
    """Return the blurs that a record has of a task and a judge, by their standard deviation."""
    there = {run["blur"]: run["sd"] for run in record.runs if (run["task"], run["arm"]) == (task, arm)}
    return sorted(there, key=there.__getitem__)


def accuracies(
    record: Record, column: str = "accuracy"
) -> dict[tuple[str, str], list[tuple[float, float, float, float]]]:
    """Return what judges tell right in percent: (judge, task) -> (sd of the blur, mean, low, high), by sd.

    The interval is of the mean over seeds, NaN where there are fewer than three.  Not all blurs are Gaussians: the
    window of "dped" is cut off where it still has a tenth of its peak.
    """
    found: dict[tuple[str, str], list[tuple[float, float, float, float]]] = {}
    for arm, task in dict.fromkeys((run["arm"], run["task"]) for run in record.runs):
        rows = []
        for blur in blurs_of(record, task, arm):
            mean, low, high = estimate(percent(record, task, arm, blur, column))
            rows.append((float(record.settings["deviations"][blur]), mean, low, high))
        found[arm, task] = rows
    return found


def shares(record: Record, column: str = "accuracy") -> dict[tuple[str, str], list[tuple[float, ...]]]:
    """Return what `explorables.CriticExplorer` draws: `accuracies` as shares from 0 to 1, of its judges and tasks.

    What has fewer seeds than an interval needs is left out.
    """
    return {
        (arm, task): [(sd, *(value / 100 for value in row)) for sd, *row in rows if not math.isnan(row[1])]
        for (arm, task), rows in accuracies(record, column).items()
        if arm in ("critic", "critic_plain", "spectrum", "spectrum_8bit")
        and task in ("texture", "grain", "cast", "tint")
    }


def figure(record: Record, arms: Sequence[str] = ("critic", "critic_plain", "spectrum")) -> Figure:
    """Draw what judges tell right by the blur's standard deviation: lines are Gaussians, hollow marks DPED's window."""
    figure, axes = chart(len(COLUMNS), height=440)
    for ax, (column, title) in zip(axes, COLUMNS.items(), strict=True):
        ax.axhline(50, color=FAINT, linewidth=1, linestyle=(0, (2, 2)))
        for task in DRAWN:
            for arm in [arm for arm in arms if blurs_of(record, task, arm)]:
                _line(ax, record, task, arm, column)
        _name_presets(ax, record)
        ax.set(title=title, xlabel="sd of the blur (pixels)", ylim=(40, 102))
    axes[0].set_ylabel("told right (%)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def _line(ax: Axes, record: Record, task: str, arm: str, column: str) -> None:
    deviations, blurs = record.settings["deviations"], blurs_of(record, task, arm)
    name, dashes, marker = JUDGES[arm]
    color = loss_style(DRAWN[task])["color"]
    found = {blur: estimate(percent(record, task, arm, blur, column)) for blur in blurs}
    gaussian = [blur for blur in blurs if blur != "dped"]
    for group, line, face in ((gaussian, dashes, color), ([blur for blur in blurs if blur == "dped"], "none", "white")):
        # Of one or two seeds there is no interval, and matplotlib leaves out what is not a number.
        halves = [found[blur].high - found[blur].mean for blur in group]
        ax.errorbar(
            [deviations[blur] for blur in group],
            [found[blur].mean for blur in group],
            yerr=halves,
            color=color,
            linestyle=line,
            marker=marker,
            markerfacecolor=face,
            markersize=6,
            capsize=3,
            label=f"{task}: {name}" if group is gaussian else "_",
        )


def _name_presets(ax: Axes, record: Record) -> None:
    for blur in ("wespe", "std3", "dped"):
        place = record.settings["deviations"][blur]
        ax.axvline(place, color=FAINT, linewidth=0.8, alpha=0.5)
        ax.annotate(
            BLURS[blur],
            (place, 0.02),
            xycoords=("data", "axes fraction"),
            rotation=90,
            ha="right",
            va="bottom",
            fontsize=8,
            color=FAINT,
        )


def table(record: Record, arm: str = "critic", column: str = "accuracy", blurs: Sequence[str] = PRESETS) -> str:
    """Return as Markdown what a judge tells right in percent, a row for each difference and a column for each blur."""
    there = {task: set(blurs_of(record, task, arm)) for task in TITLES}
    shown = [task for task in TITLES if there[task]]
    known = {
        (task, blur): estimate(percent(record, task, arm, blur, column))
        for task in shown
        for blur in blurs
        if blur in there[task]
    }
    digits = decimals((one.high - one.mean for one in known.values()), 1)
    rows = [
        [TITLES[task], *(with_half(known[task, blur], digits) if (task, blur) in known else "–" for blur in blurs)]
        for task in shown
    ]
    head = ["difference", *(_head(record, blur) for blur in blurs)]
    runs = [run for run in record.runs if run["arm"] == arm]
    note = (
        f"{JUDGES[arm][0].capitalize()}; told right in percent, {COLUMNS[column]}: mean over seeds ± half of its 95 % "
        f"interval; {len(record.settings['sets']['test'])} test photographs. A coin has 50."
    )
    return markdown_table(head, rows) + "\n\n" + " ".join([note, *losses_left_out(runs), *unfinished(record)])


def _head(record: Record, blur: str) -> str:
    return BLURS[blur] if blur == "none" else f"{BLURS[blur]} (sd {record.settings['deviations'][blur]:.2f})"


def gap(
    record: Record, task: str, blur: str, arm: str = "critic", base: str = "critic_plain", column: str = "accuracy"
) -> Interval:
    """Return by how many percentage points one judge tells more right than another, by seed."""
    where = (("blur", blur),)
    found = paired(record, Networks(arm, task, where=where), Networks(base, task, where=where), column)
    return estimate([100 * value for value in found.values.values()])


def table_norm(record: Record, tasks: Sequence[str] = ("texture", "cast", "tint"), column: str = "accuracy") -> str:
    """Return as Markdown what the critic tells right with instance normalisation and without, and the difference."""
    rows = []
    for task in tasks:
        for blur in [blur for blur in PRESETS if blur in blurs_of(record, task, "critic")]:
            levels = [estimate(percent(record, task, arm, blur, column)).mean for arm in ("critic", "critic_plain")]
            found = gap(record, task, blur, column=column)
            text = with_half(found, 1, signed=True)
            far = not found.low <= 0 <= found.high and found.low == found.low
            rows.append(
                [TITLES[task], BLURS[blur], *(number(level, 1) for level in levels), f"**{text}**" if far else text]
            )
    note = (
        f"Told right in percent, {COLUMNS[column]}. Difference: mean over seeds, each compared with itself, ± half of "
        "its 95 % interval, in percentage points; bold where it does not hold 0. The two critics differ in their "
        "first weights and their step size too."
    )
    head = ["difference to tell", "blur", "instance norm", "no norm", "with − without"]
    return markdown_table(head, rows) + "\n\n" + note
