r"""The least loss over small translations, for pairs that do not register.

.. math:: \mathcal L(x, y) = \min_{|u|, |v| \le s} \ell\bigl(x_{\mathrm{in}},\ (T_{u,v}\, y)_{\mathrm{in}}\bigr)

with :math:`z_{\mathrm{in}}` an image without s pixels on each side, and :math:`(T_{u,v}\, y)(i, j) = y(i + u, j + v)`.
Märtens, Izzo, Krzic and Cox, "Super-resolution of PROBA-V images using convolutional neural networks" (Astrodynamics,
2019) score pictures of one place, taken on different days, so, with s = 3 and the mean square error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .. import _validate
from ..filters import kept
from .pixel import mse_loss
from .twin import Twin


def translations(shift: int) -> tuple[float, ...]:
    """Return all (u, v) with |u|, |v| <= shift, one after the other in one tuple, the shortest first.

    Examples
    --------
    >>> translations(1)[:10]
    (0.0, 0.0, -1.0, 0.0, 0.0, -1.0, 0.0, 1.0, 1.0, 0.0)
    """
    reach = range(-shift, shift + 1)
    pairs = sorted(((u, v) for u in reach for v in reach), key=lambda pair: (pair[0] ** 2 + pair[1] ** 2, pair))
    return tuple(float(number) for pair in pairs for number in pair)


def min_shift_loss(
    x: Tensor, y: Tensor, *, shift: int = 3, loss: Callable[..., Any] = mse_loss, reduction: str = "mean"
) -> Tensor:
    r"""Least loss over all translations of y by whole pixels, up to `shift` along each axis.

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W), any floating dtypes, one device.
    shift : int
        Farthest translation s in pixels, at least 0.  (2s + 1)^2 translations are tried.
    loss : callable
        What is minimised, one value an image: a function, called as ``loss(x, y, reduction="none")`` (with options:
        ``functools.partial(le.ssim_loss, sigma=0.8)``), or a module made with ``reduction="none"``, called as
        ``loss(x, y)``.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        In the units of `loss`; not above `loss` of the two images without s pixels on each side, and 0 for equal
        images where `loss` is.

    Raises
    ------
    TypeError
        If an image is no floating tensor, `shift` no integer, or `loss` cannot be called.
    ValueError
        If an image is not (N, C, H, W), shapes or devices differ, a side is below 2s + 1, `shift` is negative,
        `reduction` is unknown, or `loss` does not return shape (N,); also what `loss` itself refuses, which sees
        images of (H - 2s) x (W - 2s).

    Notes
    -----
    Convention: the crop of x stays and y moves below it; each image of a batch has its own translation.  Of equal
    values the shortest translation counts, so that images which register are not moved.  The score of Märtens et al.
    takes the mean of y - x off before it compares, and leaves clouds out: this does neither, so it charges a difference
    of brightness, and so colour.  Where sub-pixel shifts are left, it charges them.
    The gradient is that of the translation with the least loss (its own derivative is 0 almost everywhere): in x it is
    0 in the s outermost pixels of each side, and in y outside of the window that was chosen.  The search takes no
    memory for a graph; its time grows as (2s + 1)^2.

    Examples
    --------
    >>> y = torch.rand(1, 3, 16, 16)
    >>> x = y.roll((2, -1), dims=(2, 3))
    >>> min_shift_loss(x, y).item(), bool(le.mse_loss(x, y) > 0.05)
    (0.0, True)
    """
    x, y = _validate.images(x, y)
    reach = _validate.integer("shift", shift)
    if reach < 0:
        raise ValueError(f"shift must be an integer of at least 0, got {shift!r}")
    _validate.function("loss", loss)
    _validate.option("reduction", reduction, _validate.REDUCTIONS)
    height, width = (side - 2 * reach for side in x.shape[-2:])
    if min(height, width) < 1:
        raise ValueError(
            f"x is too small: height and width must be at least {2 * reach + 1} for shift={reach}, got "
            f"{x.shape[-2]} x {x.shape[-1]}; use larger images or a smaller shift"
        )
    inner = x[..., reach : reach + height, reach : reach + width]
    pairs = translations(reach)
    with torch.no_grad():
        tried = []
        for u, v in zip(pairs[::2], pairs[1::2], strict=True):
            top, left = reach + int(u), reach + int(v)
            tried.append(_each(loss, inner, y[..., top : top + height, left : left + width]))
        best = torch.stack(tried).argmin(dim=0)  # the first of equal ones
        table = kept(("translations", reach), lambda: pairs, dtype=torch.float32, device=x.device).long().view(-1, 2)
        corners = table[best] + reach
    return _validate.reduce(_each(loss, inner, _window(y, corners, height, width)), reduction)


def _each(loss: Callable[..., Any], x: Tensor, y: Tensor) -> Tensor:
    """Return one value an image, or raise `ValueError` where the loss gives something else."""
    # A module of ours has its reduction from where it was made.
    values = loss(x, y) if isinstance(loss, nn.Module) else loss(x, y, reduction="none")
    if not isinstance(values, Tensor) or values.shape != x.shape[:1]:
        came = f"shape {tuple(values.shape)}" if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(
            f"loss must return one value an image, shape ({x.shape[0]},) here, got {came}; make a module with "
            "reduction='none', and let a function take reduction='none'"
        )
    return values


def _window(y: Tensor, corners: Tensor, height: int, width: int) -> Tensor:
    """Return a window of each image, whose first row and column are those of `corners`, (N, 2)."""
    n, c, _, full = y.shape
    rows = corners[:, :1] + torch.arange(height, device=y.device)
    columns = corners[:, 1:] + torch.arange(width, device=y.device)
    lines = y.gather(2, rows[:, None, :, None].expand(n, c, height, full))
    return lines.gather(3, columns[:, None, None, :].expand(n, c, height, width))


class MinShiftLoss(Twin):
    """Module twin of `min_shift_loss`; a module given as `loss` moves and is saved with it."""

    def __init__(self, *, shift: int = 3, loss: Callable[..., Any] = mse_loss, reduction: str = "mean") -> None:
        super().__init__(shift=shift, loss=loss, reduction=reduction)
        if isinstance(loss, nn.Module):
            self.loss = loss

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return min_shift_loss(x, y, **self.options)


__all__ = ["MinShiftLoss", "min_shift_loss", "translations"]
