"""Holm's correction against the procedure that it is named after."""

from __future__ import annotations

import math

import pytest
import torch

from lossedu.ledger.multiplicity import holm


def holm_step_down(p_values: list[float], level: float) -> list[bool]:
    """The procedure as Holm states it: reject while the k-th smallest is at most level / (m - k + 1), then stop."""
    rejected = [False] * len(p_values)
    for rank, (value, place) in enumerate(sorted((value, place) for place, value in enumerate(p_values))):
        if value > level / (len(p_values) - rank):
            break
        rejected[place] = True
    return rejected


def test_adjusted_values_reject_as_the_procedure_does() -> None:
    rng = torch.Generator().manual_seed(0)
    for _ in range(200):
        p_values = (torch.rand(7, generator=rng, dtype=torch.float64) ** 3).tolist()
        for level in (0.01, 0.05, 0.2):
            assert [value <= level for value in holm(p_values)] == holm_step_down(p_values, level)


def test_holm_on_known_families() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # R: p.adjust(p, "holm")
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


@pytest.mark.parametrize("values", [[-0.1], [1.1], [0.5, math.nan]])
def test_holm_names_what_is_wrong(values: list[float]) -> None:
    with pytest.raises(ValueError, match=r"^p_values must"):
        holm(values)
