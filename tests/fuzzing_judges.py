"""The judges of the fuzzing: the formulas in float64, window by window, fast enough for thousands of samples.

`tests/test_fuzz.py` holds them to the transcriptions in `oracles.py`, which are slower still.
"""

from __future__ import annotations

import math

import oracles
import torch
import torch.nn.functional as F
from torch import Tensor


def ssim_factors(x: Tensor, y: Tensor, g: Tensor, c1: float, c2: float) -> tuple[Tensor, Tensor]:
    """Return l and cs of every window: central moments of all patches at once, (N, C, H', W')."""
    size = g.shape[0]
    px, py = (z.unfold(2, size, 1).unfold(3, size, 1) for z in (x, y))
    mu_x, mu_y = ((g * p).sum(dim=(-1, -2)) for p in (px, py))
    dx, dy = px - mu_x[..., None, None], py - mu_y[..., None, None]
    var_x, var_y, cov = ((g * a * b).sum(dim=(-1, -2)) for a, b in ((dx, dx), (dy, dy), (dx, dy)))
    return (2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1), (2 * cov + c2) / (var_x + var_y + c2)


def ssim(
    x: Tensor,
    y: Tensor,
    *,
    sigma: float = 1.5,
    kernel_size: int | None = None,
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    padding: str = "valid",
) -> Tensor:
    """Return SSIM of every window, in float64."""
    x, y = x.double(), y.double()
    g = oracles.window(sigma, kernel_size)
    if padding == "reflect":
        radius = g.shape[0] // 2
        x, y = (F.pad(z, [radius] * 4, mode="reflect") for z in (x, y))
    l, cs = ssim_factors(x, y, g, *oracles.constants(data_range, k1, k2))
    return l * cs


def ms_ssim(
    x: Tensor, y: Tensor, weights: tuple[float, ...], kernel_size: int, data_range: float, *, odd: str = "replicate"
) -> float:
    """Return MS-SSIM after Wang et al. (2003).

    Where a side is odd, "replicate" repeats the last row and column before each 2 x 2 mean; "zeros" puts a row and a
    column of zeros around both ends, which is what pytorch-msssim does.
    """
    x, y = x.double(), y.double()
    g = oracles.window(1.5, kernel_size)
    product = torch.ones(x.shape[:2], dtype=torch.float64)
    for j, weight in enumerate(weights):
        l, cs = ssim_factors(x, y, g, *oracles.constants(data_range))
        value = (l * cs if j == len(weights) - 1 else cs).mean(dim=(2, 3))
        product = product * value.clamp(min=0) ** weight
        x, y = (halved(z, odd) for z in (x, y))
    return product.mean().item()


def halved(z: Tensor, odd: str) -> Tensor:
    """Return the means of squares of four pixels."""
    height, width = z.shape[-2] % 2, z.shape[-1] % 2
    if odd == "zeros":
        z = F.pad(z, (width, width, height, height))
        z = z[..., : z.shape[-2] // 2 * 2, : z.shape[-1] // 2 * 2]
    else:
        z = F.pad(z, (0, width, 0, height), mode="replicate")
    return (z[..., ::2, ::2] + z[..., 1::2, ::2] + z[..., ::2, 1::2] + z[..., 1::2, 1::2]) / 4


def psnr(x: Tensor, y: Tensor, data_range: float) -> float:
    """Return the mean over images of 10 log10(L^2 / MSE)."""
    errors = [math.fsum((e * e).flatten().tolist()) / e.numel() for e in x.double() - y.double()]
    return sum(10 * math.log10(data_range**2 / e) if e else math.inf for e in errors) / len(errors)


def wasserstein(x: Tensor, y: Tensor) -> float:
    """Return the area between two cumulative histograms, mean over images and channels, by merging the values."""
    total = 0.0
    for a, b in zip(x.double().flatten(0, 1).flatten(1), y.double().flatten(0, 1).flatten(1), strict=True):
        edges = torch.cat([a, b]).sort().values
        share = [(z[None] <= edges[:-1, None]).double().mean(dim=1) for z in (a, b)]
        total += ((share[0] - share[1]).abs() * edges.diff()).sum().item()
    return total / (x.shape[0] * x.shape[1])


def total_variation(x: Tensor) -> float:
    """Return the sum of all |differences| between neighbours, mean over images."""
    x = x.double()
    down, right = (x[..., 1:, :] - x[..., :-1, :]).abs().sum(), (x[..., 1:] - x[..., :-1]).abs().sum()
    return ((down + right) / x.shape[0]).item()
