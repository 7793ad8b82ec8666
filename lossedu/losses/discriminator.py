"""The discriminator of DPED (Ignatov et al., 2017) and WESPE (2018)."""

from __future__ import annotations

from math import ceil

from torch import Tensor, nn

from .. import _validate

#: Filters, taps and stride of the five convolutions.
LAYERS = ((48, 11, 4), (128, 5, 2), (192, 3, 1), (192, 3, 1), (128, 3, 2))

#: Units of the hidden layer.
HIDDEN = 1024

#: Below this, the last convolution leaves one pixel, and an instance of one pixel has no spread to divide by.
SMALLEST = 17


class ColorDiscriminator(nn.Module):
    """Five convolutions, a hidden layer and a logit: high for images of the target domain.

    It does not blur what it sees: `color_discriminator_loss` and `adversarial_color_loss` do.

    Parameters
    ----------
    image_size : int or (int, int)
        Height and width of what it sees, after the blur, at least 17: 80 for patches of 100 x 100 under
        ``padding="valid"``, 100 under "reflect" or "zeros".
    channels : int
        Of the images.
    width : float
        Factor for the number of filters and hidden units; 1 is the papers' network, 0.25 will do on a CPU.

    Raises
    ------
    ValueError
        If an option is out of range; in the call, if images are not of the size given here.

    Notes
    -----
    Convention: LeakyReLU with slope 0.2, then instance normalisation with scale and shift (eps 0.001), on all
    convolutions but the first, as in DPED's code; ports of WESPE use batch normalisation.  One logit, where DPED's code
    has a softmax of two.  Weights start from a normal distribution of deviation 0.01, cut off at 0.02, biases at 0.01.
    Every layer is padded with half its taps on all sides; TensorFlow pads the first with 3 and 4 pixels instead of 5.

    Examples
    --------
    >>> sum(p.numel() for p in ColorDiscriminator().parameters())
    7371713
    """

    def __init__(self, *, image_size: int | tuple[int, int] = 100, channels: int = 3, width: float = 1.0) -> None:
        super().__init__()
        sides = image_size if isinstance(image_size, tuple) else (image_size, image_size)
        if len(sides) != 2 or min(_validate.count("image_size", side) for side in sides) < SMALLEST:
            raise ValueError(f"image_size must be one or two integers of at least {SMALLEST}, got {image_size!r}")
        self.image_size = (int(sides[0]), int(sides[1]))
        self.channels, self.width = _validate.count("channels", channels), _validate.positive("width", width)
        layers: list[nn.Module] = []
        before, (height, length) = self.channels, self.image_size
        for number, (filters, taps, stride) in enumerate(LAYERS):
            now = max(1, round(self.width * filters))
            layers += [nn.Conv2d(before, now, taps, stride, taps // 2), nn.LeakyReLU(0.2)]
            if number:
                layers.append(nn.InstanceNorm2d(now, eps=1e-3, affine=True))
            before, height, length = now, ceil(height / stride), ceil(length / stride)
        hidden = max(1, round(self.width * HIDDEN))
        layers += [nn.Flatten(), nn.Linear(before * height * length, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1)]
        self.layers = nn.Sequential(*layers)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(layer.weight, std=0.01, a=-0.02, b=0.02)
                assert layer.bias is not None
                nn.init.constant_(layer.bias, 0.01)

    def forward(self, x: Tensor) -> Tensor:
        """Return one logit per image, (N, 1)."""
        _validate.image("x", x)
        if x.shape[1:] != (self.channels, *self.image_size):
            expected = ", ".join(map(str, (self.channels, *self.image_size)))
            raise ValueError(
                f"x must have shape (N, {expected}) for this discriminator, got {tuple(x.shape)}; image_size is that "
                "after the blur, which takes 20 pixels off with padding='valid' and none with 'reflect' or 'zeros'"
            )
        return self.layers(x)

    def extra_repr(self) -> str:
        return f"image_size={self.image_size!r}, channels={self.channels!r}, width={self.width!r}"


__all__ = ["ColorDiscriminator"]
