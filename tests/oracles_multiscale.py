"""The sigma trick and Mix, written down as they stand: window by window, in float64, without a trick.

Equations (11)-(14) of Zhao, Gallo, Frosio and Kautz (2017), corrected, and the layers published with them, from their
description.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import kornia
import oracles
import torch
from torch import Tensor

SIGMAS = (0.5, 1.0, 2.0, 4.0, 8.0)


def centre(patch: Tensor, size: int) -> Tensor:
    """The middle `size` x `size` pixels of a square patch."""
    margin = (patch.shape[0] - size) // 2
    return patch[margin : margin + size, margin : margin + size]


def product(patch_x: Tensor, patch_y: Tensor, windows: Sequence[Tensor], c1: float, c2: float) -> Tensor:
    """MS-SSIM = l_M prod_j cs_j at the centre of two patches, each window of its own size."""
    result = torch.ones((), dtype=torch.float64)
    for g in windows:
        m = oracles.moments(centre(patch_x, g.shape[0]), centre(patch_y, g.shape[0]), g)
        result = result * oracles.contrast_structure(m, c2)
    return result * oracles.luminance(m, c1)


def _windows(size: int, sigmas: Sequence[float], form: str) -> list[Tensor]:
    return [oracles.window(sigma, size if form == "patch" else None) for sigma in sigmas]


def _mean(x: Tensor, y: Tensor, sigmas: Sequence[float], form: str, padding: str, value: object) -> Tensor:
    """The mean of `value(patch_x, patch_y, windows)` over channels and windows, for each image."""
    windows = _windows(x.shape[-1], sigmas, form)
    widest = max(g.shape[0] for g in windows)
    images = []
    for image_x, image_y in zip(x, y, strict=True):
        values = []
        for plane_x, plane_y in zip(image_x, image_y, strict=True):
            if padding == "reflect":
                plane_x, plane_y = oracles.mirror(plane_x, widest // 2), oracles.mirror(plane_y, widest // 2)
            for _, _, patch_x, patch_y in oracles.patches(plane_x, plane_y, widest):
                values.append(value(patch_x, patch_y, windows))  # type: ignore[operator]
        images.append(torch.stack(values).mean())
    return torch.stack(images)


def ms_ssim_sigma_loss(
    x: Tensor,
    y: Tensor,
    *,
    sigmas: Sequence[float] = SIGMAS,
    form: str = "dense",
    padding: str = "valid",
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """The mean of 1 - MS-SSIM(p), one value per image."""
    c1, c2 = oracles.constants(data_range, k1, k2)
    return _mean(x, y, sigmas, form, padding, lambda a, b, windows: 1 - product(a, b, windows, c1, c2))


def gaussian_l1(
    x: Tensor,
    y: Tensor,
    *,
    sigmas: Sequence[float] = SIGMAS,
    form: str = "dense",
    padding: str = "valid",
    data_range: float = 1.0,
    **_: float,
) -> Tensor:
    """The mean over the same windows of sum_q G_sigma_M(q - p) |x(q) - y(q)| / L, one value per image."""

    def weighted(a: Tensor, b: Tensor, windows: list[Tensor]) -> Tensor:
        size = windows[-1].shape[0]
        return (windows[-1] * (centre(a, size) - centre(b, size)).abs()).sum() / data_range

    return _mean(x, y, sigmas, form, padding, weighted)


def mix_loss(x: Tensor, y: Tensor, *, alpha: float, **options: object) -> Tensor:
    """alpha L_MS-SSIM + (1 - alpha) G_sigma_M |x - y| / L, one value per image."""
    structure, absolute = ms_ssim_sigma_loss(x, y, **options), gaussian_l1(x, y, **options)  # type: ignore[arg-type]
    return alpha * structure + (1 - alpha) * absolute


def published_layer(x: Tensor, y: Tensor, alpha: float = 1.0) -> tuple[float, Tensor]:
    """Value and gradient in x of the published layer of MS-SSIM (alpha 1) and of Mix: plain loops, closed form.

    One window per patch, as large as the patch; variances as E[x^2] - mu^2; constants of [0, 1]; the mean over images
    and channels; and the gradient divides by each cs, which is 0/0 where one of them vanishes.
    """
    n, c, size, _ = x.shape
    c1, c2 = 0.01**2, 0.03**2
    value, grad = 0.0, torch.zeros_like(x)
    for i in range(n):
        for j in range(c):
            a, b = x[i, j], y[i, j]
            every_cs, slopes = [], []
            for sigma in SIGMAS:
                k = torch.arange(size, dtype=torch.float64) - size // 2
                line = torch.exp(-(k**2) / (2 * sigma**2))
                w = torch.outer(line, line)
                w = w / w.sum()
                mu_x, mu_y = (w * a).sum(), (w * b).sum()
                var_x, var_y = (w * a * a).sum() - mu_x**2, (w * b * b).sum() - mu_y**2
                cov = (w * a * b).sum() - mu_x * mu_y
                cs = (2 * cov + c2) / (var_x + var_y + c2)
                every_cs.append(cs)
                slopes.append(2 * w * ((b - mu_y) - cs * (a - mu_x)) / (var_x + var_y + c2))
            l = (2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1)
            dl = 2 * w * (mu_y - mu_x * l) / (mu_x**2 + mu_y**2 + c1)
            all_cs = math.prod(every_cs)
            inner = dl + l * sum(slope / cs for slope, cs in zip(slopes, every_cs, strict=True))
            value += alpha * (1 - float(l * all_cs)) + (1 - alpha) * float((w * (a - b).abs()).sum())
            grad[i, j] = -alpha * inner * all_cs + (1 - alpha) * w * torch.sign(a - b)
    return value / (n * c), grad / (n * c)


def kornia_map(
    x: Tensor, y: Tensor, sigmas: tuple[float, ...], size: int | None = None, alpha: float = 1.0
) -> tuple[Tensor, int]:
    """kornia's Mix at every pixel (N, H, W), and the radius of its windows, made to follow our conventions.

    Its windows, all as large as four times the last sigma and in float32, are replaced by ours in float64, with zeros
    around the narrow ones; its factor of 200 is left out.  What remains is its border of zeros: compare pixels that are
    further than the radius from it.
    """
    layer = kornia.losses.MS_SSIMLoss(sigmas=sigmas, alpha=alpha, compensation=1.0, reduction="none").double()
    windows = [oracles.window(sigma, size) for sigma in sigmas]
    radius = max(g.shape[0] for g in windows) // 2
    wide = [torch.nn.functional.pad(g, [radius - g.shape[0] // 2] * 4) for g in windows]
    layer._g_masks = torch.stack(wide)[:, None]
    layer.pad = radius
    return layer(x, y), radius
