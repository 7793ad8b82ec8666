"""A slider over the layers of VGG-16, and pictures that all cost the same at the layer it stands on."""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _validate, png
from . import perceptual_scene
from .axes import LogAxis
from .base import Explorable, escape
from .mix_explorer import two_digits
from .perceptual_scene import ARMS, CHANGES, LAYERS, Scene
from .ssim_explorer import digits3

#: From the cost at a bar's left end to that at its right end, and where these lie in per cent.
_AXIS = LogAxis(1e-4, 10, 0, 100)
#: What the pictures are called in a sentence.
_NAMES = {"found": "found", "noise": "noisy", "blur": "blurred", "shift": "shifted", "dark": "darker"}
_WEIGHTS = {"trained": "trained weights", "random": "random weights"}
#: A picture of more than this PSNR is called close to the photograph.
_CLOSE = 30.0


def bitmap_uri(pixels: NDArray[np.uint8]) -> str:
    """Return a picture as the address of a BMP file: its bytes are the pixels, which the script reads from there."""
    height, width = pixels.shape[:2]
    rows = np.pad(pixels[..., ::-1].reshape(height, -1), ((0, 0), (0, -3 * width % 4)))
    head = struct.pack("<2sIHHI", b"BM", 54 + rows.size, 0, 0, 54)
    head += struct.pack("<IiiHHIIiiII", 40, width, -height, 1, 24, 0, rows.size, 2835, 2835, 0, 0)
    return "data:image/bmp;base64," + base64.b64encode(head + rows.tobytes()).decode("ascii")


def percent(cost: float) -> str:
    """Return where a bar ends, as the page writes it."""
    return f"{min(100.0, max(1.0, _AXIS(cost))):.1f}%"


def caption(picture: str, layer: str, strength: float) -> str:
    """Return what stands above a picture."""
    return {
        "found": f"Found from {layer}",
        "noise": f"Noise, {digits3(strength)} / 255",
        "blur": f"Blur, σ {digits3(strength)} px",
        "shift": f"Shifted {digits3(strength)} px",
        "dark": f"Darker, × {digits3(2**-strength)}",
    }[picture]


def verdict(state: Mapping[str, Any], name: str) -> str:
    """Return in words what a state shows; `name` is its "arm/layer"."""
    arm, layer = name.split("/")
    place = LAYERS.index(layer)
    goal, own = state["found"]["costs"][place], state["found"]["psnr"]
    apart = max(1, math.ceil(100 * max(abs(each["costs"][place] / goal - 1) for each in state.values())))
    levels = {kind: state[kind]["psnr"] for kind in CHANGES}
    worst, best = min(levels, key=levels.__getitem__), max(levels, key=levels.__getitem__)
    text = f"At {layer}, {_WEIGHTS[arm]}, all five pictures cost {two_digits(goal)}, to within {apart} %. "
    if min(own, levels[worst]) > _CLOSE:
        level, lowest = min((each["psnr"], _NAMES[kind]) for kind, each in state.items())
        return f"{text}All are close to the photograph: the lowest PSNR is {level:.1f} dB ({lowest})."
    text += (
        f"PSNR: {own:.1f} dB for the found picture; for the four changes from {levels[worst]:.1f} dB "
        f"({_NAMES[worst]}) to {levels[best]:.1f} dB ({_NAMES[best]})."
    )
    ratio = state["found"]["costs"][0] / state[best]["costs"][0]
    if ratio < 2:
        return text
    times = f"{ratio:.{0 if ratio >= 10 else 1}f}"
    return f"{text} At {LAYERS[0]} the found picture costs {times} times as much as the {_NAMES[best]} one."


class PerceptualExplorer(Explorable):
    """Drag through the layers of VGG-16 and see which pictures cost the same there, and how they look.

    Beside a photograph stand a picture that was found from the features of the chosen layer alone, and the photograph
    with noise, blurred, shifted and darkened, each as much as it takes to cost the same there.  Bars show what they
    cost at all layers.  A switch takes random weights for trained ones.  The costs and the pictures found come from
    a record; the other pictures are made in the page.

    Parameters
    ----------
    layer : str
        Where pictures are compared at the start: one of `perceptual_scene.LAYERS`.
    weights : {"trained", "random"}
        Those of the start.
    scene : Scene, optional
        Another photograph, measured by `perceptual_scene.measure`; `perceptual_scene.recorded` when left out.
    key : str
        See `Explorable`.

    Raises
    ------
    ValueError
        If `layer` or `weights` is unknown, or there is no record.
    """

    template = "perceptual_explorer.html"
    styles = ("perceptual_explorer.css",)
    scripts = ("filters.js", "perceptual_explorer.js")

    def __init__(
        self, *, layer: str = LAYERS[-1], weights: str = "trained", scene: Scene | None = None, key: str = ""
    ) -> None:
        super().__init__(label="Pictures that cost the same at a layer of VGG-16", key=key)
        _validate.option("layer", layer, LAYERS)
        _validate.option("weights", weights, ARMS)
        self.layer, self.weights = layer, weights
        self.scene = perceptual_scene.recorded() if scene is None else scene

    def fields(self) -> dict[str, str]:
        name, place = f"{self.weights}/{self.layer}", LAYERS.index(self.layer)
        state = self.scene.table["states"][name]
        return {
            "place": str(place),
            "layer": self.layer,
            "size": str(len(self.scene.photograph)),
            "photograph": bitmap_uri(self.scene.photograph),
            "flat": _rows("flat", self.scene.table["flat"][self.weights], place),
            "cards": "\n".join(self._card(name, picture) for picture in state),
            "verdict": escape(verdict(state, name)),
            **{arm: " selected" if self.weights == arm else "" for arm in ARMS},
        }

    def _card(self, name: str, picture: str) -> str:
        """Return a picture with its bars."""
        layer = name.split("/")[1]
        entry, size = self.scene.table["states"][name][picture], 2 * len(self.scene.photograph)
        title = caption(picture, layer, entry.get("strength", 0.0))
        if picture == "found":
            pixels, kind = self.scene.found[name], "data-found"
        else:
            pixels, kind = still(self.scene, picture, entry["strength"]), f'data-px="{picture}"'
        uri = png.data_uri(png.encode(pixels, small=True))
        return (
            f'<figure><figcaption data-out="{picture}">{title}</figcaption>\n<div class="lx-over">'
            f'<img class="lx-pixels" {kind} src="{uri}" width="{size}" height="{size}" alt="{title}."></div>\n'
            f'<p class="lx-psnr">PSNR <b data-out="{picture}psnr">{entry["psnr"]:.1f} dB</b></p>\n'
            f"{_rows(picture, entry['costs'], LAYERS.index(layer))}</figure>"
        )

    def data(self) -> dict[str, Any]:
        table, here = self.scene.table, f"{self.weights}/{self.layer}"
        states = {}
        for name, state in table["states"].items():
            layer = name.split("/")[1]
            titles = {each: caption(each, layer, entry.get("strength", 0.0)) for each, entry in state.items()}
            states[name] = {"verdict": verdict(state, name), "titles": titles, "pictures": state}
        uris = {name: png.data_uri(png.encode(self.scene.found[name], small=True)) for name in states if name != here}
        return {
            "n": len(self.scene.photograph),
            "seed": perceptual_scene.SEED,
            "layers": LAYERS,
            "axis": _AXIS.as_list(),
            "flat": table["flat"],
            "states": states,
            "here": here,  # whose picture stands in the page already
            "found": uris,
        }


def still(scene: Scene, kind: str, strength: float) -> NDArray[np.uint8]:
    """Return a changed photograph for a page without scripts: 32 levels a colour to save room, 64 in the dark."""
    x = perceptual_scene.changed(scene.image(), kind, strength)
    pixels = (x[0].permute(1, 2, 0) * 255 + 0.5).floor().numpy().astype(np.uint8)
    return perceptual_scene.fewer(pixels, 6 if kind == "dark" else 5)


def _rows(picture: str, costs: list[float], chosen: int) -> str:
    """Return bars and numbers: what a picture costs at each layer."""
    rows = (
        f'<div data-state="{"on" if k == chosen else "off"}"><dt>{layer}</dt><dd><span>'
        f'<i data-bar="{picture}{k}" style="width:{percent(cost)}"></i></span> '
        f'<b data-out="{picture}{k}">{two_digits(cost)}</b></dd></div>'
        for k, (layer, cost) in enumerate(zip(LAYERS, costs, strict=True))
    )
    return f'<dl class="lx-costs">{"".join(rows)}</dl>'
