r"""Beside edges: how the lead of wide windows of SSIM changes with the distance, and what of the error is noise.

The error of a network has parts that a change of the noise does not touch, as a tint, or detail that is lost.  They
are equal in two outputs for the same picture under two draws of noise, and drop out of the difference.  So the
difference over :math:`\sqrt2` is noise.  Networks are those that records keep, one of each loss, and the pictures are
the photographs of this book, at half size as those of the records.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from .. import data
from ..experiments.residuals import RINGS, by_distance
from ..experiments.sigma_sensitivity import BESIDE_EDGES
from ..experiments.tasks import Network, restore
from ..figures import chart
from ..figures.style import FAINT
from ..ledger.evidence import left_out
from ..records import Record
from ..statistics import Interval
from . import windows, wording
from .wording import label

#: The window that another is compared with, and the widest.
BASE, WIDE = "ssim_1", "ssim_9"

#: Numbers of classes of distances in `RINGS`: under the edge's own slope, just off it, and well off it.
SLOPE, NEAR, FAR = 0, 1, 3

#: From which error of its level on flat ground counts as dark: none of the record lies near it.
DARK = 0.015

_MARKS = "osD^vP*X"


class Errors(NamedTuple):
    """Root mean squares on quiet pixels, one for each class of distances from edges, NaN where hardly any are.

    Attributes
    ----------
    whole : list of float
        Of output minus clean.
    noise : list of float
        Of what two draws of noise make different.
    """

    whole: list[float]
    noise: list[float]


def errors(network: Network, clean: Tensor) -> Errors:
    """Return what a network leaves of two draws of noise on a picture, (1, 3, H, W), by distance from edges."""
    one, other = (restore(network, data.noisy_bayer(clean, seed=seed)) for seed in (0, 1))
    parts = torch.cat((one, other)) - clean, (one - other) / math.sqrt(2)
    return Errors(*([math.nan if value is None else value for value in by_distance(part, clean)] for part in parts))


def photographs() -> dict[str, Tensor]:
    """Return the colour photographs of the book at half size."""
    halves = {name: data.photograph(name) for name in data.PHOTOGRAPHS}
    return {name: data.downsample2(picture) for name, picture in halves.items() if picture.shape[1] == 3}


def measured(networks: Mapping[str, Network], pictures: Mapping[str, Tensor]) -> dict[str, dict[str, Errors]]:
    """Return what each network leaves of each picture: by loss, then by picture."""
    return {arm: {name: errors(net, picture) for name, picture in pictures.items()} for arm, net in networks.items()}


def changes(left: Mapping[str, Mapping[str, Errors]], arm: str = WIDE, base: str = BASE) -> dict[str, Errors]:
    """Return by how many percent one loss leaves more than another, by picture."""
    found = {}
    for name, here in left[arm].items():
        pairs = (zip(*parts, strict=True) for parts in zip(here, left[base][name], strict=True))
        found[name] = Errors(*([100 * (a / b - 1) for a, b in part] for part in pairs))
    return found


def draw(left: Mapping[str, Mapping[str, Errors]], arm: str = WIDE, base: str = BASE) -> Figure:
    """Draw the whole error and the noise by distance from edges, in percent above another loss, a line a picture."""
    figure, axes = chart(2, height=420, sharey=True)
    for ax, part, title in zip(axes, Errors._fields, ("the whole error", "noise alone"), strict=True):
        for (name, one), mark in zip(changes(left, arm, base).items(), _MARKS, strict=False):
            look: dict[str, Any] = {"color": "0.35", "lw": 1, "marker": mark, "ms": 6, "markerfacecolor": "white"}
            ax.plot(range(len(RINGS)), getattr(one, part), label=name.replace("_", " "), **look)
        ax.axhline(0, color=FAINT, lw=2)
        ax.set(title=title, xlabel="pixels off a strong edge")
        ax.set_xticks(range(len(RINGS)), [f"{first}–{last}" for first, last in RINGS])
    axes[0].set_ylabel(f"{label(arm)} above {label(base)} (%)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize="small")
    return figure


def near_over_far(one: Errors) -> float:
    """Return the noise near edges over that well off them, NaN where there is no such place."""
    return one.noise[NEAR] / one.noise[FAR]


def table(left: Mapping[str, Mapping[str, Errors]]) -> str:
    """Return as Markdown by which factor the noise is stronger near edges than far, a row a picture that has both."""
    rows = []
    for name in next(iter(left.values())):
        factors = [near_over_far(found[name]) for found in left.values()]
        if all(map(math.isfinite, factors)):
            rows.append([name.replace("_", " "), *(wording.number(factor, 2) for factor in factors)])
    near, far = (" to ".join(map(str, RINGS[k])) for k in (NEAR, FAR))
    head = [f"noise {near} pixels off edges over that {far} off", *(label(arm) for arm in left)]
    return wording.markdown_table(head, rows)


def shrinks(record: Record, arm: str, base: str = BASE, *, near: int = NEAR, far: int = FAR) -> Interval:
    """Return by how many points a loss stands worse in a near class of distances than in a far one, paired by seed."""
    rings = [[windows.ring_values(record, name, ring) for name in (arm, base)] for ring in (near, far)]
    seeds = set.intersection(*(set(values) for pair in rings for values in pair))
    points = [[100 * (here[seed] / there[seed] - 1) for seed in sorted(seeds)] for here, there in rings]
    return wording.estimate([a - b for a, b in zip(*points, strict=True)])


def near_and_far(record: Record) -> str:
    """Return as Markdown how the lead of wider windows changes from far to near, of the whole error, over seeds."""
    arms = [arm for arm in windows.arms_of(record) if arm.startswith("ssim") and arm != BASE]
    near, far, slope = (" to ".join(map(str, RINGS[k])) for k in (NEAR, FAR, SLOPE))
    points = "; ".join(f"{label(arm)} {_ends(shrinks(record, arm), 1)}" for arm in arms)
    under = "; ".join(f"{label(arm)} {_ends(windows.ring_change(record, SLOPE, arm, BASE), 0)}" for arm in arms)
    return (
        f"- **Near against far,** whole error over that of {label(BASE)}, {near} pixels away less {far}, in points of "
        f"a percent: {points}.\n- **Nearest of all,** {slope} pixels away, which the figure leaves out, in percent "
        f"over {label(BASE)}: {under}."
    )


class Count(NamedTuple):
    """In how many photographs, of how many, one loss leaves less than another, and the median change in percent."""

    less: int
    of: int
    median: float


def count(record: Record, arm: str = WIDE, base: str = BASE, *, band: str = "", ring: int = NEAR) -> Count:
    """Return how photographs differ in a band of flat regions, or else at a distance from edges; seeds are averaged."""
    means = [
        np.mean([_by_picture(record, run, band, ring) for run in _runs(record, name)], axis=0) for name in (arm, base)
    ]
    known = np.isfinite(means[0]) & np.isfinite(means[1])
    percent = 100 * (means[0][known] / means[1][known] - 1)
    return Count(int((percent < 0).sum()), int(known.sum()), float(np.median(percent)))


def _runs(record: Record, arm: str) -> list[Mapping[str, Any]]:
    return [run for run in record.runs if run["arm"] == arm and left_out(run) is None]


def _by_picture(record: Record, run: Mapping[str, Any], band: str, ring: int) -> np.ndarray:
    if band:
        table, column = record.scores[f"{run['job']}@test"], record.settings["columns"].index(f"flat_{band}")
    else:
        table, column = record.scores[f"{run['job']}/{BESIDE_EDGES}"], ring
    return np.asarray(table[:, column], dtype=np.float64)


def one_by_one(record: Record) -> str:
    """Return as Markdown in how many photographs the widest window leaves less: of a band, far from edges and near."""
    places = {"middle band of flat regions": count(record, band="middle")}
    for ring in (FAR, NEAR, SLOPE):
        first, last = RINGS[ring]
        places[f"whole error {first} to {last} pixels off edges"] = count(record, ring=ring)
    told = "; ".join(
        f"{words} {one.less} of {one.of} (median {wording.number(one.median, 0, signed=True)} %)"
        for words, one in places.items()
    )
    return (
        f"- **Photograph by photograph,** each the mean of its seeds: in how many of those that have such places "
        f"{label(WIDE)} leaves less than {label(BASE)}: {told}."
    )


def levels(record: Record) -> dict[str, np.ndarray]:
    """Return by loss how much the flat regions of each photograph that has any are too bright, mean over seeds."""
    column = record.settings["columns"].index("flat_bias")
    found = {
        arm: np.mean([record.scores[f"{run['job']}@test"][:, column] for run in _runs(record, arm)], axis=0)
        for arm in windows.arms_of(record)
    }
    known = np.all([np.isfinite(one) for one in found.values()], axis=0)
    return {arm: one[known].astype(np.float64) for arm, one in found.items()}


def level(record: Record) -> str:
    """Return as Markdown how far off the level of flat regions is, in thousandths of the range, in two groups."""
    found = levels(record)
    dark = found[BASE] < -DARK
    ends = [
        "; ".join(f"{label(arm)} {wording.number(1000 * mean(one), 1, signed=signed)}" for arm, one in found.items())
        for mean, signed in ((lambda one: one[dark].mean(), True), (lambda one: np.abs(one[~dark]).mean(), False))
    ]
    return (
        "- **Flat regions, their level:** output less clean, in thousandths of the range. "
        f"In {dark.sum()} of {len(dark)} photographs {label(BASE)} leaves them darker by more than {1000 * DARK:g}; "
        f"there {ends[0]}. In the others, the size of the error: {ends[1]}."
    )


def _ends(found: Interval, digits: int) -> str:
    mean, low, high = (wording.number(value, digits, signed=True) for value in found)
    return mean if low == wording.NOTHING else f"{mean} ({low} to {high})"
