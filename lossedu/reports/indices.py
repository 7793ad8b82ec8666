"""What the networks of Table 1 are judged by: names, units, which way is better, and which of two is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..experiments.arms import LOSSES, TABLE
from ..ledger.evidence import INPUT, Nets, entries, paired, seed_values
from ..records import Record


class Index(NamedTuple):
    """How a column of the scores is shown.

    Attributes
    ----------
    label : str
        With its unit.
    factor : float
        What it is multiplied by.
    digits : int
        Decimals where nothing is known of its spread.
    better : {"high", "low", "one"}
        What is wished for; "one" is as near to 1 as can be, from either side.
    pool : str
        How pictures are put together, see `ledger.evidence.pooled`.
    """

    label: str
    factor: float
    digits: int
    better: str
    pool: str = "mean"


#: The rows of the table, in their order.
INDICES: Mapping[str, Index] = {
    "mse": Index(r"1000 $\ell_2$", 1000, 2, "low"),
    "psnr": Index("PSNR (dB)", 1, 2, "high"),
    "l1": Index(r"1000 $\ell_1$", 1000, 2, "low"),
    "ssim": Index("SSIM", 1, 4, "high"),
    "ms_ssim": Index("MS-SSIM", 1, 4, "high"),
    "iw_ssim": Index("IW-SSIM", 1, 4, "high"),
    "gmsd": Index("GMSD", 1, 4, "low"),
    "fsim": Index("FSIM", 1, 4, "high"),
    "fsimc": Index("FSIMc", 1, 4, "high"),
    "lpips": Index("LPIPS", 1, 4, "low"),
    "dists": Index("DISTS", 1, 4, "low"),
    "slope": Index("slope", 1, 3, "one"),
    "bias": Index("1000 bias", 1000, 2, "low"),
    "flat_middle": Index("1000 splotches", 1000, 2, "low", "rms"),
    "edge_width": Index("edge width", 1, 3, "one"),
    "blockiness": Index("blockiness", 1, 3, "one"),
}

_SIGNS = {"high": "↑", "low": "↓", "one": "→ 1"}


def heading(column: str) -> str:
    """Return the name of an index with a sign for which way is better."""
    return f"{INDICES[column].label} {_SIGNS[INDICES[column].better]}"


def losses_of(record: Record, task: str, asked: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Return which losses of a table a record has, the input first, and which of those that were asked for it has not.

    Raises
    ------
    ValueError
        If the record has nothing of the task.
    """
    there = {run["arm"] for run in record.runs if run["task"] == task}
    if not there:
        known = sorted({run["task"] for run in record.runs})
        raise ValueError(f"task must be one that record {record.name} has runs of, {', '.join(known)}, got {task!r}")
    order = list(asked) or [INPUT, *TABLE]
    return [arm for arm in order if arm in there], [arm for arm in asked if arm not in there]


def values_of(record: Record, task: str, arm: str, column: str) -> dict[int, float]:
    """Return the index by seed, in its own unit and without what is undefined."""
    found = seed_values(record, task, arm, column, pool=INDICES[column].pool)
    return {seed: INDICES[column].factor * value for seed, value in found.items() if math.isfinite(value)}


def seed_mean(record: Record, task: str, arm: str, column: str) -> float:
    """Return the mean of an index over seeds, NaN where the record has no networks of the loss."""
    if not any((run["task"], run["arm"]) == (task, arm) for run in record.runs):
        return math.nan
    found = values_of(record, task, arm, column)
    return sum(found.values()) / len(found) if found else math.nan


def gap(record: Record, task: str, arm: str, base: str, column: str) -> dict[int, float]:
    """Return by how much the index is larger for one loss, each seed compared with itself, on the same pictures."""
    if arm == INPUT:
        return {seed: -value for seed, value in gap(record, task, base, arm, column).items()}
    index = INDICES[column]
    found = paired(record, Nets(arm, task), Nets(base, task), column, pool=index.pool)
    return {seed: index.factor * value for seed, value in found.values.items()}


def lead(record: Record, task: str, arm: str, rival: str, column: str) -> dict[int, float]:
    """Return by how much one loss is better, by seed; with "one", by how much nearer to it."""
    better = INDICES[column].better
    if better != "one":
        side = 1 if better == "high" else -1
        return {seed: side * value for seed, value in gap(record, task, arm, rival, column).items()}
    here, there = values_of(record, task, arm, column), values_of(record, task, rival, column)
    # The damaged pictures are judged once, and meet every seed.
    if arm == INPUT and here:
        here = dict.fromkeys(there, *here.values())
    if rival == INPUT and there:
        there = dict.fromkeys(here, *there.values())
    return {seed: abs(there[seed] - 1) - abs(here[seed] - 1) for seed in here if seed in there}


def seeds_of(record: Record, task: str) -> int:
    """Return the number of seeds of a task, those of networks that ran away among them."""
    arms = {run["arm"] for run in record.runs if run["task"] == task} & LOSSES.keys()
    return len({entry["seed"] for arm in arms for entry in entries(record, Nets(arm, task))})
