"""Total variation, MS-SSIM, the sigma trick and the Mix for the golden numbers: one window after the other, in float64.

A second transcription of what other oracles also say: numbers that leave the house were written down twice.
"""

from __future__ import annotations

import oracles
import torch
from torch import Tensor


def total_variation(x: Tensor, kind: str) -> Tensor:
    """Sum over pixels of |down| + |right|, sqrt(down^2 + right^2) or down^2 + right^2, over C H W, for each image."""
    values = []
    for image in x:
        total = torch.zeros((), dtype=torch.float64)
        for plane in image:
            for i in range(plane.shape[0]):
                for j in range(plane.shape[1]):
                    down = plane[i + 1, j] - plane[i, j] if i + 1 < plane.shape[0] else torch.zeros_like(total)
                    right = plane[i, j + 1] - plane[i, j] if j + 1 < plane.shape[1] else torch.zeros_like(total)
                    if kind == "isotropic":
                        if down != 0 or right != 0:  # the root has no slope at 0
                            total = total + (down**2 + right**2).sqrt()
                    else:
                        total = total + (down.abs() + right.abs() if kind == "anisotropic" else down**2 + right**2)
        values.append(total / image.numel())
    return torch.stack(values)


def halve(plane: Tensor) -> Tensor:
    """Mean of squares of four pixels; the last row and column are repeated where a side is odd."""
    if plane.shape[0] % 2:
        plane = torch.cat([plane, plane[-1:]], dim=0)
    if plane.shape[1] % 2:
        plane = torch.cat([plane, plane[:, -1:]], dim=1)
    return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) / 4


def ms_ssim(x: Tensor, y: Tensor, weights: tuple[float, ...], kernel_size: int) -> Tensor:
    """Product over scales of (mean cs)^weight, with l in the last, for each channel, then the mean over channels."""
    g, (c1, c2) = oracles.window(1.5, kernel_size), oracles.constants()
    images = []
    for image_x, image_y in zip(x, y, strict=True):
        channels = []
        for a, b in zip(image_x, image_y, strict=True):
            product = torch.ones((), dtype=torch.float64)
            for j, weight in enumerate(weights):
                values = []
                for _, _, patch_a, patch_b in oracles.patches(a, b, kernel_size):
                    m = oracles.moments(patch_a, patch_b, g)
                    l = oracles.luminance(m, c1) if j == len(weights) - 1 else 1
                    values.append(l * oracles.contrast_structure(m, c2))
                product = product * torch.stack(values).mean().clamp(min=0) ** weight
                a, b = halve(a), halve(b)
            channels.append(product)
        images.append(torch.stack(channels).mean())
    return torch.stack(images)


def sigma_trick(
    x: Tensor, y: Tensor, sigmas: tuple[float, ...], *, form: str, padding: str = "valid", alpha: float | None = None
) -> Tensor:
    """1 - l_M prod_j cs_j at every place, or with `alpha` the Mix: alpha (1 - …) + (1 - alpha) sum G_M |x - y|.

    "patch" has one place, the middle of the image, and windows as large as it; "dense" has every place where the widest
    window fits, each sigma with its own number of taps.
    """
    c1, c2 = oracles.constants()
    sizes = [x.shape[-1] if form == "patch" else oracles.window(sigma).shape[0] for sigma in sigmas]
    windows = [oracles.window(sigma, size) for sigma, size in zip(sigmas, sizes, strict=True)]
    widest = max(sizes)
    images = []
    for image_x, image_y in zip(x, y, strict=True):
        values = []
        for a, b in zip(image_x, image_y, strict=True):
            if padding == "reflect":
                a, b = oracles.mirror(a, widest // 2), oracles.mirror(b, widest // 2)
            for _, _, patch_a, patch_b in oracles.patches(a, b, widest):
                product = torch.ones((), dtype=torch.float64)
                for g, size in zip(windows, sizes, strict=True):
                    cut = slice((widest - size) // 2, (widest + size) // 2)
                    m = oracles.moments(patch_a[cut, cut], patch_b[cut, cut], g)
                    product = product * oracles.contrast_structure(m, c2)
                value = 1 - product * oracles.luminance(m, c1)
                if alpha is not None:
                    absolute = (g * (patch_a[cut, cut] - patch_b[cut, cut]).abs()).sum()
                    value = alpha * value + (1 - alpha) * absolute
                values.append(value)
        images.append(torch.stack(values).mean())
    return torch.stack(images)
