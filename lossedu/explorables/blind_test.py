"""The reader as observer: twenty choices between two damaged pictures, and what they say, computed in the page."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from torch import Tensor

from .. import png
from . import observer_scene
from .base import Explorable, escape

#: What is to be seen in each photograph: the damage is the reader's to find.
_SEEN = {
    "astronaut": "a smiling woman with short hair, head and shoulders",
    "camera": "the head of a man in profile, looking into a camera",
    "chelsea": "the eye of a cat and the fur around it",
    "coffee": "the rim of a cup on a dark saucer",
    "rocket": "the white body of a rocket before a plain sky",
}


def _uri(x: Tensor) -> str:
    return png.data_uri(png.encode((x[0, 0] * 255).round().numpy().astype(np.uint8)))


class BlindTest(Explorable):
    """Twenty times the reader says which of two pictures is closer to the reference; then the page counts.

    The pictures are those of `observer_scene.choices`: equal but for a tenth of the mean square error, unequal in
    everything else.  Order and sides are drawn in the page, anew for each test; the choices stay in the
    browser's local storage, with a digest of the pairs that they belong to.  From them the page fits the model of
    Bradley and Terry to the kinds of damage, `preferences.bradley_terry`, and counts how often each metric would have
    chosen as the reader did, with the interval of `preferences.wilson`.  A choice of "can't tell" counts one half each
    way in the fit, and not at all for the metrics.  Choices made after results were seen are named as not blind.

    Parameters
    ----------
    spread : float
        Standard deviation of the strengths beforehand; see `preferences.bradley_terry`.
    key : str
        See `Explorable`.
    """

    template = "blind_test.html"
    styles = ("blind_test.css",)
    scripts = ("preferences.js", "blind_test.js")

    def __init__(self, *, spread: float = 1.0, key: str = "") -> None:
        super().__init__(label="Blind test: which of two damaged pictures is closer to the reference", key=key)
        self.spread = spread
        self.choices = observer_scene.choices()

    def fields(self) -> dict[str, str]:
        first = self.choices[0]
        seen = _SEEN[first.photograph]
        return {
            "side": str(observer_scene.SIDE),
            "count": str(len(self.choices)),
            "left": _uri(first.pictures[0]),
            "right": _uri(first.pictures[1]),
            "reference": _uri(observer_scene.reference(first.photograph)),
            "left_alt": escape(f"Damaged, left: {seen}."),
            "right_alt": escape(f"Damaged, right: {seen}."),
            "reference_alt": escape(f"Undamaged: {seen}."),
        }

    def data(self) -> dict[str, Any]:
        names, kinds = list(observer_scene.CROPS), list(observer_scene.KINDS)
        choices = [
            {
                "photograph": names.index(choice.photograph),
                "kinds": [kinds.index(kind) for kind in choice.kinds],
                "pictures": [_uri(picture) for picture in choice.pictures],
                "preferred": list(choice.preferred.values()),
            }
            for choice in self.choices
        ]
        shown = [[choice[key] for key in ("photograph", "kinds", "pictures")] for choice in choices]
        return {
            "photographs": [
                {"name": name, "alt": _SEEN[name], "picture": _uri(observer_scene.reference(name))} for name in names
            ],
            "kinds": kinds,
            "metrics": list(observer_scene.METRICS),
            "spread": self.spread,
            "digest": hashlib.sha256(repr([names, kinds, shown]).encode()).hexdigest()[:12],
            "choices": choices,
        }
