r"""Who steers where training has come to rest?  The shares of Mix's two terms in the gradient of ever more crops.

Where a network minimises the mean of :math:`\alpha\,\mathcal L_1 + (1-\alpha)\,\mathcal L_2`, the mean gradients of
the two terms are opposite and equal: each has half.  What one batch shows is another thing, for most of its gradient
cancels over the next ones.  Here the gradients of more and more batches are added up, for a network that was trained
with Mix, and as a control for one that was not.  No training: the networks are those that the record of Table 1 keeps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from .. import MIX_ALPHA, _validate
from ..records import load
from ..sweeps import Job, Place
from . import arms as losses
from . import keepsakes, trial
from .tasks import Network

NAME = "at_rest"

TASKS = ("dd",)

#: The loss that the network was trained with: Mix, and the control.
ARMS = ("mix", "l1")

#: The record that keeps the networks.
NETWORKS = "table1-cpu"

#: Crops are drawn anew, with seeds that no training had.
FRESH = 1000


@dataclass(frozen=True)
class Size:
    """Photographs, batches to add up, crops in a batch, and draws of them."""

    photographs: str
    batches: int
    batch: int = 16
    seeds: int = 3


SCALES: Mapping[str, Size] = {
    "smoke": Size("embedded", 4, 4, 1),
    "cpu": Size("bsds500", 2048),
    "full": Size("bsds500", 16384, seeds=5),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each network and draw."""
    _validate.option("scale", scale, SCALES)
    size = SCALES[scale]
    result = []
    for arm in arms or ARMS:
        for seed in range(seeds or size.seeds):
            options = {"task": "dd", "arm": arm, "seed": seed, **asdict(size)}
            del options["seeds"]
            result.append(Job("lossedu.experiments.at_rest", f"{arm}-{seed}", options))
    return result


def shares(one: Tensor, two: Tensor, alpha: float) -> tuple[float, float]:
    """Return the share of the first of two gradients, by their 2-norms, and the cosine between them."""
    first, second = alpha * float(one.norm()), (1 - alpha) * float(two.norm())
    return first / (first + second), float(one @ two) * alpha * (1 - alpha) / (first * second)


def corrected(halves: Sequence[tuple[Tensor, Tensor]], alpha: float) -> tuple[float, float]:
    """Return share and cosine of the mean gradients, from two independent halves: noise does not add to a product.

    NaN where a product that estimates a square is not above 0.
    """
    (a, b), (c, d) = halves
    squares = float(a @ c), float(b @ d)
    if min(squares) <= 0:
        return math.nan, math.nan
    first, second = alpha * math.sqrt(squares[0]), (1 - alpha) * math.sqrt(squares[1])
    cosine = float(a @ d + b @ c) / 2 / math.sqrt(squares[0] * squares[1])
    return first / (first + second), cosine


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, Any]]:
    """Add up gradients of one network; `course` has crops, share, cosine, and the mean share of single batches."""
    options, alpha = job.options, MIX_ALPHA["paper"]
    kept = load(NETWORKS)
    network = keepsakes.network(kept, options["arm"], options["task"]).to(torch.device(place.device))
    seen = {**{key: options[key] for key in ("task", "photographs", "batch")}, "out": kept.settings["out"]}
    batch_at = trial.batches(seen | {"seed": FRESH + options["seed"]}, place.device)
    total, alone, course = [torch.zeros(0)] * 2, 0.0, []
    before: list[Tensor] = []
    for step in range(options["batches"]):
        found = _gradients(network, *batch_at(step))
        alone += shares(found[0], found[1], alpha)[0]
        total = [a + b for a, b in zip(total, found, strict=True)] if step else found
        count = step + 1
        if 2 * count == options["batches"]:
            before = [gradient / count for gradient in total]
        if count & (count - 1) == 0 or count == options["batches"]:
            share, cosine = shares(total[0] / count, total[1] / count, alpha)
            course.append([count * options["batch"], round(share, 4), round(cosine, 4), round(alone / count, 4)])
    after = [2 * gradient / options["batches"] - first for gradient, first in zip(total, before, strict=True)]
    rest = corrected([(before[0], before[1]), (after[0], after[1])], alpha)
    entry = {key: options[key] for key in ("task", "arm", "seed")}
    return entry | {"course": course, "rest": [round(value, 4) for value in rest]}, {}


def _gradients(network: Network, damaged: Tensor, clean: Tensor) -> list[Tensor]:
    """Return the gradients of MS-SSIM and of the weighted absolute error in the parameters, in double precision."""
    parameters, output = list(network.parameters()), network(damaged)
    result = []
    for name in ("ms_ssim", "mix_0"):
        found = torch.autograd.grad(losses.loss(name)(output, clean), parameters, retain_graph=True)
        result.append(torch.cat([gradient.reshape(-1).double().cpu() for gradient in found]))
    return result
