"""The formulas of the book, written down as they stand: slow, in float64, without a trick.

Each function is a transcription that one can check against the page.  Everything is built from differentiable tensor
operations, so that autograd of these is an oracle for gradients too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor


def window(sigma: float, kernel_size: int | None = None) -> Tensor:
    """G(i, j) = exp(-(i^2 + j^2) / 2 sigma^2), divided by its sum: (K, K)."""
    size = 2 * int(3.5 * sigma + 0.5) + 1 if kernel_size is None else kernel_size
    radius = size // 2
    g = torch.zeros(size, size, dtype=torch.float64)
    for i in range(-radius, radius + 1):
        for j in range(-radius, radius + 1):
            g[i + radius, j + radius] = math.exp(-(i * i + j * j) / (2 * sigma * sigma))
    return g / g.sum()


class Moments(NamedTuple):
    """Gaussian-weighted moments of two patches."""

    mu_x: Tensor
    mu_y: Tensor
    var_x: Tensor
    var_y: Tensor
    cov: Tensor


def moments(x: Tensor, y: Tensor, g: Tensor) -> Moments:
    """mu = sum G x, sigma^2 = sum G (x - mu)^2, sigma_xy = sum G (x - mu_x)(y - mu_y) of patches as large as G."""
    mu_x, mu_y = (g * x).sum(), (g * y).sum()
    var_x, var_y = (g * (x - mu_x) ** 2).sum(), (g * (y - mu_y) ** 2).sum()
    return Moments(mu_x, mu_y, var_x, var_y, (g * (x - mu_x) * (y - mu_y)).sum())


def constants(data_range: float = 1.0, k1: float = 0.01, k2: float = 0.03) -> tuple[float, float]:
    """C1 = (k1 L)^2 and C2 = (k2 L)^2."""
    return (k1 * data_range) ** 2, (k2 * data_range) ** 2


def luminance(m: Moments, c1: float) -> Tensor:
    """l = (2 mu_x mu_y + C1) / (mu_x^2 + mu_y^2 + C1)."""
    return (2 * m.mu_x * m.mu_y + c1) / (m.mu_x**2 + m.mu_y**2 + c1)


def contrast_structure(m: Moments, c2: float) -> Tensor:
    """cs = (2 sigma_xy + C2) / (sigma_x^2 + sigma_y^2 + C2)."""
    return (2 * m.cov + c2) / (m.var_x + m.var_y + c2)


def patches(x: Tensor, y: Tensor, size: int) -> Iterator[tuple[int, int, Tensor, Tensor]]:
    """Every place (row, column) of pictures (H, W) where a square of `size` fits, with the two squares."""
    for i in range(x.shape[0] - size + 1):
        for j in range(x.shape[1] - size + 1):
            yield i, j, x[i : i + size, j : j + size], y[i : i + size, j : j + size]


def mirror(x: Tensor, radius: int) -> Tensor:
    """Continue a picture (H, W) beyond its border by reflection about the border pixels."""

    def index(length: int) -> list[int]:
        period = 2 * (length - 1)
        return [min(k % period, period - k % period) for k in range(-radius, length + radius)]

    return x[index(x.shape[0])][:, index(x.shape[1])]


def ssim_map(
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
    """SSIM(p) = l(p) cs(p) for each image, channel and window, one after the other: (N, C, H', W')."""
    g = window(sigma, kernel_size).to(x)
    size = g.shape[0]
    c1, c2 = constants(data_range, k1, k2)
    images = []
    for image_x, image_y in zip(x, y, strict=True):
        for plane_x, plane_y in zip(image_x, image_y, strict=True):
            if padding == "reflect":
                plane_x, plane_y = mirror(plane_x, size // 2), mirror(plane_y, size // 2)
            values = []
            for _, _, patch_x, patch_y in patches(plane_x, plane_y, size):
                m = moments(patch_x, patch_y, g)
                values.append(luminance(m, c1) * contrast_structure(m, c2))
            rows = plane_x.shape[0] - size + 1
            images.append(torch.stack(values).view(rows, -1))
    return torch.stack(images).view(*x.shape[:2], *images[0].shape)


def ssim_loss(x: Tensor, y: Tensor, **options: float | str | None) -> Tensor:
    """The mean of 1 - SSIM(p), one value per image."""
    return (1 - ssim_map(x, y, **options)).mean(dim=(1, 2, 3))  # type: ignore[arg-type]


def gaussian_blur(x: Tensor, sigma: float, kernel_size: int | None = None) -> Tensor:
    """(Gx)(p) = sum_q G(q - p) x(q), wherever the window fits: (N, C, H', W')."""
    g = window(sigma, kernel_size).to(x)
    size = g.shape[0]
    planes = x.reshape(-1, *x.shape[-2:])
    blurred = [torch.stack([(g * patch).sum() for _, _, patch, _ in patches(p, p, size)]) for p in planes]
    return torch.stack(blurred).view(*x.shape[:2], x.shape[2] - size + 1, x.shape[3] - size + 1)


def pixel_mean(x: Tensor, y: Tensor, kind: str, eps: float = 1e-3) -> list[float]:
    """Mean of e^2, |e| or sqrt(e^2 + eps^2) - eps over the pixels of each image."""
    rho = {
        "mse": lambda e: e * e,
        "l1": abs,
        "charbonnier": lambda e: math.sqrt(e * e + eps * eps) - eps,
    }[kind]
    return [
        math.fsum(rho(a - b) for a, b in zip(one.flatten().tolist(), two.flatten().tolist(), strict=True)) / one.numel()
        for one, two in zip(x, y, strict=True)
    ]


def psnr(x: Tensor, y: Tensor, data_range: float = 1.0) -> list[float]:
    """10 log10(L^2 / MSE) of each image."""
    return [10 * math.log10(data_range**2 / mse) for mse in pixel_mean(x, y, "mse")]


def textbook_ssim_map(x: Tensor, y: Tensor, *, data_range: float = 1.0) -> Tensor:
    """SSIM by sigma^2 = E[x^2] - mu^2, in the precision of the input: what most libraries do, traps included."""
    g = window(1.5).to(x)
    weight = g.expand(x.shape[1], 1, *g.shape)

    def mean(z: Tensor) -> Tensor:
        return torch.nn.functional.conv2d(z, weight, groups=x.shape[1])

    c1, c2 = constants(data_range)
    mu_x, mu_y = mean(x), mean(y)
    var_x, var_y, cov = mean(x * x) - mu_x**2, mean(y * y) - mu_y**2, mean(x * y) - mu_x * mu_y
    l = (2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1)
    return l * (2 * cov + c2) / (var_x + var_y + c2)
