"""A short duel of generator and colour critic for the cell of a chapter."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from ..nets import EnhancementGenerator
from ..sweeps import Place
from ..training import History
from . import color_transfer, transfer_scores


def duel(arm: str, *, steps: int = 120, seed: int = 0) -> tuple[EnhancementGenerator, History]:
    """Train a small generator on the photographs of the package, and return it with the course of both players.

    Parameters
    ----------
    arm : str
        One of `transfer_arms.ARMS`; those with a content term need the weights of VGG-16.
    steps : int
        Turns of each player, on 4 crops of 64 pixels.
    seed : int
        Of crops and first weights.

    Returns
    -------
    generator
    History
        See `training.train_adversarial`; it is watched twenty times.

    Examples
    --------
    >>> network, history = duel("plain", steps=2)
    >>> [step for step, _ in history.watched]
    [1, 2]
    """
    sizes = asdict(replace(color_transfer.SCALES["quick"], steps=steps))
    options = {"task": "cast", "arm": arm, "seed": seed, "lr": color_transfer.RATE, **sizes}
    network = color_transfer.new_network(options)
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), "cpu", deadline=None, say=lambda line: None)
        history = color_transfer.fit(network, options, place, copy.deepcopy(network))
    return network.eval(), history


def untouched() -> float:
    """Return the CIEDE2000 that is seen in `duel` before anybody has learned: of the tinted picture itself."""
    options = {"photographs": color_transfer.SCALES["quick"].photographs}
    return transfer_scores.looked(None, options, "cpu", color_transfer.LOOKED)["de00"]
