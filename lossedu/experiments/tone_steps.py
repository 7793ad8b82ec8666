r"""How many steps a histogram loss needs: a monotone tone curve of eight pieces, fitted to one channel.

The curve is a broken line through 0 whose eight increments are :math:`e^{\theta_i}/8`, so that :math:`\theta = 0` is
the identity and every curve rises.  Its target is the same channel under another curve of the family: far away (a power
of 0.45), near (0.95), or far away for a channel of so little contrast that the histograms lie apart.  All losses
compare the same soft histograms: the cumulative ones by :math:`\ell_1`, which is the earth mover's distance, or bin by
bin by :math:`\ell_1` or :math:`\ell_2`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..losses import soft_histogram
from .tone_curves import BINS, WIDTH, as_images

PIECES = 8


class Start(NamedTuple):
    """The power that the target's curve passes through at the ends of its pieces, and the range of the channel."""

    power: float
    low: float = 0.0
    high: float = 1.0


#: From the last one the two histograms have next to nothing in common.
STARTS: Mapping[str, Start] = {"far": Start(0.45), "near": Start(0.95), "apart": Start(0.45, 0.05, 0.15)}

#: Loss, and kernel of the histogram.
SPEED_ARMS = tuple(f"{loss}_{kernel}" for kernel in ("logistic", "linear") for loss in ("cdf", "bins_l1", "bins_l2"))

#: Step sizes that are tried for each loss: quarters of decades.
RATES = (0.003, 0.0056, 0.01, 0.018, 0.03, 0.056, 0.1, 0.18, 0.3, 0.56, 1.0)

#: Exact distances that count as having arrived: this share of the first, and one bin.
SHARE, ONE_BIN = 0.1, 1 / BINS


def increments(power: float) -> Tensor:
    """Return theta of the curve that passes through t^power at the ends of its pieces, (PIECES,)."""
    ends = (torch.arange(PIECES + 1, dtype=torch.float64) / PIECES) ** power
    return (PIECES * ends.diff()).log()


def broken_line(x: Tensor, theta: Tensor) -> Tensor:
    """Return the curve of each row of pixels (R, P) in [0, 1] with its own increments (R, PIECES), unclipped."""
    steps = theta.exp()[:, None] / PIECES
    inside = (PIECES * x[:, :, None] - torch.arange(PIECES, dtype=x.dtype, device=x.device)).clamp(0, 1)
    return (inside * steps).sum(dim=2)


def histogram(x: Tensor, kernel: str) -> Tensor:
    """Return the soft histogram of rows of pixels, the logistic one with DeepHist's bandwidth and mirror terms."""
    width = WIDTH if kernel == "logistic" else None
    return soft_histogram(as_images(x), bins=BINS, kernel=kernel, bandwidth=width)[:, 0]


def comparison(y: Tensor, arm: str) -> Callable[[Tensor], Tensor]:
    """Return the loss of a loss's name against a target, (R, P) to (R,): means over the bins."""
    loss, _, kernel = arm.rpartition("_")
    known = histogram(y, kernel)

    def measure(x: Tensor) -> Tensor:
        difference = histogram(x.clamp(0, 1), kernel) - known
        if loss == "cdf":
            return difference.cumsum(dim=1).abs().mean(dim=1)
        return (difference.abs() if loss == "bins_l1" else difference.square()).mean(dim=1)

    return measure


def exact(x: Tensor, y: Tensor) -> Tensor:
    """Return W1 of rows of pixels, both clipped to the range, by sorting: (R,)."""
    return (x.clamp(0, 1).sort(dim=1).values - y.sort(dim=1).values).abs().mean(dim=1)


def descend(x: Tensor, arm: str, start: Start, rate: float, steps: int) -> Tensor:
    """Fit the curve with Adam at one step size and return the exact distance before each step and at the end.

    Shape (R, steps + 1), in units of the range.
    """
    x = start.low + (start.high - start.low) * x
    y = broken_line(x, increments(start.power).to(x).expand(len(x), -1)).clamp(0, 1)
    loss = comparison(y, arm)
    theta = torch.zeros(len(x), PIECES, dtype=x.dtype, device=x.device, requires_grad=True)
    # Bin-wise squares are tiny: the usual 1e-8 beside the root of their mean square would slow them down.
    optimizer = torch.optim.Adam([theta], lr=rate, eps=1e-16)
    path = []
    for _ in range(steps):
        optimizer.zero_grad()
        z = broken_line(x, theta)
        path.append(exact(z.detach(), y))
        loss(z).sum().backward()
        optimizer.step()
    path.append(exact(broken_line(x, theta.detach()), y))
    return torch.stack(path, dim=1)


def arrivals(path: Tensor, goal: Tensor | float) -> Tensor:
    """Return the step from which on each row of distances stays at its goal, the number of steps where none is.

    To pass by is no arrival: with large steps a curve may sweep over its target once, and not come back.
    """
    goal = torch.as_tensor(goal, dtype=path.dtype, device=path.device).reshape(-1, 1)
    steps = torch.arange(1, path.shape[1] + 1, device=path.device)
    return torch.where(path <= goal, 0, steps).amax(dim=1).clamp(max=path.shape[1] - 1)


def tune(x: Tensor, arm: str, start: Start, steps: int, rates: Sequence[float] = RATES) -> list[float]:
    """Return for each step size the mean number of steps until the distance stays within a tenth."""
    means = []
    for rate in rates:
        path = descend(x, arm, start, rate, steps)
        means.append(float(arrivals(path, SHARE * path[:, 0]).double().mean()))
    return means
