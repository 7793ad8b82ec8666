"""Half precision, autocast, and the digits that are left near the optimum."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from .findings import Finding, Outcome
from .opening import Case
from .subject import LossFailed

_SHORT = {torch.float16: "float16", torch.bfloat16: "bfloat16", torch.float32: "float32", torch.float64: "float64"}


def _pairs(case: Case) -> dict[str, tuple[Tensor, Tensor]]:
    """Return pairs on which sums of squares cancel: the audit's own, a smooth ramp, and a bright flat one."""
    ramp = case.peak * torch.linspace(0.4, 0.6, case.y.shape[-1], device=case.y.device).expand_as(case.y).contiguous()
    bright = torch.full_like(case.y, 200 / 255 * case.peak)
    pairs = {"the audit's pair": (case.x, case.y)}
    if case.reference:
        pairs |= {
            "a smooth ramp and the same + 0.01": (ramp + 0.01 * case.peak, ramp),
            "flat 201 against 200 of 255": (bright + case.peak / 255, bright),
            "equal images": (case.y, case.y),
        }
    return pairs


@contextmanager
def _without_onednn(when: bool) -> Iterator[None]:
    """Let torch's own kernels do what oneDNN would do.

    In float16, where the processor has AVX512-FP16, oneDNN's depthwise convolution never returns in torch 2.13 for some
    sizes (a kernel of 15 taps with 7 of padding is one), and a loss under audit may hold one.
    """
    onednn: Any = torch.backends.mkldnn  # whose own `flags` warns of TF32 even where that stays as it was
    before = onednn.enabled
    onednn.enabled = before and not when
    try:
        yield
    finally:
        onednn.enabled = before


def _typical(case: Case) -> float:
    return max(abs(case.value), 1e-12)


def half_precision(case: Case) -> Outcome:
    """Compare values of half-precision images, and under autocast, with those of the same rounded numbers."""
    worst: dict[str, tuple[float, str]] = {}
    refused = {}
    for dtype in (torch.float16, torch.bfloat16):
        for autocast in (False, True):
            label = f"autocast {_SHORT[dtype]}" if autocast else _SHORT[dtype]
            try:
                worst[label] = _worst(case, dtype, autocast)
            except LossFailed as failure:
                refused[label] = failure.message
    bad = {label: text for label, (error, text) in worst.items() if error > 0.25}
    if bad:
        # Named once if several kinds fail alike.
        evidence = "; ".join(f"{label}: {text}" for label, text in bad.items())
        advice = (
            "Compute in float32 inside, with autocast off: torch.autocast(x.device.type, enabled=False) and x.float(); "
            "or do that around the call."
        )
        return f"wrong in {', '.join(bad)}", [Finding("half precision", "warning", evidence, advice)]
    done = ", ".join(f"{label} {error:.1g}" for label, (error, _) in worst.items())
    told = f"refused: {', '.join(refused)}" if refused else ""
    return "; ".join(filter(None, [f"relative error: {done}" if done else "", told])), []


def _worst(case: Case, dtype: torch.dtype, autocast: bool) -> tuple[float, str]:
    """Return the largest relative error and its description."""
    worst = (0.0, "")
    for name, (x, y) in list(_pairs(case).items())[: 2 if case.slow else None]:
        a, b = (t.to(dtype) for t in (x, y))
        widest = torch.float64 if case.takes_double else torch.float32
        exact = case.subject.value(a.to(widest), b.to(widest))
        if not math.isfinite(exact):
            continue
        mode: Any = torch.autocast(a.device.type, dtype=dtype) if autocast else None
        inputs = (a.float(), b.float()) if autocast else (a, b)
        with _without_onednn(when=dtype == torch.float16 and a.device.type == "cpu"):
            value = case.subject.value(*inputs, mode=mode)
        # Near the optimum a twentieth of the usual value is as good as 0.
        error = abs(value - exact) / max(abs(exact), 0.05 * _typical(case))
        error = error if math.isfinite(value) else math.inf
        if error > worst[0]:
            worst = (error, f"{value:.4g} instead of {exact:.4g} for {name}")
    return worst


def near_optimum(case: Case) -> Outcome:
    """Compare float32 with float64 where images nearly agree."""
    case.need_reference()
    if not case.takes_double:
        text = f"float64 images fail: {case.cache['float64']}"
        advice = "Build windows and constants in the dtype of the images; gradcheck and exact comparisons need float64."
        return "float64 is not accepted", [Finding("dtype", "info", text, advice)]
    near = case.y + 1e-3 * (case.x - case.y)
    bad, largest = [], 0.0
    pairs = (
        {"almost equal images": (near, case.y)}
        if case.slow
        else {**_pairs(case), "almost equal images": (near, case.y)}
    )
    for name, (x, y) in pairs.items():
        rough, exact = case.subject.value(x, y), case.subject.value(x.double(), y.double())
        error = abs(rough - exact) / max(abs(exact), 1e-7 * _typical(case))
        if math.isfinite(error):
            largest = max(largest, error)
        if error > 0.02:
            bad.append(f"{name}: {rough:.4g} instead of {exact:.4g}")
    if bad:
        advice = (
            "Digits cancel: in 1 - index, or in E[x*x] - E[x]**2. Harmless far from the optimum. Compute the loss "
            "as a sum of small terms (le.ssim_loss does), or in float64 for measurements."
        )
        return "float32 loses its digits near the optimum", [
            Finding("precision near the optimum", "info", "; ".join(bad), advice)
        ]
    return f"float32 agrees with float64 to {largest:.1g}", []
