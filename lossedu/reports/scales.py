"""What the records say of several windows at once: order and speed of its two forms, and what networks leave behind."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from .. import _validate
from ..figures import chart
from ..ledger.evidence import Nets, paired, seed_values
from ..records import Record
from ..statistics import Interval
from . import wording
from .indices import INDICES, Index, gap, heading, values_of
from .wording import label

TASK = "dd"

#: Losses that are compared: one window, five, and the pyramid; l1 has none.
ARMS = ("l2", "l1", "ssim_1.5", "ssim_5", "ssim_9", "ms_ssim", "ms_ssim_dense", "ms_ssim_pyramid")

#: Arm of the ranking -> what differs from the pyramid of Wang.
FORMS = {
    "ms_ssim": "the sigma trick: windows, exponents, patches and place of the product",
    "ms_ssim_pyramid_1": "the pyramid with exponents 1: the exponents alone",
}

#: Task of the contest of speed -> what is timed.
CONTESTS = {
    "patches_64": "value and gradient of the loss",
    "step_64": "a whole step of training",
}

RING = Index(r"1000 error beside edges", 1000, 2, "low")

#: Column of `edge_errors` -> row of the table.
COARSENESS = {
    "whole": "the whole error",
    "rest": "without its coarse part",
    "fine": "periods below 16 pixels",
    "coarse": "the coarse part alone",
}


def _runs(record: Record, task: str, arm: str) -> list[dict]:
    found = [run for run in record.runs if (run["task"], run["arm"]) == (task, arm)]
    if not found:
        raise ValueError(f"record must have runs of {task!r} with {arm!r}, got none in {record.name}")
    return found


def order_table(record: Record) -> str:
    """Return as Markdown how far each form puts damaged pictures in the order of the pyramid, with 95 % intervals.

    The intervals are over pictures, for the first seed of the damage; other seeds change the third decimal.
    """
    rows = []
    for arm, text in FORMS.items():
        run = min(_runs(record, "rank", arm), key=lambda run: run["seed"])
        cells = []
        for column in ("spearman", "across", "close"):
            low, high = run[f"{column}_interval"]
            cells.append(f"{run[column]:.3f} ({low:.3f} to {high:.3f})")
        rows.append([text, *cells])
    head = ["differs from the pyramid in", "Spearman's ρ", "Kendall's τ across kinds", "τ, less than 1 dB apart"]
    return wording.markdown_table(head, rows)


def speed(record: Record, task: str) -> tuple[float, float, float]:
    """Return the mean milliseconds of the trick and of the pyramid, and the ratio of their times for a pixel."""
    _validate.option("task", task, CONTESTS)
    runs = _runs(record, task, "ms_ssim")
    return tuple(float(np.mean([run[key] for run in runs])) for key in ("ms", "ms_pyramid", "ratio"))  # type: ignore[return-value]


def speed_table(record: Record) -> str:
    """Return as Markdown the times of the trick and of the pyramid, for equally many pixels of output."""
    rows = []
    for task, text in CONTESTS.items():
        ms, pyramid, ratio = speed(record, task)
        rows.append([text, f"{ms:.3g} ms", f"{pyramid:.3g} ms", f"{ratio:.2f}"])
    return wording.markdown_table(
        ["what is timed", "trick, 64 patches", "pyramid, one picture", "trick / pyramid"], rows
    )


def bias_change(record: Record, arm: str, base: str) -> Interval:
    """Return by how many percent the mean error of the channels is larger with one loss, paired by seed."""
    found = paired(record, Nets(arm, TASK), Nets(base, TASK), "bias", how="percent")
    return wording.estimate(list(found.values.values()))


#: Column in thousandths of the range -> what it is called in a sentence, and how pictures are pooled.
THOUSANDTHS = {
    "bias": ("error of the channel means", "mean"),
    "flat_middle": ("splotches", "mean"),
    "ring": ("error beside edges", "rms"),
}


def more(record: Record, arm: str, base: str, task: str = TASK, column: str = "bias") -> Interval:
    """Return by how many thousandths of the range an error is larger with one loss than another, paired by seed."""
    pair = Nets(arm, task), Nets(base, task)
    found = paired(record, *pair, column, how="difference", pool=THOUSANDTHS[column][1])
    return wording.estimate([1000 * value for value in found.values.values()])


def lead(record: Record, arm: str, base: str, column: str = "psnr") -> Interval:
    """Return by how much an index is larger with one loss than with another, paired by seed."""
    return wording.estimate(list(gap(record, TASK, arm, base, column).values()))


def leads(record: Record, arm: str, base: str) -> str:
    """Return in words what one loss has over another by PSNR and SSIM, and in errors, paired by seed."""
    told = []
    for column, unit, digits in (("psnr", " dB of PSNR", 2), ("ssim", " of SSIM", 4)):
        mean, low, high = (wording.number(end, digits, signed=True) for end in lead(record, arm, base, column))
        told.append(f"{mean}{unit} ({low} to {high})")
    return "; ".join([*told, f"in thousandths of the range {differences(record, arm, base)}"])


def differences(record: Record, arm: str, base: str, task: str = TASK) -> str:
    """Return in words what one loss leaves more than another, paired by seed, in thousandths of the range."""
    told = []
    for column, (words, _) in THOUSANDTHS.items():
        found = [wording.number(end, 2, signed=True) for end in more(record, arm, base, task, column)]
        told.append(f"{words} {found[0]} ({found[1]} to {found[2]})")
    return ", ".join(told)


def draw_bias(record: Record, arms: Sequence[str] = (*ARMS, "mix")) -> Figure:
    """Draw the mean error of the channels that networks of each loss leave: seeds, mean and 95 % interval."""
    figure, (ax,) = chart(height=380)
    for place, arm in enumerate(arms):
        wording.dots(ax, place, list(values_of(record, TASK, arm, "bias").values()), arm)
    ax.set(xticks=range(len(arms)), ylabel="error of the channel means (10⁻³)", xlim=(-0.7, len(arms) - 0.3))
    ax.set_ylim(bottom=0)
    ax.set_xticklabels([label(arm).replace(", ", ",\n") for arm in arms], rotation=45)
    return figure


def values(record: Record, arm: str, column: str) -> list[float]:
    """Return a column by seed in the unit of the table; "ring" is the residual 3 to 10 px off strong edges."""
    if column != "ring":
        return list(values_of(record, TASK, arm, column).values())
    found = seed_values(record, TASK, arm, "ring", pool="rms")
    return [RING.factor * value for value in found.values() if math.isfinite(value)]


COLUMNS = ("psnr", "ssim", "ms_ssim", "bias", "flat_middle", "ring")


def table(record: Record, arms: Sequence[str] = ARMS) -> str:
    """Return as Markdown what networks of each loss leave: means over seeds with half of their 95 % intervals."""
    rows = []
    for column in COLUMNS:
        found = {arm: wording.estimate(values(record, arm, column)) for arm in arms}
        index = RING if column == "ring" else INDICES[column]
        digits = wording.decimals([f.high - f.mean for f in found.values()], index.digits)
        name = f"{RING.label} ↓" if column == "ring" else heading(column)
        rows.append([name, *(wording.with_half(interval, digits) for interval in found.values())])
    note = (
        f"Mean over {len(values(record, arms[0], 'psnr'))} seeds ± half of the 95 % interval of each mean by itself. "
        "Bias, splotches and the error beside edges are in thousandths of the range."
    )
    return wording.markdown_table(["index", *(label(arm) for arm in arms)], rows) + "\n\n" + note


def beside_edges(record: Record, arm: str, column: str) -> float:
    """Return a root mean square error beside edges over all pictures that have edges, in thousandths of the range."""
    found = record.scores[f"{arm}@test"][:, record.settings["columns"].index(column)].astype(np.float64)
    return 1000 * float(np.sqrt(np.nanmean(found**2)))


def decibels(record: Record, arm: str, column: str = "mse") -> float:
    """Return the mean PSNR of a network, from "mse", or without the coarse part of its error, from "mse_rest"."""
    found = record.scores[f"{arm}@test"][:, record.settings["columns"].index(column)].astype(np.float64)
    return float(np.mean(-10 * np.log10(found)))


def edge_table(record: Record, arms: Sequence[str]) -> str:
    """Return as Markdown what the error beside edges is made of, and PSNR with and without its coarse part."""
    rows = [
        [f"1000 error beside edges: {words}", *(f"{beside_edges(record, arm, column):.1f}" for arm in arms)]
        for column, words in COARSENESS.items()
    ]
    for column, words in (("mse", "PSNR (dB)"), ("mse_rest", "PSNR without the coarse part (dB)")):
        rows.append([words, *(f"{decibels(record, arm, column):.2f}" for arm in arms)])
    count = len(record.settings["sets"]["test"])
    note = f"One network a loss, {count} test photographs. *Coarse* is what a blur of σ = 8 leaves of the error."
    return wording.markdown_table(["index", *(label(arm) for arm in arms)], rows) + "\n\n" + note
