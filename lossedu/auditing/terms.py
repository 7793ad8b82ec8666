"""The terms of a `WeightedLoss`: who steers, and who is dead."""

from __future__ import annotations

import torch
from torch import Tensor

from ..instruments import gradient_share
from ..losses import WeightedLoss
from .completeness import path_gap
from .findings import Finding, Outcome, Skipped
from .opening import Case
from .probes import retoned


def term_shares(case: Case) -> Outcome:
    """Each term's share of the gradient, and whether its own gradient sees its own value."""
    loss = case.subject.loss
    if not isinstance(loss, WeightedLoss):
        raise Skipped("not a WeightedLoss")
    shares = gradient_share(loss, case.x, case.y)
    findings = [
        dead for name, share in shares.items() if loss.weights[name] > 0 and (dead := _dead(case, loss, name, share))
    ]
    dead_names = {finding.evidence.partition("'")[2].partition("'")[0] for finding in findings}
    shown = ", ".join(f"{name} {100 * share:.3g} %" for name, share in shares.items())
    small = [name for name, share in shares.items() if share < 0.01 and name not in dead_names]
    evidence = f"share of the gradient in the pixels of x, 2-norm: {shown}"
    if len(shares) > 1 and small:
        advice = "A weight is not an influence. Raise the weight of what should steer, or leave the term out."
        findings.append(Finding("gradient share", "info", evidence, advice))
    return evidence, findings


def _dead(case: Case, loss: WeightedLoss, name: str, share: float) -> Finding | None:
    x, y = case.pair()

    def slope(a: Tensor, b: Tensor) -> tuple[float, Tensor | None]:
        leaf = a.detach().clone().requires_grad_()
        value = loss.terms(leaf, b)[name].sum()
        if not value.requires_grad:
            return float(value.detach()), None
        return float(value.detach()), torch.autograd.grad(value, leaf, allow_unused=True)[0]

    change, integral, _ = path_gap(slope, x, retoned(x, case.peak) - x, y, 6 if case.slow else 24)
    gap = abs(change - integral) / max(abs(change), abs(integral), 1e-30)
    if share == 0 and change != 0:
        evidence = (
            f"term '{name}' (weight {loss.weights[name]:g}) has no gradient, yet its value changes by {change:.4g}"
        )
    elif share == 0 or not gap > 0.5:
        return None
    else:
        evidence = f"term '{name}' changes by {change:.4g} where its gradient adds up to {integral:.4g}"
    advice = (
        "It adds to the printed value and trains nothing: give it a derivative (le.histogram_emd_loss for histograms), "
        "or remove it."
    )
    return Finding("dead term", "error", evidence, advice)
