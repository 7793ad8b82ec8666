r"""What the two forms of the sigma trick share: the factors, the product of all and of all others, the Function.

With :math:`p = x+y`, :math:`q = x-y` and their moments under the window of each :math:`\sigma_j`,

.. math:: d_j = 1-cs_j = \frac{2V_q}{V_p+V_q+2C_2}, \qquad d_l = 1-l = \frac{2M_q^2}{M_p^2+M_q^2+2C_1}, \qquad
   D = 1 - l\prod_j cs_j = \sum_j d_j \prod_{i<j} (1-d_i).

The sum is :math:`D \leftarrow D + d - Dd` written out: nothing cancels where the images are nearly equal.  The slope in
:math:`d_j` is the product of all *other* factors; equation (13) of Zhao et al. (2017) divides the product of all by
:math:`cs_j` instead, which is 0/0 where a factor vanishes.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import Function

from ..keeping import Shelf
from .dissimilarity import Constants

#: compute(x, y, signs, options, *tensors): one value per image, and its gradient in x (sign 1) or y (sign -1)
Compute = Callable[..., tuple[Tensor, list[Tensor]]]

#: How many windows, maps and masks are kept at a time.
KEPT = 64

SHELF: Shelf[tuple[Tensor, ...]] = Shelf(KEPT)


def kept(build: Callable[..., tuple[Tensor, ...]], *key: Any) -> tuple[Tensor, ...]:
    """Return ``build(*key)``, kept for the next call: do not write into it."""
    return SHELF.get((build, *key), lambda: build(*key))


class Factor(NamedTuple):
    """A factor of the product, as 1 - factor, with its denominator and the means of p and q that it was made of."""

    m_p: Tensor
    m_q: Tensor
    denominator: Tensor
    one_minus: Tensor


class Slopes(NamedTuple):
    """d(1 - product) by G*p and G*q, both divided by -2, and by G*p^2 and G*q^2."""

    mean_p: Tensor
    mean_q: Tensor
    square_p: Tensor
    square_q: Tensor


def contrast_structure(m_p: Tensor, m_q: Tensor, square_p: Tensor, square_q: Tensor, k: Constants) -> Factor:
    """Return cs from G*p, G*q, G*p^2 and G*q^2."""
    v_p = torch.addcmul(square_p, m_p, m_p, value=-1).clamp_min_(0)
    v_q = torch.addcmul(square_q, m_q, m_q, value=-1).clamp_min_(0)
    denominator = v_p.add_(v_q).add_(2 * k.c2)
    return Factor(m_p, m_q, denominator, v_q.div_(denominator).mul_(2))


def luminance(m_p: Tensor, m_q: Tensor, k: Constants) -> Factor:
    """Return l from G*p and G*q; its own mean of p is with the middle of the range again."""
    mu_p, square_q = m_p + k.middle, m_q * m_q
    denominator = (mu_p * mu_p).add_(square_q).add_(2 * k.c1)
    return Factor(mu_p, m_q, denominator, square_q.div_(denominator).mul_(2))


def products(parts: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
    """Return 1 - the product of all (1 - part), and for each of two or more parts the product of all others."""
    values = [1 - part for part in parts]
    before = list(accumulate(values[:-1], operator.mul))
    behind = list(accumulate(values[:0:-1], operator.mul))[::-1]
    total = parts[0]
    for part, product in zip(parts[1:], before, strict=True):
        total = torch.addcmul(total, part, product)
    return total, [behind[0], *map(operator.mul, before, behind[1:]), before[-1]]


def contrast_slopes(cs: Factor, other: Tensor) -> Slopes:
    """Return the slopes through cs, where `other` is the product of all other factors."""
    share = other / cs.denominator
    square_p = (cs.one_minus * share).neg_()
    square_q = torch.add(square_p, share, alpha=2)
    return Slopes(cs.m_p * square_p, cs.m_q * square_q, square_p, square_q)


def add_luminance_slopes(slopes: Slopes, l: Factor, other: Tensor) -> Slopes:
    """Return the slopes of the last scale together with those through l."""
    share = other / l.denominator
    through_l = l.one_minus * share
    mean_p = torch.addcmul(slopes.mean_p, l.m_p, through_l)
    mean_q = torch.addcmul(slopes.mean_q, l.m_q, through_l.sub(share, alpha=2))
    return Slopes(mean_p, mean_q, slopes.square_p, slopes.square_q)


class _Values(Function):
    """One value per image, and the gradients that were asked for, which the backward pass scales."""

    generate_vmap_rule = True

    @staticmethod
    def forward(*inputs: Any) -> tuple[Tensor, ...]:  # torch binds the arguments at every call: named ones take longer
        x, y, compute, signs, options, *tensors = inputs
        values, grads = compute(x, y, signs, options, *tensors)
        return values, *grads

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, y, ctx.compute, ctx.signs, ctx.options, *tensors = inputs
        ctx.others = 3 + len(tensors)
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, y, *output[1:], *tensors)

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> tuple[Tensor | None, ...]:
        nothing = (None,) * ctx.others
        if upstream[0] is None:
            return None, None, *nothing
        x, y, *rest = ctx.saved_tensors
        grads, tensors = rest[: len(ctx.signs)], rest[len(ctx.signs) :]
        if torch.is_grad_enabled():  # a derivative of this gradient is wanted: it must not be a constant
            grads = ctx.compute(x, y, ctx.signs, ctx.options, *tensors)[1]
        scale = upstream[0].view(-1, 1, 1, 1)
        by_sign = {sign: grad * scale for sign, grad in zip(ctx.signs, grads, strict=True)}
        return by_sign.get(1), by_sign.get(-1), *nothing


def differentiable(
    compute: Compute, x: Tensor, y: Tensor, options: tuple[float, ...], tensors: tuple[Tensor, ...]
) -> Tensor:
    """Return the values of `compute`, one per image, differentiable to any order in both images."""
    signs: tuple[int, ...] = ()
    if torch.is_grad_enabled():
        signs = tuple(sign for sign, image in ((1, x), (-1, y)) if image.requires_grad)
    if not signs:
        return compute(x, y, (), options, *tensors)[0]
    return _Values.apply(x, y, compute, signs, options, *tensors)[0]


__all__ = [
    "Compute",
    "Factor",
    "Slopes",
    "add_luminance_slopes",
    "contrast_slopes",
    "contrast_structure",
    "differentiable",
    "kept",
    "luminance",
    "products",
]
