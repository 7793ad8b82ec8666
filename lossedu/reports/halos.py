r"""Beside edges: how the lead of wide windows of SSIM changes with the distance, and what of the error is noise.

The error of a network has parts that a change of the noise does not touch, as a tint, or detail that is lost.  They
are equal in two outputs for the same picture under two draws of noise, and drop out of the difference.  So the
difference over :math:`\sqrt2` is noise.  The networks are those that the record keeps, one of each window, and the
pictures are the photographs of this book, at half size as those of the record.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from matplotlib.figure import Figure
from torch import Tensor

from .. import data
from ..experiments import keepsakes
from ..experiments.residuals import RINGS, by_distance
from ..experiments.tasks import Network, restore
from ..figures import chart
from ..figures.style import FAINT
from ..ledger.evidence import Nets, paired, seed_values
from ..records import Record
from ..statistics import Interval
from . import windows, wording
from .windows import TASK
from .wording import label

#: The window that another is compared with, and the widest.
BASE, WIDE = "ssim_1", "ssim_9"

#: Numbers of classes of distances in `RINGS`: under the edge's own slope, just off it, and well off it.
SLOPE, NEAR, FAR = 0, 1, 3

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


def changes(record: Record, pictures: Mapping[str, Tensor], arm: str = WIDE, base: str = BASE) -> dict[str, Errors]:
    """Return by how many percent the kept network of one loss leaves more than that of another, by picture."""
    networks = [keepsakes.network(record, name) for name in (arm, base)]
    found = {}
    for name, picture in pictures.items():
        here, there = (errors(network, picture) for network in networks)
        pairs = (zip(*parts, strict=True) for parts in zip(here, there, strict=True))
        found[name] = Errors(*([100 * (a / b - 1) for a, b in part] for part in pairs))
    return found


def draw(found: Mapping[str, Errors], arm: str = WIDE, base: str = BASE) -> Figure:
    """Draw the whole error and the noise by distance from edges, in percent above another loss, a line a picture."""
    figure, axes = chart(2, height=420, sharey=True)
    for ax, part, title in zip(axes, Errors._fields, ("the whole error", "noise alone"), strict=True):
        for (name, one), mark in zip(found.items(), _MARKS, strict=False):
            look: dict[str, Any] = {"color": "0.35", "lw": 1, "marker": mark, "ms": 6, "markerfacecolor": "white"}
            ax.plot(range(len(RINGS)), getattr(one, part), label=name.replace("_", " "), **look)
        ax.axhline(0, color=FAINT, lw=2)
        ax.set(title=title, xlabel="pixels from the nearest strong edge")
        ax.set_xticks(range(len(RINGS)), [f"{first}–{last}" for first, last in RINGS])
    axes[0].set_ylabel(f"{label(arm)} above {label(base)} (%)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize="small")
    return figure


def sentence(found: Mapping[str, Errors], classes: Sequence[int] = (NEAR, FAR, len(RINGS) - 1)) -> str:
    """Return as Markdown from where to where whole error and noise of the pictures lie, at some distances."""
    lines = []
    for part, words in zip(Errors._fields, ("The whole error", "Noise alone"), strict=True):
        told = []
        for k in classes:
            known = sorted(value for one in found.values() if math.isfinite(value := getattr(one, part)[k]))
            ends = " to ".join(wording.number(value, 0, signed=True) for value in (known[0], known[-1]))
            told.append(f"{RINGS[k][0]} to {RINGS[k][1]} pixels away {ends} % ({len(known)} photographs)")
        lines.append(f"- **{words},** {label(WIDE)} over {label(BASE)}: {'; '.join(told)}.")
    return "\n".join(lines)


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


def level(record: Record) -> str:
    """Return as Markdown by how much flat regions are too bright or too dark, in thousandths of the range."""
    arms = windows.arms_of(record)
    means, sizes = (
        [_mean(seed_values(record, TASK, arm, "flat_bias", pool=pool)) for arm in arms] for pool in ("mean", "rms")
    )
    told = "; ".join(
        f"{label(arm)} {wording.number(mean, 1, signed=True)} and {wording.number(size, 1)}"
        for arm, mean, size in zip(arms, means, sizes, strict=True)
    )
    gaps = [level_change(record, pool) for pool in ("mean", "rms")]
    return (
        "- **Flat regions, their level:** output less clean, in thousandths of the range, mean over the photographs "
        f"and root mean square: {told}. {label(WIDE)} less {label(BASE)}: {_ends(gaps[0], 1)} and {_ends(gaps[1], 1)}."
    )


def level_change(record: Record, pool: str) -> Interval:
    """Return how much the error of the level of flat regions is larger with the widest window, paired by seed."""
    found = paired(record, Nets(WIDE, TASK), Nets(BASE, TASK), "flat_bias", how="difference", pool=pool)
    return wording.estimate([1000 * value for value in found.values.values()])


def _mean(values: Mapping[int, float]) -> float:
    return 1000 * sum(values.values()) / len(values) if values else math.nan


def _ends(found: Interval, digits: int) -> str:
    mean, low, high = (wording.number(value, digits, signed=True) for value in found)
    return mean if low == wording.NOTHING else f"{mean} ({low} to {high})"
