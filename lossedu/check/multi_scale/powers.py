"""The exercise on fractional exponents: a power whose base may be negative, and whose slope may be infinite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict

_CALL = "fn(cs, w)"


def safe_power(fn: Callable[[Tensor, float], Any]) -> Verdict:
    r"""Check ``fn(cs, w)``: :math:`\max(cs, 0)^w`, with a gradient that is finite, and 0 where cs is not above 0.

    Parameters
    ----------
    fn : callable
        Takes a tensor, float64 or float32, that requires a gradient, and an exponent between 0 and 1; returns a tensor
        of the same shape and dtype.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("safe_power", _CALL) as exam:
        for name, values, w, dtype in (
            ("above 0", [0.01, 0.25, 1.0], 0.5, torch.float64),
            ("negative", [-0.5, -1e-3, 0.81], 0.5, torch.float64),
            ("exactly 0", [0.0, 0.49, -0.2], 0.2856, torch.float64),
            ("exponent 1", [-0.3, 0.0, 0.7], 1.0, torch.float64),
            ("just above 0", [1e-8, 1e-4, 0.5], 0.2856, torch.float64),
            ("single precision", [0.0, 0.49, -0.2], 0.2856, torch.float32),
        ):
            x = torch.tensor([values], dtype=dtype)
            rtol = 1e-9 if dtype == torch.float64 else 1e-5
            positive = x > 0
            right = torch.where(positive, x.clamp_min(0) ** w, 0.0)
            slope = torch.where(positive, w * torch.where(positive, x, 1.0) ** (w - 1), 0.0)
            value, found = _value_and_slope(exam, fn, x, w)
            exam.value(f"{name}: value", value, right, rtol=rtol, atol=1e-12, mistakes=_mistakes(x, w))
            bad = int((~torch.isfinite(found)).sum())
            seen = f"{bad} of {found.numel()} slopes are NaN or infinite" if bad else "every slope is finite"
            exam.require(f"{name}: gradient without NaN", bad == 0, seen, "no NaN, no infinity", _INFINITE)
            exam.value(f"{name}: gradient", found, slope, rtol=rtol, atol=1e-12, hint=_DEAD)
    return exam.verdict()


_INFINITE = (
    "0 ** w has an infinite slope, and 0 times infinity is NaN: keep 0 out of the power with torch.where on its input, "
    "not on its result"
)
_DEAD = "where cs is not above 0 the value is 0 whatever cs is, so that its slope is 0; elsewhere it is w cs^(w-1)"


def _value_and_slope(exam: Examination, fn: Callable[..., Any], x: Tensor, w: float) -> tuple[Tensor, Tensor]:
    with torch.enable_grad():
        leaf = x.clone().requires_grad_()
        answer = exam.call(lambda given, power: fn(leaf + (given - given), power), x, w)
        value = exam.tensor(answer, x.shape, x.dtype)
        hint = "stay in torch: .item(), float() or .detach() cut the graph"
        graph = bool(answer.requires_grad)
        exam.require_once("has a gradient", graph, "it does" if graph else "no graph leads back to cs", "a graph", hint)
        (slope,) = torch.autograd.grad(answer.sum(), leaf, allow_unused=True)
    return value, torch.zeros_like(x) if slope is None else slope


def _mistakes(x: Tensor, w: float) -> list[Mistake]:
    return [
        ("this is |cs|^w: opposite structure would count as agreement", x.abs() ** w),
        ("this keeps the sign: a product of two such factors turns two faults into a merit", x.sign() * x.abs() ** w),
        ("the power is missing", x.clamp_min(0)),
        ("an eps under the power biases every value", (x.clamp_min(0) + 1e-4) ** w),
    ]
