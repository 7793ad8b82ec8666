"""The pictures that a loss is tried on: made here, so that an audit needs no file, and the same on every machine.

They have what photographs have: smooth shades, edges in several directions, texture, noise, several colours, and
differ from each other within a batch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def noise(like: Tensor, seed: int) -> Tensor:
    """Return white Gaussian noise with the shape, dtype and device of `like`."""
    generator = torch.Generator("cpu").manual_seed(seed)
    values = torch.randn(like.shape, generator=generator, dtype=torch.float64, device="cpu")
    return values.to(like)


def picture(size: tuple[int, int], *, batch: int = 2, channels: int = 3) -> Tensor:
    """Return pictures (N, C, H, W) in float64, values in [0.03, 0.97]."""
    height, width = size
    v, u = torch.meshgrid(
        torch.linspace(0, 1, height, dtype=torch.float64),
        torch.linspace(0, 1, width, dtype=torch.float64),
        indexing="ij",
    )
    colours = torch.tensor(
        [[0.85, 0.35, 0.2], [0.25, 0.6, 0.9], [0.9, 0.8, 0.3], [0.1, 0.15, 0.3]], dtype=torch.float64
    )
    images = []
    for n in range(batch):
        tone = colours.roll(n, dims=0)[:, torch.arange(channels) % 3]
        shade = (0.25 + 0.6 * (u if n % 2 else v)) * (1 - 0.2 * (u - 0.5).square())
        image = shade.expand(channels, -1, -1) * (0.6 + 0.4 * tone[1].view(-1, 1, 1))
        disc = ((u - 0.3 - 0.25 * n) ** 2 + (v - 0.35) ** 2).sqrt() < 0.22
        bar = ((u - 0.2 * n + 0.6 * v - 0.75).abs() < 0.08) & (v > 0.2)
        box = (v > 0.62) & (u > 0.08) & (u < 0.45)
        for mask, colour in ((disc, tone[0]), (bar, tone[2]), (box, tone[3])):
            image = torch.where(mask, 0.25 * image + 0.75 * colour.view(-1, 1, 1), image)
        chirp = 0.1 * torch.sin(2 * math.pi * (3 + n + 9 * u) * u * width / 64) * ((v > 0.55) & (u > 0.5))
        grain = noise(image[None], 100 + n)[0] * 0.02 * (0.3 + v)
        images.append(image + chirp + grain)
    return torch.stack(images).clamp(0.03, 0.97)


def low_pass(x: Tensor) -> Tensor:
    """Return the mean over 5 x 5 pixels, fewer at the border."""
    return F.avg_pool2d(x, 5, stride=1, padding=2, count_include_pad=False)


def degraded(y: Tensor, peak: float) -> Tensor:
    """Return `y` as a mediocre network would give it back: softer, a little noisy, a little off in level."""
    return 0.7 * y + 0.3 * low_pass(y) + 0.02 * peak + 0.03 * peak * noise(y, 1)


def retoned(x: Tensor, peak: float) -> Tensor:
    """Return `x` with another tone curve: a change that moves whole histograms."""
    return 0.75 * x + 0.15 * peak


def extremes(x: Tensor, y: Tensor, peak: float) -> dict[str, tuple[Tensor, Tensor]]:
    """Return the pairs on which losses are known to break, by name."""
    flat, zero, full = torch.full_like(y, 0.5 * peak), torch.zeros_like(y), torch.full_like(y, peak)
    left = torch.arange(y.shape[-1], device=y.device) < y.shape[-1] // 2
    return {
        "identical": (y, y),
        "identical, constant": (flat, flat),
        "constant against constant": (flat + 0.1 * peak, flat),
        "constant output": (flat, y),
        "constant target": (x, flat),
        "half-flat": (torch.where(left, flat, x), torch.where(left, flat, y)),
        "inverted": (peak - y, y),
        "black against black": (zero, zero),
        "black output": (zero, y),
        "white output": (full, y),
        "black against white": (zero, full),
        "all above the range": (y + 2 * peak, y),
        "all below the range": (y - 2 * peak, y),
    }
