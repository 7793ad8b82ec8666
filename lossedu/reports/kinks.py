"""How noise in the target rounds the kink of the absolute error, from the formula of its mean."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from ..figures import chart, loss_style
from ..figures.style import FAINT

#: What the pixel of chapter 1 may be, and how likely that is.
VALUES, WEIGHTS = (0.1, 0.7), (0.6, 0.4)


def mean_size(answer: float, spread: float) -> float:
    """Return E|answer - Y - n| of the pixel of chapter 1, for Gaussian noise n of that standard deviation."""
    total = 0.0
    for value, weight in zip(VALUES, WEIGHTS, strict=True):
        off = abs(answer - value)
        if spread:
            near = off / (spread * math.sqrt(2))
            off = off * math.erf(near) + spread * math.sqrt(2 / math.pi) * math.exp(-near * near)
        total += weight * off
    return total


def draw_rounded(spreads: tuple[float, ...] = (0.0, 0.2, 0.4)) -> Figure:
    """Draw the mean absolute error by answer, above its least, for several strengths of the noise; marks: the least."""
    figure, (ax,) = chart(height=320)
    answers, style = np.linspace(-0.1, 0.9, 1001), loss_style("l1")
    for spread, dashes in zip(spreads, ("-", (0, (5, 1.5)), (0, (1.2, 1.2))), strict=True):
        costs = np.array([mean_size(float(answer), spread) for answer in answers])
        text = f"noise of {spread:g}" if spread else "no noise"
        ax.plot(answers, costs - costs.min(), color=style["color"], linestyle=dashes, label=text)
        ax.plot(answers[costs.argmin()], 0, style["marker"], color=style["color"])
    mean = sum(value * weight for value, weight in zip(VALUES, WEIGHTS, strict=True))
    ax.axvline(mean, color=FAINT, linewidth=1, linestyle=":")
    ax.set(xlabel="answer (dotted: the mean)", ylabel=r"mean of $\ell_1$, above its least", xticks=(0.1, 0.34, 0.7))
    ax.legend(loc="upper center")
    return figure
