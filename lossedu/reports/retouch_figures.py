"""Figures 3, 5 and 6 of Mustafa et al. (2022) made again, from the records of networks that retouch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .. import histogram_emd_loss
from ..experiments import retouch_pairs, retouching
from ..experiments.retouching import KEPT, KEPT_PHOTOGRAPH, KEPT_TASK
from ..figures import chart, image_strip, loss_style
from ..figures.style import FAINT
from ..ledger.evidence import INPUT, entries, images, left_out
from ..ledger.evidence import Nets as Networks
from ..records import Record
from .retouching import NAMES, TITLES, arms_of, testset
from .wording import markdown_table

#: Arms of the figures; the colour of the last is borrowed, and its line style is its own.
DRAWN = ("l2", "vgg", "ssim", "printed", "unit_mirror")


def strip(record: Record, arms: Sequence[str] = KEPT) -> Figure:
    """Draw a photograph untouched and retouched, and what the networks of seed 0 make of it."""
    pair = retouch_pairs.shown(KEPT_PHOTOGRAPH)
    pictures = [pair.x, pair.y, *(retouching.picture(record, KEPT_TASK, KEPT_PHOTOGRAPH, arm) for arm in arms)]
    titles = ["untouched", "target", *(NAMES[arm][0] for arm in arms)]
    return image_strip([picture[..., 36:, 28:118] for picture in pictures], titles, columns=3, zoom=2)


def histograms_shown(record: Record, arms: Sequence[str], bins: int = 64) -> dict[str, np.ndarray]:
    """Return the histograms of the target and of the networks' pictures: arm -> (3, bins), each row adding up to 1."""
    kept = {arm: retouching.picture(record, KEPT_TASK, KEPT_PHOTOGRAPH, arm) for arm in arms}
    edges = np.linspace(0, 1, bins + 1)
    return {
        arm: np.stack([np.histogram(channel.numpy(), edges)[0] / channel.numel() for channel in picture[0]])
        for arm, picture in {"target": retouch_pairs.shown(KEPT_PHOTOGRAPH).y, **kept}.items()
    }


def distances(record: Record, arms: Sequence[str] = KEPT) -> str:
    """Return as Markdown how far the histograms of the pictures of `strip` are from the target's: exact EMD."""
    pair = retouch_pairs.shown(KEPT_PHOTOGRAPH)
    pictures = {"untouched": pair.x}
    pictures |= {NAMES[arm][0]: retouching.picture(record, KEPT_TASK, KEPT_PHOTOGRAPH, arm) for arm in arms}
    found = [float(histogram_emd_loss(picture, pair.y, kernel="sort")) for picture in pictures.values()]
    return markdown_table(["picture", *pictures], [["1000 EMD", *(f"{1000 * one:.0f}" for one in found)]])


def figure3(record: Record, arms: Sequence[str] = ("l2", "printed")) -> Figure:
    """Draw the histograms of a photograph's target and of what networks of seed 0 make of it, one panel a channel."""
    found = histograms_shown(record, arms)
    figure, axes = chart(3, height=330)
    bins = found["target"].shape[1]
    centres = (np.arange(bins) + 0.5) / bins
    for channel, (ax, colour) in enumerate(zip(axes, ("red", "green", "blue"), strict=True)):
        ax.fill_between(centres, 100 * found["target"][channel], step="mid", color=FAINT, alpha=0.35, label="target")
        for arm in arms:
            style = loss_style(NAMES[arm][1])
            ax.step(centres, 100 * found[arm][channel], where="mid", color=style["color"], label=NAMES[arm][0], lw=1.5)
        ax.set(title=colour, xlabel="value", xlim=(0, 1))
    axes[0].set_ylabel("pixels (%)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=1 + len(arms))
    return figure


def mean_curves(record: Record, task: str, arm: str) -> np.ndarray:
    """Return the tone curve of each seed, mean over the pictures that the ramp stood in: (seeds, points)."""
    runs = [run for run in entries(record, Networks(arm, task)) if left_out(run) is None]
    return np.stack([record.scores[f"{run['job']}@curve"].astype(np.float64).mean(axis=0) for run in runs])


def figure5(record: Record, arms: Sequence[str] = DRAWN, tasks: Sequence[str] = ("certain", "moody")) -> Figure:
    """Draw what becomes of a ramp of grey: mean over pictures and seeds, their range, and the retoucher's."""
    figure, axes = chart(len(tasks), height=400)
    for ax, task in zip(axes, tasks, strict=True):
        own = mean_curves(record, task, INPUT)[0]
        x = np.linspace(0, 1, len(own))
        ax.plot(x, own, color=FAINT, linewidth=6, alpha=0.4, label="retoucher")
        for arm in [arm for arm in arms if arm in arms_of(record, task)]:
            curves, look = mean_curves(record, task, arm), _look(arm)
            ax.plot(x, curves.mean(axis=0), label=NAMES[arm][0], **look)
            ax.fill_between(x, curves.min(axis=0), curves.max(axis=0), color=look["color"], alpha=0.15, linewidth=0)
        ax.set(title=TITLES[task], xlabel="grey in the input", xlim=(0, 1), ylim=(0, 1.05))
    axes[0].set_ylabel("grey in the output")
    axes[-1].legend(loc="lower right")
    return figure


def _look(arm: str) -> dict[str, Any]:
    style = loss_style(NAMES[arm][1])
    return {"color": style["color"], "linestyle": style["linestyle"]}


def per_picture(record: Record, task: str, arm: str) -> np.ndarray:
    """Return the PSNR of every picture, mean over seeds; of views, which differ from seed to seed, all of them."""
    runs = [run for run in entries(record, Networks(arm, task)) if left_out(run) is None]
    tables = [images(record, run, Networks(arm), "psnr", testset(task)) for run in runs]
    return np.concatenate(tables) if task == "hdr" else np.mean(tables, axis=0)


def figure6(record: Record, arms: Sequence[str] = DRAWN) -> Figure:
    """Draw the PSNR of single pictures by loss and task as violins, with mean (+) and fifth percentile (×)."""
    tasks = [task for task in TITLES if arms_of(record, task)]
    figure, axes = chart(len(tasks), height=420)
    for ax, task in zip(axes, tasks, strict=True):
        there = [arm for arm in (INPUT, *arms) if arm in arms_of(record, task)]
        for place, arm in enumerate(there):
            _violin(ax, place, per_picture(record, task, arm), _look(arm)["color"])
        ax.set_xticks(range(len(there)), [NAMES[arm][0] for arm in there], rotation=40, ha="right", fontsize=10)
        ax.set(title=TITLES[task])
    axes[0].set_ylabel("PSNR (dB)")
    return figure


def _violin(ax: Axes, place: float, found: np.ndarray, color: str) -> None:
    parts = ax.violinplot([found], [place], widths=0.8, showextrema=False)
    for body in parts["bodies"]:  # type: ignore[attr-defined]
        body.set(facecolor=color, alpha=0.35, edgecolor=color)
    ax.plot(place, found.mean(), "+", color=color, ms=11, mew=2)
    ax.plot(place, np.quantile(found, 0.05), "x", color=color, ms=8, mew=2)
