r"""Histogram losses on one channel and its tone curve: what gradient they leave, where they end, how fast they are.

``gradient``
    The size of the gradient in each pixel of a photograph, by reading of the kernel's width (`tone_gradients`).
conditions of `tone_curves`
    Gain, gamma and, where a condition says so, lift of one channel, fitted by one loss alone to a known curve: the
    plain logistic kernel, as printed or clipped to the range, the same with mirror terms, linear weights, sorting, and
    squared error.  One row a photograph: gamma, gain, lift, and the mean error in steps of 8 bits.
starts of `tone_steps`
    Steps until a curve of eight pieces stays within a tenth of its first distance to the target, and within one bin, by
    sorting; cumulative against bin-wise comparison.  Step sizes are tuned on other photographs, with as many trials
    for every loss.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import _validate
from ..sweeps import Job, Place
from .tasks import chosen, photographs
from .tone_curves import CONDITIONS, FIT_ARMS, Condition, channel, fit
from .tone_gradients import COLUMNS, READINGS, survey
from .tone_steps import ONE_BIN, RATES, SHARE, SPEED_ARMS, STARTS, arrivals, descend, tune

NAME = "tone_fit"

GRADIENT = "gradient"
TASKS = (GRADIENT, *CONDITIONS, *STARTS)
ARMS = tuple(dict.fromkeys((*READINGS, *FIT_ARMS, *SPEED_ARMS)))

FIT_COLUMNS = ("gamma", "gain", "lift", "error")
STEP_COLUMNS = ("first", "steps to a tenth", "steps to one bin", "last")


@dataclass(frozen=True)
class Size:
    """Photographs, the split that is measured, how many for gradients and fits, for steps, and of the tuning.

    Then pixels of a channel, and steps of both.  The tuning has the split "val".  Fits and steps use so many quantiles
    of a channel; gradients are of whole pictures, cut to `side` where it is not 0.
    """

    photographs: str
    split: str
    pictures: int
    stepped: int
    tuned_on: int
    pixels: int
    side: int
    fit_steps: int
    steps: int


SCALES: Mapping[str, Size] = {
    "smoke": Size("embedded", "train", 1, 1, 1, 64, 32, 3, 3),
    "quick": Size("embedded", "train", 0, 0, 0, 256, 128, 300, 100),
    "cpu": Size("bsds500", "test", 24, 0, 16, 1024, 0, 300, 200),
    "full": Size("bsds500", "test", 0, 0, 0, 4096, 0, 1000, 1000),
}


def arms_of(task: str) -> tuple[str, ...]:
    """Return the arms that a task has."""
    if task == GRADIENT:
        return tuple(READINGS)
    return CONDITIONS[task].arms if task in CONDITIONS else SPEED_ARMS


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each task and arm; photographs take the place of seeds, and another seed only draws noise."""
    _validate.option("scale", scale, SCALES)
    return [
        Job(
            f"lossedu.experiments.{NAME}",
            f"{task}-{arm}-{seed}",
            {"task": task, "arm": arm, "seed": seed, **asdict(SCALES[scale])},
        )
        for seed in range(seeds or 1)
        for task in tasks or TASKS
        for arm in arms_of(task)
        if not arms or arm in arms
    ]


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Measure one arm of a task on every photograph: one row a picture."""
    options = job.options
    task, arm = options["task"], options["arm"]
    entry: dict[str, Any] = {key: options[key] for key in ("task", "arm", "seed")}
    if task == GRADIENT:
        rows = [survey(y, READINGS[arm]) for y in _greens(options, place.device)]
        columns: Sequence[str] = COLUMNS
    elif task in CONDITIONS:
        x = _channels(options, CONDITIONS[task], options["split"], options["pictures"], place.device)
        parameters, error = fit(x, CONDITIONS[task], arm, options["fit_steps"])
        rows, columns = torch.cat([parameters, error[:, None]], dim=1).tolist(), FIT_COLUMNS
        entry["black"] = float(f"{(x == 0).double().mean():.4g}")
    else:
        rows, columns, found = _steps(options, place.device)
        entry |= found
    entry["columns"] = list(columns)
    return entry, {"test": np.array(rows, dtype=np.float32)}


def _greens(options: Mapping[str, Any], device: str) -> list[Tensor]:
    """Return the green channels whose gradients are measured, float64."""
    photos, side = photographs(options["photographs"])[options["split"]], options["side"]
    greens = [photos.picture(k)[:, 1:2].double() for k in chosen(len(photos), options["pictures"])]
    return [(green[..., :side, :side] if side else green).to(torch.device(device)) for green in greens]


def _channels(options: Mapping[str, Any], condition: Condition, split: str, limit: int, device: str) -> Tensor:
    """Return quantiles of the green channels of photographs, (pictures, pixels), float32."""
    photos = photographs(options["photographs"])[split]
    rows = [
        channel(photos.picture(k), condition, options["pixels"], options["seed"]) for k in chosen(len(photos), limit)
    ]
    return torch.stack(rows).to(torch.device(device))


def _steps(options: Mapping[str, Any], device: str) -> tuple[list[list[float]], Sequence[str], dict[str, Any]]:
    """Tune the step size on some photographs, and count the steps on others."""
    start, arm, whole = STARTS[options["task"]], options["arm"], Condition(light=1.0)
    seen = _channels(options, whole, "val", options["tuned_on"], device)
    tried = tune(seen, arm, start, options["steps"])
    rate = RATES[int(np.argmin(tried))]
    x = _channels(options, whole, options["split"], options["stepped"], device)
    path = descend(x, arm, start, rate, options["steps"])
    first, last = path[:, 0], path[:, -1]
    columns = [first, arrivals(path, SHARE * first), arrivals(path, ONE_BIN), last]
    tuning = {f"{one:g}": float(f"{steps:.4g}") for one, steps in zip(RATES, tried, strict=True)}
    missed = int((last > SHARE * first).sum())
    course = [float(f"{value:.4g}") for value in (path / first[:, None]).median(dim=0).values.tolist()]
    found = {"lr": rate, "tuning": tuning, "missed": missed, "course": course}
    return torch.stack([column.to(path) for column in columns], dim=1).tolist(), STEP_COLUMNS, found


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return which photographs were measured, and what the conditions and starts are."""
    photos = photographs(options["photographs"])
    test, val = photos[options["split"]], photos["val"]
    names = {
        "fits": [test.names[k] for k in chosen(len(test), options["pictures"])],
        "steps": [test.names[k] for k in chosen(len(test), options["stepped"])],
        "tuning": [val.names[k] for k in chosen(len(val), options["tuned_on"])],
    }
    conditions = {name: one._asdict() | {"arms": list(one.arms)} for name, one in CONDITIONS.items()}
    starts = {name: one._asdict() for name, one in STARTS.items()}
    return {"pictures_of": names, "conditions": conditions, "starts": starts, "rates": list(RATES)}
