r"""Quality by what a pretrained network sees: LPIPS and DISTS.

LPIPS (Zhang, Isola, Efros, Shechtman and Wang, CVPR 2018, version 0.1): with :math:`\hat\phi_j` the features of
layer j, made unit vectors at every pixel, and weights :math:`w_j \ge 0` fitted to human judgements,

.. math:: d(x, y) = \sum_j \frac1{H_jW_j}\sum_p \sum_c w_{jc}\,\bigl(\hat\phi_{jc}(x)(p)-\hat\phi_{jc}(y)(p)\bigr)^2.

DISTS (Ding, Ma, Wang and Simoncelli, TPAMI 2020): means and variances of whole feature maps are compared, with
:math:`\phi_0` the image itself and :math:`\sum_{jc}\alpha_{jc}+\beta_{jc}=1`,

.. math:: D(x, y) = 1 - \sum_{jc}\alpha_{jc}\frac{2\mu_x\mu_y+c}{\mu_x^2+\mu_y^2+c}
   + \beta_{jc}\frac{2\sigma_{xy}+c}{\sigma_x^2+\sigma_y^2+c}.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .. import _validate
from ..backbones import keep, kept, registered_tensors, shared_backbone
from ..keeping import called_while_tracing

#: The layers that LPIPS looks at.
LPIPS_LAYERS = {
    "vgg16": ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"),
    "alexnet": ("relu1", "relu2", "relu3", "relu4", "relu5"),
}

#: The length below which LPIPS no longer makes features unit vectors, as published.
SHORTEST = 1e-10

#: The constant c of DISTS, as published.
STABILISER = 1e-6


def lpips(x: Tensor, y: Tensor, *, net: str = "vgg16", data_range: float = 1.0, reduction: str = "mean") -> Tensor:
    """LPIPS, learned perceptual image patch similarity, version 0.1 (Zhang et al., 2018): 0 is best.

    Parameters
    ----------
    x, y : Tensor
        Images, (N, 3, H, W) in red, green, blue, or (N, 1, H, W), which are repeated three times.  At least 16 pixels
        high and wide for "vgg16", 31 for "alexnet"; made for patches of 64 pixels and more.
    net : {"vgg16", "alexnet"}
        The network.  Its authors judge with "alexnet" and train with "vgg16".
    data_range : float
        Width of the nominal range: 1.0 for images in [0, 1], 255 for 0 … 255.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        At least 0, and 0 for equal images, with gradient 0; mostly below 1.  At least float32.

    Raises
    ------
    TypeError
        If an image is no tensor or not floating.
    ValueError
        If shapes or devices differ, there are other than 1 or 3 channels, an image is too small, or an option is wrong.
    DataError
        If the weights are not on this machine (``lossedu weights fetch vgg16`` and ``lossedu weights fetch lpips``).

    Notes
    -----
    Convention: images in [0, data_range], not [-1, 1] as in the package ``lpips``, of which this is
    ``LPIPS(net="vgg" or "alex", version="0.1")(2 * x - 1, 2 * y - 1)``.  Features are divided by
    :math:`\\sqrt{|\\phi|^2 + 10^{-20}}` where that package has :math:`|\\phi| + 10^{-10}`, whose slope at 0 is
    not a number.  Where features have length 1 that makes a difference of 1 in 10^10; a vector of zeros stays zero.
    Differentiable in both images.
    """
    x, y = _validate.images(x, y)
    _validate.option("net", net, LPIPS_LAYERS)
    scale = 1 / _validate.positive("data_range", data_range)
    network = shared_backbone(net, device=x.device)
    heads = kept(_lpips_heads(net, str(x.device)))
    with torch.autocast(x.device.type, enabled=False):
        # One after the other and not as one batch, so that equal images give equal numbers.
        seen_x, seen_y = network(scale * x, LPIPS_LAYERS[net]), network(scale * y, LPIPS_LAYERS[net])
        values = x.new_zeros(x.shape[0])
        for name, head in zip(LPIPS_LAYERS[net], heads, strict=True):
            difference = _unit(seen_x[name]) - _unit(seen_y[name])
            values = values + (head.to(x.dtype) * difference.square()).sum(dim=1).mean(dim=(1, 2))
    return _validate.reduce(values, reduction)


def _unit(features: Tensor) -> Tensor:
    return features / (features.square().sum(dim=1, keepdim=True) + SHORTEST**2).sqrt()


@called_while_tracing
def _lpips_heads(net: str, device: str) -> str:
    def make() -> list[Tensor]:
        tensors = registered_tensors(f"lpips_{net}")
        return [tensors[f"lin{number}.model.1.weight"].to(device) for number in range(len(LPIPS_LAYERS[net]))]

    return keep(f"lpips {net} {device}", make)


def dists(x: Tensor, y: Tensor, *, data_range: float = 1.0, reduction: str = "mean") -> Tensor:
    """DISTS, deep image structure and texture similarity (Ding et al., 2020): 0 is best.

    Parameters
    ----------
    x, y : Tensor
        Images, (N, 3, H, W) in red, green, blue, or (N, 1, H, W), which are repeated three times; of any size,
        made for sides of 256 pixels.
    data_range : float
        Width of the nominal range: 1.0 for images in [0, 1], 255 for 0 … 255.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        From 0, which equal images have with gradient 0, to just above 1.  At least float32.

    Raises
    ------
    TypeError, ValueError
        As for `lpips`; there is no smallest size.
    DataError
        If the weights are not on this machine (``lossedu weights fetch vgg16`` and ``lossedu weights fetch dists``).

    Notes
    -----
    Convention: VGG-16 with each maximum pooling replaced by a root mean square under a 3x3 Hann window; images in
    [0, data_range] at full size (the package ``DISTS_pytorch`` scales the shorter side to 256 when it
    reads a file, not when it is given tensors, and then equals this).  1 - D is not formed: each
    term is worked out as :math:`(\\mu_x-\\mu_y)^2 / (\\mu_x^2+\\mu_y^2+c)` or
    :math:`\\sigma_{x-y}^2 / (\\sigma_x^2+\\sigma_y^2+c)`, so nearly equal images keep their digits.
    Differentiable in both images.
    """
    x, y = _validate.images(x, y)
    scale = 1 / _validate.positive("data_range", data_range)
    layers = LPIPS_LAYERS["vgg16"]
    network = shared_backbone("vgg16", pooling="l2", device=x.device)
    network.check(x, layers)
    alpha, beta = (part.to(x.dtype) for part in kept(_dists_weights(str(x.device))))
    total = alpha.sum() + beta.sum()
    with torch.autocast(x.device.type, enabled=False):
        seen_x = [scale * x.expand(-1, 3, -1, -1), *network(scale * x, layers).values()]
        seen_y = [scale * y.expand(-1, 3, -1, -1), *network(scale * y, layers).values()]
        values = x.new_zeros(x.shape[0])
        done = 0
        for f, g in zip(seen_x, seen_y, strict=True):
            texture, structure = _dissimilarities(f, g)
            these = slice(done, done := done + f.shape[1])
            values = values + texture @ alpha[these] + structure @ beta[these]
    return _validate.reduce(values / total, reduction)


def _dissimilarities(f: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """Return 1 minus the similarities of the means and of the variations of each map, both (N, C)."""
    mu_f, mu_g = f.mean(dim=(2, 3), keepdim=True), g.mean(dim=(2, 3), keepdim=True)
    f, g = f - mu_f, g - mu_g
    both = f.square().mean(dim=(2, 3)) + g.square().mean(dim=(2, 3))
    texture = (mu_f - mu_g).square() / (mu_f.square() + mu_g.square() + STABILISER)
    return texture[..., 0, 0], (f - g).square().mean(dim=(2, 3)) / (both + STABILISER)


@called_while_tracing
def _dists_weights(device: str) -> str:
    def make() -> tuple[Tensor, Tensor]:
        tensors = registered_tensors("dists")
        return tensors["alpha"].flatten().to(device), tensors["beta"].flatten().to(device)

    return keep(f"dists {device}", make)


__all__ = ["dists", "lpips"]
