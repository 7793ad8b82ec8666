"""Real pictures for the tests, in float64, and what may befall them."""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from lossedu import data


@functools.cache
def _whole(name: str) -> Tensor:
    return data.photograph(name).double()


def photo(name: str = "chelsea", size: int | tuple[int, int] = 16, *, top: int = 110, left: int = 150) -> Tensor:
    """Return a piece of a photograph, (1, C, H, W) in float64; the default lies on the cat's eye."""
    return data.crop(_whole(name), top, left, size).clone()


def noisy(x: Tensor, deviation: float, seed: int = 0) -> Tensor:
    """Add white Gaussian noise."""
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return x + (deviation * noise).to(x.dtype)


def batch(n: int, c: int, size: int | tuple[int, int], seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return n different pieces of photographs with c channels, and the same with noise: x (noisy) and y."""
    planes = [
        photo(name, size, top=top, left=left)[0]
        for name, top, left in (
            ("chelsea", 110, 150),
            ("coffee", 150, 280),
            ("astronaut", 60, 200),
            ("rocket", 120, 300),
        )
    ]
    pool = torch.cat(planes + [plane.flip(-1) for plane in planes])
    y = torch.stack([pool.roll(-3 * i, dims=0)[:c] for i in range(n)])
    return noisy(y, 0.1, seed), y
