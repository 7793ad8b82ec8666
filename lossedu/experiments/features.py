r"""Two numbers about VGG that papers are quoted for: how few units are active, and what 1 / 12.75 does.

``active``
    The share of the numbers of every relu layer that are above 0, for each photograph; arms "trained" and "random",
    the latter with other weights for each seed.  The border counts, where zero padding is seen beside the picture.
``scale``
    SRGAN's content loss, the sum over channels and mean over pixels of :math:`(\Delta\phi / 12.75)^2` with pictures in
    [-1, 1], over the mean squared error of the same pictures, and the same ratio of the two gradients' 2-norms in
    pixels, in decibels.  The picture compared with is the photograph made four times smaller and larger again.  Layers
    are those of SRGAN's table in VGG-16: relu2_2, and relu5_3 for VGG-19's relu5_4.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import _validate
from ..backbones import Backbone, layer_names
from ..instruments import active_fractions
from ..sweeps import Job, Place
from . import enlarging
from .tasks import chosen, photographs

NAME = "features"

TASKS = ("active", "scale")
ARMS = ("trained", "random")

LAYERS = tuple(name for name in layer_names("vgg16") if name.startswith("relu"))

#: Of SRGAN: features are divided by it.
FACTOR = 12.75

#: Layers whose scale is measured.
SCALED = ("relu2_2", "relu5_3")


@dataclass(frozen=True)
class Size:
    """Photographs, their split for the active shares and for the scale, how many of each, seeds of random weights."""

    photographs: str
    pictures: int = 0
    scaled: int = 24
    seeds: int = 3


SCALES: Mapping[str, Size] = {
    "smoke": Size("embedded", 1, 1, 1),
    "quick": Size("embedded"),
    "cpu": Size("bsds500"),
    "full": Size("bsds500", scaled=0, seeds=10),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each task and arm, of random weights one a seed."""
    _validate.option("scale", scale, SCALES)
    sizes = asdict(SCALES[scale])
    most = sizes.pop("seeds")
    found = []
    for task in tasks or TASKS:
        for arm in arms or ARMS:
            for seed in range((seeds or most) if arm == "random" else 1):
                options = {"task": task, "arm": arm, "seed": seed, **sizes}
                found.append(Job(f"lossedu.experiments.{NAME}", f"{task}-{arm}-{seed}", options))
    return found


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Measure every photograph: one row a picture."""
    options = job.options
    entry = {key: options[key] for key in ("task", "arm", "seed")}
    weights = "imagenet" if options["arm"] == "trained" else f"random:{options['seed']}"
    measure = active if options["task"] == "active" else scale_of
    rows = [measure(clean.to(torch.device(place.device)), weights) for clean in _pictures(options)]
    entry["columns"] = columns(options["task"])
    if options["arm"] == "trained":
        entry["deterministic"] = True
    return entry, {"test": np.array(rows, dtype=np.float32)}


def columns(task: str) -> list[str]:
    """Return the names of a task's columns."""
    return (
        list(LAYERS) if task == "active" else [f"{what} {layer}" for layer in SCALED for what in ("loss", "gradient")]
    )


def _pictures(options: Mapping[str, Any]) -> list[Tensor]:
    photos = photographs(options["photographs"])["test"]
    limit = options["pictures" if options["task"] == "active" else "scaled"]
    return [photos.picture(index) for index in chosen(len(photos), limit)]


def active(clean: Tensor, weights: str) -> list[float]:
    """Return the share of active numbers in each relu layer."""
    return [float(share) for share in active_fractions(clean, LAYERS, weights=weights).values()]


def scale_of(clean: Tensor, weights: str) -> list[float]:
    """Return how many decibels SRGAN's content loss and its gradient are above those of the squared error."""
    clean = enlarging.whole(clean, 4)
    small = enlarging.shrunk(clean, 4)
    x = torch.nn.functional.interpolate(small, size=clean.shape[-2:], mode="bicubic", align_corners=False)
    x = x.requires_grad_()
    error = (2 * x - 2 * clean).square().mean()  # pictures in [-1, 1], as SRGAN has them
    (slope,) = torch.autograd.grad(error, x)
    network = _network(weights, str(x.device))
    found = []
    for layer in SCALED:
        content = srgan_content(network(x, [layer])[layer], network(clean, [layer])[layer])
        (steep,) = torch.autograd.grad(content, x)
        found += [
            10 * math.log10(float(content.detach() / error.detach())),
            20 * math.log10(float(steep.norm() / slope.norm())),
        ]
    return found


def srgan_content(seen: Tensor, target: Tensor) -> Tensor:
    """Return Ledig et al.'s content loss of features: sum over channels, mean over pixels, features over 12.75."""
    return ((seen - target) / FACTOR).square().sum(dim=1).mean()


@functools.lru_cache(maxsize=1)
def _network(weights: str, device: str) -> Backbone:
    return Backbone("vgg16", SCALED, weights=weights).to(torch.device(device))


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return which photographs were measured, by task."""
    photos = photographs(options["photographs"])["test"]
    limits = {"active": options["pictures"], "scale": options["scaled"]}
    names = {task: [photos.names[k] for k in chosen(len(photos), limit)] for task, limit in limits.items()}
    return {"pictures_of": names, "columns_of": {task: columns(task) for task in TASKS}, "factor": FACTOR}
