"""The small networks of Zhao, Gallo, Frosio and Kautz (2017), three convolutions with PReLU, and one that enlarges."""

from __future__ import annotations

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from .. import _validate


class _ThreeConvolutions(nn.Module):
    """What both networks share: *valid* convolutions, the first weights, and the way back to the input."""

    kernels: ClassVar[tuple[int, int, int]]
    margin: ClassVar[int]

    def __init__(self, first: int, second: int, *, residual: bool) -> None:
        super().__init__()
        self.residual = residual
        outer, middle, last = self.kernels
        self.layers = nn.Sequential(
            nn.Conv2d(3, first, outer),
            nn.PReLU(first),
            nn.Conv2d(first, second, middle),
            nn.PReLU(second),
            nn.Conv2d(second, 3, last),
        )
        convolutions = [layer for layer in self.layers if isinstance(layer, nn.Conv2d)]
        for layer in convolutions:
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        for layer in convolutions[:-1]:
            nn.init.kaiming_normal_(layer.weight, a=0.25)
        nn.init.xavier_normal_(convolutions[-1].weight, gain=0.1 if residual else 1.0)

    def forward(self, x: Tensor) -> Tensor:
        _validate.image("x", x)
        field = 2 * self.margin + 1
        if x.shape[1] != 3 or min(x.shape[-2:]) < field:
            raise ValueError(
                f"x must have 3 channels and at least {field} x {field} pixels, got shape {tuple(x.shape)}"
            )
        out = self.layers(x)
        return out + inner(x, self.margin) if self.residual else out


class RestorationCNN(_ThreeConvolutions):
    """Three convolutions, 9x9, 5x5, 5x5, with PReLU after the first two; section 4.1 of the paper.

    Parameters
    ----------
    width : int
        Filters in the two inner layers; 64 in the paper (123,011 parameters).
    residual : bool
        Add the input to the output, so that the network starts near the identity.  Off in the paper.

    Notes
    -----
    Convention: *valid* convolutions.  The output is 8 pixels smaller on every side (the receptive field is 17 x 17),
    so that no zero padding ever falls under a window of the loss: (N, 3, H, W) becomes (N, 3, H - 16, W - 16).
    Initialisation, which the paper does not state: He normal for the two inner layers with biases 0, PReLU slopes 0.25
    per channel, and the last layer Glorot normal; with `residual` the last layer is scaled by 0.1.

    Raises
    ------
    ValueError
        If `width` is not an integer of at least 1; in the call, if an image is below 17 x 17 or has not 3 channels.

    Examples
    --------
    >>> sum(p.numel() for p in RestorationCNN().parameters())
    123011
    """

    kernels = (9, 5, 5)
    margin = 8

    def __init__(self, width: int = 64, *, residual: bool = False) -> None:
        width = _validate.count("width", width)
        super().__init__(width, width, residual=residual)


class SuperResolutionCNN(_ThreeConvolutions):
    """SRCNN as the paper changed it, section 4.2: 9x9, 1x1, 5x5, PReLU, three colours in and out.

    The input is the small picture, already enlarged to the size of the output.

    Parameters
    ----------
    width : int
        Filters in the first layer, and half as many in the second; 64 and 32 in the paper (20,195 parameters).
    residual : bool
        Add the input to the output.  Off in the paper.

    Notes
    -----
    Convention and initialisation as for `RestorationCNN`; the output is 6 pixels smaller on every side (the receptive
    field is 13 x 13).  Source of the layout: Dong, Loy, He, Tang, Learning a Deep Convolutional Network for Image
    Super-Resolution, ECCV 2014, which has ReLU and one channel.

    Raises
    ------
    ValueError
        If `width` is not an integer of at least 2; in the call, if an image is below 13 x 13 or has not 3 channels.

    Examples
    --------
    >>> sum(p.numel() for p in SuperResolutionCNN().parameters())
    20195
    """

    kernels = (9, 1, 5)
    margin = 6

    def __init__(self, width: int = 64, *, residual: bool = False) -> None:
        width = _validate.count("width", width)
        if width < 2:
            raise ValueError(f"width must be an integer of at least 2 (the second layer has half as many), got {width}")
        super().__init__(width, width // 2, residual=residual)


def inner(x: Tensor, margin: int) -> Tensor:
    """Cut `margin` pixels off every side of (..., H, W)."""
    return x[..., margin : x.shape[-2] - margin, margin : x.shape[-1] - margin]


class SubPixelCNN(nn.Module):
    """A small network that enlarges pictures: residual blocks at the small size, then a sub-pixel convolution.

    Parameters
    ----------
    width : int
        Filters of every layer but the last.
    blocks : int
        Residual blocks of two 3x3 convolutions with a ReLU between them.
    factor : int
        How many times larger the output is.

    Notes
    -----
    Convention: (N, 3, H, W) becomes (N, 3, factor * H, factor * W).  Borders are mirrored.  The output is added to
    bicubic interpolation, and its last layer begins at a tenth of Glorot's size, so that the network starts near that.
    Source of the layout: Shi et al., CVPR 2016 (the sub-pixel convolution); Lim et al., EDSR, CVPRW 2017 (the blocks
    without normalisation).  He normal first weights, biases 0.

    Raises
    ------
    ValueError
        If an option is not an integer of at least 1; in the call, if an image has not 3 channels or is below 2 x 2.

    Examples
    --------
    >>> sum(p.numel() for p in SubPixelCNN().parameters())
    42336
    """

    def __init__(self, width: int = 24, *, blocks: int = 3, factor: int = 4) -> None:
        super().__init__()
        self.factor = _validate.count("factor", factor)
        width, blocks = _validate.count("width", width), _validate.count("blocks", blocks)
        self.first = _same(3, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(_same(width, width), nn.ReLU(), _same(width, width)) for _ in range(blocks)
        )
        self.last = _same(width, 3 * self.factor**2)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight)
                nn.init.zeros_(layer.bias)
        nn.init.xavier_normal_(self.last.weight, gain=0.1)

    def forward(self, x: Tensor) -> Tensor:
        _validate.image("x", x)
        if x.shape[1] != 3 or min(x.shape[-2:]) < 2:
            raise ValueError(f"x must have 3 channels and at least 2 x 2 pixels, got shape {tuple(x.shape)}")
        seen = self.first(x)
        for block in self.blocks:
            seen = seen + block(seen)
        detail = F.pixel_shuffle(self.last(seen), self.factor)
        return detail + F.interpolate(x.to(detail.dtype), scale_factor=self.factor, mode="bicubic", align_corners=False)


def _same(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1, padding_mode="reflect")
