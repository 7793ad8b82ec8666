"""What noise in the target does to networks trained with l2 and with l1: measured, and predicted."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from ..experiments.noisy_targets import ARMS, LEVELS, expected
from ..figures import chart, loss_style
from ..figures.style import FAINT
from ..ledger.evidence import Nets, entries, left_out, paired, seed_values
from ..records import Record
from . import wording
from .wording import estimate, label, number, with_half

#: Kind of target -> how it is called, in the order of the panels.
TITLES = {
    "even": "even noise",
    "skewed": "skewed noise",
    "clipped": "even noise, clipped",
}

#: Middles of the bins of grey level.
MIDDLES = tuple((k + 0.5) / LEVELS for k in range(LEVELS))

#: Ranges of grey level that the table tells, as numbers of bins: first, and last plus one.
RANGES = {"black (below 0.1)": (0, 2), "middle (0.4 to 0.6)": (8, 12), "white (above 0.9)": (18, 20)}


def kinds(record: Record) -> list[str]:
    """Return the kinds of target that a record has runs of, but for the clean ones, in the order of the panels."""
    there = {run["task"] for run in record.runs}
    return [target for target in TITLES if target in there]


def errors(record: Record, target: str, arm: str) -> dict[int, np.ndarray]:
    """Return by seed the mean error and the pixels of each level: (levels, 2); without networks that ran away."""
    runs = entries(record, Nets(arm, target))
    return {
        run["seed"]: record.scores[f"{run['job']}@levels"].astype(np.float64) for run in runs if left_out(run) is None
    }


def shifts(record: Record, target: str, arm: str) -> dict[int, np.ndarray]:
    """Return by seed and level by how much the output lies above that of the network with clean targets.

    The twin has the same first weights, crops and input.  Its own error is no bias: it is right on average for what
    it sees, and not for every true level.
    """
    noisy, clean = errors(record, target, arm), errors(record, "clean", arm)
    return {seed: noisy[seed][:, 0] - clean[seed][:, 0] for seed in noisy if seed in clean}


def predicted(target: str, arm: str) -> list[float]:
    """Return by level by how much the mean (l2) or the median (l1) of a target exceeds a known clean level."""
    return [expected(target, arm, level) for level in MIDDLES]


def overall(record: Record, target: str, arm: str) -> list[float]:
    """Return one number a seed: the mean error over all pixels."""
    tables = errors(record, target, arm).values()
    return [float(np.nansum(table[:, 0] * table[:, 1]) / table[:, 1].sum()) for table in tables]


def draw_shifts(record: Record) -> Figure:
    """Draw the shift by level, one panel a kind of target: lines are predicted, dots the mean of the networks.

    Bars are the range of the seeds.
    """
    figure, axes = chart(len(kinds(record)), height=330, sharey=True)
    for ax, target in zip(axes, kinds(record), strict=True):
        for arm in ARMS:
            style = loss_style(arm)
            found = np.array(list(shifts(record, target, arm).values()))
            ax.plot(MIDDLES, predicted(target, arm), color=style["color"], linewidth=1.5)
            middle = found.mean(axis=0)
            reach = np.abs(np.stack([found.min(axis=0), found.max(axis=0)]) - middle)
            dots = {"fmt": style["marker"], "color": style["color"], "markersize": 5, "elinewidth": 1}
            ax.errorbar(MIDDLES, middle, yerr=reach, label=style["label"], **dots)
        ax.axhline(0, color=FAINT, linewidth=1, zorder=1)
        ax.set(title=TITLES[target], xlabel="clean grey level", xticks=(0, 0.5, 1))
    axes[0].set_ylabel("shift of the output")
    axes[0].legend(loc="lower left")
    wording.remark(figure, wording.unfinished(record))
    return figure


def shift_in(record: Record, target: str, arm: str, bins: tuple[int, int]) -> list[float]:
    """Return one number a seed: the shift over a range of levels, every pixel counting alike."""
    part = slice(*bins)
    weights = {seed: table[part, 1] for seed, table in errors(record, target, arm).items()}
    return [
        float((values[part] * weights[seed]).sum() / weights[seed].sum())
        for seed, values in shifts(record, target, arm).items()
    ]


def predicted_in(record: Record, target: str, arm: str, bins: tuple[int, int]) -> float:
    """Return what is predicted over a range of levels, every pixel of the test pictures counting alike."""
    pixels = next(iter(errors(record, target, arm).values()))[slice(*bins), 1]
    return float((np.array(predicted(target, arm)[slice(*bins)]) * pixels).sum() / pixels.sum())


def table(record: Record) -> str:
    """Return as Markdown the shift in three ranges of level beside the prediction, and the PSNR, by target and loss."""
    rows = []
    for target in kinds(record):
        for arm in ARMS:
            cells = []
            for bins in RANGES.values():
                found = with_half(estimate(shift_in(record, target, arm, bins)), 3, signed=True)
                promised = predicted_in(record, target, arm, bins)
                cells.append(f"{found} ({number(promised, 3, signed=True) if abs(promised) >= 5e-4 else '0'})")
            rows.append([f"{TITLES[target]}, {label(arm)}", *cells, psnr(record, target, arm)])
    for arm in ARMS:
        rows.append([f"clean, {label(arm)}", *["0"] * len(RANGES), psnr(record, "clean", arm)])
    note = (
        "Shift against the twin with clean targets, mean over seeds ± half of the 95 % interval; in brackets what mean "
        "or median of the target predict."
    )
    head = ["target, loss", *RANGES, "PSNR (dB)"]
    gone = wording.losses_left_out(record.runs) + wording.unfinished(record)
    return "\n\n".join([wording.markdown_table(head, rows), " ".join([note, *gone])])


def psnr(record: Record, target: str, arm: str) -> str:
    """Return the mean PSNR against clean pictures, with half of its interval."""
    values = [value for value in seed_values(record, target, arm, "psnr").values() if math.isfinite(value)]
    return with_half(estimate(values), 2)


def over(record: Record, one: tuple[str, str], base: tuple[str, str], *, pooled: bool = False) -> list[float]:
    """Return one number a seed: what one (target, loss) has over another in PSNR, or by the pooled error, in dB."""
    here, there = (Nets(arm, target) for target, arm in (one, base))
    found = paired(record, here, there, "mse", how="dB") if pooled else paired(record, here, there, "psnr")
    return list(found.values.values())


def effects(record: Record) -> str:
    """Return in two sentences what even noise costs each loss, and what l1 has over l2 with clean targets."""
    cost = [with_half(estimate(over(record, ("even", arm), ("clean", arm))), 2, signed=True) for arm in ARMS]
    pair = ("clean", "l1"), ("clean", "l2")
    lead = [with_half(estimate(over(record, *pair, pooled=pooled)), 2, signed=True) for pooled in (False, True)]
    costs = " and ".join(f"{value} dB with {label(arm)}" for value, arm in zip(cost, ARMS, strict=True))
    return (
        f"Seed by seed, the PSNR with even noise in the target against clean targets: {costs}. "
        f"With clean targets, {label('l1')} over {label('l2')}: {lead[0]} dB in mean PSNR, {lead[1]} dB by the pooled "
        "error (+: its error is smaller)."
    )
