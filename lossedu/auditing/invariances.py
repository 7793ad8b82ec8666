"""What must not matter (memory layout, company in the batch), and what may (order of images, channels, size)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .findings import Finding, Outcome, Skipped
from .opening import Case
from .subject import LossFailed


def _differ(case: Case, a: float, b: float, tolerance: float = 1e-4) -> bool:
    """Return whether two values differ by more than rounding: 1 minus an index has an absolute error in float32."""
    rounding = 1e-6 if case.wide == torch.float32 or tolerance > 1e-4 else 1e-12
    return not abs(a - b) <= tolerance * max(abs(a), abs(b)) + rounding


def _need_finite(*values: float) -> None:
    """Skip a comparison of values that are no numbers: that they are none is reported elsewhere."""
    if not all(map(math.isfinite, values)):
        raise Skipped(f"values to compare are not finite: {', '.join(f'{value:.4g}' for value in values)}")


def symmetry(case: Case) -> Outcome:
    """loss(x, y) against loss(y, x)."""
    case.need_reference()
    case.need_calm()
    x, y = case.pair()
    one, other = case.subject.value(x, y), case.subject.value(y, x)
    _need_finite(one, other)
    if _differ(case, one, other):
        advice = "Keep the order: processed image first, reference second."
        evidence = f"loss(x, y) = {one:.6g}, loss(y, x) = {other:.6g}"
        return "the order of the images matters", [Finding("asymmetry", "info", evidence, advice)]
    return "loss(x, y) = loss(y, x)", []


def channel_order(case: Case) -> Outcome:
    """The same pair with its channels in reverse order."""
    case.need_calm()
    if case.x.shape[1] < 2:
        raise Skipped("one channel")
    x, y = case.pair()
    one, other = case.subject.value(x, y), case.subject.value(x.flip(1), y.flip(1))
    _need_finite(one, other)
    if _differ(case, one, other):
        advice = (
            "Expected of anything that works on luma, opponent colours or a trained network. If yours treats channels "
            "alike, look for filters and channels paired in the wrong order (groups of a convolution)."
        )
        evidence = f"RGB {one:.6g}, BGR {other:.6g}"
        return "the order of the channels matters", [Finding("channel order", "info", evidence, advice)]
    return "the order of the channels does not matter", []


def batching(case: Case) -> Outcome:
    """A batch must cost the mean (or the sum) of its images, and a larger image no more than a small one."""
    case.need_calm()
    if "image" in case.cache.get("ignored", ()):
        raise Skipped("an image of the batch is ignored, and 'every part of x counts' says so")
    x, y = case.pair()
    if len(x) == 1:
        x, y = torch.cat([x, x.flip(-1)]), torch.cat([y, y.flip(-1)])
    x = torch.cat([x[:1], 3 * x[1:] - 2 * y[1:]])  # one image must be worse than the other
    whole = case.subject.value(x, y)
    singles = [case.subject.value(x[i : i + 1], y[i : i + 1]) for i in range(len(x))]
    _need_finite(whole, *singles)
    mean, total = sum(singles) / len(singles), sum(singles)
    findings = []
    shown = f"batch of {len(x)} {whole:.6g}; one by one {', '.join(f'{v:.6g}' for v in singles)}"
    if _differ(case, whole, mean) and _differ(case, whole, total):
        advice = (
            "Images are pooled before something nonlinear (a root, a logarithm, a histogram, batch statistics): values "
            "and gradients depend on the batch. Compute per image, then average."
        )
        findings.append(Finding("batch", "warning", f"neither mean nor sum of its images: {shown}", advice))
    elif _differ(case, whole, mean):
        advice = "A convention: divide by the batch size, or scale the learning rate, when the batch changes."
        findings.append(Finding("reduction", "info", f"adds up over the batch: {shown}", advice))
    larger, per_image = _tiled(case, x[:1], y[:1]), singles[0]
    if larger is not None and per_image and 3.2 < larger / per_image < 4.8:
        advice = "A convention: divide by the number of pixels, or the weight changes with the size of the crops."
        evidence = f"four copies side by side cost {larger:.6g}, one {per_image:.6g}"
        findings.append(Finding("reduction", "info", f"adds up over pixels: {evidence}", advice))
    return ("; ".join(f.evidence.split(":")[0] for f in findings) or "a batch costs the mean of its images"), findings


def _tiled(case: Case, x: Tensor, y: Tensor) -> float | None:
    try:
        return case.subject.value(x.repeat(1, 1, 2, 2), y.repeat(1, 1, 2, 2))
    except LossFailed:
        return None


def strides(case: Case) -> Outcome:
    """Images in another memory layout must give the same value."""
    case.need_calm()
    x, y = case.x, case.y
    plain = case.subject.value(x, y)
    layouts = {
        "channels-last": (x.to(memory_format=torch.channels_last), y.to(memory_format=torch.channels_last)),
        "transposed": (x.transpose(2, 3).contiguous().transpose(2, 3), y),
        "every second pixel of a larger image": (_spread(x), _spread(y)),
    }
    refused, wrong = [], []
    for name, (a, b) in layouts.items():
        try:
            value = case.subject.value(a, b, copy=False)
        except LossFailed as failure:
            refused.append(f"{name}: {failure}")
            continue
        if _differ(case, value, plain, 1e-3):
            wrong.append(f"{name}: {value:.6g} instead of {plain:.6g}")
    advice = "Use reshape instead of view, and no raw strides; or call .contiguous() first."
    if wrong:
        return "another layout, another value", [Finding("strides", "error", "; ".join(wrong), advice)]
    if refused:
        return "some layouts are refused", [Finding("strides", "warning", refused[0], advice)]
    return f"same value for {', '.join(layouts)}", []


def _spread(x: Tensor) -> Tensor:
    wide = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    wide[:, :, ::2, ::2] = x
    return wide[:, :, ::2, ::2]


def shapes(case: Case) -> Outcome:
    """Other channel counts, odd and small sizes, and a grey target for a colour image."""
    x, y = case.x, case.y
    findings: list[Finding] = []
    worked: list[str] = []
    if x.shape[1] == 3:
        findings += _try(case, "one channel", x[:, :1], y[:, :1], worked, "needs 3 channels")
    findings += _try(case, "odd sides", x[..., :-1, :-3], y[..., :-1, :-3], worked, "size")
    if not any(note.name == "size" for note in case.notes):
        small = _try(case, "8 x 8", x[..., :8, :8], y[..., :8, :8], worked, "size")
        if small and "NaN" in small[0].evidence and "restless" not in case.cache:  # a random crop may miss
            small = _try(case, "32 x 32", x[..., :32, :32], y[..., :32, :32], worked, "size") or small
        findings += small
    if case.reference and x.shape[1] == 3:
        try:
            case.subject.value(x, y[:, :1], quiet=True)
        except LossFailed:
            worked.append("a grey target is refused")
        else:
            advice = (
                "Compare shapes first: x of shape (N, 3, H, W) against y of (N, 1, H, W) is nearly always a mistake."
            )
            evidence = "a grey target was accepted for a colour image and broadcast over its channels"
            findings.append(Finding("broadcasting", "info", evidence, advice))
    return "works: " + (", ".join(worked) or "only what it was tried on"), findings


def _try(case: Case, label: str, x: Tensor, y: Tensor, worked: list[str], name: str) -> list[Finding]:
    try:
        value = case.subject.value(x, y)
    except LossFailed as failure:
        what = "Repeat the channel" if name == "needs 3 channels" else "Pad such images"
        advice = f"A limit to know. {what} before the call, or let the message say what is accepted."
        return [Finding(name, "info", f"{label}: {failure}", advice)]
    if value != value:
        advice = "Probably a mean over nothing: raise an error for sizes that the windows do not fit."
        if label == "8 x 8":  # smaller than patches for training: a loss that crops its border has nothing left
            return [Finding(name, "info", f"{label}: the value is NaN", advice)]
        return [Finding(name, "error", f"{label}: the value is NaN", advice)]
    worked.append(label)
    return []
