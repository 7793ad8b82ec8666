"""Histograms, their distances, and the blurs of the colour losses, written down as they stand: slow, in float64.

Histograms are taken of one plane at a time, a flat list of pixels, and every pixel is weighed against every bin.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from scipy.stats import norm
from torch import Tensor


def linear_histogram(pixels: Tensor, bins: int = 256, data_range: float = 1.0) -> Tensor:
    """P(k) = mean of max(0, 1 - |u - k|) with u = (K - 1) x / L, kept in 0 … K - 1."""
    u = (pixels / data_range).clamp(0, 1) * (bins - 1)
    k = torch.arange(bins, dtype=torch.float64)
    return (1 - (u[:, None] - k).abs()).clamp(min=0).mean(dim=0)


def logistic_histogram(
    pixels: Tensor, bins: int = 256, bandwidth: float | None = None, mirror: bool = True, data_range: float = 1.0
) -> Tensor:
    """P(k) = mean of sigma((x - e_k) / W) - sigma((x - e_{k+1}) / W), e_k = L k / K, over x and its mirror images."""
    width = data_range / (2.5 * bins) if bandwidth is None else bandwidth
    edges = torch.arange(bins + 1, dtype=torch.float64) * data_range / bins
    x = pixels.clamp(0, data_range)
    images = [x]
    if mirror:
        images = [2 * m * data_range + sign * x for m in range(-60, 61) for sign in (1, -1)]
    parts = [torch.sigmoid((z[:, None] - edges) / width) for z in images]
    return sum((s[:, :-1] - s[:, 1:]).mean(dim=0) for s in parts)  # type: ignore[return-value]


def distance(p: Tensor, q: Tensor, spacing: float) -> Tensor:
    """The area between the cumulative histograms: spacing * sum_k |F_p(k) - F_q(k)|."""
    total = torch.zeros((), dtype=torch.float64)
    difference = torch.zeros((), dtype=torch.float64)
    for a, b in zip(p, q, strict=True):
        difference = difference + a - b
        total = total + difference.abs()
    return spacing * total


def sorted_distance(a: Tensor, b: Tensor) -> Tensor:
    """Mean of |x_(i) - y_(i)|: each pixel goes to the pixel of the same rank."""
    order_a, order_b = (sorted(range(len(z)), key=z.tolist().__getitem__) for z in (a, b))
    return torch.stack([(a[i] - b[j]).abs() for i, j in zip(order_a, order_b, strict=True)]).mean()


def planes(x: Tensor, histogram: Callable[[Tensor], Tensor]) -> Tensor:
    """A histogram of each channel of each image: (N, C, K)."""
    return torch.stack([torch.stack([histogram(plane.flatten()) for plane in image]) for image in x])


def emd_loss(
    x: Tensor,
    y: Tensor,
    kernel: str = "linear",
    bins: int = 256,
    bandwidth: float | None = None,
    mirror: bool = True,
    data_range: float = 1.0,
) -> Tensor:
    """Mean over channels of W1 / L, one value per image."""

    def plane(a: Tensor, b: Tensor) -> Tensor:
        if kernel == "sort":
            return sorted_distance(a, b) / data_range
        if kernel == "linear":
            p, q = (linear_histogram(z, bins, data_range) for z in (a, b))
            # A histogram of K centres ends at F = 1, up to rounding, which the oracle need not count.
            return distance(p[:-1], q[:-1], 1 / (bins - 1))
        p, q = (logistic_histogram(z, bins, bandwidth, mirror, data_range) for z in (a, b))
        return distance(p, q, 1 / bins)

    return torch.stack(
        [
            torch.stack([plane(a.flatten(), b.flatten()) for a, b in zip(one, two, strict=True)]).mean()
            for one, two in zip(x, y, strict=True)
        ]
    )


def color_kernel(preset: str) -> Tensor:
    """The 21 x 21 weights of a colour blur: (21, 21), sum 1."""
    if preset == "dped":
        edges = torch.linspace(-3 - 1 / 6, 3 + 1 / 6, 22, dtype=torch.float64)
        bins = torch.from_numpy(norm.cdf(edges.numpy())).diff()
        g = torch.outer(bins, bins).sqrt()
    else:
        variance = {"wespe": 3.0, "std3": 9.0}[preset]
        k = range(-10, 11)
        rows = [[math.exp(-i * i / (2 * variance) - j * j / (2 * variance)) for j in k] for i in k]
        g = torch.tensor(rows, dtype=torch.float64)
    return g / g.sum()


def color_blur(x: Tensor, preset: str) -> Tensor:
    """The sum of weight times pixel wherever 21 x 21 fit: (N, C, H - 20, W - 20)."""
    g = color_kernel(preset).to(x)
    height, width = x.shape[2] - 20, x.shape[3] - 20
    rows = [
        torch.stack([(g * x[:, :, i : i + 21, j : j + 21]).sum(dim=(2, 3)) for j in range(width)], dim=-1)
        for i in range(height)
    ]
    return torch.stack(rows, dim=-2)


def discriminator_logits(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """The network of DPED layer by layer: convolution, LeakyReLU, instance norm (not in the first), two linear maps."""
    weights = list(state.values())
    for number, (taps, stride) in enumerate(((11, 4), (5, 2), (3, 1), (3, 1), (3, 2))):
        weight, bias = weights.pop(0), weights.pop(0)
        assert weight.shape[-2:] == (taps, taps)
        x = torch.nn.functional.conv2d(x, weight, bias, stride=stride, padding=taps // 2)
        x = torch.where(x > 0, x, 0.2 * x)
        if number:
            scale, shift = weights.pop(0), weights.pop(0)
            mean = x.mean(dim=(2, 3), keepdim=True)
            variance = ((x - mean) ** 2).mean(dim=(2, 3), keepdim=True)
            x = scale[:, None, None] * (x - mean) / (variance + 1e-3).sqrt() + shift[:, None, None]
    hidden = x.flatten(1) @ weights.pop(0).T + weights.pop(0)
    hidden = torch.where(hidden > 0, hidden, 0.2 * hidden)
    return hidden @ weights.pop(0).T + weights.pop(0)
