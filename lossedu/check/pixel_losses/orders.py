"""The exercise that predicts: which error do squared and absolute error like least?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ... import data
from ...losses import l1_loss, mse_loss
from ..examination import Examination
from ..verdict import Target, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHIFT, _GRAIN, _SPOTS, _EVERY = 0.04, 0.045, 0.5, 94


def pictures() -> tuple[Tensor, dict[str, Tensor]]:
    """Return a clean crop and three damaged ones: a uniform shift, Gaussian grain, and few but large spots."""
    y = data.crop(data.photograph("astronaut", gray=True), 150, 130, 97).double() * 0.5 + 0.25
    grain = torch.randn(y.shape, generator=torch.Generator().manual_seed(4), dtype=y.dtype)
    spots = torch.zeros_like(y).flatten()
    spots[::_EVERY] = 1.0
    sign = torch.where(y > 0.5, -1.0, 1.0)
    return y, {
        "shift": y + _SHIFT,
        "grain": y + _GRAIN * grain / grain.square().mean().sqrt(),
        "spots": y + _SPOTS * sign * spots.view_as(y),
    }


def orders_by_loss(by_mse: Sequence[str], by_l1: Sequence[str]) -> Verdict:
    """Check two predictions: how do mean square and mean absolute error rank three kinds of damage?

    Parameters
    ----------
    by_mse, by_l1 : sequence of str
        "shift" (every pixel off by .04), "grain" (Gaussian noise of standard deviation .045) and "spots" (one pixel
        in 94 off by .5), the smallest loss first.

    Raises
    ------
    TypeError
        If one of them is no sequence of strings.
    """
    for name, order in (("by_mse", by_mse), ("by_l1", by_l1)):
        listed = not isinstance(order, str) and isinstance(order, Sequence)
        if not listed or not all(isinstance(item, str) for item in order):
            raise TypeError(f"{name} must be a list of three names, the smallest loss first, got {order!r}")
    y, damaged = pictures()
    values = {
        "mse": {name: float(mse_loss(x, y)) for name, x in damaged.items()},
        "l1": {name: float(l1_loss(x, y)) for name, x in damaged.items()},
    }
    with Examination("orders_by_loss") as exam:
        for words, loss, order, hint in (
            ("mean square error", "mse", by_mse, _SQUARE),
            ("mean absolute error", "l1", by_l1, _SIZE),
        ):
            named = sorted(order) == sorted(damaged)
            exam.require(f"{words}: names each once", named, ", ".join(order) or "nothing", ", ".join(sorted(damaged)))
            wrong = [(a, b) for a, b in itertools.pairwise(order) if values[loss][a] > values[loss][b]]
            seen = f"{wrong[0][0]!r} stands before {wrong[0][1]!r}, and costs more" if wrong else "each costs more"
            exam.test(f"{words}: smallest first", not wrong, seen, "each costs more than the one before", hint)
        if all(item.ok for item in exam.properties):
            for loss, unit in (("mse", "thousandths"), ("l1", "thousandths")):
                found = ", ".join(f"{name} {1000 * value:.2f}" for name, value in values[loss].items())
                exam.notes.append(f"{loss} in {unit}: {found}.")
        exam.target = _target(y, damaged)
    return exam.verdict()


_SQUARE = "multiply: the share of the pixels that are off, times the square of how far they are off"
_SIZE = "multiply: the share of the pixels that are off, times how far they are off on average (.8 of sigma for Gauss)"


def _target(y: Tensor, damaged: dict[str, Tensor]) -> Target:
    def draw() -> Figure:
        from ...figures import image_strip

        return image_strip([y, *damaged.values()], ["clean", *damaged], columns=4, zoom=1)

    alt = "A face four times: clean, a little too bright, with fine grain, and with scattered black and white pixels."
    return Target(draw, alt, "The clean picture and the three damaged ones.")
