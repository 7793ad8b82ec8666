r"""Total variation against its square as a regulariser: edges, flat ground, contrast and stairs, over the noise.

Arms ``tv`` (isotropic, `variational.rof`) and ``squared`` (`variational.tikhonov`) denoise the same pictures.  Seeds
are draws of white noise, the same for both.  For each picture set, strength of noise and arm the weight w is tuned for
least squared error on other draws (step, ramp) or other photographs: a walk over half octaves that ends where both
neighbours are worse.  The tasks are

``step``, ``ramp``
    In two dimensions, noise from 0.05 to 1.0.  `rise` is the 10-90 % rise of the mean profile, `flat` the noise left 16
    pixels and more beside the step, `contrast` the height of the step that is left; of a ramp, `stairs` is the share of
    the differences along its middle row that are less than a tenth of its slope.
``photographs``
    Errors, root mean square over all pictures, within two pixels of strong edges and in flat regions, and PSNR.
``disc``
    Arms name radius and weight.  Nothing is drawn: contrast lost at the centre, and what :math:`2w/r` predicts.

`tv_network` has the task ``network``: the same regularisers in the training loss of a small network.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import _validate, data
from ..metrics import psnr
from ..sweeps import Job, Place
from ..variational import rof, tikhonov
from . import tv_network, tv_scenes
from .residuals import edge_distance, edge_mask, flat_mask

NAME = "total_variation"

TASKS = ("step", "ramp", "photographs", "disc", "network")

#: Arm -> radius and weight of a disc.
DISCS = {f"disc_{r}_{w:g}": (r, w) for r in (15, 20, 30) for w in (0.5, 1.0, 2.0)}

REGULARISERS = ("tv", "squared")
ARMS = (*REGULARISERS, *DISCS, *tv_network.ARMS)

NOISES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)

#: The walk over weights is in factors of this, and starts at these times the noise (TV) or the noise itself (squared).
FACTOR = math.sqrt(2)
STARTS = {"tv": 1.0, "squared": 20.0}

#: Denoised pictures are known to be so close to the minimiser, as a share of the noise; while tuning, half as close.
TOLERANCE, MOST_STEPS = 0.002, 6000

#: Weights are tuned on the first, and judged on the others, in grey and at half size.
TUNED_ON, JUDGED_ON = ("coffee", "coins"), ("astronaut", "camera", "chelsea", "rocket")


@dataclass(frozen=True)
class Scale:
    """Rows of the scenes, noises, side of the photographs, steps of the networks, seeds of these and of the others."""

    rows: int
    noises: tuple[float, ...]
    side: int
    photographs: str
    steps: int
    network_seeds: int
    seeds: int


SCALES = {
    "smoke": Scale(32, (0.1,), 64, "embedded", steps=4, network_seeds=1, seeds=2),
    "quick": Scale(64, (0.1, 1.0), 128, "embedded", steps=150, network_seeds=3, seeds=3),
    "cpu": Scale(96, NOISES, 144, "embedded", steps=1000, network_seeds=3, seeds=5),
    "full": Scale(192, NOISES, 144, "bsds500", steps=10_000, network_seeds=5, seeds=10),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job an arm and seed; of the discs, one each."""
    _validate.option("scale", scale, SCALES)
    sizes = asdict(SCALES[scale])
    sizes["noises"] = list(sizes["noises"])
    most, few = sizes.pop("seeds"), sizes.pop("network_seeds")
    trials = range(most if seeds is None else seeds)
    named = [(task, arm, seed) for task in TASKS[:3] for seed in trials for arm in REGULARISERS]
    named += [("disc", arm, 0) for arm in DISCS]
    named += [("network", arm, seed) for seed in trials[:few] for arm in tv_network.ARMS]
    return [
        Job(f"lossedu.experiments.{NAME}", f"{task}-{arm}-{seed}", {"task": task, "arm": arm, "seed": seed, **sizes})
        for task, arm, seed in named
        if (not tasks or task in tasks) and (not arms or arm in arms)
    ]


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what one arm leaves, by the strength of the noise."""
    options = job.options
    entry = {key: options[key] for key in ("task", "arm", "seed")}
    if options["task"] == "network":
        return {**entry, **tv_network.train_and_measure(options, place)}, {}
    if options["task"] == "disc":
        return {**entry, **contrast_of_a_disc(*DISCS[options["arm"]]), "deterministic": True}, {}
    found = {f"{noise:g}": _level(options, noise) for noise in options["noises"]}
    return {**entry, "levels": found}, {}


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return which photographs weights were tuned on, and which they were judged on."""
    return {"tuned_on": list(TUNED_ON), "judged_on": list(JUDGED_ON)}


def denoise(arm: str, noisy: Tensor, weight: float, *, tol: float) -> Tensor:
    """Return the minimiser of half the squared distance plus w times the regulariser of an arm."""
    return tikhonov(noisy, weight) if arm == "squared" else rof(noisy, weight, tol=tol, max_steps=MOST_STEPS).image


def clean_pictures(task: str, rows: int, side: int, *, tuning: bool) -> Tensor:
    """Return the clean pictures of a task as one batch, (N, 1, H, W), float64."""
    if task != "photographs":
        return tv_scenes.step(rows) if task == "step" else tv_scenes.ramp(rows)
    halves = [
        data.downsample2(data.photograph(name, gray=True).double()) for name in (TUNED_ON if tuning else JUDGED_ON)
    ]
    middles = [((half.shape[-2] - side) // 2, (half.shape[-1] - side) // 2) for half in halves]
    return torch.cat([data.crop(half, *corner, side) for half, corner in zip(halves, middles, strict=True)])


def noisy(clean: Tensor, noise: float, *parts: int | str) -> Tensor:
    """Return the pictures under white noise, without clipping; the draw depends on the parts and the noise."""
    seed = data.derive_seed(NAME, f"{noise:g}", *parts)
    return clean + noise * torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed), dtype=clean.dtype)


@functools.cache
def tuned_weight(task: str, arm: str, noise: float, rows: int, side: int) -> float:
    """Return the weight of least squared error on the pictures for tuning, both of whose neighbours are worse."""
    clean = clean_pictures(task, rows, side, tuning=True)
    seen = noisy(clean, noise, task, "tuning")

    @functools.cache
    def error(power: int) -> float:
        weight = STARTS[arm] * noise * FACTOR**power
        return float((denoise(arm, seen, weight, tol=2 * TOLERANCE * noise) - clean).square().mean())

    power = 0
    while better := [p for p in (power - 1, power + 1) if error(p) < error(power)]:
        power = min(better, key=error)
    return STARTS[arm] * noise * FACTOR**power


def _level(options: Mapping[str, Any], noise: float) -> dict[str, float]:
    task, arm, rows, side = (options[key] for key in ("task", "arm", "rows", "side"))
    weight = tuned_weight(task, arm, noise, rows, side)
    clean = clean_pictures(task, rows, side, tuning=False)
    out = denoise(arm, noisy(clean, noise, task, options["seed"]), weight, tol=TOLERANCE * noise)
    found = {"weight": weight, "psnr": float(psnr(out, clean)), **MEASURES[task](out, clean)}
    return {name: float(f"{value:.5g}") for name, value in found.items()}


def measure_step(out: Tensor, clean: Tensor) -> dict[str, float]:
    """Return rise, flat noise and contrast of a denoised step."""
    line = tv_scenes.profile(out)
    low, high = tv_scenes.plateaus(line)
    contrast = (high - low) / (tv_scenes.HIGH - tv_scenes.LOW)
    return {"rise": tv_scenes.rise(line), "flat": tv_scenes.flat_noise(out), "contrast": contrast}


def measure_ramp(out: Tensor, clean: Tensor) -> dict[str, float]:
    """Return the share of stairs on a row of a denoised ramp: the middle one."""
    line, slope = out[0, 0, out.shape[-2] // 2], float(clean[0, 0, 0, 1] - clean[0, 0, 0, 0])
    return {"stairs": tv_scenes.stairs(line, slope)}


def measure_photographs(out: Tensor, clean: Tensor) -> dict[str, float]:
    """Return the errors within two pixels of strong edges and in flat regions, pooled over all pictures."""
    error = (out - clean).square()
    masks = {
        "edge": edge_distance(edge_mask(clean.float()), limit=4) <= 2,
        "flat": flat_mask(clean.float(), limit=0.02),
    }
    return {name: float(error[mask].mean().sqrt()) for name, mask in masks.items()}


def contrast_of_a_disc(radius: float, weight: float) -> dict[str, float]:
    """Return the contrast that a disc of height 1 loses at its centre, and :math:`2w/r`, what it should lose."""
    found = rof(tv_scenes.disc(radius), weight, tol=5e-4, max_steps=MOST_STEPS)
    middle = found.image.shape[-1] // 2
    lost, predicted = 1 - float(found.image[0, 0, middle, middle]), 2 * weight / radius
    return {"radius": radius, "weight": weight, "lost": round(lost, 6), "predicted": round(predicted, 6)}


MEASURES: Mapping[str, Callable[[Tensor, Tensor], dict[str, float]]] = {
    "step": measure_step,
    "ramp": measure_ramp,
    "photographs": measure_photographs,
}
