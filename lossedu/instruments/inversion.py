r"""What a layer of a network keeps of a picture: another picture, found from the layer's features alone.

.. math:: \min_x \frac{\lVert \phi(x) - \phi(y) \rVert^2}{\lVert \phi(y) \rVert^2} + \frac{w}{3HW} \sum
    \bigl( (\partial_1 x)^2 + (\partial_2 x)^2 \bigr)

Mahendran and Vedaldi, "Understanding deep image representations by inverting them", CVPR 2015, with their prior
:math:`\sum ((\partial_1 x)^2 + (\partial_2 x)^2)^{\beta/2}` for :math:`\beta = 2`.  Where they add a norm that keeps
pixels in bounds, the picture here is a logistic function of what is searched for, and cannot leave [0, 1].
"""

from __future__ import annotations

import math
import os
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate
from ..backbones import lasting
from ..losses import PerceptualLoss, tv_loss

#: How far the picture that a search begins with may be from grey, before the logistic function.
NOISE = 0.1


class Inversion(NamedTuple):
    r"""A picture that was found from features.

    `image` is (1, C, H, W), in [0, 1]; `error` is what is left of the features,
    :math:`\lVert \phi(x) - \phi(y) \rVert^2 / \lVert \phi(y) \rVert^2`.
    """

    image: Tensor
    error: float


def invert(
    y: Tensor,
    layer: str,
    *,
    backbone: str = "vgg16",
    weights: str | os.PathLike[str] = "imagenet",
    tv: float = 1.0,
    steps: int = 300,
    lr: float = 0.1,
    seed: int = 0,
) -> Inversion:
    """Find a picture from what a layer makes of one, and from nothing else.

    Parameters
    ----------
    y : Tensor
        The picture, (1, 3, H, W) or (1, 1, H, W) in [0, 1]; only its features are looked at.
    layer : str
        A layer's name: "conv3_3" before the activation, "relu3_3" after it.
    backbone, weights
        As for `PerceptualLoss`.
    tv : float
        Weight of the squared total variation, at least 0: what smooths where the features do not say anything.
    steps : int
        Steps of Adam; their size falls to 0 along a cosine.
    lr : float
        The first of these sizes, in units of the logistic function's argument.
    seed : int
        Of the noise that the search begins with.

    Raises
    ------
    TypeError, ValueError, DataError
        If `y` is not one floating picture, an option is out of range, or trained weights are not here.

    Notes
    -----
    Convention: features are compared relative to their own size, so one `tv` serves all layers.  What comes out is
    *one* of the pictures with nearly these features: another seed gives another.
    """
    _validate.image("y", y)
    if y.shape[0] != 1:
        raise ValueError(f"y must be one picture, (1, C, H, W), got shape {tuple(y.shape)}")
    steps, lr = _validate.count("steps", steps), _validate.positive("lr", lr)
    if not (math.isfinite(tv) and tv >= 0):
        raise ValueError(f"tv must be a finite number of at least 0, got {tv!r}")
    loss = PerceptualLoss(layer, backbone=backbone, weights=weights).to(y.device)
    with torch.inference_mode(False), torch.enable_grad():  # the search needs gradients wherever it is called
        y = y.detach().to(_validate.working_dtype(y)).clone()
        goal = loss.target(y)
        with lasting():
            size = max(float(goal.features[layer].square().mean()), torch.finfo(torch.float32).tiny)
        generator = torch.Generator().manual_seed(_validate.integer("seed", seed))
        start = NOISE * torch.randn(y.shape, generator=generator, dtype=torch.float64)
        free = start.to(y).requires_grad_()
        optimiser = torch.optim.Adam([free], lr=lr)
        decay = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))
        for _ in range(steps):
            x = free.sigmoid()
            cost = loss(x, goal) / size + tv * tv_loss(x, kind="squared")
            (free.grad,) = torch.autograd.grad(cost, free)
            optimiser.step()
            decay.step()
        image = free.detach().sigmoid()
        with torch.no_grad():
            return Inversion(image, float(loss(image, goal)) / size)


__all__ = ["Inversion", "invert"]
