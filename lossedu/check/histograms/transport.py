"""Exercises that move heaps: the exact distance with its gradient, and the distance along many directions of colour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ... import data
from ...losses import histogram_emd_loss
from ..examination import Examination
from ..numbers import Mistake
from ..reader import function, kind
from ..verdict import Verdict

_SORT = "fn(x, y)"


def ordered_emd(fn: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(x, y)``: the exact distance of two lists of pixels, and its gradient in x; (7.11) and (7.16).

    Parameters
    ----------
    fn : callable
        Takes two tensors (n,), float64, and returns a pair: the distance, and a tensor or a list (n,).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _SORT)
    generator = torch.Generator().manual_seed(7)
    cases = {
        "four pixels": (torch.tensor([0.9, 0.1, 0.4, 0.6]).double(), torch.tensor([0.5, 0.2, 0.8, 0.3]).double()),
        "a photograph, darker": tuple(
            z.flatten() for z in (lambda y: (0.8 * y + 1e-3 * torch.rand(y.shape, generator=generator), y))(_patch())
        ),
        "hundred numbers": tuple(torch.rand(2, 100, generator=generator, dtype=torch.float64).unbind()),
    }
    with Examination("ordered_emd", _SORT) as exam:
        for title, (x, y) in cases.items():
            value, gradient = _two(exam, exam.call(fn, x, y), x)
            right, slope = ordered(x, y)
            exam.value(f"{title}: value", value, right, rtol=1e-9, mistakes=_value_mistakes(x, y))
            exam.value(
                f"{title}: gradient", gradient[None], slope[None], rtol=1e-9, mistakes=_slope_mistakes(x, y, slope)
            )
        x, _ = cases["hundred numbers"]
        value, gradient = _two(exam, exam.call(fn, x, x.flip(0)), x)
        exam.value("0 for another order of the same pixels", value, 0.0, rtol=0, atol=1e-12)
        exam.test("and no pull there", not bool(gradient.any()), f"up to {float(gradient.abs().max()):.3g}", "0")
    return exam.verdict()


def _patch() -> Tensor:
    return data.crop(data.photograph("chelsea"), 104, 192, 16)[:, 1].double()


def _two(exam: Examination, answer: Any, x: Tensor) -> tuple[float, Tensor]:
    """Return value and gradient out of a pair."""
    pair = isinstance(answer, tuple | list) and len(answer) == 2
    hint = "the function has no return" if answer is None else ""
    exam.require_once("returns a pair", pair, kind(answer), "value, gradient", hint)
    value = exam.number(answer[0], "the value is one number")
    return value, exam.tensor(_from_list(answer[1]), tuple(x.shape), what="gradient")


def _from_list(given: Any) -> Any:
    """Return a list of numbers, of Python or NumPy, as a tensor; anything else as it came."""
    if not (isinstance(given, list | tuple) or type(given).__module__ == "numpy"):
        return given
    try:
        numbers = [float(one.detach() if isinstance(one, Tensor) else one) for one in given]
    except (TypeError, ValueError, OverflowError, RuntimeError):
        return given
    return torch.tensor(numbers, dtype=torch.float64)


def ordered(x: Tensor, y: Tensor) -> tuple[float, Tensor]:
    """Return the distance of two lists and its gradient in the first."""
    leaf = x.clone().requires_grad_()
    cost = (leaf.sort().values - y.sort().values).abs().mean()
    return float(cost.detach()), torch.autograd.grad(cost, leaf)[0]


def _value_mistakes(x: Tensor, y: Tensor) -> list[Mistake]:
    gap = x.sort().values - y.sort().values
    return [
        ("pixels at the same place are compared: put both lists in order first", float((x - y).abs().mean())),
        ("only one of the two is in order", float((x.sort().values - y).abs().mean())),
        ("only one of the two is in order", float((x - y.sort().values).abs().mean())),
        ("this is the sum: divide by the number of pixels", float(gap.abs().sum())),
        ("this is a mean square, not a mean of sizes", float(gap.square().mean())),
        ("the differences cancel: take their sizes before the mean", float(gap.mean())),
        ("the differences cancel: take their sizes before the mean", float(gap.mean().abs())),
    ]


def _slope_mistakes(x: Tensor, y: Tensor, right: Tensor) -> list[Mistake]:
    order = x.argsort()
    return [
        ("it is in the order of size: put each slope back to the pixel that it belongs to", right[order][None]),
        ("put back the wrong way: gradient[order] = slopes, and not slopes[order]", right[order][order][None]),
        ("1/n is missing: the distance is a mean", (right * len(x))[None]),
        ("the sign is wrong: a pixel that is too bright has a positive slope", -right[None]),
        ("the sign against the pixel at the same place", ((x - y).sign() / len(x))[None]),
    ]


_SLICED = "fn(x, y, directions)"


def projected_emd(fn: Callable[[Tensor, Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(x, y, directions)``: the mean, over directions of colour, of the distance of the projections.

    Parameters
    ----------
    fn : callable
        Takes two pictures (1, 3, H, W) and unit vectors (D, 3), all float64; returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _SLICED)
    y = data.crop(data.photograph("coffee"), 100, 200, 16).double()
    generator = torch.Generator().manual_seed(8)
    many = torch.randn(9, 3, generator=generator, dtype=torch.float64)
    many = many / many.norm(dim=1, keepdim=True)
    axes = torch.eye(3, dtype=torch.float64)
    turned = torch.cat([y[:, :1].flip(-1), y[:, 1:]], dim=1)
    cases = {
        "the three axes": (0.7 * y, y, axes),
        "nine directions": (0.7 * y, y, many),
        "red alone mirrored, nine directions": (turned, y, many),
        "red alone mirrored, the three axes": (turned, y, axes),
        "one direction": (turned, y, many[:1]),
    }
    with Examination("projected_emd", _SLICED) as exam:
        for title, (x, other, directions) in cases.items():
            answer = exam.number(exam.call(fn, x, other, directions))
            right = projected(x, other, directions)
            mistakes: list[Mistake] = [
                ("this is the sum over the directions: take their mean", right * len(directions)),
                ("the projections are not put in order", _unordered(x, other, directions)),
                (
                    "projections lie outside 0 to 1 too, where bins do not reach: put them in order",
                    _binned(x, other, directions),
                ),
                ("projections lie outside 0 to 1 too: do not clamp them", _clamped(x, other, directions)),
                ("the channels are compared one by one: project first", projected(x, other, axes)),
                ("a sum over the pixels: take their mean", right * x[0, 0].numel()),
                ("this is a mean square", _squared(x, other, directions)),
            ]
            exam.value(title, answer, right, rtol=1e-9, atol=1e-12, mistakes=mistakes)
    return exam.verdict()


def _lists(x: Tensor, y: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    return directions @ x[0].flatten(1), directions @ y[0].flatten(1)


def projected(x: Tensor, y: Tensor, directions: Tensor) -> float:
    """Return the mean distance over the directions."""
    a, b = _lists(x, y, directions)
    return float((a.sort(dim=1).values - b.sort(dim=1).values).abs().mean())


def _unordered(x: Tensor, y: Tensor, directions: Tensor) -> float:
    a, b = _lists(x, y, directions)
    return float((a - b).abs().mean())


def _binned(x: Tensor, y: Tensor, directions: Tensor) -> float:
    a, b = (z[None, :, None] for z in _lists(x, y, directions))
    return float(histogram_emd_loss(a, b))


def _clamped(x: Tensor, y: Tensor, directions: Tensor) -> float:
    a, b = (z.clamp(0, 1).sort(dim=1).values for z in _lists(x, y, directions))
    return float((a - b).abs().mean())


def _squared(x: Tensor, y: Tensor, directions: Tensor) -> float:
    a, b = _lists(x, y, directions)
    return float((a.sort(dim=1).values - b.sort(dim=1).values).square().mean())
