"""What SSIM charges for grain and for splotches of the same mean squared error, computed in the page."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import _validate, png
from ..losses.structural import ssim_grad, ssim_loss, ssim_map
from . import palettes, ssim_scene
from .axes import LogAxis, frame
from .base import Explorable
from .log_chart import curve

_X = LogAxis(2, 128, 44, 372)  # wavelength in pixels
_Y = LogAxis(0.5, 3000, 176, 24)  # price relative to MSE
_COUNT = 73  # points of a curve
#: What the three buttons set: (sigma, base-2 logarithm of the wavelength), as the sliders write them.
_STEPS = (("1.5", "1.00"), ("1.5", "7.00"), ("9.0", "7.00"))


class _State(NamedTuple):
    """Everything the figure shows, from Python's own functions."""

    picture: Tensor
    map: Tensor
    pull: Tensor
    mse: float
    loss: float
    price: float
    grain_price: float
    pull_rms: float


def digits3(value: float) -> str:
    """Write a number with three significant digits and no exponent, as the page does."""
    return f"{value:.{max(0, 2 - math.floor(math.log10(value)))}f}" if value > 0 else "0"


def round_up(value: float) -> float:
    """Return the next number of the form 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= value)


def verdict(ratio: float) -> tuple[str, str]:
    """Return the headline for a disturbance that is `ratio` times cheaper than grain: a number and what it means."""
    if 0.95 < ratio < 1.05:
        return "1×", "the price of grain"
    times = max(ratio, 1 / ratio)
    return f"{times:.{0 if times >= 10 else 1}f}×", "cheaper than grain" if ratio > 1 else "dearer than grain"


class SSIMExplorer(Explorable):
    r"""Drag the size of a disturbance and SSIM's window, and see loss, gradient and price; MSE never moves.

    A disturbance of one wavelength and of fixed mean square is added to a photograph, or to flat grey.  The figure
    shows the picture, the map of 1 - SSIM, the gradient of the loss, and the price (1 - SSIM) / MSE, beside the
    theory for weak disturbances on flat ground, `flat_price`.  All of it is computed in the page in float64, with
    ``padding="reflect"``: ``ssim_map``, ``ssim_loss`` and ``ssim_grad`` with that option give the same numbers.

    Parameters
    ----------
    sigma : float
        Width of the window at the start, 0.5 to 10 pixels (rounded to the slider's 0.1).
    wavelength : float
        Size of the disturbance at the start, 2 to 128 pixels (rounded to a twentieth of an octave).
    strength : float
        Root mean square of the disturbance at the start, 0.5 to 12 grey levels of 255 (rounded to 0.5).
    ground : {"photograph", "flat"}
        What the disturbance is added to at the start.
    photo : Tensor, optional
        Another photograph, (1, 1, 96, 96) with values in [0, 1]; it is rounded to whole 255ths.  `camera_crop`
        when left out.
    key : str
        See `Explorable`.

    Raises
    ------
    ValueError
        If a start value lies outside its slider, `ground` is unknown, or `photo` has another shape.
    """

    template = "ssim_explorer.html"
    styles = ("ssim_explorer.css",)
    scripts = ("filters.js", "ssim.js", "ssim_explorer.js")

    def __init__(
        self,
        *,
        sigma: float = 1.5,
        wavelength: float = 2.0,
        strength: float = 5.0,
        ground: str = "photograph",
        photo: Tensor | None = None,
        key: str = "",
    ) -> None:
        super().__init__(label="What SSIM charges for grain and for splotches of the same MSE", key=key)
        sigma = _validate.in_range("sigma", sigma, 0.5, 10)
        wavelength = _validate.in_range("wavelength", wavelength, 2, 128)
        strength = _validate.in_range("strength", strength, 0.5, 12)
        _validate.option("ground", ground, ("photograph", "flat"))
        photo = ssim_scene.camera_crop() if photo is None else photo
        _validate.image("photo", photo)
        if photo.shape != (1, 1, ssim_scene.SIZE, ssim_scene.SIZE):
            raise ValueError(f"photo must have shape (1, 1, 96, 96), got {tuple(photo.shape)}")
        # as the sliders will write them, so that the page starts from the very same numbers
        self.sigma, self.scale = f"{round(sigma, 1):.1f}", f"{round(math.log2(wavelength) * 20) / 20:.2f}"
        self.strength, self.ground = f"{round(strength * 2) / 2:.1f}", ground
        self._bytes = (photo.detach().cpu().double().clamp(0, 1) * 255).round()[0, 0].numpy().astype(np.uint8)

    @property
    def reference(self) -> Tensor:
        """The clean picture of the first state, (1, 1, 96, 96), float64."""
        photo = torch.from_numpy(self._bytes / 255.0)[None, None]
        return photo if self.ground == "photograph" else torch.full_like(photo, ssim_scene.FLAT)

    def _state(self) -> _State:
        y, sigma, rms = self.reference, float(self.sigma), float(self.strength) / 255
        x = y + ssim_scene.disturbance(2 ** float(self.scale), rms=rms)
        grain = y + ssim_scene.disturbance(2, rms=rms)
        loss, grain_loss = (ssim_loss(image, y, sigma=sigma, padding="reflect").item() for image in (x, grain))
        mse = (x - y).square().mean().item()
        # in units of MSE's own root mean square gradient, 2 rms / N
        pull = ssim_grad(x, y, sigma=sigma, padding="reflect") * (x.numel() / (2 * rms))
        local = 1 - ssim_map(x, y, sigma=sigma, padding="reflect")
        return _State(x, local, pull, mse, loss, loss / mse, grain_loss / mse, pull.square().mean().sqrt().item())

    def fields(self) -> dict[str, str]:
        s, wavelength, sigma = self._state(), 2 ** float(self.scale), float(self.sigma)
        full = round_up(3 * s.pull_rms)
        times, meaning = verdict(s.grain_price / s.price)
        level = self.reference.mean().item()
        ground = "flat grey" if self.ground == "flat" else self.ground

        def bytes_of(values: Tensor) -> NDArray[np.uint8]:
            return (values[0, 0].clamp(0, 1) * 255 + 0.5).floor().numpy().astype(np.uint8)

        def price(at: float, window: float) -> float:
            return ssim_scene.flat_price(1 / at, window, level=level)

        ticks = ((2, 4, 8, 16, 32, 64, 128), (1, 10, 100, 1000))
        return {
            "sigma": self.sigma,
            "scale": self.scale,
            "strength": self.strength,
            "wavelength": digits3(wavelength),
            "photograph": " selected" if self.ground == "photograph" else "",
            "flat": " selected" if self.ground == "flat" else "",
            "picture": png.data_uri(png.encode(bytes_of(s.picture))),
            "map": png.data_uri(png.encode(bytes_of((s.map.log10() + 3) / 3), palettes.amounts())),
            "pull": png.data_uri(png.encode(bytes_of((1 - s.pull / full) / 2), palettes.signs())),
            "picture_alt": f"The {ground} with a disturbance of wavelength {digits3(wavelength)} px added.",
            "map_alt": f"Loss at each pixel, from dark (cheap) to bright (dear); mean {digits3(s.loss)}.",
            "pull_alt": "What the gradient asks of each pixel, rust for brighter and blue for darker; root mean square "
            f"{digits3(s.pull_rms)} times that of MSE.",
            "mapbar": palettes.css_gradient(palettes.amounts()),
            "pullbar": palettes.css_gradient(palettes.signs()),
            "full": f"{full:g}",
            "times": times,
            "meaning": meaning,
            "mse": digits3(s.mse * 1e6),
            "loss": digits3(s.loss),
            "price": digits3(s.price),
            "force": digits3(s.pull_rms),
            "frame": frame(_X, _Y, *ticks, "wavelength of the disturbance (px)", "price: (1 − SSIM) / MSE"),
            "curve": curve(_X, _Y, lambda v: price(v, sigma), _COUNT),
            "ghost": curve(_X, _Y, lambda v: price(v, 1.5), _COUNT),
            "x": f"{_X(wavelength):.1f}",
            "theory": f"{_Y(price(wavelength, sigma)):.1f}",
            "measured": f"{_Y(s.price):.1f}",
            "one": f"{_Y(1):.1f}",
        }

    def data(self) -> dict[str, Any]:
        return {
            "n": ssim_scene.SIZE,
            "photo": palettes.to_base64(self._bytes),
            "flat": ssim_scene.FLAT,
            "seed": ssim_scene.SEED,
            "bandwidth": ssim_scene.BANDWIDTH,
            "amounts": palettes.to_base64(palettes.amounts()),
            "signs": palettes.to_base64(palettes.signs()),
            "x": _X.as_list(),
            "y": _Y.as_list(),
            "points": _COUNT,
            "steps": _STEPS,
        }
