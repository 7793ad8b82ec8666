"""What the loss returns: its kind, whether it says the same twice, and what it makes of 8-bit images."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .findings import Finding, Outcome
from .opening import Case
from .subject import LossFailed, shortened


def return_value(case: Case) -> Outcome:
    """One number that a backward pass can start from."""
    result = case.subject.raw(case.x, case.y)
    shape = tuple(result.shape)
    if result.numel() == 1:
        return f"one number of dtype {str(result.dtype)[6:]}: {case.value:.4g}", []
    advice = (
        "Average it: loss(x, y).mean(), or reduction='mean' where the loss has it. The audit went on with the mean."
    )
    return f"shape {shape}", [
        Finding("return value", "error", f"returned shape {shape}, from which backward() cannot start", advice)
    ]


def repeatability(case: Case) -> Outcome:
    """The same pair must cost the same, whatever was asked before."""
    x, y = case.x, case.y
    first, second = case.subject.value(x, y, seed=0), case.subject.value(x, y, seed=0)
    other = case.subject.value(x, y, seed=1)
    if not _same(first, second):
        case.cache["restless"] = case.cache["stateful"] = "the loss remembers earlier calls"
        return "two calls differ", [
            Finding(
                "state between calls",
                "warning",
                f"the same pair and the same random state gave {first:.6g}, then {second:.6g}",
                "The loss remembers something: a counter, a running mean, a schedule, an input changed in place. Keep "
                "state out of the loss, or reset it on purpose.",
            )
        ]
    if not _same(first, other):
        case.cache["restless"] = "the value is random"
        return "random", [
            Finding(
                "random value",
                "info",
                f"the same pair gave {first:.6g} and {other:.6g} with two random seeds",
                "Deliberate for random crops or projections; if not, call eval() on what is inside (dropout). To "
                "validate with it, fix the seed. The audit fixed the seed for all other checks.",
            )
        ]
    return "same value at every call", []


def _same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 1e-6 * max(abs(a), abs(b))


def integer_input(case: Case) -> Outcome:
    """8-bit images must be refused or read as the numbers they hold, never wrap around."""
    scale = 255 / case.peak
    x8, y8 = ((scale * image).round().clamp(0, 255).to(torch.uint8) for image in case.pair(torch.float32))
    try:
        value = case.subject.value(x8, y8)
    except LossFailed as failure:
        return f"8-bit images are refused: {shortened(failure.message, 60)}", []
    expected = [_value(case, x8.float() / k, y8.float() / k) for k in (1, 255)]
    if any(e is not None and abs(value - e) <= 0.02 * abs(e) + 1e-12 for e in expected):
        return "8-bit images are read as numbers", []
    constant = value == _value(case, y8, y8)
    known = " and ".join(f"{e:.4g}" for e in expected if e is not None)
    return "8-bit images give another value", [
        Finding(
            "integer input",
            "error" if constant else "warning",
            f"uint8 images gave {value:.4g} without a word{', as equal ones do' if constant else ''}; the same numbers "
            f"as floats give {known} (0 to 255, [0, 1])",
            "Integer arithmetic wraps around, and a window cast to integers is all zeros. Raise a TypeError for "
            "integer dtypes, or start with x = x.float() / 255; callers: convert before you call.",
        )
    ]


def _value(case: Case, x: Tensor, y: Tensor) -> float | None:
    try:
        value = case.subject.value(x, y)
    except LossFailed:
        return None
    return value if math.isfinite(value) else None
