"""Tones: the sRGB curve, less light, and shifts of brightness and contrast."""

from __future__ import annotations

import torch
from torch import Tensor

from .. import _validate
from .randomness import Seed
from .sensor import sensor_noise


def srgb_decode(x: Tensor) -> Tensor:
    r"""Turn stored sRGB values into linear light (IEC 61966-2-1).

    .. math:: y = x / 12.92 \ \ (x \le 0.04045), \qquad y = \big((x + 0.055) / 1.055\big)^{2.4} \ \text{above}

    Any shape (N, C, H, W), floating; 0 and 1 stay.  Values below 0 and above 1 follow the same two branches.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor.
    """
    _validate.image("x", x)
    # The clamp keeps the branch that is not taken (and its gradient) finite.
    return torch.where(x <= 0.04045, x / 12.92, ((x.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4)


def srgb_encode(y: Tensor) -> Tensor:
    r"""Turn linear light into stored sRGB values; the inverse of `srgb_decode`.

    .. math:: x = 12.92\, y \ \ (y \le 0.0031308), \qquad x = 1.055\, y^{1 / 2.4} - 0.055 \ \text{above}

    Raises
    ------
    TypeError, ValueError
        If `y` is not a floating (N, C, H, W) tensor.
    """
    _validate.image("y", y)
    return torch.where(y <= 0.0031308, 12.92 * y, 1.055 * y.clamp(min=0.0031308) ** (1 / 2.4) - 0.055)


def darken(x: Tensor, *, gain: float = 0.1, a: float = 0.0, b: float = 0.0, seed: Seed = None) -> Tensor:
    r"""Return the picture as a camera with less light would have stored it.

    .. math:: z = \mathrm{encode}\big(\mathrm{noise}_{a, b}(g \cdot \mathrm{decode}(x))\big)

    Linear light is what an exposure scales: a gain of 1/2 is one stop less.  In stored values the darkening is
    then no plain product.

    Parameters
    ----------
    x : Tensor
        Shape (N, C, H, W), floating, stored sRGB values in [0, 1].
    gain : float
        Above 0; the share of the light that is left.  Above 1 the picture gets brighter; only noise clips it.
    a, b : float
        Noise of the sensor on the linear scale, as in `sensor_noise` (there: 0.005, 0.0001); 0 and 0 is no noise.
    seed : int, torch.Generator or None
        As in `sensor_noise`.

    Returns
    -------
    Tensor
        Shape, dtype and device of `x`.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor, or an option is out of range.
    """
    _validate.positive("gain", gain)
    light = gain * srgb_decode(x)
    if a or b:
        light = sensor_noise(light, a=a, b=b, seed=seed)
    return srgb_encode(light)


def shift_brightness(x: Tensor, amount: float, *, clip: bool = False) -> Tensor:
    """Return ``x + amount``, clipped to [0, 1] if `clip` is set.

    Shape (N, C, H, W), floating.  Without clipping the mean square change is exactly ``amount**2``.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor, or `amount` is no number from -1 to 1.
    """
    _validate.image("x", x)
    z = x + _validate.in_range("amount", amount, -1, 1)
    return z.clamp(0, 1) if clip else z


def scale_contrast(x: Tensor, factor: float, *, clip: bool = False) -> Tensor:
    """Return ``m + factor * (x - m)``, where m is the mean of each channel of each image.

    Shape (N, C, H, W), floating.  A factor below 1 flattens the picture, above 1 makes it harsher; channel means
    stay where they are unless `clip` (to [0, 1]) is set.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor, or `factor` is negative or above 1e6.
    """
    _validate.image("x", x)
    _validate.in_range("factor", factor, 0, 1e6)
    mean = x.mean(dim=(-2, -1), keepdim=True)
    z = mean + factor * (x - mean)
    return z.clamp(0, 1) if clip else z
