r"""Contextual loss: features are compared with the most alike, wherever they are.

Mechrez, Talmi and Zelnik-Manor, "The contextual loss for image transformation with non-aligned data" (ECCV 2018).  With
:math:`x_i` the features of x at P positions, :math:`y_j` those of y, and :math:`\mu` the mean of the latter,

.. math:: d_{ij} = 1 - \cos(x_i - \mu,\ y_j - \mu), \qquad
   \tilde d_{ij} = \frac{d_{ij}}{\min_k d_{ik} + \varepsilon}, \qquad
   w_{ij} = \exp\frac{1 - \tilde d_{ij}}{h},

.. math:: \mathrm{CX}_{ij} = \frac{w_{ij}}{\sum_k w_{ik}}, \qquad
   \mathcal L(x, y) = -\log \frac1P \sum_j \max_i \mathrm{CX}_{ij} .

The minimum and the sum run over the features of y, for each feature of x; the maximum runs over those of x.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
from torch import Tensor, autocast

from .. import _validate
from .feature_loss import FeatureLoss

#: With more positions than this, all pairs are not compared unasked: the matrix of one image would take over 1 GB.
MOST = 2**14

#: Centred features that are shorter than this share of what features are long have no direction but that of rounding.
SHORTEST = 1e-5


def contextual_loss(
    x: Tensor,
    y: Tensor,
    *,
    bandwidth: float = 0.5,
    eps: float = 1e-5,
    sample: int | None = None,
    reduction: str = "mean",
) -> Tensor:
    r"""Contextual loss :math:`-\log \mathrm{CX}(x, y)` of two maps of features.

    Parameters
    ----------
    x, y : Tensor
        Features of the processed image and of the reference, (N, C, H, W), any C (with 1 they differ in sign alone),
        any floating dtypes, one device.  `ContextualLoss` takes images and finds their features.
    bandwidth : float
        h, above 0: the smaller, the more the most alike feature counts.  The authors have 0.5 for new styles and 0.1
        where structure is kept.
    eps : float
        :math:`\varepsilon`, above 0: distances well below it count as none.
    sample : int, optional
        Most positions that are compared: of a larger map every s-th row and column is taken, from the middle of the
        first s on, with the smallest s that leaves no more.  The same positions for both maps and at every call.  None
        compares all, and refuses more than 16384.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        From 0 to log P for P positions, without units; float32 for half precision.

    Raises
    ------
    TypeError
        If a map is no floating tensor.
    ValueError
        If a map is not (N, C, H, W), shapes or devices differ, `bandwidth` or `eps` is not above 0, `sample` is no
        integer of at least 1, there are more than 16384 positions without it, or `reduction` is unknown.

    Notes
    -----
    Convention: indices as in the paper and in its authors' code, which halves d: ``eps=2e-5`` is theirs.  The mean
    feature is that of the one reference (the code takes that of the batch, which is one image there).  Permuting the
    positions of either map changes nothing.

    Equal maps cost 0 only where all features differ in direction by much more than :math:`h \varepsilon`: then each
    finds itself.  Where m of them agree, each of these has 1/m, so that equal maps with Q different directions cost
    log(P/Q), and a flat reference log P, whatever x is.

    The gradient flows to both maps, and in x through the nearest features, by way of the minimum; pairs that are as
    near share it.  Directions and their products are computed in float64 where the device has it: the minimum of d is
    compared with 1e-5.  Time and memory grow as P squared.

    Examples
    --------
    >>> y = torch.randn(1, 8, 5, 4)
    >>> bool(contextual_loss(y.flip(-1), y) < 1e-6), bool(contextual_loss(torch.randn(1, 8, 5, 4), y) > 0.1)
    (True, True)
    """
    x, y = _validate.images(x, y)
    bandwidth, eps = _validate.positive("bandwidth", bandwidth), _validate.positive("eps", eps)
    _validate.option("reduction", reduction, _validate.REDUCTIONS)
    x, y = (_sampled(z, sample).flatten(2) for z in (x, y))
    with autocast(x.device.type, enabled=False):
        distances = _distances(x, y)
        relative = distances / (distances.amin(dim=2, keepdim=True) + eps)
        best = (-relative / bandwidth).log_softmax(dim=2).amax(dim=1)
        # -log of the mean of exp(best), which is 1 plus the mean of expm1: never below 0
        values = -best.expm1().mean(dim=1).log1p()
    return _validate.reduce(values, reduction)


def _sampled(x: Tensor, sample: int | None) -> Tensor:
    """Return every s-th row and column, so that no more than `sample` positions are left."""
    height, width = x.shape[-2:]
    if sample is None:
        if height * width > MOST:
            raise ValueError(
                f"x has too many positions: {height} x {width} = {height * width}, of which every pair is compared, "
                f"and {MOST} at most unless sample says how many; set sample=4096, say, or use a deeper layer or "
                "smaller crops"
            )
        return x
    count, step = _validate.count("sample", sample), 1
    while len(range((step - 1) // 2, height, step)) * len(range((step - 1) // 2, width, step)) > count:
        step += 1
    first = (step - 1) // 2
    return x[..., first::step, first::step]


def _distances(x: Tensor, y: Tensor) -> Tensor:
    """Return 1 - cos of the angle between centred features, (N, C, P) twice to (N, P of x, P of y)."""
    exact = x.dtype if x.device.type == "mps" else torch.float64
    wide = [z.to(exact) for z in (x, y)]
    centre = wide[1].mean(dim=2, keepdim=True)
    with torch.no_grad():
        power = sum(z.square().sum(dim=1, keepdim=True).mean(dim=2, keepdim=True) for z in wide)
        shortest = (SHORTEST * torch.as_tensor(power).sqrt()).clamp_min(torch.finfo(torch.float32).tiny)
    directions = []
    for z in wide:
        z = z - centre
        directions.append(z / torch.maximum(torch.linalg.vector_norm(z, dim=1, keepdim=True), shortest))
    return (1 - directions[0].mT @ directions[1]).clamp_min(0).to(x.dtype)


class ContextualLoss(FeatureLoss):
    r"""Contextual loss of the features of a pretrained network, weighted and summed over layers.

    Parameters
    ----------
    layers, backbone, weights, layer_weights, reduction, data_range
        As for `PerceptualLoss`.  The authors take conv3_2 and conv4_2 of VGG-19 for new styles.
    bandwidth, eps, sample
        As for `contextual_loss`; positions are those of each layer.

    Raises
    ------
    TypeError, ValueError, DataError
        As for `PerceptualLoss` and `contextual_loss`.

    Notes
    -----
    Called as ``loss(x, y)`` with images (N, 3, H, W), or (N, 1, H, W), which are repeated three times.  `y` is a
    constant: it gets no gradient; ``loss(x, loss.target(y))`` keeps its features.

    Convention: equal images do not cost 0 where features repeat, as in a sky: see `contextual_loss`.  A layer at a
    quarter of the resolution has 256 positions for a crop of 64 x 64 pixels, and 16 times as many pairs for one twice
    as wide.

    Examples
    --------
    >>> loss = ContextualLoss(("relu1_2",), weights="random")
    >>> bool(loss(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8)) > 0)
    True
    """

    def __init__(
        self,
        layers: str | Sequence[str] = ("relu3_3",),
        *,
        backbone: str = "vgg16",
        weights: str | os.PathLike[str] = "imagenet",
        bandwidth: float = 0.5,
        eps: float = 1e-5,
        sample: int | None = None,
        layer_weights: Sequence[float] | None = None,
        reduction: str = "mean",
        data_range: float = 1.0,
    ) -> None:
        bandwidth, eps = _validate.positive("bandwidth", bandwidth), _validate.positive("eps", eps)
        sample = None if sample is None else _validate.count("sample", sample)
        super().__init__(
            layers,
            backbone=backbone,
            weights=weights,
            layer_weights=layer_weights,
            reduction=reduction,
            data_range=data_range,
        )
        self.bandwidth, self.eps, self.sample = bandwidth, eps, sample

    def compared(self, seen: Tensor, goal: Tensor) -> Tensor:
        """Return the contextual loss of the features of one layer, one value an image."""
        return contextual_loss(seen, goal, bandwidth=self.bandwidth, eps=self.eps, sample=self.sample, reduction="none")

    def extra_repr(self) -> str:
        options = ("bandwidth", "eps", "sample", "layer_weights", "reduction", "data_range")
        return ", ".join(f"{name}={getattr(self, name)!r}" for name in options)


__all__ = ["MOST", "ContextualLoss", "contextual_loss"]
