r"""Pixel losses: mean square error, mean absolute error, Charbonnier.

Each compares a pixel with the pixel at the same place and nothing else:

.. math:: \mathcal L(x, y) = \frac1{CHW}\sum_{c,p} \rho\bigl(x_c(p) - y_c(p)\bigr),\qquad
   \rho(e) = e^2,\quad |e|,\quad \sqrt{e^2+\varepsilon^2}-\varepsilon,

averaged over the batch.  Equations (1)-(3) of Zhao, Gallo, Frosio and Kautz (2017).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from .. import _validate
from .twin import Twin


def mse_loss(x: Tensor, y: Tensor, *, reduction: str = "mean") -> Tensor:
    r"""Mean square error :math:`\frac1{CHW}\sum (x-y)^2`.

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W), any floating dtypes on one device.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        At least 0, in squared intensity units; float32 for half-precision input.

    Raises
    ------
    TypeError
        If an argument is no floating tensor.
    ValueError
        If shapes or devices differ (nothing is broadcast) or `reduction` is unknown.

    Notes
    -----
    Convention: no factor 1/2 (the layers published with Zhao et al. have one).  Equals
    ``torch.nn.functional.mse_loss``.  The gradient in x is 2(x - y)/(N C H W).

    Examples
    --------
    >>> mse_loss(torch.full((1, 1, 2, 2), 0.5), torch.zeros(1, 1, 2, 2)).item()
    0.25
    """
    x, y = _validate.images(x, y)
    # one pass where (x - y).square() takes two
    return _validate.reduce(F.mse_loss(x, y, reduction="none").mean(dim=(1, 2, 3)), reduction)


def l1_loss(x: Tensor, y: Tensor, *, reduction: str = "mean") -> Tensor:
    r"""Mean absolute error :math:`\frac1{CHW}\sum |x-y|`; equation (2) of Zhao et al. (2017).

    Parameters, errors and reduction are those of `mse_loss`; the value is in intensity units.

    Notes
    -----
    Convention: at x = y the derivative of :math:`|x-y|` is any number in [-1, 1]; 0 is used.
    Elsewhere it is sign(x - y)/(N C H W); the 1/N is missing in equation (3) as printed.

    Examples
    --------
    >>> l1_loss(torch.full((1, 1, 2, 2), 0.5), torch.zeros(1, 1, 2, 2)).item()
    0.5
    """
    x, y = _validate.images(x, y)
    return _validate.reduce((x - y).abs().mean(dim=(1, 2, 3)), reduction)


def charbonnier_loss(x: Tensor, y: Tensor, *, eps: float = 1e-3, reduction: str = "mean") -> Tensor:
    r"""Charbonnier loss :math:`\frac1{CHW}\sum \sqrt{(x-y)^2+\varepsilon^2}-\varepsilon` (Charbonnier et al., 1994).

    Parameters
    ----------
    x, y : Tensor
        As for `mse_loss`.
    eps : float
        Width of the quadratic bottom, in intensity units, above 0.  Far below it the loss is
        :math:`(x-y)^2/2\varepsilon`, far above it :math:`|x-y|-\varepsilon`.
    reduction : {"mean", "sum", "none"}
        Over the batch.

    Returns
    -------
    Tensor
        At least 0, in intensity units.

    Raises
    ------
    TypeError, ValueError
        As for `mse_loss`; also if `eps` is not above 0.

    Notes
    -----
    Convention: eps is subtracted, so equal images cost 0 (many implementations leave eps in).
    """
    x, y = _validate.images(x, y)
    eps = _validate.positive("eps", eps)
    square = (x - y).square()
    # sqrt(s + e^2) - e = s / (sqrt(s + e^2) + e): no cancellation for small errors
    values = square / ((square + eps * eps).sqrt() + eps)
    return _validate.reduce(values.mean(dim=(1, 2, 3)), reduction)


class MSELoss(Twin):
    """Module twin of `mse_loss`."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return mse_loss(x, y, **self.options)


class L1Loss(Twin):
    """Module twin of `l1_loss`."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return l1_loss(x, y, **self.options)


class CharbonnierLoss(Twin):
    """Module twin of `charbonnier_loss`."""

    def __init__(self, *, eps: float = 1e-3, reduction: str = "mean") -> None:
        super().__init__(eps=eps, reduction=reduction)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return charbonnier_loss(x, y, **self.options)


__all__ = ["CharbonnierLoss", "L1Loss", "MSELoss", "charbonnier_loss", "l1_loss", "mse_loss"]
