r"""The arithmetic of SSIM: 1 - SSIM and its gradient, from the sum and the difference of two images.

With :math:`p = x+y`, :math:`q = x-y` and their windowed means and variances :math:`M_p, M_q, V_p, V_q`,

.. math:: 1-l = \frac{2M_q^2}{M_p^2+M_q^2+2C_1}, \qquad 1-cs = \frac{2V_q}{V_p+V_q+2C_2}, \qquad
   1-\mathrm{SSIM} = (1-l) + (1-cs) - (1-l)(1-cs).

That takes four blurs where the textbook form takes five, it is exactly 0 for equal images, and it does not subtract
nearly equal numbers where it matters most: close to the optimum.  Value and gradient share nearly everything, so the
gradient is worked out along with the value, and it is all that is kept for the backward pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function

from .. import filters

#: Pixels worked on at a time on a CPU: 1 MB a map in float32, so that the same memory serves strip after strip.
TILE = 2**18

#: Depthwise convolutions run at full speed from about this many channels.
CHANNELS = 12


class Constants(NamedTuple):
    """C1, C2 and the middle of the range of x + y: variances do not mind it, and float32 keeps its digits."""

    c1: float
    c2: float
    middle: float


def constants(data_range: float, k1: float, k2: float, dtype: torch.dtype) -> Constants:
    """Return the constants for images of `dtype`, or raise `ValueError` if it cannot hold them."""
    a, b = k1 * data_range, k2 * data_range
    limits = torch.finfo(dtype)
    if not limits.tiny <= min(a * a, b * b) <= max(a * a, b * b) <= limits.max:
        raise ValueError(
            f"data_range must give constants (k1 * data_range)**2 and (k2 * data_range)**2 that {dtype} can hold, "
            f"got data_range={data_range:g}, k1={k1:g}, k2={k2:g}"
        )
    return Constants(a * a, b * b, data_range)


class _Terms(NamedTuple):
    """At every window: the means of p (less the middle, and with it) and q, both denominators, 1 - l and 1 - cs."""

    m_p: Tensor
    mu_p: Tensor
    m_q: Tensor
    d_l: Tensor
    d_cs: Tensor
    one_minus_l: Tensor
    one_minus_cs: Tensor


def _sum_and_difference(x: Tensor, y: Tensor, k: Constants) -> tuple[Tensor, Tensor]:
    x, y = filters.fold(x), filters.fold(y)
    return (x + y).sub_(k.middle), x - y


def _terms(p: Tensor, q: Tensor, window: Tensor, k: Constants) -> _Terms:
    # In place where the buffer is fresh: the time goes into touching memory, not into arithmetic.
    m_p, m_q = filters.correlate(p, window), filters.correlate(q, window)
    v_p = filters.correlate(p * p, window).sub_(m_p * m_p).clamp_min_(0)
    v_q = filters.correlate(q * q, window).sub_(m_q * m_q).clamp_min_(0)
    mu_p = m_p + k.middle
    d_l = (mu_p * mu_p).add_(m_q * m_q).add_(2 * k.c1)
    d_cs = v_p.add_(v_q).add_(2 * k.c2)
    return _Terms(m_p, mu_p, m_q, d_l, d_cs, (m_q * m_q).div_(d_l).mul_(2), v_q.div_(d_cs).mul_(2))


def _dissimilarity(t: _Terms) -> Tensor:
    """Return 1 - SSIM at every window."""
    return (t.one_minus_l + t.one_minus_cs).sub_(t.one_minus_l * t.one_minus_cs)


def _slopes(t: _Terms) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return d(1 - SSIM) by G*p, G*q, G*p^2 and G*q^2 at every window.

    d(1 - SSIM) = cs d(1 - l) + l d(1 - cs), and dV = d(G*p^2) - 2 (G*p) d(G*p).
    """
    to_l, to_cs = (1 - t.one_minus_cs).div_(t.d_l), (1 - t.one_minus_l).div_(t.d_cs)
    square_p = (t.one_minus_cs * to_cs).neg_()
    square_q = (2 - t.one_minus_cs).mul_(to_cs)
    mean_p = (t.one_minus_l * t.mu_p).mul_(to_l).add_(t.m_p * square_p).mul_(-2)
    mean_q = (2 - t.one_minus_l).mul_(to_l).sub_(square_q).mul_(t.m_q).mul_(2)
    return mean_p, mean_q, square_p, square_q


def _pull_back(slopes: tuple[Tensor, ...], p: Tensor, q: Tensor, window: Tensor, sign: int) -> Tensor:
    r"""Return the gradient in x (`sign` 1) or y (-1).

    With slopes m and s it is :math:`G^\top(m_p \pm m_q) + 2p\,G^\top s_p \pm 2q\,G^\top s_q`.
    """
    mean_p, mean_q, square_p, square_q = slopes
    grad = filters.correlate_adjoint(torch.add(mean_p, mean_q, alpha=sign), window)
    grad.add_(filters.correlate_adjoint(square_p, window).mul_(p), alpha=2)
    return grad.add_(filters.correlate_adjoint(square_q, window).mul_(q), alpha=2 * sign)


def dissimilarity_map(x: Tensor, y: Tensor, window: Tensor, k: Constants) -> Tensor:
    """Return 1 - SSIM at every window that fits: (N, C, H, W) to (N, C, H - K + 1, W - K + 1)."""
    return filters.unfold(_dissimilarity(_terms(*_sum_and_difference(x, y, k), window, k)), x.shape[0])


def _whole(x: Tensor, y: Tensor, window: Tensor, k: Constants, signs: tuple[int, ...]) -> tuple[Tensor, list[Tensor]]:
    """Return the sum of 1 - SSIM over each image's windows, shape (N,), and its gradient for each of `signs`."""
    p, q = _sum_and_difference(x, y, k)
    t = _terms(p, q, window, k)
    sums = _dissimilarity(t).sum(dim=(0, 2, 3)).view(x.shape[0], -1).sum(dim=1)
    slopes = _slopes(t) if signs else ()
    del t  # seven maps that are no longer needed
    return sums, [_pull_back(slopes, p, q, window, sign).view(x.shape) for sign in signs]


def _tiles(shape: torch.Size, taps: int) -> Iterator[tuple[list[tuple[int, int]], int]]:
    """Cut images into strips; yield some strips of one height at a time, as [(image, first row), …] and the height.

    Neighbouring strips share taps - 1 rows, so that each window lies in exactly one of them.
    """
    n, c, h, w = shape
    windows = h - taps + 1
    together = max(1, CHANNELS // c)
    # Not so low that the shared rows cost more than the cache saves.
    rows = min(windows, max(TILE // (together * c * w) - taps + 1, 4 * taps))
    full = [(image, top) for top in range(0, windows - rows + 1, rows) for image in range(n)]
    for start in range(0, len(full), together):
        yield full[start : start + together], rows + taps - 1
    done = windows // rows * rows
    for start in range(0, n if done < windows else 0, together):
        yield [(image, done) for image in range(start, min(start + together, n))], h - done


def sums_and_gradients(
    x: Tensor, y: Tensor, window: Tensor, k: Constants, signs: tuple[int, ...]
) -> tuple[Tensor, list[Tensor]]:
    """Return the sum of 1 - SSIM over each image's windows, shape (N,), and its gradient for each of `signs`.

    A sign of 1 asks for the gradient in x, -1 for the one in y.
    """
    if x.numel() <= TILE or x.device.type != "cpu" or torch.compiler.is_compiling():
        sums, grads = _whole(x, y, window, k, signs)
        return sums, [grad.contiguous() for grad in grads]
    totals: list[Any] = [0] * x.shape[0]
    grads = []
    for strips, height in _tiles(x.shape, window.numel()):
        cut_x, cut_y = (torch.stack([z[i, :, top : top + height] for i, top in strips]) for z in (x, y))
        sums, pieces = _whole(cut_x, cut_y, window, k, signs)
        grads = grads or [piece.new_zeros(x.shape) for piece in pieces]
        for number, (i, top) in enumerate(strips):
            totals[i] = totals[i] + sums[number]
            for grad, piece in zip(grads, pieces, strict=True):
                grad[i, :, top : top + height] += piece[number]
    return torch.stack(totals), grads


class _Sums(Function):
    """Sum of 1 - SSIM for each image, and the gradients that were asked for, which the backward pass scales."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, y: Tensor, window: Tensor, k: Constants, signs: tuple[int, ...]) -> tuple[Tensor, ...]:
        sums, grads = sums_and_gradients(x, y, window, k, signs)
        return sums, *grads

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, y, window, ctx.constants, ctx.signs = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)  # zeros for the gradients' own gradients would be made only to be dropped
        ctx.save_for_backward(x, y, window, *output[1:])

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        if upstream[0] is None:
            return None, None, None, None, None
        x, y, window, *grads = ctx.saved_tensors
        if torch.is_grad_enabled():  # a derivative of this gradient is wanted: it must not be a constant
            grads = sums_and_gradients(x, y, window, ctx.constants, ctx.signs)[1]
        scale = upstream[0].view(-1, 1, 1, 1)
        by_sign = {sign: grad * scale for sign, grad in zip(ctx.signs, grads, strict=True)}
        return by_sign.get(1), by_sign.get(-1), None, None, None


def mean_dissimilarity(x: Tensor, y: Tensor, window: Tensor, k: Constants) -> Tensor:
    """Return the mean of 1 - SSIM over each image's windows, shape (N,), differentiable to any order."""
    signs: tuple[int, ...] = ()
    if torch.is_grad_enabled():
        signs = tuple(sign for sign, image in ((1, x), (-1, y)) if image.requires_grad)
    sums = _Sums.apply(x, y, window, k, signs)[0] if signs else sums_and_gradients(x, y, window, k, ())[0]
    return sums / window_count(x, window)


def window_count(x: Tensor, window: Tensor) -> int:
    """Return how many windows fit into one image, all channels together."""
    channels, height, width = x.shape[1:]
    return channels * (height - window.numel() + 1) * (width - window.numel() + 1)


__all__ = ["Constants", "constants", "dissimilarity_map", "mean_dissimilarity", "sums_and_gradients", "window_count"]
