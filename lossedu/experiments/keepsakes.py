"""Trained networks that a record takes along, so that chapters can show what they make of a picture."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch

from .. import _validate
from ..records import Record
from ..sweeps import Outcome
from ..training import read_checkpoint
from .tasks import Network, task


def weights(outcomes: Sequence[Outcome], arms: Collection[str]) -> dict[str, np.ndarray]:
    """Return the weights of the networks of seed 0 of some losses, in half precision: to look at, not to go on with.

    A network that ran away or diverged is not among them.
    """
    found: dict[str, np.ndarray] = {}
    for outcome in outcomes:
        options, entry = outcome.job.options, outcome.entry
        if options["seed"] == 0 and options["arm"] in arms and entry is not None and not entry["ran_away"]:
            state = read_checkpoint(outcome.run / "jobs" / outcome.job.name / "network.pt")["network"]
            prefix = f"{options['task']}/{options['arm']}"
            found |= {f"{prefix}/{key}": value.cpu().numpy().astype(np.float16) for key, value in state.items()}
    return found


def names(record: Record, task: str) -> list[str]:
    """Return the losses whose networks a record has for a task."""
    return list(dict.fromkeys(key.split("/")[1] for key in record.weights if key.startswith(f"{task}/")))


def network(record: Record, arm: str, task_name: str = "dd") -> Network:
    """Return the network of seed 0 that a record has for a loss and a task.

    Raises
    ------
    ValueError
        If it has none, with the list of those that it has.
    """
    _validate.option("arm", arm, names(record, task_name))
    made = task(task_name).network(record.settings["width"], residual=record.settings["residual"])
    prefix = f"{task_name}/{arm}/"
    own = {key.removeprefix(prefix): value for key, value in record.weights.items() if key.startswith(prefix)}
    made.load_state_dict({key: torch.from_numpy(value.astype(np.float32)) for key, value in own.items()})
    return made.eval()
