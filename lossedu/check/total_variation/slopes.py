"""Exercises on the slope of total variation where it has none: at 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...losses import tv_loss
from ...variational import gradient
from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict
from .pictures import colour_patches, grey_patch, noisy_patch

_CALL = "fn(x)"


def tv_subgradient(fn: Callable[[Tensor], Any]) -> Verdict:
    r"""Check ``fn(x)``: the gradient of the sum of :math:`|\partial_1 x| + |\partial_2 x|`, with slope 0 at 0.

    Parameters
    ----------
    fn : callable
        Takes a picture (1, 1, H, W), float64; returns (1, 1, H, W).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("tv_subgradient", _CALL) as exam:
        bump = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
        bump[..., 2, 2] = 1
        step = torch.zeros(1, 1, 4, 6, dtype=torch.float64)
        step[..., 3:] = 1
        cases = [
            ("by hand: one bright pixel", bump),
            ("by hand: a step, flat on both sides", step),
            ("value on a photograph", grey_patch()),
            ("value on a photograph with noise", noisy_patch()),
        ]
        for name, x in cases:
            answer = exam.tensor(exam.call(fn, x), x.shape, torch.float64, _SHAPE_HINTS)
            exam.value(name, answer, _gradient(x), rtol=1e-9, mistakes=_mistakes(x))
        total = float(exam.tensor(exam.call(fn, noisy_patch()), (1, 1, 18, 22)).sum())
        hint = "what one pixel gains its neighbour loses: a uniform shift changes no difference"
        exam.test("adds up to 0", abs(total) < 1e-9, f"the sum is {total:.3g}", "0", hint)
    return exam.verdict()


_SHAPE_HINTS: dict[tuple[int, ...], str] = {(): "this is one number, the loss perhaps; its derivative was asked for"}


def _gradient(x: Tensor, kind: str = "anisotropic") -> Tensor:
    with torch.enable_grad():
        leaf = x.detach().clone().requires_grad_()
        return torch.autograd.grad(tv_loss(leaf, kind=kind) * x.numel(), leaf)[0]


def _one_way(x: Tensor, down: bool) -> Tensor:
    grad = torch.zeros_like(x)
    if down:
        sign = (x[..., 1:, :] - x[..., :-1, :]).sign()
        grad[..., 1:, :] += sign
        grad[..., :-1, :] -= sign
    else:
        sign = (x[..., 1:] - x[..., :-1]).sign()
        grad[..., 1:] += sign
        grad[..., :-1] -= sign
    return grad


def _own_side(x: Tensor) -> Tensor:
    """Return what is left when a pixel's own differences are counted and its neighbours' are forgotten."""
    grad = torch.zeros_like(x)
    grad[..., :-1, :] -= (x[..., 1:, :] - x[..., :-1, :]).sign()
    grad[..., :-1] -= (x[..., 1:] - x[..., :-1]).sign()
    return grad


def _mistakes(x: Tensor) -> list[Mistake]:
    right = _gradient(x)
    wrapped = sum(((x - x.roll(way, axis)).sign() for way in (1, -1) for axis in (-1, -2)), torch.zeros_like(x))
    return [
        ("the sign is wrong: a bright pixel costs more if it gets brighter", -right),
        (
            "this is the gradient of the squared form: its slope is twice the difference, not its sign",
            _gradient(x, "squared"),
        ),
        ("this is half the gradient of the squared form", 0.5 * _gradient(x, "squared")),
        ("this is the isotropic form, whose slope is a direction and not two signs", _gradient(x, "isotropic")),
        ("1/(CHW) was asked for nowhere: this is the gradient of the mean", right / x.numel()),
        ("differences across are missing", _one_way(x, True)),
        ("differences down are missing", _one_way(x, False)),
        ("each difference has two ends: the pixel after it is missing", _own_side(x)),
        ("each difference has two ends: the pixel before it is missing", right - _own_side(x)),
        ("roll carries differences round the border; past the last row and column they are 0", wrapped),
    ]


def safe_isotropic(fn: Callable[[Tensor], Any]) -> Verdict:
    r"""Check ``fn(x)``: the sum of :math:`\sqrt{(\partial_1 x)^2 + (\partial_2 x)^2}`, whose gradient is never NaN.

    Parameters
    ----------
    fn : callable
        Takes pictures (B, C, H, W), float64, that require a gradient; returns one number that has one.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("safe_isotropic", _CALL) as exam:
        half = noisy_patch()
        half[..., :9, :] = 0.5
        for name, x in (("a photograph with noise", noisy_patch()), ("a picture whose upper half is flat", half)):
            _examine(exam, fn, name, x, _EPS)
        flat = torch.full((1, 1, 6, 7), 0.3, dtype=torch.float64)
        value, slope = _value_and_slope(exam, fn, flat)
        exam.value("a flat picture costs nothing", value, 0.0, rtol=0.0, hint=_EPS)  # however small the eps
        _finite(exam, "gradient on a flat picture", slope)
        exam.value("gradient on a flat picture: 0", slope, torch.zeros_like(flat), rtol=0.0, atol=1e-12)
        right_so_far = all(item.ok for item in exam.properties)
        _examine(exam, fn, "a photograph of very low contrast", 1e-5 * noisy_patch(), _FAINT if right_so_far else "")
        _examine(exam, fn, "two colour pictures", colour_patches(), "")
    return exam.verdict()


def _examine(exam: Examination, fn: Callable[[Tensor], Any], name: str, x: Tensor, hint: str) -> None:
    """Test value and gradient; a wrong value has the hint, and its gradient needs none."""
    value, slope = _value_and_slope(exam, fn, x)
    right = float(tv_loss(x, kind="isotropic") * x.numel())
    same = exam.value(f"value on {name}", value, right, rtol=1e-9, mistakes=_value_mistakes(x), hint=hint)
    _finite(exam, f"gradient on {name}", slope)
    bent = "the value is right: something bends or cuts the gradient on its way to x" if same else ""
    exam.value(f"gradient on {name}: value", slope, _gradient(x, "isotropic"), rtol=1e-6, hint=bent)


_FAINT = "only differences of exactly 0 are flat; here they are small, and count"
_EPS = "an eps under the root biases the value where the picture is flat; can 0 be kept out of the root instead?"
_NAN = (
    "the derivative of sqrt at 0 is infinite, and infinity times 0 is NaN: let the root see only what is not 0 "
    "(torch.where on its input, or torch.linalg.vector_norm)"
)


def _finite(exam: Examination, name: str, slope: Tensor) -> None:
    bad = int((~torch.isfinite(slope)).sum())
    seen = f"{bad} of {slope.numel()} values are NaN or infinite" if bad else "every value is finite"
    exam.require(name, bad == 0, seen, "no NaN, no infinity", _NAN)


def _value_and_slope(exam: Examination, fn: Callable[[Tensor], Any], x: Tensor) -> tuple[float, Tensor]:
    with torch.enable_grad():
        leaf = x.clone().requires_grad_()
        answer = exam.call(lambda picture: fn(leaf + (picture - picture)), x)
        value = exam.number(answer.detach() if isinstance(answer, Tensor) else answer)
        graph = isinstance(answer, Tensor) and answer.requires_grad
        hint = "stay in torch: .item(), float() or .detach() cut the graph"
        exam.require_once("has a gradient", graph, "it does" if graph else "no graph leads back to x", "a graph", hint)
        (slope,) = torch.autograd.grad(answer.sum(), leaf, allow_unused=True)
        exam.require_once("depends on x", slope is not None, "it does" if slope is not None else "no", "yes")
    return value, slope


def _value_mistakes(x: Tensor) -> list[Mistake]:
    sums = {kind: tv_loss(x, kind=kind) * x.numel() for kind in ("anisotropic", "isotropic", "squared")}
    inner = (x[..., 1:, :-1] - x[..., :-1, :-1]).square() + (x[..., :-1, 1:] - x[..., :-1, :-1]).square()
    joint = gradient(x).square().sum(dim=(0, 2)).sqrt().sum()
    first = tv_loss(x[:1, :1], kind="isotropic") * x[:1, :1].numel()
    return [
        ("this is the anisotropic form: the squares of both differences go under one root", sums["anisotropic"]),
        ("this is the squared form: the root is missing", sums["squared"]),
        ("this is one root of the whole sum; each pixel has a root of its own", sums["squared"].sqrt()),
        ("the mean was not asked for, but the sum", sums["isotropic"] / x.numel()),
        ("only the first channel of the first picture is counted", first),
        ("the channels share a root here; each channel has roots of its own", joint),
        ("the last row and column are left out: only their difference past the border is 0", inner.sqrt().sum()),
    ]
