"""HDRNet (Gharbi, Chen, Barron, Hasinoff, Durand, 2017): a small picture decides how each colour is to be changed."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import _validate
from .slicing import apply_affine, slice_grid

#: Side of the picture that the coefficients are computed from.
SMALL = 256

#: Places of the grid along each side of the image, and tones.
PLACES, TONES = 16, 8

#: Kinks of each channel's curve in the guide.
KINKS = 16


class Guide(nn.Module):
    """The tone by which each pixel looks up its coefficients: (N, 3, H, W) to (N, 1, H, W), in [0, 1].

    A matrix and an offset, a curve of 16 straight pieces for each channel, the mean of the channels, an offset, and a
    clamp; 109 parameters.  It starts as the mean of the channels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.eye(3) + 1e-4 * torch.randn(1))
        self.offset = nn.Parameter(torch.zeros(3))
        self.kinks = nn.Parameter(torch.arange(KINKS).div(KINKS).repeat(3, 1))
        self.slopes = nn.Parameter(torch.cat([torch.ones(3, 1), torch.zeros(3, KINKS - 1)], dim=1))
        self.last = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        mixed = F.conv2d(x, self.matrix[:, :, None, None], self.offset)
        above = F.relu(mixed[:, :, None] + (-self.kinks)[:, :, None, None])
        tone = torch.einsum("nckhw,ck->nhw", above, self.slopes) / 3 + self.last
        return tone[:, None].clamp(0, 1)


class HDRNet(nn.Module):
    """HDRNet: affine colour maps from a small picture, sliced out of a bilateral grid and applied at full size.

    Parameters
    ----------
    identity : bool
        Begin as the map that changes nothing: the last layer of the coefficients starts with weights 0 and the
        identity as its offset.  Off, it starts as published, with an output near 0.

    Notes
    -----
    Convention: (N, 3, H, W) in display values, nominally [0, 1], becomes the same shape in the dtype of
    the parameters; the output is not clamped.  Under autocast guide, slicing and colours stay in that dtype.
    The picture is made 256 x 256 (antialiased, whatever its proportions); four convolutions of stride 2 lead to 16 x
    16 places with 64 channels; two more of stride 2 and three full layers see the whole picture, two of stride 1 the
    places; their sum, rectified, gives 8 tones of a 3x4 map for each place.  For slicing see `slice_grid`, for the
    guide the source: it is the one with a curve for each channel.
    Source: Gharbi et al., Deep Bilateral Learning for Real-Time Image Enhancement, ACM Transactions on Graphics 36(4),
    2017, without batch normalisation; layout and first weights as in its public ports.  Those make the small picture by
    taking the nearest pixel, and differ in how they slice.  There the guide's matrix starts at the identity plus one
    small random number, as here.
    The published training minimises the mean squared error.

    Raises
    ------
    ValueError
        In the call, if an image has not 3 channels.

    Examples
    --------
    >>> sum(p.numel() for p in HDRNet().parameters())
    482077
    >>> x = torch.rand(1, 3, 40, 60)
    >>> bool((HDRNet()(x) - x).abs().max() < 1e-6)
    True
    """

    def __init__(self, *, identity: bool = True) -> None:
        super().__init__()
        widths = (3, 8, 16, 32, 64)
        self.splat = _layers(*(_half(a, b) for a, b in pairwise(widths)))
        self.whole = _layers(_half(64, 64), _half(64, 64))
        side = PLACES // 4
        self.summary = nn.Sequential(
            nn.Linear(64 * side * side, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 64)
        )
        self.near = nn.Sequential(
            nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1, bias=False)
        )
        self.coefficients = nn.Conv2d(64, 12 * TONES, 1)
        self.guide = Guide()
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        if identity:
            nn.init.zeros_(self.coefficients.weight)
            if self.coefficients.bias is not None:
                with torch.no_grad():
                    same = torch.eye(3, 4).reshape(12, 1).expand(12, TONES)
                    self.coefficients.bias.copy_(same.reshape(-1))

    def grid(self, x: Tensor) -> Tensor:
        """Return the bilateral grid of coefficients of pictures: (N, 12, 8, 16, 16)."""
        small = F.interpolate(
            x.to(self.guide.matrix.dtype), size=(SMALL, SMALL), mode="bilinear", antialias=True, align_corners=False
        )
        seen = self.splat(small)
        about = self.summary(self.whole(seen).flatten(1))
        fused = F.relu(self.near(seen) + about[:, :, None, None])
        found: Tensor = self.coefficients(fused).view(-1, 12, TONES, PLACES, PLACES)
        return found

    def forward(self, x: Tensor) -> Tensor:
        _validate.image("x", x)
        if x.shape[1] != 3:
            raise ValueError(f"x must have 3 channels, got shape {tuple(x.shape)}")
        grid = self.grid(x)
        # Tones and colours need their digits: under autocast the convolutions alone are in half precision.
        with torch.autocast(x.device.type, enabled=False):
            full = x.to(self.guide.matrix.dtype)
            guide = self.guide(full)
            return apply_affine(full, slice_grid(grid.to(guide.dtype), guide))


def _half(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)


def _layers(*convolutions: nn.Conv2d) -> nn.Sequential:
    """Return convolutions with a rectifier after each."""
    return nn.Sequential(*(layer for one in convolutions for layer in (one, nn.ReLU())))
