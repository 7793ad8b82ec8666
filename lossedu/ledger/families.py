"""Families of comparisons beside a primary one: many at once, so that chance must be taken into account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..records import Record
from ..statistics import t_test
from .evidence import Missing, Nets, paired
from .multiplicity import holm

#: The paper's nine indices; those that are better where they are smaller have -1.
NINE = {"mse": -1, "psnr": 1, "l1": -1, "ssim": 1, "ms_ssim": 1, "iw_ssim": 1, "gmsd": -1, "fsim": 1, "fsimc": 1}

#: How small an adjusted p value must be for a comparison of a family to be told.
RARE = 0.05


class Contest(NamedTuple):
    """One comparison of a family: two losses by one index, on one task."""

    task: str
    arm: str
    base: str
    column: str


def family(record: Record, contests: Iterable[Contest]) -> str:
    """Return as a sentence which comparisons of a family are decided, by Holm's correction; a description."""
    known, p_values, better = [], [], []
    for contest in contests:
        try:
            pair = Nets(contest.arm, contest.task), Nets(contest.base, contest.task)
            values = list(paired(record, *pair, contest.column).values.values())
        except Missing:
            continue
        if len(values) >= 2:
            known.append(contest)
            p_values.append(t_test(values))
            better.append(sum(values) * NINE[contest.column] > 0)
    clear = [p < RARE for p in holm(p_values)]
    wins = sum(sure and good for sure, good in zip(clear, better, strict=True))
    worse = [c for c, sure, good in zip(known, clear, better, strict=True) if sure and not good]
    named = ", ".join(f"{c.arm} against {c.base} by {c.column} in {c.task}" for c in worse)
    return (
        f"beside it, with Holm's correction, {wins} of {len(known)} comparisons are better, "
        f"{len(worse)} worse{f' ({named})' if named else ''}, the others undecided"
    )
