"""Exercises on equation (14) of Zhao et al.: the absolute error under a window, and the gradient of Mix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...losses.mix import mix_loss
from ...losses.multiscale import ms_ssim_sigma_grad
from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict
from .scenes import pair, window

_L1 = "fn(x, y, window)"
_GRADIENT = "fn(x, y, alpha, window, ms_ssim_grad)"


def weighted_l1(fn: Callable[[Tensor, Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(x, y, window)``: the absolute error of a patch under a window, mean over channels; (5.2).

    Parameters
    ----------
    fn : callable
        Takes two patches (1, C, K, K) and a window (K, K) that sums to 1, all float64; returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _L1)
    x, y = pair()
    weights = window()
    with Examination("weighted_l1", _L1) as exam:
        level = exam.number(exam.call(fn, y + 0.2, y, weights))
        exam.value("an offset of 0.2", level, 0.2, rtol=1e-9, mistakes=_l1_mistakes(y + 0.2, y, weights))
        far = y.clone()
        far[..., 0, 0] += 0.5
        corner = exam.number(exam.call(fn, far, y, weights))
        right = 0.5 * float(weights[0, 0])
        exam.value("an error in a corner", corner, right, rtol=1e-9, mistakes=_l1_mistakes(far, y, weights))
        for name, a, b in (("a photograph with noise", x, y), ("one channel of it", x[:, :1], y[:, :1])):
            answer = exam.number(exam.call(fn, a, b, weights))
            right = float(((a - b).abs() * weights).sum((-2, -1)).mean())
            exam.value(name, answer, right, rtol=1e-9, mistakes=_l1_mistakes(a, b, weights))
        leaf = x.clone().requires_grad_()
        answer = exam.call(fn, leaf, y, weights)
        flows = isinstance(answer, Tensor) and answer.requires_grad
        exam.test("has a gradient", flows, "yes" if flows else "no", "a tensor that depends on x", "leave .item() out")
    return exam.verdict()


def _l1_mistakes(x: Tensor, y: Tensor, weights: Tensor) -> list[Mistake]:
    size, channels = (x - y).abs(), x.shape[1]
    weighted = float((size * weights).sum())
    return [
        ("this is the plain mean: the window does not come in", float(size.mean())),
        ("the sum over channels: take their mean", weighted),
        ("divided by the number of pixels once more: the window sums to 1 already", float((size * weights).mean())),
        ("a number times a window: the window has to be inside the sum", float(size.mean() * weights.sum())),
        ("the window times the mean error, averaged", float(size.mean() * weights.mean())),
        ("the errors cancel: take their size first", abs(float(((x - y) * weights).sum()) / channels)),
        ("this is the squared error", float(((x - y).square() * weights).sum()) / channels),
    ]


def mix_gradient(fn: Callable[[Tensor, Tensor, float, Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(x, y, alpha, window, ms_ssim_grad)``: the gradient of Mix at the centre of a patch, (5.5).

    Parameters
    ----------
    fn : callable
        Takes two patches (1, C, K, K), the weight, the window of the widest scale (K, K) and the gradient of the
        MS-SSIM term, all float64; returns a tensor like x.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _GRADIENT)
    x, y = pair()
    weights = window()
    with Examination("mix_gradient", _GRADIENT) as exam:
        for name, alpha, a, b in (
            ("alpha 0", 0.0, x, y),
            ("alpha 1", 1.0, x, y),
            ("alpha 0.84", 0.84, x, y),
            ("alpha 0.025, one channel", 0.025, x[:, :1], y[:, :1]),
        ):
            known = ms_ssim_sigma_grad(a, b, form="patch")
            answer = exam.tensor(exam.call(fn, a, b, alpha, weights, known), a.shape, torch.float64)
            leaf = a.clone().requires_grad_()
            (right,) = torch.autograd.grad(mix_loss(leaf, b, alpha=alpha, form="patch"), leaf)
            exam.value(name, answer, right, rtol=1e-6, mistakes=_gradient_mistakes(a, b, alpha, weights, known))
        equal = exam.tensor(exam.call(fn, y, y, 0.84, weights, torch.zeros_like(y)), y.shape, torch.float64)
        hint = "sign(0) is 0: of the slopes that are allowed at a kink, take that one"
        still = not bool(equal.any())
        exam.test("0 for equal patches", still, f"up to {float(equal.abs().max()):.3g}", "0", hint)
    return exam.verdict()


def _gradient_mistakes(x: Tensor, y: Tensor, alpha: float, weights: Tensor, known: Tensor) -> list[Mistake]:
    sign, channels, rest = (x - y).sign(), x.shape[1], 1 - alpha
    right = rest * sign * weights / channels
    return [
        ("the second term is missing", alpha * known),
        ("1/C is missing: the absolute error is a mean over channels", alpha * known + right * channels),
        ("the window is missing in the second term", alpha * known + rest * sign / sign.numel()),
        ("the window is missing in the second term, and 1/N", alpha * known + rest * sign),
        ("the second term has the wrong sign", alpha * known - right),
        ("the second term has no weight 1 - alpha", alpha * known + sign * weights / channels),
        ("the weights are the wrong way round", rest * known + alpha * sign * weights / channels),
        ("this is the value of the second term at each pixel, not its slope", alpha * known + right * (x - y).abs()),
    ]
