"""The exercise on the gradient of the Charbonnier loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ... import data
from ..examination import Examination
from ..numbers import Mistake, gradient_mistakes, near
from ..reader import function
from ..verdict import Verdict

_CALL = "fn(x, y, eps)"


def closed_form(x: Tensor, y: Tensor, eps: float) -> Tensor:
    """Return the gradient of the mean over all pixels of sqrt(e^2 + eps^2) - eps."""
    e = x - y
    return e / (e.square() + eps * eps).sqrt() / x.numel()


def charbonnier_gradient(fn: Callable[[Tensor, Tensor, float], Any]) -> Verdict:
    """Check ``fn(x, y, eps)``: the gradient of ``le.charbonnier_loss(x, y, eps=eps)`` in x, in closed form.

    Parameters
    ----------
    fn : callable
        Takes two pictures (1, 1, H, W), float64, and eps; returns (1, 1, H, W).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    y = data.crop(data.photograph("camera"), 90, 200, 20).double()
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(6), dtype=y.dtype)
    cases = [
        ("value by hand: every error .003, eps .004", y + 0.003, 0.004),
        ("value on a photograph with noise, eps .05", y + 0.05 * noise, 0.05),
        ("far from the truth: nearly the sign, over N", y + noise, 1e-3),
    ]
    with Examination("charbonnier_gradient", _CALL) as exam:
        for name, x, eps in cases:
            answer = exam.tensor(exam.call(fn, x, y, eps), x.shape, torch.float64)
            right = closed_form(x, y, eps)
            # Where the right answer is nearly the sign, the sign itself is no mistake that could be told.
            exam.value(name, answer, right, rtol=1e-6, mistakes=_mistakes(x, y, eps))
        zero = exam.tensor(exam.call(fn, y, y, 1e-3), y.shape, torch.float64)
        flat = near(zero, torch.zeros_like(zero), 0.0, 1e-12)
        hint = "at e = 0 the gradient is 0 / eps, which is 0: eps keeps the root away from 0"
        exam.test("exactly 0 for equal pictures", flat, f"up to {float(zero.abs().max()):.3g}", "0", hint)
    return exam.verdict()


def _mistakes(x: Tensor, y: Tensor, eps: float) -> list[Mistake]:
    e, n = x - y, x.numel()
    right = closed_form(x, y, eps)
    return [
        *gradient_mistakes(right, -right, n, "pixels"),
        ("this is the gradient of the mean absolute error: eps does not appear in it", e.sign() / n),
        ("this is the gradient of the mean square error", 2 * e / n),
        ("eps is not squared under the root", e / (e.square() + eps).sqrt() / n),
        ("this is the loss at each pixel, not its derivative", ((e.square() + eps * eps).sqrt() - eps) / n),
        ("the inner derivative is missing: the chain rule brings 2e on top of 1/2 of one over the root", right / e),
    ]
