"""Speeds, measured and told."""

from __future__ import annotations

import pytest
import torch

from lossedu.sweeps import matmul_rate, rates, sentence


def test_the_rate_is_that_of_a_matrix_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products that take 2 n³ / 10¹² seconds: the clock is theirs."""
    now = 0.0
    monkeypatch.setattr(rates.time, "perf_counter", lambda: now)

    def mm(a: torch.Tensor, b: torch.Tensor) -> None:
        nonlocal now
        now += 2 * a.shape[0] ** 2 * b.shape[1] / (1e12 if a.shape[0] == 1536 else 7e11)

    monkeypatch.setattr(torch, "mm", mm)
    assert matmul_rate() == pytest.approx(1e12)  # the best
    assert 0.3 < now < 0.4


def test_this_machine() -> None:
    assert matmul_rate(torch.device("cpu"), seconds=0.05) > 1e8


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        (
            (1050.0, 90.5e6, 134e9),
            "1,050 patches/s = 95 GFLOP/s, 71 % of the 134 GFLOP/s that a matrix product reaches here",
        ),
        (
            (90_000.0, 1.5e9, 600e12),
            "90,000 patches/s = 135 TFLOP/s, 22 % of the 600 TFLOP/s that a matrix product reaches here",
        ),
        ((0.5, 4e6, 20e9), "0.5 patches/s = 2.0 MFLOP/s, 0 % of the 20 GFLOP/s that a matrix product reaches here"),
    ],
)
def test_sentence(numbers: tuple[float, float, float], told: str) -> None:
    assert sentence(*numbers) == told
