"""The exercise on digits: a windowed variance that float32 can carry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ... import filters
from ...data import crop, photograph
from ..examination import Examination
from ..numbers import Mistake, recognise, short
from ..reader import function
from ..verdict import Verdict

_CALL = "fn(x, window)"
_SIDE, _TAPS, _LEVEL = 48, 11, 0.9
_RTOL = 1e-3


def stable_variance(fn: Callable[[Tensor, Tensor], Any]) -> Verdict:
    r"""Check ``fn(x, window)``: the windowed variance in float32, also where the textbook formula loses its digits.

    .. math:: \sigma^2(p) = \sum_q G(q - p)\,x(q)^2 - \mu(p)^2

    at each pixel where the whole window fits.  The hard case is flat, of level 0.9, with noise of standard deviation
    0.001; every value must be right within 0.1 %, judged by float64.

    Parameters
    ----------
    fn : callable
        Takes a picture (1, 1, H, W) and the taps (K,) of a separable window that sums to 1, both float32; returns
        (1, 1, H - K + 1, W - K + 1), float32.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    window = _window()
    photo = crop(photograph("grass"), 0, 0, _SIDE).contiguous()
    noise = 1e-3 * torch.randn(photo.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float32)
    bright = _LEVEL + noise
    with Examination("stable_variance", _CALL) as exam:
        on_photo = _compare(exam, "value on a photograph", fn, photo, window, "")
        # the subtraction is exact in float32: the two pictures hold the same noise to the last bit
        hint = _FAR_CONSTANT if on_photo else ""
        in_dark = _compare(exam, "value on dark noise: level 0, std .001", fn, bright - _LEVEL, window, hint)
        _compare(
            exam, "value on bright noise: level .9, std .001", fn, bright, window, _CANCELLATION if in_dark else hint
        )
    return exam.verdict()


_CANCELLATION = (
    "the same noise in the dark came out right, so these are lost digits: two numbers near .81 are subtracted, their "
    "difference is 1e-6, and float32 keeps 7 digits of each. What does the variance not depend on?"
)
_FAR_CONSTANT = (
    "a photograph came out right, a small variance did not, so these are lost digits: two nearly equal numbers are "
    "subtracted, and float32 keeps 7 digits of each. Subtract first what is close to the picture's own values"
)


def _window() -> Tensor:
    """Return Gaussian taps that sum to 1 exactly, in float32 and in float64.

    A sum that is off by 1e-9 would bias E[x^2] - mu^2 at level 0.9 by more than the check allows, in any precision.
    """
    grid = 2**16
    counts = (filters.gaussian_window(1.5, _TAPS) * grid).round()
    counts[_TAPS // 2] += grid - counts.sum()
    return (counts / grid).float()


def _compare(
    exam: Examination, name: str, fn: Callable[[Tensor, Tensor], Any], x: Tensor, window: Tensor, hint: str
) -> bool:
    right = _variance(x.double(), window.double())
    shape_hints = {tuple(x.shape): "only windows that lie inside the picture were asked for"}
    answer = exam.tensor(exam.call(fn, x, window), right.shape, torch.float32, shape_hints)
    worst = float(((answer.double() - right).abs() / right).max())
    if worst <= _RTOL:
        return exam.test(name, True, "every value is right within 0.1 %")
    found = recognise(answer, right, _mistakes(x.double(), window.double(), right, answer)) or hint
    # one digit: the others depend on the order in which a machine adds
    seen = f"off by up to {float(short(100 * worst, 1)):g} %" + (
        "; some values are negative" if bool((answer < 0).any()) else ""
    )
    return exam.test(name, False, seen, "every value right within 0.1 %", found)


def _variance(x: Tensor, window: Tensor) -> Tensor:
    centred = x - x.mean()
    return filters.correlate(centred * centred, window) - filters.correlate(centred, window) ** 2


def _mistakes(x: Tensor, window: Tensor, right: Tensor, answer: Tensor) -> list[Mistake]:
    sample = _TAPS**2 / (_TAPS**2 - 1)
    mu = filters.correlate(x, window)
    # E[(x - c)^2] exceeds the variance by (mu - c)^2 = mu^2 - 2 c mu + c^2: find the c that the reader may have taken
    rest, spread = answer.double() - right - mu * mu, mu - mu.mean()
    constant = -0.5 * (rest * spread).sum() / spread.square().sum()
    return [
        ("this is the standard deviation; its square was asked for", right.sqrt()),
        ("this is E[x^2]; the square of the mean was not subtracted", filters.correlate(x * x, window)),
        (
            "this is E[(x - c)^2] with a constant c; the square of the mean of x - c was not subtracted",
            right + (mu - constant) ** 2,
        ),
        ("this is E[x^2] - mu; the mean was not squared", filters.correlate(x * x, window) - mu),
        ("N/(N-1) variance: sample instead of population", right * sample),
        ("the sign is wrong: E[x^2] - mu^2, not mu^2 - E[x^2]", -right),
    ]
