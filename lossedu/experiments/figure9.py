r"""Noise near an edge, bias on either side of it: Figure 9 of Zhao et al. (2017), with draws, controls, photographs.

Arms ``ssim_1``, ``ssim_3``, ``ssim_9`` are SSIM with windows of that :math:`\sigma`; seeds are draws of the noise, the
same for all arms.  The tasks are

``step``
    A grey step under white noise, in one dimension as in the paper and in two, where a window has many more pixels.
    `near` is mean SSIM 8 to 16 pixels from the step (their point P), `far` that on flat ground, the control: only their
    difference `gain` is owed to the edge.  `zone` counts the pixels with mean SSIM above 0.8, on both sides.
    And the companion that the paper lacks: on flat ground, `grain` is SSIM under equally strong noise, the wider its
    grain the less a small window sees of it; `blindness` is the price of white noise over that of the widest grain.
``photographs``
    White noise on three photographs, without clipping; SSIM on quiet pixels by their distance from strong edges.
``bias``
    One job a pair of levels: how much dearer the same bias is on the dark side than on the bright one, as measured
    and in closed form.  Nothing is drawn: the interval has no width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torch import Tensor

from .. import _validate, data, ssim_map
from ..sweeps import Job, Place
from .residuals import edge_distance, edge_mask, local_deviation
from .step_edge import NOISE, biased_step, correlated_noise_price, noisy_step_1d, noisy_step_2d

NAME = "figure9"

TASKS = ("step", "photographs", "bias")

#: Arm -> sigma of its window.
SIGMAS = {"ssim_1": 1.0, "ssim_3": 3.0, "ssim_9": 9.0}

#: Distances from an edge that count as near it, in pixels: the paper's point P.
NEAR = (8, 16)

#: Classes of distance in photographs, first and last pixel of each; the last one is the rest.
CLASSES = ((1, 2), (3, 4), (5, 7), NEAR, (17, 24), (25, 10_000))

#: Distances from the step at which the profile is kept.
DISTANCES = (4, 8, 12, 16, 24, 40)

#: Grain of the noise on flat ground, in pixels, and its standard deviation.
GRAINS, GRAIN_NOISE = (0.0, 2.0, 4.0, 8.0), 0.02

#: Arm -> levels on either side of the step, and the bias that goes with them.
LEVELS = {
    "levels_0.25_0.75": (0.25, 0.75, 0.1),
    "levels_0.2_0.8": (0.2, 0.8, 0.1),
    "levels_0.1_0.9": (0.1, 0.9, 0.02),
}

ARMS = (*SIGMAS, *LEVELS)

PICTURES = ("rocket", "coffee", "astronaut")


@dataclass(frozen=True)
class Scale:
    """How much is averaged: draws of the signal, rows of the step, side of the flat ground, photographs, seeds."""

    draws: int
    rows: int
    side: int
    pictures: int
    seeds: int


FULL = Scale(draws=2000, rows=512, side=256, pictures=3, seeds=10)
SCALES = {
    "smoke": Scale(draws=100, rows=64, side=96, pictures=1, seeds=2),
    "quick": Scale(draws=500, rows=256, side=128, pictures=3, seeds=10),
    "cpu": FULL,
    "full": FULL,
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job an arm and seed for the step and the photographs, and one a pair of levels for the bias."""
    _validate.option("scale", scale, SCALES)
    sizes = asdict(SCALES[scale])
    trials = range(sizes.pop("seeds") if seeds is None else seeds)
    named = [(task, arm, seed) for task in ("step", "photographs") for seed in trials for arm in SIGMAS]
    named += [("bias", arm, 0) for arm in LEVELS]
    return [
        Job("lossedu.experiments.figure9", f"{task}-{arm}-{seed}", {"task": task, "arm": arm, "seed": seed, **sizes})
        for task, arm, seed in named
        if (not tasks or task in tasks) and (not arms or arm in arms)
    ]


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what one arm measures with one seed."""
    options = job.options
    entry = {key: options[key] for key in ("task", "arm", "seed")}
    return {**entry, **_MEASURES[options["task"]](options)}, {}


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the record says of its numbers: where the profiles and the classes of distance lie."""
    strengths = {"noise": NOISE, "grain_noise": GRAIN_NOISE, "grains": list(GRAINS)}
    return {**strengths, "near": list(NEAR), "distances": list(DISTANCES), "classes": [list(ends) for ends in CLASSES]}


def step(options: Mapping[str, Any]) -> dict[str, Any]:
    """Measure the step and the flat ground."""
    sigma, seed = SIGMAS[options["arm"]], options["seed"]
    profiles = {
        "1d": noisy_step_1d(sigma, noise=NOISE, draws=options["draws"], seed=data.derive_seed(seed, "figure9", "1d")),
        "2d": noisy_step_2d(sigma, noise=NOISE, height=options["rows"], seed=data.derive_seed(seed, "figure9", "2d")),
    }
    found: dict[str, Any] = {}
    for name, profile in profiles.items():
        middle = len(profile) // 2
        first, last = NEAR
        found[f"near_{name}"] = _rounded(profile[middle - last : middle - first + 1].mean())
        found[f"far_{name}"] = _rounded(profile[middle // 4 : middle // 2].mean())
        found[f"gain_{name}"] = round(found[f"near_{name}"] - found[f"far_{name}"], 6)
        found[f"zone_{name}"] = int((profile > 0.8).sum())
        found[f"profile_{name}"] = [_rounded(profile[middle - d]) for d in DISTANCES]
    price = correlated_noise_price(
        sigma,
        GRAINS,
        noise=GRAIN_NOISE,
        size=options["side"],
        seed=data.derive_seed(seed, "figure9", "grain"),
    )
    # The noise is exactly as strong as asked for, so the price tells the index.
    grain = [_rounded(1 - value * GRAIN_NOISE**2) for value in price]
    return {**found, "grain": grain, "blindness": _rounded(price[0] / price[-1])}


def photographs(options: Mapping[str, Any]) -> dict[str, Any]:
    """Measure noise on quiet pixels of photographs, by their distance from strong edges."""
    found: dict[str, Any] = {"pictures": {}}
    for name in PICTURES[: options["pictures"]]:
        clean = data.photograph(name)
        seed = data.derive_seed(options["seed"], "figure9", name)
        found["pictures"][name] = by_distance(clean, SIGMAS[options["arm"]], noise=NOISE, seed=seed)
    for key in ("near", "far"):
        values = [picture[key] for picture in found["pictures"].values() if picture[key] is not None]
        found[key] = _rounded(sum(values) / len(values)) if values else None
    return found


def by_distance(clean: Tensor, sigma: float, *, noise: float, seed: int) -> dict[str, Any]:
    """Return mean SSIM of a noisy picture over its quiet pixels in each of `CLASSES`, and how many those are.

    Quiet is a deviation below 0.015 in a window of sigma 1: what a wider window sees beyond it is the edge.  `near` is
    the class `NEAR`, `far` the last one; None where there are no such pixels.
    """
    x = clean + data.correlated_noise(clean.shape, length=0.0, std=noise, seed=seed, dtype=clean.dtype)
    index = ssim_map(x, clean, sigma=sigma, padding="reflect").mean(dim=1, keepdim=True)
    distance = edge_distance(edge_mask(clean))
    quiet = local_deviation(clean, 1.0) < 0.015
    masks = [quiet & (distance >= first) & (distance <= last) for first, last in CLASSES]
    means = [_rounded(index[mask].mean()) if bool(mask.any()) else None for mask in masks]
    return {
        "near": means[CLASSES.index(NEAR)],
        "far": means[-1],
        "classes": means,
        "pixels": [int(mask.sum()) for mask in masks],
    }


def bias(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a bias costs on either side of the step, measured and in closed form."""
    low, high, amount = LEVELS[options["arm"]]
    dark, bright = biased_step(amount, low=low, high=high)
    closed = [flat_cost(level, amount) for level in (low, high)]
    return {
        "bias": amount,
        "dark": 1 - dark,
        "bright": 1 - bright,
        "ratio": (1 - dark) / (1 - bright),
        "closed_form": closed[0] / closed[1],
        "deterministic": True,
    }


def flat_cost(level: float, amount: float, c1: float = 1e-4) -> float:
    r"""Return :math:`1 - l = b^2 / (m^2 + (m + b)^2 + C_1)`: on flat ground cs is 1, and SSIM is its luminance l."""
    return amount**2 / (level**2 + (level + amount) ** 2 + c1)


def _rounded(value: Tensor | float) -> float:
    return round(float(value), 6)


_MEASURES: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "step": step,
    "photographs": photographs,
    "bias": bias,
}
