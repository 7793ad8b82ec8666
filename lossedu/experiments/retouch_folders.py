"""Pairs of your own for `retouching`: a folder in the layout of MIT-Adobe FiveK, ``$LOSSEDU_DATA/pairs/own``.

It holds ``input`` and ``expertC``, or what else `data.pairs.fivek_pairs` knows.  One pair in ten is for the test and
one for validation, by the hashes of their names.  Pictures are made smaller until their shorter side is at most
`SHORTEST`, as in Mustafa et al. (2022).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import data
from ..data.pairs import fivek_pairs, load_pair
from ..data.recipes import split_by_names
from ..storage import DataError, data_folder
from .retouch_pairs import Pair
from .tasks import chosen

#: Of the shorter side, in pixels.
SHORTEST = 480


def folder() -> Path:
    """Return the folder of the pairs; DataError says where they belong."""
    root = data_folder()
    if root is None or not (root / "pairs" / "own").is_dir():
        raise DataError(
            "the task 'own' needs pairs of yours: set LOSSEDU_DATA to a folder, and put the pictures into "
            "pairs/own/input and pairs/own/expertC below it, with equal names"
        )
    return root / "pairs" / "own"


@functools.lru_cache(maxsize=1)
def _splits(place: Path) -> dict[str, tuple[data.PhotoSet, data.PhotoSet]]:
    listed = fivek_pairs(place)
    if len(listed) < 3:
        raise DataError(f"{place} must hold at least 3 pairs, one for each split, got {len(listed)}")
    found = {}
    for split, indices in split_by_names([name for name, _, _ in listed]).items():
        names = [listed[index][0] for index in indices]
        read = [_bytes(*load_pair(*listed[index][1:])) for index in indices]
        found[split] = (_set([x for x, _ in read], names), _set([y for _, y in read], names))
    return found


def _bytes(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    factor = min(1.0, SHORTEST / min(x.shape[-2:]))
    size = [max(1, round(side * factor)) for side in x.shape[-2:]]
    both = F.interpolate(torch.cat([x, y]), size=size, mode="bilinear", antialias=True, align_corners=False)
    levels = (both.clamp(0, 1) * 255).round().to(torch.uint8)
    return levels[0], levels[1]


def _set(pictures: Sequence[Tensor], names: Sequence[str]) -> data.PhotoSet:
    return data.PhotoSet.of(pictures, names)


def folder_batches(side: int, batch: int, seed: int, device: str) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Return ``batch_at``: the same crops of inputs and targets."""
    inputs, targets = (part.to(device) for part in _splits(folder())["train"])
    sampler = data.PackSampler(inputs, size=side, batch=batch, seed=data.derive_seed(seed, "crops"))

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        return sampler.pair_at(step, targets)

    return batch_at


def folder_pairs(where: str, limit: int) -> list[Pair]:
    """Return whole pictures of a split; nobody knows what the retoucher would make of another picture."""
    inputs, targets = _splits(folder())[where]
    return [
        Pair(inputs.names[index], inputs.picture(index), targets.picture(index), None)
        for index in chosen(len(inputs), limit)
    ]
