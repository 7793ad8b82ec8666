r"""Pairs of a high and a standard dynamic range, made from panoramas in linear light.

A panorama holds all directions from one place, a pixel's column being its longitude and its row its latitude.  `view`
takes a picture with it as a camera would, and `grade` makes of that what two displays are sent: absolute luminance in
PQ codes, and eight bits of sRGB.  How the second looks depends on the picture as a whole, as with a colourist:

.. math:: v = \frac{0.18}{\bar Y}\, m, \qquad t(v) = \frac{h(2v)}{h(2w)}, \qquad
   h(v) = \frac{v(0.15v + 0.05) + 0.004}{v(0.15v + 0.5) + 0.06} - \frac{0.02}{0.3},

with m a pixel's largest channel, :math:`\bar Y` the mean luminance in logarithms, and w the 99th percentile of v; h is
the film-like curve of Hable ("Uncharted 2: HDR lighting", 2010).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .. import _validate
from .codes import PEAK, bt709_to_bt2020, pq_encode
from .environments import PANORAMAS, panorama, read_panorama
from .tones import srgb_encode

#: Where a view's mean luminance (in logarithms) goes on the display with a high dynamic range, in cd/m²: there a grey
#: card of 18 % has 26 (ITU-R BT.2408).
LEVEL = 26.0

#: The same as a part of white, before the tone curve of the other display; and how much its colours are strengthened.
KEY = 0.18
SATURATION = 1.1

#: Luminance of BT.709.
LUMA = (0.2126, 0.7152, 0.0722)


def view(panorama: Tensor, *, yaw: float, pitch: float, field_of_view: float, size: int) -> Tensor:
    """Take a square picture with a panorama: what a camera in its middle sees.

    Parameters
    ----------
    panorama : Tensor
        (1, C, H, 2H), floating, linear light in equirectangular projection, north at the top.
    yaw, pitch : float
        Where the camera looks, in degrees: yaw to the right from the middle of the panorama (-360 to 360), pitch
        upwards (-90 to 90).
    field_of_view : float
        From the left to the right border, in degrees, 1 to 150.
    size : int
        Height and width of the picture in pixels.

    Returns
    -------
    Tensor
        (1, C, size, size) of the panorama's dtype and device.

    Raises
    ------
    TypeError, ValueError
        If `panorama` is not such a tensor, or an option is out of range.

    Notes
    -----
    Convention: a pinhole without distortion; each pixel is one bilinear sample in linear light, at its centre.  Nothing
    is averaged: with much fewer pixels than ``field_of_view * 2H / 360`` fine detail aliases.  Columns go round in a
    circle; beyond the first and the last row's centre these rows are repeated.
    """
    _validate.image("panorama", panorama)
    n, _, height, width = panorama.shape
    if n != 1 or width != 2 * height:
        raise ValueError(f"panorama must be one picture twice as wide as high, got shape {tuple(panorama.shape)}")
    turn, up = (math.radians(v) for v in (_degrees("yaw", yaw, 360), _degrees("pitch", pitch, 90)))
    reach = math.tan(math.radians(_validate.in_range("field_of_view", field_of_view, 1, 150)) / 2)
    side = _validate.count("size", size)
    steps = ((2 * torch.arange(side, dtype=torch.float64) + 1) / side - 1) * reach
    right, high = steps[None, :].expand(side, side), -steps[:, None].expand(side, side)
    forward = math.cos(up) - high * math.sin(up)
    lifted = math.sin(up) + high * math.cos(up)
    longitude = torch.atan2(right, forward) + turn
    latitude = torch.atan2(lifted, (right.square() + forward.square()).sqrt())
    column = (longitude / (2 * math.pi) + 0.5) * width - 0.5
    row = ((0.5 - latitude / math.pi) * height - 0.5).clamp(0, height - 1)
    left, top = column.floor(), row.floor()
    across, down = ((a - b).to(panorama) for a, b in ((column, left), (row, top)))
    columns = [((left.long() + k) % width).to(panorama.device) for k in (0, 1)]
    rows = [(top.long() + k).clamp(max=height - 1).to(panorama.device) for k in (0, 1)]
    upper, lower = (torch.lerp(panorama[..., r, columns[0]], panorama[..., r, columns[1]], across) for r in rows)
    return torch.lerp(upper, lower, down)


def _degrees(name: str, value: float, limit: float) -> float:
    return _validate.in_range(name, value, -limit, limit)


def _film(v: Tensor) -> Tensor:
    return (v * (0.15 * v + 0.05) + 0.004) / (v * (0.15 * v + 0.5) + 0.06) - 0.02 / 0.3


def grade(linear_view: Tensor) -> tuple[Tensor, Tensor]:
    r"""Make of a view what a display with a high and one with a standard dynamic range are sent.

    Parameters
    ----------
    linear_view : Tensor
        (1, 3, H, W), floating, linear light of BT.709 on any scale; values below 0 count as 0.

    Returns
    -------
    hdr : Tensor
        float32, same shape, in [0, 1]: BT.2020 in PQ codes, the view scaled until its mean luminance in logarithms is
        26 cd/m² (`LEVEL`), cut at 10000.
    sdr : Tensor
        float32, same shape, in [0, 1], whole multiples of 1/255: sRGB.  Exposure, a film-like tone curve on the largest
        channel with the view's own 99th percentile as white (at least three times the mean), colours strengthened by
        a tenth around their luminance, cut at 0 and 1.

    Raises
    ------
    TypeError, ValueError
        If `linear_view` is not such a tensor, or is black everywhere.

    Notes
    -----
    Convention: computed in float64 on the CPU, without chance, so that the pairs are the same everywhere.  Neither
    output depends on the scale of the view.  In the mean of logarithms no luminance counts as less than 1/10000 of
    the plain mean.
    """
    _validate.image("linear_view", linear_view)
    if linear_view.shape[:2] != (1, 3):
        raise ValueError(f"linear_view must have shape (1, 3, H, W), got {tuple(linear_view.shape)}")
    light = linear_view.detach().double().cpu().clamp(min=0)
    y = _luminance(light)
    if not 0 < (mean := y.mean().item()) < math.inf:
        raise ValueError(f"linear_view must have light of finite amount somewhere, got a mean luminance of {mean}")
    middle = y.clamp(min=1e-4 * mean).log().mean().exp()
    hdr = pq_encode(bt709_to_bt2020(light * (LEVEL / middle)).clamp(max=PEAK))

    exposed = light * (KEY / middle)
    largest = exposed.amax(dim=1, keepdim=True)
    white = torch.quantile(largest.flatten(), 0.99).clamp(min=3 * KEY)
    toned = (_film(2 * largest) / _film(2 * white)).clamp(max=1)
    display = exposed * (toned / largest.clamp(min=1e-12))
    display = torch.lerp(_luminance(display), display, SATURATION).clamp(0, 1)
    sdr = (255 * srgb_encode(display)).round() / 255
    return hdr.float(), sdr.float()


def _luminance(x: Tensor) -> Tensor:
    return sum(w * x[:, c : c + 1] for c, w in enumerate(LUMA))  # type: ignore[return-value]


__all__ = ["PANORAMAS", "grade", "panorama", "read_panorama", "view"]
