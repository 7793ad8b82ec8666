"""The small network of Zhao, Gallo, Frosio and Kautz (2017) for denoising, demosaicking and deblocking."""

from __future__ import annotations

from torch import Tensor, nn

from . import _validate


class RestorationCNN(nn.Module):
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

    margin = 8

    def __init__(self, width: int = 64, *, residual: bool = False) -> None:
        super().__init__()
        width = _validate.count("width", width)
        self.residual = residual
        self.layers = nn.Sequential(
            nn.Conv2d(3, width, 9), nn.PReLU(width), nn.Conv2d(width, width, 5), nn.PReLU(width), nn.Conv2d(width, 3, 5)
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
        if x.shape[1] != 3 or min(x.shape[-2:]) < 2 * self.margin + 1:
            raise ValueError(f"x must have 3 channels and at least 17 x 17 pixels, got shape {tuple(x.shape)}")
        out = self.layers(x)
        return out + inner(x, self.margin) if self.residual else out


def inner(x: Tensor, margin: int) -> Tensor:
    """Cut `margin` pixels off every side of (..., H, W)."""
    return x[..., margin : x.shape[-2] - margin, margin : x.shape[-1] - margin]
