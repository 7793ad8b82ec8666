"""The exercise on CHOICE: what absolute error puts out when several signals are plausible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict

_CALL = "fn(signals, weights)"

#: Name, plausible signals, and their weights; no sum of weights is exactly one half.
_CASES = (
    ("an edge in doubt, as in the text", [[0.2, 0.8, 0.8], [0.2, 0.2, 0.8]], [0.6, 0.4]),
    ("the same with the signals the other way round", [[0.2, 0.2, 0.8], [0.2, 0.8, 0.8]], [0.4, 0.6]),
    ("three edges", [[0.1, 0.9, 0.9, 0.9], [0.1, 0.1, 0.9, 0.9], [0.1, 0.1, 0.1, 0.9]], [0.3, 0.3, 0.4]),
    ("values in no order", [[0.7, 0.1], [0.3, 0.5], [0.5, 0.2], [0.1, 0.9]], [0.1, 0.45, 0.25, 0.2]),
    ("weights that do not add up to 1", [[0.9, 0.1], [0.2, 0.6], [0.5, 0.3]], [3.0, 1.0, 1.5]),
)


def l1_act(fn: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(signals, weights)``: the Bayes act of absolute error, (0.7), pixel by pixel.

    Parameters
    ----------
    fn : callable
        Takes the plausible signals (K, N) and their weights (K,), float64; returns a tensor (N,).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("l1_act", _CALL) as exam:
        for name, rows, shares in _CASES:
            y, w = torch.tensor(rows, dtype=torch.float64), torch.tensor(shares, dtype=torch.float64)
            hints: dict[tuple[int, ...], str] = {
                (len(y),): "one value a signal came back: the answer has one value a pixel"
            }
            answer = exam.tensor(exam.call(fn, y, w), (y.shape[1],), shape_hints=hints)
            right = _median(y, w)
            exam.value(name, answer[None], right[None], rtol=1e-6, mistakes=_mistakes(y, w), hint=_HINT)
    return exam.verdict()


_HINT = "sort the values of one pixel, add up their weights from below, and stop where the sum passes half of all"


def _median(y: Tensor, w: Tensor) -> Tensor:
    """Return for each pixel the value at which the expected absolute error is least: it is one of the values."""
    costs = (w[:, None, None] * (y[None] - y[:, None]).abs().transpose(0, 1)).sum(dim=0)
    return torch.gather(y, 0, costs.argmin(dim=0, keepdim=True))[0]


def _mistakes(y: Tensor, w: Tensor) -> list[Mistake]:
    mean, likeliest = (w[:, None] * y).sum(dim=0) / w.sum(), y[w.argmax()]
    found: list[tuple[str, Tensor]] = [
        ("this is the weighted mean, what squared error chooses", mean),
        ("this is the weighted sum: the weights were not divided by their sum", (w[:, None] * y).sum(dim=0)),
        ("the weights are left out", y.median(dim=0).values),
        ("the weights are left out, and the mean is taken", y.mean(dim=0)),
        ("this is the likeliest signal as a whole; absolute error decides each pixel by itself", likeliest),
    ]
    return [(hint, value[None]) for hint, value in found]
