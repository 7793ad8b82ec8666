r"""The factors of MS-SSIM by the sigma trick, one by one: :math:`l_{\sigma_M}` and all :math:`cs_{\sigma_j}`, as maps.

`ms_ssim_sigma_loss` multiplies them and never holds them all.  Here they are apart, to be looked at, and to be put
together in another way.  Plain operations of torch: slower than the loss, with gradients by autograd.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate, filters
from .multiscale import SIGMAS


class Factors(NamedTuple):
    """`luminance`, (N, C, H', W'), of the last window, and `contrast_structure`, (M, N, C, H', W'), of every one."""

    luminance: Tensor
    contrast_structure: Tensor


def factors(
    x: Tensor,
    y: Tensor,
    *,
    sigmas: Sequence[float] = SIGMAS,
    kernel_size: int | None = None,
    padding: str = "valid",
    data_range: float = 1.0,
) -> Factors:
    r"""Return the factors of MS-SSIM at every pixel: ``(1 - l * cs.prod(0)).mean()`` is `ms_ssim_sigma_loss`.

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W), floating.
    sigmas : sequence of float
        Widths of the windows; the luminance is that of the last.
    kernel_size : int, optional
        Taps of every window; each has its usual size when left out.
    padding : {"valid", "reflect"}
        "valid" keeps the pixels at which the widest window fits, for all windows alike.
    data_range : float
        Width of the nominal range.

    Raises
    ------
    TypeError, ValueError
        As for `ms_ssim_sigma_loss`.

    Examples
    --------
    >>> y = torch.rand(1, 1, 64, 64)
    >>> factors(y, y).contrast_structure.shape
    torch.Size([5, 1, 1, 8, 8])
    """
    x, y = _validate.images(x, y)
    _validate.option("padding", padding, ("valid", "reflect"))
    c1, c2 = ((k * _validate.positive("data_range", data_range)) ** 2 for k in (0.01, 0.03))
    if not sigmas:
        raise ValueError("sigmas must hold at least one number above 0, got none")
    sizes = [filters.window_size(sigma, kernel_size) for sigma in sigmas]
    # Less the middle of the range: a variance does not mind it, and digits stay.
    p, q = x + y - data_range, x - y
    parts = []
    for sigma, size in zip(sigmas, sizes, strict=True):
        spare = (max(sizes) - size) // 2 if padding == "valid" else 0
        inside = (..., slice(spare, p.shape[-2] - spare), slice(spare, p.shape[-1] - spare))

        def blur(z: Tensor, sigma: float = sigma, size: int = size, inside: tuple = inside) -> Tensor:
            return filters.gaussian_blur(z[inside], sigma, kernel_size=size, padding=padding)

        m_p, m_q = blur(p), blur(q)
        v_p, v_q = (blur(p * p) - m_p * m_p).clamp_min(0), (blur(q * q) - m_q * m_q).clamp_min(0)
        parts.append(1 - 2 * v_q / (v_p + v_q + 2 * c2))
    m_p = m_p + data_range
    return Factors(1 - 2 * m_q * m_q / (m_p * m_p + m_q * m_q + 2 * c1), torch.stack(parts))


__all__ = ["Factors", "factors"]
