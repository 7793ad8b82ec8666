"""One training loop: seeded, resumable, and honest about divergence."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from . import _validate

Batches = Callable[[int], tuple[Tensor, Tensor]]


class Diverged(RuntimeError):
    """The loss was no longer finite.  `step` says when."""

    def __init__(self, step: int, value: float) -> None:
        super().__init__(step, value)  # as they came, so that the error survives the way back from another process
        self.step, self.value = step, value

    def __str__(self) -> str:
        return f"training diverged: the loss was {self.value} at step {self.step}; lower lr"


def train(
    network: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    batch_at: Batches,
    *,
    steps: int,
    lr: float = 2e-3,
    checkpoint: str | Path | None = None,
    every: int = 500,
    on_step: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Minimise ``loss(network(input), target)`` with Adam, the step size falling to 0 along a cosine.

    Parameters
    ----------
    network : Module
        Trained in place.
    loss : callable
        ``loss(x, y)``, a scalar tensor.
    batch_at : callable
        ``batch_at(step)`` returns input and target of a step.  It must depend on the step alone: then a run that
        was stopped and resumed sees what it would have seen.
    steps : int
        Number of steps in all.
    lr : float
        First step size.
    checkpoint : path, optional
        Where the state is kept, every `every` steps and at the end.  If the file is there, the run continues from it;
        on one CPU thread it ends with the same numbers as a run without a stop.
    every : int
        Steps between checkpoints.
    on_step : callable, optional
        ``on_step(step, value)`` after each step, for progress.

    Returns
    -------
    list of float
        The loss at each step.

    Raises
    ------
    Diverged
        If the loss is not finite; the network is left as it was before that step.
    ValueError
        If an option is out of range, or the checkpoint is damaged, or belongs to another network or to a run
        of other length or step size.
    """
    steps, every, lr = _validate.count("steps", steps), _validate.count("every", every), _validate.positive("lr", lr)
    optimiser = torch.optim.Adam(network.parameters(), lr=lr)
    decay = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))
    state: dict[str, Any] = {"steps": steps, "lr": lr, "history": []}
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.exists():
        state = _load(path, steps, lr, network, optimiser, decay)
    history: list[float] = state["history"]

    network.train()
    for step in range(len(history), steps):
        damaged, target = batch_at(step)
        value = loss(network(damaged), target)
        number = float(value.detach())
        if not math.isfinite(number):
            raise Diverged(step, number)
        optimiser.zero_grad(set_to_none=True)
        value.backward()
        optimiser.step()
        decay.step()
        history.append(number)
        if on_step is not None:
            on_step(step, number)
        if path is not None and (len(history) % every == 0 or len(history) == steps):
            parts: dict[str, Any] = {"network": network, "optimiser": optimiser, "decay": decay}
            _save(path, {**state, **{name: part.state_dict() for name, part in parts.items()}})
    network.eval()
    return history


def _save(path: Path, state: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".part")
    torch.save(state, half)
    os.replace(half, path)  # a reader sees the old state or the new one, never half of one


def _load(path: Path, steps: int, lr: float, network: nn.Module, optimiser: Any, decay: Any) -> dict[str, Any]:
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
    except OSError:
        raise
    except Exception as error:  # torch raises many kinds on what is no file of its own, or half of one
        raise ValueError(f"checkpoint {path} is damaged or no checkpoint; delete it or use another path") from error
    expected = {"steps", "lr", "history", "network", "optimiser", "decay"}
    if not isinstance(state, dict) or not expected <= state.keys():
        raise ValueError(f"checkpoint {path} was not written by this training loop; use another path")
    if (state["steps"], state["lr"]) != (steps, lr):
        raise ValueError(
            f"checkpoint {path} is of a run with steps={state['steps']}, lr={state['lr']:g}, "
            f"got steps={steps}, lr={lr:g}; "
            "use the same settings or another path"
        )
    # Compared before anything is loaded: a failed load would leave the network half changed.
    own, there = ({k: tuple(v.shape) for k, v in d.items()} for d in (network.state_dict(), state["network"]))
    if different := sorted(k for k in {*own, *there} if own.get(k) != there.get(k)):
        key = different[0]
        raise ValueError(
            f"checkpoint {path} is of another network: {key} has shape {there.get(key, 'none')} there, "
            f"{own.get(key, 'none')} here; use another path"
        )
    for name, part in (("network", network), ("optimiser", optimiser), ("decay", decay)):
        part.load_state_dict(state[name])
    return {key: state[key] for key in ("steps", "lr", "history")}
