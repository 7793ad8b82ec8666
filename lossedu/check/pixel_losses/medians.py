"""The exercise on what absolute error chooses: the median of weighted values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..examination import Examination
from ..numbers import Mistake, recognise, short
from ..reader import function
from ..verdict import Verdict

_CALL = "fn(values, weights)"
_EDGE = 1e-9


def median_range(values: Tensor, weights: Tensor) -> tuple[float, float]:
    """Return the smallest and the largest number that halves the weight."""
    order = values.argsort()
    sorted_values, share = values[order], (weights / weights.sum())[order].cumsum(0)
    low = int((share >= 0.5 - _EDGE).nonzero()[0])
    high = int((share > 0.5 + _EDGE).nonzero()[0])
    return float(sorted_values[low]), float(sorted_values[high])


def weighted_median(fn: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(values, weights)``: a number that minimises the weighted sum of absolute differences.

    Parameters
    ----------
    fn : callable
        Takes two 1-D tensors of one length, float64: values in any order, and weights of at least 0 that need not add
        up to 1.  Returns one number; where a whole range is best, any number of it.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    drawn = torch.rand(2, 31, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    cases = [
        ("by hand: .2 (weight .6) and .8 (weight .4)", _row(0.2, 0.8), _row(0.6, 0.4)),
        ("by hand: the same in the other order", _row(0.8, 0.2), _row(0.4, 0.6)),
        ("by hand: .1, .2, .9 with weights .2, .2, .6", _row(0.1, 0.2, 0.9), _row(0.2, 0.2, 0.6)),
        ("weights that add up to 10", _row(0.7, 0.1, 0.4), _row(2, 3, 5)),
        ("an even tie: .3 and .5, equal weights", _row(0.3, 0.5), _row(0.5, 0.5)),
        ("31 values and weights at random", drawn[0], drawn[1] ** 3),
    ]
    with Examination("weighted_median", _CALL) as exam:
        for name, values, weights in cases:
            answer = exam.number(exam.call(fn, values, weights))
            low, high = median_range(values, weights)
            wanted = short(low) if high - low < _EDGE else f"anything from {short(low)} to {short(high)}"
            ok = low - 1e-6 <= answer <= high + 1e-6
            hint = "" if ok else recognise(answer, low, _mistakes(values, weights))
            exam.test(name, ok, short(answer), wanted, hint or ("" if ok else _risen(answer, values, weights)))
    return exam.verdict()


def _row(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def _mistakes(values: Tensor, weights: Tensor) -> list[Mistake]:
    share = weights / weights.sum()
    unsorted = values[(share.cumsum(0) >= 0.5 - _EDGE).nonzero()[0, 0]]
    own, order = weights.cumsum(0), values.argsort()
    sorted_alone = values[order][(share.cumsum(0) >= 0.5 - _EDGE).nonzero()[0, 0]]
    reached = (weights[order].cumsum(0) >= 0.5 - _EDGE).nonzero()
    plain = values[order][reached[0, 0]] if len(reached) else values[order][-1]
    mistakes: list[Mistake] = [
        ("this is the weighted mean, which squared error chooses", (share * values).sum()),
        ("the values were sorted and their weights were not: index both with the same order", sorted_alone),
        ("the weights were added up in the order in which the values came: sort the values first", unsorted),
        ("this is the value of the largest weight, the mode", values[weights.argmax()]),
    ]
    if abs(float(own[-1]) - 1) > _EDGE:
        mistakes.append(("half of the weight is half of their sum, and they do not add up to 1", plain))
    return [
        *mistakes,
        ("the weights were not used: this is the median of the bare values", values.median()),
        ("this is the mean of the bare values", values.mean()),
    ]


def _risen(answer: float, values: Tensor, weights: Tensor) -> str:
    below = float(weights[values < answer].sum() / weights.sum())
    return f"below your number lies {below:.0%} of the weight; half must lie on either side"
