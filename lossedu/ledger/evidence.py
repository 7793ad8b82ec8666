r"""Pairs of seeds out of a record: one number a seed and network, and what one network has over another.

Everything is computed anew from the per-image tables.  Errors are pooled: all pictures have the same size, so the mean
over pictures of their mean square errors is that of all pixels, and decibels are of that one number.  Pictures on which
one of the two networks has no value are left out for both.

A network that ran away or diverged has no place in a mean, and is left out with its seed.  That favours its loss; it is
therefore counted and named wherever it happens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .. import _validate
from ..records import Record

POOLS = ("mean", "rms")
HOWS = ("difference", "percent", "dB")

#: The damaged picture itself: judged once, and compared with every seed.
INPUT = "input"


class Missing(ValueError):
    """A record was never meant to hold what a claim asks for: another one may."""


class Nets(NamedTuple):
    """Which networks of a record: one a seed.

    Attributes
    ----------
    arm : str
        The loss, "input" for the damaged pictures themselves.
    task : str
        "" for any.
    branch : str
        The part of a run whose end is judged, "" where runs have no parts.
    where : tuple of (str, value)
        Other entries that must agree, such as ``("mode", "adam")``.
    """

    arm: str
    task: str = ""
    branch: str = ""
    where: tuple[tuple[str, Any], ...] = ()


class Paired(NamedTuple):
    """What one network has over another, by seed, and a sentence for each network that was left out."""

    values: dict[int, float]
    left_out: tuple[str, ...]


def entries(record: Record, nets: Nets) -> list[dict[str, Any]]:
    """Return the entries of the networks, or raise `Missing` if the record never had any."""
    wanted = {"arm": nets.arm, **({"task": nets.task} if nets.task else {}), **dict(nets.where)}
    found = [entry for entry in record.runs if all(entry.get(key) == value for key, value in wanted.items())]
    if not found:
        listed = ", ".join(f"{key} {value}" for key, value in wanted.items())
        raise Missing(f"record {record.name} has no runs of {listed}")
    seeds = [entry["seed"] for entry in found]
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"record {record.name} has more than one run of {wanted} for a seed: {sorted(seeds)}")
    return found


def left_out(entry: Mapping[str, Any], branch: str = "") -> str | None:
    """Return why a run, or a branch of it, does not count; None if it does."""
    step = entry.get("diverged_at", entry.get("branches_diverged", {}).get(branch))
    if step is not None:
        return f"diverged at step {step}{f' of {branch}' if branch else ''}"
    return "ran away" if entry.get("ran_away") else None


def images(record: Record, entry: Mapping[str, Any], nets: Nets, column: str, testset: str = "test") -> np.ndarray:
    """Return one number a picture, float64, NaN where there is none."""
    columns, sets = record.settings.get("columns", []), record.settings.get("sets", {})
    _validate.option(f"column (of record {record.name})", column, columns)
    _validate.option(f"testset (of record {record.name})", testset, sets)
    key = f"{entry['job']}{'/' + nets.branch if nets.branch else ''}@{testset}"
    if key not in record.scores:
        raise ValueError(f"record {record.name} has no scores {key}: its rows cannot be recomputed")
    table, shape = record.scores[key], (len(sets[testset]), len(columns))
    if table.shape != shape:
        raise ValueError(f"scores {key} of record {record.name} must have shape {shape}, got {table.shape}")
    return table[:, columns.index(column)].astype(np.float64)


def pooled(values: np.ndarray, pool: str = "mean") -> float:
    """Return one number for all pictures that have one: their mean, or the root of their mean square; NaN for none."""
    _validate.option("pool", pool, POOLS)
    known = values[np.isfinite(values)]
    if known.size == 0:
        return math.nan
    return float(np.sqrt(np.mean(known**2))) if pool == "rms" else float(np.mean(known))


def seed_values(
    record: Record,
    task: str,
    arm: str,
    column: str,
    testset: str = "test",
    pool: str = "mean",
    *,
    branch: str = "",
    **where: Any,
) -> dict[int, float]:
    """Return one number a seed, pooled over the pictures of a set; networks that ran away or diverged are left out."""
    nets = Nets(arm, task, branch, tuple(where.items()))
    counted = [entry for entry in entries(record, nets) if left_out(entry, branch) is None]
    return {
        entry["seed"]: pooled(images(record, entry, nets, column, testset), pool)
        for entry in sorted(counted, key=lambda entry: entry["seed"])
    }


def compared(one: float, other: float, how: str) -> float:
    r"""Return what one number has over another.

    "difference" is a - b, "percent" is 100 (a / b - 1), and "dB" is :math:`10 \log_{10}(b / a)`: of errors, and so
    positive where the first has less of it.
    """
    _validate.option("how", how, HOWS)
    if how == "difference":
        return one - other
    return 100 * (one / other - 1) if how == "percent" else 10 * math.log10(other / one)


def paired(
    record: Record,
    nets: Nets,
    base: Nets,
    column: str,
    testset: str = "test",
    *,
    how: str = "difference",
    pool: str = "mean",
) -> Paired:
    """Compare two sets of networks, each seed with itself.

    Raises
    ------
    Missing
        If the record has no runs of one of them.
    ValueError
        If a table is missing or damaged, or an option is unknown.
    """
    here, there = ({entry["seed"]: entry for entry in entries(record, which)} for which in (nets, base))
    if base.arm == INPUT:
        there = dict.fromkeys(here, next(iter(there.values())))
    values: dict[int, float] = {}
    notes: list[str] = []
    for seed in sorted(here.keys() & there.keys()):
        pair = ((here[seed], nets), (there[seed], base))
        faults = [f"{entry['job']} {why}" for entry, which in pair if (why := left_out(entry, which.branch))]
        if faults:
            notes.extend(faults)
            continue
        one, other = (images(record, entry, which, column, testset) for entry, which in pair)
        both = np.isfinite(one) & np.isfinite(other)
        if not both.any():
            notes.append(f"{column} is not defined on any picture of {here[seed]['job']}@{testset}")
            continue
        values[seed] = compared(pooled(one[both], pool), pooled(other[both], pool), how)
    alone = sorted(here.keys() ^ there.keys())
    if alone:
        notes.append(f"without a partner: seeds {', '.join(map(str, alone))} of {nets.arm} or {base.arm}")
    return Paired(values, tuple(notes))
