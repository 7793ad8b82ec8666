"""A short training with Mix for the cell of a chapter: who steers, from the first step on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..training import train
from . import trial
from .arms import ALPHAS, loss
from .scales import QUICK
from .table1 import shares


def early_shares(arm: str = "mix", *, steps: int = 300, every: int = 50, lr: float = 1e-3) -> list[tuple[int, Any]]:
    """Train on the photographs of the package and return the shares of MS-SSIM every so many steps.

    Parameters
    ----------
    arm : str
        One of `arms.ALPHAS`.
    steps, every : int
        Steps of 16 crops, and how many of them lie between two looks.
    lr : float
        First step size of Adam; it falls to 0 along half a cosine.

    Returns
    -------
    list
        Of (steps done, {"parameters": share by the 2-norm, "pixels": share by the sum of sizes}).

    Examples
    --------
    >>> [step for step, _ in early_shares(steps=2, every=1)]
    [1, 2]
    """
    options = {"task": "dd", "arm": arm, "seed": 0, **replace(QUICK, steps=steps, deep_every=0).options()}
    network, batch_at = trial.new_network(options), trial.batches(options)
    watch = shares(ALPHAS[arm])(network, batch_at)
    history = train(network, loss(arm), batch_at, steps=steps, lr=lr, watch=watch, watch_every=every)
    return [(int(step), found) for step, found in history.watched]
