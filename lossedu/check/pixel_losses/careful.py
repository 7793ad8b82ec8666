"""The exercise that finds the broadcasting bug: a mean square error that refuses what it must not accept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..examination import Examination
from ..numbers import Mistake
from ..reader import describe, dtype_name, function
from ..reader import kind as kind_of
from ..verdict import Verdict

_CALL = "fn(x, y)"


def careful_mse(fn: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(x, y)``: a mean square error that raises where a careless one is wrong or misleads.

    Asked for are the right value and gradient; `ValueError` for shapes that differ, also where they could be
    broadcast; `TypeError` where either picture has no floating dtype; and float32 for both kinds of half precision,
    from the difference to what is returned, where float32 and float64 stay what they are.

    Parameters
    ----------
    fn : callable
        Takes two tensors of any shape, and returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    x = torch.tensor([0.1, 0.4, 0.9, 0.6], dtype=torch.float64)
    y = torch.tensor([0.2, 0.4, 0.6, 0.8], dtype=torch.float64)
    with Examination("careful_mse", _CALL) as exam:
        square = (x - y).square()
        mistakes: list[Mistake] = [
            ("sum instead of mean", square.sum()),
            ("this is the root mean square error", square.mean().sqrt()),
            ("this is the mean absolute error", (x - y).abs().mean()),
            ("there is a factor 1/2 too many", square.mean() / 2),
        ]
        answer = exam.number(exam.call(fn, x, y))
        exam.value("value by hand: errors -.1, 0, .3, -.2", answer, square.mean(), rtol=1e-6, mistakes=mistakes)
        exam.value("exactly 0 for equal tensors", exam.number(exam.call(fn, y, y)), 0.0, rtol=0.0, atol=1e-12)
        _gradient(exam, fn, x, y)
        pictures = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
        bytes_ = (255 * x).to(torch.uint8)
        refused = {
            "(4, 1) against (4,)": (x[:, None], y, ValueError, _BROADCAST),
            "(4, 1) against (1, 4)": (x[:, None], y[None], ValueError, _SHAPES),
            "(2, 3, 4, 4) against (2, 1, 4, 4)": (pictures, pictures[:, :1], ValueError, _BROADCAST),
            "8-bit pictures": (bytes_, (255 * y).to(torch.uint8), TypeError, _INTEGERS),
            "floats against bytes": (x, bytes_, TypeError, _BOTH),
            "bytes against floats": (bytes_, y, TypeError, _BOTH),
            "16-bit integers": ((255 * x).to(torch.int16), (255 * y).to(torch.int16), TypeError, _ALL_INTEGERS),
            "64-bit integers": ((255 * x).long(), (255 * y).long(), TypeError, _ALL_INTEGERS),
            "masks of bool": (x > 0.5, y > 0.5, TypeError, _ALL_INTEGERS),
        }
        for name, (one, other, kind, hint) in refused.items():
            _refuses(exam, fn, name, one, other, kind, hint)
        small = torch.full((4,), 1e-4, dtype=torch.float16)
        answer = exam.call(fn, small, torch.zeros_like(small))
        hint = _BACK if _cast_back(fn, torch.float16) else _HALF
        exam.value("half precision: errors of 1e-4", exam.number(answer), 1e-8, rtol=2e-3, hint=hint)
        for dtype in _TINY:
            _half(exam, fn, dtype)
        _wide(exam, fn)
    return exam.verdict()


_BROADCAST = "torch stretches the smaller tensor until it fits: compare the shapes first, and raise ValueError"
_SHAPES = "as many values and as many axes are not one shape: compare x.shape with y.shape"
_INTEGERS = "unsigned integers wrap round, 10 - 20 is 246: ask x.is_floating_point(), and raise TypeError"
_ALL_INTEGERS = (
    "integers are of many kinds, and bool is no float either: ask x.is_floating_point(), and raise TypeError"
)
_BOTH = "bytes go to 255 and floats to 1: ask both pictures, and raise TypeError"
_HALF = "the square of 1e-4 is below what float16 can hold: go to float32 before you square, and stay there"
_BACK = "computed well, and lost at the end: the result was cast back to half precision; return it in float32"
_EARLY = "the difference was rounded to half precision: go to float32 before you subtract"
_KINDS = "there are two kinds of half precision, float16 and bfloat16: go to float32 with either before you subtract"
_DTYPE = "return float32 for half precision, and for others the dtype that came"
_TENSOR = "stay with tensors: float(), .item() and .detach() cut the graph"
_NARROW = "double precision came in and must stay: go to float32 from half precision alone"

#: Half precision -> a number that, taken from 1, leaves 1: the difference is rounded away.
_TINY = {torch.float16: 2e-4, torch.bfloat16: 1.5e-3}


def _against_one(dtype: torch.dtype) -> tuple[Tensor, Tensor, float]:
    """Return two pictures, and the mean square error of what they hold: near 1, and in half precision 1."""
    x, y = torch.ones(4, dtype=dtype), torch.full((4,), _TINY[dtype], dtype=dtype)
    return x, y, float((x.double() - y.double()).square().mean())


def _cast_back(fn: Callable[[Tensor, Tensor], Any], dtype: torch.dtype) -> bool:
    """Return whether half precision comes back that was not computed in half precision."""
    x, y, wide = _against_one(dtype)
    try:
        answer = fn(x, y)
    except Exception:
        return False
    if not isinstance(answer, Tensor) or answer.dtype != dtype or answer.numel() != 1:
        return False
    return float(answer) == float(torch.tensor(wide, dtype=dtype))


def _half(exam: Examination, fn: Callable[[Tensor, Tensor], Any], dtype: torch.dtype) -> None:
    x, y, wide = _against_one(dtype)
    name, answer = dtype_name(dtype), exam.call(fn, x, y)
    narrow = isinstance(answer, Tensor) and answer.dtype == dtype
    hint = _BACK if _cast_back(fn, dtype) else _KINDS if narrow else _EARLY
    exam.value(f"{name}: 1 against {y[0].item():.2g}", exam.number(answer), wide, rtol=1e-5, hint=hint)
    _returns(exam, f"{name} in, float32 out", answer, torch.float32, hint if narrow else _DTYPE)


def _wide(exam: Examination, fn: Callable[[Tensor, Tensor], Any]) -> None:
    x = torch.tensor([1.0, 0.5, 0.25], dtype=torch.float64)
    y = x + torch.tensor([1e-9, -2e-9, 1e-9], dtype=torch.float64)
    answer = exam.call(fn, x, y)
    expected = (x - y).square().mean()
    exam.value("double precision: errors of 1e-9", exam.number(answer), expected, rtol=1e-6, hint=_NARROW)
    for dtype, hint in ((torch.float64, _NARROW), (torch.float32, _DTYPE)):
        answer = exam.call(fn, x.to(dtype), x.to(dtype) / 2)
        _returns(exam, f"{dtype_name(dtype)} in, {dtype_name(dtype)} out", answer, dtype, hint)


def _returns(exam: Examination, name: str, answer: Any, dtype: torch.dtype, hint: str) -> None:
    if isinstance(answer, Tensor):
        exam.test(name, answer.dtype == dtype, dtype_name(answer.dtype), dtype_name(dtype), hint)
    else:
        exam.test(name, False, kind_of(answer), dtype_name(dtype), _TENSOR)


def _gradient(exam: Examination, fn: Callable[[Tensor, Tensor], Any], x: Tensor, y: Tensor) -> None:
    leaf = x.clone().requires_grad_()
    try:
        value = fn(leaf, y)
        (found,) = torch.autograd.grad(value, leaf)
    except Exception as error:
        exam.require("has a gradient", False, describe(error), "2 (x - y) / N", _TENSOR)
        return
    exam.value("gradient", found[None], (2 * (x - y) / x.numel())[None], rtol=1e-6)


def _refuses(
    exam: Examination,
    fn: Callable[[Tensor, Tensor], Any],
    name: str,
    x: Tensor,
    y: Tensor,
    kind: type[Exception],
    hint: str,
) -> None:
    try:
        answer = fn(x.clone(), y.clone())
    except kind:
        exam.test(f"refuses {name}", True, f"raises {kind.__name__}")
    except Exception as error:
        exam.test(f"refuses {name}", False, describe(error), f"a {kind.__name__}", hint)
    else:
        seen = f"returned {float(answer):.4g}" if isinstance(answer, Tensor) and answer.numel() == 1 else "no error"
        exam.test(f"refuses {name}", False, seen, f"a {kind.__name__}", hint)
