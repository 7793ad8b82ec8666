r"""SSIM as an index, as a map and as a loss, with its closed-form gradient.

Equations (4)-(10) of Zhao, Gallo, Frosio and Kautz (2017), after Wang, Bovik, Sheikh and Simoncelli (2004).
With :math:`\mu` and :math:`\sigma^2` weighted by a Gaussian window G that sums to 1, and per channel,

.. math:: \mathrm{SSIM} = l \cdot cs, \qquad
   l = \frac{2\mu_x\mu_y + C_1}{\mu_x^2+\mu_y^2+C_1}, \qquad
   cs = \frac{2\sigma_{xy} + C_2}{\sigma_x^2+\sigma_y^2+C_2}.

How they are computed is the subject of `lossedu.losses.dissimilarity`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .. import _validate, filters
from .dissimilarity import Constants, constants, dissimilarity_map, mean_dissimilarity, sums_and_gradients, window_count
from .twin import Twin


def _prepare(
    x: Tensor, y: Tensor, sigma: float, kernel_size: int | None, data_range: float, k1: float, k2: float, padding: str
) -> tuple[Tensor, Tensor, Tensor, Constants]:
    """Check everything, pad, and return both images (N, C, H, W), the window and the constants."""
    x, y = _validate.images(x, y)
    k1, k2 = _validate.positive("k1", k1), _validate.positive("k2", k2)
    k = constants(_validate.positive("data_range", data_range), k1, k2, x.dtype)
    _validate.option("padding", padding, ("valid", "reflect"))
    size = filters.window_size(sigma, kernel_size)
    _validate.window_fits("x", x, size, padding)
    window = filters.gaussian_window(sigma, size, dtype=x.dtype, device=x.device)
    if padding == "reflect":
        x, y = filters.reflect(x, window.numel() // 2), filters.reflect(y, window.numel() // 2)
    return x, y, window, k


def ssim_loss(
    x: Tensor,
    y: Tensor,
    *,
    sigma: float = 1.5,
    kernel_size: int | None = None,
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    padding: str = "valid",
    reduction: str = "mean",
) -> Tensor:
    r"""SSIM loss, the mean of :math:`1 - \mathrm{SSIM}(p)` over pixels and channels; (6) of Zhao et al. (2017).

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W), any C, any floating dtypes, one device.
    sigma : float
        Standard deviation of the Gaussian window in pixels.
    kernel_size : int, optional
        Odd number of taps; ``2 * int(3.5 * sigma + 0.5) + 1`` when left out (11 at sigma 1.5).
    data_range : float
        Width of the nominal range: 1.0 for images in [0, 1], 255 for 0 … 255.
    k1, k2 : float
        :math:`C_1 = (k_1 L)^2` and :math:`C_2 = (k_2 L)^2` with L = `data_range`.
    padding : {"valid", "reflect"}
        "valid" averages only windows that lie inside the image, "reflect" mirrors the image at its border.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        In [0, 2), 0 for equal images exactly, with gradient exactly 0 there.  float32 for half-precision input.

    Raises
    ------
    TypeError
        If an image is no tensor or not floating (8-bit images are refused, not misread).
    ValueError
        If shapes or devices differ, the image is smaller than the window, the kernel is even, an option is unknown,
        or sigma, data_range, k1 or k2 is not above 0 or beyond what the dtype holds.

    Notes
    -----
    Convention: each channel by itself, population (not sample) variances, window normalised after truncation.
    Equals ``1 - skimage.metrics.structural_similarity(..., gaussian_weights=True, use_sample_covariance=False)``
    averaged over the windows inside the image, and ``1 - pytorch_msssim.ssim(..., data_range=1)``.
    Computed as a sum of small terms, never as 1 minus a rounded index.  Gradients of any order, in both images,
    by reverse mode: ``torch.func.hessian`` (forward over reverse mode) does not work, ``jacrev(grad(f))`` does.

    Examples
    --------
    >>> x = torch.full((1, 1, 16, 16), 0.5)
    >>> ssim_loss(x, x).item()
    0.0
    """
    x, y, window, k = _prepare(x, y, sigma, kernel_size, data_range, k1, k2, padding)
    return _validate.reduce(mean_dissimilarity(x, y, window, k), reduction)


def ssim(
    x: Tensor,
    y: Tensor,
    *,
    sigma: float = 1.5,
    kernel_size: int | None = None,
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    padding: str = "valid",
    reduction: str = "mean",
) -> Tensor:
    """SSIM index, the mean over pixels and channels of equation (4) of Zhao et al. (2017): 1 is best.

    Parameters, errors and conventions are those of `ssim_loss`.  To train, use `ssim_loss`: near the optimum
    ``1 - ssim(x, y)`` has lost its digits.

    Returns
    -------
    Tensor
        In (-1, 1], higher is better.
    """
    x, y, window, k = _prepare(x, y, sigma, kernel_size, data_range, k1, k2, padding)
    return _validate.reduce(1 - mean_dissimilarity(x, y, window, k), reduction)


def ssim_map(
    x: Tensor,
    y: Tensor,
    *,
    sigma: float = 1.5,
    kernel_size: int | None = None,
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    padding: str = "valid",
) -> Tensor:
    """SSIM of the window around each pixel; equation (4) of Zhao et al. (2017).

    Parameters, errors and conventions are those of `ssim_loss`.

    Returns
    -------
    Tensor
        (N, C, H - K + 1, W - K + 1) for "valid", (N, C, H, W) for "reflect"; values in (-1, 1].
    """
    x, y, window, k = _prepare(x, y, sigma, kernel_size, data_range, k1, k2, padding)
    return 1 - dissimilarity_map(x, y, window, k)


def ssim_grad(
    x: Tensor,
    y: Tensor,
    *,
    sigma: float = 1.5,
    kernel_size: int | None = None,
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    padding: str = "valid",
    reduction: str = "mean",
) -> Tensor:
    r"""Gradient of `ssim_loss` in x, in closed form; equations (8)-(10) of Zhao et al. (2017) summed over all windows.

    With the window at p, and both factors taken there,

    .. math:: \frac{\partial l(p)}{\partial x(q)} = 2 G(q-p)\,\frac{\mu_y - \mu_x l}{\mu_x^2+\mu_y^2+C_1}, \qquad
       \frac{\partial cs(p)}{\partial x(q)} =
       2 G(q-p)\,\frac{(y(q)-\mu_y) - cs\,(x(q)-\mu_x)}{\sigma_x^2+\sigma_y^2+C_2}.

    Parameters, errors and conventions are those of `ssim_loss`.

    Returns
    -------
    Tensor
        (N, C, H, W), without a graph.  For ``reduction="none"``, image n holds the gradient of its own loss, as for
        "sum".
    """
    _validate.option("reduction", reduction, _validate.REDUCTIONS)
    with torch.no_grad():
        px, py, window, k = _prepare(x, y, sigma, kernel_size, data_range, k1, k2, padding)
        (grad,) = sums_and_gradients(px, py, window, k, (1,))[1]
        images = x.shape[0] if reduction == "mean" else 1
        radius = window.numel() // 2 if padding == "reflect" else 0
        return filters.reflect_adjoint(grad.div_(window_count(px, window) * images), radius)


class SSIMLoss(Twin):
    """Module twin of `ssim_loss`."""

    def __init__(
        self,
        *,
        sigma: float = 1.5,
        kernel_size: int | None = None,
        data_range: float = 1.0,
        k1: float = 0.01,
        k2: float = 0.03,
        padding: str = "valid",
        reduction: str = "mean",
    ) -> None:
        super().__init__(
            sigma=sigma,
            kernel_size=kernel_size,
            data_range=data_range,
            k1=k1,
            k2=k2,
            padding=padding,
            reduction=reduction,
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return ssim_loss(x, y, **self.options)


__all__ = ["SSIMLoss", "ssim", "ssim_grad", "ssim_loss", "ssim_map"]
