"""Exercises on the two ends of a soft histogram: a test that finds the mistake, and a histogram that has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ... import data
from ...losses import soft_histogram
from ..examination import Examination
from ..numbers import Mistake, near
from ..reader import function, kind
from ..verdict import Verdict

Histogram = Callable[[Tensor, int], Tensor]


def edges(bins: int) -> Tensor:
    """Return the edges 0, 1/K, …, 1 of the bins, float64."""
    return torch.arange(bins + 1, dtype=torch.float64) / bins


def plain(x: Tensor, bins: int, bandwidth: float) -> Tensor:
    """Return the logistic histogram of a list of pixels as printed: what the kernel puts outside is lost."""
    return torch.sigmoid((edges(bins)[:, None] - x) / bandwidth).mean(dim=1).diff()


def open_ended(x: Tensor, bins: int, bandwidth: float) -> Tensor:
    """Return the logistic histogram whose first and last bin take all that lies beyond."""
    cumulative = torch.sigmoid((edges(bins)[1:-1, None] - x) / bandwidth).mean(dim=1)
    ends = cumulative.new_tensor([0.0]), cumulative.new_tensor([1.0])
    return torch.cat([ends[0], cumulative, ends[1]]).diff()


def mirrored(x: Tensor, bins: int, bandwidth: float) -> Tensor:
    """Return the logistic histogram that is reflected at both ends."""
    found = soft_histogram(x.view(1, 1, 1, -1), bins=bins, kernel="logistic", bandwidth=bandwidth)
    return found[0, 0]


def pixelwise(x: Tensor, bins: int, bandwidth: float) -> Tensor:
    """Return the logistic histogram in which every pixel is divided by what it has left inside."""
    parts = torch.sigmoid((edges(bins)[:, None] - x) / bandwidth).diff(dim=0)
    return (parts / parts.sum(dim=0)).mean(dim=1)


def hard(x: Tensor, bins: int) -> Tensor:
    """Return shares of pixels by counting."""
    cells = (x * bins).long().clamp(0, bins - 1)
    return torch.bincount(cells, minlength=bins).double() / x.numel()


def _shifted(x: Tensor, bins: int) -> Tensor:
    centres = -1 + (torch.arange(bins, dtype=torch.float64) + 0.5) / bins
    low, high = centres - 0.5 / bins, centres + 0.5 / bins
    parts = [torch.sigmoid((e[:, None] - x) * 2.5 * bins).mean(dim=1) for e in (low, high)]
    return parts[1] - parts[0]


def _without_white(x: Tensor, bins: int) -> Tensor:
    kept = x[x < 1]
    return torch.bincount((kept * bins).long(), minlength=bins).double() / x.numel()


#: What the reader's test is tried on: name, histogram, whether it is right, and a hint.
SUSPECTS: tuple[tuple[str, Histogram, bool, str], ...] = (
    ("counted", hard, True, "this one counts, and is right"),
    (
        "a pixel shared among two bins",
        lambda x, k: soft_histogram(x.view(1, 1, 1, -1), bins=k)[0, 0],
        True,
        "right: every pixel has weights that sum to 1",
    ),
    (
        "logistic, reflected at both ends",
        lambda x, k: mirrored(x, k, 1 / (2.5 * k)),
        True,
        "right up to rounding: leave room for 1e-6",
    ),
    (
        "logistic, open at both ends",
        lambda x, k: open_ended(x, k, 1 / (2.5 * k)),
        True,
        "right: ask for the mass, not for the first bin",
    ),
    (
        "logistic as printed",
        lambda x, k: plain(x, k, 1 / (2.5 * k)),
        False,
        "a soft kernel without a remedy: what it puts outside of the range is lost",
    ),
    (
        "as printed, very sharp",
        lambda x, k: plain(x, k, 1 / (1000 * k)),
        False,
        "however sharp, the kernel puts something outside of the range for some pixels, and nothing for most",
    ),
    (
        "bins below zero",
        _shifted,
        False,
        "printed centres run from -1 to 0: no pixel above 0 falls into any",
    ),
    (
        "ten times too small",
        lambda x, k: mirrored(x, k, 1 / (2.5 * k)) / 10,
        False,
        "the factor alpha is missing: the mass is 1/alpha",
    ),
    (
        "twice as much",
        lambda x, k: 2 * hard(x, k),
        False,
        "the mass can be too large as well",
    ),
    (
        "half-open bins",
        _without_white,
        False,
        "half-open bins: one value of the range is in none of them",
    ),
)

_TEST = "fn(histogram)"


def end_bin_test(fn: Callable[[Histogram], Any]) -> Verdict:
    """Check ``fn(histogram)``: a test that tells right histograms from those that lose mass.

    Parameters
    ----------
    fn : callable
        Takes a function ``histogram(x, bins)``, with pixels (n,) in [0, 1], float64, that returns shares (bins,);
        returns True if the histogram is right.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _TEST)
    with Examination("end_bin_test", _TEST) as exam:
        called = []
        for _, histogram, _, _ in SUSPECTS:
            answer = exam.call(fn, histogram)
            single = isinstance(answer, bool) or (
                isinstance(answer, Tensor)
                and answer.dtype == torch.bool
                and answer.numel() == 1
                and answer.device.type != "meta"
            )
            reason = "the function has no return" if answer is None else "compare, as in abs(mass - 1) < 1e-6"
            exam.require_once("returns True or False", single, kind(answer), "True or False", reason)
            called.append(bool(answer))
        words = {True: "right", False: "wrong"}
        same = f"it calls every histogram {words[called[0]]}" if len(set(called)) == 1 else ""
        for (name, _, right, hint), found in zip(SUSPECTS, called, strict=True):
            exam.test(name, found == right, f"called {words[found]}", f"it is {words[right]}", same or hint)
    return exam.verdict()


#: What is lost of one pixel at an end, and what helps.
LOST = {
    "black": "half of a black pixel lies below 0: reflect it, or let the first bin begin at minus infinity",
    "white": "half of a white pixel lies above 1: reflect it, or let the last bin end at infinity",
}

_SOFT = "fn(x, bins, bandwidth)"


def mass_keeping_histogram(fn: Callable[[Tensor, int, float], Any]) -> Verdict:
    """Check ``fn(x, bins, bandwidth)``: a logistic histogram that loses nothing at the ends.

    Parameters
    ----------
    fn : callable
        Takes pixels (n,) in [0, 1], float64, the number of bins and the bandwidth; returns shares (bins,).  Reflecting
        the kernel at both ends, opening the two end bins, and dividing every pixel by its own mass are accepted.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _SOFT)
    photo = data.crop(data.photograph("rocket"), 120, 200, 12)[:, 0].double().flatten()
    cases = {
        "in the middle": (torch.tensor([0.5], dtype=torch.float64), 8, 0.02),
        "black": (torch.zeros(1, dtype=torch.float64), 8, 0.05),
        "white": (torch.ones(2, dtype=torch.float64), 8, 0.05),
        "black, grey and white": (torch.tensor([0.0, 0.0, 0.5, 1.0], dtype=torch.float64), 8, 0.05),
        "a photograph": (photo, 32, 1 / 80),
        "a photograph, sharp": (photo, 32, 1 / 3200),
    }
    with Examination("mass_keeping_histogram", _SOFT) as exam:
        for title, (x, bins, width) in cases.items():
            answer = exam.tensor(exam.call(fn, x, bins, width), (bins,))
            mass = float(answer.sum())
            reason = LOST.get(title, "") if mass < 1 else ""
            exam.test(f"{title}: mass", abs(mass - 1) < 1e-6, f"{mass:.6g}", "1", reason)
            good = [way(x, bins, width) for way in (mirrored, open_ended, pixelwise)]
            right = next((one for one in good if near(answer, one, 1e-6)), good[0])
            lost = plain(x, bins, width)
            mistakes: list[Mistake] = [
                ("divided by its sum: the mass comes back, and goes to the wrong pixels", (lost / lost.sum())[None]),
                ("the ends lose mass", lost[None]),
                ("this is the sum: divide by the number of pixels", (right * len(x))[None]),
                ("this is the cumulative histogram: take differences", right.cumsum(0)[None]),
                ("the bins run from white to black", right.flip(0)[None]),
            ]
            exam.value(f"{title}: shares", answer[None], right[None], rtol=1e-6, mistakes=mistakes)
        leaf = photo.clone().requires_grad_()
        answer = exam.call(lambda z: fn(z, 32, 1 / 80), leaf)
        reached = isinstance(answer, Tensor) and answer.requires_grad
        exam.test("a gradient reaches x", reached, "yes" if reached else "no", "yes", "counting has no slope")
    return exam.verdict()
