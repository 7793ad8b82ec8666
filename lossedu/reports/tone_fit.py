"""What chapter 7 shows of one channel and its tone curve: gradients by pixel, errors of fits, and steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from .. import _validate
from ..data import srgb_encode
from ..experiments.tone_gradients import KINDS, LEVELS, READINGS
from ..figures import chart, loss_style
from ..figures.style import FAINT
from ..ledger.claims_transport import A_TENTH, BLACK, ONE_BIN, OTHERS
from ..records import Record
from .wording import NOTHING, estimate, markdown_table, number, with_half

#: Arm of a fit -> what it is called.
KERNELS = {
    "printed": "as printed",
    "plain": "plain, clipped",
    "mirror": "mirrored",
    "linear": "linear",
    "sort": "sorted",
    "l2": "ℓ2",
}

#: Condition -> what it is called, in the order of the table.
CONDITIONS = {
    "dark": "nothing cut to black, no lift",
    "dark_lift": "nothing cut to black, lift",
    "black": "a fifth black, no lift",
    "black_lift": "a fifth black, lift",
    **{name: words for name, words in {**BLACK, **OTHERS}.items() if name not in ("black", "black_lift", "dark_lift")},
    "coded_lift": "a fifth black, lift free, stored in 8 bits",
}

#: What is compared -> what it is called, and whose colour it has.
COMPARED = {
    "cdf": ("cumulative, ℓ1", "histogram_emd"),
    "bins_l1": ("bins, ℓ1", "l1"),
    "bins_l2": ("bins, ℓ2", "l2"),
}

#: Start -> what it is called.
FROM = {"far": "far", "near": "near", "apart": "far, histograms apart"}


def run_of(record: Record, task: str, arm: str) -> dict[str, Any]:
    """Return the entry of one arm of a task; ValueError where the record has none."""
    for run in record.runs:
        if (run["task"], run["arm"], run["seed"]) == (task, arm, 0):
            return run
    raise ValueError(f"record {record.name} has no runs of task {task}, arm {arm}")


def column(record: Record, task: str, arm: str, name: str) -> np.ndarray:
    """Return one number a photograph, float64."""
    run = run_of(record, task, arm)
    _validate.option("name", name, run["columns"])
    return record.scores[f"{run['job']}@test"][:, run["columns"].index(name)].astype(np.float64)


def gradient_table(record: Record) -> str:
    """Return as Markdown the gradient by reading of the bandwidth: in the unit of the printed loss, times the pixels.

    Means over photographs; the largest of any photograph.
    """
    head = ["kernel, W / L"]
    for kind in KINDS:
        head += [f"{kind}: {what}" for what in (*(f"> {level:g}" for level in LEVELS), "mean", "largest", "rms")]
    rows = []
    for reading in READINGS:
        cells = [reading.replace("_plain", ", no mirror")]
        for kind in KINDS:
            shares = [column(record, "gradient", reading, f"{kind} above {level:g}").mean() for level in LEVELS]
            mean, top, rms = (column(record, "gradient", reading, f"{kind} {what}") for what in ("mean", "max", "rms"))
            cells += [f"{number(100 * float(share), 1)} %" for share in shares]
            cells += [number(float(mean.mean()), 0), f"{float(top.max()):,.0f}", f"{float(rms.mean()):,.0f}"]
        rows.append(cells)
    count = len(record.settings["pictures_of"]["fits"])
    return markdown_table(head, rows) + f"\n\nMeans over {count} photographs; the largest of all of their pixels."


def fit_table(record: Record) -> str:
    """Return as Markdown the mean error of fitted pictures, in steps of 8 bits, by condition and kernel."""
    rows = []
    for task, words in CONDITIONS.items():
        cells = []
        for arm in KERNELS:
            there = arm in record.settings["conditions"][task]["arms"]
            cells.append(with_half(estimate(column(record, task, arm, "error").tolist()), 2) if there else NOTHING)
        rows.append([words, *cells])
    count = len(record.settings["pictures_of"]["fits"])
    note = f"Steps of 8 bits, means over {count} photographs ± half of the 95 % interval."
    return markdown_table(["condition", *KERNELS.values()], rows) + "\n\n" + note


def draw_curves(record: Record, task: str = "black_lift") -> Figure:
    """Draw the fitted curves of all photographs, plain kernel to the left and mirrored to the right, over the truth."""
    figure, axes = chart(2, height=360, sharey=True)
    settings = record.settings["conditions"][task]
    # No pixel is lighter than white under the light of the condition.
    x, truth = np.linspace(0, _code(settings["light"]), 201), settings["truth"]
    color = loss_style("histogram_emd")["color"]
    for ax, arm in zip(axes, ("plain", "mirror"), strict=True):
        columns = (column(record, task, arm, name) for name in ("gamma", "gain", "lift"))
        for gamma, gain, lift in zip(*columns, strict=True):
            ax.plot(x, (lift + gain * x**gamma).clip(0, 1), color=color, linewidth=1, alpha=0.5)
        ax.plot(x, x**truth, color=FAINT, linestyle="--", label="truth")
        ax.set(xlabel="input", title=KERNELS[arm])
    axes[0].set(ylabel="output")
    axes[0].legend(loc="lower right")
    return figure


def _code(light: float) -> float:
    """Return the stored value of a share of white light."""
    return float(srgb_encode(torch.full((1, 1, 1, 1), light, dtype=torch.float64)))


def steps_table(record: Record) -> str:
    """Return as Markdown the steps until a tenth of the first distance is left, and one bin: medians over photographs.

    In brackets, how many photographs did not get there; they count with all the steps that they had.
    """
    rows = []
    budget = record.settings["steps"]
    for task, where in FROM.items():
        for loss, (words, _) in COMPARED.items():
            cells = []
            for kernel in ("logistic", "linear"):
                arm = f"{loss}_{kernel}"
                for name in (A_TENTH, ONE_BIN):
                    found = column(record, task, arm, name)
                    late = int((found >= budget).sum())
                    cells.append(f"{np.median(found):.0f}" + (f" ({late})" if late else ""))
                cells.append(f"{run_of(record, task, arm)['lr']:g}")
            rows.append([where, words, *cells])
    head = [f"{kernel}: {what}" for kernel in ("logistic", "linear") for what in ("a tenth", "one bin", "step size")]
    count = len(record.settings["pictures_of"]["steps"])
    note = f"Medians over {count} photographs, of at most {budget} steps; in brackets, how many of them did not arrive."
    return markdown_table(["start", "compared", *head], rows) + "\n\n" + note
