"""How the benchmarks measure: turns, the least of many, processor time, and what is kept for the backward pass."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Loss = Callable[[Tensor, Tensor], Tensor]
Work = Callable[[Loss, Tensor, Tensor], None]


def forward(loss: Loss, x: Tensor, y: Tensor) -> None:
    """Compute a loss alone."""
    with torch.no_grad():
        loss(x, y)


def both(loss: Loss, x: Tensor, y: Tensor) -> None:
    """Compute a loss and its gradient in x."""
    loss(x.detach().requires_grad_(), y).backward()


def milliseconds(work: Work, loss: Loss, x: Tensor, y: Tensor) -> float:
    """Time one call: processor time on a CPU, events on a GPU."""
    if x.device.type != "cuda":
        start = time.process_time()
        work(loss, x, y)
        return 1000 * (time.process_time() - start)
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    first.record()
    work(loss, x, y)
    last.record()
    torch.cuda.synchronize()
    return first.elapsed_time(last)


def least_times(work: Work, losses: Mapping[str, Loss], x: Tensor, y: Tensor, rounds: int) -> dict[str, float]:
    """Return milliseconds for each loss, the least of `rounds`; they take turns in an order that always changes."""
    order = list(losses)
    best = dict.fromkeys(order, float("inf"))
    shuffle = random.Random(0).shuffle
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            work(losses[name], x, y)  # warm: the caches hold its own data, not those of the one before
            best[name] = min(best[name], milliseconds(work, losses[name], x, y))
    return best


def kept_bytes(loss: Loss, x: Tensor, y: Tensor) -> int:
    """Return how much memory, beside the two images, is kept from the forward to the backward pass."""
    leaf = x.detach().requires_grad_()
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        value = loss(leaf, y)
    for image in (leaf, y):
        kept.pop(image.untyped_storage().data_ptr(), None)
    del value
    return sum(kept.values())


def difference(one: Loss, other: Loss, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Return how far apart two losses are: values relatively, gradients relative to the largest component."""
    found = []
    for loss in (one, other):
        leaf = x.detach().clone().requires_grad_()
        value = loss(leaf, y)
        found.append((value.item(), torch.autograd.grad(value, leaf)[0]))
    (ours, our_grad), (theirs, their_grad) = found
    apart = (our_grad - their_grad).abs().max() / our_grad.abs().max()
    return abs(theirs / ours - 1), apart.item()


def bandwidth(device: torch.device, megabytes: int = 512) -> float:
    """Return bytes a second that this device reads and writes, measured by copying a large tensor."""
    source = torch.empty(megabytes * 2**18, device=device)
    target = torch.empty_like(source)
    copy = lambda a, b: b.copy_(a)  # noqa: E731
    best = least_times(lambda f, a, b: f(a, b) and None, {"copy": copy}, source, target, 10)["copy"]
    return 2 * source.numel() * 4 / best * 1000
