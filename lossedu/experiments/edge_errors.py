r"""What is larger beside edges, noise or a tint?  The error of kept networks in a ring around edges, by its coarseness.

A network that shifts colours has a larger error everywhere, beside edges too.  What a blur of :math:`\sigma` = 8 leaves
of the error is called *coarse* here, the rest of it *rest*; *fine* has periods below 16 pixels.  Each is a root mean
square over the quiet pixels 3 to 10 pixels off strong edges (`appearance`).  Beside it, the mean square error of the
whole picture, and without its coarse part.  No training: the networks are those that the record of Table 1 keeps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch import Tensor

from .. import _validate
from ..filters import gaussian_blur
from ..records import load
from ..sweeps import Job, Place
from . import keepsakes
from .appearance import Reference
from .residuals import HALF
from .tasks import chosen, photographs, restore, test_pairs

NAME = "edge_errors"

TASKS = ("dd",)

#: The losses of the networks.
ARMS = ("l2", "l1", "ssim_5", "ms_ssim", "mix")

#: The record that keeps the networks: one of each loss.
NETWORKS = "table1-cpu"

COLUMNS = ("whole", "rest", "fine", "coarse", "mse", "mse_rest")

#: The blur that leaves the coarse part, and the longest period of the fine one, in pixels.
SIGMA, PERIOD = 8.0, 16.0


@dataclass(frozen=True)
class Size:
    """Photographs, and how many of the test split."""

    photographs: str
    pictures: int = 0


SCALES: Mapping[str, Size] = {"smoke": Size("embedded", 1), "quick": Size("embedded"), "cpu": Size("bsds500")}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each network; there is one of each loss, so that seeds make no difference."""
    _validate.option("scale", scale, SCALES)
    return [
        Job(f"lossedu.experiments.{NAME}", arm, {"task": "dd", "arm": arm, "seed": 0, **asdict(SCALES[scale])})
        for arm in arms or ARMS
    ]


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Measure the errors of one network: one row a picture."""
    options = job.options
    network = keepsakes.network(load(NETWORKS), options["arm"], options["task"])
    pairs = test_pairs(options["task"], photographs(options["photographs"]), "test", options["pictures"])
    rows = [measured(restore(network, damaged) - clean, clean) for _, damaged, clean in pairs]
    entry = {key: options[key] for key in ("task", "arm", "seed")}
    return entry | {"deterministic": True}, {"test": np.array(rows, dtype=np.float32)}


def measured(error: Tensor, clean: Tensor) -> list[float]:
    """Return `COLUMNS` of the error of a picture (1, 3, H, W); NaN beside edges where there are hardly any."""
    coarse = gaussian_blur(error, SIGMA)
    parts = (error, error - coarse, error - gaussian_blur(error, HALF * PERIOD), coarse)
    ring = Reference(clean).ring
    beside = [float("nan") if ring is None else _rms(part, ring) for part in parts]
    return [*beside, float(error.square().mean()), float((error - coarse).square().mean())]


def _rms(error: Tensor, mask: Tensor) -> float:
    return float(error[mask.expand_as(error)].square().mean().sqrt())


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the columns are, and which pictures were measured."""
    names = photographs(options["photographs"])["test"].names
    return {"columns": list(COLUMNS), "sets": {"test": [names[k] for k in chosen(len(names), options["pictures"])]}}
