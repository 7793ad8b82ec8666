r"""MS-SSIM by the sigma trick: windows of several widths on one picture, in place of a pyramid of pictures.

Equations (11)-(13) of Zhao, Gallo, Frosio and Kautz (2017), corrected.  All moments are taken anew for each
:math:`\sigma_j`, at full resolution, and for each channel; the exponents are 1:

.. math:: \mathrm{MS\text{-}SSIM}(p) = l_{\sigma_M}(p) \prod_{j=1}^{M} cs_{\sigma_j}(p), \qquad
   \mathcal L = \frac1{N'} \sum_p \bigl(1 - \mathrm{MS\text{-}SSIM}(p)\bigr).

The paper takes one window p per patch (`form` "patch"); `form` "dense" takes all of them.  How they are computed is the
subject of `lossedu.losses.scales`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .. import _validate, filters
from .scales import differentiable
from .scales_input import prepare
from .twin import Twin

#: Those of Zhao et al. (2017), in pixels.
SIGMAS = (0.5, 1.0, 2.0, 4.0, 8.0)


def ms_ssim_sigma_loss(
    x: Tensor,
    y: Tensor,
    *,
    sigmas: Sequence[float] = SIGMAS,
    form: str = "dense",
    padding: str = "valid",
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    reduction: str = "mean",
) -> Tensor:
    r"""MS-SSIM loss by the sigma trick, the mean of :math:`1 - l_M \prod_j cs_j`; (11)-(12) of Zhao et al. (2017).

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W), any C, any floating dtypes, one device.
    sigmas : sequence of float
        Standard deviations of the windows in pixels, one or more, in any order.  The luminance is that of the *last*
        one; the *largest* one decides how many windows fit.
    form : {"dense", "patch"}
        "dense": a window around every pixel, ``2 * int(3.5 * sigma + 0.5) + 1`` taps for each sigma.
        "patch": one window in the middle of each patch, as large as the patch for all sigmas, which cuts the wide
        ones off; patches are square with an odd side.
    padding : {"valid", "reflect"}
        For "dense".  "valid" averages over the pixels at which the widest window (57 taps at sigma 8) lies inside the
        image, "reflect" over all pixels, with the image mirrored at its border.
    data_range : float
        Width of the nominal range: 1.0 for images in [0, 1], 255 for 0 … 255.
    k1, k2 : float
        :math:`C_1 = (k_1 L)^2` and :math:`C_2 = (k_2 L)^2` with L = `data_range`.
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
        If shapes or devices differ, the image is smaller than the widest window, a patch is not square and odd,
        "reflect" is asked of a patch, an option is unknown, or a number is not above 0.

    Notes
    -----
    Convention: each channel by itself, then the mean over channels; population variances; windows normalised after
    truncation; a negative cs stays negative, so two of them cancel.  The code published with the paper (its ``MSSSIM``
    layer) is ``form="patch"``.  ``kornia.losses.MS_SSIMLoss(alpha=1, compensation=1)`` is the dense form with
    33 taps for every sigma and zeros beyond the border.  The pyramid of Wang et al. (2003) is a different index.
    Computed as a sum of small terms, never as 1 minus a rounded index.  Gradients of any order, in both images,
    by reverse mode.

    Examples
    --------
    >>> x = torch.full((1, 1, 31, 31), 0.5)
    >>> ms_ssim_sigma_loss(x, x, form="patch").item()
    0.0
    """
    task = prepare(x, y, sigmas, form, padding, data_range, k1, k2)
    return _validate.reduce(
        differentiable(task.compute, task.x, task.y, (1.0, 0.0, *task.constants), task.tensors), reduction
    )


def ms_ssim_sigma(
    x: Tensor,
    y: Tensor,
    *,
    sigmas: Sequence[float] = SIGMAS,
    form: str = "dense",
    padding: str = "valid",
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    reduction: str = "mean",
) -> Tensor:
    r"""MS-SSIM index by the sigma trick, the mean of :math:`l_M \prod_j cs_j`; (11) of Zhao et al. (2017): 1 is best.

    Parameters, errors and conventions are those of `ms_ssim_sigma_loss`.  To train, use `ms_ssim_sigma_loss`: near
    the optimum ``1 - ms_ssim_sigma(x, y)`` has lost its digits.

    Returns
    -------
    Tensor
        In (-1, 1], higher is better.
    """
    task = prepare(x, y, sigmas, form, padding, data_range, k1, k2)
    return _validate.reduce(
        1 - differentiable(task.compute, task.x, task.y, (1.0, 0.0, *task.constants), task.tensors), reduction
    )


def ms_ssim_sigma_grad(
    x: Tensor,
    y: Tensor,
    *,
    sigmas: Sequence[float] = SIGMAS,
    form: str = "dense",
    padding: str = "valid",
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    reduction: str = "mean",
) -> Tensor:
    r"""Gradient of `ms_ssim_sigma_loss` in x, in closed form; (13) of Zhao et al. (2017) corrected, over all windows.

    .. math:: \frac{\partial\mathcal L(p)}{\partial x(q)} = -\frac{\partial l_M}{\partial x(q)} \prod_{j=1}^M cs_j
       - l_M \sum_{i=1}^M \frac{\partial cs_i}{\partial x(q)} \prod_{j\ne i} cs_j,

    with the derivatives of l and cs that `lossedu.ssim_grad` states.  As printed, (13) lacks the minus sign, counts
    a factor 0, and divides by :math:`cs_i`.

    Parameters, errors and conventions are those of `ms_ssim_sigma_loss`.

    Returns
    -------
    Tensor
        (N, C, H, W), without a graph.  For ``reduction="none"``, image n holds the gradient of its own loss, as for
        "sum".
    """
    _validate.option("reduction", reduction, _validate.REDUCTIONS)
    with torch.no_grad():
        task = prepare(x, y, sigmas, form, padding, data_range, k1, k2)
        share = 1 / x.shape[0] if reduction == "mean" else 1.0
        (grad,) = task.compute(task.x, task.y, (1,), (share, 0.0, *task.constants), *task.tensors)[1]
        return filters.reflect_adjoint(grad, task.radius)


class MSSSIMSigmaLoss(Twin):
    """Module twin of `ms_ssim_sigma_loss`."""

    def __init__(
        self,
        *,
        sigmas: Sequence[float] = SIGMAS,
        form: str = "dense",
        padding: str = "valid",
        data_range: float = 1.0,
        k1: float = 0.01,
        k2: float = 0.03,
        reduction: str = "mean",
    ) -> None:
        super().__init__(
            sigmas=sigmas, form=form, padding=padding, data_range=data_range, k1=k1, k2=k2, reduction=reduction
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return ms_ssim_sigma_loss(x, y, **self.options)


__all__ = ["MSSSIMSigmaLoss", "ms_ssim_sigma", "ms_ssim_sigma_grad", "ms_ssim_sigma_loss"]
