r"""SSIM as an index, as a map and as a loss, with its closed-form gradient.

Equations (4)-(10) of Zhao, Gallo, Frosio and Kautz (2017), after Wang, Bovik, Sheikh and Simoncelli (2004).
With :math:`\mu` and :math:`\sigma^2` weighted by a Gaussian window G that sums to 1, and per channel,

.. math:: \mathrm{SSIM} = l \cdot cs, \qquad
   l = \frac{2\mu_x\mu_y + C_1}{\mu_x^2+\mu_y^2+C_1}, \qquad
   cs = \frac{2\sigma_{xy} + C_2}{\sigma_x^2+\sigma_y^2+C_2}.

What is computed is the same thing in the sum :math:`p = x+y` and the difference :math:`q = x-y`, whose windowed
means and variances are :math:`M_p, M_q, V_p, V_q`:

.. math:: 1-l = \frac{2M_q^2}{M_p^2+M_q^2+2C_1}, \qquad 1-cs = \frac{2V_q}{V_p+V_q+2C_2}, \qquad
   1-\mathrm{SSIM} = (1-l) + (1-cs) - (1-l)(1-cs).

That takes four blurs where the textbook form takes five, it is exactly 0 for equal images, and it does not subtract
nearly equal numbers where it matters most: close to the optimum.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd import Function

from .. import _validate, filters


class _Moments(NamedTuple):
    """Windowed means and variances of p = x + y (less `middle`) and q = x - y, and the two denominators."""

    m_p: Tensor
    m_q: Tensor
    mu_p: Tensor
    v_q: Tensor
    d_l: Tensor
    d_cs: Tensor


class _Constants(NamedTuple):
    """C1, C2 and the middle of the range of x + y: variances do not mind it, and float32 keeps its digits."""

    c1: float
    c2: float
    middle: float


def _moments(x: Tensor, y: Tensor, window: Tensor, k: _Constants) -> _Moments:
    p, q = (x + y).sub_(k.middle), x - y
    m_p, m_q = filters.correlate(p, window), filters.correlate(q, window)
    # In place where the buffer is fresh: on large images the time goes into touching new memory.
    v_p = filters.correlate(p * p, window).sub_(m_p * m_p).clamp_min_(0)
    v_q = filters.correlate(q * q, window).sub_(m_q * m_q).clamp_min_(0)
    mu_p = m_p + k.middle
    d_l = (mu_p * mu_p).add_(m_q * m_q).add_(2 * k.c1)
    return _Moments(m_p, m_q, mu_p, v_q, d_l, (v_p + v_q).add_(2 * k.c2))


def _dissimilarity(m: _Moments) -> tuple[Tensor, Tensor, Tensor]:
    """Return 1 - l, 1 - cs and 1 - SSIM at every window."""
    one_minus_l = (m.m_q * m.m_q).div_(m.d_l).mul_(2)
    one_minus_cs = (m.v_q / m.d_cs).mul_(2)
    return one_minus_l, one_minus_cs, (one_minus_l + one_minus_cs).sub_(one_minus_l * one_minus_cs)


def _slopes(m: _Moments, one_minus_l: Tensor, one_minus_cs: Tensor) -> tuple[Tensor, ...]:
    """Return d(1 - SSIM) by G*p, G*q, G*p^2 and G*q^2 at every window.

    d(1 - SSIM) = cs d(1 - l) + l d(1 - cs), and dV = d(G*p^2) - 2 (G*p) d(G*p).
    """
    to_l, to_cs = (1 - one_minus_cs).div_(m.d_l), (1 - one_minus_l).div_(m.d_cs)
    square_p = (one_minus_cs * to_cs).neg_()
    square_q = (2 - one_minus_cs).mul_(to_cs)
    mean_p = (one_minus_l * m.mu_p).mul_(to_l).add_(m.m_p * square_p).mul_(-2)
    mean_q = (2 - one_minus_l).mul_(to_l).sub_(square_q).mul_(m.m_q).mul_(2)
    return mean_p, mean_q, square_p, square_q


def _pull_back(slopes: tuple[Tensor, ...], x: Tensor, y: Tensor, window: Tensor, k: _Constants, sign: int) -> Tensor:
    r"""Return the gradient in x (`sign` 1) or y (-1): :math:`G^\top(m_p \pm m_q) + 2p\,G^\top s_p \pm 2q\,G^\top s_q`."""
    mean_p, mean_q, square_p, square_q = slopes
    grad = filters.correlate_adjoint(torch.add(mean_p, mean_q, alpha=sign), window)
    grad.add_((x + y).sub_(k.middle).mul_(filters.correlate_adjoint(square_p, window)), alpha=2)
    return grad.add_((x - y).mul_(filters.correlate_adjoint(square_q, window)), alpha=2 * sign)


class _MeanDissimilarity(Function):
    """Mean of 1 - SSIM over the windows of each channel of two folded pictures: (1, M, H, W) to (M,)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, y: Tensor, window: Tensor, k: _Constants) -> tuple[Tensor, ...]:
        m = _moments(x, y, window, k)
        one_minus_l, one_minus_cs, loss = _dissimilarity(m)
        return loss.mean(dim=(0, 2, 3)), *_slopes(m, one_minus_l, one_minus_cs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        x, y, window, ctx.constants = inputs
        ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(x, y, window, *output[1:])

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, y, window, *slopes = ctx.saved_tensors
        k = ctx.constants
        if torch.is_grad_enabled():  # a derivative of this gradient is wanted: the slopes must not be constants
            m = _moments(x, y, window, k)
            slopes = _slopes(m, *_dissimilarity(m)[:2])
        scale = (grads[0] / slopes[0][0, 0].numel()).view(1, -1, 1, 1)
        grad_x = _pull_back(slopes, x, y, window, k, 1).mul_(scale) if ctx.needs_input_grad[0] else None
        grad_y = _pull_back(slopes, x, y, window, k, -1).mul_(scale) if ctx.needs_input_grad[1] else None
        return grad_x, grad_y, None, None


def _prepare(
    x: Tensor, y: Tensor, sigma: float, kernel_size: int | None, data_range: float, k1: float, k2: float, padding: str
) -> tuple[Tensor, Tensor, Tensor, _Constants]:
    """Check everything, pad, and return both images (N, C, H, W), the window and the constants."""
    x, y = _validate.images(x, y)
    width = _validate.positive("data_range", data_range)
    k = _Constants((_validate.positive("k1", k1) * width) ** 2, (_validate.positive("k2", k2) * width) ** 2, width)
    _validate.option("padding", padding, ("valid", "reflect"))
    window = filters.gaussian_window(sigma, kernel_size, dtype=x.dtype, device=x.device)
    _validate.window_fits("x", x, window.numel(), padding)
    if padding == "reflect":
        x, y = filters.reflect(x, window.numel() // 2), filters.reflect(y, window.numel() // 2)
    return x, y, window, k


def _mean_dissimilarity(x: Tensor, y: Tensor, window: Tensor, k: _Constants) -> Tensor:
    """Return the mean of 1 - SSIM per image, shape (N,)."""
    fx, fy = filters.fold(x), filters.fold(y)
    if torch.is_grad_enabled():
        per_channel = _MeanDissimilarity.apply(fx, fy, window, k)[0]
    else:
        per_channel = _dissimilarity(_moments(fx, fy, window, k))[2].mean(dim=(0, 2, 3))
    return per_channel.view(x.shape[0], x.shape[1]).mean(dim=1)


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
    r"""SSIM loss, the mean of :math:`1 - \mathrm{SSIM}(p)` over pixels and channels; equation (6) of Zhao et al. (2017).

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
        or sigma, data_range, k1 or k2 is not above 0.

    Notes
    -----
    Convention: each channel by itself, population (not sample) variances, window normalised after truncation.
    Equals ``1 - skimage.metrics.structural_similarity(..., gaussian_weights=True, use_sample_covariance=False)``
    averaged over the windows inside the image, and ``1 - pytorch_msssim.ssim(..., data_range=1)``.
    Computed as a sum of small terms, never as 1 minus a rounded index.  Gradients of any order, in both images.

    Examples
    --------
    >>> x = torch.full((1, 1, 16, 16), 0.5)
    >>> ssim_loss(x, x).item()
    0.0
    """
    x, y, window, k = _prepare(x, y, sigma, kernel_size, data_range, k1, k2, padding)
    return _validate.reduce(_mean_dissimilarity(x, y, window, k), reduction)


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
    return _validate.reduce(1 - _mean_dissimilarity(x, y, window, k), reduction)


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
    one_minus_ssim = _dissimilarity(_moments(filters.fold(x), filters.fold(y), window, k))[2]
    return 1 - filters.unfold(one_minus_ssim, x.shape[0])


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
       \frac{\partial cs(p)}{\partial x(q)} = 2 G(q-p)\,\frac{(y(q)-\mu_y) - cs\,(x(q)-\mu_x)}{\sigma_x^2+\sigma_y^2+C_2}.

    Parameters, errors and conventions are those of `ssim_loss`.

    Returns
    -------
    Tensor
        (N, C, H, W), without a graph.  For ``reduction="none"``, image n holds the gradient of its own loss, as for "sum".
    """
    _validate.option("reduction", reduction, _validate.REDUCTIONS)
    with torch.no_grad():
        px, py, window, k = _prepare(x, y, sigma, kernel_size, data_range, k1, k2, padding)
        fx, fy = filters.fold(px), filters.fold(py)
        m = _moments(fx, fy, window, k)
        slopes = _slopes(m, *_dissimilarity(m)[:2])
        per_channel = slopes[0][0, 0].numel() * x.shape[1]
        images = x.shape[0] if reduction == "mean" else 1
        grad = _pull_back(slopes, fx, fy, window, k, 1).div_(per_channel * images)
        radius = window.numel() // 2 if padding == "reflect" else 0
        return filters.reflect_adjoint(filters.unfold(grad, x.shape[0]), radius)


class SSIMLoss(nn.Module):
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
        super().__init__()
        self.options: dict[str, Any] = {
            "sigma": sigma,
            "kernel_size": kernel_size,
            "data_range": data_range,
            "k1": k1,
            "k2": k2,
            "padding": padding,
            "reduction": reduction,
        }

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return ssim_loss(x, y, **self.options)


__all__ = ["SSIMLoss", "ssim", "ssim_grad", "ssim_loss", "ssim_map"]
