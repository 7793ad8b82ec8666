"""Does the gradient account for everything that the value does?

A term without a gradient (a histogram by counting, a detached branch) still moves the value.  Along any path from x
to x + d the change of the value must equal the path integral of the gradient; what is missing is dead.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .findings import Finding, Outcome, Skipped
from .gradients import TOLERANCE, cut_advice, directions, slope_errors, watched
from .opening import Case
from .subject import LossFailed
from .tracing import Cut, Nudge


@lru_cache(maxsize=4)
def _nodes(count: int) -> tuple[list[float], list[float]]:
    """Return Gauss-Legendre nodes and weights for [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return ((nodes + 1) / 2).tolist(), (weights / 2).tolist()


def path_gap(
    gradient: Callable[[Tensor, Tensor], tuple[float, Tensor | None]], x: Tensor, d: Tensor, y: Tensor, count: int
) -> tuple[float, float, float]:
    """Return the change of the value from x to x + d, the integral of the gradient along the way, and of its size."""
    change = gradient(x + d, y)[0] - gradient(x, y)[0]
    integral = moved = 0.0
    for t, weight in zip(*_nodes(count), strict=True):
        slope = gradient(x + t * d, y)[1]
        step = 0.0 if slope is None else weight * float((slope * d).sum(dtype=torch.float64))
        integral, moved = integral + step, moved + abs(step)
    return change, integral, moved


def path_gaps(case: Case) -> dict[str, tuple[float, float, float]]:
    """Return by direction the change, the integral, and their gap relative to all movement; refined if need be."""
    if "paths" not in case.cache:
        x, y = case.pair()
        gaps = {}
        for name, d in directions(case, x).items():
            for count in (6, 24) if case.slow else (12, 48):
                change, integral, moved = path_gap(case.subject.gradient, x, d, y, count)
                # A value that rises and falls again has moved, though its change is small.
                size = max(abs(change), moved, 1e-3 * abs(case.value), 1e-30)
                gaps[name] = (change, integral, abs(change - integral) / size)
                if gaps[name][2] <= TOLERANCE[case.wide]:
                    break
        case.cache["paths"] = gaps
    found: dict[str, tuple[float, float, float]] = case.cache["paths"]
    return found


def dead_terms(case: Case) -> Outcome:
    """Compare how the value changes along two paths with what its gradient adds up to."""
    case.need_gradient()
    if "stateful" in case.cache:
        raise Skipped(case.cache["stateful"])
    tolerance = TOLERANCE[case.wide]
    gaps = path_gaps(case)
    name, (change, integral, gap) = max(gaps.items(), key=lambda item: item[1][2])
    if not gap > tolerance:
        return f"the gradient explains the value along {len(gaps)} paths to {100 * gap:.2g} %", []
    evidence = (
        f"along {name} the value changes by {change:.4g}, its gradient adds up to {integral:.4g}: "
        f"{100 * gap:.0f} % of the movement is missing"
    )
    sites = {cut: _effect(case, cut) for cut in watched(case).cuts if not cut.flat}
    dead = [cut for cut, effect in sites.items() if effect == "value"]
    weights = [cut for cut, effect in sites.items() if effect == "gradient"]
    flat = [cut for cut in watched(case).cuts if cut.flat]
    off_slope = max(slope_errors(case).values()) > tolerance
    if not (dead or weights or flat or off_slope) and not missing_everywhere(case, name):
        return "the gradient explains the value away from steep places, such as logarithms at the end of a clamp", []
    case.cache["explained"] = bool(dead or flat or weights or not off_slope)
    if dead or (flat and not weights) or not off_slope:
        culprits = dead or flat
        seen = f"; lost in {', '.join(map(str, culprits))}" if culprits else "; the value moves in jumps"
        return "part of the value has no gradient", [
            Finding("dead term", "error", evidence + seen, cut_advice(culprits))
        ]
    if weights:
        advice = (
            "The gradient is not the slope of the value: a stop-gradient. Fine if it is a deliberate weight; otherwise "
            "remove detach(), item() or no_grad()."
        )
        finding = Finding("stop-gradient", "warning", f"{evidence}; stopped at {', '.join(map(str, weights))}", advice)
        return "a stop-gradient", [finding]
    return f"its slope is wrong: {evidence}", []


def missing_everywhere(case: Case, name: str) -> bool:
    """Return whether the value really moves without its gradient: inside the range, and piece by piece the same way.

    A logarithm clamped at 0 rises so steeply that no quadrature sees it, and the median of an image has the slope of
    one pixel after the other: both have all the gradient there is.  So the path is walked again between 0.3 and 0.7 of
    the range, where clamps rarely end, in pieces: what is lost must add up over the pieces rather than cancel.
    """
    x, y = case.pair()
    inner = case.peak * (0.3 + 0.4 * (x / case.peak).clamp(0, 1))
    d = 0.4 * directions(case, x)[name]
    pieces = 12 if case.slow else 64
    lost, moved = [], 0.0
    for k in range(pieces):
        change, integral, steps = path_gap(case.subject.gradient, inner + k / pieces * d, d / pieces, y, 2)
        lost.append(change - integral)
        moved += max(abs(change), steps)
    total, spread = abs(sum(lost)), sum(gap**2 for gap in lost) ** 0.5
    return not (total <= TOLERANCE[case.wide] * moved or total <= 0.5 * pieces**0.5 * spread)


def _effect(case: Case, cut: Cut) -> str:
    """Return what a nudge at a cut changes: "gradient", only the "value", or "" for nothing."""
    x, y = case.pair()
    value, slope = case.subject.gradient(x, y)
    try:
        new_value, new_slope = case.subject.gradient(x, y, mode=Nudge(cut))
    except LossFailed:
        return ""
    if slope is not None and new_slope is not None and not torch.allclose(slope, new_slope, rtol=1e-6, atol=0.0):
        return "gradient"
    return "value" if abs(new_value - value) > 1e-9 * abs(value) else ""


def finite_differences(case: Case) -> Outcome:
    """The gradient must be the slope of the value."""
    case.need_gradient()
    if "stateful" in case.cache:
        raise Skipped(case.cache["stateful"])
    errors, tolerance = slope_errors(case), TOLERANCE[case.wide]
    name, error = max(errors.items(), key=lambda item: item[1])
    if not error > tolerance:
        return f"agrees with central differences to {error:.1g} ({str(case.wide)[6:]})", []
    if max(gap for _, _, gap in path_gaps(case).values()) <= tolerance:
        evidence = f"along {name} it is {100 * error:.0f} % off the local slope, yet right over longer ways"
        advice = (
            "A straight-through gradient behaves like this; deliberate for quantisers, otherwise look for rounding."
        )
        return "right on average only", [Finding("surrogate gradient", "info", evidence, advice)]
    if case.cache.get("explained"):
        raise Skipped("it differs, and 'value against gradient' says why")
    evidence = f"along {name} it is {100 * error:.3g} % off central differences, at every step size tried"
    advice = "A backward written by hand is wrong, or data were changed in place. Run torch.autograd.gradcheck."
    return "wrong", [Finding("wrong gradient", "error", evidence, advice)]
