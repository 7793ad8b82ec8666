"""Move the tones of a picture or its pixels, and see what a histogram loss notices and what each pixel feels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from .. import _validate, png
from . import emd_chart as chart
from . import emd_scene as scene
from . import palettes
from .base import Explorable
from .mix_explorer import grey_bytes, signed_bytes
from .ssim_explorer import digits3

#: Steps of one run, and rows that "Move the sky" brings from the bottom to the top.
_RUN, _ROLL = 20, 16
_NAMES = {"sort": "exact, by sorting", "linear": "linear kernel", "logistic": "logistic kernel"}
#: What can be set of the tones: name, lowest, highest and step of the slider.
_SLIDERS = (("shift", -0.5, 0.5, 100), ("gain", -2.0, 2.0, 10), ("gamma", 0.3, 2.5, 20))
#: What the three buttons of the guesses set.
_START = {"pshift": "-0.22", "pgain": "0.0", "pgamma": "1.00", "tshift": "0.00", "tgain": "0.3", "tgamma": "1.00"}
_STEPS: tuple[dict[str, str | bool], ...] = (
    {**_START, "kernel": "sort"},
    {**_START, "kernel": "logistic", "width": "0", "mirror": True},
    {**_START, "kernel": "logistic", "width": "0", "mirror": False},
)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _signed(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def black_text(s: scene.State) -> str:
    """Return in words what black pixels should do, and what they feel."""
    if not s.black:
        return "No pixel is black."
    text = f"Black pixels ({_percent(s.black)}) should "
    if not s.black_goal > scene.MOVED:
        return f"{text}stay black; their mean pull is {_signed(s.black_pull, 2)}."
    if s.black_pull > scene.FELT:
        return f"{text}get lighter, and are pulled lighter: {digits3(s.black_pull)}."
    if s.black_pull < -scene.FELT:
        return f"{text}get lighter, but are pushed darker: {digits3(-s.black_pull)}, the wrong way."
    return f"{text}get lighter, but feel nothing: they stay black."


def _tones(name: str, values: Sequence[float]) -> scene.Tones:
    """Check the tones and round them as the sliders will write them."""
    if len(values) != len(_SLIDERS):
        raise ValueError(f"{name} must have three numbers, shift, gain and gamma, got {values!r}")
    return scene.Tones(
        *(
            round(_validate.in_range(f"{name} ({what})", value, low, high) * steps) / steps + 0.0
            for value, (what, low, high, steps) in zip(values, _SLIDERS, strict=True)
        )
    )


class EMDExplorer(Explorable):
    r"""Drag the histogram of a picture or of its target, move the sky, narrow the kernel, and see who is pulled.

    A photograph with two settings of its tones: one is the picture, the other the target.  The chart shows both
    histograms and which grey level goes to which, both cumulative histograms with the area between them, and the pull
    on every pixel, :math:`-N\,\partial\mathcal L/\partial x_p` for N pixels: the exact distance pulls with 1.
    Buttons move pixels to other places, which changes what is seen and not the distance, and let pixels follow their
    pull.  All is computed in the page in float64; `histogram_emd_loss` gives the same numbers.

    Parameters
    ----------
    picture, target : tuple of float
        Shift, power of two of the gain, and gamma of the tones at the start: -0.5 to 0.5 (rounded to 0.01), -2 to 2
        (0.1) and 0.3 to 2.5 (0.05).  A pixel p of the photograph becomes gain * p ** gamma + shift, cut at 0 and 1.
    kernel : {"sort", "linear", "logistic"}
        As for `histogram_emd_loss`; 256 bins.
    narrow : float
        The bandwidth of the logistic kernel at the start: 0 for a bin's width / 2.5, 100 for a bin's width / 1000.
    mirror : bool
        Whether the logistic kernel is mirrored at the ends of the range at the start.
    key : str
        See `Explorable`.

    Raises
    ------
    ValueError
        If a start value lies outside its slider, or `kernel` is unknown.
    """

    template = "emd_explorer.html"
    styles = ("emd_explorer.css",)
    scripts = ("emd.js", "emd_chart.js", "emd_explorer.js")

    def __init__(
        self,
        *,
        picture: Sequence[float] = (-0.22, 0.0, 1.0),
        target: Sequence[float] = (0.0, 0.3, 1.0),
        kernel: str = "sort",
        narrow: float = 0,
        mirror: bool = True,
        key: str = "",
    ) -> None:
        super().__init__(label="What a histogram loss notices, and what each pixel feels of it", key=key)
        self.picture, self.target = _tones("picture", picture), _tones("target", target)
        _validate.option("kernel", kernel, scene.KERNELS)
        self.kernel, self.mirror = kernel, bool(mirror)
        self.narrow = round(_validate.in_range("narrow", narrow, 0, 100))

    def pictures(self) -> tuple[Tensor, Tensor]:
        """Return picture and target of the first state, (1, 1, 64, 64) each, float64."""
        photo = scene.photo()
        return self.picture(photo), self.target(photo)

    def state(self) -> scene.State:
        """Return the numbers of the first state."""
        return scene.state(*self.pictures(), self.kernel, scene.bandwidth(self.narrow), self.mirror)

    def fields(self) -> dict[str, str]:
        s, (x, y) = self.state(), self.pictures()
        felt = _percent(s.felt)
        found = {
            "picture": png.data_uri(png.encode(grey_bytes(x), small=True)),
            "target": png.data_uri(png.encode(grey_bytes(y), small=True)),
            "pull": png.data_uri(png.encode(signed_bytes(s.pull.clone().apply_(chart.pull_scale)), palettes.signs())),
            "pull_alt": f"Pull on each pixel, rust for lighter and blue for darker: {felt} of the pixels feel any.",
            "pullbar": palettes.css_gradient(palettes.signs()),
            "run": str(_RUN),
            "width": str(self.narrow),
            "width_text": f"L / {digits3(1 / scene.BINS / scene.bandwidth(self.narrow))}",
            "mirror": " checked" if self.mirror else "",
            "off": "" if self.kernel == "logistic" else " disabled",
            **{kernel: " selected" if kernel == self.kernel else "" for kernel in scene.KERNELS},
            "loss": f"{s.loss:.4f}",
            "inbins": f"{s.loss * scene.BINS:.1f}",
            "kernelname": _NAMES[self.kernel],
            "exact": f"{s.exact:.4f}",
            "apart": f"{s.apart:.4f}",
            "felt": felt,
            "largest": digits3(s.largest) if s.largest > scene.FELT else f"< {scene.FELT:g}",
            "blacktext": black_text(s),
            **self._chart(x, y, s.pull),
        }
        for who, tones in (("p", self.picture), ("t", self.target)):
            found |= {f"{who}{name[0]}": f"{value:.2f}" for name, value in zip(_SLIDERS, tones, strict=True)}
            found |= {f"{who}shift_text": _signed(tones.shift, 2), f"{who}gamma_text": f"{tones.gamma:.2f}"}
            found[f"{who}gain_text"] = f"× {2**tones.gain:.2f}"
        return found

    @staticmethod
    def _chart(x: Tensor, y: Tensor, pull: Tensor) -> dict[str, str]:
        """Return the parts of the chart."""
        start, end = (z.flatten().sort().values.tolist() for z in (x, y))
        sums = [chart.cumulative(levels) for levels in (start, end)]
        return {
            "height": str(chart.HEIGHT),
            "frame": chart.frame(),
            "zones": chart.zones(),
            "pbars": chart.bars(start, chart.LINES[0], chart.TALL),
            "tbars": chart.bars(end, chart.LINES[1], -chart.TALL),
            "ways": chart.transport(start, end),
            "area": "M" + "L".join(sums[0] + sums[1][::-1]) + "Z",
            "psum": "M" + "L".join(sums[0]),
            "tsum": "M" + "L".join(sums[1]),
            "dots": chart.dots(x.flatten().tolist(), pull.flatten().tolist()),
        }

    def data(self) -> dict[str, Any]:
        return {
            "n": scene.SIZE,
            "photo": palettes.to_base64(scene.crop().numpy()),
            "seed": scene.SEED,
            "signs": palettes.to_base64(palettes.signs()),
            "bins": scene.BINS,
            "ratios": scene.RATIOS,
            "felt": scene.FELT,
            "moved": scene.MOVED,
            "black": scene.BLACK,
            "step": scene.STEP,
            "run": _RUN,
            "roll": _ROLL,
            "names": _NAMES,
            "x": chart.X.as_list(),
            "lines": chart.LINES,
            "tall": chart.TALL,
            "ways": chart.WAYS,
            "sums": chart.SUMS,
            "pulls": chart.PULLS,
            "bars": chart.BARS,
            "points": chart.POINTS,
            "threads": chart.THREADS,
            "full": chart.FULL,
            "strongest": chart.STRONGEST,
            "steps": _STEPS,
        }
