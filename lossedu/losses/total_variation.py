r"""Total variation: what an image costs for not being flat.

With forward differences :math:`\partial_1 x(p) = x(p + e_1) - x(p)` down a column and :math:`\partial_2 x` along a row,
0 past the last row and column,

.. math:: \mathrm{TV}(x) = \frac1{CHW}\sum_{c,p}
   |\partial_1 x| + |\partial_2 x|, \qquad
   \sqrt{(\partial_1 x)^2 + (\partial_2 x)^2}, \qquad
   (\partial_1 x)^2 + (\partial_2 x)^2

for the anisotropic, the isotropic (Rudin, Osher and Fatemi, 1992) and the squared kind, which is no total variation but
goes by that name in much code: an edge costs it less the more it is blurred, and costs the other two the same.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from .. import _validate
from .twin import Twin

KINDS = ("anisotropic", "isotropic", "squared")


def _measure(x: Tensor, kind: str, *, slopes: bool) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the sum over each image, shape (N,), and on demand its slopes by the differences down and right."""
    down, right = x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]
    if kind == "isotropic":
        square = torch.zeros_like(x)
        square[..., :-1, :] += down * down
        square[..., :-1] += right * right
        sums = square.sqrt().sum(dim=(1, 2, 3))
        if not slopes:
            return sums, ()
        # 1 / length, and 0 where that is 0: by way of infinity, no derivative of any order ever divides by 0.
        inverse = square.masked_fill_(square == 0, math.inf).rsqrt_()
        return sums, (down * inverse[..., :-1, :], right * inverse[..., :-1])
    # Slopes first: then the differences may be overwritten.
    if kind == "anisotropic":
        by_difference = (down.sign(), right.sign()) if slopes else ()
        down, right = down.abs_(), right.abs_()
    else:
        by_difference = (2 * down, 2 * right) if slopes else ()
        down, right = down.mul_(down), right.mul_(right)
    return down.sum(dim=(1, 2, 3)) + right.sum(dim=(1, 2, 3)), by_difference


def _sums_and_gradients(x: Tensor, kind: str) -> tuple[Tensor, Tensor]:
    """Return the sum over each image, shape (N,), and its gradient: less the divergence of the slopes."""
    sums, (down, right) = _measure(x, kind, slopes=True)
    grad = torch.cat((torch.zeros_like(x[..., :1]), right), dim=-1)
    grad[..., :-1] -= right
    grad[..., 1:, :] += down
    grad[..., :-1, :] -= down
    return sums, grad


class _Sums(Function):
    """Sum for each image and, if it is `wanted`, its gradient, which the backward pass scales.

    Left to itself, autograd would lay each of the four slices into a map of zeros, and add those up.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, kind: str, wanted: bool) -> tuple[Tensor, ...]:
        return _sums_and_gradients(x, kind) if wanted else _measure(x, kind, slopes=False)[:1]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, ctx.kind, _ = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, *output[1:])

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> tuple[Tensor | None, None, None]:
        if upstream[0] is None:
            return None, None, None
        x, *grads = ctx.saved_tensors
        # Worked out again where a derivative of it is wanted, or where torch.func hid that it would be needed.
        grad = _sums_and_gradients(x, ctx.kind)[1] if torch.is_grad_enabled() or not grads else grads[0]
        return grad * upstream[0].view(-1, 1, 1, 1), None, None


def tv_loss(x: Tensor, *, kind: str = "anisotropic", reduction: str = "mean") -> Tensor:
    r"""Total variation of each channel: the sum of its differences between neighbours, divided by C H W.

    Parameters
    ----------
    x : Tensor
        Images (N, C, H, W), any C, any floating dtype; no reference is needed.
    kind : {"anisotropic", "isotropic", "squared"}
        :math:`|\partial_1 x| + |\partial_2 x|`, the length :math:`\sqrt{(\partial_1 x)^2 + (\partial_2 x)^2}` that
        does not favour the directions of the axes, or :math:`(\partial_1 x)^2 + (\partial_2 x)^2`.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        At least 0, and 0 for flat images only; in intensity units, squared ones for "squared".  float32 for half
        precision.

    Raises
    ------
    TypeError
        If `x` is no floating tensor.
    ValueError
        If `x` is not (N, C, H, W), or `kind` or `reduction` is unknown.

    Notes
    -----
    Convention: forward differences, 0 past the last row and column, so an axis of length 1 adds nothing; channels one
    by one.  Times C H W, the anisotropic kind is ``kornia.losses.total_variation(x).sum(dim=1)``,
    ``torchmetrics.functional.image.total_variation(x, reduction="none")`` and ``piq.total_variation(norm_type="l1")``,
    the squared kind piq's ``"l2_squared"``; piq's ``"l2"`` is one root of the whole sum, and not the isotropic kind.
    Where a kind has no derivative (at :math:`\partial x = 0`, for the isotropic one where both differences are 0),
    the slope 0 is used, and no eps biases the value.  Gradients of any order, by reverse mode.

    Examples
    --------
    >>> x = torch.tensor([[[[0.0, 1.0], [1.0, 1.0]]]])
    >>> [round(tv_loss(x, kind=kind).item(), 4) for kind in ("anisotropic", "isotropic", "squared")]
    [0.5, 0.3536, 0.5]
    """
    _validate.image("x", x)
    _validate.option("kind", kind, KINDS)
    sums = _Sums.apply(x.to(_validate.working_dtype(x)), kind, torch.is_grad_enabled() and x.requires_grad)[0]
    return _validate.reduce(sums / x[0].numel(), reduction)


class TVLoss(Twin):
    """Module twin of `tv_loss`, called as ``loss(x)`` or, like the losses that compare, as ``loss(x, y)``."""

    def __init__(self, *, kind: str = "anisotropic", reduction: str = "mean") -> None:
        super().__init__(kind=kind, reduction=reduction)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return tv_loss(x, **self.options)


__all__ = ["TVLoss", "tv_loss"]
