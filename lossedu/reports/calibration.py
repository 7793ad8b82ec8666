"""Is a picture right on average, where the truth has a level, and where the picture itself has one?

Only the second is promised to a posterior mean: ``E[Y | output] = output``, for inputs like those of training.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .wording import NOTHING, markdown_table, number

#: Ends of the ranges of level: how they are called, first and last value.
RANGES = {
    "below 0.05": (-torch.inf, 0.05),
    "0.05 to 0.25": (0.05, 0.25),
    "0.25 to 0.75": (0.25, 0.75),
    "0.75 to 0.95": (0.75, 0.95),
    "above 0.95": (0.95, torch.inf),
}

Pictures = Sequence[Tensor]


def mean_error(pictures: Pictures, clean: Pictures, by: Pictures, low: float, high: float) -> float:
    """Return the mean of picture minus clean where `by` lies above `low` and up to `high`; NaN where it never does."""
    x, y, key = (torch.cat([one.flatten() for one in several]).double() for several in (pictures, clean, by))
    return float((x - y)[(key > low) & (key <= high)].mean())


def table(clean: Pictures, seen: Pictures, outputs: Pictures) -> str:
    """Return as Markdown the mean error of inputs and outputs, by the level of the truth and by their own."""
    columns = [(seen, clean), (outputs, clean), (seen, seen), (outputs, outputs)]
    rows = []
    for name, (low, high) in RANGES.items():
        found = [mean_error(pictures, clean, by, low, high) for pictures, by in columns]
        rows.append([name, *(number(v, 3, signed=abs(v) >= 5e-4) if v == v else NOTHING for v in found)])
    return markdown_table(
        ["level", "input, by truth", "output, by truth", "input, by input", "output, by output"], rows
    )
