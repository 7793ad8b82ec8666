"""What the runs of `sigma_sensitivity` left behind: in flat regions, by band, and beside edges, by distance."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from ..experiments.residuals import BANDS
from ..experiments.sigma_sensitivity import ARMS, BESIDE_EDGES
from ..figures import chart, interval, loss_style
from ..ledger.evidence import Nets, entries, left_out, paired, pooled, seed_values
from ..records import Record
from ..statistics import Interval
from . import wording
from .wording import label

TASK = "dd"


def band_values(record: Record, arm: str, band: str) -> dict[int, float]:
    """Return by seed the root mean square of a band of the residual in flat regions; all test pictures weigh alike."""
    return seed_values(record, TASK, arm, f"flat_{band}", pool="rms")


def ring_values(record: Record, arm: str, ring: int) -> dict[int, float]:
    """Return by seed the root mean square of the residual at one class of distances; all test pictures weigh alike."""
    counted = [entry for entry in entries(record, Nets(arm, TASK)) if left_out(entry) is None]
    tables = {entry["seed"]: record.scores[f"{entry['job']}/{BESIDE_EDGES}"] for entry in counted}
    return {seed: pooled(table[:, ring].astype(np.float64), "rms") for seed, table in sorted(tables.items())}


def band_change(record: Record, band: str, arm: str, base: str) -> Interval:
    """Return by how many percent a loss leaves more of a band in flat regions than another, with its interval."""
    pair = Nets(arm, TASK), Nets(base, TASK)
    return _interval(paired(record, *pair, f"flat_{band}", how="percent", pool="rms").values)


def ring_change(record: Record, ring: int, arm: str, base: str) -> Interval:
    """Return by how many percent a loss leaves more at a class of distances than another, with its interval."""
    here, there = ring_values(record, arm, ring), ring_values(record, base, ring)
    return _interval({seed: 100 * (here[seed] / there[seed] - 1) for seed in here if seed in there})


def _interval(values: dict[int, float]) -> Interval:
    return wording.estimate(list(values.values()))


def arms_of(record: Record) -> list[str]:
    """Return the losses of a record, in their order."""
    there = {run["arm"] for run in record.runs}
    return [arm for arm in ARMS if arm in there]


def rings_of(record: Record) -> list[tuple[int, int, int]]:
    """Return number, first and last pixel of each class of distances, but for the one under the edge's own slope."""
    return [(k, first, last) for k, (first, last) in enumerate(record.settings["rings"])][1:]


def table(record: Record) -> str:
    """Return the pooled numbers as a Markdown table, mean over seeds."""
    nearest, first, last = rings_of(record)[0]
    columns: dict[str, tuple[Callable[[str], dict[int, float]], float, int]] = {
        "PSNR (dB)": (lambda arm: seed_values(record, TASK, arm, "psnr"), 1, 2),
        "SSIM": (lambda arm: seed_values(record, TASK, arm, "ssim"), 1, 4),
    }
    for name in BANDS:
        columns[f"flat, {name} (10⁻³)"] = (lambda arm, name=name: band_values(record, arm, name), 1000, 2)  # type: ignore[misc]
    beside = f"whole error, {first}–{last} px off edges (10⁻³)"
    columns[beside] = (lambda arm: ring_values(record, arm, nearest), 1000, 2)
    rows = [
        [label(arm), *(_mean(values(arm), factor, digits) for values, factor, digits in columns.values())]
        for arm in arms_of(record)
    ]
    return "\n\n".join([wording.markdown_table(["loss", *columns], rows), *_gaps(record)])


def _gaps(record: Record) -> list[str]:
    return [" ".join(said)] if (said := wording.losses_left_out(record.runs) + wording.unfinished(record)) else []


def _mean(values: dict[int, float], factor: float, digits: int) -> str:
    return wording.number(factor * float(np.mean(list(values.values()))) if values else math.nan, digits)


def draw_bands(record: Record) -> Figure:
    """Draw the residual in flat regions, one panel a band, one point a seed with the interval of the mean."""
    figure, axes = chart(len(BANDS), height=360)
    arms = arms_of(record)
    for ax, (name, (short, long)) in zip(axes, BANDS.items(), strict=True):
        for place, arm in enumerate(arms):
            wording.dots(ax, place, [1000 * value for value in band_values(record, arm, name).values()], arm)
        limits = f"below {long:g} px" if short is None else f"{short:g} to {long:g} px"
        ax.set(title=f"{name}, {limits}", xticks=range(len(arms)))
        ax.set_xticklabels([label(arm) for arm in arms], rotation=45)
        ax.margins(y=0.15)
        ax.set_xlim(-0.7, len(arms) - 0.3)
    axes[0].set_ylabel("residual, flat regions (10⁻³)")
    wording.remark(figure, _gaps(record))
    return figure


def draw_rings(record: Record, base: str = "ssim_1") -> Figure:
    """Draw the residual by distance from the nearest strong edge, in percent above that of `base`, paired by seed."""
    figure, (ax,) = chart(height=400)
    arms = [arm for arm in arms_of(record) if arm.startswith("ssim") and arm != base]
    rings = rings_of(record)
    for which, arm in enumerate(arms):
        for place, (ring, _, _) in enumerate(rings):
            found = ring_change(record, ring, arm, base)
            shift, text = 12 * (which - (len(arms) - 1) / 2), label(arm) if place == 0 else ""
            if math.isfinite(found.low):
                interval(ax, place, *found, arm, shift=shift, label=text)
            elif math.isfinite(found.mean):  # too few seeds for an interval
                wording.dots(ax, place, [found.mean], arm, shift=shift, text=text)
    ax.axhline(0, color=loss_style(base)["color"], linewidth=2, label=label(base))
    ax.set(
        xticks=range(len(rings)),
        xlabel="distance from the nearest strong edge (pixels)",
        ylabel=f"residual above {label(base)} (%)",
    )
    ax.set_xticklabels([f"{first}–{last}" for _, first, last in rings])
    ax.legend()
    wording.remark(figure, _gaps(record))
    return figure


def findings(record: Record) -> str:
    """Return, as Markdown, what the record says of the claim: each half with its interval and what follows from it."""
    lines = []
    arms = arms_of(record)
    wide = [arm for arm in arms if arm.startswith("ssim")]
    steps = [*zip(wide[1:], wide, strict=False), (wide[-1], wide[0])]
    steps += [("l2", wide[0])] if "l2" in arms else []
    for name in BANDS:
        parts = [
            f"{label(arm)} against {label(base)} {_percent(band_change(record, name, arm, base))}"
            for arm, base in dict.fromkeys(steps)
        ]
        lines.append(f"- **Flat regions, {name} band:** " + "; ".join(parts) + ".")
    parts = [
        f"{first} to {last} pixels away {_percent(ring_change(record, ring, wide[-1], wide[0]))}"
        for ring, first, last in rings_of(record)
    ]
    head = f"- **Around edges, whole error,** {label(wide[-1])} against {label(wide[0])}: "
    lines.append(head + "; ".join(parts) + ".")
    return "\n\n".join(["\n".join(lines), *_gaps(record)])


def _percent(found: Interval) -> str:
    """Return a difference as "−25 % (−35 to −16: less)", with the word that the interval allows."""
    mean, low, high = (wording.number(value, _decimals(value), signed=True) for value in found)
    if low == wording.NOTHING:
        return f"{mean} % (too few seeds)"
    word = "less" if found.high < 0 else "more" if found.low > 0 else "open"
    return f"{mean} % ({low} to {high}: {word})"


def _decimals(value: float) -> int:
    """Return how many decimals keep a percentage that is not 0 from reading as if it were: mostly none."""
    small = 0 < abs(value) < 0.5
    return min(3, math.ceil(-math.log10(2 * abs(value)))) if small else 0
