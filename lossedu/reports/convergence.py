"""Section 5.1 of Zhao et al. (2017) with its controls: does a change of the loss help?"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from ..experiments.convergence import ARMS, BRANCHES, OTHER
from ..figures import chart, loss_style
from ..figures.style import FAINT
from ..ledger.evidence import Nets, left_out, paired
from ..records import Record
from . import wording
from .wording import NOTHING, estimate, label, number

#: Mode -> how it is called, in the order of the panels.  `tuning.SAFETY` of the best step is the tuned one.
TITLES = {
    "adam": "Adam, a twentieth of the best step",
    "adam_tuned": "Adam, half of the best step",
    "sgd": "SGD, a twentieth of the best step",
    "sgd_tuned": "SGD, half of the best step",
}

_DASHES: dict[str, Any] = {
    "continue": "-",
    "reset": (0, (5, 1.5)),
    "switch": (0, (1.2, 1.2)),
    "switch_carried": (0, (6, 1.5, 1.2, 1.5)),
}

#: Of a switch after which the optimiser is not a fresh one.
CARRIED = "switched, optimiser's memory kept"


def modes_of(record: Record) -> list[str]:
    """Return the modes that a record has runs of."""
    return [mode for mode in TITLES if any(run["mode"] == mode for run in record.runs)]


def branches_of(record: Record) -> list[str]:
    """Return the branches that a record has: older ones did not keep the optimiser's memory over a switch."""
    there = {branch for run in record.runs for branch in (*run["curves"], *run.get("branches_diverged", {}))}
    return [branch for branch in BRANCHES if branch in there]


def courses(record: Record, mode: str, arm: str, branch: str) -> dict[int, list[tuple[int, float]]]:
    """Return by seed the points (step, mean square error on test pictures) of the trunk or, from its end, of a branch.

    Networks that diverged or ran away are left out, and those whose error is not a number at some step.
    """
    result = {}
    for run in record.runs:
        if (run["mode"], run["arm"]) != (mode, arm) or left_out(run, branch):
            continue
        trunk = [(step, errors[0]) for step, errors in run["curves"]["trunk"]]
        points = trunk
        if branch != "trunk":
            split = record.settings["steps"]
            points = [(split, trunk[-1][1]), *((split + s, errors[0]) for s, errors in run["curves"][branch])]
        if all(math.isfinite(error) for _, error in points):
            result[run["seed"]] = points
    return result


def draw_curves(record: Record, mode: str = "adam_tuned") -> Figure:
    """Draw the inset of section 5.1 with its controls: the test error over the steps, and from the switch on once more.

    A light line for each seed and a dark one for their mean; the colour is that of the first loss.

    Raises
    ------
    ValueError
        If the record has no runs of the mode.
    """
    _known(record, mode)
    figure, (whole, close) = chart(2, height=420)
    whole.set_yscale("log")
    split, said = record.settings["steps"], set()
    for arm in ARMS:
        _course(whole, courses(record, mode, arm, "trunk"), loss_style(arm)["color"], "-", "")
        for branch in branches_of(record):
            found = courses(record, mode, arm, branch)
            runs = [
                run for run in record.runs if (run["mode"], run["arm"]) == (mode, arm) and not left_out(run, branch)
            ]
            if len(found) < len(runs):
                said.add(f"{label(arm)}, {_words(arm, branch)}: {len(runs) - len(found)} left out, error not finite.")
            for ax in (whole, close):
                text = f"{label(arm)}, {_words(arm, branch)}" if found and ax is whole else ""
                _course(ax, found, loss_style(arm)["color"], _DASHES[branch], text)
    for ax in (whole, close):
        ax.axvline(split, color=FAINT, linewidth=1, linestyle=(0, (2, 2)))
        ax.set_xlabel("step")
    whole.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    whole.yaxis.set_major_formatter("{x:g}")
    whole.yaxis.set_minor_formatter(NullFormatter())
    whole.set(title="the whole course", ylabel=r"1000 $\ell_2$, test pictures")
    close.set(title="from the switch on", xlim=(split * 0.98, split * 1.52))
    close.set_xticks([split, split * 5 / 4, split * 3 / 2])
    # An optimiser that kept its memory may throw a network far away, which the panel on the left shows.
    near = [
        1000 * error
        for arm in ARMS
        for branch in ("continue", "reset", "switch")
        for points in courses(record, mode, arm, branch).values()
        for _, error in points
    ]
    if near:
        room = 0.05 * (max(near) - min(near)) or 0.01 * max(near)
        close.set_ylim(min(near) - room, max(near) + room)
    if whole.get_legend_handles_labels()[0]:
        figure.legend(*whole.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    wording.remark(figure, [f"{TITLES[mode]}.", *sorted(said), *gaps(record, mode)])
    return figure


def _course(ax: Axes, found: dict[int, list[tuple[int, float]]], color: str, dashes: Any, text: str) -> None:
    if not found:
        return
    for points in found.values():
        ax.plot([s for s, _ in points], [1000 * e for _, e in points], color=color, alpha=0.3, linewidth=0.8)
    # Seeds are watched at the same steps.
    mean = np.mean([[1000 * e for _, e in points] for points in found.values()], axis=0)
    ax.plot([s for s, _ in next(iter(found.values()))], mean, color=color, linestyle=dashes, label=text)


def _words(arm: str, branch: str) -> str:
    switched = f"then {label(OTHER[arm])}"
    words = {"continue": "continued", "reset": "optimiser reset", "switch_carried": f"{switched}, old memory"}
    return words.get(branch, switched)


def _known(record: Record, mode: str) -> None:
    if mode not in modes_of(record):
        raise ValueError(f"mode must be one that record {record.name} has runs of, {modes_of(record)}, got {mode!r}")


def gaps(record: Record, *modes: str) -> list[str]:
    """Return sentences on the networks of some modes that are in no mean."""
    runs = [run for run in record.runs if run["mode"] in modes]
    return wording.losses_left_out(runs, ("trunk", *BRANCHES)) + wording.unfinished(record)


def switch_effects(record: Record) -> str:
    """Return as Markdown what a switch, and a reset of the optimiser alone, have over going on with the same loss.

    A switch begins with a fresh optimiser; if the record has one that keeps the old, it is told on test pictures.

    In dB of the pooled mean square error, on test and training pictures, each seed compared with itself: mean and 95 %
    interval, and a tilde where it holds 0.
    """
    shown = {
        (branch, where): f"{words}, {'training' if where == 'train' else where}"
        for branch, words in {"switch": "switched", "reset": "reset", "switch_carried": CARRIED}.items()
        for where in ("test", "train")
        if branch in branches_of(record) and (branch, where) != ("switch_carried", "train")
    }
    rows = []
    for mode in modes_of(record):
        for arm in (arm for arm in ARMS if any((run["mode"], run["arm"]) == (mode, arm) for run in record.runs)):
            cells = [_effect(record, mode, arm, branch, where) for branch, where in shown]
            rows.append([TITLES[mode], label(arm), *cells])
    notes = [
        "Gain over the same loss continued, in dB of the pooled squared error: above 0 the error is smaller.",
        "Switched and reset: with a fresh optimiser.",
        f"Mean and 95 % interval over seeds, where there are {wording.LEAST_SEEDS} or more; ~: it holds 0.",
    ]
    text = " ".join([*notes, *gaps(record, *modes_of(record))])
    return "\n\n".join([wording.markdown_table(["training", "first loss", *shown.values()], rows), text])


def _effect(record: Record, mode: str, arm: str, branch: str, where: str) -> str:
    one, base = (Nets(arm, branch=part, where=(("mode", mode),)) for part in (branch, "continue"))
    found = estimate(list(paired(record, one, base, "mse", where, how="dB").values.values()))
    if not math.isfinite(found.mean):
        return NOTHING
    # A reset may change less than a thousandth, which is no zero.
    digits = wording.decimals([found.high - found.mean], 5)
    mean, low, high = (number(value, digits, signed=True) for value in found)
    if low == NOTHING:
        return mean
    return f"{mean} ({low} to {high})" + (" ~" if found.low <= 0 <= found.high else "")
