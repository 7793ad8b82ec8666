"""Exercises on the weight: one w in three conventions, and the scenes on which either regulariser wins."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...variational import rof, tikhonov
from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict

_CALL = "fn(convention, w, pixels)"

CONVENTIONS = {
    "means": "mean square + weight * mean TV",
    "mixed": "mean square + weight * summed TV",
    "fidelity": "summed TV + weight * summed square",
}


def rof_weight(fn: Callable[[str, float, int], Any]) -> Verdict:
    r"""Check ``fn(convention, w, pixels)``: the weight that makes another convention the same as ROF with w.

    Parameters
    ----------
    fn : callable
        Takes "means" (:math:`\overline{(x-z)^2} + c\,\mathrm{TV}/N`), "mixed" (:math:`\overline{(x-z)^2} +
        c\,\mathrm{TV}`) or "fidelity" (:math:`\mathrm{TV} + c\,\lVert x-z\rVert^2`), where TV is a sum, then w and N;
        returns c.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("rof_weight", _CALL) as exam:
        for convention in CONVENTIONS:
            for weight, pixels in ((0.1, 4096), (0.5, 100)):
                answer = exam.number(exam.call(fn, convention, weight, pixels))
                right = _right(convention, weight, pixels)
                name = f"{convention}, w = {weight}, N = {pixels}"
                exam.value(name, answer, right, rtol=1e-9, mistakes=_mistakes(convention, weight, pixels))
    return exam.verdict()


def _right(convention: str, weight: float, pixels: int) -> float:
    return {"means": 2 * weight, "mixed": 2 * weight / pixels, "fidelity": 1 / (2 * weight)}[convention]


def _mistakes(convention: str, weight: float, pixels: int) -> list[Mistake]:
    right = _right(convention, weight, pixels)
    half = "ROF has a factor 1/2 before the square, and this convention has none"
    found: list[Mistake] = [(half, right / 2), (half, right * 2), (half, right / 4), (half, right * 4)]
    if convention == "means":
        found.append(("both terms are divided by N here, so N drops out", right / pixels))
        found.append(("both terms are divided by N here, so N drops out", right * pixels))
    if convention == "mixed":
        found.append(("only the square is divided by N: divide the weight of TV by N as well", right * pixels))
        found.append(("the weight of TV is divided by N, not multiplied", right * pixels**2))
    if convention == "fidelity":
        found.append(("here the weight stands at the square: a large one smooths less", 2 * weight))
        found.append(("here the weight stands at the square: a large one smooths less", weight))
        found.append(("both terms are sums here, so N does not come in", right / pixels))
    return found


#: Scene -> who wins there.
SCENES = ("step", "ramp", "disc", "waves")

_NOISE = 0.1


def winners(**named: str) -> Verdict:
    """Check who has the higher PSNR at noise 0.1, both with their best weight: "tv" or "squared", scene by scene.

    Both are run here, each with seven weights.

    Parameters
    ----------
    step, ramp, disc, waves : str
        "tv" or "squared": on a step; on a ramp over the whole width; on a disc of radius 12; on waves of 32 pixels.
    """
    with Examination("winners") as exam:
        fits = sorted(named) == sorted(SCENES) and all(one in ("tv", "squared") for one in named.values())
        wanted = 'step=, ramp=, disc= and waves=, each "tv" or "squared"'
        exam.require("names a winner for each scene", fits, repr(named)[:80], wanted)
        for scene in SCENES:
            scores = {name: _best(name, _scene(scene)) for name in ("tv", "squared")}
            right = max(scores, key=lambda name: scores[name])
            seen = f"{named[scene]}; TV {scores['tv']:.1f} dB, squared {scores['squared']:.1f} dB"
            exam.test(scene, named[scene] == right, seen, right, _WHY[right])
    return exam.verdict()


_WHY = {
    "squared": "TV charges a slope its height however it is cut, so stairs come free; squares are least for even steps",
    "tv": "squares charge a sharp edge most; TV charges it no more than a blurred one",
}


def _scene(name: str) -> Tensor:
    """Return a clean scene, (1, 1, 48, 64), float64."""
    rows = torch.arange(48, dtype=torch.float64)[:, None] - 23.5
    columns = torch.arange(64, dtype=torch.float64) - 31.5
    flat = torch.zeros(48, 64, dtype=torch.float64)
    picture = {
        "step": flat + (columns > 0),
        "ramp": flat + (columns + 31.5) / 63,
        "disc": ((rows.square() + columns.square()).sqrt() < 12).double(),
        "waves": flat + 0.5 + 0.5 * torch.sin(2 * math.pi * columns / 32),
    }[name]
    return (0.25 + 0.5 * picture)[None, None]


def _best(name: str, clean: Tensor) -> float:
    """Return the best PSNR of seven weights on a scene in noise, in dB."""
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(6), dtype=clean.dtype)
    noisy, found = clean + _NOISE * noise, []
    for power in range(7):
        if name == "tv":
            out = rof(noisy, 0.05 * 2**power, tol=0.02 * _NOISE, max_steps=600).image
        else:
            out = tikhonov(noisy, 0.1 * 3.0**power)
        found.append(-10 * float(torch.log10((out - clean).square().mean())))
    return max(found)
