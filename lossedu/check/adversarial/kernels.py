"""Exercises on the blur before the critic: a kernel as it was printed, and the blur from its taps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import data, filters
from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict
from .answers import distinct, given

#: The constant and the "sigma" that are printed, and the taps.
PRINTED, SIGMA, TAPS = 0.053, 3.0, 21


def printed_sum(power: int) -> float:
    """Return the sum of A exp(-(k^2 + l^2) / (2 sigma^power)) over 21 x 21 taps."""
    offsets = range(-(TAPS // 2), TAPS // 2 + 1)
    return PRINTED * math.fsum(math.exp(-k * k / (2 * SIGMA**power)) for k in offsets) ** 2


def half_period(deviation: float) -> float:
    """Return the period in pixels of the wave that a Gaussian of this deviation leaves half of."""
    return math.pi * deviation * math.sqrt(2 / math.log(2))


def printed_kernel(
    *,
    as_variance: float | None = None,
    as_deviation: float | None = None,
    too_bright: str = "",
    half: float | None = None,
) -> Verdict:
    """Check what the printed kernel sums to in both readings of "sigma = 3", and which wave it halves.

    Parameters
    ----------
    as_variance, as_deviation : float
        The sum of the weights if 3 is the variance, and if it is the standard deviation; two per cent are forgiven.
    too_bright : {"variance", "deviation"}
        The reading in which a blurred picture comes out too bright.
    half : float
        Period, in pixels, of the wave whose amplitude the *other* reading halves.
    """
    with Examination("printed_kernel") as exam:
        named = too_bright in ("variance", "deviation")
        exam.require("names a reading", named, repr(too_bright), "'variance' or 'deviation'")
        found = given(exam, {"as_variance": as_variance, "as_deviation": as_deviation, "half": half})
        one, three = printed_sum(1), printed_sum(2)
        sums: list[Mistake] = [
            ("this is the other reading: exp(-k²/2σ) has the variance σ, exp(-k²/2σ²) the deviation σ", three),
            ("this is one row of the kernel: the sum has two directions", PRINTED * math.sqrt(2 * math.pi * SIGMA)),
            ("2π is missing: the integral of exp(-r²/2v) over the plane is 2πv", PRINTED * SIGMA),
            ("a factor 2 is missing: the integral of exp(-r²/2v) over the plane is 2πv", PRINTED * math.pi * SIGMA),
            ("this is the integral alone: times 0.053", 2 * math.pi * SIGMA),
        ]
        exam.value(
            "the sum, 3 as a variance",
            found["as_variance"],
            one,
            rtol=0.02,
            mistakes=_loose(found["as_variance"], sums),
        )
        sums = [
            ("this is the other reading: exp(-k²/2σ) has the variance σ, exp(-k²/2σ²) the deviation σ", one),
            ("this is one row of the kernel: the sum has two directions", PRINTED * math.sqrt(2 * math.pi) * SIGMA),
            ("2π is missing: the integral of exp(-r²/2v) over the plane is 2πv", PRINTED * SIGMA**2),
            ("a factor 2 is missing: the integral of exp(-r²/2v) over the plane is 2πv", PRINTED * math.pi * SIGMA**2),
            ("this is the integral alone: times 0.053", 2 * math.pi * SIGMA**2),
        ]
        exam.value(
            "the sum, 3 as a deviation",
            found["as_deviation"],
            three,
            rtol=0.02,
            mistakes=_loose(found["as_deviation"], sums),
        )
        hint = "a flat picture comes out as its level times the sum of the weights"
        exam.test("which is too bright", too_bright == "deviation", too_bright, "deviation", hint)
        right = half_period(math.sqrt(SIGMA))
        waves: list[Mistake] = [
            ("this is the period for a deviation of 3 pixels: the square root of 3 is asked for", half_period(SIGMA)),
            ("this is where half of the *power* is left: the amplitude is asked for", math.sqrt(2) * right),
            ("this is the frequency in cycles per pixel: the period is its inverse", 1 / right),
            ("this is in pixels per radian: times 2π", right / (2 * math.pi)),
        ]
        exam.value("the period that is halved", found["half"], right, rtol=0.02, mistakes=_loose(found["half"], waves))
        if all(item.ok for item in exam.properties):
            exam.notes.append(f"sums over 21 x 21 taps: {one:.4f} and {three:.3f}; period {right:.2f} pixels")
    return exam.verdict()


def _loose(seen: float, mistakes: list[Mistake]) -> list[Mistake]:
    """Return the mistakes, those that lie within two per cent of what was seen with just this number."""
    return [(hint, seen if abs(seen - float(value)) <= 0.02 * abs(float(value)) else value) for hint, value in mistakes]


_BLUR = "fn(x)"


def valid_blur(fn: Callable[[Tensor], Any]) -> Verdict:
    """Check ``fn(x)``: the printed blur, 3 as a variance, 21 taps that sum to 1, windows inside of the picture only.

    Parameters
    ----------
    fn : callable
        Takes pictures (N, C, H, W), float64; returns (N, C, H - 20, W - 20).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _BLUR)
    photo = data.photograph("coffee").double()
    cases = {
        "two photographs": torch.cat([data.crop(photo, 100, left, (26, 30)) for left in (200, 330)]),
        "a white picture": torch.ones(1, 1, 21, 23, dtype=torch.float64),
        "grey noise": torch.rand(1, 1, 24, 22, generator=torch.Generator().manual_seed(8), dtype=torch.float64),
    }
    with Examination("valid_blur", _BLUR, _explain) as exam:
        for title, x in cases.items():
            n, c, height, width = x.shape
            hints: dict[tuple[int, ...], str] = {
                (n, c, height, width): "this keeps the size, so something was put around it: take windows inside only",
                (n, c, height - 20, width): "blurred along columns only",
                (n, c, height, width - 20): "blurred along rows only",
                (n, 1, height - 20, width - 20): "one channel is left of three: blur each by itself",
            }
            answer = exam.tensor(exam.call(fn, x), (n, c, height - 20, width - 20), shape_hints=hints)
            right = filters.color_blur(x)
            exam.value(title, answer, right, rtol=1e-5, mistakes=distinct(_blurs(x)))
        leaf = cases["grey noise"].clone().requires_grad_()
        answer = exam.call(fn, leaf)
        reached = isinstance(answer, Tensor) and answer.requires_grad
        exam.test(
            "a gradient reaches x", reached, "yes" if reached else "no", "yes", "stay in torch, and with its graph"
        )
    return exam.verdict()


def _explain(error: Exception) -> str:
    text = str(error)
    if "channels" in text:
        return "conv2d mixes channels: groups=C, or every channel as a picture of its own"
    return "give the taps the dtype of x" if isinstance(error, RuntimeError) and "type" in text else ""


def _gaussian(variance: float) -> Tensor:
    offsets = torch.arange(TAPS, dtype=torch.float64) - TAPS // 2
    return torch.exp(-offsets.square() / (2 * variance))


def _with(x: Tensor, row: Tensor) -> Tensor:
    planes = x.flatten(0, 1)[:, None]
    out = F.conv2d(F.conv2d(planes, row.view(1, 1, -1, 1)), row.view(1, 1, 1, -1))
    return out.view(*x.shape[:2], *out.shape[-2:])


def _blurs(x: Tensor) -> list[Mistake]:
    row = _gaussian(SIGMA)
    right = row / row.sum()
    wide, thin, tenth = (_gaussian(v) for v in (SIGMA**2, SIGMA / 2, 2 * SIGMA))
    printed = math.sqrt(PRINTED)
    mixed = _with(x, right).mean(dim=1, keepdim=True).expand(-1, x.shape[1], -1, -1)
    return [
        ("the taps as printed sum to 0.999: divide them by their sum", _with(x, row * printed)),
        ("3 as a deviation, with the printed constant: three times too bright", _with(x, wide * printed)),
        ("3 is the variance here: exp(-k²/6), not exp(-k²/18)", _with(x, wide / wide.sum())),
        ("the 2 below the exponent is missing: exp(-k²/6)", _with(x, thin / thin.sum())),
        ("exp(-k²/12): the exponent has 2 times the variance below it, which is 6", _with(x, tenth / tenth.sum())),
        ("the taps are not divided by their sum", _with(x, row)),
        ("divided by the sum in one direction only", _with(x, right) * row.sum()),
        ("the channels are mixed: blur each by itself", mixed),
        ("the channels are added up: blur each by itself", mixed * x.shape[1]),
        ("this is the blur of DPED's code", filters.color_blur(x, preset="dped")),
    ]
