"""The discriminator of DPED (Ignatov et al., 2017) and WESPE (2018)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil

from torch import Tensor, nn

from .. import _validate

#: Filters, taps and stride of the five convolutions.
LAYERS = ((48, 11, 4), (128, 5, 2), (192, 3, 1), (192, 3, 1), (128, 3, 2))

#: Units of the hidden layer.
HIDDEN = 1024

#: What may follow the convolutions.
NORMS: Mapping[str, Callable[..., nn.Module] | None] = {
    "instance": nn.InstanceNorm2d,
    "batch": nn.BatchNorm2d,
    "none": None,
}

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
    norm : {"instance", "batch", "none"}
        After all convolutions but the first: "instance" as in DPED's code, "batch" as in ports of WESPE.
    spectral : bool
        Whether every convolution and linear layer is divided by its largest singular value (Miyato et al., 2018).
        Combine it with ``norm="none"``: a normalisation undoes the bound.

    Raises
    ------
    ValueError
        If an option is out of range; in the call, if images are not of the size given here.

    Notes
    -----
    Convention: LeakyReLU with slope 0.2, then the normalisation with scale and shift (eps 0.001), on all convolutions
    but the first.  Instance normalisation takes mean and spread of each feature map away: of a uniform tint, what is
    left is what the borders and the bend of the LeakyReLU tell, and of a gain next to nothing once weights are large.
    One logit, where DPED's code has a softmax of two.
    Weights start from a normal distribution of deviation 0.01, cut off at 0.02, biases at 0.01; without a
    normalisation, from He's deviation, since with 0.01 next to nothing would arrive at the logit.
    Every layer is padded with half its taps on all sides; TensorFlow pads the first with 3 and 4 pixels instead of 5.

    Examples
    --------
    >>> sum(p.numel() for p in ColorDiscriminator().parameters())
    7371713
    """

    def __init__(
        self,
        *,
        image_size: int | tuple[int, int] = 100,
        channels: int = 3,
        width: float = 1.0,
        norm: str = "instance",
        spectral: bool = False,
    ) -> None:
        super().__init__()
        _validate.option("norm", norm, NORMS)
        self.norm, self.spectral = norm, spectral
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
            if number and (made := NORMS[norm]) is not None:
                layers.append(made(now, eps=1e-3, affine=True))
            before, height, length = now, ceil(height / stride), ceil(length / stride)
        hidden = max(1, round(self.width * HIDDEN))
        layers += [nn.Flatten(), nn.Linear(before * height * length, hidden), nn.LeakyReLU(0.2), nn.Linear(hidden, 1)]
        self.layers = nn.Sequential(*layers)
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                if norm == "none":
                    nn.init.kaiming_normal_(layer.weight, a=0.2)
                else:
                    nn.init.trunc_normal_(layer.weight, std=0.01, a=-0.02, b=0.02)
                assert layer.bias is not None
                nn.init.constant_(layer.bias, 0.01)
                if spectral:
                    nn.utils.parametrizations.spectral_norm(layer)

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
        return (
            f"image_size={self.image_size!r}, channels={self.channels!r}, width={self.width!r}, norm={self.norm!r}, "
            f"spectral={self.spectral!r}"
        )


__all__ = ["ColorDiscriminator"]
