"""One training loop: seeded, resumable, and honest about divergence."""

from __future__ import annotations

from .checkpoints import read as read_checkpoint
from .loop import OPTIMIZERS, SCHEDULES, Batches, Diverged, History, OutOfTime, train

__all__ = ["OPTIMIZERS", "SCHEDULES", "Batches", "Diverged", "History", "OutOfTime", "read_checkpoint", "train"]
