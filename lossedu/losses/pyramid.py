r"""MS-SSIM over a pyramid, as an index and as a loss.

Wang, Simoncelli and Bovik (2003), equation (7), as TensorFlow and pytorch-msssim compute it.  Level 1 is the image, and
every further level halves the one before: an odd side repeats its last row or column, then 2 x 2 pixels become their
mean.  With :math:`\overline{\,\cdot\,}` the mean over the windows of one channel and :math:`(z)_+ = \max(z, 0)`,

.. math:: \text{MS-SSIM} = \frac1C \sum_c \bigl(\overline{l_M\,cs_M}\bigr)_+^{w_M}
   \prod_{j=1}^{M-1} \bigl(\overline{cs_j}\bigr)_+^{w_j}.

The multi-scale form of Zhao et al. (2017), which widens the window and never shrinks the image, is `ms_ssim_sigma`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from .. import _validate, filters
from .dissimilarity import Constants, constants, mean_by_channel
from .twin import Twin

#: The exponents that Wang et al. (2003) measured, from fine to coarse; they add up to 1.0001.
WANG_2003 = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def _exponents(weights: Iterable[float]) -> tuple[float, ...]:
    """Return `weights` as floats, or raise `ValueError` unless they are numbers of at least 0, and not all 0."""
    values = tuple(weights) if isinstance(weights, Iterable) and not isinstance(weights, (str, Mapping, Set)) else ()
    real = all(isinstance(w, Real) and not isinstance(w, bool) and 0 <= w < float("inf") for w in values)
    if not (real and any(values)):
        raise ValueError(f"weights must be a sequence of finite numbers of at least 0, not all 0, got {weights!r}")
    return tuple(float(w) for w in values)


def _prepare(
    x: Tensor,
    y: Tensor,
    weights: Sequence[float],
    sigma: float,
    kernel_size: int | None,
    data_range: float,
    k1: float,
    k2: float,
) -> tuple[Tensor, Tensor, Tensor, Constants, tuple[float, ...]]:
    """Check everything, and return both images, the window, the constants and the exponents."""
    x, y = _validate.images(x, y)
    k1, k2 = _validate.positive("k1", k1), _validate.positive("k2", k2)
    k = constants(_validate.positive("data_range", data_range), k1, k2, x.dtype)
    exponents = _exponents(weights)
    size = filters.window_size(sigma, kernel_size)
    needed = (size - 1) * 2 ** (len(exponents) - 1) + 1
    if min(x.shape[2:]) < needed:
        raise ValueError(
            f"x is too small: height and width must be at least {needed} for {len(exponents)} levels and a window of "
            f"{size} pixels, got {x.shape[2]} x {x.shape[3]}; use larger images, fewer weights or a smaller "
            "kernel_size, or ms_ssim_sigma with padding='reflect' or form='patch'"
        )
    return x, y, filters.gaussian_window(sigma, size, dtype=x.dtype, device=x.device), k, exponents


def _halve(x: Tensor) -> Tensor:
    """Repeat the last row and column of odd sides, then take the mean of 2 x 2 pixels."""
    if x.shape[2] % 2:
        x = torch.cat((x, x[..., -1:, :]), dim=2)
    if x.shape[3] % 2:
        x = torch.cat((x, x[..., -1:]), dim=3)
    # Rows first, which are contiguous: torch's own pooling takes six times as long on a CPU.
    rows = x[..., ::2, :] + x[..., 1::2, :]
    return (rows[..., ::2] + rows[..., 1::2]) * 0.25


def _one_minus_index(x: Tensor, y: Tensor, window: Tensor, k: Constants, exponents: tuple[float, ...]) -> Tensor:
    """Return 1 - MS-SSIM of each image, shape (N,)."""
    log: Any = 0.0  # of the product of powers, for each image and channel
    dead: Any = False
    # Halved by itself: x and y rounded at every level, and then subtracted, would lose what tells them apart.
    difference = x - y
    for level, exponent in enumerate(exponents, start=1):
        if level > 1:
            x, y, difference = _halve(x), _halve(y), _halve(difference)
        if exponent:
            d = mean_by_channel(x, y, window, k, level == len(exponents), difference)
            vanished = d >= 1  # false for NaN, which must show
            dead = dead | vanished
            # A factor that is 0 is kept from the logarithm, or its infinite slope times 0 would be NaN.
            log = log + exponent * torch.log1p(-torch.where(vanished, 0.0, d))
    # 1 - e^log with all the digits that it has close to the optimum
    return torch.where(dead, 1.0, -torch.expm1(log)).mean(dim=1)


def ms_ssim_loss(
    x: Tensor,
    y: Tensor,
    *,
    weights: Sequence[float] = WANG_2003,
    sigma: float = 1.5,
    kernel_size: int | None = None,
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    reduction: str = "mean",
) -> Tensor:
    r"""MS-SSIM loss, 1 - MS-SSIM over a pyramid; equation (7) of Wang, Simoncelli and Bovik (2003).

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W), any C, any floating dtypes, one device.  With M weights and K taps
        height and width must be at least (K - 1) 2^(M-1) + 1: 161 by default.
    weights : sequence of float
        Exponent of each level from fine to coarse, at least 0 and not all 0; their number is the number of levels.
        Taken as they are: they need not add up to 1.
    sigma, kernel_size, data_range, k1, k2
        As for `ssim_loss`, the same at every level.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        In [0, 1], 0 for equal images exactly, with gradient exactly 0 there.  float32 for half-precision input.

    Raises
    ------
    TypeError, ValueError
        As for `ssim_loss`; also if `weights` is no such sequence, or the image is too small for so many levels.

    Notes
    -----
    Convention: valid windows and population variances; the powers are taken for each channel, of means over the
    windows, and the channels averaged last.  As TensorFlow's ``ssim_multiscale``.  Equals
    ``1 - pytorch_msssim.ms_ssim(..., data_range=1)`` where 2^(M-1) divides height and width; at odd sides that one
    averages the border with zeros, piq repeats the first row and column, torchmetrics drops the last.

    **The dead zone.**  A channel whose mean cs (or l cs) at any level is not above 0, as for an inverted image, costs
    exactly 1 and has gradient 0: nothing pulls it back.  Just above 0 the pull is steep, with a factor
    :math:`w\,\overline{cs}^{\,w-1}`: 24 000 at a mean cs of 1e-6 and w = 0.0448.  Add `l1_loss`, say, where outputs may
    start out that far off, or use `ms_ssim_sigma_loss`, whose exponents are 1.

    Flipping or turning both images changes nothing only where 2^(M-1) divides the sides.  Gradients of any order, in
    both images, by reverse mode.

    Examples
    --------
    >>> x = torch.rand(1, 3, 176, 176)
    >>> ms_ssim_loss(x, x).item()
    0.0
    """
    return _validate.reduce(
        _one_minus_index(*_prepare(x, y, weights, sigma, kernel_size, data_range, k1, k2)), reduction
    )


def ms_ssim(
    x: Tensor,
    y: Tensor,
    *,
    weights: Sequence[float] = WANG_2003,
    sigma: float = 1.5,
    kernel_size: int | None = None,
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    reduction: str = "mean",
) -> Tensor:
    """MS-SSIM index over a pyramid, equation (7) of Wang, Simoncelli and Bovik (2003): 1 is best.

    Parameters, errors and conventions are those of `ms_ssim_loss`.  To train, use that: near the optimum
    ``1 - ms_ssim(x, y)`` has lost its digits.

    Returns
    -------
    Tensor
        In [0, 1], higher is better.
    """
    return _validate.reduce(
        1 - _one_minus_index(*_prepare(x, y, weights, sigma, kernel_size, data_range, k1, k2)), reduction
    )


class MSSSIMLoss(Twin):
    """Module twin of `ms_ssim_loss`."""

    def __init__(
        self,
        *,
        weights: Sequence[float] = WANG_2003,
        sigma: float = 1.5,
        kernel_size: int | None = None,
        data_range: float = 1.0,
        k1: float = 0.01,
        k2: float = 0.03,
        reduction: str = "mean",
    ) -> None:
        super().__init__(
            weights=weights,
            sigma=sigma,
            kernel_size=kernel_size,
            data_range=data_range,
            k1=k1,
            k2=k2,
            reduction=reduction,
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return ms_ssim_loss(x, y, **self.options)


__all__ = ["MSSSIMLoss", "WANG_2003", "ms_ssim", "ms_ssim_loss"]
