"""How strong the loss is, and what it charges for, both beside mean square error."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ..instruments import Price, price
from .findings import Finding, Outcome, Skipped, brief
from .gradients import watched
from .opening import Case
from .subject import LossFailed, shortened

#: Gradients beside that of MSE which ask for no attention: half of it, and what l1 has where errors are small.
_USUAL = (0.5, 30.0)


def scale(case: Case) -> Outcome:
    """Gradient norm, value and growth against those of mean square error."""
    case.need_reference()
    gradient = case.need_gradient()
    mse, slope = F.mse_loss(case.x, case.y).item(), 2 * (case.x - case.y) / case.x.numel()
    pull, worth = float(gradient.norm() / slope.norm()), case.value / mse
    growth = _growth(case)
    evidence = f"on the audit's pair the gradient is {brief(pull)} times that of MSE, the value {brief(worth)} times"
    evidence += f"; it grows like error^{growth:.2f}" if math.isfinite(growth) else ""
    advice = (
        f"Beside MSE a weight of about {_round(1 / pull)} gives it an equal pull. Check shares with le.gradient_share."
    )
    if filters := watched(case).raw_convolution:
        case_mean, case_std = float(case.x.mean()), float(case.x.std())
        evidence += (
            f"; {filters[0]} filters of {filters[-2]} x {filters[-1]} look at the raw image (mean {case_mean:.2f}, "
            f"deviation {case_std:.2f})"
        )
        advice += (
            " A network trained on normalised images (ImageNet: mean .485 .456 .406, deviation .229 .224 .225) needs "
            "that normalisation inside the loss."
        )
    if (_USUAL[0] <= pull <= _USUAL[1] and not filters) or case.cache.get("index"):
        return f"gradient {brief(pull)}, value {brief(worth)} times that of MSE; grows like error^{growth:.2f}", []
    return f"gradient {brief(pull)} times that of MSE", [Finding("scale", "info", evidence, advice)]


def _round(value: float) -> str:
    return f"{value:.2g}" if math.isfinite(value) else "unknown"


def _growth(case: Case) -> float:
    """Return the exponent with which the value grows with the error, around the audit's pair."""
    x, y = case.pair()
    floor = case.subject.value(y, y)
    small, large = (case.subject.value(y + k * (x - y), y) - floor for k in (0.7, 1.4))
    return math.log2(large / small) if small > 0 and large > 0 else math.nan


def sharp_steps(case: Case) -> Outcome:
    """For a loss without a reference: what a sharp step costs against a soft one of the same height."""
    if case.reference:
        raise Skipped("for losses without a reference")
    width = case.x.shape[-1]
    place = torch.arange(width, dtype=case.wide, device=case.x.device)
    step, ramp = ((0.2 + 0.6 * ((place - width // 2) / k + 0.5).clamp(0, 1)) * case.peak for k in (1e-3, 8))
    flat, step, ramp = (row.expand_as(case.x).contiguous() for row in (torch.full_like(step, 0.5), step, ramp))
    base, sharp, soft = (case.subject.value(image, image) for image in (flat, step, ramp))
    squared = base == 0 and soft > 0 and abs(case.subject.value(2 * step, 2 * step) - 4 * sharp) < 1e-3 * abs(sharp)
    if squared and sharp > 3 * soft:
        evidence = (
            f"a sharp step costs {sharp / soft:.1f} times one spread over 8 pixels, and 4 times as much if doubled"
        )
        advice = (
            "Squared differences: such a smoothness term melts edges. Total variation proper adds absolute values and "
            "charges both steps alike (le.tv_loss)."
        )
        return "squared differences", [Finding("squared differences", "info", evidence, advice)]
    return f"flat {base:.3g}, soft step {soft:.3g}, sharp step {sharp:.3g}", []


def price_list(case: Case) -> Outcome:
    """Measure the price curve; say so where the loss hardly notices a shift of level or slow shading."""
    case.need_reference()
    count, size = (7, 64) if case.slow else (13, 128)
    side = min(case.x.shape[-2:])
    try:
        curve = _measured(case, max(size, side) + side % 2, count)
    except LossFailed:
        try:
            curve = _measured(case, side, count)
        except LossFailed as failure:
            raise Skipped(f"no price: {shortened(failure.message, 70)}") from failure
    case.cache["price"] = curve
    values = curve.values
    dear = float(values.max())
    if not (math.isfinite(curve.uniform) and bool(values.isfinite().all())):
        return "no price: not finite near equal flat images", []
    # One whole period costs nothing; unfinished ones leave a little of their mean.
    if curve.uniform > 0 and abs(float(values[0])) < 0.01 * curve.uniform and dear < 0.1 * curve.uniform:
        evidence = f"price relative to MSE: uniform shift {brief(curve.uniform)}, dearest pattern {brief(dear)}"
        advice = "On flat ground only the mean colour counts: add a term that compares pixels or structure."
        return "only a uniform shift has a price", [Finding("blind to every pattern", "info", evidence, advice)]
    if dear <= 0:
        return "no price: not above 0 near equal flat images", []
    findings = []
    evidence = f"price relative to MSE: uniform shift {brief(curve.uniform)}, dearest pattern {brief(dear)}"
    if curve.uniform < 0.01 * dear and not _pulls_to_the_end(case):
        advice = "Colour and brightness may drift. Add a term that sees the level: l1, say, as in le.mix_loss."
        findings.append(Finding("blind to a uniform shift", "info", evidence, advice))
    slow = float(values[0])
    if slow < 0.02 * dear:
        evidence = f"price of shading over the whole picture {brief(slow)}, of the dearest pattern {brief(dear)}"
        advice = "Splotches and slow casts are nearly free. Add a larger window, a coarser scale, or a pixel term."
        findings.append(Finding("blind to low frequencies", "info", evidence, advice))
    return f"uniform shift {brief(curve.uniform)}, sinusoids {brief(float(values.min()))} to {brief(dear)}", findings


def _pulls_to_the_end(case: Case) -> bool:
    """Return whether a uniform shift costs like its size rather than its square, as with l1: small ones still pull."""
    flat = torch.full_like(case.pair()[1], 0.5 * case.peak)
    large, small = (case.subject.value(flat + shift * case.peak, flat) for shift in (1e-2, 1e-3))
    return small > 0 and large / small < 10**1.5


def _measured(case: Case, size: int, count: int) -> Price:
    subject, device, peak = case.subject, case.x.device, case.peak
    frequencies = torch.logspace(math.log10(1 / size), math.log10(0.5), count, dtype=torch.float64).clamp(max=0.5)

    floors: dict[tuple[int, ...], Tensor] = {}  # what equal images cost is no price; the ground is the same throughout

    def charge(x: Tensor, y: Tensor) -> Tensor:
        x, y = x.to(device, torch.float32), y.to(device, torch.float32)
        if tuple(y.shape) not in floors:
            floors[tuple(y.shape)] = subject(y, y).detach()
        return subject(x, y).detach() - floors[tuple(y.shape)]

    channels = case.x.shape[1]
    return price(charge, level=0.5 * peak, amplitude=1e-2 * peak, frequencies=frequencies, size=size, channels=channels)
