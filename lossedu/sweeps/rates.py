"""How fast a training goes, against what its device could do."""

from __future__ import annotations

import time

import torch

#: Sides of the matrices; which one is fastest depends on the caches.
SIDES = (1024, 1536, 2048)


def matmul_rate(
    device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32, *, seconds: float = 0.3
) -> float:
    """Return the rate of a matrix product in FLOP/s, the best of several square ones within about `seconds`.

    A product of two n x n matrices counts 2 n³ operations.  It is what a device really reaches, on as many threads as
    torch uses now, not what its data sheet says.
    """
    place = torch.device(device)
    best, end = 0.0, time.perf_counter() + seconds
    for number, side in enumerate(SIDES):
        a = torch.rand(side, side, device=place, dtype=dtype)
        b = torch.rand(side, side, device=place, dtype=dtype)
        until = time.perf_counter() + (end - time.perf_counter()) / (len(SIDES) - number)
        torch.mm(a, b)  # the first one also loads code
        while True:
            _finish(place)
            began = time.perf_counter()
            torch.mm(a, b)
            _finish(place)
            now = time.perf_counter()
            best = max(best, 2 * side**3 / (now - began))
            if now >= until:
                break
    return best


def sentence(patches_per_second: float, flop_per_patch: float, rate: float) -> str:
    """Return the speed of a training in words, against the `rate` of a matrix product.

    Examples
    --------
    >>> sentence(1050.0, 90.5e6, 134e9)
    '1,050 patches/s = 95 GFLOP/s, 71 % of the 134 GFLOP/s that a matrix product reaches here'
    """
    reached = patches_per_second * flop_per_patch
    share = f"{100 * reached / rate:.0f} % of the {_flops(rate)} that a matrix product reaches here"
    return f"{_number(patches_per_second)} patches/s = {_flops(reached)}, {share}"


def _finish(place: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if place.type == "cuda":
        torch.cuda.synchronize(place)
    elif place.type == "mps":
        torch.mps.synchronize()


def _flops(rate: float) -> str:
    scale, unit = next(((s, u) for s, u in ((1e15, "P"), (1e12, "T"), (1e9, "G")) if rate >= s), (1e6, "M"))
    return f"{_number(rate / scale)} {unit}FLOP/s"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 20 else f"{value:.1f}" if value >= 1 else f"{value:.2g}"
