"""MS-SSIM over a pyramid and total variation, written down as they stand: slow, in float64, without a trick."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import oracles
import torch
import torch.nn.functional as F
from torch import Tensor

WANG = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def halve(plane: Tensor) -> Tensor:
    """Give every 2 x 2 pixels of a picture (H, W) their mean; an odd side repeats its last row or column."""
    height, width = plane.shape
    rows = []
    for i in range(0, height, 2):
        down = min(i + 1, height - 1)
        row = []
        for j in range(0, width, 2):
            right = min(j + 1, width - 1)
            row.append((plane[i, j] + plane[down, j] + plane[i, right] + plane[down, right]) / 4)
        rows.append(torch.stack(row))
    return torch.stack(rows)


def ms_ssim(
    x: Tensor,
    y: Tensor,
    *,
    weights: Sequence[float] = WANG,
    sigma: float = 1.5,
    kernel_size: int | None = None,
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """Mean over channels of (mean l_M cs_M)^w_M times the product of (mean cs_j)^w_j, negative means as 0: (N,)."""
    g = oracles.window(sigma, kernel_size).to(x)
    c1, c2 = oracles.constants(data_range, k1, k2)
    images = []
    for image_x, image_y in zip(x, y, strict=True):
        channels = []
        for plane_x, plane_y in zip(image_x, image_y, strict=True):
            product = torch.ones((), dtype=x.dtype)
            for level, w in enumerate(weights):
                if level > 0:
                    plane_x, plane_y = halve(plane_x), halve(plane_y)
                values = []
                for _, _, patch_x, patch_y in oracles.patches(plane_x, plane_y, g.shape[0]):
                    m = oracles.moments(patch_x, patch_y, g)
                    cs = oracles.contrast_structure(m, c2)
                    values.append(oracles.luminance(m, c1) * cs if level == len(weights) - 1 else cs)
                product = product * torch.stack(values).mean().relu() ** w
            channels.append(product)
        images.append(torch.stack(channels).mean())
    return torch.stack(images)


def repeat_and_pool(x: Tensor) -> Tensor:
    """The last row and column again where a side is odd, then a pooling: TensorFlow's rule."""
    return F.avg_pool2d(F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2), mode="replicate"), 2)


def textbook_ms_ssim(
    x: Tensor,
    y: Tensor,
    *,
    weights: Sequence[float] = WANG,
    shrink: Callable[[Tensor], Tensor] = repeat_and_pool,
    positive: Callable[[Tensor], Tensor] = torch.relu,
    data_range: float = 1.0,
) -> Tensor:
    """The same by sigma^2 = E[x^2] - mu^2 and convolutions, in the precision of the input, as most libraries: (N,)."""
    g = oracles.window(1.5).to(x)
    weight = g.expand(x.shape[1], 1, *g.shape)
    c1, c2 = oracles.constants(data_range)

    def mean(z: Tensor) -> Tensor:
        return F.conv2d(z, weight, groups=x.shape[1])

    product: Tensor | float = 1.0
    for level, w in enumerate(weights):
        if level > 0:
            x, y = shrink(x), shrink(y)
        mu_x, mu_y = mean(x), mean(y)
        var_x, var_y, cov = mean(x * x) - mu_x**2, mean(y * y) - mu_y**2, mean(x * y) - mu_x * mu_y
        factor = (2 * cov + c2) / (var_x + var_y + c2)
        if level == len(weights) - 1:
            factor = factor * (2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1)
        product = product * positive(factor.mean(dim=(2, 3))) ** w
    assert isinstance(product, Tensor)
    return product.mean(dim=1)


def total_variation(x: Tensor, kind: str) -> list[float]:
    """Add up, pixel by pixel, what the differences to the right and below cost; divide by C H W."""
    cost = {
        "anisotropic": lambda a, b: abs(a) + abs(b),
        "isotropic": math.hypot,
        "squared": lambda a, b: a * a + b * b,
    }[kind]
    found = []
    for image in x.tolist():
        values = []
        for plane in image:
            for i, row in enumerate(plane):
                for j, here in enumerate(row):
                    below = plane[i + 1][j] - here if i + 1 < len(plane) else 0.0
                    right = row[j + 1] - here if j + 1 < len(row) else 0.0
                    values.append(cost(below, right))
        found.append(math.fsum(values) / len(values))
    return found
