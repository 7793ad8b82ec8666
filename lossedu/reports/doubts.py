"""Two doubts of chapter 0 as pictures: where an edge lies, and which texture there is."""

from __future__ import annotations

import torch
from torch import Tensor

from .. import data

#: Rows and columns of a picture, and its dark and its bright level.
SHAPE, DARK, BRIGHT = (26, 26), 0.25, 0.75

#: An edge may lie before any of these columns; three of them are shown.
COLUMNS = range(3, 24)
SHOWN = (3, 10, 20)


def edges() -> Tensor:
    """Return pictures that differ in where a straight edge lies, all as likely, (21, 1, 26, 26)."""
    across = torch.arange(SHAPE[1])
    rows = [DARK + (BRIGHT - DARK) * (across >= column).float() for column in COLUMNS]
    return torch.stack([row.expand(1, *SHAPE) for row in rows])


def textures(count: int = 5, *, std: float = 0.1) -> Tensor:
    """Return grey pictures that differ in their texture, each with its negative, so that no pixel leans to one side."""
    half = data.correlated_noise((count, 1, *SHAPE), length=0.6, std=std, seed=0)
    return (DARK + BRIGHT) / 2 + torch.stack([half, -half], dim=1).flatten(0, 1)


def shown(plausible: Tensor) -> list[Tensor]:
    """Return three of the plausible pictures that a figure has room for."""
    places = [COLUMNS.index(column) for column in SHOWN] if len(plausible) == len(COLUMNS) else [0, 2, 4]
    return [plausible[place] for place in places]
