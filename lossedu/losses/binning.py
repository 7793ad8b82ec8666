r"""Histograms with two-bin weights, and the distance of two of them, with gradients in closed form.

A pixel at :math:`u = (K-1)\,x/L` lies in cell :math:`\lfloor u\rfloor`, between two centres, and shares its mass among
them: 1 - f to the lower, f to the upper, with f the fraction of u.  The cumulative histogram is then
:math:`F(k) = \frac1N\sum_p \min(1, \max(0, k+1-u_p))`, which falls at rate 1/N as long as the pixel is in cell k.

Masses are counted as integers.  Sums of integers do not depend on their order: equal histograms are equal bit by bit
wherever their pixels are, a GPU gives the same result every time, and no count is too large for float32.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


def _cells(x: Tensor, bins: int, data_range: float) -> tuple[Tensor, Tensor]:
    """Return where each pixel lies among the centres 0 … K-1, and the number of its cell, 0 … K-2."""
    u = (x * ((bins - 1) / data_range)).clamp(0, bins - 1)
    return u, u.long().clamp(0, bins - 2)  # of not-a-number, too: an index beyond the table would end the process


def _bits(pixels: int) -> int:
    """Return how many bits a pixel's mass may have, so that the mass of all of them fits into 63."""
    return 62 - pixels.bit_length()


def _tally(x: Tensor, bins: int, data_range: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return for each row the count of each cell, the sum of its fractions in 2^-bits, and if a pixel is no number."""
    u, cell = _cells(x, bins, data_range)
    fraction = ((u - cell) * 2.0 ** _bits(x.shape[1])).long()
    empty = torch.zeros((x.shape[0], bins - 1), dtype=torch.int64, device=x.device)
    count = empty.scatter_add(1, cell, torch.ones_like(cell))
    return count, empty.scatter_add(1, cell, fraction), u.sum(dim=1).isnan()


def _pick(table: Tensor, x: Tensor, data_range: float) -> Tensor:
    """Return for each pixel the entry of its cell, and 0 outside the range, where a pixel stays in the end bin."""
    _, cell = _cells(x, table.shape[1] + 1, data_range)
    return table.gather(1, cell).where((x >= 0) & (x <= data_range), 0.0)


class _Histogram(Function):
    """Two-bin histogram of each row of pixels: (R, P) to (R, K)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, bins: int, data_range: float) -> Tensor:
        count, fraction, spoilt = _tally(x, bins, data_range)
        bits = _bits(x.shape[1])
        nothing = torch.zeros_like(count[:, :1])
        mass = torch.cat([(count << bits) - fraction, nothing], 1) + torch.cat([nothing, fraction], 1)
        return (mass.to(x.dtype) * (2.0**-bits / x.shape[1])).masked_fill(spoilt[:, None], torch.nan)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, ctx.bins, ctx.data_range = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None]:
        # Pieces are straight in x and linear in the upstream gradient: autograd's derivative of this line is right.
        (x,) = ctx.saved_tensors
        slope = (ctx.bins - 1) / (ctx.data_range * x.shape[1])
        return _pick(grads[0].diff(dim=1) * slope, x, ctx.data_range), None, None


class _Distance(Function):
    """W1 of two rows' histograms in units of the range, (R,), and the signs of F_x - F_y, (R, K - 1)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, y: Tensor, bins: int, data_range: float) -> tuple[Tensor, Tensor]:
        count_x, fraction_x, spoilt_x = _tally(x, bins, data_range)
        count_y, fraction_y, spoilt_y = _tally(y, bins, data_range)
        bits = _bits(x.shape[1])
        difference = ((count_x - count_y).cumsum(dim=1) << bits) - (fraction_x - fraction_y)
        # Not summed as integers: K of them may be more than 63 bits hold.
        total = difference.abs().to(x.dtype).mul_(2.0**-bits / (x.shape[1] * (bins - 1))).sum(dim=1)
        return total.masked_fill(spoilt_x | spoilt_y, torch.nan), difference.sign().to(x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        x, y, _, ctx.data_range = inputs
        ctx.save_for_backward(x, y, output[1])

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, y, signs = ctx.saved_tensors
        table = signs * (grads[0] / (ctx.data_range * x.shape[1]))[:, None]
        to_x = _pick(-table, x, ctx.data_range) if ctx.needs_input_grad[0] else None
        to_y = _pick(table, y, ctx.data_range) if ctx.needs_input_grad[1] else None
        return to_x, to_y, None, None


def linear_histogram(x: Tensor, bins: int, data_range: float) -> Tensor:
    """Return the two-bin histogram of each row of pixels, (R, P) to (R, K); rows sum to 1."""
    return _Histogram.apply(x, bins, data_range)


def linear_distance(x: Tensor, y: Tensor, bins: int, data_range: float) -> Tensor:
    """Return W1 of the two-bin histograms of two sets of rows, (R, P) each, in units of `data_range`: (R,)."""
    return _Distance.apply(x, y, bins, data_range)[0]


__all__ = ["linear_distance", "linear_histogram"]
