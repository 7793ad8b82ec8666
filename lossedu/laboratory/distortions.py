"""What the laboratory can do to a picture, each from barely visible to gross."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from torch import Tensor

from .. import _validate
from ..data import band_noise, correlated_noise, jpeg, scale_contrast, shift_brightness
from ..filters import gaussian_blur

_SEED = 0


@dataclass(frozen=True)
class Distortion:
    """One kind of damage.

    Attributes
    ----------
    start, end : float
        The amount at strength 0 and at strength 1.
    text : str
        What the amount is, with ``{}`` for the number.
    apply : callable
        Takes a picture and the amount.
    """

    start: float
    end: float
    text: str
    apply: Callable[[Tensor, float], Tensor]

    def amount(self, strength: float) -> float:
        """Return the amount at a strength from 0 to 1."""
        strength = _validate.in_range("strength", strength, 0, 1)
        return self.start + strength * (self.end - self.start)


def _noise(y: Tensor, std: float) -> Tensor:
    return y + correlated_noise(y.shape, length=0, std=std, seed=_SEED, dtype=y.dtype) if std else y


def _band_noise(y: Tensor, std: float) -> Tensor:
    return y + band_noise(y.shape, low=1 / 16, high=1 / 4, std=std, seed=_SEED, dtype=y.dtype) if std else y


def _blur(y: Tensor, sigma: float) -> Tensor:
    return gaussian_blur(y, sigma) if sigma else y


def _jpeg(y: Tensor, quality: float) -> Tensor:
    return jpeg(y, quality=round(quality))


#: Name -> distortion.
DISTORTIONS: Mapping[str, Distortion] = MappingProxyType(
    {
        "noise": Distortion(0.0, 0.2, "white noise of standard deviation {:.3f}", _noise),
        "band noise": Distortion(0.0, 0.2, "noise of periods 4 to 16 px, standard deviation {:.3f}", _band_noise),
        "blur": Distortion(0.0, 4.0, "Gaussian blur of sigma {:.2f} px", _blur),
        "brightness": Distortion(0.0, 0.4, "every value {:.3f} brighter", shift_brightness),
        "contrast": Distortion(1.0, 0.0, "contrast times {:.2f}", scale_contrast),
        "JPEG": Distortion(100.0, 1.0, "JPEG of quality {:.0f}", _jpeg),
    }
)
