"""Trained experiments at toy size: options of a trial, a place to perform it, and pictures to train on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lossedu import data
from lossedu.experiments.scales import SMOKE
from lossedu.sweeps import Job, Place


def here(folder: Path, **changes: Any) -> Place:
    """Return a place on the CPU, which says nothing and has no deadline."""
    folder.mkdir(parents=True, exist_ok=True)
    return Place(folder, "cpu", None, lambda line: None)._replace(**changes)


def trial_options(**changes: Any) -> dict[str, Any]:
    """Return the options of a trial at scale "smoke"."""
    return {"task": "dd", "arm": "l2", "seed": 0, "lr": 1e-3, **SMOKE.options(), **changes}


def job(**changes: Any) -> Job:
    return Job("lossedu.experiments.trial", "toy", trial_options(**changes))


def pack(*pictures: Tensor, **more: Sequence[Tensor]) -> data.Pack:
    """Return a pack of uint8 pictures, (3, H, W) each: those for training, and other splits by name."""
    splits = {"train": pictures, **more}
    return data.Pack(
        {
            name: data.PhotoSet.of(list(images), [f"{name}{k}" for k in range(len(images))])
            for name, images in splits.items()
        },
        {"name": "toy"},
    )


def flat(value: int, side: int = 64) -> Tensor:
    return torch.full((3, side, side), value, dtype=torch.uint8)


def weights(module: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in module.parameters()])
