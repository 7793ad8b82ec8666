r"""The scene of the explorable on histogram EMD: one photograph, two settings of its tones, and what the loss does.

The page computes the same numbers with the same formulas; a test holds the two together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from .. import _validate, data
from ..losses.histogram import histogram_emd_loss
from .draws import draws

#: Side of the picture in pixels, and the upper left corner of the crop in the photograph, halved twice.
SIZE, PLACE = 64, (42, 48)
#: Seed of what rounding took from the photograph.
SEED = 5
#: Bins of the histograms, in the loss.
BINS = 256
#: Where the slider of the bandwidth begins and ends: width of a bin over the bandwidth.
RATIOS = (2.5, 1000.0)
#: A pixel feels the loss if it is pulled more than this; 1 is what the exact distance gives it.
FELT = 1e-3
#: How far a pixel of pull 1 goes in one step, and what counts as moved: half a grey level.
STEP, MOVED = 0.02, 0.5 / 255
#: A pixel at most this bright is black: rounding may leave a little more than 0.
BLACK = 1e-12
#: What the loss may be.
KERNELS = ("sort", "linear", "logistic")


class Tones(NamedTuple):
    r"""How a photograph's tones are changed: :math:`x = g\,p^\gamma + s`, cut off at 0 and 1; g is 2 to the `gain`."""

    shift: float = 0.0
    gain: float = 0.0
    gamma: float = 1.0

    def __call__(self, photo: Tensor) -> Tensor:
        """Return the photograph with these tones."""
        return (2.0**self.gain * photo**self.gamma + self.shift).clamp(0, 1)


def crop() -> Tensor:
    """Return sky, rocket and lights of the photograph "rocket", (64, 64), in whole numbers from 0 to 255."""
    quarter = data.downsample2(data.downsample2(data.photograph("rocket", gray=True).double()))
    return (data.crop(quarter, *PLACE, SIZE) * 255).round()[0, 0].to(torch.uint8)


def photo() -> Tensor:
    """Return the photograph with a random fraction of a grey level added, (1, 1, 64, 64), float64 in [0, 1).

    Whole grey levels would lie on a comb, each at its own place in its bin; what a network puts out does not.
    """
    return (crop().double() + draws(SIZE * SIZE, seed=SEED).view(SIZE, SIZE))[None, None] / 256


def bandwidth(setting: float) -> float:
    """Return W of the logistic kernel for a setting of the slider, 0 to 100."""
    return 1 / (BINS * RATIOS[0] * (RATIOS[1] / RATIOS[0]) ** (setting / 100))


class State(NamedTuple):
    """What the page shows of a picture and a target: see `state`."""

    loss: float
    exact: float
    apart: float
    pull: Tensor
    felt: float
    largest: float
    black: float
    black_pull: float
    black_goal: float


def options(kernel: str, width: float, mirror: bool) -> dict[str, Any]:
    """Return the options of `histogram_emd_loss` for the controls of the page."""
    _validate.option("kernel", kernel, KERNELS)
    chosen: dict[str, Any] = {"kernel": kernel, "bins": BINS}
    return chosen | {"bandwidth": width, "mirror": mirror} if kernel == "logistic" else chosen


def state(x: Tensor, y: Tensor, kernel: str, width: float, mirror: bool) -> State:
    r"""Return what a histogram loss says of a picture, and what each pixel feels.

    Parameters
    ----------
    x, y : Tensor
        Picture and target, (1, 1, H, W), float64 in [0, 1].
    kernel : {"sort", "linear", "logistic"}
        As for `histogram_emd_loss`.
    width, mirror : float, bool
        Bandwidth and mirror of the logistic kernel; without meaning for the others.

    Returns
    -------
    State
        The loss and the exact distance, in units of the range; the mean absolute difference pixel by pixel; the pull
        on each pixel, :math:`-N\,\partial\mathcal L/\partial x_p` for N pixels; the share of pixels with a pull above
        `FELT`; the largest pull; the share of black pixels, their mean pull, and the mean level that the target has
        for them.
    """
    z = x.detach().clone().requires_grad_()
    loss = histogram_emd_loss(z, y, **options(kernel, width, mirror))
    (gradient,) = torch.autograd.grad(loss, z)
    pull = -x.numel() * gradient
    black, goal = x <= BLACK, y.flatten().sort().values
    count = int(black.sum())
    return State(
        loss=loss.item(),
        exact=histogram_emd_loss(x, y, kernel="sort").item(),
        apart=(x - y).abs().mean().item(),
        pull=pull,
        felt=(pull.abs() > FELT).double().mean().item(),
        largest=pull.abs().max().item(),
        black=count / x.numel(),
        black_pull=pull[black].mean().item() if count else 0.0,
        black_goal=goal[:count].mean().item() if count else 0.0,
    )
