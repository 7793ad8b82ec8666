r"""Mix: MS-SSIM by the sigma trick, and the absolute error under its last window.

Equation (14) of Zhao, Gallo, Frosio and Kautz (2017), with what it leaves unsaid:

.. math:: \mathcal L = \alpha\,\mathcal L_{\text{MS-SSIM}} + (1-\alpha)\,
   \frac1{N'} \sum_p \sum_q G_{\sigma_M}(q-p)\,\frac{|x(q)-y(q)|}{L},

over the same windows p in both terms, L the data range.  The weight that a pixel q gets, :math:`\sum_p G(q-p)/N'`,
does not depend on the images: the second term is the absolute error under a fixed map of weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from torch import Tensor

from .. import _validate
from .multiscale import SIGMAS
from .scales import differentiable
from .scales_input import prepare
from .twin import Twin

#: The weight of the MS-SSIM term as printed, and as preset in the code published with the paper.
MIX_ALPHA: Mapping[str, float] = MappingProxyType({"paper": 0.84, "nvlabs": 0.025})


def mix_loss(
    x: Tensor,
    y: Tensor,
    *,
    alpha: float = MIX_ALPHA["paper"],
    sigmas: Sequence[float] = SIGMAS,
    form: str = "dense",
    padding: str = "valid",
    data_range: float = 1.0,
    k1: float = 0.01,
    k2: float = 0.03,
    reduction: str = "mean",
) -> Tensor:
    r"""Mix, :math:`\alpha\mathcal L_{\text{MS-SSIM}} + (1-\alpha)\,G_{\sigma_M}|x-y|/L`; (14) of Zhao et al. (2017).

    Parameters
    ----------
    alpha : float
        Weight of the MS-SSIM term, from 0 to 1.  `MIX_ALPHA` has 0.84 of the paper ("paper") and 0.025 of the code
        published with it ("nvlabs").
    x, y, sigmas, form, padding, data_range, k1, k2, reduction
        As for `ms_ssim_sigma_loss`.

    Returns
    -------
    Tensor
        At least 0; 0 for equal images exactly, with gradient exactly 0 there.  float32 for half-precision input.

    Raises
    ------
    TypeError, ValueError
        As for `ms_ssim_sigma_loss`; also if `alpha` is not from 0 to 1.

    Notes
    -----
    Convention: the l1 term is divided by `data_range`, weighted by the window of the last sigma and averaged over the
    same pixels as the MS-SSIM term and over channels; its weights sum to 1, so an offset of 0.2 costs 0.2 there,
    border or not.  At x = y the slope of :math:`|x-y|` is 0.  Nothing multiplies the sum:
    ``kornia.losses.MS_SSIMLoss`` multiplies it by 200 and weights the border less.  With ``form="patch"`` and
    ``alpha=0.025`` it is the layer ``MSSSIML1`` of the published code.  With both terms on [0, 1], 0.84 leaves nearly
    all of the gradient to MS-SSIM: measure it with `lossedu.gradient_share`.

    Examples
    --------
    >>> x = torch.full((1, 1, 31, 31), 0.5)
    >>> round(mix_loss(x + 0.2, x, alpha=0.0, form="patch").item(), 6)
    0.2
    """
    alpha = _validate.in_range("alpha", alpha, 0, 1)
    task = prepare(x, y, sigmas, form, padding, data_range, k1, k2)
    options = (alpha, (1 - alpha) / float(data_range), *task.constants)
    return _validate.reduce(differentiable(task.compute, task.x, task.y, options, task.tensors), reduction)


class MixLoss(Twin):
    """Module twin of `mix_loss`."""

    def __init__(
        self,
        *,
        alpha: float = MIX_ALPHA["paper"],
        sigmas: Sequence[float] = SIGMAS,
        form: str = "dense",
        padding: str = "valid",
        data_range: float = 1.0,
        k1: float = 0.01,
        k2: float = 0.03,
        reduction: str = "mean",
    ) -> None:
        super().__init__(
            alpha=alpha,
            sigmas=sigmas,
            form=form,
            padding=padding,
            data_range=data_range,
            k1=k1,
            k2=k2,
            reduction=reduction,
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return mix_loss(x, y, **self.options)


__all__ = ["MIX_ALPHA", "MixLoss", "mix_loss"]
