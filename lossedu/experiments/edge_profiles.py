"""How wide edges are: the 10-90 % rise of the typical profile across the strong, isolated edges of a picture.

Edges are found in the clean picture: where the slope of its luma, blurred by sigma 1, is strong (`edge_mask`) and
largest across the edge.  There any picture of the same scene is read along the clean gradient, centred where the clean
profile is half-way up.  One profile is at the mercy of noise, so what is measured is the median of all profiles, at
each distance from the edge.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from ..filters import gaussian_blur
from ..metrics.luma import luma
from .residuals import edge_mask

#: A profile reaches REACH pixels to both sides, in steps of STEP; from PLATEAU on it should be level.
REACH, STEP, PLATEAU = 6.0, 0.25, 3.5
SAMPLES = round(2 * REACH / STEP) + 1
LEVEL = round((REACH - PLATEAU) / STEP) + 1

#: The plateaus of an isolated edge spread over less than this share of its height, ...
UNREST = 0.3
#: ... and its centre lies at most so many pixels from where the slope is largest.
FARTHEST = 1.5

#: With fewer edge pixels there is no typical edge.
FEWEST = 20


def rise(profile: Sequence[float]) -> float:
    """Return the 10-90 % rise in pixels of a profile, `SAMPLES` numbers in steps of `STEP`, between its own plateaus.

    The rise nearest to the middle is followed to both sides, so that ripples farther away do not count.  NaN if nothing
    rises.
    """
    low, high = sum(profile[:LEVEL]) / LEVEL, sum(profile[-LEVEL:]) / LEVEL
    if not high > low:
        return math.nan
    levels = [(value - low) / (high - low) for value in profile]
    half = min(
        (k for k, (a, b) in enumerate(pairwise(levels)) if a < 0.5 <= b), key=lambda k: abs(k + 0.5 - SAMPLES // 2)
    )
    start = next((k for k in range(half, -1, -1) if levels[k] <= 0.1), None)
    end = next((k for k in range(half + 1, SAMPLES) if levels[k] >= 0.9), None)
    if start is None or end is None:  # no edge any more, only unrest
        return math.nan
    before = start + (0.1 - levels[start]) / (levels[start + 1] - levels[start])
    after = end - (levels[end] - 0.9) / (levels[end] - levels[end - 1])
    return STEP * (after - before)


class Edges:
    """The strong, isolated edges of a clean picture, (1, 1 or 3, H, W).

    Attributes
    ----------
    count : int
        How many pixels lie on them.
    """

    def __init__(self, clean: Tensor) -> None:
        centre, direction = _ridges(clean)
        distance = torch.arange(SAMPLES, dtype=centre.dtype, device=centre.device) * STEP - REACH
        height, shift = _shape(_read(clean, centre, direction, distance))
        isolated = shift.abs() <= FARTHEST
        self.count = int(isolated.sum())
        self._direction, self._height = direction[isolated], height[isolated]
        self._centre = centre[isolated] + shift[isolated, None] * self._direction
        self._distance = distance

    def profile(self, picture: Tensor) -> list[float]:
        """Return a picture's median profile from -`REACH` to `REACH` pixels; 0 and 1 are each edge's own plateaus.

        So neither contrast nor brightness counts.  Of an edge that has all but gone, a fifth is taken for its height.
        """
        if not self.count:
            return [math.nan] * SAMPLES
        profiles = _read(picture, self._centre, self._direction, self._distance)
        low = profiles[:, :LEVEL].mean(dim=1)
        height = torch.maximum(profiles[:, -LEVEL:].mean(dim=1) - low, 0.2 * self._height)
        profile: list[float] = ((profiles - low[:, None]) / height[:, None]).quantile(0.5, dim=0).tolist()
        return profile

    def width(self, picture: Tensor) -> float:
        """Return the 10-90 % rise of a picture's median profile in pixels; NaN with fewer than `FEWEST` edge pixels.

        A Gaussian edge of deviation sigma has 2.563 sigma.  Above some 5 pixels the plateaus are not reached any more,
        and the rise grows more slowly than the blur.
        """
        return rise(self.profile(picture)) if self.count >= FEWEST else math.nan


def _ridges(clean: Tensor) -> tuple[Tensor, Tensor]:
    """Return the pixels (x, y) where a strong slope is largest across the edge, and unit vectors up it: (edges, 2)."""
    margin = math.ceil(REACH + FARTHEST)
    if min(clean.shape[-2:]) <= 2 * margin:
        return clean.new_zeros(0, 2), clean.new_zeros(0, 2)
    grey = F.pad(gaussian_blur(luma(clean), 1.0), (1, 1, 1, 1), mode="replicate")
    across = (grey[..., 1:-1, 2:] - grey[..., 1:-1, :-2]) / 2
    down = (grey[..., 2:, 1:-1] - grey[..., :-2, 1:-1]) / 2
    slope = (across.square() + down.square()).sqrt()
    strong = edge_mask(clean)[0, 0, margin:-margin, margin:-margin]
    rows, columns = (strong.nonzero() + margin).T
    slopes = torch.stack((across[0, 0, rows, columns], down[0, 0, rows, columns]), dim=1)
    direction = slopes / slope[0, 0, rows, columns, None].clamp_min(1e-6)
    centre = torch.stack((columns, rows), dim=1).to(direction)
    near = _read(slope, centre, direction, centre.new_tensor([-1.0, 0.0, 1.0]))
    # One neighbour may be as steep, to within rounding: a step between two pixels is found at both of them.
    ridge = near[:, 1] >= 0.999 * torch.maximum(near[:, 0], near[:, 2])
    return centre[ridge], direction[ridge]


def _read(picture: Tensor, centre: Tensor, direction: Tensor, distance: Tensor) -> Tensor:
    """Return the luma at distances from the centres: (edges, distances).

    Read bilinearly, an edge of sigma 1 would seem 9 % wider than it is, and one of sigma 1/2 35 %.
    """
    places = centre[:, None] + direction[:, None] * distance[:, None]
    sides = places.new_tensor((picture.shape[-1] - 1, picture.shape[-2] - 1))
    grid = (2 * places / sides - 1)[None]
    return F.grid_sample(luma(picture), grid, mode="bicubic", padding_mode="border", align_corners=True)[0, 0]


def _shape(profiles: Tensor) -> tuple[Tensor, Tensor]:
    """Return the height of each profile, and where it is half-way up: infinity if it is not isolated."""
    before, after = profiles[:, :LEVEL], profiles[:, -LEVEL:]
    low = before.mean(dim=1)
    height = after.mean(dim=1) - low
    spread = torch.maximum(before.amax(dim=1) - before.amin(dim=1), after.amax(dim=1) - after.amin(dim=1))
    levels = (profiles - low[:, None]) / height[:, None]
    a, b = levels[:, :-1], levels[:, 1:]
    number = torch.arange(SAMPLES - 1, dtype=a.dtype, device=a.device)
    half = (number + (0.5 - a) / (b - a)) * STEP - REACH
    half = torch.where((a < 0.5) & (b >= 0.5), half, math.inf)
    nearest = half.abs().argmin(dim=1, keepdim=True)
    return height, torch.where(spread < UNREST * height, half.gather(1, nearest)[:, 0], math.inf)


__all__ = ["Edges", "FEWEST", "SAMPLES", "STEP", "rise"]
