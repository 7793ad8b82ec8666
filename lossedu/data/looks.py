r"""Looks: what somebody who retouches a photograph might make of it, as a function of the photograph.

Pairs of an untouched and a retouched picture cannot be published freely.  These can be made from any photograph: `flat`
makes it look as if nobody had touched it, `retouch` is one retoucher, who looks at the picture before deciding, and has
moods that the picture does not tell.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate
from ..filters import gaussian_blur

#: Of red, green and blue in the luma of display values (Rec. 709).
LUMA = (0.2126, 0.7152, 0.0722)

#: Mean luma that the retoucher aims at.
AIM = 0.46


#: What `split_tone` adds to red, green and blue where it is dark and where it is bright.
TINTS = ((-0.10, 0.02, 0.12), (0.12, -0.02, -0.10))


class Mood(NamedTuple):
    """What a retoucher adds to every picture of the day: numbers, or one a picture as tensors of shape (N,).

    ``exposure`` is in powers: the output is taken to the power ``2 ** -exposure``, so that above 0 is brighter.
    ``warmth`` is what red gains and blue loses, as a share; ``saturation`` what colours gain, as a share.
    """

    exposure: float | Tensor = 0.0
    warmth: float | Tensor = 0.0
    saturation: float | Tensor = 0.0


#: The mood of a retoucher who adds nothing.
NO_MOOD = Mood()

#: The widest moods that `moods` draws: exposure, warmth, saturation.
WIDEST = (0.6, 0.12, 0.5)


def moods(count: int, *, generator: torch.Generator, strength: float = 1.0) -> Mood:
    """Return so many moods, each part uniform between plus and minus `strength` times `WIDEST`, as tensors."""
    drawn = 2 * torch.rand(3, _validate.count("count", count), generator=generator) - 1
    return Mood(*(strength * most * row for most, row in zip(WIDEST, drawn, strict=True)))


def flat(x: Tensor, *, exposure: float | Tensor = 0.0, warmth: float | Tensor = 0.0, contrast: float = 0.75) -> Tensor:
    r"""Make a photograph look untouched: flat, with an exposure and a cast that nobody has corrected.

    .. math:: z_c = (0.04 + c\,x_c)^{2^{-e}}\,(1 \pm w)

    with contrast c, exposure e, and the warmth w added to red and taken from blue.  Clipped to [0, 1].

    Parameters
    ----------
    x : Tensor
        (N, 3, H, W), floating, display values in [0, 1].
    exposure, warmth : float or Tensor
        As in `Mood`; tensors of shape (N,) for one a picture.
    contrast : float
        From 0 to 0.96.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor or an option is out of range.
    """
    _colour("x", x)
    _validate.in_range("contrast", contrast, 0, 0.96)
    x = x.to(_validate.working_dtype(x))
    low = (0.04 + contrast * x.clamp(0, 1)) ** (2.0 ** -_each(exposure, x))
    return _warmed(low, warmth).clamp(0, 1)


def split_tone(x: Tensor, *, strength: float | Tensor = 1.0, reach: float = 6.0) -> Tensor:
    r"""Tint a photograph by what surrounds each pixel: dark places blue and green, bright places red.

    .. math:: z = x + s\,\bigl((1 - b)\,t_d + b\,t_b\bigr), \qquad b = G_r * \mathrm{luma}(x)

    with the strength s, the tints of `TINTS` and a Gaussian window of deviation r.  No gain of a channel takes it back:
    the cast depends on the content.  Clipped to [0, 1].

    Parameters
    ----------
    x : Tensor
        (N, 3, H, W), floating, display values in [0, 1].
    strength : float or Tensor
        Factor of the tints; a tensor of shape (N,) for one a picture.
    reach : float
        Deviation of the window in pixels, above 0; the picture is mirrored at its border.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor or an option is out of range.
    """
    _colour("x", x)
    _validate.positive("reach", reach)
    x = x.to(_validate.working_dtype(x))
    surround = gaussian_blur(_luma(x), reach, padding="reflect")
    dark, bright = (torch.tensor(tint, dtype=x.dtype, device=x.device).view(1, 3, 1, 1) for tint in TINTS)
    return (x + _each(strength, x) * ((1 - surround) * dark + surround * bright)).clamp(0, 1)


def retouch(x: Tensor, mood: Mood = NO_MOOD) -> Tensor:
    """Retouch photographs, each by what it is like.

    Six steps, of which the first five depend on the picture alone:

    1. a power that takes the mean luma to `AIM`, from 0.5 to 1.6;
    2. gains of the channels that go half of the way to equal means, from 0.8 to 1.25;
    3. local: what is smoother than a sixteenth of the shorter side loses a fifth of its distance to `AIM`, what is
       finer grows by a third;
    4. contrast about `AIM`, larger where the spread of luma is small, from 0.85 to 1.5;
    5. distance from grey, larger where it is small on average, from 0.8 to 1.5;
    6. the mood.

    Parameters
    ----------
    x : Tensor
        (N, 3, H, W), floating, display values in [0, 1], at least 16 x 16.
    mood : Mood
        Nothing by default.

    Returns
    -------
    Tensor
        Shape and device of `x`, float32 for half precision, in [0, 1].  Not rounded.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor.

    Notes
    -----
    Convention: every picture of a batch is judged by itself, and a crop is a picture: its look is not the crop of the
    look of the whole.
    """
    _colour("x", x)
    if min(x.shape[-2:]) < 16:
        raise ValueError(f"x must have at least 16 x 16 pixels, got shape {tuple(x.shape)}")
    x = x.to(_validate.working_dtype(x))
    z = x.clamp(1e-4, 1)
    mean = _mean(_luma(z)).clamp(0.02, 0.98)
    z = z ** (torch.log(torch.full_like(mean, AIM)) / torch.log(mean)).clamp(0.5, 1.6)
    channels = _mean(z).clamp_min(1e-3)
    z = z * (channels.mean(dim=1, keepdim=True) / channels).sqrt().clamp(0.8, 1.25)
    luma = _luma(z)
    base = gaussian_blur(luma, min(x.shape[-2:]) / 16, padding="reflect")
    z = z + (AIM + 0.8 * (base - AIM) + 1.33 * (luma - base) - luma)
    luma = _luma(z)
    spread = luma.std(dim=(-2, -1), keepdim=True).clamp_min(1e-3)
    z = AIM + (0.2 / spread).clamp(0.85, 1.5) * (z - AIM)
    luma = _luma(z)
    colour = _mean((z - luma).abs()).mean(dim=1, keepdim=True).clamp_min(1e-3)
    z = luma + (0.07 / colour).sqrt().clamp(0.8, 1.5) * (z - luma)
    z = z.clamp(1e-4, 1) ** (2.0 ** -_each(mood.exposure, x))
    luma = _luma(z)
    z = luma + (1 + _each(mood.saturation, x)) * (z - luma)
    return _warmed(z, mood.warmth).clamp(0, 1)


def _colour(name: str, x: Tensor) -> None:
    _validate.image(name, x)
    if x.shape[1] != 3:
        raise ValueError(f"{name} must have 3 channels, got shape {tuple(x.shape)}")


def _luma(x: Tensor) -> Tensor:
    weights = torch.tensor(LUMA, dtype=x.dtype, device=x.device).view(1, 3, 1, 1)
    return (x * weights).sum(dim=1, keepdim=True)


def _mean(x: Tensor) -> Tensor:
    return x.mean(dim=(-2, -1), keepdim=True)


def _each(value: float | Tensor, x: Tensor) -> Tensor:
    """Return a number or one a picture in a shape that goes with (N, C, H, W)."""
    each = torch.as_tensor(value, dtype=x.dtype, device=x.device).reshape(-1, 1, 1, 1)
    if len(each) not in (1, len(x)):
        raise ValueError(
            f"exposure, warmth, saturation and strength must be one number or {len(x)}, one a picture, got {len(each)}"
        )
    return each


def _warmed(x: Tensor, warmth: float | Tensor) -> Tensor:
    tint = torch.tensor([1.0, 0.0, -1.0], dtype=x.dtype, device=x.device).view(1, 3, 1, 1)
    return x * (1 + _each(warmth, x) * tint)


__all__ = ["AIM", "LUMA", "NO_MOOD", "TINTS", "WIDEST", "Mood", "flat", "moods", "retouch", "split_tone"]
