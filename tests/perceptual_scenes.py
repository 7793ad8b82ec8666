"""A scene for the explorable on perceptual losses whose numbers are made up: neither a record nor a network."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pictures import photo

from lossedu import png
from lossedu.explorables.perceptual_scene import ARMS, CHANGES, LAYERS, Scene

#: What stands for strengths in the state of layer k.
STRENGTHS = {
    "noise": (0.5, 2.0, 3.0, 9.0, 20.0),
    "blur": (0.15, 0.4, 0.55, 1.0, 9.0),
    "shift": (0.02, 0.5, 1.0, 2.25, 7.9),
    "dark": (0.01, 0.2, 0.5, 1.0, 3.0),
}


def coloured(size: int) -> NDArray[np.uint8]:
    """Return a picture with three different channels, (size, size, 3)."""
    grey = (photo(size=size)[0, 0].numpy() * 255).round()
    return np.stack([grey, 255 - grey.T, grey[::-1]], axis=-1).clip(0, 255).astype(np.uint8)


@cache
def made_up(size: int = 96) -> Scene:
    """Return a scene in which a picture costs ten times less from one layer to the next, and all cost the same here."""
    pixels = coloured(size)
    draw = np.random.default_rng(0)
    found, states = {}, {}
    for arm in ARMS:
        for k, layer in enumerate(LAYERS):
            spoiled = pixels + draw.normal(size=pixels.shape) * 4**k
            found[f"{arm}/{layer}"] = spoiled.clip(0, 255).astype(np.uint8)
            costs = [10.0 ** (k - j - 2) for j in range(5)]
            state: dict[str, Any] = {"found": {"costs": costs, "psnr": 40.0 - 7 * k}}
            for i, kind in enumerate(CHANGES):
                others = [cost if j == k else cost * (i + 2) / 10 for j, cost in enumerate(costs)]
                state[kind] = {"strength": STRENGTHS[kind][k], "costs": others, "psnr": 48.0 - 2 * k - 3 * i}
            states[f"{arm}/{layer}"] = state
    table = {
        "photograph": base64.b64encode(png.encode(pixels)).decode("ascii"),
        "flat": {"trained": [0.9, 1.0, 1.0, 1.0, 1.1], "random": [0.5] * 5},
        "states": states,
    }
    return Scene.of(table, found)
