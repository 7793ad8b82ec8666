"""Five windows over an edge and over a blotch: what each of them sees, and what all charge together, in the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .. import _validate, png
from ..losses.multiscale import SIGMAS
from . import palettes, scales_scene
from .axes import LinearAxis, frame
from .base import Explorable
from .linear_chart import polyline
from .ssim_explorer import digits3, verdict

_X = LinearAxis(0, scales_scene.SIZE - 1, 34, 376)
_Y = LinearAxis(0.4, 1, 176, 24)
#: What the three buttons set: windows that are used, and the place, as the controls write it.
_STEPS = (([1, 1, 1, 1, 1], "66"), ([1, 1, 1, 1, 0], "66"), ([1, 1, 1, 1, 1], "27"))
#: Names of the five check boxes.
NAMES = tuple(f"s{number}" for number in range(len(SIGMAS)))


def three_places(value: float) -> str:
    """Write a factor as the page does."""
    return f"{value + 0.0:.3f}".replace("-", "\N{MINUS SIGN}")


class ScalesExplorer(Explorable):
    r"""Drag a place over an edge and a blotch, and switch windows on and off: every cs, the map and the price follow.

    The picture is a step with a blotch on its bright side and grain over both.  The blotch has the same mean square at
    every width.  The figure shows the loss :math:`1 - l\prod_j cs_j` over the windows that are switched on, each cs
    along the middle rows, and how much cheaper the blotch is than grain of the same mean square.  All of it is computed
    in the page in float64: ``ms_ssim_sigma_loss`` with ``padding="reflect"`` gives the same numbers.

    Parameters
    ----------
    width : float
        Of the blotch at the start, 3 to 16 pixels (rounded to 0.5).
    grain : float
        Its root mean square at the start, 0 to 8 grey levels of 255 (rounded to 0.5).
    place : int
        Column at the start, 0 to 95.
    sigmas : sequence of float
        The windows that are on at the start, at least one of .5, 1, 2, 4, 8.
    key : str
        See `Explorable`.

    Raises
    ------
    ValueError
        If a start value lies outside its slider, or `sigmas` has none or another width.
    """

    template = "scales_explorer.html"
    styles = ("scales_explorer.css",)
    scripts = ("filters.js", "scales.js", "scales_explorer.js")

    def __init__(
        self,
        *,
        width: float = 12.0,
        grain: float = 2.0,
        place: int = 66,
        sigmas: Sequence[float] = SIGMAS,
        key: str = "",
    ) -> None:
        super().__init__(label="What windows of five widths see of an edge and of a blotch", key=key)
        width = _validate.in_range("width", width, 3, 16)
        grain = _validate.in_range("grain", grain, 0, 8)
        self.place = int(_validate.in_range("place", place, 0, scales_scene.SIZE - 1))
        if not sigmas or not set(sigmas) <= set(SIGMAS):
            raise ValueError(f"sigmas must be at least one of {', '.join(f'{s:g}' for s in SIGMAS)}, got {sigmas!r}")
        self.width, self.grain = f"{round(width * 2) / 2:.1f}", f"{round(grain * 2) / 2:.1f}"
        self.used = tuple(sigma in sigmas for sigma in SIGMAS)

    def state(self) -> scales_scene.State:
        """Return the numbers of the first state."""
        return scales_scene.state(float(self.width), float(self.grain) / 255, self.used)

    def fields(self) -> dict[str, str]:
        s = self.state()
        times, meaning = verdict(s.prices.grain / s.prices.blotch)

        def bytes_of(values: Tensor) -> NDArray[np.uint8]:
            return (values[0, 0].clamp(0, 1) * 255 + 0.5).floor().numpy().astype(np.uint8)

        here = s.profiles[:, self.place].tolist()
        lines = {
            f"line{k}": polyline(_X, _Y, profile.clamp(_Y.low, _Y.high).tolist())
            for k, profile in enumerate(s.profiles)
        }
        return {
            **lines,
            **{f"cs{k}": three_places(value) for k, value in enumerate(here)},
            **{f"on{k}": " checked" if used else "" for k, used in enumerate(self.used)},
            **{f"state{k}": "on" if used else "off" for k, used in enumerate(self.used)},
            "width": self.width,
            "grain": self.grain,
            "place": str(self.place),
            "where": where(self.place),
            "picture": png.data_uri(png.encode(bytes_of(s.picture))),
            "map": png.data_uri(png.encode(bytes_of((s.map.clamp_min(1e-9).log10() + 3) / 3), palettes.amounts())),
            "picture_alt": "A step from dark grey on the left to light grey on the right, a brighter blotch in the "
            "middle of the right side, and grain over both.",
            "map_alt": f"Loss at each pixel, from dark (cheap) to bright (dear); mean {digits3(s.loss)}.",
            "mapbar": palettes.css_gradient(palettes.amounts()),
            "times": times,
            "meaning": meaning,
            "product": three_places(_product(here, self.used)),
            "loss": digits3(s.loss),
            "blotch": digits3(s.prices.blotch),
            "grainprice": digits3(s.prices.grain),
            "frame": frame(_X, _Y, (0, 16, 32, 48, 64, 80), (0.4, 0.6, 0.8, 1), "column", "cs", gap=6),
            "x": f"{_X(self.place):.1f}",
            "column": str(self.place + 0.5),
            "row": str(scales_scene.MIDDLE[0] + 0.5),
        }

    def data(self) -> dict[str, Any]:
        scene = scales_scene
        return {
            "n": scene.SIZE,
            "edge": scene.EDGE,
            "levels": [scene.LOW, scene.HIGH],
            "middle": list(scene.MIDDLE),
            "square": scene.MEAN_SQUARE,
            "rows": scene.ROWS,
            "seed": scene.SEED,
            "sigmas": list(SIGMAS),
            "amounts": palettes.to_base64(palettes.amounts()),
            "x": _X.as_list(),
            "y": _Y.as_list(),
            "steps": _STEPS,
        }


def where(place: int) -> str:
    """Say where a column lies."""
    away = place - scales_scene.EDGE
    return f"edge + {away + 1} px" if away >= 0 else f"edge \N{MINUS SIGN} {-away} px"


def _product(values: Sequence[float], used: Sequence[bool]) -> float:
    result = 1.0
    for value, one in zip(values, used, strict=True):
        result *= value if one else 1.0
    return result
