r"""Perceptual loss: the distance between what a pretrained network sees in two images.

.. math:: \mathcal L(x, y) = \sum_j \frac{w_j}{C_j H_j W_j} \bigl\lVert \phi_j(x) - \phi_j(y) \bigr\rVert_2^2

with :math:`\phi_j` the features of layer j of a network trained to name what is in ImageNet's pictures.  Content loss
of Johnson, Alahi and Fei-Fei (ECCV 2016), who took relu3_3 of VGG-16; Ledig et al. (CVPR 2017) took relu5_4
of VGG-19, and Wang et al. (2018) conv5_4, before the activation.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from torch import Tensor

from .. import _validate
from ..backbones import chosen_names, shared_backbone
from .feature_loss import FeatureLoss, Target, wide


def vgg_features(
    x: Tensor,
    layers: str | Iterable[str],
    *,
    backbone: str = "vgg16",
    weights: str | os.PathLike[str] = "imagenet",
) -> dict[str, Tensor]:
    """Return what layers of a pretrained network give for an image.

    Parameters
    ----------
    x : Tensor
        (N, 3, H, W), red, green, blue in [0, 1], or (N, 1, H, W), which is repeated three times; any floating dtype.
    layers : str or sequence of str
        Names of layers: "conv3_3" is before the activation, "relu3_3" after it, "pool3" ends the block.
    backbone : {"vgg16", "vgg19", "alexnet"}
        The network; AlexNet's layers are called "conv1" to "pool5".
    weights : "imagenet", "random", "random:SEED" or path
        "imagenet": torchvision's trained weights, from this machine (``lossedu weights fetch vgg16`` gets them;
        nothing is downloaded here).  "random": drawn from N(0, 2 / fan-in) with seed 0, "random:7"
        with seed 7.  A path: a file of tensors named as by torchvision.

    Returns
    -------
    dict of str to Tensor
        Name -> (N, C, H', W'), in the order asked, at least float32.  Gradients flow to `x`.

    Raises
    ------
    TypeError
        If `x` is no tensor or not floating.
    ValueError
        If `x` has other than 1 or 3 channels or is too small for the last layer's pools, or an option is unknown.
    DataError
        If trained weights are not on this machine; the message says where they were looked for.

    Notes
    -----
    Convention: ImageNet's mean (0.485, 0.456, 0.406) is taken off and its deviation (0.229, 0.224, 0.225) divided by in
    here: pass pictures as they are.  The network is shared between calls, frozen and in eval mode.  Equals
    ``torchvision.models.vgg16(weights=...).features[:k]`` with the activations not in place.
    """
    names = chosen_names(backbone, layers)
    _validate.image("x", x)
    network = shared_backbone(backbone, weights=weights, device=x.device)
    return wide(network(x, names))


class PerceptualLoss(FeatureLoss):
    r"""Perceptual loss, the weighted sum over layers of a distance between features.

    Parameters
    ----------
    layers : str or sequence of str
        Names of layers, such as "relu3_3" (after the activation) and "conv5_4" (before it).
    backbone : {"vgg16", "vgg19", "alexnet"}
        The network; it is cut off behind the last of `layers`.
    weights : "imagenet", "random", "random:SEED" or path
        As for `vgg_features`.  Nothing is downloaded: trained weights are found on this machine, or an
        error names the command that fetches them.
    distance : {"l2", "l1"}
        Mean square or mean absolute difference of features, over channels and pixels.
    layer_weights : sequence of float, optional
        One number above 0 for each of `layers`; all 1 when left out.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).
    data_range : float
        Width of the nominal range: 1.0 for images in [0, 1], 255 for 0 … 255.

    Raises
    ------
    ValueError
        If an option or a layer is unknown, or numbers are not above 0.
    DataError
        If trained weights are not on this machine.

    Notes
    -----
    Called as ``loss(x, y)`` with images (N, 3, H, W), or (N, 1, H, W), which are repeated three times; wrong images
    raise as for `vgg_features`.  The value is at least 0, and 0 for equal images, with gradient 0; float32 for
    half-precision input.  `y` is a constant: it gets no gradient.  ``loss(x, loss.target(y))`` is the same with the
    features of `y` kept, for an `x` that is improved step by step.

    Convention: mean, not sum, over channels (Ledig et al. sum them, and scale features by 1/12.75, so their
    number is C / 12.75**2 times this one).  The network's weights are frozen and it stays in eval mode; it may run
    under autocast, while features are compared in at least float32.

    Examples
    --------
    >>> loss = PerceptualLoss(("relu1_2",), weights="random")
    >>> x = torch.rand(1, 3, 16, 16)
    >>> loss(x, x).item()
    0.0
    """

    def __init__(
        self,
        layers: str | Sequence[str] = ("relu3_3",),
        *,
        backbone: str = "vgg16",
        weights: str | os.PathLike[str] = "imagenet",
        distance: str = "l2",
        layer_weights: Sequence[float] | None = None,
        reduction: str = "mean",
        data_range: float = 1.0,
    ) -> None:
        _validate.option("distance", distance, ("l2", "l1"))
        super().__init__(
            layers,
            backbone=backbone,
            weights=weights,
            layer_weights=layer_weights,
            reduction=reduction,
            data_range=data_range,
        )
        self.distance = distance

    def compared(self, seen: Tensor, goal: Tensor) -> Tensor:
        """Return the mean square or absolute difference of features, one value an image."""
        difference = seen - goal
        costs = difference.square() if self.distance == "l2" else difference.abs()
        return costs.mean(dim=(1, 2, 3))

    def extra_repr(self) -> str:
        options = ("distance", "layer_weights", "reduction", "data_range")
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in options)


__all__ = ["PerceptualLoss", "Target", "vgg_features"]
