r"""What is left of a picture in a layer of VGG-16: another picture, found from the features alone.

Arms are the trained network and one with random weights, other ones for each photograph and seed; tasks are layers.
For every photograph the search of `instruments.invert` begins with noise that depends on the seed; the weight of its
total variation was chosen for each layer and arm among half decades on `TUNED_ON`, by the features' error.  PSNR and
SSIM of what is found to the photograph are the measurements, LPIPS (AlexNet, which has no part in the search) where its
weights are here, and what is left of the features' error.

The pictures found for `SHOWN` with seed 0 are kept, as PNG files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import _validate, data, png
from ..explorables import perceptual_scene
from ..instruments import invert
from ..losses import ssim
from ..metrics import lpips, psnr
from ..storage import DataError
from ..sweeps import Job, Outcome, Place

NAME = "inversion"

#: The last layer of each block.
TASKS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
ARMS = ("trained", "random")

TUNED_ON = "rocket"
PICTURES = ("astronaut", "chelsea", "coffee", "camera", "brick")
SHOWN = "astronaut"

#: The side of the photograph of the chapter's explorable.
EXPLORED = 96

#: Where a photograph of half size is cut, as shares of the room that there is: rows and columns.
CORNERS = {"astronaut": (0.12, 0.4), "chelsea": (0.6, 0.5), "coffee": (0.4, 0.4)}

#: Arm -> weight of the total variation by layer, as tuned.
PRIORS: Mapping[str, Mapping[str, float]] = {
    "trained": dict(zip(TASKS, (0.3, 1.0, 10.0, 30.0, 30.0), strict=True)),
    "random": dict(zip(TASKS, (0.03, 1.0, 0.1, 0.03, 0.1), strict=True)),
}


@dataclass(frozen=True)
class Size:
    """Photographs, their side, steps of the search, seeds."""

    pictures: tuple[str, ...]
    side: int
    steps: int
    seeds: int = 1


SCALES: Mapping[str, Size] = {
    "smoke": Size(PICTURES[:1], 32, 2),
    "quick": Size(PICTURES[:2], 64, 100),
    "cpu": Size(PICTURES, 96, 300),
    "full": Size(PICTURES, 224, 2000, 5),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each layer, arm, photograph and seed."""
    _validate.option("scale", scale, SCALES)
    size = asdict(SCALES[scale])
    most = size.pop("seeds")
    names = size.pop("pictures")
    return [
        Job(
            f"lossedu.experiments.{NAME}",
            f"{layer}-{arm}-{picture}-{seed}",
            {"task": layer, "arm": arm, "picture": picture, "seed": seed, **size},
        )
        for seed in range(seeds or most)
        for picture in names
        for arm in arms or ARMS
        for layer in tasks or TASKS
    ]


def photograph(name: str, side: int) -> Tensor:
    """Return a square of a photograph at half size, (1, 3, side, side)."""
    half = data.downsample2(data.photograph(name))
    room = [length - side for length in half.shape[-2:]]
    row, column = (int(share * free) for share, free in zip(CORNERS.get(name, (0.5, 0.5)), room, strict=True))
    return data.crop(half, row, column, side).expand(-1, 3, -1, -1)


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Invert one layer for one photograph, and compare what is found with it."""
    options = job.options
    entry = {key: options[key] for key in ("task", "arm", "picture", "seed")}
    y = photograph(options["picture"], options["side"]).to(torch.device(place.device))
    found = invert(
        y,
        options["task"],
        weights="imagenet"
        if options["arm"] == "trained"
        else f"random:{PICTURES.index(options['picture']) + len(PICTURES) * options['seed']}",
        tv=PRIORS[options["arm"]][options["task"]],
        steps=options["steps"],
        seed=options["seed"],
    )
    entry |= {"error": found.error, "psnr": float(psnr(found.image, y)), "ssim": float(ssim(found.image, y))}
    try:
        entry["lpips_alexnet"] = float(lpips(found.image, y, net="alexnet")) if options["side"] > 31 else math.nan
    except DataError as missing:
        place.say(f"LPIPS is left out: {missing}")
    entry = {key: float(f"{value:.5g}") if isinstance(value, float) else value for key, value in entry.items()}
    if options["picture"] == SHOWN and options["seed"] == 0:
        (place.folder / "found.png").write_bytes(png.encode(as_pixels(found.image)))
    return entry, {}


def as_pixels(image: Tensor) -> np.ndarray:
    """Return a picture as bytes, (H, W, 3)."""
    return (255 * image[0].clamp(0, 1)).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the weights of the total variation, and what they were chosen on."""
    return {"priors": {arm: dict(found) for arm, found in PRIORS.items()}, "tuned_on": TUNED_ON, "shown": SHOWN}


def kept(outcomes: Sequence[Outcome]) -> dict[str, np.ndarray]:
    """Return the pictures that are shown, each the bytes of a PNG file, by arm and layer."""
    found = {}
    for outcome in outcomes:
        file = outcome.run / "jobs" / outcome.job.name / "found.png"
        if outcome.entry is not None and file.exists():
            name = f"{outcome.job.options['arm']}/{outcome.job.options['task']}"
            found[name] = np.frombuffer(file.read_bytes(), dtype=np.uint8)
    return found


def finish(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the table of the explorable of the chapter, where the pictures of all layers and arms are there."""
    found = kept([outcome for outcome in outcomes if outcome.job.options["side"] == EXPLORED])
    if len(found) < len(TASKS) * len(ARMS):
        return {}
    return {"explorable": perceptual_scene.measure(photograph(SHOWN, EXPLORED), found)}
