r"""The colour loss of WESPE: a discriminator looks at blurred images.

Ignatov, Kobyshev, Timofte, Vanhoey and Van Gool (2018).  With :math:`B` the blur of
`lossedu.color_blur` and D a network that gives a logit, high for "a photograph of the target domain",

.. math:: \mathcal L_G(x) = \zeta\bigl(-D(Bx)\bigr), \qquad
   \mathcal L_D(x, y) = \zeta\bigl(-D(By)\bigr) + \zeta\bigl(D(Bx)\bigr), \qquad \zeta(z) = \log(1+e^z),

that is :math:`-\log D` for the generator, the form that does not saturate, and cross-entropy for the discriminator.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import _validate, filters
from .twin import Twin


def _discriminator(D: nn.Module) -> nn.Module:
    if not isinstance(D, nn.Module):
        raise TypeError(f"D must be a torch.nn.Module that gives one logit per image, got {type(D).__name__}")
    return D


def _logits(D: nn.Module, x: Tensor, state: dict[str, Tensor] | None, preset: str, padding: str) -> Tensor:
    """Return the logits of the blurred images, (N, …) in the dtype of x, from D as it is or with another state."""
    blurred = filters.color_blur(x, preset=preset, padding=padding)
    if (parameter := next(D.parameters(), None)) is not None:
        if parameter.device != x.device:
            raise ValueError(f"x and D must be on the same device, got {x.device} and {parameter.device}")
        blurred = blurred.to(parameter.dtype)
    logits = D(blurred) if state is None else torch.func.functional_call(D, state, (blurred,))
    if not isinstance(logits, Tensor) or logits.shape[:1] != x.shape[:1]:
        came = f"shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
        raise ValueError(f"D must return logits of shape ({x.shape[0]}, …), the first axis as in x, got {came}")
    return logits.to(x.dtype)


def _frozen(D: nn.Module) -> tuple[nn.Module, dict[str, Tensor]]:
    """Return the network within D, and a state that passes no gradient to its parameters and leaves its buffers alone.

    Nothing is switched off and on again, which would fail in a compiled graph.  The wrapper of distributed training is
    taken off: it would wait for the gradients that are not to come.
    """
    while isinstance(D, nn.parallel.DistributedDataParallel | nn.DataParallel):
        D = D.module
    state = {name: parameter.detach() for name, parameter in D.named_parameters()}
    return D, {**state, **{name: buffer.clone() for name, buffer in D.named_buffers()}}


def _cross_entropy(logits: Tensor) -> Tensor:
    """Return -log of the probability that the logits stand for, averaged over all but the images: (N,)."""
    return F.softplus(-logits).reshape(logits.shape[0], -1).mean(dim=1)


def adversarial_color_loss(
    D: nn.Module, x: Tensor, *, preset: str = "wespe", padding: str = "valid", reduction: str = "mean"
) -> Tensor:
    r"""Generator's side of WESPE's colour loss, :math:`\log\bigl(1 + e^{-D(Bx)}\bigr)`: low where D is taken in.

    Parameters
    ----------
    D : nn.Module
        Discriminator: gives logits (N, 1), (N,) or maps of them, which are averaged; `ColorDiscriminator`, say.
    x : Tensor
        Processed images (N, C, H, W), any floating dtype.
    preset, padding
        Of `lossedu.color_blur`.  With "valid" D sees images 20 pixels smaller than x: 80 x 80 for 100 x 100.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        Above 0; log 2 where D cannot tell.  float32 for half-precision input.

    Raises
    ------
    TypeError
        If `D` is no module, or `x` no floating tensor.
    ValueError
        If `x` is not (N, C, H, W) or too small for the blur, an option is unknown, D is on another device, or does
        not return one logit or map of logits per image.

    Notes
    -----
    Convention: non-saturating, on logits.  D's parameters get no gradient from it, and D's buffers (of a batch
    normalisation, say) and mode stay as they are; x does get its gradient through D.  D runs in its own dtype and may
    run under autocast; the comparison is in float32 at least.
    """
    _validate.image("x", x)
    network, state = _frozen(_discriminator(D))
    logits = _logits(network, x.to(_validate.working_dtype(x)), state, preset, padding)
    return _validate.reduce(_cross_entropy(logits), reduction)


def color_discriminator_loss(
    D: nn.Module, x: Tensor, y: Tensor, *, preset: str = "wespe", padding: str = "valid", reduction: str = "mean"
) -> Tensor:
    r"""Discriminator's side of WESPE's colour loss, :math:`\zeta(-D(By)) + \zeta(D(Bx))`: y is real and x is fake.

    Parameters
    ----------
    D, preset, padding, reduction
        As for `adversarial_color_loss`.
    x : Tensor
        Processed images (N, C, H, W); treated as constants.
    y : Tensor
        Images of the target domain, of the same shape; they need not show what x shows.  Treated as constants.

    Returns
    -------
    Tensor
        Above 0; 2 log 2 where D cannot tell.  Its gradient goes to the parameters of D alone.

    Raises
    ------
    TypeError, ValueError
        As for `adversarial_color_loss`; also if the shapes or devices of x and y differ.

    Notes
    -----
    Convention: the sum of both sides, not their mean.  D sees real and processed images in two batches.
    """
    x, y = _validate.images(x.detach() if isinstance(x, Tensor) else x, y.detach() if isinstance(y, Tensor) else y)
    real, fake = (_logits(_discriminator(D), z, None, preset, padding) for z in (y, x))
    return _validate.reduce(_cross_entropy(real) + _cross_entropy(-fake), reduction)


class AdversarialColorLoss(Twin):
    """Module twin of `adversarial_color_loss`, called ``loss(x)``; a reference ``loss(x, y)`` is ignored.

    D is held, but is no part of the module: ``parameters()``, ``state_dict()`` and ``.to()`` do not reach it.  A deep
    copy holds a copy of D, which no longer learns with the original.
    """

    def __init__(self, D: nn.Module, *, preset: str = "wespe", padding: str = "valid", reduction: str = "mean") -> None:
        super().__init__(preset=preset, padding=padding, reduction=reduction)
        self.held = (_discriminator(D),)  # a module in a tuple is not registered

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        return adversarial_color_loss(self.held[0], x, **self.options)


__all__ = ["AdversarialColorLoss", "adversarial_color_loss", "color_discriminator_loss"]
