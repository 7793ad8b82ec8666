"""What the recorded `sigma_sensitivity` runs say: pooled numbers, paired intervals, figures."""

from __future__ import annotations

import math
from typing import Any

from ..figures import chart, interval, loss_style, seed_dots
from ..records import Record
from ..statistics import Interval, t_interval
from .residuals import BANDS, RINGS


def pooled(record: Record, measure: str, ring: int | None = None) -> dict[str, list[float]]:
    """Return for each loss one number a seed, pooled over the test pictures; networks that ran away are left out.

    `measure` is a key of `residuals.measure`.  Bands are pooled over flat pixels (root mean square), rings over
    pictures (root mean square of the class `ring` of `RINGS`), everything else is a mean over pictures.
    """
    return {loss: list(by_seed.values()) for loss, by_seed in _by_seed(record, measure, ring).items()}


def _by_seed(record: Record, measure: str, ring: int | None) -> dict[str, dict[int, float]]:
    result: dict[str, dict[int, float]] = {}
    for run in sorted(record.runs, key=lambda run: run["seed"]):
        if "images" in run and not run["ran_away"]:
            result.setdefault(run["loss"], {})[run["seed"]] = _pool(list(run["images"].values()), measure, ring)
    return result


def _pool(images: list[dict[str, Any]], measure: str, ring: int | None) -> float:
    if ring is not None:
        values = [image[measure][ring] for image in images if image[measure][ring] is not None]
        return math.sqrt(sum(value**2 for value in values) / len(values))
    known = [image for image in images if image[measure] is not None]
    if measure.removeprefix("flat_") in BANDS:
        pixels = sum(image["flat_pixels"] for image in known)
        return math.sqrt(sum(image["flat_pixels"] * image[measure] ** 2 for image in known) / pixels)
    return float(sum(image[measure] for image in known) / len(known))


def difference(record: Record, measure: str, loss: str, base: str, ring: int | None = None) -> Interval:
    """Return the 95 % t interval over seeds of how much `loss` lies above `base`, in percent of `base`.

    Each seed is compared with itself; one whose network ran away under either loss is left out.
    """
    values = _by_seed(record, measure, ring)
    here, there = values[loss], values[base]
    return t_interval([100 * (here[seed] / there[seed] - 1) for seed in here if seed in there])


def table(record: Record) -> str:
    """Return the pooled numbers as a Markdown table, mean over seeds."""
    head = ["loss", "PSNR (dB)", "SSIM", *(f"flat, {name} (10⁻³)" for name in BANDS), "beside edges, 3–4 px (10⁻³)"]
    columns = [pooled(record, "psnr"), pooled(record, "ssim"), *(pooled(record, f"flat_{name}") for name in BANDS)]
    columns.append(pooled(record, "ring", 1))
    formats = [(1, 2), (1, 4), *[(1000, 2)] * len(BANDS), (1000, 2)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for loss in columns[0]:
        cells = [
            f"{factor * sum(column[loss]) / len(column[loss]):.{digits}f}"
            for column, (factor, digits) in zip(columns, formats, strict=True)
        ]
        lines.append("| " + " | ".join([loss_style(loss)["label"], *cells]) + " |")
    return "\n".join(lines)


def draw_bands(record: Record) -> Any:
    """Draw the residual in flat regions, one panel a band, one point a seed with the interval of the mean."""
    figure, axes = chart(len(BANDS), height=360)
    for ax, (name, (short, long)) in zip(axes, BANDS.items(), strict=True):
        losses = pooled(record, f"flat_{name}")
        for place, (loss, values) in enumerate(losses.items()):
            seed_dots(ax, place, [1000 * value for value in values], loss)
        limits = f"below {long:g} px" if short is None else f"{short:g} to {long:g} px"
        ax.set(title=f"{name}, {limits}", xticks=range(len(losses)))
        ax.set_xticklabels([loss_style(loss)["label"] for loss in losses], rotation=45)
        ax.margins(y=0.15)
        ax.set_xlim(-0.7, len(losses) - 0.3)
    axes[0].set_ylabel("residual, flat regions (10⁻³)")
    return figure


def draw_rings(record: Record, base: str = "ssim_1") -> Any:
    """Draw the residual by distance from the nearest strong edge, in percent above that of `base`, paired by seed."""
    figure, (ax,) = chart(height=400)
    # The first class lies under the slope of the edge itself: hardly a quiet pixel there.
    classes = range(1, len(RINGS))
    for shift, loss in zip((-6, 6), ("ssim_3", "ssim_9"), strict=True):
        for place, ring in enumerate(classes):
            mean, low, high = difference(record, "ring", loss, base, ring)
            interval(ax, place, mean, low, high, loss, shift=shift, label=None if place == 0 else "")
    ax.axhline(0, color=loss_style(base)["color"], linewidth=2, label=loss_style(base)["label"])
    ax.set(
        xticks=range(len(classes)),
        xlabel="distance from the nearest strong edge (pixels)",
        ylabel="residual above SSIM$_1$ (%)",
    )
    ax.set_xticklabels([f"{RINGS[ring][0]}–{RINGS[ring][1]}" for ring in classes])
    ax.legend()
    return figure


def draw_course(record: Record, block: int = 100) -> Any:
    """Draw the training loss of every run of a record, in means of `block` steps."""
    figure, (ax,) = chart(height=360)
    labelled: set[str] = set()
    for run in record.runs:
        style = loss_style(run["loss"]) | {"marker": ""}
        if run["loss"] in labelled:
            style["label"] = ""
        labelled.add(run["loss"])
        ax.semilogy([block * (k + 0.5) for k in range(len(run["history"]))], run["history"], **style)
    ax.set(xlabel="step", ylabel="training loss, 1 − SSIM")
    ax.legend()
    return figure


def findings(record: Record) -> str:
    """Return, as Markdown, what the record says of the claim: each half with its interval and what follows from it."""
    lines = []
    for name in BANDS:
        steps = (("ssim_3", "ssim_1"), ("ssim_9", "ssim_3"), ("l2", "ssim_1"))
        parts = [
            f"{_name(loss)} against {_name(base)} {_percent(record, f'flat_{name}', loss, base)}"
            for loss, base in steps
        ]
        lines.append(f"- **Flat regions, {name} band:** " + "; ".join(parts) + ".")
    parts = [
        f"{RINGS[ring][0]} to {RINGS[ring][1]} pixels away {_percent(record, 'ring', 'ssim_9', 'ssim_1', ring)}"
        for ring in range(1, len(RINGS))
    ]
    lines.append(f"- **Around edges,** {_name('ssim_9')} against {_name('ssim_1')}: " + "; ".join(parts) + ".")
    return "\n".join(lines)


def _name(loss: str) -> str:
    return str(loss_style(loss)["label"])


def _percent(record: Record, measure: str, loss: str, base: str, ring: int | None = None) -> str:
    """Return a difference as "-25 % (-35 to -16, less)", with the word that the interval allows."""
    mean, low, high = difference(record, measure, loss, base, ring)
    word = "less" if high < 0 else "more" if low > 0 else "open"
    return f"{mean:+.0f} % ({low:+.0f} to {high:+.0f}: {word})"
