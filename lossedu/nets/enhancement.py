"""The generator of DPED (Ignatov et al., 2017) and WESPE (2018): residual blocks, and as large out as in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .. import _validate

NORMS = ("instance", "none")

#: What the published network does with its last convolution: 0.58 tanh + 0.5, from -0.08 to 1.08.
SCALE, CENTRE = 0.58, 0.5


class EnhancementGenerator(nn.Module):
    r"""A 9x9 convolution, residual blocks of two 3x3, two more 3x3, and a 9x9 to three colours.

    Parameters
    ----------
    width : int
        Filters of every layer but the last; 64 in the papers (401,475 parameters with 4 blocks).
    blocks : int
        Residual blocks.
    norm : {"instance", "none"}
        After the convolutions within the blocks: "instance" as in the papers.
    residual : bool
        Add the input to the last convolution, which then begins at zero, so that the network starts as the identity.
        Off in the papers, where the output is :math:`0.58\tanh(\cdot) + 0.5`.

    Notes
    -----
    Convention: (N, 3, H, W) to the same shape, H and W at least 5 (the widest border is mirrored).  ReLU throughout.
    The papers pad with zeros, which darkens the border of every layer; here borders are mirrored.  He normal first
    weights, biases 0.

    Raises
    ------
    ValueError
        If an option is out of range; in the call, if an image has not 3 channels or is below 5 x 5.

    Examples
    --------
    >>> sum(p.numel() for p in EnhancementGenerator().parameters())
    401475
    """

    def __init__(self, width: int = 64, *, blocks: int = 4, norm: str = "instance", residual: bool = False) -> None:
        super().__init__()
        width, blocks = _validate.count("width", width), _validate.count("blocks", blocks)
        _validate.option("norm", norm, NORMS)
        self.residual = residual
        self.first = nn.Sequential(_convolution(3, width, 9), nn.ReLU())
        self.blocks = nn.ModuleList(_block(width, norm) for _ in range(blocks))
        self.middle = nn.Sequential(_convolution(width, width, 3), nn.ReLU(), _convolution(width, width, 3), nn.ReLU())
        self.last = _convolution(width, 3, 9)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.kaiming_normal_(layer.weight)
                nn.init.zeros_(layer.bias)
        if residual:
            nn.init.zeros_(self.last.weight)
        else:
            nn.init.xavier_normal_(self.last.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return enhanced pictures; with `residual` they are not limited to a range."""
        _validate.image("x", x)
        if x.shape[1] != 3 or min(x.shape[-2:]) < 5:
            raise ValueError(f"x must have 3 channels and at least 5 x 5 pixels, got shape {tuple(x.shape)}")
        seen = self.first(x)
        for block in self.blocks:
            seen = seen + block(seen)
        last = self.last(self.middle(seen))
        return x + last if self.residual else SCALE * torch.tanh(last) + CENTRE


def _convolution(inputs: int, outputs: int, taps: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, taps, padding=taps // 2, padding_mode="reflect")


def _block(width: int, norm: str) -> nn.Sequential:
    layers: list[nn.Module] = []
    for _ in range(2):
        layers += [_convolution(width, width, 3)]
        layers += [nn.InstanceNorm2d(width, affine=True)] if norm == "instance" else []
        layers += [nn.ReLU()]
    return nn.Sequential(*layers)


__all__ = ["EnhancementGenerator"]
