"""Numbers as a verdict shows them, and the mistakes that a wrong number gives away.

A mistake is a hint together with the value that it leads to: a wrong answer that equals such a value is explained.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

#: A hint, and the value that this mistake would give.
Mistake = tuple[str, Tensor | float]

WRONG_SIGN = "the sign is wrong: everything else is right up to a minus"


def as_tensor(value: Tensor | float) -> Tensor:
    """Return a detached float64 copy on the CPU."""
    return torch.as_tensor(value).detach().to("cpu", torch.float64)


def near(seen: Tensor | float, expected: Tensor | float, rtol: float, atol: float = 0.0) -> bool:
    """Return whether no element is off by more than `rtol` times the largest expected one plus `atol`; NaN is not."""
    a, b = as_tensor(seen), as_tensor(expected)
    return a.shape == b.shape and bool(((a - b).abs() <= rtol * b.abs().max() + atol).all())


def short(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits: 0.4999, 1e-06, -0."""
    text = f"{float(value):.{digits}g}"
    return "0" if text == "-0" else text


def two_numbers(seen: float, expected: float) -> tuple[str, str]:
    """Return both numbers with as few digits, at least four, as tell them apart."""
    for digits in range(4, 17):
        a, b = short(seen, digits), short(expected, digits)
        if a != b:
            break
    return a, b


def recognise(seen: Tensor | float, expected: Tensor | float, mistakes: Iterable[Mistake], rtol: float = 1e-4) -> str:
    """Return the hint of the first mistake that leads to what was seen, else what a common factor says, else ""."""
    for hint, value in mistakes:
        if near(seen, value, rtol) and not near(expected, value, rtol):
            return hint
    a, b = as_tensor(seen).flatten(), as_tensor(expected).flatten()
    energy = float(b @ b)
    if a.numel() < 2 or a.shape != b.shape or energy == 0:
        # one number is always some multiple of another
        return WRONG_SIGN if a.numel() == 1 and near(a, -b, rtol) and energy > 0 else ""
    factor = float(a @ b) / energy
    if near(a, factor * b, rtol) and not near(factor, 0.0, 0.0, 1e-12):
        if short(factor) == "1":
            off = float((a - b).abs().max() / b.abs().max())
            digits = int(-math.log10(off)) if off > 0 else 16
            cause = ": is something in it float32?" if digits >= 5 else ""
            return f"right to about {digits} digits, and not further{cause}"
        return WRONG_SIGN if near(factor, -1.0, rtol) else f"every value is {short(factor)} times the right one"
    return ""


def gradient_mistakes(gradient: Tensor, other: Tensor, count: int, thing: str) -> list[Mistake]:
    """Return what often goes wrong with a gradient in x.

    Parameters
    ----------
    gradient, other : Tensor
        The right gradients, in x and in y.
    count : int
        Over how many of `thing` ("windows", "pixels") the loss averages; 1 if it does not average.
    thing : str
    """
    mistakes: list[Mistake] = [
        ("the gradient has the wrong sign", -gradient),
        ("a factor 2 is missing", gradient / 2),
        ("there is a factor 2 too many", gradient * 2),
        ("this is the gradient in y instead of x", other),
        ("this is the gradient in y instead of x, with the wrong sign", -other),
    ]
    if count > 1:
        mistakes += [
            (f"1/N is missing: sum instead of mean over the {count} {thing}", gradient * count),
            (
                f"1/N is missing (sum instead of mean over the {count} {thing}), and the sign is wrong",
                -gradient * count,
            ),
            (f"1/N is there twice: the mean over the {count} {thing} was taken two times", gradient / count),
        ]
    return mistakes


def largest_difference(seen: Tensor, expected: Tensor) -> tuple[str, str]:
    """Return seen and expected at the element that is furthest off, with its place."""
    a, b = as_tensor(seen), as_tensor(expected)
    index = int((a - b).abs().argmax())
    place = _place(index, a.shape)
    one, two = two_numbers(float(a.flatten()[index]), float(b.flatten()[index]))
    return f"{one} {place}", f"{two} {place}"


def _place(index: int, shape: Sequence[int]) -> str:
    row, column = index // shape[-1] % shape[-2], index % shape[-1]
    return f"at row {row}, column {column}"
