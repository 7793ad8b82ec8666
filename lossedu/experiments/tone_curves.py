r"""A tone curve fitted to one channel by its histogram alone: photographs, curves and conditions of `tone_fit`.

The curve is :math:`\hat x = b + a\,x^\gamma`, clipped to [0, 1], with b fixed at 0 where a condition has no lift; the
target is the same channel under a known curve, so the truth is a minimum of every loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from .. import data
from ..losses import histogram_emd_loss, soft_histogram

BINS = 256

#: DeepHist's bandwidth, in units of the range: bin width over 2.5.
WIDTH = 1 / (2.5 * BINS)

FIT_ARMS = ("printed", "plain", "mirror", "linear", "sort", "l2")


class Condition(NamedTuple):
    """How a channel is made dark, what its curve may do, and how it is searched for.

    `light` is the share of the light that is left, `black` the share of pixels that are exactly 0 (the darkest ones,
    cut off), `coded` whether channel and target have 8 bits; `lift` frees b, and `guard` is what the channel is raised
    to before the power, in the fitted curve alone.  `truth` is gamma, `width` the bandwidth in units of the range.
    """

    light: float = 0.1
    black: float = 0.0
    coded: bool = False
    lift: bool = False
    guard: float = 0.0
    truth: float = 0.6
    width: float = WIDTH
    rate: float = 0.03
    longer: int = 1
    arms: tuple[str, ...] = FIT_ARMS[1:]


_TWO = ("plain", "mirror")

CONDITIONS: Mapping[str, Condition] = {
    "dark": Condition(),
    "dark_lift": Condition(lift=True),
    "black": Condition(black=0.2),
    "black_lift": Condition(black=0.2, lift=True, arms=FIT_ARMS),
    "black_guard": Condition(black=0.2, guard=1e-3),
    "few_lift": Condition(black=0.05, lift=True, arms=_TWO),
    "many_lift": Condition(black=0.4, lift=True, arms=_TWO),
    "coded_lift": Condition(black=0.2, coded=True, lift=True, arms=_TWO),
    "bright_lift": Condition(light=1.0, black=0.2, lift=True, arms=_TWO),
    "night_lift": Condition(light=0.02, coded=True, lift=True, arms=_TWO),
    "wide_lift": Condition(black=0.2, lift=True, width=0.01, arms=_TWO),
    "darker_lift": Condition(black=0.2, lift=True, truth=1.6, arms=_TWO),
    "slow_lift": Condition(black=0.2, lift=True, rate=0.01, longer=3, arms=_TWO),
}


def channel(photograph: Tensor, condition: Condition, pixels: int, seed: int = 0) -> Tensor:
    """Return so many pixels of the green channel under a condition, in order: quantiles of all of them, (pixels,).

    Noise of one 8-bit step fills the gaps between stored values before anything else is done; where the condition has
    8 bits, the result is rounded.
    """
    green = photograph[:, 1:2]
    noise = torch.rand(green.shape, generator=torch.Generator().manual_seed(seed)) - 0.5
    light = data.darken((green + noise.to(green) / 255).clamp(0, 1), gain=condition.light)
    ordered = light.flatten().sort().values
    if condition.black:
        floor = ordered[int(condition.black * len(ordered)) - 1]
        ordered = (ordered - floor).clamp(min=0) / (1 - floor)
    if condition.coded:
        ordered = (255 * ordered).round() / 255
    places = (torch.arange(pixels, device=green.device) + 0.5) * (len(ordered) / pixels)
    return ordered[places.long()]


def curve(x: Tensor, parameters: Tensor) -> Tensor:
    """Return b + a x^gamma for rows of pixels (R, P) and their parameters gamma, a, b (R, 3); 0^gamma has slope 0."""
    gamma, gain, lift = parameters[:, :, None].unbind(dim=1)
    power = torch.where(x > 0, torch.exp(gamma * x.clamp(min=1e-30).log()), 0.0)
    return lift + gain * power


def target(x: Tensor, condition: Condition) -> Tensor:
    """Return the channel under the true curve."""
    y = x**condition.truth
    return (255 * y).round() / 255 if condition.coded else y


def as_images(x: Tensor) -> Tensor:
    """Return rows of pixels as images of one channel, one row of pixels each."""
    return x[:, None, None, :]


def printed_cumulative(x: Tensor, width: float) -> Tensor:
    """Return the cumulative sums of the plain logistic histogram, pixels outside the range where they are: (R, K)."""
    edges = torch.arange(BINS + 1, dtype=x.dtype, device=x.device) / BINS
    below = torch.sigmoid((edges - x[:, :, None]) / width).mean(dim=1)
    return below[:, 1:] - below[:, :1]


def cumulative(x: Tensor, arm: str, width: float = WIDTH) -> Tensor:
    """Return the cumulative soft histogram of rows of pixels by one of the logistic kernels, (R, K)."""
    if arm == "printed":
        return printed_cumulative(x, width)
    return soft_histogram(
        as_images(x), bins=BINS, kernel="logistic", bandwidth=width, mirror=arm == "mirror"
    )[:, 0].cumsum(dim=1)  # fmt: skip


def distance(y: Tensor, arm: str, width: float = WIDTH) -> Callable[[Tensor], Tensor]:
    """Return the loss against a target, a function of the curve's output before it is clipped: (R, P) to (R,)."""
    if arm == "l2":
        return lambda x: (x.clamp(0, 1) - y).square().mean(dim=1)
    if arm in ("linear", "sort"):
        return lambda x: histogram_emd_loss(
            as_images(x.clamp(0, 1)), as_images(y), bins=BINS, kernel=arm, reduction="none"
        )
    known = cumulative(y, arm, width)
    if arm == "printed":
        return lambda x: (cumulative(x, arm, width) - known).abs().mean(dim=1)
    return lambda x: (cumulative(x.clamp(0, 1), arm, width) - known).abs().mean(dim=1)


def fit(x: Tensor, condition: Condition, arm: str, steps: int) -> tuple[Tensor, Tensor]:
    """Fit the curve to rows of pixels, each by itself, from the identity: Adam, the step falling as a half cosine.

    Returns the parameters, (R, 3), and the mean error of the clipped output in 8-bit steps, (R,).
    """
    y, seen = target(x, condition), x.clamp(min=condition.guard)
    loss = distance(y, arm, condition.width)
    parameters = torch.tensor([1.0, 1.0, 0.0], dtype=x.dtype, device=x.device).repeat(len(x), 1).requires_grad_()
    free = torch.tensor([1.0, 1.0, float(condition.lift)], dtype=x.dtype, device=x.device)
    optimizer = torch.optim.Adam([parameters], lr=condition.rate, eps=1e-12)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps * condition.longer)
    for _ in range(steps * condition.longer):
        optimizer.zero_grad()
        loss(curve(seen, parameters)).sum().backward()
        if parameters.grad is not None:
            parameters.grad *= free
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        off = (curve(seen, parameters).clamp(0, 1) - y).abs().mean(dim=1)
    return parameters.detach(), 255 * off
