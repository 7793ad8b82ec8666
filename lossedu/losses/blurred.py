"""The colour loss of DPED: the mean square error of blurred images (Ignatov et al., 2017)."""

from __future__ import annotations

from torch import Tensor

from .. import _validate, filters
from .twin import Twin


def blurred_mse_loss(
    x: Tensor, y: Tensor, *, preset: str = "wespe", padding: str = "valid", reduction: str = "mean"
) -> Tensor:
    r"""Mean square error of blurred images, :math:`\operatorname{mean}\,(Bx - By)^2`: the colour loss of DPED.

    Parameters
    ----------
    x, y : Tensor
        Processed image and reference, (N, C, H, W), any floating dtypes, one device.
    preset, padding
        Of `lossedu.color_blur`; DPED's code has ``preset="dped", padding="zeros"``.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        At least 0, in squared intensity units, averaged over channels and the pixels of the blurred image.

    Raises
    ------
    TypeError, ValueError
        As for `lossedu.color_blur`; also if shapes or devices differ, or `reduction` is unknown.

    Notes
    -----
    Convention: a mean, where DPED's code has half the sum over pixels.  The blur is linear, so it is taken once, of
    x - y.
    """
    x, y = _validate.images(x, y)
    blurred = filters.color_blur(x - y, preset=preset, padding=padding)
    return _validate.reduce(blurred.square().mean(dim=(1, 2, 3)), reduction)


class BlurredMSELoss(Twin):
    """Module twin of `blurred_mse_loss`."""

    def __init__(self, *, preset: str = "wespe", padding: str = "valid", reduction: str = "mean") -> None:
        super().__init__(preset=preset, padding=padding, reduction=reduction)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return blurred_mse_loss(x, y, **self.options)


__all__ = ["BlurredMSELoss", "blurred_mse_loss"]
