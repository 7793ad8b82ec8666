"""One training loop: seeded, resumable, and honest about divergence."""

from __future__ import annotations

from .adversarial import train_adversarial
from .checkpoints import read as read_checkpoint
from .loop import OPTIMIZERS, SCHEDULES, Batches, Diverged, History, OutOfTime, train

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "Batches",
    "Diverged",
    "History",
    "OutOfTime",
    "read_checkpoint",
    "train",
    "train_adversarial",
]
