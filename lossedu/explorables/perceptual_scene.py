r"""The scene of the explorable on perceptual losses: pictures that all cost the same at one layer of VGG-16.

A picture costs :math:`\lVert\phi(x)-\phi(y)\rVert^2 / \lVert\phi(y)\rVert^2` at a layer.  One picture was found from
the features of the layer alone; the photograph is made noisy, blurred, shifted and darkened until each costs as much.
`measure` does that with the network and gives a table; the record of the experiment "inversion" keeps it, and
`recorded` reads the scene from there without a network.  The page makes the changed pictures with the same formulas; a
test holds the two together.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import _validate, png, records
from ..filters import gaussian_blur
from ..losses import vgg_features
from .draws import draws

#: Where pictures are compared: the last layer of each block of VGG-16.
LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")

#: Arm -> bits of a colour in the picture found from each layer.  With fewer than eight the page stays small; what a
#: picture costs is measured on the rounded one.  Random weights leave noise, which no file format makes smaller.
BITS = {
    "trained": dict(zip(LAYERS, (8, 7, 7, 7, 7), strict=True)),
    "random": dict(zip(LAYERS, (8, 7, 6, 6, 6), strict=True)),
}

#: Whose weights, by the name of the record's arms, and what `vgg_features` calls them.
ARMS = {"trained": "imagenet", "random": "random"}

#: What is done to the photograph, and the weakest strength that is tried: RMS of the noise in 255ths of the range,
#: deviation of the blur and way to the right in pixels, halvings of all values.  The strongest lies `OCTAVES` above it.
CHANGES = {"noise": 0.02, "blur": 0.15, "shift": 0.004, "dark": 0.0005}
OCTAVES = {"noise": 12.0, "blur": 6.0, "shift": 12.0, "dark": 13.0}

#: The search for a strength ends when costs are this equal, or after so many steps.
TOLERANCE, STEPS = 1e-3, 30

#: Seed of the noise.
SEED = 7


def noise(size: int) -> Tensor:
    """Return nearly normal noise of deviation 1, (1, 3, size, size), from a generator that the page can repeat."""
    return draws(3 * size * size, seed=SEED, terms=12).view(1, 3, size, size) - 6


def shifted(y: Tensor, way: float) -> Tensor:
    """Return a picture moved to the right, with cubic interpolation (Keys, 1981, a = -1/2) and its border repeated."""
    whole = math.floor(-way)
    t = -way - whole
    near, far = (1 + t * t * (1.5 * t - 2.5), t * (0.5 + t * (2 - 1.5 * t)))
    weights = (t * (-0.5 + t * (1 - 0.5 * t)), near, far, t * t * (0.5 * t - 0.5))
    column = torch.arange(y.shape[-1]) + whole
    taps = [w * y[..., (column + k - 1).clamp(0, y.shape[-1] - 1)] for k, w in enumerate(weights)]
    return torch.stack(taps).sum(dim=0)


def changed(y: Tensor, kind: str, strength: float) -> Tensor:
    """Return a photograph that one of `CHANGES` has befallen, in [0, 1] and not rounded.

    Parameters
    ----------
    y : Tensor
        (1, 3, N, N), float64 in [0, 1].
    kind : str
        One of `CHANGES`, which also says the unit of `strength`.
    strength : float
        Above 0.
    """
    _validate.option("kind", kind, CHANGES)
    if kind == "noise":
        x = y + strength / 255 * noise(y.shape[-1])
    elif kind == "blur":
        x = gaussian_blur(y, strength)
    elif kind == "shift":
        x = shifted(y, strength)
    else:
        x = y * 2**-strength
    return x.clamp(0, 1)


def _image(pixels: NDArray[np.uint8]) -> Tensor:
    return torch.from_numpy(pixels / 255.0).permute(2, 0, 1)[None]


def _pixels(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the pixels of a picture, (N, N, 3), that is given as such or as the bytes of a PNG file."""
    if picture.ndim == 3:
        return picture
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(picture.tobytes())).convert("RGB"))


def fewer(pixels: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Return a picture with `bits` bits a colour: whole multiples of 2 ** (8 - bits), and 255."""
    step = 2 ** (8 - bits)
    return np.minimum((pixels.astype(int) + step // 2) // step * step, 255).astype(np.uint8)


def rounded(picture: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Return the picture found from "arm/layer" as the page shows it, (N, N, 3), with `BITS` a colour."""
    arm, layer = name.split("/")
    return fewer(_pixels(picture), BITS.get(arm, {}).get(layer, 8))


class _Costs:
    """What pictures cost at all layers, compared with one."""

    def __init__(self, y: Tensor, weights: str) -> None:
        self.weights, self.goal = weights, self._features(y, LAYERS, weights)

    @staticmethod
    def _features(x: Tensor, layers: tuple[str, ...], weights: str) -> dict[str, Tensor]:
        with torch.no_grad():
            return vgg_features(x.float(), layers, weights=weights)

    def __call__(self, x: Tensor, layers: tuple[str, ...] = LAYERS) -> list[float]:
        seen = self._features(x, layers, self.weights)
        return [float((seen[n] - self.goal[n]).square().sum() / self.goal[n].square().sum()) for n in layers]


def _strength(y: Tensor, kind: str, costs: _Costs, layer: str, goal: float) -> float:
    """Return the strength at which a change costs `goal` at a layer, with four digits.

    The search follows the square law, cost ~ strength ** 2, and halves the interval where that would leave it.
    """
    most = math.log2((y.shape[-1] - 1) / 4 / CHANGES["blur"]) if kind == "blur" else math.inf  # the window has to fit
    low, high = 0.0, min(OCTAVES[kind], most)
    octave = (low + high) / 2
    for _ in range(STEPS):
        cost = costs(changed(y, kind, CHANGES[kind] * 2**octave), (layer,))[0]
        if abs(cost / goal - 1) < TOLERANCE:
            break
        low, high = (octave, high) if cost < goal else (low, octave)
        guess = octave + math.log2(goal / max(cost, 1e-12)) / 2
        octave = guess if low < guess < high else (low + high) / 2
    return float(f"{CHANGES[kind] * 2**octave:.4g}")


def measure(y: Tensor, found: Mapping[str, NDArray[np.uint8]], arms: Mapping[str, str] = ARMS) -> dict[str, Any]:
    """Return the table that the explorable shows, as plain JSON types: for the record's settings.

    Parameters
    ----------
    y : Tensor
        The photograph, (1, 3, N, N) in [0, 1]; it is rounded to whole 255ths.
    found : mapping of str to array
        "arm/layer" -> the picture found from that layer, pixels (N, N, 3) or the bytes of a PNG file, uint8.
        Others than those of `arms` and `LAYERS` are left aside.
    arms : mapping of str to str
        Name -> weights as `vgg_features` knows them: those that the pictures were found with.

    Returns
    -------
    dict
        "photograph": a PNG file in base64; "flat": arm -> what one flat colour, the photograph's mean, costs at
        each layer; "states": "arm/layer" -> "found" and each of `CHANGES` -> "strength" (not for "found"), "costs" at
        each layer, and "psnr".
    """
    pixels = (y.detach().cpu().double().clamp(0, 1) * 255).round()[0].permute(1, 2, 0).numpy().astype(np.uint8)
    y = _image(pixels)

    def entry(x: Tensor, costs: _Costs, **more: float) -> dict[str, Any]:
        ratio = float((x - y).square().mean().clamp_min(1e-12))
        return {**more, "costs": [float(f"{c:.4g}") for c in costs(x)], "psnr": round(-10 * math.log10(ratio), 2)}

    file = base64.b64encode(png.encode(pixels, small=True)).decode("ascii")
    table: dict[str, Any] = {"photograph": file, "flat": {}, "states": {}}
    for arm, weights in arms.items():
        costs = _Costs(y, weights)
        table["flat"][arm] = entry(y.mean(dim=(2, 3), keepdim=True).expand_as(y), costs)["costs"]
        for k, layer in enumerate(LAYERS):
            name = f"{arm}/{layer}"
            if name not in found:
                continue
            state = {"found": entry(_image(rounded(found[name], name)), costs)}
            for kind in CHANGES:
                strength = _strength(y, kind, costs, layer, state["found"]["costs"][k])
                state[kind] = entry(changed(y, kind, strength), costs, strength=strength)
            table["states"][name] = state
    return table


class Scene(NamedTuple):
    """What the page needs: the photograph (N, N, 3), the pictures found, rounded, by "arm/layer", and the table."""

    photograph: NDArray[np.uint8]
    found: Mapping[str, NDArray[np.uint8]]
    table: Mapping[str, Any]

    def image(self) -> Tensor:
        """Return the photograph, (1, 3, N, N), float64 in [0, 1]."""
        return _image(self.photograph)

    @classmethod
    def of(cls, table: Mapping[str, Any], found: Mapping[str, NDArray[np.uint8]]) -> Scene:
        """Put the scene together from what `measure` returned and the pictures it was given."""
        photograph = _pixels(np.frombuffer(base64.b64decode(table["photograph"]), dtype=np.uint8))
        return cls(photograph, {name: rounded(found[name], name) for name in table["states"]}, table)


def recorded(name: str = "inversion-cpu") -> Scene:
    """Return the scene that a record of the experiment "inversion" keeps; no weights are needed."""
    record = records.load(name)
    if "explorable" not in record.settings:
        raise ValueError(f"name must be a record with the table of `measure` in its settings, got {name!r} without it")
    return Scene.of(record.settings["explorable"], record.weights)
