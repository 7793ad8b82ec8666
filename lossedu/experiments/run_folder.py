"""The folder of a run: what it holds of finished networks, and how it is claimed for one set of settings."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

#: Steps between two lines about the network at work.
EVERY = 500


def write(path: Path, body: dict[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    half = path.with_name(path.name + ".part")
    half.write_text(json.dumps(body), encoding="utf-8")
    os.replace(half, path)


def claim(path: Path, settings: dict[str, Any]) -> None:
    """Write the settings into a new folder, or refuse one that belongs to other settings."""
    if not path.exists():
        write(path, settings)
        return
    old = json.loads(path.read_text(encoding="utf-8"))
    if different := {key for key in {*old, *settings} if old.get(key) != settings.get(key)}:
        listed = ", ".join(f"{key}: {old.get(key)!r} there, {settings.get(key)!r} now" for key in sorted(different))
        raise ValueError(f"out={path.parent} holds a run with other settings ({listed}); choose another folder")


def course(checkpoint: Path, block: int = 100) -> dict[str, Any]:
    """Return the loss over training, block by block, and whether it ended above where it began.

    SSIM is bounded: a network that has run away shows a loss near 1, not an infinite one.
    """
    # A network that diverged before its first checkpoint left none.
    history = torch.load(checkpoint, weights_only=True)["history"] if checkpoint.exists() else []
    parts = [history[k : k + block] for k in range(0, len(history), block)]
    means = [round(sum(part) / len(part), 5) for part in parts]
    return {"history": means, "ran_away": not means or means[-1] > means[0]}


def finished(done: Path, checkpoint: Path, *, weights: bool) -> dict[str, Any] | None:
    """Return the entry of a finished network, or None if there is none or what it needs is gone.

    Entries of older folders lack the course of the loss, which is then in the checkpoint alone.  With `weights`, the
    network itself is needed.
    """
    if not done.exists():
        return None
    entry: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
    if "diverged_at" not in entry and not checkpoint.exists() and (weights or "history" not in entry):
        return None
    return entry if "history" in entry else {**entry, **course(checkpoint)}


def narrator(
    say: Callable[[str], None], name: str, steps: int, clock: Callable[[], float] = time.perf_counter
) -> Callable[[int, float], None]:
    """Return an ``on_step`` that says now and then how far the network called `name` is."""
    first: list[tuple[int, float]] = []  # where this sitting began: a resumed run does not begin at step 0

    def on_step(step: int, value: float) -> None:
        if not first:
            first.append((step, clock()))
        elif (step + 1) % EVERY == 0 and step + 1 < steps:
            began, started = first[0]
            left = (clock() - started) / (step - began) * (steps - step - 1)
            say(f"{name}: step {step + 1} of {steps}, loss {value:.4f}, {left:.0f} s left")

    return on_step
