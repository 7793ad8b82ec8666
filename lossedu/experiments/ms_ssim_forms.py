r"""MS-SSIM over a pyramid against the sigma trick of Zhao et al. (2017, section 3.3): same order, and faster?

The trick replaces Wang's pyramid by windows of five widths on the full picture.  It differs from the pyramid in three
ways at once: exponents (all 1, not those of Wang), scales (:math:`\sigma` from 0.5 on, not 1.5), and the product is
taken pixel by pixel.  The task ``rank`` asks whether both put damaged pictures in the same order; its arms, each
compared with the pyramid of Wang, take the differences apart:

=====================  ===============================================================================================
ms_ssim                the trick as the paper has it: one window a patch of 31 x 31; the mean over patches
ms_ssim_dense          the trick on the whole picture, a window at every pixel
ms_ssim_dense_wide     the same with the pyramid's scales, 1.5 to 24
ms_ssim_pyramid_1      the pyramid with exponents 1: nothing else differs
ssim, psnr             how much agreement there is between indices that nobody takes for each other
=====================  ===============================================================================================

Strengths of one kind of damage are put in order by any index.  So beside Spearman's :math:`\rho` and Kendall's
:math:`\tau` over all damage, `across` is :math:`\tau` over pairs of different kinds, and `close` that over those of
them that PSNR cannot tell apart (less than 1 dB).  The tasks of `loss_speed` ask for the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from .. import WANG_2003, _validate, data, ms_ssim, ms_ssim_sigma, ssim
from ..metrics import psnr
from ..statistics import t_interval
from ..sweeps import Job, Place
from . import distortions, loss_speed, tasks
from .ranks import Array, kendall, spearman

NAME = "ms_ssim_forms"

TASKS = ("rank", *loss_speed.TASKS)

#: Columns of the table of pictures.
COLUMNS = ("spearman", "kendall", "across", "close")

#: Decibels below which two damaged pictures are equally good to PSNR.
CLOSE = 1.0

#: Smallest side for five levels of the pyramid, and side and stride of the patches.
SMALLEST, PATCH, STRIDE = 161, 31, 15

#: The scales of the pyramid, as widths of windows on the full picture.
WIDE = (1.5, 3.0, 6.0, 12.0, 24.0)

Index = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Scale:
    """Which pictures ("embedded", or a pack of `data.photo_sets`), strengths of damage, repeats and filters, seeds."""

    photographs: str
    strengths: int
    repeats: int
    width: int
    seeds: int


SCALES = {
    "smoke": Scale("rocket", strengths=2, repeats=3, width=4, seeds=1),
    "quick": Scale("embedded", strengths=5, repeats=7, width=16, seeds=2),
    "cpu": Scale("bsds500", strengths=5, repeats=31, width=64, seeds=3),
    "full": Scale("bsds500", strengths=5, repeats=31, width=64, seeds=5),
}


def patches(x: Tensor) -> Tensor:
    """Return overlapping patches of 31 x 31 of every picture of a batch, (N * patches, C, 31, 31)."""
    cut = x.unfold(2, PATCH, STRIDE).unfold(3, PATCH, STRIDE)
    return cut.permute(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1], PATCH, PATCH)


def _by_patches(x: Tensor, y: Tensor) -> Tensor:
    values = ms_ssim_sigma(patches(x), patches(y), form="patch", reduction="none")
    return values.view(len(x), -1).mean(dim=1)


REFERENCE: Index = partial(ms_ssim, reduction="none")

#: Arm -> index of every picture of a batch, (N,); the pyramid of Wang is what they are compared with.
INDICES: Mapping[str, Index] = {
    "ms_ssim": _by_patches,
    "ms_ssim_dense": partial(ms_ssim_sigma, reduction="none"),
    "ms_ssim_dense_wide": partial(ms_ssim_sigma, sigmas=WIDE, padding="reflect", reduction="none"),
    "ms_ssim_pyramid_1": partial(ms_ssim, weights=(1.0,) * len(WANG_2003), reduction="none"),
    "ssim": partial(ssim, reduction="none"),
    "psnr": partial(psnr, reduction="none"),
}

#: Every arm of a task.
ARMS = tuple(dict.fromkeys([*INDICES, *(arm for arms in loss_speed.TASKS.values() for arm in arms)]))


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return a job for each arm and seed of the ranking, and for each contest of speed, seed by seed."""
    _validate.option("scale", scale, SCALES)
    sizes = asdict(SCALES[scale])
    trials = range(sizes.pop("seeds") if seeds is None else seeds)
    pairs = [("rank", arm) for arm in INDICES]
    pairs += [(task, arm) for task, contests in loss_speed.TASKS.items() for arm in contests]
    return [
        Job(
            f"lossedu.experiments.{NAME}",
            f"{task}-{arm}-{seed}",
            {"task": task, "arm": arm, "seed": seed, **sizes},
        )
        for seed in trials
        for task, arm in pairs
        if (not tasks or task in tasks) and (not arms or arm in arms)
    ]


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Compare one arm with the pyramid: in the order of damaged pictures, or in time."""
    options = job.options
    entry = {key: options[key] for key in ("task", "arm", "seed")}
    if options["task"] != "rank":
        speed = loss_speed.compare(
            options["task"],
            options["arm"],
            repeats=options["repeats"],
            width=options["width"],
            seed=options["seed"],
            device=place.device,
        )
        return {**entry, **speed}, {}
    found, scores = rank(options["arm"], pictures(options["photographs"]), options, place)
    return {**entry, **found}, {"test": scores}


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of the ranking's tables and the names of the pictures."""
    return {"columns": list(COLUMNS), "sets": {"test": [name for name, _ in pictures(options["photographs"])]}}


def pictures(photographs: str) -> Iterator[tuple[str, Tensor]]:
    """Yield the name and the pixels of each picture, mirrored by some pixels where a side is short of 161."""
    if photographs in ("embedded", "rocket"):
        names = ("rocket", "astronaut", "chelsea", "coffee") if photographs == "embedded" else ("rocket",)
        found = ((name, data.downsample2(data.photograph(name))) for name in names)
    else:
        test = tasks.photographs(photographs)["test"]
        found = ((name, test.picture(number)) for number, name in enumerate(test.names))
    for name, picture in found:
        short = [max(0, SMALLEST - side) for side in picture.shape[2:]]
        yield name, F.pad(picture, (0, short[1], 0, short[0]), mode="reflect")


def rank(
    arm: str, photographs: Iterator[tuple[str, Tensor]], options: Mapping[str, Any], place: Place
) -> tuple[dict[str, Any], Array]:
    """Return how far an index agrees with the pyramid, over pictures and in all; and the table of `COLUMNS`."""
    _validate.option("arm", arm, INDICES)
    kinds = np.array(distortions.names(options["strengths"]))
    ours: list[Array] = []
    reference: list[Array] = []
    decibels: list[Array] = []
    for name, picture in photographs:
        seed = data.derive_seed(options["seed"], NAME, name)
        x = distortions.damaged(picture, strengths=options["strengths"], seed=seed).to(place.device)
        y = picture.to(x).expand_as(x)
        for index, values in ((INDICES[arm], ours), (REFERENCE, reference), (INDICES["psnr"], decibels)):
            values.append(index(x, y).double().cpu().numpy())
    table = np.array([agreement(*row, kinds) for row in zip(ours, reference, decibels, strict=True)])
    found: dict[str, Any] = {}
    for column, values in zip(COLUMNS, table.T, strict=True):
        known = values[np.isfinite(values)]
        found[column] = float(known.mean()) if len(known) else None
        found[f"{column}_interval"] = list(t_interval(known)[1:]) if len(known) > 1 else None
    a, b = np.concatenate(ours), np.concatenate(reference)
    found |= {"pooled_spearman": spearman(a, b), "pooled_kendall": kendall(a, b)}
    found["kinds"] = {
        kind: _mean([spearman(x[kinds == kind], y[kinds == kind]) for x, y in zip(ours, reference, strict=True)])
        for kind in distortions.KINDS
    }
    return found, table.astype(np.float32)


def agreement(ours: Array, reference: Array, decibels: Array, kinds: Array) -> list[float]:
    """Return Spearman's and Kendall's correlation, that across kinds, and that across kinds at nearly equal PSNR."""
    across = kinds[:, None] != kinds
    close = across & (np.abs(decibels[:, None] - decibels) < CLOSE)
    pairs = (None, across, close)
    return [spearman(ours, reference), *(kendall(ours, reference, counted) for counted in pairs)]


def _mean(values: list[float]) -> float | None:
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else None
