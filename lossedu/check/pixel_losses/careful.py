"""The exercise that finds the broadcasting bug: a mean square error that refuses what it must not accept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..examination import Examination
from ..numbers import Mistake
from ..reader import describe, function
from ..verdict import Verdict

_CALL = "fn(x, y)"


def careful_mse(fn: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(x, y)``: a mean square error that raises where a careless one is wrong or misleads.

    Asked for are the right value and gradient; `ValueError` for shapes that differ, also where they could be
    broadcast; `TypeError` for integer pictures; and no underflow of half precision.

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
        refused = {
            "(4, 1) against (4,)": (x[:, None], y, ValueError, _BROADCAST),
            "(2, 3, 4, 4) against (2, 1, 4, 4)": (pictures, pictures[:, :1], ValueError, _BROADCAST),
            "8-bit pictures": ((255 * x).to(torch.uint8), (255 * y).to(torch.uint8), TypeError, _INTEGERS),
            "64-bit integers": ((255 * x).long(), (255 * y).long(), TypeError, _ALL_INTEGERS),
        }
        for name, (one, other, kind, hint) in refused.items():
            _refuses(exam, fn, name, one, other, kind, hint)
        small = torch.full((4,), 1e-4, dtype=torch.float16)
        half = exam.number(exam.call(fn, small, torch.zeros_like(small)))
        exam.value("half precision: errors of 1e-4", half, 1e-8, rtol=2e-3, hint=_HALF)
    return exam.verdict()


_BROADCAST = "torch stretches the smaller tensor until it fits: compare the shapes first, and raise ValueError"
_INTEGERS = "unsigned integers wrap round, 10 - 20 is 246: ask x.is_floating_point(), and raise TypeError"
_ALL_INTEGERS = "integers are of many kinds: ask x.is_floating_point(), and raise TypeError"
_HALF = "the square of 1e-4 is below what float16 can hold: go to float32 before you square"


def _gradient(exam: Examination, fn: Callable[[Tensor, Tensor], Any], x: Tensor, y: Tensor) -> None:
    leaf = x.clone().requires_grad_()
    try:
        value = fn(leaf, y)
        (found,) = torch.autograd.grad(value, leaf)
    except Exception as error:
        hint = "stay with tensors: float(), .item() and .detach() cut the graph"
        exam.require("has a gradient", False, describe(error), "2 (x - y) / N", hint)
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
