"""The exercise on a broken loss: does every term of it pull, and image by image?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ... import data
from ...losses import l1_loss, ssim_loss
from ..examination import Examination
from ..reader import function
from ..verdict import Verdict

_CALL = "fn(x, y)"

#: Name of a term, what its weight has to be, and what is wrong where it is not.
_TERMS = (
    ("pixels", 1.0, "the first term was right as it stood"),
    ("structure", 0.5, "its constants are those of pixels from 0 to 255: the pictures lie in [0, 1]"),
    ("brightness", 0.5, "nothing of it is left in the gradient: which call makes a plain number of a tensor?"),
)
_BATCH = "the mean of the whole batch lets a dark picture make up for a bright one: take each picture by itself"


def mended_loss(fn: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(x, y)``: absolute error, and with weights of one half 1 - SSIM and the difference of the means.

    The gradient on a batch of a bright and a dark picture is taken apart into those of the three terms, of which the
    last takes each picture by itself.

    Parameters
    ----------
    fn : callable
        Takes two batches of pictures in [0, 1] and returns a scalar tensor.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("mended_loss", _CALL) as exam:
        y = torch.cat([data.crop(data.photograph("chelsea", gray=True), 90, left, 48) for left in (100, 160)]).double()
        bright = torch.tensor([0.1, -0.06], dtype=y.dtype).view(2, 1, 1, 1)
        x = (y + bright + data.correlated_noise(y.shape, length=0.0, std=0.05, seed=0, dtype=y.dtype)).requires_grad_()
        value = exam.call(fn, x, y)
        exam.number(value.detach() if isinstance(value, Tensor) else value)
        has_graph = isinstance(value, Tensor) and value.requires_grad
        exam.require(
            "has a gradient", has_graph, "it does" if has_graph else "none", "a scalar tensor that depends on x"
        )
        seen = _slope(value, x)
        found, rest = _weights(seen, x, y)
        for name, weight, hint in _TERMS:
            together = name == "brightness" and abs(found["brightness of the batch"]) > 0.05
            exam.value(f"weight of {name}", found[name], weight, rtol=0.05, hint=_BATCH if together else hint)
        exam.test("nothing else pulls", rest < 0.02, f"{100 * rest:.0f} % of the gradient is of another kind", "none")
    return exam.verdict()


def _slope(value: Tensor, x: Tensor) -> Tensor:
    (slope,) = torch.autograd.grad(value, x, allow_unused=True)
    return torch.zeros_like(x) if slope is None else slope


def _weights(seen: Tensor, x: Tensor, y: Tensor) -> tuple[dict[str, float], float]:
    """Return how much of each term's gradient there is, by least squares, and the share that is none of them."""
    off = (x - y).mean(dim=(1, 2, 3))
    terms = {
        "pixels": l1_loss(x, y),
        "structure": ssim_loss(x, y),
        "brightness": off.abs().mean(),
        "brightness of the batch": off.mean().abs(),
    }
    slopes = torch.stack([_slope(term, x).flatten() for term in terms.values()], dim=1)
    shares = torch.linalg.lstsq(slopes, seen.double().flatten()[:, None]).solution[:, 0]
    rest = (seen.double().flatten() - slopes @ shares).norm() / seen.double().norm().clamp(min=1e-30)
    return {name: round(share, 4) + 0.0 for name, share in zip(terms, shares.tolist(), strict=True)}, float(rest)
