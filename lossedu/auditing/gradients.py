"""Is the gradient there, and is it the slope of the value?"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .findings import Finding, Outcome, Skipped
from .opening import Case
from .probes import low_pass, noise, retoned
from .subject import LossFailed
from .tracing import Cut, Watch

#: Disagreement, relative, above which a gradient is called wrong: finite differences and quadrature are far better.
TOLERANCE = {torch.float64: 0.02, torch.float32: 0.05}


def watched(case: Case) -> Watch:
    """Return what one call of the loss under observation shows, with only x asking for a gradient."""
    if "watch" not in case.cache:
        held = [t for module in case.subject.modules for t in module.parameters() if t.requires_grad]
        watch = Watch()
        x, y = case.pair()
        watch.image = x.detach()
        try:
            for tensor in held:
                tensor.requires_grad_(False)
            case.subject.raw(x.detach().clone().requires_grad_(), y, mode=watch)
        except LossFailed:
            pass
        finally:
            for tensor in held:
                tensor.requires_grad_(True)
        case.cache["watch"] = watch
    found: Watch = case.cache["watch"]
    return found


def presence(case: Case) -> Outcome:
    """The value must depend on x through the graph."""
    cuts = ", ".join(map(str, watched(case).cuts))
    if case.gradient is None:
        if any(note.name == "crash in backward" for note in case.notes):
            raise Skipped("backward raised")
        evidence = "the value has no graph to x" + (f"; lost in {cuts}" if cuts else "")
        advice = cut_advice(list(watched(case).cuts)) if cuts else "Compute the value from x with differentiable calls."
        return "no gradient", [Finding("no gradient", "error", evidence, advice)]
    if not bool(case.gradient.any()):
        evidence = f"the gradient in x is 0 at every pixel, value {case.value:.4g}" + (
            f"; seen: {cuts}" if cuts else ""
        )
        return "zero gradient", [Finding("no gradient", "error", evidence, cut_advice(list(watched(case).cuts)))]
    share = float((case.gradient != 0).double().mean())
    return f"gradient in x at {100 * share:.0f} % of the pixels", []


def target_gradient(case: Case) -> Outcome:
    """Whether y gets a gradient: a property, not a fault."""
    case.need_reference()
    case.need_gradient()
    slope = case.subject.gradient(case.x, case.y, wrt_y=True)[1]
    if slope is None or not bool(slope.any()):
        advice = "As it should be for a fixed target. Detach nothing yourself if both images are to be trained."
        return "y is a constant", [
            Finding("no gradient in the target", "info", "y gets no gradient: it is treated as a constant", advice)
        ]
    return "y gets a gradient too", []


def directions(case: Case, x: Tensor) -> dict[str, Tensor]:
    """Return what is added to x: a new tone curve, and fine noise with softening."""
    tone = retoned(x, case.peak) - x
    texture = 0.08 * case.peak * noise(x, 11) + 0.7 * (low_pass(x) - x)
    return {"a new tone curve": tone, "noise and blur": texture}


def slope_errors(case: Case) -> dict[str, float]:
    """Return, by direction, the gradient's least relative error against central differences over several steps."""
    if "slopes" not in case.cache:
        x, y = case.pair()
        gradient = case.subject.gradient(x, y)[1]
        if gradient is None:
            raise Skipped("there is no gradient")
        # Where few pixels have a gradient, as with a median, none of them may leap.
        size = torch.maximum(gradient.square().mean().sqrt(), 0.1 * gradient.abs().max())
        uphill = 0.1 * case.peak * gradient / size.clamp_min(1e-30)
        errors = {}
        for name, d in {**directions(case, x), "uphill": uphill}.items():
            errors[name] = _slope_error(case, x, y, gradient, d)
            if errors[name] > TOLERANCE[case.wide] and case.wide == torch.float32 and case.takes_double:
                exact = [image.double() for image in (x, y)]
                slope = case.subject.gradient(exact[0], exact[1])[1]
                if slope is not None:
                    errors[name] = min(errors[name], _slope_error(case, exact[0], exact[1], slope, d.double()))
        case.cache["slopes"] = errors
    errors_found: dict[str, float] = case.cache["slopes"]
    return errors_found


def _slope_error(case: Case, x: Tensor, y: Tensor, gradient: Tensor, d: Tensor) -> float:
    double = x.dtype == torch.float64
    # The smallest are for medians and sharp kinks, where the next pixel is never far.
    steps = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7) if double else (1e-1, 3e-2, 1e-2, 3e-3)
    slope = float((gradient * d).sum(dtype=torch.float64))
    # Across the gradient the slope is nearly 0, and float32 has no digits for it.
    floor = (1e-3 if double else 0.02) * float(gradient.double().norm() * d.double().norm())
    found = []
    for step in steps:
        up, down = (case.subject.value(x + sign * step * d, y) for sign in (1, -1))
        measured = (up - down) / (2 * step)
        found.append(abs(measured - slope) / max(abs(measured), abs(slope), floor, 1e-30))
    return float(np.nanmin([*found, 1e9]))


def cut_advice(cuts: list[Cut]) -> str:
    """Return what to do about calls that lose the gradient."""
    names = {cut.operation for cut in cuts}
    if names & {"histc", "bincount", "histogram", "histogramdd"}:
        return "Counting has no derivative: use soft bins (le.soft_histogram) or le.histogram_emd_loss."
    if names & {"item", "tolist", "numpy", "__float__", "__array__"}:
        return "Keep numbers as tensors: item(), float(), numpy() and tolist() cut the graph."
    if any(cut.flat for cut in cuts):
        return "Rounding and signs have gradient 0: leave them out of training, or use a smooth version."
    if any("no_grad" in name for name in names):
        return "Only the target's branch belongs under no_grad(): move the processed image's out of it."
    if names & {"detach", "detach_", "data"}:
        return "Detach only what comes from the target: without its graph this term trains nothing."
    return "Use calls that have a derivative: comparisons, rounding, counting and casts to integers have none."
