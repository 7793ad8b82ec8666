"""Does the backward pass hand on what comes in from above?"""

from __future__ import annotations

import torch

from .findings import Finding, Outcome, Skipped, brief
from .opening import Case
from .subject import LossFailed

_FACTOR = 3.0
_TOLERANCE = 0.02  # of the norm: a linear map is exact up to rounding, and float16 inside has three digits


def handed_on(case: Case) -> Outcome:
    """Three times the value must have three times the gradient."""
    case.need_gradient()
    if "stateful" in case.cache:
        raise Skipped(case.cache["stateful"])
    x, y = case.pair(torch.float32)
    plain = case.subject.gradient(x, y)[1]
    if plain is None or not bool(plain.isfinite().all()) or not bool(plain.any()):
        raise Skipped("there is no finite gradient")
    leaf = x.clone().requires_grad_()
    try:
        (scaled,) = torch.autograd.grad(_FACTOR * case.subject(leaf, y.clone()), leaf)
    except Exception as error:
        raise LossFailed(f"{type(error).__name__} in the backward pass of {_FACTOR:g} * loss(x, y)") from error
    norm, error_norm = plain.double().norm(), (scaled.double() - _FACTOR * plain.double()).norm()
    if float(error_norm) <= _TOLERANCE * _FACTOR * float(norm):
        return f"{_FACTOR:g} times the value has {_FACTOR:g} times the gradient", []
    evidence = (
        f"the gradient of {_FACTOR:g} * loss(x, y) has {brief(float(scaled.double().norm() / norm))} times the norm of "
        f"that of loss(x, y), and is {100 * float(error_norm / (_FACTOR * norm)):.3g} % off"
    )
    advice = (
        "A hand-written backward must multiply by the gradient it is given (grad_output). Without it a weight in a "
        "sum, gradient accumulation and loss scaling in half precision have no effect."
    )
    return "a factor before the loss is lost", [Finding("ignores grad_output", "error", evidence, advice)]
