"""Which device a name stands for on this machine."""

from __future__ import annotations

import torch


def cards() -> list[str]:
    """Return the names of the graphics cards that CUDA can use: "cuda:0", "cuda:1", …"""
    return [f"cuda:{number}" for number in range(torch.cuda.device_count())] if torch.cuda.is_available() else []


def resolve_device(name: str) -> str:
    """Return the device that is meant: "auto" is the accelerator where there is one.

    Raises
    ------
    ValueError
        If this machine has no such device; the message lists those it has.
    """
    there = ["cpu"]
    if torch.backends.mps.is_available():
        there.insert(0, "mps")
    if torch.cuda.is_available():
        there = ["cuda", *cards(), *there]
    if name == "auto":
        return there[0]
    if name not in there:
        raise ValueError(f"device must be one that this machine has (auto, {', '.join(reversed(there))}), got {name!r}")
    return name
