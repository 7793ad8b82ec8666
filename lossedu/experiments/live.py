"""Short trainings for the cells of a chapter: no folder, no record, the photographs that come with scikit-image."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .. import _validate
from ..training import train
from . import trial
from .arms import loss
from .scales import QUICK
from .scoring import COLUMNS
from .tasks import Network


def _options(arm: str, task: str, seed: int, steps: int) -> dict[str, Any]:
    return {"task": task, "arm": arm, "seed": seed, **replace(QUICK, steps=steps, deep_every=0).options()}


def train_now(
    arm: str, *, task: str = "dd", steps: int = 500, lr: float = 2e-3, seed: int = 0, device: str = "cpu"
) -> Network:
    """Train the small network of 16 filters with one loss and return it.

    First weights, crops and damage depend on the seed alone, and are the same for every loss.

    Parameters
    ----------
    arm, task : str
        Names from `arms.LOSSES` or `arms.OTHERS`, and from `tasks.TASKS`.
    steps : int
        Steps of 16 crops; 500 take about ten seconds of one core.
    lr : float
        First step size of Adam; it falls to 0 along half a cosine.
    seed : int
        Of everything that is drawn.
    device : str
        Where to train.

    Raises
    ------
    ValueError
        If a name is unknown or a number out of range.
    Diverged
        If the loss stops being finite.

    Examples
    --------
    >>> network = train_now("ssim_5", steps=2)
    >>> sorted(judge_now(network))[:3]
    ['bias', 'blockiness', 'chroma']
    """
    chosen = loss(arm)
    options = _options(arm, task, seed, _validate.count("steps", steps))
    network = trial.new_network(options, device)
    train(network, chosen, trial.batches(options, device), steps=steps, lr=lr)
    return network


def judge_now(network: Network, *, task: str = "dd", device: str = "cpu") -> dict[str, float]:
    """Return what `scoring.score` says of the network's output for the test photograph, but for LPIPS and DISTS."""
    table = trial.judged(network, _options("l1", task, 0, 1), device)["test"]
    found = dict(zip(COLUMNS, np.mean(table.astype(np.float64), axis=0).tolist(), strict=True))
    return {name: value for name, value in found.items() if np.isfinite(value)}
