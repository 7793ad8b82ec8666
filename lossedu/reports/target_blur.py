"""Is it doubt about the level that keeps the shift of clipped targets off its line?

For a known level, `experiments.noisy_targets.expected` says what clipping adds to the mean of a target.  A network
knows its level only nearly.  How nearly, its own output tells: pixels of one output have many true levels, and a
network that gives the mean of what it is asked for would add to all of them the mean of what clipping adds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from ..experiments.noisy_targets import LEVELS, expected
from ..records import Record
from . import noisy_targets as targets
from .wording import markdown_table, number

#: Ranges of clean level that are told: how they are called, first bin of `LEVELS`, and last plus one.
LEVELS_TOLD = {"below 0.1": (0, 2), "0.3 to 0.4": (6, 8), "0.6 to 0.8": (12, 16), "above 0.9": (18, 20)}

#: Ranges of the output that are told.
OUTPUTS_TOLD = {
    "0.05 to 0.25": (0.05, 0.25),
    "0.25 to 0.6": (0.25, 0.6),
    "0.6 to 0.75": (0.6, 0.75),
    "0.75 to 0.85": (0.75, 0.85),
    "0.85 to 0.95": (0.85, 0.95),
    "above 0.95": (0.95, np.inf),
}

#: Groups of pixels of nearly one output.
GROUPS = 1000


def added(levels: np.ndarray) -> np.ndarray:
    """Return what clipping adds to the mean of a target, by its clean level."""
    grid = np.linspace(0, 1, 2001)
    return np.interp(levels, grid, [expected("clipped", "l2", float(level)) for level in grid])


def given_output(values: np.ndarray, outputs: np.ndarray, groups: int = GROUPS) -> np.ndarray:
    """Return for each pixel the mean of `values` over the pixels whose output is nearly its own."""
    group = np.empty(len(outputs), dtype=np.int64)
    group[outputs.argsort(kind="stable")] = np.arange(len(outputs)) * groups // len(outputs)
    means = np.bincount(group, values, minlength=groups) / np.maximum(np.bincount(group, minlength=groups), 1)
    return means[group]


def by_level(clean: Sequence[Tensor], outputs: Sequence[Tensor]) -> tuple[np.ndarray, np.ndarray]:
    """Return by bin of clean level what clipping adds: for a known level, and blurred by what outputs leave open."""
    y, x = _flat(clean), _flat(outputs)
    known = added(y)
    bins = np.clip((y * LEVELS).astype(int), 0, LEVELS - 1)
    count = np.bincount(bins, minlength=LEVELS)
    sums = (np.bincount(bins, values, minlength=LEVELS) for values in (known, given_output(known, x)))
    line, blurred = (total / np.maximum(count, 1) for total in sums)
    return line, blurred


def told(record: Record, clean: Sequence[Tensor], outputs: Sequence[Tensor]) -> dict[str, tuple[float, float, float]]:
    """Return by range of level: the line, the line blurred, and the shift of the l2 networks of the record.

    Every bin counts as in the record, whose test pictures are others.
    """
    weights = next(iter(targets.errors(record, "clipped", "l2").values()))[:, 1]
    marks = np.mean(list(targets.shifts(record, "clipped", "l2").values()), axis=0)
    columns = (*by_level(clean, outputs), marks)
    found = {}
    for name, bins in LEVELS_TOLD.items():
        part = slice(*bins)
        line, blurred, mark = (float(np.average(values[part], weights=weights[part])) for values in columns)
        found[name] = line, blurred, mark
    return found


def off_what_was_asked(clean: Sequence[Tensor], outputs: Sequence[Tensor]) -> dict[str, float]:
    """Return by range of the output how far it lies above the mean of what the network was asked for there."""
    y, x = _flat(clean), _flat(outputs)
    off = x - y - added(y)
    found = {}
    for name, (low, high) in OUTPUTS_TOLD.items():
        here = (x > low) & (x <= high)
        found[name] = float(off[here].mean()) if here.any() else math.nan
    return found


def table(record: Record, clean: Sequence[Tensor], outputs: Sequence[Tensor]) -> str:
    """Return as Markdown, by level, line, blurred line and networks; and by output, how far it is off its mean."""
    rows = [
        [name, *(number(v, 3, signed=True) for v in values)] for name, values in told(record, clean, outputs).items()
    ]
    head = ["clean level", "shift, line (known level)", "line, blurred by B's doubt", "ℓ2 networks (marks)"]
    missed = off_what_was_asked(clean, outputs)
    own = [[name, number(value, 3, signed=abs(value) >= 5e-4)] for name, value in missed.items()]
    return "\n\n".join(
        [markdown_table(head, rows), markdown_table(["output of B", "B − mean of what it was asked for"], own)]
    )


def _flat(pictures: Sequence[Tensor]) -> np.ndarray:
    return np.concatenate([one.flatten().double().numpy() for one in pictures])
