"""What these exercises get back: a pair of numbers, a number that may be infinite, a loss with a slope."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from torch import Tensor

from ..examination import Examination
from ..numbers import Mistake, near
from ..reader import is_plain, kind


def single(answer: Any) -> bool:
    """Return whether an answer is one real number, of Python, NumPy or torch."""
    if isinstance(answer, Tensor):
        return is_plain(answer) and answer.numel() == 1
    return isinstance(answer, Real) and not isinstance(answer, bool)


def number(exam: Examination, answer: Any, name: str, infinite: str, not_a_number: str = "") -> float:
    """Require one number; where it is infinite or NaN, say what this means here, and not what it often means."""
    if single(answer):
        try:
            value = float(answer.detach() if isinstance(answer, Tensor) else answer)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            hint = (not_a_number or infinite) if math.isnan(value) else infinite
            exam.require(f"{name}: is finite", False, f"{value:g}", "no NaN, no infinity", hint)
    return exam.number(answer)


def pair(exam: Examination, answer: Any, names: tuple[str, str]) -> tuple[float, float]:
    """Require two numbers: a tuple, a list, or a tensor or an array with two elements."""
    if isinstance(answer, Tensor) and is_plain(answer) and answer.shape == (2,):
        answer = tuple(answer.unbind())
    elif type(answer).__module__ == "numpy" and getattr(answer, "shape", None) == (2,):
        answer = tuple(answer)
    good = isinstance(answer, tuple | list) and len(answer) == 2
    hint = "the function has no return" if answer is None else ""
    exam.require_once("returns a pair", good, kind(answer), ", ".join(names), hint)
    first, second = (exam.number(one, f"{name} is one number") for one, name in zip(answer, names, strict=True))
    return first, second


def given(exam: Examination, numbers: dict[str, Any]) -> dict[str, float]:
    """Require that each of several numbers was worked out; None stands for one that was not."""
    missing = [name for name, value in numbers.items() if value is None]
    seen = "open: " + ", ".join(missing) if missing else "yes"
    exam.require("answers every question", not missing, seen, "a number for each")
    return {name: exam.number(value, f"{name} is one number") for name, value in numbers.items()}


def slopes(exam: Examination, answer: Any, hint: str) -> Tensor:
    """Require a loss that autograd can go back from, and return it as one number with its graph."""
    flows = isinstance(answer, Tensor) and answer.requires_grad
    exam.require_once("has a gradient", flows, "yes" if flows else "no", "a tensor with a graph", hint)
    assert isinstance(answer, Tensor)
    return answer.sum()


def distinct(mistakes: list[Mistake], rtol: float = 1e-3) -> list[Mistake]:
    """Return the mistakes without those that lead, in this case, to what another one leads to: either may be meant."""
    return [
        (hint, value)
        for hint, value in mistakes
        if not any(other != hint and near(value, same, rtol, 1e-12) for other, same in mistakes)
    ]


__all__ = ["distinct", "given", "number", "pair", "single", "slopes"]
