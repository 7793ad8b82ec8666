"""The state of a run on disk: written whole or not at all, and loaded only where it belongs."""

from __future__ import annotations

import copy
import io
import os
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

KEYS = {"settings", "history", "watched", "network", "optimiser"}


class Stateful(Protocol):
    """What a checkpoint asks of an optimiser."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None: ...


def save(path: Path, state: dict[str, Any]) -> None:
    """Write the state of a run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(path.name + ".part")
    torch.save(state, half)
    os.replace(half, path)  # a reader sees the old state or the new one, never half of one


def read(path: str | Path) -> dict[str, Any]:
    """Return the state that `train` left: settings, history, watched, network, optimiser; tensors on the CPU.

    Raises
    ------
    ValueError
        If the file is damaged or something else.
    OSError
        If it cannot be read.
    """
    content = Path(path).read_bytes()
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises many kinds on what is no file of its own, or half of one; also OSError
        raise ValueError(f"checkpoint {path} is damaged or no checkpoint; delete it or use another path") from error
    if not isinstance(state, dict) or not state.keys() >= KEYS:
        raise ValueError(f"checkpoint {path} was not written by this training loop; use another path")
    return state


def load(
    path: Path, settings: dict[str, Any], network: nn.Module, optimiser: Stateful
) -> tuple[list[float], list[list[Any]]]:
    """Load a checkpoint into network and optimiser, and return its history and what was watched.

    Raises
    ------
    ValueError
        If it is damaged, of a run with other settings or of another network; then nothing is changed.
    """
    state = read(path)
    if state["settings"] != settings:
        different = [k for k in {**settings, **state["settings"]} if state["settings"].get(k) != settings.get(k)]
        there, here = (
            ", ".join(f"{key}={side.get(key)}" for key in different) for side in (state["settings"], settings)
        )
        raise ValueError(
            f"checkpoint {path} is of a run with {there}, got {here}; use the same settings or another path"
        )
    # Compared before anything is loaded: a failed load would leave the network half changed.
    own, stored = ({k: tuple(v.shape) for k, v in d.items()} for d in (network.state_dict(), state["network"]))
    if odd := sorted(k for k in {*own, *stored} if own.get(k) != stored.get(k)):
        key = odd[0]
        raise ValueError(
            f"checkpoint {path} is of another network: {key} has shape {stored.get(key, 'none')} there, "
            f"{own.get(key, 'none')} here; use another path"
        )
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    return state["history"], state["watched"]


def carry_on(optimiser: torch.optim.Optimizer, start: dict[str, Any]) -> None:
    """Load the state of another optimiser of the same kind and shapes, which stays as it is.

    Raises
    ------
    ValueError
        If it is none.
    """
    kind = f"start must be the state of an optimiser {type(optimiser).__name__}"
    groups = start.get("param_groups") if isinstance(start, dict) else None
    if not groups or groups[0].keys() != optimiser.state_dict()["param_groups"][0].keys():
        raise ValueError(f"{kind}, as a checkpoint has under 'optimiser', got that of another kind or something else")
    try:
        optimiser.load_state_dict(copy.deepcopy(start))  # torch would go on working in the caller's tensors
    except (KeyError, ValueError) as error:
        raise ValueError(f"{kind} of the same network: {error}") from error
    for parameter, kept in optimiser.state.items():
        for name, value in kept.items():
            if isinstance(value, torch.Tensor) and value.ndim and value.shape != parameter.shape:
                raise ValueError(
                    f"{kind} of the same network: {name} has shape {tuple(value.shape)} there, "
                    f"{tuple(parameter.shape)} here"
                )
