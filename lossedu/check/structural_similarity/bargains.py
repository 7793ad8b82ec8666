"""Exercises on PRICE: what SSIM sells cheaply."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ... import _validate, filters
from ...instruments import price
from ...losses import ssim_loss
from ..examination import Examination
from ..numbers import short
from ..reader import picture
from ..verdict import Target, Verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Name of an error -> its period in pixels.
_PERIODS = {"splotch": 64, "ripple": 8, "grain": 2}
_GROUND, _SIDE, _BUDGET, _SHARE = 0.5, 128, 0.01, 0.75


def price_order(order: Sequence[str]) -> Verdict:
    """Check a prediction: which error is cheapest for SSIM of sigma 1.5 on flat grey, if all have the same mean square?

    Parameters
    ----------
    order : sequence of str
        "grain" (stripes of period 2 pixels), "ripple" (8), "shift" (uniform) and "splotch" (64), cheapest first.

    Raises
    ------
    TypeError
        If `order` is no sequence of strings.
    """
    if isinstance(order, str) or not isinstance(order, Sequence) or not all(isinstance(name, str) for name in order):
        raise TypeError(f"order must be a list of four names, cheapest first, got {order!r}")
    frequencies = [1 / period for period in _PERIODS.values()]
    measured = price(ssim_loss, level=_GROUND, amplitude=1e-3, frequencies=frequencies)
    prices = {"shift": measured.uniform, **dict(zip(_PERIODS, measured.values.tolist(), strict=True))}
    with Examination("price_order") as exam:
        all_four = sorted(order) == sorted(prices)
        exam.require("names each error once", all_four, ", ".join(order) or "nothing", ", ".join(sorted(prices)))
        # a wrong order learns where it first goes down, and no more: the answer is the reader's to find
        down = [(a, b) for a, b in itertools.pairwise(order) if prices[a] > prices[b]]
        if down:
            dear, cheap = down[0]
            seen = f"{dear!r} stands before {cheap!r}; SSIM charges more for {dear!r}"
            exam.require("cheapest first", False, seen, hint=_SHIFT if "shift" in down[0] else _SLOW)
        exam.test("cheapest first", True, "each error is dearer than the one before")
        for name in order:
            kind = f"period {_PERIODS[name]} px" if name in _PERIODS else "uniform"
            exam.notes.append(f"price of {name} ({kind}): {prices[name]:.0f} times that of MSE")
        exam.target = _errors_target(prices)
    return exam.verdict()


def _errors_target(prices: dict[str, float]) -> Target:
    def draw() -> Figure:
        from ...figures import image_strip

        place = torch.arange(_SIDE, dtype=torch.float64)
        waves = {name: torch.cos(2 * math.pi * place / period) for name, period in _PERIODS.items()}
        errors = {"shift": torch.ones_like(place), **waves}
        strips = [_GROUND + 0.07 * error / error.square().mean().sqrt() for error in errors.values()]
        notes = [f"price {prices[name]:.0f}" for name in errors]
        return image_strip([strip.expand(_SIDE, _SIDE) for strip in strips], list(errors), notes, zoom=1)

    alt = "Flat grey with four errors of one mean square: a uniform shift, broad, narrow and finest vertical stripes."
    return Target(draw, alt, "The four errors, all with the same mean square, larger than the price was measured with.")


_SLOW = "to a window, an error that is slow beside it looks uniform: which of the two is that?"
_SHIFT = "a window subtracts its mean before it compares structure, so that a uniform shift is felt by l alone"


def splotch(x: Tensor, sigma: float = 1.5) -> Verdict:
    r"""Check "sell me a splotch": much mean square error, for at most .01 of 1 - SSIM, around flat grey .5.

    Asked for are zero mean (:math:`|\bar x - .5| < 10^{-4}`), values in [0, 1],
    :math:`1 - \mathrm{SSIM}_\sigma \le .01`, and at least 75 % of the mean square error that the best wave of one
    period per picture reaches.  The mean square error is taken as the windows see it: each pixel counts with the
    weight :math:`G^\top 1` that all windows together give it, and what is uniform under these weights does not count.
    Else error at the border, which few windows see, would come for nothing.

    Parameters
    ----------
    x : Tensor
        (1, 1, 128, 128), floating.
    sigma : float
        Of the window; "valid" padding.

    Raises
    ------
    TypeError, ValueError
        If `x` is no floating tensor, or the window does not fit 128 pixels.
    """
    picture("x", x)
    window = filters.gaussian_window(_validate.positive("sigma", sigma))
    if window.numel() > _SIDE:
        raise ValueError(f"sigma must be at most 18, so that the window fits {_SIDE} pixels, got {sigma!r}")
    with Examination("splotch") as exam:
        came = exam.tensor(x, (1, 1, _SIDE, _SIDE)).double()
        error = came - _GROUND
        low, high, mean = float(came.min()), float(came.max()), float(error.mean())
        exam.require("values", low >= 0 and high <= 1, f"from {low:.3f} to {high:.3f}", "within [0, 1]", _RANGE)
        off = f"the mean of x - .5 is {abs(mean):.5f} off 0"
        exam.test("zero mean", abs(mean) < 1e-4, off, "less than 0.0001 off", _shift_hint(sigma))
        charged, mse = _charge(error, sigma), _seen(error, window)
        over = f"scale the amplitude by {short(math.sqrt(_BUDGET / charged), 3)}" if charged > _BUDGET else ""
        # a thousandth is given for free: a search in single precision ends a little above the budget
        exam.test("price", charged <= 1.001 * _BUDGET, f"1 - SSIM is {charged:.5f}", f"at most {_BUDGET}", over)
        wave, half = _most(_wave(2), sigma), _most(_wave(1), sigma)
        wanted = f"at least {_SHARE * wave:.2e}, {_SHARE:.0%} of what the best wave of one period gets"
        everywhere = float(error.square().mean())
        inside = everywhere - mean**2
        if inside < 1e-6 * everywhere:
            hint = _UNIFORM
        else:
            hint = _AT_BORDER if mse < inside / 2 else _too_little(charged, mse, wave)
        name = "mean square error, as the windows see it"
        seen = f"{mse:.2e} ({everywhere:.2e} if all pixels count alike)"
        exam.test(name, mse >= _SHARE * wave, seen, wanted, hint)
        if mse > 0:
            dearest = f"the finest grain costs {1 / 0.03**2:.0f}"
            exam.notes.append(f"You paid {charged / mse:.3g} for a unit of mean square error; {dearest}.")
        known = {"The best wave of one period": wave, "Half a wave across the picture": half}
        for name, most in known.items():
            exam.notes.append(f"{name} gets {most:.2e} for {_BUDGET}: a price of {_BUDGET / most:.3g}.")
        exam.target = _splotch_target(came, charged)
    return exam.verdict()


_RANGE = "a few pixels far outside would carry any mean square error, while only the windows around them notice"


_UNIFORM = "all of it is a uniform shift, which does not count here: make a pattern that is dark here and bright there"
_AT_BORDER = "your error is largest at the border, where few windows look and it earns little. A wave? Shift its phase"


def _seen(error: Tensor, window: Tensor) -> float:
    """Return the variance of the error under the weights that all windows together give to the pixels."""
    weighted = filters.correlate(torch.cat([error.square(), error], dim=1), window).mean(dim=(0, 2, 3))
    return float(weighted[0] - weighted[1] ** 2)


def _charge(error: Tensor, sigma: float) -> float:
    ground = torch.full_like(error, _GROUND)
    return float(ssim_loss(ground + error, ground, sigma=sigma))


def _wave(half_periods: int) -> list[Tensor]:
    """Return a cosine with so many half periods across the picture, and for a whole period the sine as well."""
    place = (torch.arange(_SIDE, dtype=torch.float64) + 0.5) / _SIDE
    phases = (0.0, math.pi / 2) if half_periods % 2 == 0 else (0.0,)
    return [torch.cos(math.pi * half_periods * place - phase).expand(1, 1, _SIDE, _SIDE) for phase in phases]


def _most(waves: list[Tensor], sigma: float) -> float:
    """Return the largest mean square error that one of the waves gets for the budget."""
    best, window = 0.0, filters.gaussian_window(sigma)
    for wave in waves:
        amplitude = 0.01
        # 1 - SSIM is nearly a multiple of the squared amplitude: a few corrections settle it
        for _ in range(8):
            amplitude = min(amplitude * math.sqrt(_BUDGET / _charge(amplitude * wave, sigma)), 0.5)
        best = max(best, amplitude**2 * _seen(wave, window))
    return best


def _shift_hint(sigma: float) -> str:
    shift = torch.full((1, 1, _SIDE, _SIDE), 0.01, dtype=torch.float64)
    cost = _charge(shift, sigma) / 0.01**2
    return f"a uniform shift is cheaper than any splotch, its price is {cost:.2g}: {_SHIFT}. Take the mean out"


def _too_little(charged: float, mse: float, wave: float) -> str:
    if charged * _SHARE * wave > _BUDGET * mse:
        return "your pattern is too fine: W(f) rises with the frequency; go as slow as the picture allows"
    return f"you spent {charged:.5f} of {_BUDGET}: raise the amplitude"


def _splotch_target(x: Tensor, charged: float) -> Target:
    def draw() -> Figure:
        from ...figures import image_strip, picture, signed_map

        panels = [picture(x), signed_map(x - _GROUND, label="x - .5")]
        return image_strip(panels, ["what you sell", "its error"], [f"1 - SSIM {charged:.4f}", ""], zoom=2)

    alt = "Left the picture that was handed in, right its difference from flat grey .5 as a map of signed values."
    return Target(draw, alt, "Left your picture as it is, right its error with the contrast raised.")
