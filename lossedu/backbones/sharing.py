"""Networks that functions share, so that a call of one does not begin by reading a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch

from ..keeping import called_while_tracing, made_apart
from .layers import layer_names
from .network import Backbone

#: How many networks, and other things made from files, are kept at a time.
KEPT = 8


class _Shelf:
    """Holds things as attributes: a traced graph sees each as it is asked for, where it sees a dictionary only once."""


_shelf = _Shelf()


def keep(key: str, make: Callable[[], Any]) -> str:
    """Make a thing unless it is there already, giving up the oldest for it; return its key, for `kept`."""
    things = vars(_shelf)
    if key not in things:
        made = made_apart(make)
        while len(things) >= KEPT:
            del things[next(iter(things))]
        things[key] = made
    return key


def kept(key: str) -> Any:
    """Return what `keep` made."""
    return getattr(_shelf, key)


def forget() -> None:
    """Give up all that is kept: for memory, or after files have changed."""
    vars(_shelf).clear()


def shared_backbone(
    backbone: str, *, weights: str | os.PathLike[str] = "imagenet", pooling: str = "max", device: torch.device
) -> Backbone:
    """Return a whole network on a device, made once for all callers."""
    network: Backbone = kept(_ready(backbone, weights, pooling, str(device)))
    return network


@called_while_tracing
def _ready(backbone: str, weights: str | os.PathLike[str], pooling: str, device: str) -> str:
    changed = os.stat(weights).st_mtime_ns if os.path.isfile(weights) else 0
    key = f"{backbone} {weights!s} {changed} {pooling} {device}"
    return keep(key, lambda: Backbone(backbone, layer_names(backbone)[-1], weights=weights, pooling=pooling).to(device))


__all__ = ["forget", "keep", "kept", "shared_backbone"]
