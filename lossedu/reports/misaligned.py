"""What chapter 8 shows of networks whose targets do not register."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .. import _validate
from ..experiments import misaligned_pairs
from ..experiments.misaligned import KEPT, KEPT_TASKS, picture
from ..experiments.misaligned_pairs import SHIFTS
from ..experiments.misaligned_rates import RATES, best
from ..figures import chart, image_strip, loss_style
from ..ledger.evidence import INPUT, paired, seed_values
from ..ledger.evidence import Nets as Networks
from ..records import Record
from ..statistics import Interval
from .wording import NOTHING, decimals, estimate, losses_left_out, markdown_table, number, with_half

#: Arm -> what it is called, the loss whose colour and marker it has in figures, and its line style.
NAMES: Mapping[str, tuple[str, str, Any]] = {
    INPUT: ("the phone's picture", "input", (0, (3, 3))),
    "l2": ("ℓ2", "l2", "-"),
    "l1": ("ℓ1", "l1", "-"),
    "blurred_wespe": ("blurred ℓ2, sd 1.7", "adversarial_color", "-"),
    "blurred_std3": ("blurred ℓ2, sd 3", "adversarial_color", (0, (5, 1.5))),
    "blurred_dped": ("blurred ℓ2, sd 4.3", "adversarial_color", (0, (1.2, 1.2))),
    "min_shift": ("least over shifts", "ms_ssim", "-"),
    "perceptual": ("relu3_3", "perceptual", "-"),
    "contextual": ("contextual", "histogram_emd", (0, (5, 1.5))),
}

#: Column -> head, factor, usual decimals.
COLUMNS: Mapping[str, tuple[str, float, int]] = {
    "psnr": ("PSNR (dB) ↑", 1, 2),
    "ssim": ("SSIM ↑", 1, 3),
    "de00": ("CIEDE2000 ↓", 1, 2),
    "colour": ("1000 colour ↓", 1000, 1),
    "fine": ("fine → 1", 1, 2),
    "detail": ("detail → 1", 1, 2),
    "moved": ("moved (dB) → 0", 1, 2),
}

#: Losses of the figures: of the three blurs the narrowest and the widest.
DRAWN = ("l2", "l1", "blurred_wespe", "blurred_dped", "min_shift", "perceptual", "contextual")


def arms_of(record: Record, task: str = "") -> list[str]:
    """Return the arms that a record has, of a task where one is named, in the order of the tables."""
    there = {run["arm"] for run in record.runs if task in ("", run["task"])}
    return [arm for arm in NAMES if arm in there]


def tasks_of(record: Record, arm: str) -> list[str]:
    """Return the tasks that a record has of an arm, by shift."""
    return [task for task in SHIFTS if arm in arms_of(record, task)]


def values(record: Record, task: str, arm: str, column: str = "psnr") -> dict[int, float]:
    """Return one number a seed: the mean over the test pictures."""
    return seed_values(record, task, arm, column)


def lead(record: Record, task: str, arm: str, base: str = "l2", column: str = "psnr") -> Interval:
    """Return by how much the mean over pictures is larger for one arm than for another, by seed."""
    nets = Networks(arm, task), Networks(base, task)
    return estimate(list(paired(record, *nets, column).values.values()))


def drops(record: Record, arm: str, tasks: Sequence[str] = tuple(SHIFTS)[1:]) -> dict[int, float]:
    """Return by seed how many decibels of test PSNR an arm loses where targets are moved: mean over `tasks`."""
    still = values(record, "shift0", arm)
    moved = [values(record, task, arm) for task in tasks]
    seeds = [seed for seed in still if all(seed in found for found in moved)]
    return {seed: float(np.mean([still[seed] - found[seed] for found in moved])) for seed in seeds}


def drop_lead(record: Record, arm: str = "blurred_wespe", base: str = "l2") -> Interval:
    """Return how many more decibels the base loses than the arm, by seed: what claim W4 asks for."""
    one, other = drops(record, arm), drops(record, base)
    return estimate([other[seed] - one[seed] for seed in one if seed in other])


def table(record: Record, base: str = "l2", column: str = "psnr") -> str:
    """Return as Markdown what each loss has over another at each shift: means of the differences by seed ± half.

    An interval that does not hold 0 is bold.
    """
    _validate.option("column", column, COLUMNS)
    title, factor, usual = COLUMNS[column]
    rows = []
    for arm in (arm for arm in arms_of(record) if arm not in (INPUT, base)):
        cells = [NAMES[arm][0]]
        for task in SHIFTS:
            if task not in tasks_of(record, arm) or task not in tasks_of(record, base):
                cells.append(NOTHING)
                continue
            found = lead(record, task, arm, base, column)
            text = with_half(Interval(*(factor * end for end in found)), usual, signed=True)
            # Without enough seeds for an interval nothing is decided.
            decided = math.isfinite(found.low) and not found.low <= 0 <= found.high
            cells.append(f"**{text}**" if decided else text)
        rows.append(cells)
    notes = [
        f"{title.rstrip(' ↑↓')} over {NAMES[base][0]} on aligned test pictures: means of the differences by seed ± "
        "half of their 95 % interval; bold where it does not hold 0. Heads: how far training targets are moved, in "
        "pixels.",
        *losses_left_out(record.runs),
    ]
    return markdown_table(["loss", *(str(shift) for shift in SHIFTS.values())], rows) + "\n\n" + " ".join(notes)


def scores_table(record: Record, task: str, arms: Sequence[str] = ()) -> str:
    """Return as Markdown all scores of the networks of a task: one row a loss, mean over seeds ± half of interval."""
    _validate.option("task", task, SHIFTS)
    shown = [arm for arm in arms_of(record, task) if not arms or arm in arms]
    rows = [[NAMES[arm][0]] for arm in shown]
    for column, (_, factor, usual) in COLUMNS.items():
        found = [estimate([factor * one for one in values(record, task, arm, column).values()]) for arm in shown]
        digits = decimals((one.high - one.mean for one in found), usual)
        for row, one in zip(rows, found, strict=True):
            row.append(with_half(one, digits))
    notes = [
        f"Training targets moved by up to {SHIFTS[task]} pixels; {len(record.settings['sets']['test'])} aligned test "
        "pictures, mean over seeds ± half of the 95 % interval. Colour: root mean square error after DPED's blur, in "
        "thousandths of the range; fine: energy of fine detail over the target's, noise included; detail: share of the "
        "target's own fine detail; moved: what a translation by up to 5 pixels would gain.",
        *losses_left_out(run for run in record.runs if run["task"] == task),
    ]
    return markdown_table(["loss", *(head for head, *_ in COLUMNS.values())], rows) + "\n\n" + " ".join(notes)


def rates_table(record: Record) -> str:
    """Return as Markdown the search for step sizes: each loss's own value on moved crops over its least (PSNR)."""
    found, rows = best(record.runs), []
    for arm in dict.fromkeys(run["arm"] for run in record.runs):
        runs = {run["lr"]: run for run in record.runs if run["arm"] == arm and not run["ran_away"]}
        least = min(run["cost"] for run in runs.values())
        cells = [
            f"{number(runs[lr]['cost'] / least, 2)} ({number(runs[lr]['psnr'], 1)})" if lr in runs else "diverged"
            for lr in RATES
        ]
        rows.append([NAMES[arm][0], *cells, f"{found[arm]:g}"])
    return markdown_table(["loss", *(f"{lr:g}" for lr in RATES), "taken"], rows)


def _look(arm: str) -> dict[str, Any]:
    label, loss, line = NAMES[arm]
    style = loss_style(loss)
    return {"color": style["color"], "marker": style["marker"], "linestyle": line, "label": label}


def figure_shift(record: Record, arms: Sequence[str] = DRAWN, column: str = "psnr") -> Figure:
    """Draw a score on aligned test pictures against the shift in training: mean and 95 % interval over seeds."""
    _validate.option("column", column, COLUMNS)
    title, factor, _ = COLUMNS[column]
    figure, axes = chart(1, height=460)
    ax = axes[0]
    for arm in [arm for arm in arms if arm in arms_of(record)]:
        tasks = tasks_of(record, arm)
        found = [estimate([factor * one for one in values(record, task, arm, column).values()]) for task in tasks]
        means = [one.mean for one in found]
        reach = [0.0 if math.isnan(one.high) else one.high - one.mean for one in found]
        ax.errorbar([SHIFTS[task] for task in tasks], means, yerr=reach, capsize=4, **_look(arm))
    if INPUT in arms_of(record):
        (level,) = values(record, tasks_of(record, INPUT)[0], INPUT, column).values()
        ax.axhline(factor * level, **(_look(INPUT) | {"marker": ""}))
    ax.set(xlabel="targets in training are moved by up to (pixels)", ylabel=title.rstrip(" ↑↓"))
    ax.set_xticks(list(SHIFTS.values()))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside right upper")
    return figure


def strip(record: Record, arms: Sequence[str] = KEPT, tasks: Sequence[str] = KEPT_TASKS) -> Figure:
    """Draw what networks of seed 0 make of a photograph: behind input and target, each loss at each shift."""
    pair = misaligned_pairs.shown()
    panels, titles = [pair.x, pair.y], ["input", "target"]
    for arm in arms:
        panels += [picture(record, task, arm) for task in tasks]
        titles += [f"{NAMES[arm][0]}, {SHIFTS[task]} px" for task in tasks]
    return image_strip([panel[..., 8:88, 8:88] for panel in panels], titles, columns=4, zoom=2)
