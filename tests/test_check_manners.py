"""Whatever comes, a check answers: every check of a function, with answers that nobody would expect."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from lossedu import check

#: All checks whose answer is a function.
CHECKS = [
    name
    for name in check.__all__
    if inspect.isfunction(getattr(check, name)) and "fn" in inspect.signature(getattr(check, name)).parameters
]


def crash_deep_inside(*args: object) -> None:
    def helper(number: int) -> float:
        return number / 0

    helper(1)


ODDITIES = [
    lambda *a: None,
    lambda *a: "text",
    lambda *a: True,
    lambda *a: [1.0],
    lambda *a: math.nan,
    lambda *a: -math.inf,
    lambda *a: 10**400,
    lambda *a: np.zeros((1, 1, 11, 11)),
    lambda *a: torch.tensor(1j),
    lambda *a: torch.tensor(True),
    lambda *a: torch.zeros(0),
    lambda *a: torch.zeros(3),
    lambda *a: torch.tensor([[math.nan]]),
    lambda *a: (_ for _ in ()).throw(ValueError()),
    lambda *a: torch.zeros_like(a[0]) if isinstance(a[0], Tensor) else 0.0,
    lambda *a: (a[0] * 1e30) ** 9,
    lambda *a: a[0].int() if isinstance(a[0], Tensor) else 0,
    lambda *a: torch.sparse_coo_tensor(size=(1, 1, 26, 30)),
    lambda *a: torch.zeros(1, device="meta"),
]


def test_there_is_one_for_every_chapter() -> None:
    some = {"l1_act", "careful_mse", "rof_weight", "ssim_gradient", "safe_power", "mix_gradient", "write_counts"}
    assert some <= set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_no_answer_makes_a_check_raise_or_pass(name: str) -> None:
    for which, answer in enumerate(ODDITIES):
        verdict = getattr(check, name)(answer)
        assert not verdict.passed, which
        assert "WRONG" in repr(verdict) and verdict._repr_html_(), which


@pytest.mark.parametrize("name", CHECKS)
def test_a_crash_is_shown_with_the_readers_own_line(name: str) -> None:
    verdict = getattr(check, name)(crash_deep_inside)
    (failure,) = verdict.failures
    line = crash_deep_inside.__code__.co_firstlineno + 2
    assert failure.name == "runs"
    assert failure.seen == f"ZeroDivisionError: division by zero (line {line}, in helper: return number / 0)"


@pytest.mark.parametrize("name", CHECKS)
def test_an_unfinished_answer_is_not_told_the_solution(name: str) -> None:
    assert len(getattr(check, name)(lambda *args: None).properties) == 1


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("answer", [None, 0.5, torch.zeros(1)])
def test_only_functions_are_checked_as_functions(name: str, answer: object) -> None:
    with pytest.raises(TypeError, match=r"fn must be a function, called as fn\("):
        getattr(check, name)(answer)
