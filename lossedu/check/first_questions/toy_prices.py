"""Exercises on PRICE: the loss of neighbours, (0.3), on three pixels and on waves."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict

#: Name -> three errors whose mean square is 1.
ERRORS = {
    "shift": (1.0, 1.0, 1.0),
    "slope": (-math.sqrt(1.5), 0.0, math.sqrt(1.5)),
    "spike": (0.0, math.sqrt(3.0), 0.0),
    "zigzag": (1.0, -1.0, 1.0),
}


def neighbour_price(error: Sequence[float]) -> float:
    """Return what the loss of neighbours charges for an error, relative to mean square error."""
    steps = [b - a for a, b in itertools.pairwise(error)]
    return sum(s * s for s in steps) / len(steps) / (sum(q * q for q in error) / len(error))


def error_order(order: Sequence[str]) -> Verdict:
    """Check a prediction: which error is cheapest for the loss of neighbours, if all have the same mean square?

    Parameters
    ----------
    order : sequence of str
        "shift", "slope", "spike" and "zigzag", cheapest first.

    Raises
    ------
    TypeError
        If `order` is no sequence of strings.
    """
    if isinstance(order, str) or not isinstance(order, Sequence) or not all(isinstance(name, str) for name in order):
        raise TypeError(f"order must be a list of four names, cheapest first, got {order!r}")
    prices = {name: neighbour_price(error) for name, error in ERRORS.items()}
    with Examination("error_order") as exam:
        seen, wanted = ", ".join(order) or "nothing", ", ".join(sorted(prices))
        exam.require("names each error once", sorted(order) == sorted(prices), seen, wanted)
        down = [(a, b) for a, b in itertools.pairwise(order) if prices[a] > prices[b]]
        if down:
            dear, cheap = down[0]
            hint = "write down the two differences between neighbours, square them, and take the mean"
            if cheap == "shift":
                hint = "what are the differences between neighbours if all three pixels err alike?"
            seen = f"{dear!r} stands before {cheap!r}; the loss of neighbours charges more for {dear!r}"
            exam.require("cheapest first", False, seen, hint=hint)
        exam.test("cheapest first", True, "each error is dearer than the one before")
        exam.notes.append("Prices: " + ", ".join(f"{name} {prices[name]:.3g}" for name in order) + ".")
    return exam.verdict()


def wave_price(fn: Callable[[float], Any]) -> Verdict:
    r"""Check ``fn(f)``: what the loss of neighbours charges for a long wave of f cycles per pixel, relative to MSE.

    Compared with the mean over a wave of a million pixels, :math:`4 \sin^2 \pi f`.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    call = "fn(f)"
    function("fn", fn, call)
    with Examination("wave_price", call) as exam:
        for f, name in ((0.5, "finest wave, f = 0.5"), (0.25, "f = 0.25"), (1 / 64, "splotch, f = 1/64")):
            answer = exam.number(exam.call(fn, f))
            exam.value(name, answer, _measured(f), rtol=1e-3, mistakes=_wave_mistakes(f), hint=_WAVE)
        exam.notes.append(f"Grain (f = 0.5) costs {_measured(0.5) / _measured(1 / 64):.0f} times what a splotch costs.")
    return exam.verdict()


_WAVE = "cos(a + 2 pi f) - cos(a) is a wave again: which amplitude has it?"


def _measured(f: float) -> float:
    """Return the price of cosine and sine together: unfinished periods then do no harm."""
    phase = 2 * math.pi * f * torch.arange(4096, dtype=torch.float64)
    waves = (phase.cos(), phase.sin())
    return float(sum(w.diff().square().mean() for w in waves) / sum(w.square().mean() for w in waves))


def _wave_mistakes(f: float) -> list[Mistake]:
    s = math.sin(math.pi * f)
    return [
        ("this is the amplitude of the difference; the loss squares it", 2 * s),
        ("the 2 of 2 sin(pi f) is squared as well", s * s),
        ("the factor of the squared amplitude is 4", 2 * s * s),
        (
            "a wave of f cycles per pixel turns by 2 pi f from one pixel to the next, so half of it is pi f",
            4 * math.sin(2 * math.pi * f) ** 2,
        ),
        ("this is the limit for slow waves, (2 pi f)^2; near f = 0.5 it is too much", (2 * math.pi * f) ** 2),
        ("f is in cycles per pixel: one cycle is 2 pi", 4 * math.sin(f / 2) ** 2),
    ]
