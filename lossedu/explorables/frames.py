"""A slider over pictures that were drawn beforehand: for whatever a page cannot compute by itself."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

from .. import png
from .base import Explorable, escape

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class FrameSlider(Explorable):
    """A slider over pictures.

    Parameters
    ----------
    frames : sequence of bytes
        One PNG file for each position, all of one size.
    values : sequence
        What the slider says at each position (numbers or words).
    label : str
        Name of what is dragged, for example ``"Window width σ"``.
    alt : str or sequence of str
        What is to be seen, in words: one text a frame, or one with ``{value}`` where the value goes.
    unit : str
        Written after the value.
    start : int
        Position of the first state, the one that is printed.
    zoom : int, optional
        Show each pixel as a square of this many screen pixels, without smoothing.  Leave it out for plots, which
        are scaled down to the page's width if they are wider.
    key : str
        See `Explorable`.

    Raises
    ------
    ValueError
        If there are no frames, their numbers differ, `start` is not one of them, or a frame is not a PNG file.
    """

    template = "frames.html"
    scripts = ("frames.js",)

    def __init__(
        self,
        frames: Sequence[bytes],
        values: Sequence[object],
        *,
        label: str,
        alt: str | Sequence[str],
        unit: str = "",
        start: int = 0,
        zoom: int | None = None,
        key: str = "",
    ) -> None:
        super().__init__(label=label, key=key)
        self.frames = list(frames)
        self.values = [f"{value}{' ' if unit else ''}{unit}" for value in values]
        count = len(self.frames)
        self.alts = [alt.format(value=value) for value in self.values] if isinstance(alt, str) else list(alt)
        if not count:
            raise ValueError("frames must hold at least one PNG file, got none")
        if len(self.values) != count or len(self.alts) != count:
            raise ValueError(
                "frames, values and alt must have one entry a position, "
                f"got {count}, {len(self.values)}, {len(self.alts)}"
            )
        for i, frame in enumerate(self.frames):
            if frame[:8] != _SIGNATURE:
                raise ValueError(f"frames[{i}] must be a PNG file as bytes, got one that begins with {frame[:8]!r}")
        if len({frame[16:24] for frame in self.frames}) > 1:  # where a PNG file keeps its width and height
            raise ValueError("frames must all have one size, or the page would jump while the slider moves")
        if not 0 <= start < count:
            raise ValueError(f"start must be a position from 0 to {count - 1}, got {start}")
        if zoom is not None and zoom < 1:
            raise ValueError(f"zoom must be a whole number from 1 up, got {zoom}")
        self.start, self.zoom = start, zoom

    @classmethod
    def from_figures(
        cls, draw: Callable[[Any], Any], values: Sequence[object], *, dpi: int = 100, **options: Any
    ) -> FrameSlider:
        """Call ``draw(value)``, which returns a matplotlib figure, for each of `values` and keep the pictures.

        `dpi` is the resolution; `options` are those of the class.  The figures are closed.
        """
        import matplotlib.pyplot as plt

        frames = []
        for value in values:
            figure = draw(value)
            buffer = io.BytesIO()
            # the name of the program and the cropping to content would let bytes and sizes differ
            figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None}, bbox_inches=None)
            plt.close(figure)
            frames.append(buffer.getvalue())
        return cls(frames, values, **options)

    def fields(self) -> dict[str, str]:
        width, height = (int.from_bytes(self.frames[0][i : i + 4], "big") * (self.zoom or 1) for i in (16, 20))
        return {
            "label": escape(self.label),
            "last": str(len(self.frames) - 1),
            "start": str(self.start),
            "value": escape(self.values[self.start]),
            "uri": png.data_uri(self.frames[self.start]),
            "alt": escape(self.alts[self.start]),
            "width": str(width),
            "height": str(height),
            "kind": "lx-pixels" if self.zoom else "lx-plot",
        }

    def data(self) -> dict[str, list[str]]:
        uris = [png.data_uri(frame) for frame in self.frames]
        return {"uris": uris, "values": self.values, "alts": self.alts}
