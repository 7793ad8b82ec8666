"""The exercise on the gradient of the whole loss: every pixel is seen by many windows, and by fewer at the border."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ... import filters
from ...losses import ssim_grad
from ..examination import Examination
from ..numbers import Mistake, gradient_mistakes
from ..reader import function
from ..verdict import Verdict
from .maps import gradient_target
from .textbook import NOT_SQUARED, WRONG_RANGE, flat, noisy_patch

_CALL = "fn(x, y)"
_RTOL = 1e-6
_TAPS = 11
_HEIGHT, _WIDTH = 26, 30


def ssim_gradient(fn: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(x, y)``: the gradient of ``le.ssim_loss(x, y)`` in x, with sigma 1.5 and windows inside the picture.

    Parameters
    ----------
    fn : callable
        Takes two pictures (1, 1, H, W), float64, larger than the window of 11 pixels; returns (1, 1, H, W).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("ssim_gradient", _CALL, _sizes) as exam:
        x, y = (_cut(z) for z in noisy_patch(32))
        dark, bright = _cut(flat(0.4, 32)), _cut(flat(0.6, 32))
        answer = _answer(exam, fn, x, y)
        _downhill(exam, answer, ssim_grad(x, y))
        by_hand = _answer(exam, fn, dark, bright)
        _value(exam, "value by hand: flat pictures, .4 and .6, far from the border", by_hand, dark, bright, _inner())
        inside = _value(exam, "value on a photograph with noise, far from the border", answer, x, y, _inner())
        hint = _BORDER if inside else ""
        _value(exam, "value on a photograph with noise, at the border", answer, x, y, ~_inner(), hint)
        exam.value("exactly 0 for equal pictures", _answer(exam, fn, y, y), torch.zeros_like(y), rtol=0.0, atol=1e-12)
        exam.target = gradient_target(ssim_grad(x, y), answer, "the loss", zoom=8)
    return exam.verdict()


_BORDER = "blur instead of its adjoint at the border: fewer windows see a pixel there, and nothing is mirrored back"


_SIZES = re.compile(r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)")


def _sizes(error: Exception) -> str:
    """Explain a clash of two maps of which one went through more windows than the other."""
    found = _SIZES.search(str(error)) if isinstance(error, RuntimeError) else None
    if found is None or (int(found[1]) - int(found[2])) % (_TAPS - 1):
        return ""
    return (
        "correlate shrinks a map by K - 1 rows and columns; its adjoint, correlate_adjoint, grows it back to the size "
        "of the image"
    )


def _cut(picture: Tensor) -> Tensor:
    return picture[..., :_HEIGHT, :_WIDTH].clone()


def _inner() -> Tensor:
    """Return where every window that looks at the pixel lies inside the picture."""
    inside = torch.zeros(1, 1, _HEIGHT, _WIDTH, dtype=torch.bool)
    inside[..., _TAPS - 1 : 1 - _TAPS, _TAPS - 1 : 1 - _TAPS] = True
    return inside


def _answer(exam: Examination, fn: Callable[[Tensor, Tensor], Any], x: Tensor, y: Tensor) -> Tensor:
    windows = (1, 1, _HEIGHT - _TAPS + 1, _WIDTH - _TAPS + 1)
    hints: dict[tuple[int, ...], str] = {
        (): "this is one number, the loss perhaps; its derivative in each pixel of x was asked for",
        windows: "this is one value for each window; the adjoint of the blur brings it back to the pixels",
    }
    return exam.tensor(exam.call(fn, x, y), x.shape, torch.float64, hints)


def _downhill(exam: Examination, answer: Tensor, right: Tensor) -> None:
    cosine = float((answer * right).sum() / (answer.norm() * right.norm()).clamp(min=1e-300))
    seen = f"the cosine with the right gradient is {cosine:.3f}"
    hint = (
        "the gradient has the wrong sign: the loss is 1 - SSIM, and this looks like that of SSIM"
        if cosine < -0.5
        else ""
    )
    exam.test("a step against it lowers the loss", cosine > 0, seen, "above 0", hint)


def _value(exam: Examination, name: str, answer: Tensor, x: Tensor, y: Tensor, where: Tensor, hint: str = "") -> bool:
    """Compare on a part of the picture; what is not looked at counts as right."""
    right = ssim_grad(x, y)
    seen = torch.where(where, answer, right)
    mistakes = [(text, torch.where(where, torch.as_tensor(wrong), right)) for text, wrong in _mistakes(x, y, right)]
    return exam.value(name, seen, right, rtol=_RTOL, mistakes=mistakes, hint=hint)


_PRODUCT = "the product rule gives cs dl + l dcs in every window"


def _mistakes(x: Tensor, y: Tensor, right: Tensor) -> list[Mistake]:
    windows = (_HEIGHT - _TAPS + 1) * (_WIDTH - _TAPS + 1)
    mistakes = gradient_mistakes(right, ssim_grad(y, x), windows, "windows")
    mistakes += [
        ("1/N counts pixels; the loss averages over windows, which are fewer", right * windows / right.numel()),
        (NOT_SQUARED, ssim_grad(x, y, k1=0.01**0.5, k2=0.03**0.5)),
        (WRONG_RANGE, ssim_grad(x, y, data_range=255)),
    ]
    change_l, change_cs = _factors(x, y)
    return [
        *mistakes,
        (f"this is the gradient of l alone: {_PRODUCT}", -change_l),
        (f"this is the gradient of cs alone: {_PRODUCT}", -change_cs),
        (f"this is dl + dcs: {_PRODUCT}", -change_l - change_cs),
    ]


def _factors(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients in x of the mean of l and of the mean of cs, by autograd."""
    window = filters.gaussian_window(1.5, _TAPS)
    with torch.enable_grad():
        x = x.detach().clone().requires_grad_()
        mu_x, mu_y = filters.correlate(x, window), filters.correlate(y, window)
        var_x = filters.correlate(x * x, window) - mu_x**2
        var_y = filters.correlate(y * y, window) - mu_y**2
        cov = filters.correlate(x * y, window) - mu_x * mu_y
        luminance = (2 * mu_x * mu_y + 0.01**2) / (mu_x**2 + mu_y**2 + 0.01**2)
        contrast_structure = (2 * cov + 0.03**2) / (var_x + var_y + 0.03**2)
        (change_l,) = torch.autograd.grad(luminance.mean(), x, retain_graph=True)
        (change_cs,) = torch.autograd.grad(contrast_structure.mean(), x)
    return change_l, change_cs
