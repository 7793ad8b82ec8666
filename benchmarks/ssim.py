"""Time `ssim_loss` beside pytorch-msssim and kornia: ``python benchmarks/ssim.py``.

All three compute the mean of 1 - SSIM over windows of 11 taps, sigma 1.5, that lie inside the image; values and
gradients are compared before anything is timed.  One thread; the three take turns in an order that changes every round,
and each time is the least of all rounds, so that what else the machine does falls on all alike.  Processor time is
counted, not the clock on the wall, for the same reason.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable

import pytorch_msssim
import torch
from kornia.metrics import ssim as kornia_ssim
from torch import Tensor

import lossedu as le

SHAPES = [(8, 3, 64, 64), (4, 3, 256, 256), (1, 3, 512, 512), (1, 3, 1024, 1024)]

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "lossedu": lambda x, y: le.ssim_loss(x, y),
    "pytorch-msssim": lambda x, y: 1 - pytorch_msssim.ssim(x, y, data_range=1.0),
    "kornia": lambda x, y: 1 - kornia_ssim(x, y, 11, max_val=1.0, eps=0.0, padding="valid").mean(),
}


def pictures(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Return noisy and clean pieces of a photograph, repeated where the shape is larger than it."""
    n, _, height, width = shape
    photo = le.data.photograph("astronaut")
    y = photo.repeat(n, 1, -(-height // 512), -(-width // 512))[..., :height, :width].contiguous()
    return y + 0.05 * torch.randn(shape, generator=torch.Generator().manual_seed(0)), y


def forward(loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> None:
    with torch.no_grad():
        loss(x, y)


def both(loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> None:
    leaf = x.detach().requires_grad_()
    loss(leaf, y).backward()


def agree(x: Tensor, y: Tensor) -> None:
    """Raise unless all three say the same: values to 1e-4, gradients to 1e-3 of the largest component."""
    found = []
    for loss in LOSSES.values():
        leaf = x.clone().requires_grad_()
        value = loss(leaf, y)
        found.append((value.item(), torch.autograd.grad(value, leaf)[0]))
    ours, our_grad = found[0]
    for name, (theirs, grad) in zip(LOSSES, found, strict=True):
        if abs(theirs / ours - 1) > 1e-4 or (grad - our_grad).abs().max() > 1e-3 * our_grad.abs().max():
            raise AssertionError(f"{name} computes something else: {theirs} against {ours}")


def kept_bytes(loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> int:
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


def least_times(work: Callable[..., None], x: Tensor, y: Tensor, rounds: int) -> dict[str, float]:
    """Return milliseconds for each library, the least of `rounds`."""
    order = list(LOSSES)
    best = dict.fromkeys(order, float("inf"))
    shuffle = random.Random(0).shuffle
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            work(LOSSES[name], x, y)  # warm: the caches hold its own data, not those of the one before
            start = time.process_time()
            work(LOSSES[name], x, y)
            best[name] = min(best[name], 1000 * (time.process_time() - start))
    return best


def main() -> None:
    """Print one line for each shape and pass."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="of which the least time is taken (default 20)")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread, least processor time of {rounds} rounds, milliseconds")
    names = "".join(f"{name:>16}" for name in LOSSES)
    print(f"{'shape':<18}{'pass':<18}{names}{'ratio to faster peer':>24}")
    for shape in SHAPES:
        x, y = pictures(shape)
        agree(x, y)
        label = "x".join(map(str, shape))
        for title, work in (("forward", forward), ("forward+backward", both)):
            best = least_times(work, x, y, rounds)
            ratio = min(value for name, value in best.items() if name != "lossedu") / best["lossedu"]
            print(
                f"{label:<18}{title:<18}{''.join(f'{best[name]:16.2f}' for name in LOSSES)}{ratio:23.1f}x", flush=True
            )
        kept = {name: kept_bytes(loss, x, y) / 2**20 for name, loss in LOSSES.items()}
        ratio = min(value for name, value in kept.items() if name != "lossedu") / kept["lossedu"]
        print(f"{label:<18}{'kept, MiB':<18}{''.join(f'{kept[name]:16.2f}' for name in LOSSES)}{ratio:23.1f}x")


if __name__ == "__main__":
    main()
