"""Where the loss is least: at equal images, or somewhere else."""

from __future__ import annotations

import math

from torch import Tensor

from .findings import Finding, Outcome, Skipped, brief
from .opening import Case
from .probes import low_pass, noise
from .scale import price_list
from .subject import LossFailed

#: A step down from equal images, in units of what noise of 0.05 costs there, from which on it is worth a word.
_NOTED, _WRONG = 0.02, 0.5
_STEPS = (0.3, 0.1, 0.03, 0.01, 0.003)


def floor(case: Case) -> Outcome:
    """Equal images must cost least: 0, or at least no more than damaged ones."""
    case.need_reference()
    if "stateful" in case.cache:
        raise Skipped(case.cache["stateful"])
    x, y = case.pair()
    least = case.subject.value(y, y)
    damaged = {
        "noise": y + 0.1 * case.peak * noise(y, 7),
        "blur": low_pass(low_pass(y)),
        "lower contrast": 0.6 * y + 0.2 * case.peak,
        "the audit's own pair": x,
    }
    values = {name: case.subject.value(image, y) for name, image in damaged.items()}
    values = {name: value for name, value in values.items() if math.isfinite(value)}
    if math.isnan(least) or least == -math.inf or not values:
        raise Skipped(f"equal images cost {least:.4g}; {len(values)} of {len(damaged)} damaged ones a finite value")
    shown = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
    evidence = f"equal images {least:.4g}; {shown}"
    if all(value < least for value in values.values()):
        case.cache["index"] = True
        advice = "Higher is better here, so minimising it makes images worse: use 1 - index, or its negative."
        return "equal images have the highest value", [Finding("index as a loss", "error", evidence, advice)]
    typical = max(abs(value - least) for value in values.values())
    lower = [name for name, value in values.items() if value < least - 1e-6 * max(typical, abs(least))]
    name, gain, value = _best_elsewhere(case, y, least, typical)
    if gain > _WRONG:
        advice = (
            "Training leaves the reference for it. Look for a wrong sign, pixels shifted, channels or axes swapped, or "
            "one image in another range than the other (logits, [-1, 1], a sigmoid). Right for an adversarial or a "
            "strong smoothness term only."
        )
        told = f"{name} costs {value:.4g}, equal images {least:.4g}: less by {gain:.2g} times what noise of 0.05 adds"
        return "equal images are not the best", [Finding("optimum elsewhere", "warning", told, advice)]
    if lower or gain > _NOTED:
        advice = (
            "Usual for a sum with a smoothness or an adversarial term, or with smoothed labels; if the loss has none, "
            "compare its signs and its weights."
        )
        return "a damaged image is cheaper than an equal one", [
            Finding(
                "optimum elsewhere",
                "info",
                f"cheaper than equal images: {', '.join(lower) or name} ({evidence})",
                advice,
            )
        ]
    if not abs(least) <= 1e-4 * typical:
        advice = "Harmless for training. Subtract it if values are to be compared across losses or read as 'how far'."
        return f"equal images cost {least:.4g}", [Finding("not zero at the optimum", "info", evidence, advice)]
    return f"equal images cost {least:.2g}, damaged ones from {min(values.values()):.2g}", []


def _best_elsewhere(case: Case, y: Tensor, least: float, typical: float) -> tuple[str, float, float]:
    """Return the cheapest of some images that are not y: its name, its gain beside the cost of noise, its value.

    Tried are steps down the loss's own gradient at equal images, and damage so strong that no sound loss likes it.
    """
    tried = {"an inverted image": case.peak - y, "noise of 0.5": y + 0.5 * case.peak * noise(y, 8)}
    slope = case.subject.gradient(y, y)[1]
    if slope is not None and bool(slope.isfinite().all()) and bool(slope.any()):
        steepest = slope / slope.abs().max()
        for step in _STEPS:
            tried[f"a step of {step:g} down its own slope from there"] = y - step * case.peak * steepest
    charged = abs(case.subject.value(y + 0.05 * case.peak * noise(y, 9), y) - least)
    values = {}
    for name, image in tried.items():
        try:
            values[name] = case.subject.value(image, y)
        except LossFailed:  # it refuses values outside the range
            continue
    values = {name: value for name, value in values.items() if math.isfinite(value)}
    if not values:
        return "", 0.0, least
    # A loss that hardly sees noise must not be judged by it.
    unit = max(charged if math.isfinite(charged) else 0.0, 1e-2 * typical, 1e-5 * abs(least), 1e-30)
    name = min(values, key=lambda name: values[name])
    return name, (least - values[name]) / unit, values[name]


def rewards(case: Case) -> Outcome:
    """Measure the price of patterns; one below zero is a reward, and says more than what is cheap."""
    outcome, findings = price_list(case)
    curve = case.cache["price"]
    prices = {"a uniform shift": curve.uniform}
    for frequency, value in zip(curve.frequencies.tolist(), curve.values.tolist(), strict=True):
        prices[f"a ripple of {frequency:.2g} cycles per pixel"] = value
    if case.cache.get("index") or not all(map(math.isfinite, prices.values())):
        return outcome, findings
    name = min(prices, key=lambda name: prices[name])
    # More than rounding: beside the other prices, and beside the digits that float32 has of 1.
    rounding = 1e-5 * max(1.0, abs(case.value)) / (1e-2 * case.peak) ** 2
    if prices[name] > -max(0.1 * max(prices.values()), 2 * rounding):
        return outcome, findings
    evidence = f"on a flat image {name} lowers the loss: its price relative to MSE is {brief(prices[name])}"
    advice = "Training adds such errors on purpose. Look for a wrong sign, or for x and y swapped in one product."
    return "an error is rewarded", [Finding("rewards an error", "warning", evidence, advice)]
