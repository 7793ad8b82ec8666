"""Exercises on what several windows charge, cost and leave out: a prediction, a count, and a choice of one's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from ... import filters
from ...instruments import price
from ...losses import ms_ssim_loss, ms_ssim_sigma_loss
from ...losses.multiscale import SIGMAS
from ...losses.scales_apart import factors
from ..examination import Examination
from ..numbers import Mistake, recognise, short
from ..verdict import Verdict

#: Periods that are asked for, in pixels, and the side of the picture on which they are charged.
PERIODS = (2, 8, 32, 128)
_SIDE = 320

_FORMS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], str]] = {
    "trick": (ms_ssim_sigma_loss, "every window adds 1 - G(f)^2 to the price: which wave do all of them blur away?"),
    "pyramid": (ms_ssim_loss, "a level sees only what the levels before it have not averaged away, and has its weight"),
}


def dearest_wave(trick: int, pyramid: int) -> Verdict:
    """Check a prediction: on flat grey, which period does the sigma trick charge most for, and which Wang's pyramid?

    Parameters
    ----------
    trick, pyramid : int
        One of 2, 8, 32 and 128 pixels each.
    """
    with Examination("dearest_wave") as exam:
        for name, given in (("trick", trick), ("pyramid", pyramid)):
            loss, hint = _FORMS[name]
            exam.require(f"{name}: one of the four", given in PERIODS, repr(given)[:40], "2, 8, 32 or 128")
            measured = price(loss, amplitude=1e-3, frequencies=[1 / period for period in PERIODS], size=_SIDE)
            prices = dict(zip(PERIODS, measured.values.tolist(), strict=True))
            right = max(prices, key=lambda period: prices[period])
            seen = f"a period of {given} px costs {prices[given]:.0f} times its mean square error"
            exam.test(name, given == right, seen, "another one costs more", hint)
            if given == right:
                listed = ", ".join(f"{period} px {value:.0f}" for period, value in prices.items())
                exam.notes.append(f"{name}: {listed}; a uniform shift {measured.uniform:.2g}")
    return exam.verdict()


#: Taps of the windows of sigma .5, 1, 2, 4, 8, and of the pyramid's.
_TAPS = tuple(filters.window_size(sigma) for sigma in SIGMAS)
_PYRAMID = 11


def multiplications(patch: float, dense: float, separable: float, pyramid: float) -> Verdict:
    """Check how many multiplications the five moments of x and y take, a pixel and channel of the picture.

    Parameters
    ----------
    patch : float
        One window of each of five widths on a patch, all as large as the patch.
    dense, separable : float
        The five windows at every pixel, with their usual taps (5, 9, 15, 29 and 57): in two dimensions, and along rows
        and then along columns.
    pyramid : float
        One separable window of 11 taps on each of five levels, each with a quarter of the pixels of the one before.
    """
    levels = sum(0.25**j for j in range(5))
    right = {
        "patch": 25.0,
        "dense": 5.0 * sum(k * k for k in _TAPS),
        "separable": 10.0 * sum(_TAPS),
        "pyramid": 10.0 * _PYRAMID * levels,
    }
    given = {"patch": patch, "dense": dense, "separable": separable, "pyramid": pyramid}
    with Examination("multiplications") as exam:
        for name, value in given.items():
            known = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
            exam.require(f"{name}: a number", known, repr(value)[:40], "a number a pixel")
            # The right number is the reader's to find: a wrong one learns its direction, and what usually leads to it.
            ok = abs(value - right[name]) <= 0.01 * right[name]
            way = "more" if value < right[name] else "fewer"
            hint = recognise(float(value), right[name], _count_mistakes(name, right[name]))
            exam.test(name, ok, short(float(value)), f"{way} than that", hint)
    return exam.verdict()


def _count_mistakes(name: str, right: float) -> list[Mistake]:
    found: list[Mistake] = [
        ("that is one moment; there are five: of x, y, x^2, y^2 and xy", right / 5),
        ("four moments are enough with sums and differences, but the question is about five", right * 4 / 5),
    ]
    if name == "patch":
        found.append(("that is for the whole patch; a pixel of it was asked for", right * 31 * 31))
        found.append(("that counts a window at every pixel of the patch; it has one in its middle", right * 961))
    if name == "separable":
        found.append(("a pass along rows and one along columns: twice the taps", right / 2))
        found.append(("that is the window in two dimensions: K^2 in place of 2K", 5.0 * sum(k * k for k in _TAPS)))
    if name == "dense":
        found.append(
            ("that is one pass along rows and one along columns; in two dimensions it is K^2", 10.0 * sum(_TAPS))
        )
        found.append(("every window has its own taps; not all have the widest one's", 25.0 * _TAPS[-1] ** 2))
    if name == "pyramid":
        found.append(("that is five levels of full size; each has a quarter of the pixels before it", 50.0 * _PYRAMID))
        found.append(("that is the first level alone", 10.0 * _PYRAMID))
    return found


_MOST, _WIDEST, _APART = 3, 16.0, 1.1
_BLOTCH, _EDGE = 0.25, 0.4


def window_choice(sigmas: Sequence[float] | Tensor) -> Verdict:
    """Check your own windows: at most three, well apart; neither blotches nor grain beside an edge may be too cheap.

    Asked for are a wave of 64 pixels on flat grey that costs at least a quarter of a wave of 4 pixels, and grain four
    and five pixels off a step (0.25 to 0.75), on its dark side, that costs at least 40 % of grain far from it.  The
    grain has a standard deviation of 0.001.

    Parameters
    ----------
    sigmas : sequence of float, or tensor
        Widths in pixels, above 0 and at most 16, each at least 1.1 times the one before.
    """
    with Examination("window_choice") as exam:
        given: Any = sigmas.tolist() if hasattr(sigmas, "tolist") else sigmas  # a tensor, or an array
        listed: list[Any] = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else []
        numbers = 1 <= len(listed) <= _MOST and all(isinstance(s, Real) for s in listed)
        fits = numbers and all(0 < s <= _WIDEST for s in listed)
        widths = sorted(float(s) for s in listed) if fits else []
        apart = fits and all(b >= a * (_APART - 1e-6) for a, b in pairwise(widths))
        wanted = "a list of different numbers above 0, at most 16, each at least 1.1 times the one before"
        exam.require("one to three widths, each once", apart, repr(given)[:60], wanted)
        share, beside = _blotch_share(widths), _beside_edge(widths)
        seen = f"a wave of 64 px costs {short(share, 3)} of one of 4 px"
        exam.test("blotches are not too cheap", share >= _BLOTCH, seen, f"at least {_BLOTCH}", _NARROW)
        seen = f"grain beside the edge costs {short(beside, 3)} of grain far from it"
        exam.test(
            "grain beside an edge is not too cheap", beside >= _EDGE, seen, f"at least {_EDGE}", _edge_hint(widths)
        )
        five = f"{_blotch_share(SIGMAS):.2f} and {_beside_edge(SIGMAS):.2f}"
        exam.notes.append(f"The paper's five windows get {five}: it is no law that more windows are better.")
    return exam.verdict()


_NARROW = "to a narrow window a blotch looks uniform: each one that is added makes grain dearer, and blotches far less"
_WIDE = "a wide window sees the edge from afar and divides by its variance: who can look at the grain without the edge?"


def _edge_hint(widths: Sequence[float]) -> str:
    # Finest grain changes its sign from pixel to pixel: what the narrowest window lets through, it does not charge for.
    taps = filters.gaussian_window(widths[0])
    through = float((taps[::2].sum() - taps[1::2].sum()).square())
    if len(widths) == 1 or through < 0.2:
        return _WIDE
    return (
        f"the window of {short(widths[0], 3)} sees the grain beside the edge, but lets {through:.0%} of it through and "
        "charges for the rest alone: too little beside what the others charge far away"
    )


def _blotch_share(sigmas: Sequence[float]) -> float:
    loss = partial(ms_ssim_sigma_loss, sigmas=sigmas)
    side = filters.window_size(max(sigmas)) + 128
    low, high = price(loss, amplitude=1e-3, frequencies=[1 / 64, 1 / 4], size=side).values.tolist()
    return float(low / high)


def _beside_edge(sigmas: Sequence[float]) -> float:
    # The scene of lossedu.experiments.scale_prices.beside_edge, which stands on a higher floor: the numbers agree.
    side = 120
    y = torch.full((1, 1, 512, 2 * side), 0.25, dtype=torch.float64)
    y[..., side:] = 0.75
    x = y + 1e-3 * torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=y.dtype)
    l, cs = factors(x, y, sigmas=sigmas, padding="reflect")
    charged = (1 - l * cs.prod(0))[0, 0].mean(0)
    return float(charged[side - 5 : side - 3].mean() / charged[20:50].mean())
