"""Exercises on the observer: what twenty choices settle, and strengths from choices."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...preferences import bradley_terry
from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict


def needed_agreements(fn: Callable[[int], Any]) -> Verdict:
    """Check ``fn(n)``: the least number that guessing reaches, or passes, in at most 2.5 of 100 tests.

    The least k with P(K >= k) <= 0.025 for K binomial with chance one half.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    call = "fn(n)"
    function("fn", fn, call)
    with Examination("needed_agreements", call) as exam:
        for n in (20, 6, 100, 1000):
            answer = exam.number(exam.call(fn, n))
            exam.test(f"{n} choices", answer == _needed(n), f"{answer:g}", str(_needed(n)), _hint(n, answer))
        few = ", ".join(f"{_needed(n)} of {n}" for n in (20, 100, 1000))
        exam.notes.append(f"Beyond guessing: {few}. The share that is needed falls towards one half like 1/√n.")
    return exam.verdict()


@functools.cache
def _needed(n: int, level: float = 0.025) -> int:
    """Return the least k with P(K >= k) <= level: the chances are added up from n down, until they are too many."""
    tail, k = 0.0, n + 1
    while (tail := tail + math.comb(n, k - 1) / 2**n) <= level:
        k -= 1
    return k


def _hint(n: int, answer: float) -> str:
    if answer == _needed(n, 0.05):
        return "at most 2.5 of 100, not 5: the other 2.5 are left for those who disagree as often"
    if answer == _needed(n) - 1:
        return "this is the most that guessing reaches; one more is needed"
    if 0 < answer < 1:
        return "a number of agreements was asked for, not a share"
    if answer == math.ceil(n / 2 + math.sqrt(n)):
        return "two standard deviations are close; the binomial sum is exact"
    return "add up the binomial chances from k to n: math.comb(n, i) / 2**n"


def choice_strengths(fn: Callable[[Tensor], Any]) -> Verdict:
    """Check ``fn(wins)``: the strengths of Bradley and Terry with a normal distribution of spread 1, (0.13).

    Parameters
    ----------
    fn : callable
        Takes ``wins`` (K, K), float64, where ``wins[i, j]`` is how often i was chosen over j, diagonal 0; returns a
        tensor (K,).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    call = "fn(wins)"
    function("fn", fn, call)
    cases = {
        "nothing chosen yet": [[0, 0], [0, 0]],
        "two candidates, 15 to 5": [[0, 15], [5, 0]],
        "one wins all five": [[0, 5], [0, 0]],
        "four in a circle, one choice undecided": [[0, 2, 0, 0.5], [1, 0, 3, 0], [0, 1, 0, 2], [0.5, 0, 2, 0]],
    }
    with Examination("choice_strengths", call) as exam:
        for name, rows in cases.items():
            wins = torch.tensor(rows, dtype=torch.float64)
            answer = exam.tensor(exam.call(fn, wins), (len(wins),))
            right = bradley_terry(wins).values
            exam.value(name, answer[None], right[None], rtol=0, atol=1e-3, mistakes=_mistakes(wins), hint=_STRENGTH)
    return exam.verdict()


_STRENGTH = "at the maximum, what k won beyond what the model expects equals its strength"


def _mistakes(wins: Tensor) -> list[Mistake]:
    right = bradley_terry(wins).values
    share = wins.sum(dim=1) / (wins + wins.T).sum(dim=1).clamp(min=1e-9)
    found: list[tuple[str, Tensor]] = [
        ("won and lost are exchanged: wins[i, j] is how often i was chosen over j", -right),
        ("this is the share of choices won; the strength of the opponents does not come in", share),
        ("the prior is missing: who wins all would go to infinity", bradley_terry(wins, spread=1e3).values),
        (
            "the prior counts twice: it is minus theta^2 / 2, with slope minus theta",
            bradley_terry(wins, spread=0.5**0.5).values,
        ),
        (
            "the prior counts half: it is minus theta^2 / 2, with slope minus theta",
            bradley_terry(wins, spread=2**0.5).values,
        ),
        ("only differences matter to the choices, but the prior wants them about 0", right - right.min()),
    ]
    return [(hint, value[None]) for hint, value in found]
