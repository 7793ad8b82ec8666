"""The four meanings of one blur: windows, what they let through, and what they leave of the texture of photographs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from .. import data, gaussian_blur
from ..figures import chart, loss_style
from ..figures.style import FAINT
from ..filters import blur_with, color_window, gaussian_window
from .wording import markdown_table, number

#: Meaning -> what it is called, and the loss whose look it has in figures.
MEANINGS: Mapping[str, tuple[str, str]] = {
    "wespe": ("as printed: variance 3", "l2"),
    "std3": ("as it is read: σ = 3", "l1"),
    "dped": ("DPED's code", "ms_ssim"),
    "eleven": ("a port of WESPE: σ = 3, 11 taps", "mix"),
}

#: Photographs of the package, and the blur that leaves what is no fine texture, in pixels.
PHOTOGRAPHS, COARSE = ("astronaut", "chelsea", "coffee", "rocket"), 8.0


class Facts(NamedTuple):
    """Taps, standard deviation and half-amplitude period in pixels, and the share of fine texture's energy left."""

    taps: int
    deviation: float
    period: float
    left: float


def window(meaning: str) -> np.ndarray:
    """Return the one-dimensional window, float64, summing to 1."""
    return (gaussian_window(3.0, 11) if meaning == "eleven" else color_window(meaning)).numpy()


def response(meaning: str, frequencies: np.ndarray) -> np.ndarray:
    r"""Return what the window makes of a cosine along a row, :math:`\sum_k w_k \cos 2\pi f k`."""
    taps = window(meaning)
    offsets = np.arange(len(taps)) - len(taps) // 2
    return np.cos(2 * math.pi * np.asarray(frequencies)[:, None] * offsets) @ taps


def facts(meaning: str, names: Sequence[str] = PHOTOGRAPHS) -> Facts:
    """Return what is known of a meaning of the blur; the share is a mean over photographs.

    Fine texture is what a blur of `COARSE` takes away; its energy is the mean square.
    """
    taps = window(meaning)
    offsets = np.arange(len(taps)) - len(taps) // 2
    low, high = 1e-4, 0.5  # the first frequency at which half is left
    grid = np.linspace(low, high, 20001)
    half = float(grid[np.argmax(response(meaning, grid) < 0.5)])
    shares = []
    for name in names:
        x = data.photograph(name).double()
        fine = x - gaussian_blur(x, COARSE)
        kept = blur_with(fine, gaussian_window(3.0, 11) if meaning == "eleven" else color_window(meaning), "reflect")
        shares.append(float(kept.square().mean() / fine.square().mean()))
    return Facts(len(taps), float(np.sqrt((taps * offsets**2).sum())), 1 / half, float(np.mean(shares)))


def kernels() -> Figure:
    """Draw the windows of the four meanings, and what they let through by frequency."""
    figure, (left, right) = chart(2, height=380)
    frequencies = np.linspace(0, 0.25, 501)
    for meaning, (name, look) in MEANINGS.items():
        style = loss_style(look) | {"label": name}
        taps = window(meaning)
        left.plot(np.arange(len(taps)) - len(taps) // 2, taps, **style | {"markersize": 3.5})
        right.plot(frequencies, response(meaning, frequencies), **style | {"marker": ""})
    right.axhline(0, color=FAINT, linewidth=0.8)
    right.axhline(0.5, color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)))
    left.set(title="window", xlabel="offset (pixels)", ylabel="weight")
    right.set(
        title="what it lets through", xlabel="frequency (cycles per pixel)", ylabel="amplitude left", xlim=(0, 0.25)
    )
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def kernels_table(names: Sequence[str] = PHOTOGRAPHS) -> str:
    """Return as Markdown the facts of the four meanings, and the largest amplitude that passes above an eighth."""
    rows = []
    for meaning, (name, _) in MEANINGS.items():
        found = facts(meaning, names)
        fine = float(np.abs(response(meaning, np.linspace(0.125, 0.5, 3001))).max())
        rows.append(
            [
                name,
                str(found.taps),
                number(found.deviation, 2),
                number(found.period, 1),
                number(found.left, 2),
                number(1000 * fine, 1),
            ]
        )
    head = ["meaning", "taps", "sd (px)", "half left at (px)", "fine texture left (energy)", "1000 × most below 8 px"]
    note = (
        f"Fine texture: a photograph less its blur with σ = {COARSE:g}; mean over {len(names)} photographs. Half left: "
        "the period of a cosine whose amplitude is halved. Last column: the largest amplitude that is left of a cosine "
        "along a row with a period below 8 pixels, in thousandths."
    )
    return markdown_table(head, rows) + "\n\n" + note
