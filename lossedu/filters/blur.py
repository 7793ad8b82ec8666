r"""The separable blur, with its adjoint.

Everything in the book that looks at a neighbourhood goes through this file.  The blur is

.. math:: (Gx)(p) = \sum_q G_\sigma(q - p)\, x(q), \qquad \sum_q G_\sigma(q) = 1,

and its adjoint :math:`G^\top`, the map with :math:`\langle Gx, u\rangle = \langle x, G^\top u\rangle`, is what
a gradient needs.  For windows that only visit pixels inside the image the adjoint is the *full* correlation;
it is not the blur itself.

Images are folded into one picture with N*C channels in channels-last memory: a depthwise convolution
then runs along contiguous channels, which on a CPU is about ten times faster than the usual layout.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function

from .. import _validate
from .windows import gaussian_window, window_size


def fold(x: Tensor) -> Tensor:
    """Lay out (N, C, H, W) as (1, N*C, H, W) in channels-last memory, the fast layout of this file."""
    n, c, h, w = x.shape
    # the same as .contiguous(memory_format=torch.channels_last), which torch.func.vmap does not know
    return x.reshape(1, n * c, h, w).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def unfold(x: Tensor, n: int) -> Tensor:
    """Undo `fold`: return (N, C, H, W) in contiguous memory."""
    return x.contiguous().view(n, x.shape[1] // n, *x.shape[-2:])


def _separable(x: Tensor, window: Tensor, margin: int) -> Tensor:
    """Correlate columns, then rows, of a folded picture, with `margin` zeros at each end of each axis."""
    channels, taps = x.shape[1], window.numel()
    column = window.view(1, 1, taps, 1).expand(channels, 1, taps, 1)
    row = window.view(1, 1, 1, taps).expand(channels, 1, 1, taps)
    with torch.autocast(x.device.type, enabled=False):  # autocast would run this in half precision
        x = F.conv2d(x, column, padding=(margin, 0), groups=channels)
        return F.conv2d(x, row, padding=(0, margin), groups=channels)


class _Correlation(Function):
    """Correlation with a symmetric window and `margin` zeros around; linear, so its derivative is its adjoint.

    A valid correlation (margin 0) and the full one (margin taps - 1) are each other's adjoints, hence
    derivatives of any order come from this one class.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, window: Tensor, margin: int) -> Tensor:
        return _separable(x, window, margin)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        _, window, ctx.margin = inputs
        ctx.save_for_backward(window)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor, None, None]:
        (window,) = ctx.saved_tensors
        return _Correlation.apply(grads[0], window, window.numel() - 1 - ctx.margin), None, None


def _correlation(x: Tensor, window: Tensor, margin: int) -> Tensor:
    if torch.is_grad_enabled() and x.requires_grad:
        return _Correlation.apply(x, window, margin)
    return _separable(x, window, margin)  # nothing to record, and a small image feels the cost of recording


def correlate(x: Tensor, window: Tensor) -> Tensor:
    """Return :math:`Gx` of a folded picture wherever the whole window fits: (1, M, H - K + 1, W - K + 1)."""
    return _correlation(x, window, 0)


def correlate_adjoint(u: Tensor, window: Tensor) -> Tensor:
    r"""Return :math:`G^\top u`, the adjoint of `correlate`: (1, M, H', W') to (1, M, H' + K - 1, W' + K - 1)."""
    return _correlation(u, window, window.numel() - 1)


def reflect(x: Tensor, radius: int) -> Tensor:
    """Mirror `radius` pixels about the border pixels, which are not repeated (NumPy's "reflect")."""
    return F.pad(x, (radius, radius, radius, radius), mode="reflect") if radius else x


def reflect_adjoint(u: Tensor, radius: int) -> Tensor:
    """Fold a padded picture's border back onto the pixels it was mirrored from: the adjoint of `reflect`."""
    if not radius:
        return u
    n, c, h, w = u.shape
    like = u.new_empty((n, c, h - 2 * radius, w - 2 * radius))
    return torch.ops.aten.reflection_pad2d_backward(u.contiguous(), like, [radius] * 4)


def blur_with(x: Tensor, window: Tensor, padding: str) -> Tensor:
    """Blur images (N, C, H, W) with a symmetric window of their dtype; the blurs of this book, less their checks."""
    radius = window.numel() // 2
    if padding == "reflect":
        x = reflect(x, radius)
    folded = _correlation(fold(x), window, radius if padding == "zeros" else 0)
    return unfold(folded, x.shape[0])


def gaussian_blur(x: Tensor, sigma: float, *, kernel_size: int | None = None, padding: str = "reflect") -> Tensor:
    r"""Blur images with a Gaussian window, :math:`(Gx)(p) = \sum_q G_\sigma(q-p)\,x(q)`.

    Parameters
    ----------
    x : Tensor
        Images (N, C, H, W), any floating dtype; half precision is computed and returned in float32.
    sigma : float
        Standard deviation in pixels.
    kernel_size : int, optional
        Odd number of taps; ``2 * int(3.5 * sigma + 0.5) + 1`` when left out.
    padding : {"reflect", "valid", "zeros"}
        "reflect" mirrors the image at its border and keeps the size; "valid" visits only windows inside the
        image and shrinks it by kernel_size - 1; "zeros" keeps the size and darkens the border.

    Returns
    -------
    Tensor
        (N, C, H, W), or (N, C, H - K + 1, W - K + 1) for "valid".  Differentiable to any order.

    Raises
    ------
    TypeError, ValueError
        For anything but a floating (N, C, H, W) tensor, a sigma not above 0, an even kernel, an unknown
        padding, or an image smaller than the window.

    Notes
    -----
    Convention: window normalised to sum 1 after truncation; the same as
    ``scipy.ndimage.gaussian_filter(..., truncate=3.5, mode="mirror")`` with the default kernel size.
    Forward over reverse mode (``torch.func.hessian``) is not supported; for second derivatives use
    ``torch.func.jacrev(torch.func.grad(f))``.
    """
    _validate.image("x", x)
    _validate.option("padding", padding, ("reflect", "valid", "zeros"))
    x = x.to(_validate.working_dtype(x))
    size = window_size(sigma, kernel_size)
    _validate.window_fits("x", x, size, padding)
    window = gaussian_window(sigma, size, dtype=x.dtype, device=x.device)
    return blur_with(x, window, padding)


__all__ = [
    "blur_with",
    "correlate",
    "correlate_adjoint",
    "fold",
    "gaussian_blur",
    "reflect",
    "reflect_adjoint",
    "unfold",
]
