"""The claims on histogram losses that one channel and its tone curve decide: experiment `tone_fit`.

M5 is judged by the error of the fitted picture, in steps of 8 bits: gamma alone says little where a channel has few
levels, for a lift and a gain may make up for it.  M7 is judged by doublings of the number of steps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..records import Record
from .claim import Claim, Evidence, beside, gathered
from .evidence import Missing, Paired
from .parts import Part

#: A picture that is off by less than one step of 8 bits, on average, is stored as almost the same file.
ONE_STEP = 1.0

#: A quarter more steps: less is not worth another loss.
A_QUARTER = math.log2(1.25)

#: Unit -> smallest difference of interest.
UNITS: Mapping[str, float] = {"steps of 8 bits": ONE_STEP, "doublings": A_QUARTER}

#: Condition -> what it is called.  In the first two, M5 must hold; they give the curve a lift and have black pixels.
BLACK: Mapping[str, str] = {
    "black_lift": "a fifth of the pixels black, lift free",
    "coded_lift": "the same, stored in 8 bits",
}

#: Conditions that are told beside them.
OTHERS: Mapping[str, str] = {
    "black": "a fifth black, no lift",
    "black_guard": "a fifth black, no lift, pixels raised to 0.001 before the power",
    "dark_lift": "dark, nothing cut to black, lift free",
    "few_lift": "a twentieth black, lift free",
    "many_lift": "two fifths black, lift free",
    "night_lift": "a fiftieth of the light in 8 bits, lift free",
    "bright_lift": "not darkened, a fifth black, lift free",
    "darker_lift": "a fifth black, lift free, true gamma above 1",
    "slow_lift": "a fifth black, lift free, a third of the step size for three times as long",
    "wide_lift": "a fifth black, lift free, a bandwidth of 0.01 of the range",
}

#: Columns: steps until the exact distance stays within a tenth of the first, and within one bin.
A_TENTH, ONE_BIN = "steps to a tenth", "steps to one bin"

#: Start -> what it is called; M7 must hold from both.
STARTS: Mapping[str, str] = {"far": "far start", "near": "near start"}

#: Loss -> what it is called.
BIN_WISE: Mapping[str, str] = {"bins_l1": "l1 of the bins", "bins_l2": "l2 of the bins"}


@dataclass(frozen=True)
class Measured(Claim):
    """A claim whose unit has its margin here."""

    @property
    def margin(self) -> float:
        """The smallest difference of interest, in the unit of the endpoint."""
        return UNITS[self.unit]


def m5(record: Record) -> Evidence:
    """Judge the plain logistic kernel against the one with mirror terms, by the error of the picture it was fitted to.

    Where the curve has a lift, so that black pixels of the output may leave the level of those of the target; in both,
    a fifth of the pixels is black.  What other conditions do stands beside.
    """
    pairs = []
    for task, words in BLACK.items():
        found = _excess(record, task)
        name = f"mean error of the picture, plain over mirrored kernel, {words}"
        pairs.append((_part(name, found, "steps of 8 bits"), found))
    errors = [_column(record, "black_lift", arm, "error") for arm in ("plain", "mirror")]
    gammas = [_column(record, "black_lift", arm, "gamma") for arm in ("plain", "mirror")]
    wrong, spread = int((errors[0] > ONE_STEP).sum()), [f"{g.min():.2f} to {g.max():.2f}" for g in gammas]
    notes = [
        f"plain, mean error {errors[0].mean():.3g} steps (mirrored {errors[1].mean():.3g}), above one step for {wrong} "
        f"of {len(errors[0])} photographs; gamma from {spread[0]} (mirrored {spread[1]}), true {_truth(record):g}"
    ]
    for task, words in OTHERS.items():
        notes += beside(words, "steps of 8 bits", partial(_excess, record, task))
    return gathered(*pairs, notes=tuple(notes))


def _truth(record: Record) -> float:
    return float(record.settings["conditions"]["black_lift"]["truth"])


def _excess(record: Record, task: str) -> Paired:
    """Return by how many steps of 8 bits the error with the plain kernel is above that with mirror terms."""
    plain, mirror = (_column(record, task, arm, "error") for arm in ("plain", "mirror"))
    return Paired(dict(enumerate((plain - mirror).tolist())), ())


def m7(record: Record) -> Evidence:
    """Judge the l1 of cumulative histograms against l1 and l2 of the bins, by steps to a tenth of the first distance.

    The distance is exact and must stay within that tenth; the histograms are those of the mirrored logistic kernel, the
    optimiser is Adam at the step size that was tuned for each loss and start.  From both starts the cumulative loss
    must need fewer steps than both others.  Fits that do not get there count with all the steps they had, which favours
    their loss.
    """
    pairs, notes = [], []
    for task, where in STARTS.items():
        for arm, words in BIN_WISE.items():
            found = _longer(record, task, arm)
            pairs.append((_part(f"steps of {words} over those of cumulative l1, {where}", found, "doublings"), found))
        notes.append(f"steps, {where}: {_counts(record, task)}")
    for arm, words in BIN_WISE.items():
        for task, where in STARTS.items():
            named = f"{words}, {where}"
            notes += beside(f"{named}, to within one bin", "doublings", partial(_longer, record, task, arm, ONE_BIN))
            linear = partial(_longer, record, task, arm, kernel="linear")
            notes += beside(f"{named}, linear kernel", "doublings", linear)
        notes += beside(f"{words}, histograms that lie apart", "doublings", partial(_longer, record, "apart", arm))
    return gathered(*pairs, notes=tuple(notes))


def _longer(record: Record, task: str, arm: str, column: str = A_TENTH, kernel: str = "logistic") -> Paired:
    """Return how many times the number of steps of the cumulative loss must be doubled to be that of another."""
    theirs, ours = (np.maximum(_column(record, task, f"{one}_{kernel}", column), 1.0) for one in (arm, "cdf"))
    return Paired(dict(enumerate(np.log2(theirs / ours).tolist())), ())


def _counts(record: Record, task: str) -> str:
    """Return the median steps of each loss, its step size, and how many fits did not get there."""
    parts = []
    for arm, words in {"cdf": "cumulative l1", **BIN_WISE}.items():
        run = _run(record, task, f"{arm}_logistic")
        median = float(np.median(_column(record, task, f"{arm}_logistic", A_TENTH)))
        late = f", {run['missed']} never there" if run["missed"] else ""
        parts.append(f"{words} {median:g} (median, step size {run['lr']:g}{late})")
    return "; ".join(parts)


def _part(name: str, found: Paired, unit: str) -> Part:
    return Part(name, tuple(found.values.values()), unit, UNITS[unit], of="photographs")


def _run(record: Record, task: str, arm: str) -> dict[str, Any]:
    for run in record.runs:
        if (run.get("task"), run.get("arm"), run.get("seed")) == (task, arm, 0):
            return run
    raise Missing(f"record {record.name} has no runs of task {task}, arm {arm}")


def _column(record: Record, task: str, arm: str, column: str) -> np.ndarray:
    """Return one number a photograph, float64."""
    run = _run(record, task, arm)
    table = record.scores.get(f"{run['job']}@test")
    if table is None or column not in run.get("columns", ()):
        raise ValueError(f"record {record.name} has no {column!r} of job {run['job']}")
    return table[:, run["columns"].index(column)].astype(np.float64)


CLAIMS = (
    Measured(
        "M5",
        "our inference",
        "A soft histogram without the mirrored terms at its ends makes dark pictures come out wrong.",
        "tone_fit",
        "mean error of a picture with black pixels, curve with a lift, plain over mirrored kernel",
        "steps of 8 bits",
        m5,
    ),
    Measured(
        "M7",
        "Mustafa et al., 2022",
        "Comparing cumulative histograms converges faster than comparing them bin by bin.",
        "tone_fit",
        "steps until a tenth of the first distance is left, bins over cumulative, l1 and l2, far and near start",
        "doublings",
        m7,
    ),
)
