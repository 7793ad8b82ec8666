"""The judges of the fuzzing: the formulas in float64, window by window, fast enough for thousands of samples.

`tests/test_fuzz.py` holds them to the transcriptions in `oracles.py`, which are slower still.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import oracles
import oracles_metrics
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


def mix(x: Tensor, y: Tensor, *, alpha: float, sigmas: Sequence[float], padding: str, data_range: float) -> float:
    """Return Mix with windows as wide as their sigmas ask for, which grow: every pixel where the last one fits."""
    x, y = x.double(), y.double()
    windows = [oracles.window(sigma) for sigma in sigmas]
    widest = windows[-1].shape[0]
    if padding == "reflect":
        x, y = (F.pad(z, [widest // 2] * 4, mode="reflect") for z in (x, y))
    product, l = torch.ones((), dtype=torch.float64), torch.zeros(())
    for g in windows:
        margin = (widest - g.shape[0]) // 2
        inner = (z[..., margin : z.shape[-2] - margin, margin : z.shape[-1] - margin] for z in (x, y))
        l, cs = ssim_factors(*inner, g, *oracles.constants(data_range))
        product = product * cs
    errors = (x - y).abs().unfold(2, widest, 1).unfold(3, widest, 1)
    absolute = (windows[-1] * errors).sum(dim=(-1, -2)) / data_range
    return (alpha * (1 - product * l) + (1 - alpha) * absolute).mean().item()


def by_image(index: Callable[..., float], x: Tensor, y: Tensor, data_range: float, **options: Any) -> float:
    """Return the mean over images of an index of arrays in 0 ... 255, such as those of `oracles_metrics`."""
    pairs = zip(x, y, strict=True)
    pixels = oracles_metrics.pixels
    return float(
        np.mean([index(pixels(a[None]) / data_range, pixels(b[None]) / data_range, **options) for a, b in pairs])
    )


def iw_ssim(x: oracles_metrics.Array, y: oracles_metrics.Array) -> float:
    """Return IW-SSIM, with the conventions of ours where MATLAB's result is not a real number."""
    bands_x, bands_y = (oracles_metrics.pyramid(oracles_metrics.luma(z)) for z in (x, y))
    exponents = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
    value = 1.0
    for s, beta in enumerate(exponents / exponents.sum()):
        cs, l = oracles_metrics.structure(bands_x[s], bands_y[s])
        if s == 4:
            mean = (cs * l).mean()
        else:
            weight = information(bands_x[s], bands_y[s], bands_y[s + 1] if s < 3 else None)[4:-4, 4:-4]
            mean = (cs * weight).sum() / weight.sum() if weight.any() else cs.mean()
        value *= max(mean, 0) ** beta
    return float(value)


def information(
    x: oracles_metrics.Array, y: oracles_metrics.Array, parent: oracles_metrics.Array | None
) -> oracles_metrics.Array:
    """Return what every pixel tells, in bits; directions in which the reference does not vary tell nothing."""
    a, b = (np.lib.stride_tricks.sliding_window_view(z, (3, 3)).reshape(-1, 9) for z in (x, y))
    var_a, var_b = a.var(axis=1), b.var(axis=1)
    cov = ((a - a.mean(axis=1, keepdims=True)) * (b - b.mean(axis=1, keepdims=True))).mean(axis=1)
    flat_a, flat_b = var_a < 1e-15, var_b < 1e-15
    gain = np.where(flat_a | flat_b, 0, cov / np.where(flat_b, 1, var_b))
    noise = np.where(flat_a, 0, np.maximum(var_a - gain * cov, 0))
    u = (
        b
        if parent is None
        else np.column_stack((b, oracles_metrics.enlarge(parent)[1 : y.shape[0] - 1, 1 : y.shape[1] - 1].ravel()))
    )
    covariance = u.T @ u / len(u)
    eigenvalues = np.linalg.eigvalsh(covariance)
    eigenvalues[eigenvalues < 1e-13 * eigenvalues[-1]] = 0
    inverse = np.linalg.pinv(covariance, rcond=1e-13, hermitian=True)
    strength = (u @ inverse * u).sum(axis=1) / u.shape[1]
    eye = 0.4
    signal = ((noise + (1 + gain**2) * eye) * strength)[:, None] * eigenvalues
    bits = np.log2(1 + (signal + eye * noise[:, None]) / eye**2).sum(axis=1)
    return bits.reshape(y.shape[0] - 2, y.shape[1] - 2)
