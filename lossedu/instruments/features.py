r"""What a layer of a pretrained network can see: how much of the picture, and with how many of its units.

A pixel of layer l sees :math:`r_l` pixels of the picture, and its neighbour sees the same :math:`j_l` pixels further:

.. math:: r_l = r_{l-1} + (k_l - 1)\,j_{l-1}, \qquad j_l = s_l\,j_{l-1}, \qquad r_0 = j_0 = 1

with kernel :math:`k_l` and stride :math:`s_l` (Dumoulin and Visin, 2016).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from ..backbones import chosen_names, layers_up_to
from ..losses import vgg_features


class ReceptiveField(NamedTuple):
    """How much of a picture one number of a layer depends on, in pixels.

    `size` is its height and width.  `stride` is by how many pixels the fields of neighbours differ: the layer is so
    many times smaller than the picture.  `start` is where the first field begins: -3 means that it has three rows and
    columns of padding.
    """

    size: int
    stride: int
    start: int


def receptive_field(layer: str, *, backbone: str = "vgg16") -> ReceptiveField:
    """Return how much of a picture one number of a layer depends on.

    Parameters
    ----------
    layer : str
        A layer's name: "conv3_3", "relu3_3", "pool3".
    backbone : {"vgg16", "vgg19", "alexnet"}
        The network.

    Raises
    ------
    ValueError
        If the network or the layer is unknown.

    Notes
    -----
    Convention: of the layer's own output.  An activation has the field of the convolution before it.  At the border a
    field is smaller, for what lies outside is zero padding.

    Examples
    --------
    >>> receptive_field("relu4_3")
    ReceptiveField(size=92, stride=8, start=-42)
    """
    size, stride, start = 1, 1, 0
    for one in layers_up_to(backbone, chosen_names(backbone, layer)):
        start -= one.padding * stride
        size += (one.kernel - 1) * stride
        stride *= one.stride
    return ReceptiveField(size, stride, start)


def active_fractions(
    x: Tensor,
    layers: str | Iterable[str],
    *,
    backbone: str = "vgg16",
    weights: str | os.PathLike[str] = "imagenet",
) -> dict[str, Tensor]:
    """Return the share of a layer's numbers that are above 0, for each picture.

    Parameters
    ----------
    x : Tensor
        Pictures, as for `vgg_features`.
    layers, backbone, weights
        As for `vgg_features`.  "conv5_3" and "relu5_3" give the same: the activation changes no sign.

    Returns
    -------
    dict of str to Tensor
        Name -> (N,), between 0 and 1.

    Raises
    ------
    TypeError, ValueError, DataError
        As for `vgg_features`.
    """
    with torch.no_grad():
        found = vgg_features(x, layers, backbone=backbone, weights=weights)
    return {name: (value > 0).flatten(1).double().mean(dim=1) for name, value in found.items()}


__all__ = ["ReceptiveField", "active_fractions", "receptive_field"]
