"""The claims of Zhao et al. (2017) on the window of SSIM: its size, noise and bias under it, several sizes at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..records import Record
from .claim import Claim, Evidence, beside, gathered, part
from .evidence import Missing, Nets, Paired, entries, images, paired


def z13(record: Record) -> Evidence:
    """Judge both halves: a small window leaves more of 4 to 16 px in flat regions, a wide one more beside edges.

    Beside is 3 to 10 px off strong edges, on quiet pixels.
    """

    def residual(one: str, other: str, column: str) -> Paired:
        return paired(record, Nets(one, "dd"), Nets(other, "dd"), column, how="percent", pool="rms")

    flat, ring = residual("ssim_1", "ssim_9", "flat_middle"), residual("ssim_9", "ssim_1", "ring")
    return gathered(
        (part("residual in flat regions, 4 to 16 px, SSIM_1 over SSIM_9", flat, "%"), flat),
        (part("residual 3 to 10 px off edges, SSIM_9 over SSIM_1", ring, "%"), ring),
    )


def z14(record: Record) -> Evidence:
    """Judge SSIM of a noisy step 8 to 16 px off it, wide window over small, beyond what they do on flat ground.

    Experiment `figure9`: runs of task "step", arms "ssim_1" and "ssim_9", one a draw, with the means `near_2d` and
    `far_2d`.  In two dimensions, as pictures have: in one, the gap on flat ground is owed to the few pixels there.
    """
    runs = _by_seed(record, "step", "ssim_9"), _by_seed(record, "step", "ssim_1")

    def gain(run: Mapping[str, Any]) -> float:
        return float(run["near_2d"]) - float(run["far_2d"])

    values = {seed: gain(runs[0][seed]) - gain(runs[1][seed]) for seed in sorted(runs[0].keys() & runs[1].keys())}
    found = Paired(values, ())
    name = "SSIM of a noisy step, 8 to 16 px off it, less that on flat ground, sigma 9 over sigma 1"
    return gathered((part(name, found, "SSIM near an edge", of="draws"), found))


def z15(record: Record) -> Evidence:
    """Judge what the same bias costs on dark and on bright ground: how much more in the dark.

    Experiment `figure9`: runs of task "bias", one a pair of levels, with `ratio`.  Nothing is drawn: every pair must
    show it, and the interval is from the least to the largest.  In dB, for the ratios spread over a decade.
    """
    runs = [run for run in record.runs if run.get("task") == "bias"]
    if not runs:
        raise Missing(f"record {record.name} has no runs of task bias")
    found = Paired({place: 10 * math.log10(run["ratio"]) for place, run in enumerate(runs)}, ())
    name = "cost of a bias on the dark side of a step over that on the bright side"
    return gathered((part(name, found, "dB", of="pairs of levels", exact=True), found))


def _by_seed(record: Record, task: str, arm: str) -> dict[int, dict[str, Any]]:
    found = {run["seed"]: run for run in record.runs if (run.get("task"), run.get("arm")) == (task, arm)}
    if not found:
        raise Missing(f"record {record.name} has no runs of task {task}, arm {arm}")
    return found


def z17(record: Record) -> Evidence:
    """Judge the windows at full resolution against the pyramid: do they rank damaged pictures alike, and faster?

    Experiment `ms_ssim_forms`: arm "ms_ssim", the trick as the paper has it.  Runs of task "rank" have Spearman's
    correlation with the pyramid for each picture, over its damages: the interval is over pictures, each the mean of its
    seeds.  Runs of task "patches_64" have `ratio`, the time of value and gradient for a pixel over the pyramid's.
    """
    nets = Nets("ms_ssim", "rank")
    table = [images(record, run, nets, "spearman") for run in entries(record, nets)]
    known = [values[np.isfinite(values)] for values in np.stack(table, axis=1)]
    ranks = Paired({k: float(own.mean()) - 0.9 for k, own in enumerate(known) if own.size}, ())

    def time(task: str) -> Paired:
        return Paired({seed: 100 * (run["ratio"] - 1) for seed, run in _by_seed(record, task, "ms_ssim").items()}, ())

    spent = time("patches_64")
    return gathered(
        (part("rank correlation of both forms, less 0.9", ranks, "rank correlation", of="pictures"), ranks),
        (part("time of the sigma form over that of the pyramid", spent, "%", claimed=-1), spent),
        notes=beside("the same for a whole step of training", "%", lambda: time("step_64")),
    )


ZHAO = "Zhao et al., 2017"

CLAIMS = (
    Claim(
        "Z13",
        f"{ZHAO}, section 5.2",
        "A small window is good at edges and splotchy in flat regions, a large one the reverse.",
        "sigma_sensitivity",
        "residual in flat regions, SSIM_1 over SSIM_9, and beside edges, SSIM_9 over SSIM_1",
        "%",
        z13,
    ),
    Claim(
        "Z14",
        f"{ZHAO}, Figure 9",
        "Near an edge, SSIM with a larger window tolerates more noise.",
        "figure9",
        "SSIM of a noisy step beside it, less that on flat ground, sigma 9 over sigma 1",
        "SSIM near an edge",
        z14,
        matched=True,
    ),
    Claim(
        "Z15",
        f"{ZHAO}, Figure 9",
        "SSIM is less sensitive to a bias where the picture is bright.",
        "figure9",
        "cost of a bias on dark ground over that on bright ground",
        "dB",
        z15,
        matched=True,
    ),
    Claim(
        "Z17",
        f"{ZHAO}, section 3.3",
        "Windows of several sizes at full resolution approximate MS-SSIM, and are faster.",
        "ms_ssim_forms",
        "rank correlation with the pyramid, over 0.9, and time",
        "rank correlation",
        z17,
    ),
)
