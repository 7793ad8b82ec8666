r"""The sigma trick with one window per patch, as large as the patch: moments by a matrix product.

That is the form of the paper and of the code published with it.  A patch is a row of pixels and a window a row of
weights, so that all moments under all windows are a product of matrices, and the gradient is another.  Patches are
small: time goes into the number of operations, so the luminance is worked out along with the scales.  With
:math:`V = E - M^2` for the scales and :math:`V = M^2` for the luminance, every factor is 1 - d with

.. math:: d = 2V_q \big/ (V_p + V_q + 2C).
"""

from __future__ import annotations

import torch
from torch import Tensor

from .. import filters
from .dissimilarity import Constants
from .scales import kept


def _build(
    sigmas: tuple[float, ...], size: int, k: Constants, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, ...]:
    factors = len(sigmas) + 1
    lines = torch.stack([filters.gaussian_window(sigma, size) for sigma in (*sigmas, sigmas[-1])])
    windows = (lines[:, :, None] * lines[:, None, :]).flatten(1)
    columns = torch.tensor([[-1.0, 0.0, 2 * k.c2]] * len(sigmas) + [[1.0, k.middle, 2 * k.c1]], dtype=torch.float64).T[
        :, :, None
    ]
    squares = windows.clone()
    squares[-1] = 0
    from_here_on = torch.ones(factors, factors, dtype=torch.bool).triu()
    left_out = torch.cat([from_here_on, from_here_on & from_here_on.T])[:, :, None]
    return *(table.to(device=device, dtype=dtype) for table in (windows, squares, columns)), left_out.to(device)


def patch_tables(sigmas: tuple[float, ...], size: int, k: Constants, like: Tensor) -> tuple[Tensor, ...]:
    """Return four tables with a row for each factor, those of the M scales and then the luminance.

    The windows for means and for squares (0 for the luminance), (M + 1, size * size) both; three columns, the sign of
    the squared mean in V, what to add to the mean of p, and 2C, (3, M + 1, 1); and the factors that each of 2M + 2
    products leaves out: all but those before each factor, and each factor itself, (2M + 2, M + 1, 1).
    """
    return kept(_build, sigmas, size, k, like.dtype, like.device)


def exact_product(a: Tensor, b: Tensor) -> Tensor:
    """Return the matrix product by sums: never in TF32 or bfloat16, which a variance does not survive."""
    return (a[:, :, None] * b[None]).sum(dim=1)


def patch_means(
    x: Tensor,
    y: Tensor,
    signs: tuple[int, ...],
    options: tuple[float, ...],
    windows: Tensor,
    squares: Tensor,
    columns: Tensor,
    left_out: Tensor,
) -> tuple[Tensor, list[Tensor]]:
    """Return one value for each image, (N,), the mean over its channels, and its gradient for each of `signs`.

    The value is `share` times 1 - MS-SSIM, and `l1_share` times the absolute error under the last window; `options` are
    these two and the constants.  A sign of 1 asks for the gradient in x, -1 for the one in y.
    """
    share, l1_share, _, _, middle = options
    n, c, size, _ = x.shape
    x_rows, y_rows = x.reshape(n * c, size * size), y.reshape(n * c, size * size)
    p, q = (x_rows + y_rows).sub_(middle), x_rows - y_rows
    exact = torch.compiler.is_compiling() or torch.get_float32_matmul_precision() != "highest"
    product = exact_product if exact else torch.mm
    with torch.autocast(x.device.type, enabled=False):
        sign_of_square, offset, ground = columns
        m_p, m_q = product(windows, p.t()).add_(offset), product(windows, q.t())
        signed_p, signed_q = m_p * sign_of_square, m_q * sign_of_square
        v_p = torch.addcmul(product(squares, (p * p).t()), signed_p, m_p).clamp_min_(0)
        v_q = torch.addcmul(product(squares, (q * q).t()), signed_q, m_q).clamp_min_(0)
        denominator = v_p.add_(v_q).add_(ground)
        parts = v_q.div_(denominator).mul_(2)
        products = (1 - parts).expand(left_out.shape[0], *parts.shape).masked_fill(left_out, 1.0).prod(dim=1)
        # 1 - product = sum of part j times the factors before it: nothing cancels where all parts are small
        values = (parts * products[: len(parts)]).sum(dim=0).mul_(share)
        if l1_share:
            values = values.add_(product(q.abs(), windows[-1:].t())[:, 0], alpha=l1_share)
        values = values.view(n, c).mean(dim=1)
        if not signs:
            return values, []
        through = products[len(parts) :] / denominator * (2 * share / c)  # scaled here, where the numbers are few
        square_p = (parts * through).neg_()
        square_q = torch.add(square_p, through, alpha=2)
        back_p, back_q = product(square_p.t(), squares), product(square_q.t(), squares)
        grads = []
        for sign in signs:
            mean = torch.addcmul(signed_p * square_p, signed_q, square_q, value=sign)
            grad = torch.addcmul(product(mean.t(), windows), back_p, p)
            grad = torch.addcmul(grad, back_q, q, value=sign)
            if l1_share:
                grad = torch.addcmul(grad, q.sign(), windows[-1], value=sign * l1_share / c)
            grads.append(grad.view(x.shape))
    return values, grads


__all__ = ["patch_means", "patch_tables"]
