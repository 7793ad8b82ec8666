"""What total variation does to single rows of a step in noise, which a mean over rows does not tell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..experiments import total_variation, tv_scenes
from ..records import Record
from ..variational import rof
from . import variation


class Rows(NamedTuple):
    """One draw, row by row.

    Attributes
    ----------
    places : tuple of int
        Behind which column each row has its largest difference.
    rise : float
        Median of the 10-90 % rises of the rows, in pixels.
    """

    places: tuple[int, ...]
    rise: float


def rows(record: Record, noise: float) -> Rows:
    """Return what the first draw of the step looks like under TV, with the tuned weight of this noise."""
    weight = variation.values(record, "step", "tv", noise, "weight")[0]
    seen = total_variation.noisy(tv_scenes.step(record.settings["rows"]), noise, "step", 0)
    tol, most = total_variation.TOLERANCE * noise, total_variation.MOST_STEPS
    picture = rof(seen, weight, tol=tol, max_steps=most).image[0, 0]
    places = picture.diff(dim=-1).argmax(dim=1).tolist()
    return Rows(tuple(places), float(np.nanmedian([tv_scenes.rise(row) for row in picture])))


def sentence(record: Record) -> str:
    """Return as Markdown where the edge is and how wide, row by row, at weak and at the strongest noise."""
    parts = []
    for noise in (0.1, max(record.settings["noises"])):
        places, rise = rows(record, noise)
        right = sum(place == tv_scenes.step().shape[-1] // 2 - 1 for place in places)
        parts.append(
            f"at noise of {noise:g} the largest jump is in its place in {right} of {len(places)} rows, "
            f"and a single row rises within {rise:.1f} pixels"
        )
    return f"Row by row, under TV, in one draw: {'; '.join(parts)} (medians of the 10–90 % rise)."
