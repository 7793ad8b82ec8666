"""What chapter 7 shows of networks that retouch: the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .. import _validate
from ..experiments.retouch_rates import RATES, best
from ..experiments.retouching import set_name
from ..ledger.evidence import INPUT, entries, images, paired, seed_values
from ..ledger.evidence import Nets as Networks
from ..records import Record
from ..statistics import Interval
from .wording import decimals, estimate, losses_left_out, markdown_table, number, with_half

#: Arm -> what it is called, and the loss whose colour it has in figures.
NAMES: Mapping[str, tuple[str, str]] = {
    INPUT: ("untouched", "input"),
    "l2": ("ℓ2", "l2"),
    "vgg": ("ℓ2 + VGG", "perceptual"),
    "ssim": ("SSIM", "ssim"),
    "printed": ("ℓ2 + EMD, printed", "histogram_emd"),
    "printed_mirror": ("ℓ2 + EMD, printed, mirrored", "histogram_emd"),
    "unit": ("ℓ2 + EMD, with 1/K", "histogram_emd"),
    "unit_mirror": ("ℓ2 + EMD, mended", "adversarial_color"),
    "sharp": ("ℓ2 + EMD, mended, sharp", "histogram_emd"),
    "sort": ("ℓ2 + EMD, sorted", "histogram_emd"),
    "printed_k50": ("ℓ2 + EMD, printed, K = 50", "histogram_emd"),
    "printed_k100": ("ℓ2 + EMD, printed, K = 100", "histogram_emd"),
    "printed_01": ("ℓ2 + EMD, printed, λ = 0.1", "histogram_emd"),
    "printed_10": ("ℓ2 + EMD, printed, λ = 10", "histogram_emd"),
    "unit_01": ("ℓ2 + EMD, 1/K, λ = 0.1", "histogram_emd"),
    "unit_10": ("ℓ2 + EMD, 1/K, λ = 10", "histogram_emd"),
}

TITLES: Mapping[str, str] = {
    "certain": "the input tells all",
    "moody": "hidden moods",
    "hdr": "HDR to SDR",
    "own": "your pairs",
}

#: Column -> head, factor, usual decimals.
COLUMNS: Mapping[str, tuple[str, float, int]] = {
    "psnr": ("PSNR (dB) ↑", 1, 2),
    "de00": ("CIEDE2000 ↓", 1, 2),
    "emd": ("1000 EMD ↓", 1000, 1),
    "joint": ("1000 joint ↓", 1000, 1),
    "ssim": ("SSIM ↑", 1, 3),
    "colour": ("colour → 1", 1, 3),
}


def arms_of(record: Record, task: str) -> list[str]:
    """Return the arms that a record has of a task, in the order of the tables."""
    there = {run["arm"] for run in record.runs if run["task"] == task}
    return [arm for arm in NAMES if arm in there]


def testset(task: str, where: str = "test") -> str:
    """Return what the pictures of a task are called in the record."""
    return set_name(task, where)


def values(record: Record, task: str, arm: str, column: str, where: str = "test") -> list[float]:
    """Return one number a seed: the mean over its pictures."""
    if arm == INPUT and task == "hdr":  # each seed has its own views
        runs = entries(record, Networks(INPUT, task))
        return [float(np.nanmean(images(record, run, Networks(INPUT), column, testset(task, where)))) for run in runs]
    return list(seed_values(record, task, arm, column, testset(task, where)).values())


def lead(
    record: Record,
    task: str,
    arm: str,
    base: str,
    column: str = "psnr",
    *,
    how: str = "difference",
    where: str = "test",
) -> Interval:
    """Return by how much the mean over pictures is larger for one arm than for another, by seed."""
    nets = Networks(arm, task), Networks(base, task)
    return estimate(list(paired(record, *nets, column, testset(task, where), how=how).values.values()))


def table(record: Record, task: str, arms: Sequence[str] = ()) -> str:
    """Return as Markdown the networks of a task: one row a loss, mean over seeds ± half of its interval."""
    _validate.option("task", task, TITLES)
    shown = [arm for arm in arms_of(record, task) if not arms or arm in arms]
    columns: dict[str, list[str]] = {}
    for column, (_, factor, usual) in COLUMNS.items():
        found = [estimate([factor * value for value in values(record, task, arm, column)]) for arm in shown]
        digits = decimals((one.high - one.mean for one in found), usual)
        columns[column] = [with_half(one, digits) for one in found]
    trained = [estimate(values(record, task, arm, "psnr", "train")) for arm in shown]
    rows = [
        [NAMES[arm][0], *(columns[column][k] for column in COLUMNS), number(trained[k].mean, 2)]
        for k, arm in enumerate(shown)
    ]
    runs = [run for run in record.runs if run["task"] == task]
    seeds = {run["seed"] for run in runs}
    pictures = len(record.scores[f"{runs[0]['job']}@{testset(task)}"])
    notes = [
        f"Mean over {pictures} pictures and {len(seeds)} seeds ± half of the 95 % "
        "interval over seeds. EMD: exact, of the channels, in thousandths of the range; joint: of colours, sliced; "
        "colour: distance from grey over that of the target; trained: PSNR on whole pictures of the training set, of "
        "which the networks saw crops.",
        *losses_left_out(runs),
    ]
    head = ["loss", *(COLUMNS[column][0] for column in COLUMNS), "trained"]
    return markdown_table(head, rows) + "\n\n" + " ".join(notes)


def rates_table(record: Record) -> str:
    """Return as Markdown the search for step sizes: each loss's own value on validation pictures over its least."""
    found = best(record.runs)
    rows = []
    for arm in dict.fromkeys(run["arm"] for run in record.runs):
        costs = {run["lr"]: run["cost"] for run in record.runs if run["arm"] == arm and not run["ran_away"]}
        least = min(costs.values())
        cells = [f"{number(costs[lr] / least, 2)}" if lr in costs else "diverged" for lr in RATES]
        rows.append([NAMES[arm][0], *cells, f"{found[arm]:g}"])
    return markdown_table(["loss", *(f"{lr:g}" for lr in RATES), "taken"], rows)


#: What is compared with squared error by seed: head, column, set, factor, usual decimals.
GAPS = (
    ("PSNR (dB)", "psnr", "test", 1, 1),
    ("1000 EMD", "emd", "test", 1000, 1),
    ("width", "spread", "test", 1, 2),
    ("PSNR, trained", "psnr", "train", 1, 1),
    ("1000 EMD, trained", "emd", "train", 1000, 1),
)


def gaps_table(record: Record, base: str = "l2") -> str:
    """Return as Markdown what each loss has over another by seed: mean of the differences ± half of their interval.

    An interval that does not hold 0 is bold.
    """
    rows = []
    for task in TITLES:
        for arm in arms_of(record, task):
            if arm in (INPUT, base):
                continue
            cells = [TITLES[task], NAMES[arm][0]]
            for _, column, where, factor, digits in GAPS:
                found = lead(record, task, arm, base, column, where=where)
                scaled = Interval(*(factor * end for end in found))
                text = with_half(scaled, digits, signed=True)
                cells.append(text if found.low <= 0 <= found.high else f"**{text}**")
            rows.append(cells)
    note = (
        f"Over {NAMES[base][0]}: means of the differences by seed ± half of their 95 % interval; bold where it does "
        "not hold 0. Width: standard deviation over that of the target."
    )
    return markdown_table(["task", "loss", *(head for head, *_ in GAPS)], rows) + "\n\n" + note
