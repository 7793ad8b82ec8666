r"""1 - SSIM and its gradient, summed over images.

Value and gradient share nearly everything (see `lossedu.losses.algebra`), so the gradient is worked out along with the
value, and it is all that is kept for the backward pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function

from .. import filters
from .algebra import Constants, Place, constants, loss_map, pull_back, slopes, sum_and_difference, terms

#: Pixels worked on at a time on a CPU: 1 MB a map in float32, so that the same memory serves strip after strip.
TILE = 2**18

#: Depthwise convolutions run at full speed from about this many channels.
CHANNELS = 12

#: Strips of fewer rows of windows, in taps, would share too many rows with their neighbours.
LOWEST = 5


def dissimilarity_map(x: Tensor, y: Tensor, window: Tensor, k: Constants) -> Tensor:
    """Return 1 - SSIM at every window that fits: (N, C, H, W) to (N, C, H - K + 1, W - K + 1)."""
    return filters.unfold(loss_map(terms(*sum_and_difference(x, y, k), window, k)), x.shape[0])


def _whole(
    x: Tensor,
    y: Tensor,
    window: Tensor,
    k: Constants,
    signs: tuple[int, ...],
    luminance: bool,
    difference: Tensor | None = None,
    blank: Sequence[Place] = (),
) -> tuple[Tensor, list[Tensor]]:
    """Do what `sums_and_gradients` promises, all in one piece, and leave out the windows that are `blank`."""
    p, q = sum_and_difference(x, y, k, difference)
    t = terms(p, q, window, k, luminance)
    losses = loss_map(t)  # may be one of the terms, whose slopes will be blank there as well
    for place in blank:
        losses[place] = 0
    sums = losses.sum(dim=(0, 2, 3)).view(x.shape[:2])
    by_moment = slopes(t, blank) if signs else ()
    del t, losses  # eight maps that are no longer needed
    return sums, [pull_back(by_moment, p, q, window, sign).view(x.shape) for sign in signs]


class _Strip(NamedTuple):
    """Where a strip lies: the image, its first row, and how many of its windows' rows the strip above has already."""

    image: int
    top: int
    repeated: int


def _tiles(shape: torch.Size, taps: int) -> Iterator[tuple[list[_Strip], int]]:
    """Cut images into strips of one height; yield some of them at a time, and the height.

    Strips side by side fill the channels that a convolution needs, and few enough of them stay in the cache.
    Neighbouring strips share taps - 1 rows; the last one of an image begins early, and repeats windows.
    """
    n, c, h, w = shape
    windows = h - taps + 1
    together = max(1, CHANNELS // c)
    even = together // math.gcd(n, together)  # strips of an image that leave no group of strips incomplete
    lowest = LOWEST * taps
    if shape.numel() <= TILE:
        count = 1 if n >= together else even
        together = max(n, together)
    else:
        count = -(-windows // max(TILE // (together * c * w) - taps + 1, lowest))
        count = -(-count // even) * even
    most = windows // lowest
    if count > most:
        count = most // even * even or max(1, most)
    rows = -(-windows // count)
    strips = [
        _Strip(image, min(top, windows - rows), max(0, top + rows - windows))
        for top in range(0, windows, rows)
        for image in range(n)
    ]
    for start in range(0, len(strips), together):
        yield strips[start : start + together], rows + taps - 1


def _cut(z: Tensor, strips: Sequence[_Strip], height: int) -> Tensor:
    """Return some strips of a batch of images, as images of a batch."""
    return torch.stack([z[s.image, :, s.top : s.top + height] for s in strips])


def sums_and_gradients(
    x: Tensor,
    y: Tensor,
    window: Tensor,
    k: Constants,
    signs: tuple[int, ...],
    luminance: bool = True,
    difference: Tensor | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Return the sum of 1 - l cs over each channel's windows, shape (N, C), and its gradient for each of `signs`.

    A sign of 1 asks for the gradient in x, -1 for the one in y.  Without `luminance` it is the sum of 1 - cs.
    `difference` is x - y where the caller knows more digits of it than x and y have.
    """
    n, c = x.shape[:2]
    in_one_piece = x.device.type != "cpu" or torch.compiler.is_compiling()
    tiles = [] if in_one_piece else list(_tiles(x.shape, window.numel()))
    if in_one_piece or [len(strips) for strips, _ in tiles] == [n]:
        sums, grads = _whole(x, y, window, k, signs, luminance, difference)
        return sums, [grad.contiguous() for grad in grads]
    totals: list[Any] = [0] * n
    grads = []
    for strips, height in tiles:
        cut_x, cut_y = (_cut(z, strips, height) for z in (x, y))
        cut_q = None if difference is None else _cut(difference, strips, height)
        blank = [
            (slice(None), slice(i * c, (i + 1) * c), slice(s.repeated)) for i, s in enumerate(strips) if s.repeated
        ]
        sums, pieces = _whole(cut_x, cut_y, window, k, signs, luminance, cut_q, blank)
        grads = grads or [piece.new_zeros(x.shape) for piece in pieces]
        for i, strip in enumerate(strips):
            totals[strip.image] = totals[strip.image] + sums[i]
            for grad, piece in zip(grads, pieces, strict=True):
                grad[strip.image, :, strip.top : strip.top + height] += piece[i]
    return torch.stack(totals), grads


class _Sums(Function):
    """Sum of 1 - l cs for each channel, and the gradients that were asked for, which the backward pass scales."""

    generate_vmap_rule = True

    @staticmethod
    def forward(
        x: Tensor,
        y: Tensor,
        window: Tensor,
        k: Constants,
        signs: tuple[int, ...],
        luminance: bool,
        difference: Tensor | None,
    ) -> tuple[Tensor, ...]:
        sums, grads = sums_and_gradients(x, y, window, k, signs, luminance, difference)
        return sums, *grads

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, y, window, ctx.constants, ctx.signs, ctx.luminance, _ = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)  # zeros for the gradients' own gradients would be made only to be dropped
        ctx.save_for_backward(x, y, window, *output[1:])

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> tuple[Tensor | None, ...]:
        if upstream[0] is None:
            return (None,) * 7
        x, y, window, *grads = ctx.saved_tensors
        if torch.is_grad_enabled():  # a derivative of this gradient is wanted: it must not be a constant
            grads = sums_and_gradients(x, y, window, ctx.constants, ctx.signs, ctx.luminance)[1]
        scale = upstream[0][..., None, None]
        by_sign = {sign: grad * scale for sign, grad in zip(ctx.signs, grads, strict=True)}
        return by_sign.get(1), by_sign.get(-1), *(None,) * 5


def mean_by_channel(
    x: Tensor, y: Tensor, window: Tensor, k: Constants, luminance: bool = True, difference: Tensor | None = None
) -> Tensor:
    """Return the mean of 1 - l cs, or without `luminance` of 1 - cs, over each channel's windows, shape (N, C).

    Differentiable to any order.  `difference` is as for `sums_and_gradients`, and no gradient goes to it.
    """
    signs: tuple[int, ...] = ()
    if torch.is_grad_enabled():
        signs = tuple(sign for sign, image in ((1, x), (-1, y)) if image.requires_grad)
    if signs:
        sums = _Sums.apply(x, y, window, k, signs, luminance, difference)[0]
    else:
        sums = sums_and_gradients(x, y, window, k, (), luminance, difference)[0]
    return sums / (window_count(x, window) // x.shape[1])


def mean_dissimilarity(x: Tensor, y: Tensor, window: Tensor, k: Constants) -> Tensor:
    """Return the mean of 1 - SSIM over each image's windows, shape (N,), differentiable to any order."""
    return mean_by_channel(x, y, window, k).mean(dim=1)


def window_count(x: Tensor, window: Tensor) -> int:
    """Return how many windows fit into one image, all channels together."""
    channels, height, width = x.shape[1:]
    return channels * (height - window.numel() + 1) * (width - window.numel() + 1)


__all__ = [
    "Constants",
    "constants",
    "dissimilarity_map",
    "mean_by_channel",
    "mean_dissimilarity",
    "sums_and_gradients",
    "window_count",
]
