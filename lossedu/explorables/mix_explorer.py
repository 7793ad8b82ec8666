"""Who steers in Mix: the gradient's shares for any weight, unit and error, computed in the page."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .. import _validate, png
from . import mix_scene, palettes
from .axes import LinearAxis, LogAxis, frame
from .base import Explorable
from .ssim_explorer import digits3, round_up

_X = LogAxis(*mix_scene.STRENGTHS, 48, 368)  # ten for each point of the curve: no half of a tenth to round
_Y = LinearAxis(0, 100, 176, 24)
_COUNT = 33  # points of the curve
#: What the four buttons set: power of the weight, unit, error, power of its strength, as the controls write them.
_STEPS = (
    ("0.72", "1", "grain", "2.50"),
    ("0.72", "1", "shift", "2.50"),
    ("-1.59", "1", "grain", "2.50"),
    ("0.72", "255", "grain", "2.50"),
)
_ASKS = ("one", "two", "both")


def weight_of(power: float) -> float:
    """Return the weight alpha for the power of ten of alpha / (1 - alpha)."""
    return 1 / (1 + 10**-power)


def two_digits(value: float) -> str:
    """Write a weight with two digits that count and no exponent."""
    return f"{value:.{max(0, 1 - math.floor(math.log10(value)))}f}"


class MixExplorer(Explorable):
    r"""Drag the weight of MS-SSIM in Mix, the unit of :math:`\ell_1` and the error, and see which term steers.

    One patch of 31 pixels, MS-SSIM and the weighted absolute error at its centre as in the paper.  The bar shows the
    share of either term in the sizes of the gradient, added up over the pixels.  All is computed in the page
    in float64; ``ms_ssim_sigma_grad`` with ``form="patch"`` gives the same numbers.

    Parameters
    ----------
    alpha : float
        Weight of MS-SSIM at the start, 0.001 to 0.969 (rounded so that log10 of alpha / (1 - alpha) has two decimals).
    unit : int
        1 for an absolute error of values in [0, 1], 255 for 0 to 255.
    error : {"grain", "splotch", "shift"}
        What the patch suffers from at the start.
    strength : float
        Root mean square of the error in 255ths, 0.25 to 64 (rounded to a quarter of an octave).
    key : str
        See `Explorable`.

    Raises
    ------
    ValueError
        If a start value lies outside its slider, or `unit` or `error` is unknown.
    """

    template = "mix_explorer.html"
    styles = ("mix_explorer.css",)
    scripts = ("mix.js", "mix_explorer.js")

    def __init__(
        self, *, alpha: float = 0.84, unit: int = 1, error: str = "grain", strength: float = 5.66, key: str = ""
    ) -> None:
        super().__init__(label="Who steers in Mix: shares of the gradient", key=key)
        alpha = _validate.in_range("alpha", alpha, 0.001, 0.969)
        _validate.option("unit", str(unit), ("1", "255"))
        _validate.option("error", error, mix_scene.KINDS)
        strength = _validate.in_range("strength", strength, *mix_scene.STRENGTHS)
        power = round(math.log10(alpha / (1 - alpha)) * 100) / 100 + 0.0
        self.power, self.unit, self.error = f"{min(1.5, max(-3.0, power)):.2f}", str(unit), error
        self.scale = f"{round(math.log2(strength) * 4) / 4 + 0.0:.2f}"

    def state(self) -> mix_scene.State:
        """Return the numbers of the first state."""
        return mix_scene.state(self.error, 2 ** float(self.scale), weight_of(float(self.power)), float(self.unit))

    def fields(self) -> dict[str, str]:
        s, alpha, strength = self.state(), weight_of(float(self.power)), 2 ** float(self.scale)
        full = full_scale(s.asks[2])
        share = 100 * s.share
        steps = [mix_scene.STRENGTHS[0] * 256 ** (k / (_COUNT - 1)) for k in range(_COUNT)]
        shares = mix_scene.course(self.error, alpha, float(self.unit), steps)
        path = "M" + "L".join(f"{_X(at):.1f},{_Y(100 * y):.1f}" for at, y in zip(steps, shares, strict=True))
        names = {"one": "MS-SSIM", "two": "the absolute error", "both": "both together"}
        pictures = {
            name: png.data_uri(png.encode(signed_bytes(ask / full), palettes.signs()))
            for name, ask in zip(_ASKS, s.asks, strict=True)
        }
        return {
            **pictures,
            **{f"{name}_alt": f"What {names[name]} asks of each pixel, weighted." for name in _ASKS},
            "power": self.power,
            "scale": self.scale,
            "alpha": two_digits(alpha),
            "strength": f"{digits3(strength)} / 255",
            "picture": png.data_uri(png.encode(grey_bytes(s.picture))),
            "picture_alt": f"A patch with {self.error} of {digits3(strength)} / 255.",
            "pullbar": palettes.css_gradient(palettes.signs()),
            "full": f"{full:g}",
            "share": f"{share:.0f} %",
            "rest": f"{100 - share:.0f} %",
            "width": f"{3.72 * share:.1f}",
            "remaining": f"{372 - 3.72 * share:.1f}",
            "joint": f"{6 + 3.72 * share:.1f}",
            "pull": digits3(s.pull),
            "weight": digits3(s.weight),
            "ms_ssim": digits3(s.ms_ssim),
            "l1": digits3(s.l1),
            "frame": frame(_X, _Y, (0.25, 1, 4, 16, 64), (0, 25, 50, 75, 100), "strength of the error (255ths)", "%"),
            "curve": path,
            "x": f"{_X(strength):.1f}",
            "y": f"{_Y(share):.1f}",
            **{f"unit{unit}": " selected" if self.unit == unit else "" for unit in ("1", "255")},
            **{kind: " selected" if self.error == kind else "" for kind in mix_scene.KINDS},
        }

    def data(self) -> dict[str, Any]:
        return {
            "n": mix_scene.SIDE,
            "seed": mix_scene.SEED,
            "sigmas": list(mix_scene.SIGMAS),
            "photo": palettes.to_base64(grey_bytes(mix_scene.patch())),
            "signs": palettes.to_base64(palettes.signs()),
            "x": _X.as_list(),
            "y": _Y.as_list(),
            "points": _COUNT,
            "steps": _STEPS,
        }


def full_scale(ask: Tensor) -> float:
    """Return the end of the colour scale: what both terms together ask for, four times its root mean square."""
    return round_up(max(4 * float(ask.square().mean().sqrt()), 1e-9))


def grey_bytes(values: Tensor) -> NDArray[np.uint8]:
    """Return grey levels as the page paints them."""
    return (values[0, 0].clamp(0, 1) * 255 + 0.5).floor().numpy().astype(np.uint8)


def signed_bytes(values: Tensor) -> NDArray[np.uint8]:
    """Return places in the table of signed colours, for values from -1 to 1."""
    return (((1 + values[0, 0]) / 2).clamp(0, 1) * 255 + 0.5).floor().numpy().astype(np.uint8)
