r"""Histograms with the logistic kernel of Avi-Aharon et al. (DeepHist) and Mustafa et al. (2022).

A pixel spreads its mass as a logistic distribution of bandwidth W around it, so that, with
:math:`G(t) = \frac1N\sum_p \sigma\bigl((t - x_p)/W\bigr)`, the plain histogram is
:math:`P(k) = G(e_{k+1}) - G(e_k)` for the edges :math:`e_k = k/K`.  What falls outside [0, 1] is lost, half the mass of
a black pixel, say.  Mirror terms fold it back:

.. math:: F(k) = \sum_{m} \bigl[G(2m + e_{k+1}) - G(2m - e_{k+1})\bigr].

Two mirrors reflect each other for ever; terms beyond the reach of the kernel are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, floor
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

#: How far the kernel reaches, in bandwidths: exp(-38) is below the resolution of float64, exp(-20) below float32's.
REACH, REACH_SINGLE = 38.0, 20.0

#: Values of the kernel held at a time, in place of pixels times edges.
CHUNK = 2**18


def _chunks(x: Tensor, points: Tensor, width: float) -> Iterator[Tensor]:
    """Yield (t - x)/W for some pixels at a time: (R, some pixels, M)."""
    size = max(1, CHUNK // (x.shape[0] * points.numel()))
    for part in x.split(size, dim=1):
        yield (points - part[:, :, None]) / width


class _Cumulative(Function):
    """G at each of M points for each row of pixels: (R, P) to (R, M)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, points: Tensor, width: float) -> Tensor:
        # Sums in float64 keep the order that single terms have, so that no bin of their differences is below 0.
        wide = x.dtype if x.device.type == "mps" else torch.float64
        parts = [z.sigmoid_().sum(dim=1, dtype=wide) for z in _chunks(x, points, width)]
        return torch.stack(parts).sum(dim=0) / x.shape[1]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, points, ctx.width = inputs
        ctx.save_for_backward(x, points)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None]:
        # Written in differentiable steps: where a second derivative is wanted, autograd records them.
        x, points = ctx.saved_tensors
        upstream = (grads[0] / (-ctx.width * x.shape[1])).to(x.dtype)[:, None]
        parts = []
        for z in _chunks(x, points, ctx.width):
            tail = torch.sigmoid(-z.abs())  # sigma' is even; from this side it keeps its digits far out
            parts.append((tail * (1 - tail) * upstream).sum(dim=2))
        return torch.cat(parts, dim=1), None, None


class _Lattice(Function):
    """G at j/K for j from -n to K + n, with only those terms that a narrow kernel reaches: (R, P) to (R, K + 2n + 1).

    Within n steps of a pixel its term is computed, before them it is 0 and behind them 1.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, bins: int, reach: int, width: float) -> Tensor:
        wide = x.dtype if x.device.type == "mps" else torch.float64
        place = _first_edge(x, bins) + reach
        empty = torch.zeros((x.shape[0], bins + 2 * reach + 1), dtype=wide, device=x.device)
        total = empty.scatter_add(1, place, torch.ones_like(x, dtype=wide)).cumsum(dim=1)
        for offset in range(-reach, reach + 1):
            z = ((place + (offset - reach)).to(x.dtype) / bins - x) / width
            beyond = torch.sigmoid(z) if offset < 0 else -torch.sigmoid(-z)  # what a step at the pixel does not have
            total = total.scatter_add(1, place + offset, beyond.to(wide))
        # Rounding may leave a step down between two values that are equal but for their last digit.
        spoilt = x.sum(dim=1, keepdim=True).isnan()
        return (total.cummax(dim=1).values / x.shape[1]).masked_fill(spoilt, torch.nan)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        x, ctx.bins, ctx.reach, ctx.width = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None, None]:
        (x,) = ctx.saved_tensors
        upstream = (grads[0] / (-ctx.width * x.shape[1])).to(x.dtype)
        place = _first_edge(x, ctx.bins) + ctx.reach
        total = torch.zeros_like(x)
        for offset in range(-ctx.reach, ctx.reach + 1):
            z = ((place + (offset - ctx.reach)).to(x.dtype) / ctx.bins - x) / ctx.width
            tail = torch.sigmoid(-z.abs())
            total = total + tail * (1 - tail) * upstream.gather(1, place + offset)
        return total, None, None, None


def _first_edge(x: Tensor, bins: int) -> Tensor:
    """Return the number of the first edge at or above each pixel, 0 … K."""
    return (x.detach() * bins).ceil().nan_to_num(0).long().clamp(0, bins)


def _steps(bins: int, width: float, dtype: torch.dtype) -> int:
    """Return how many edges on either side of a pixel its kernel reaches."""
    return ceil((REACH if dtype == torch.float64 else REACH_SINGLE) * width * bins) + 1


def logistic_cumulative(x: Tensor, bins: int, bandwidth: float, mirror: bool, data_range: float) -> Tensor:
    """Return the cumulative histogram of each row of pixels, (R, P) to (R, K), in float64 where the device has it.

    Without mirror terms the last entry is below 1: it lacks what the kernel puts outside the range.
    """
    x, width = (x / data_range).clamp(0, 1), bandwidth / data_range
    n = _steps(bins, width, x.dtype)
    if n <= bins // 4:
        lattice = _Lattice.apply(x, bins, n, width)
        own = lattice[:, n : n + bins + 1]
        if not mirror:
            return own[:, 1:] - own[:, :1]
        folded = _folded(lattice, bins, n)
        return own[:, 1:] + folded[:, 1:]
    return _everywhere(x, bins, width, mirror)


def _folded(lattice: Tensor, bins: int, n: int) -> Tensor:
    """Return what the mirrors at 0 and 1 give back at the edges 0 … K, where the kernel is far narrower than the range.

    Below 0 the plain histogram lacks G(-k/K), beyond 1 it has what is missing to 1 at 2 - k/K.
    """
    below = lattice[:, : n + 1].flip(1)  # at 0, -1/K … -n/K
    above = lattice[:, n + bins :].flip(1) - 1  # at 1 + n/K … 1
    return -F.pad(below, (0, bins - n), value=0.0) - F.pad(above, (bins - n, 0), value=0.0)


def _in_reach(bins: int, width: float) -> Iterator[tuple[int, int, int, int]]:
    """Yield m, s, first, last: the edges first … last that a kernel within [0, 1] reaches where 2m + s * edge is."""
    reach = REACH * width
    images = ceil((1 + reach) / 2)
    for m in range(-images, images + 1):
        for sign, low, high in ((1, -reach - 2 * m, 1 + reach - 2 * m), (-1, 2 * m - 1 - reach, 2 * m + reach)):
            first, last = max(1, floor(low * bins) + 1), min(bins, ceil(high * bins) - 1)
            if first <= last:
                yield m, sign, first, last


def _everywhere(x: Tensor, bins: int, width: float, mirror: bool) -> Tensor:
    """Return the cumulative histogram with the terms of all pixels at all edges: for kernels of any width."""

    def edges(first: int, last: int) -> Tensor:
        return torch.arange(first, last + 1, dtype=x.dtype, device=x.device) / bins

    if not mirror:
        plain = _Cumulative.apply(x, edges(0, bins), width)
        return plain[:, 1:] - plain[:, :1]
    seen = list(_in_reach(bins, width))
    points = [2 * m + sign * edges(first, last) for m, sign, first, last in seen]
    pieces = _Cumulative.apply(x, torch.cat(points), width).split([len(p) for p in points], dim=1)
    terms = []
    for (m, sign, first, last), piece in zip(seen, pieces, strict=True):
        # Out of reach G is 0 below the range and 1 above it, where the ones of +edge and -edge cancel.
        near = piece - 1 if m > 0 else piece
        terms.append(sign * F.pad(near, (first - 1, bins - last)))
    return torch.stack(terms).sum(dim=0)


__all__ = ["logistic_cumulative"]
