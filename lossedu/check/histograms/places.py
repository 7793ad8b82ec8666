"""The last exercise of chapter 7: a loss that notices shuffled pixels and forgives small shifts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ... import data
from ...losses import l1_loss
from ..examination import Examination
from ..reader import function
from ..verdict import Verdict

SIDE = 64


def pictures() -> dict[str, Tensor]:
    """Return a photograph (1, 3, 64, 64), float64, and what is made of it."""
    photo = data.photograph("chelsea").double()
    y = data.crop(photo, 96, 180, SIDE)
    order = torch.randperm(SIDE * SIDE, generator=torch.Generator().manual_seed(9))
    return {
        "photograph": y,
        "shuffled": y.flatten(2)[..., order].view_as(y),
        "moved": data.crop(photo, 96, 181, SIDE),
        "brighter": y + 0.1,
    }


_CALL = "fn(x, y)"


def notices_shuffles(fn: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(x, y)``: a loss that measures colours, notices shuffled pixels, and forgives a shift by one pixel.

    Parameters
    ----------
    fn : callable
        Takes two pictures (1, 3, 64, 64), float64, and returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    made = pictures()
    y = made.pop("photograph")
    with Examination("notices_shuffles", _CALL) as exam:

        def cost(name: str) -> float:
            answer = exam.call(fn, made[name], y)
            return exam.number(answer.detach() if isinstance(answer, Tensor) else answer)

        shift = cost("brighter")
        exam.test(
            "measures colours: 0.1 brighter",
            0.05 <= shift <= 0.2,
            f"{shift:.4g}",
            "0.05 to 0.2",
            "an error of 0.1 everywhere should cost about 0.1, as with ℓ1 and the histogram distance",
        )
        shuffled, least = cost("shuffled"), 0.25 * float(l1_loss(made["shuffled"], y))
        exam.test(
            "notices shuffled pixels",
            shuffled >= least,
            f"{shuffled:.4g}",
            f"at least {least:.4g}, a quarter of what ℓ1 charges",
            "its value does not depend on where a pixel lies",
        )
        moved, most = cost("moved"), 0.5 * float(l1_loss(made["moved"], y))
        exam.test(
            "forgives a shift by one pixel",
            moved <= most,
            f"{moved:.4g}",
            f"at most {most:.4g}, half of what ℓ1 charges",
            "it depends too much on the exact place of a pixel",
        )
        leaf = (y + 0.02 * torch.cos(40 * y)).requires_grad_()
        answer = exam.call(lambda x: fn(x, y), leaf)
        reached = isinstance(answer, Tensor) and answer.requires_grad
        exam.require("a gradient reaches x", reached, "yes" if reached else "no", "yes", "stay in torch, no .item()")
        (slope,) = torch.autograd.grad(answer.sum(), leaf)
        pulled = float((slope != 0).double().mean())
        good = bool(slope.isfinite().all())
        exam.test("it is finite, and most pixels feel it", good and pulled > 0.5, f"{pulled:.0%} of them", "over half")
        same = exam.call(fn, y, y)
        exam.value(
            "0 for equal pictures",
            exam.number(same.detach() if isinstance(same, Tensor) else same),
            0.0,
            rtol=0,
            atol=1e-9,
        )
    return exam.verdict()
