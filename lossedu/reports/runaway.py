"""Networks that run away under SSIM: the contrast of their outputs, channel by channel, and how many they are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.figure import Figure

from ..experiments.runaway import ARMS, TASKS
from ..figures import chart, loss_style
from ..figures.style import FAINT
from ..records import Record
from . import wording
from .wording import label

#: Red, green and blue, told apart by their lines: the colour is that of the loss.
CHANNELS = {"red": "-", "green": (0, (5, 1.5)), "blue": (0, (1.2, 1.2))}

#: The gain is linear up to here and logarithmic beyond: a network may go very far.
LINEAR = 1.5

#: A channel with a gain beyond this, of either sign, is no picture and no negative of one: it is out of range.
BEYOND = 5.0

_TICKS = (-1000, -100, -10, -1, 0, 1, 10, 100, 1000)


def draw_gain(record: Record, condition: str) -> Figure:
    """Draw the gain of each channel of the output over the steps, one panel a loss, one line a seed and channel.

    1 is the right contrast, 0 a blank picture, below 0 a negative; see `experiments.gain`.  A channel that ended below
    0 has a cross at its end.

    Raises
    ------
    ValueError
        If the record has no runs of the condition.
    """
    runs = [run for run in record.runs if run["task"] == condition]
    arms = [arm for arm in ARMS if any(run["arm"] == arm for run in runs)]
    if not arms:
        known = [name for name in TASKS if any(run["task"] == name for run in record.runs)]
        raise ValueError(f"condition must be one that record {record.name} has runs of, {known}, got {condition!r}")
    columns = 3 if len(arms) == 3 else min(2, len(arms))
    rows = math.ceil(len(arms) / columns)
    figure, axes = chart(columns, rows=rows, height=80 + 240 * rows, sharey=True)
    unwatched = []
    for ax, arm in zip(axes, arms, strict=False):
        color = loss_style(arm)["color"]
        for run in (run for run in runs if run["arm"] == arm):
            if not run.get("watched"):
                unwatched.append(run["job"])
                continue
            steps = [step for step, _ in run["watched"]]
            for channel, dashes in enumerate(CHANNELS.values()):
                gains = [seen["gain"][channel] for _, seen in run["watched"]]
                ax.plot(steps, gains, color=color, linestyle=dashes, linewidth=1.3)
                if gains[-1] < 0:
                    ax.plot(steps[-1:], gains[-1:], "x", color=color, markeredgewidth=2, clip_on=False, gid="negative")
        for level in (0, 1):
            ax.axhline(level, color=FAINT, linewidth=1, linestyle="-" if level == 0 else (0, (2, 2)), zorder=1)
        ax.set_title(label(arm))
        ax.set_yscale("symlog", linthresh=LINEAR, linscale=2)
        ax.set_xlabel("step")
    low, high = axes[0].get_ylim()
    ticks = [tick for tick in _TICKS if low <= tick <= high]
    axes[0].set_yticks(ticks, [wording.number(tick, 0) for tick in ticks])
    axes[0].set_yticks([], minor=True)
    for ax in axes[len(arms) :]:
        ax.remove()
    for ax in axes[::columns][:rows]:
        ax.set_ylabel("gain of the output")
    handles = [figure.axes[0].plot([], [], color=FAINT, linestyle=dashes)[0] for dashes in CHANNELS.values()]
    figure.legend(handles, list(CHANNELS), loc="outside upper center", ncols=3)
    said = [f"Not drawn, diverged: {', '.join(unwatched)}."] if unwatched else []
    wording.remark(figure, said + wording.unfinished(record))
    return figure


def ways(record: Record, *conditions: str) -> str:
    """Return as Markdown in which way networks were lost: one line a condition and way, of all where none is named.

    One that diverged, or ended with a gain beyond `BEYOND` of either sign, left the range; another one may have ended
    with the negative of a channel.
    """
    lines = []
    for condition in conditions or TASKS:
        runs = {arm: [run for run in record.runs if (run["task"], run["arm"]) == (condition, arm)] for arm in ARMS}
        for words, counts in _WAYS.items():
            counted = {arm: sum(map(counts, found)) for arm, found in runs.items() if found}
            if any(counted.values()):
                parts = [f"{count} of {len(runs[arm])} with {label(arm)}" for arm, count in counted.items()]
                lines.append(f"- **{condition.capitalize()}, {words}:** {', '.join(parts)}.")
        networks = [run for found in runs.values() for run in found]
        if networks and not any(counts(run) for run in networks for counts in _WAYS.values()):
            lines.append(f"- **{condition.capitalize()}:** none was lost.")
    return "\n".join([*lines, *wording.unfinished(record)])


def counted(records: Iterable[Record]) -> str:
    """Return as a sentence how many networks of some records ran away, and which."""
    records = list(records)
    trained = [(record, run) for record in records for run in record.runs if run.get("arm") != "input"]
    lost = [f"{run['job']} of {record.name}" for record, run in trained if run.get("ran_away") or "diverged_at" in run]
    names = [record.name for record in records]
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
    said = f"{len(lost)} ran away: {', '.join(lost)}" if lost else "none ran away"
    return f"Of the {len(trained)} networks of {listed} {said}."


def _outside(run: Mapping[str, Any]) -> bool:
    return "diverged_at" in run or (bool(run.get("watched")) and max(map(abs, _ends(run))) > BEYOND)


def _negative(run: Mapping[str, Any]) -> bool:
    return _inverted(run) and not _outside(run)


def _otherwise(run: Mapping[str, Any]) -> bool:
    return _away(run) and not _outside(run) and not _negative(run)


#: What is said of networks -> which they are; nobody is in two of them.
_WAYS = {
    "left the range": _outside,
    "ended with the negative of a channel": _negative,
    "ran away in another way": _otherwise,
}


def _ends(run: Mapping[str, Any]) -> list[float]:
    return list(run["watched"][-1][1]["gain"])


def _away(run: Mapping[str, Any]) -> bool:
    return bool(run["ran_away"])


def _inverted(run: Mapping[str, Any]) -> bool:
    return bool(run.get("watched")) and min(_ends(run)) < 0
