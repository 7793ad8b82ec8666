"""A short training for a cell of chapter 2: a network with and without total variation in its loss, no record."""

from __future__ import annotations

from torch import Tensor

from .. import mse_loss
from ..training import train
from . import trial, tv_network
from .tasks import Network, restore


def train_now(arm: str, *, steps: int = 250, seed: int = 0) -> Network:
    """Return a network of 16 filters, trained with an arm of `tv_network`, or with "l2" alone; no folder, no record.

    Examples
    --------
    >>> type(train_now("l2_tv", steps=1)).__name__
    'RestorationCNN'
    """
    options = tv_network.trial_options({"seed": seed, "steps": steps, "photographs": "embedded"})
    network = trial.new_network(options)
    loss = mse_loss if arm == "l2" else tv_network.loss(arm)
    train(network, loss, trial.batches(options), steps=steps, lr=options["lr"])
    return network.eval()


def restored(network: Network, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return what a network makes of the test photograph of the live runs, and that photograph."""
    options = tv_network.trial_options({"seed": seed, "steps": 1, "photographs": "embedded"})
    _, seen, clean = trial.pairs(options, "test", 1)[0]
    return restore(network, seen), clean
