"""What a loss costs to compute, beside mean square error: time and memory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from .findings import Finding, Outcome, brief
from .opening import Case


def duration(case: Case) -> Outcome:
    """Time of value and gradient, relative to MSE on the same pair."""
    case.need_gradient()
    mine = _time(case.subject.gradient, case)
    base = _time(lambda x, y: torch.autograd.grad(F.mse_loss(x := x.clone().requires_grad_(), y), x), case)
    return f"value and gradient {1e3 * mine:.2g} ms, {brief(mine / base)} times MSE", []


def memory(case: Case) -> Outcome:
    """What the graph keeps for backward, relative to the image."""
    case.need_gradient()
    images = _kept(case) / (case.x.numel() * case.x.element_size())
    text = f"the graph keeps {brief(images)} times the size of x for backward"
    if images > 50:
        advice = (
            "Memory limits the batch: use a fused or closed-form version, smaller crops, or torch.utils.checkpoint."
        )
        return text, [Finding("memory", "info", text, advice)]
    return text, []


def _time(call: Callable[[Tensor, Tensor], object], case: Case) -> float:
    best = math.inf
    for _ in range(2 if case.slow else 5):
        start = time.perf_counter()
        call(case.x, case.y)
        best = min(best, time.perf_counter() - start)
    return best


def _kept(case: Case) -> int:
    """Return the bytes that the graph holds, without the two images."""
    seen: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    x, y = case.x.clone().requires_grad_().clone(), case.y.clone()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        value = case.subject(x, y, copy=False)
    held = [t for module in case.subject.modules for t in (*module.parameters(), *module.buffers())]
    for tensor in (x, y, *held):
        seen.pop(tensor.untyped_storage().data_ptr(), None)
    del value
    return sum(seen.values())
