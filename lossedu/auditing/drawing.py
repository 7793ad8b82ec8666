"""The pictures of a report: images as PNG, the price curve as SVG, both inside the page."""

from __future__ import annotations

import html
import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import png
from ..instruments import Price

_BOX = (46, 12, 424, 186)  # left, top, right, bottom of the plotting area


def _bytes(values: Tensor) -> NDArray[np.uint8]:
    whole: NDArray[np.uint8] = (255 * values.nan_to_num(0.0).clamp(0, 1) + 0.5).to(torch.uint8).cpu().numpy()
    return whole


def photograph(image: Tensor) -> str:
    """Return (C, H, W), in [0, 1] or 0 to 255, as the address of a PNG file; grey unless there are 3 channels."""
    image = image.detach().float()
    image = image / 255 if float(image.max()) > 2 else image
    pixels = image.permute(1, 2, 0).contiguous() if len(image) == 3 else image[0]
    return png.data_uri(png.encode(_bytes(pixels)))


def signed(gradient: Tensor) -> str:
    """Return (C, H, W), summed over channels: blue where the loss falls as x rises, red where it grows, white at 0."""
    total = gradient.detach().double().nan_to_num(0.0, 0.0, 0.0).sum(dim=0)
    # The largest values belong to a few pixels; the scale ends at the 99th percentile.
    limit = float(total.abs().flatten().quantile(0.99)) or float(total.abs().max()) or 1.0
    return png.data_uri(png.encode(_bytes(0.5 + 0.5 * (total / limit).clamp(-1, 1)), _palette()))


def _palette() -> NDArray[np.uint8]:
    position = np.linspace(-1, 1, 256)[:, None]
    blue, white, red = np.array([20, 70, 160.0]), np.array([248, 248, 248.0]), np.array([170, 20, 40.0])
    mixed = white + np.where(position < 0, blue - white, red - white) * np.abs(position) ** 0.7
    return mixed.round().astype(np.uint8)


def curve(price: Price | None) -> str:
    """Return the price list as an SVG element; "" where there is nothing to draw."""
    if price is None:
        return ""
    points = [(f, v) for f, v in zip(price.frequencies.tolist(), price.values.tolist(), strict=True) if _shown(v)]
    if len(points) < 2:
        return ""
    shift = price.uniform if _shown(price.uniform) else None
    heights = [v for _, v in points] + [1.0] + ([shift] if shift else [])
    low, high = (f(math.log10(k)) for f, k in ((math.floor, min(heights)), (math.ceil, max(heights))))
    low, high = (low - 1, high + 1) if low == high else (low, high)
    left, top, right, bottom = _BOX
    first, last = math.log10(points[0][0] / 2), math.log10(0.5)

    def at(f: float, v: float) -> tuple[float, float]:
        across = (math.log10(f) - first) / (last - first)
        up = (math.log10(v) - low) / (high - low)
        return round(left + across * (right - left), 1), round(bottom - up * (bottom - top), 1)

    step = max(1, round((high - low) / 5))
    parts = []
    for power in range(low, high + 1, step):
        y = at(points[0][0], 10.0**power)[1]
        label = f"{10.0**power:g}" if -3 <= power <= 4 else f"1e{power}"
        parts.append(f'<line class="lx-grid" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text x="{left - 5}" y="{y + 4}" text-anchor="end">{label}</text>')
    for f, label in ((1 / 64, "1/64"), (1 / 16, "1/16"), (1 / 4, "1/4"), (1 / 2, "1/2")):
        x = at(f, 1.0)[0]
        parts.append(f'<line class="lx-grid" x1="{x}" x2="{x}" y1="{top}" y2="{bottom}"/>')
        parts.append(f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{label}</text>')
    one = at(points[0][0], 1.0)[1]
    parts.append(f'<line class="lx-mse" x1="{left}" x2="{right}" y1="{one}" y2="{one}"/>')
    parts.append(f'<text x="{right}" y="{one - 4}" text-anchor="end">MSE</text>')
    path = " ".join(f"{x},{y}" for x, y in (at(f, v) for f, v in points))
    parts.append(f'<polyline class="lx-curve" points="{path}"/>')
    if shift:
        x, y = at(points[0][0] / 2, shift)
        parts.append(f'<circle class="lx-dot" cx="{x}" cy="{y}" r="4"/>')
    middle = (left + right) / 2
    parts.append(f'<text x="{middle}" y="{bottom + 33}" text-anchor="middle">cycles per pixel</text>')
    said = html.escape(
        f"Price relative to MSE: uniform shift {price.uniform:.3g}; "
        + ", ".join(
            f"{v:.3g} at {f:.3g} cycles per pixel" for f, v in (points[0], points[len(points) // 2], points[-1])
        )
    )
    return f'<svg viewBox="0 0 434 224" role="img" aria-label="{said}"><title>{said}</title>{"".join(parts)}</svg>'


def _shown(value: float) -> bool:
    return math.isfinite(value) and value > 1e-12
