"""The sigma trick at every pixel: separable blurs with a window of its own size for each sigma.

All windows are centred on the same pixels, those where the widest one fits; a narrower one visits the inner part of
the picture.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import filters
from .dissimilarity import Constants
from .scales import Slopes, add_luminance_slopes, contrast_slopes, contrast_structure, kept, luminance, products

#: Windows worked on at a time on a CPU, all channels together: 1 MB a map in float32.
TILE = 2**18

#: Depthwise convolutions work on 16 channels of float32 in the time of one.
CHANNELS = 16

#: Strips that fill the channels are at least that high, and those that fit the cache are four times as high: else
#: the rows that neighbours share would cost more than is saved.
ROWS = 16


def _line(sigma: float, widest: float, length: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor]:
    """Return the share of each pixel in a row in the mean over all windows of `sigma`, (length,), summing to 1."""
    window, taps = filters.gaussian_window(sigma).view(1, 1, -1), filters.window_size(widest)
    ones = window.new_ones(1, 1, length - taps + 1)
    visits = F.conv1d(ones, window, padding=window.numel() - 1).view(-1) / ones.numel()
    margin = (taps - window.numel()) // 2
    return (F.pad(visits, (margin, margin)).to(device=device, dtype=dtype),)


def dense_windows(sigmas: tuple[float, ...], like: Tensor) -> tuple[Tensor, ...]:
    """Return the shares of rows and of columns under the last window, and the windows."""
    lines = (kept(_line, sigmas[-1], max(sigmas), length, like.dtype, like.device)[0] for length in like.shape[-2:])
    return *lines, *(filters.gaussian_window(sigma, dtype=like.dtype, device=like.device) for sigma in sigmas)


def _inner(z: Tensor, margin: int) -> Tensor:
    """Return the part of a picture that lies `margin` pixels inside, without copying it."""
    return z[..., margin : z.shape[-2] - margin, margin : z.shape[-1] - margin]


def _dense(z: Tensor) -> Tensor:
    """Copy a part of a folded picture into memory of its own, in the same layout."""
    return z.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def _pull_back(
    slopes: list[Slopes], p: Tensor, q: Tensor, windows: tuple[Tensor, ...], signs: tuple[int, ...]
) -> list[Tensor]:
    r"""Return the gradients for `signs`: :math:`-2 G^\top(m_p \pm m_q) + 2p\,G^\top s_p \pm 2q\,G^\top s_q`."""
    widest = max(window.numel() for window in windows)
    means, (square_p, square_q) = [torch.zeros_like(p) for _ in signs], (torch.zeros_like(p), torch.zeros_like(p))
    for s, window in zip(slopes, windows, strict=True):
        margin = (widest - window.numel()) // 2
        for mean, sign in zip(means, signs, strict=True):
            both = torch.add(s.mean_p, s.mean_q, alpha=sign)
            _inner(mean, margin).sub_(filters.correlate_adjoint(both, window))
        _inner(square_p, margin).add_(filters.correlate_adjoint(s.square_p, window))
        _inner(square_q, margin).add_(filters.correlate_adjoint(s.square_q, window))
    square_p, square_q = square_p.mul_(p), square_q.mul_(q)
    return [mean.add_(square_p).add_(square_q, alpha=sign).mul_(2) for mean, sign in zip(means, signs, strict=True)]


def _whole(
    x: Tensor, y: Tensor, signs: tuple[int, ...], k: Constants, windows: tuple[Tensor, ...]
) -> tuple[Tensor, list[Tensor]]:
    """Return the sum of 1 - MS-SSIM over each image's windows, shape (N,), and its gradient for each of `signs`."""
    folded_x, folded_y = filters.fold(x), filters.fold(y)
    p, q = (folded_x + folded_y).sub_(k.middle), folded_x - folded_y
    widest = max(window.numel() for window in windows)
    factors = []
    for window in windows:
        margin = (widest - window.numel()) // 2
        inner_p, inner_q = (_dense(_inner(z, margin)) for z in (p, q))
        m_p, m_q = filters.correlate(inner_p, window), filters.correlate(inner_q, window)
        square_p, square_q = inner_p.square(), inner_q.square()
        square_p, square_q = filters.correlate(square_p, window), filters.correlate(square_q, window)
        factors.append(contrast_structure(m_p, m_q, square_p, square_q, k))
    l = luminance(factors[-1].m_p, factors[-1].m_q, k)
    parts = [factor.one_minus for factor in (*factors, l)]
    total, (*others, other_l) = products(parts)
    sums = total.sum(dim=(0, 2, 3)).view(x.shape[0], -1).sum(dim=1)
    if not signs:
        return sums, []
    slopes = [contrast_slopes(factor, other) for factor, other in zip(factors, others, strict=True)]
    slopes[-1] = add_luminance_slopes(slopes[-1], l, other_l)
    return sums, [grad.view(x.shape) for grad in _pull_back(slopes, p, q, windows, signs)]


def _strips(shape: torch.Size, taps: int) -> Iterator[tuple[list[tuple[int, int]], int]]:
    """Cut images into strips; yield some strips of one height at a time, as [(image, first row), …] and the height.

    Neighbouring strips share taps - 1 rows, so that each window lies in exactly one of them.
    """
    n, c, h, w = shape
    windows = h - taps + 1
    together = 2 ** (max(1, CHANNELS // c).bit_length() - 1)  # a power of two, as batches often are
    to_fill, to_fit = -(-together // n), windows * together * c * (w - taps + 1) // TILE
    parts = max(1, min(to_fill, windows // ROWS), min(to_fit, windows // (4 * ROWS)))
    rows = -(-windows // parts)
    tops = range(0, windows, rows)
    strips = [(image, top) for top in tops if top + rows <= windows for image in range(n)]
    for start in range(0, len(strips), together):
        yield strips[start : start + together], rows + taps - 1
    for start in range(0, n if windows % rows else 0, together):
        yield [(image, tops[-1]) for image in range(start, min(start + together, n))], h - tops[-1]


def _by_strips(
    x: Tensor, y: Tensor, signs: tuple[int, ...], k: Constants, windows: tuple[Tensor, ...], share: float
) -> tuple[Tensor, list[Tensor]]:
    """Return what `_whole` does, times `share`."""
    totals: list[Tensor] = [x.new_zeros(())] * x.shape[0]
    grads: list[Tensor] = []
    for strips, height in _strips(x.shape, max(window.numel() for window in windows)):
        cut_x, cut_y = (torch.stack([z[i, :, top : top + height] for i, top in strips]) for z in (x, y))
        sums, pieces = _whole(cut_x, cut_y, signs, k, windows)
        grads = grads or [piece.new_zeros(x.shape) for piece in pieces]
        for number, (i, top) in enumerate(strips):
            totals[i] = totals[i] + sums[number]
            for grad, piece in zip(grads, pieces, strict=True):
                grad[i, :, top : top + height].add_(piece[number], alpha=share)
    return torch.stack(totals) * share, grads


def _add_absolute_error(
    x: Tensor, y: Tensor, signs: tuple[int, ...], share: float, weights: Tensor, values: Tensor, grads: list[Tensor]
) -> tuple[Tensor, list[Tensor]]:
    """Add `share` times the sum of |x - y| under a map of weights: blurring |x - y| would give the same mean."""
    q = x - y
    values = values + q.abs().mul_(weights).sum(dim=(1, 2, 3)) * share
    slope = q.sign().mul_(weights) if signs else q
    return values, [grad.add_(slope, alpha=sign * share) for grad, sign in zip(grads, signs, strict=True)]


def dense_means(
    x: Tensor,
    y: Tensor,
    signs: tuple[int, ...],
    options: tuple[float, ...],
    rows: Tensor,
    columns: Tensor,
    *windows: Tensor,
) -> tuple[Tensor, list[Tensor]]:
    """Return one value for each image, (N,), the mean over its windows, and its gradient for each of `signs`.

    The value is `share` times 1 - MS-SSIM, and `l1_share` times the absolute error under the last window; `options` are
    these two and the constants.  A sign of 1 asks for the gradient in x, -1 for the one in y.
    """
    share, l1_share, *constants = options
    k = Constants(*constants)
    c, h, w = x.shape[1:]
    taps = max(window.numel() for window in windows)
    share = share / (c * (h - taps + 1) * (w - taps + 1))
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        sums, grads = _whole(x, y, signs, k, windows)
        values, grads = sums * share, [grad.contiguous().mul_(share) for grad in grads]
    else:
        values, grads = _by_strips(x, y, signs, k, windows, share)
    if not l1_share:
        return values, grads
    return _add_absolute_error(x, y, signs, l1_share / c, torch.outer(rows, columns), values, grads)


__all__ = ["dense_means", "dense_windows"]
