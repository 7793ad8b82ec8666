"""The exercise on doubt: with how many factors is it better to bet on one answer than to mix them?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict

_CALL = "fn(n, K)"


def best_agreement(fn: Callable[[float, int], Any]) -> Verdict:
    r"""Check ``fn(n, K)``: the best agreement, :math:`\max_a \frac1K\sum_k a_k^n` with :math:`\sum_k a_k^2 = 1`.

    Parameters
    ----------
    fn : callable
        Takes the number n of factors, above 0, and the number K of equally likely patterns; returns a number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("best_agreement", _CALL) as exam:
        for n, count in ((1, 4), (1, 9), (2, 5), (3, 4), (5, 4), (5, 25), (1.5, 16), (2.2, 9)):
            answer = exam.number(exam.call(fn, n, count))
            mixed, bet = count ** (-n / 2), 1 / count
            exam.value(
                f"n = {n}, K = {count}", answer, max(mixed, bet), rtol=1e-6, mistakes=_mistakes(mixed, bet, n, count)
            )
    return exam.verdict()


def _mistakes(mixed: float, bet: float, n: float, count: int) -> list[Mistake]:
    return [
        ("this is what equal shares get; with more than two factors a bet on one pattern gets more", mixed),
        ("this is what a bet on one pattern gets; with fewer than two factors equal shares get more", bet),
        ("the shares must have squares that add up to 1: equal ones are 1/sqrt(K), not 1/K", float(count) ** (-n)),
        ("the mean over the patterns is missing, 1/K", max(mixed, bet) * count),
    ]
