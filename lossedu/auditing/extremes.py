"""Values and gradients on the pairs that break losses: equal, flat, black, white, inverted, outside the range."""

from __future__ import annotations

import linecache
import math
import re
import warnings
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from .findings import Finding, Outcome, Skipped
from .opening import Case
from .probes import extremes
from .subject import LossFailed, is_foreign, place_of
from .tracing import FirstNonFinite, graph_nodes

_OUTSIDE = ("all above the range", "all below the range")
_CURES = {
    "Sqrt": "The slope of a square root is infinite at 0: use torch.linalg.vector_norm over the components, or "
    "(s + eps**2).sqrt().",
    "Pow": "A fractional power of a negative number is NaN and its slope at 0 infinite: clamp the base to a small "
    "positive number before the power.",
    "Log": "A logarithm has no finite slope at 0: replace zeros inside the logarithm (torch.where on its argument, or "
    "+ eps), not after it.",
    "Div": "Something is divided by 0: add a documented constant to the denominator, or replace zeros in it first.",
    "Norm": "The slope of a norm is not defined at 0: add eps inside, or use torch.linalg.vector_norm, whose slope "
    "there is 0.",
    "Std": "The slope of a standard deviation is infinite for a constant image: take the variance plus eps, then the "
    "root.",
    "Atan2": "The angle at the origin has no slope: avoid atan2, or add a constant to one argument.",
    "Abs": "The slope of a complex magnitude at 0 is not defined in every version: add eps under the root.",
}
_ENDLESS = (
    "Without bound at the optimum, as PSNR is: its gradient grows as images get closer. Keep it as a metric and train "
    "on the error inside the logarithm, or bound that error from below."
)
_GENERAL = (
    "Guard roots, powers, logarithms and divisions at 0 before they are taken: torch.where afterwards is too late."
)


def extreme_pairs(case: Case) -> Outcome:
    """Try value and gradient on every extreme pair."""
    if any(note.name == "crash in backward" for note in case.notes):
        raise Skipped("backward raises")
    x, y = case.pair()
    bad_value: dict[str, float] = {}
    bad_slope: list[str] = []
    idle: list[str] = []
    refused: dict[str, LossFailed] = {}
    crashed: dict[str, LossFailed] = {}
    pairs = extremes(x, y, case.peak)
    for name, (a, b) in pairs.items():
        try:
            value, slope = case.subject.gradient(a, b)
        except LossFailed as failure:
            (refused if name in _OUTSIDE else crashed)[name] = failure
            continue
        if not math.isfinite(value):
            bad_value[name] = value
        elif slope is not None and not bool(slope.isfinite().all()):
            bad_slope.append(name)
        elif name in _OUTSIDE and slope is not None and not bool(slope.any()):
            idle.append(name)
    findings = []
    if bad_value:
        name = next(iter(bad_value))
        cause = _first_bad_call(case, *pairs[name])
        shown = ", ".join(f"{n} ({value:.3g})" for n, value in bad_value.items())
        endless = all(math.isinf(value) for value in bad_value.values()) and all(
            torch.equal(*pairs[n]) for n in bad_value
        )
        advice = _ENDLESS if endless and case.reference else _value_advice(cause)
        findings.append(Finding("value not finite", "error", f"{shown}{_since(cause)}", advice))
    if bad_slope:
        operation, place = _bad_backward(case, *pairs[bad_slope[0]])
        cause = f"{operation} at {place}" if place else operation
        cure = next((cure for key, cure in _CURES.items() if key in operation), _GENERAL)
        evidence = f"the value is finite, its gradient NaN or infinite: {', '.join(bad_slope)}{_since(cause)}"
        findings.append(Finding("gradient not finite", "error", evidence, cure + " One such image ruins all weights."))
    if crashed:
        first = next(iter(crashed.values()))
        findings.append(
            Finding(
                "crash on extreme images", "error", f"{', '.join(crashed)}: {first}", "Such crops occur. " + _GENERAL
            )
        )
    if refused:
        name, first = next(iter(refused.items()))
        case.cache["refuses"] = name
        findings.append(
            Finding(
                "refuses values outside the range",
                "warning",
                f"{name}: {first}",
                "A network's raw output leaves [0, 1], early in training far. Let the loss take any finite value; "
                "check ranges where data are read.",
            )
        )
    if idle and case.gradient is not None and bool(case.gradient.any()):
        findings.append(
            Finding(
                "no pull outside the range",
                "info",
                f"the gradient is 0 everywhere: {', '.join(idle)}",
                "Early in training outputs leave the range, and this term does not call them back: keep another that "
                "does (l1, say) beside it, or leave the clamp out.",
            )
        )
    return (
        f"{len(pairs) - len(bad_value) - len(bad_slope) - len(crashed) - len(refused)} of {len(pairs)} pairs fine",
        findings,
    )


def _since(cause: str) -> str:
    return f"; first in {cause}" if cause else ""


def _value_advice(cause: str) -> str:
    if cause.startswith(("div", "true_divide", "__truediv__")):
        return _CURES["Div"]
    if cause.startswith("log"):
        return _CURES["Log"]
    if cause.startswith("pow"):
        return _CURES["Pow"]
    return _GENERAL


def _first_bad_call(case: Case, x: Tensor, y: Tensor) -> str:
    watch = FirstNonFinite()
    with suppress(LossFailed):
        case.subject.raw(x, y, mode=watch)
    return watch.found


def _bad_backward(case: Case, x: Tensor, y: Tensor) -> tuple[str, str]:
    """Return the first operation of the backward pass that makes finite slopes infinite, and where it was called."""
    leaf = x.detach().clone().requires_grad_()
    found: list[Any] = []

    def watch(node: Any) -> None:
        def look(inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor | None, ...]) -> None:
            if not found and not _all_finite(inputs) and _all_finite(outputs):
                found.append(node)

        node.register_hook(look)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the mode is slow
        try:
            with torch.autograd.set_detect_anomaly(True, check_nan=False):
                value = case.subject(leaf, y)
            for node in graph_nodes(value):
                watch(node)
            torch.autograd.grad(value, leaf, allow_unused=True)
        except (LossFailed, RuntimeError):
            return "", ""
    if not found:
        return "", ""
    text = "".join(found[0].metadata.get("traceback_", ()))
    lines = [line for line in re.findall(r'File "([^"]+)", line (\d+), in (\S+)', text) if is_foreign(line[0])]
    place = (
        place_of(lines[-1][0], int(lines[-1][1]), lines[-1][2], linecache.getline(lines[-1][0], int(lines[-1][1])))
        if lines
        else ""
    )
    return str(found[0].name()), place


def _all_finite(tensors: tuple[Tensor | None, ...]) -> bool:
    return all(tensor is None or bool(tensor.isfinite().all()) for tensor in tensors)
