"""Every numbered equation of chapter 0 that is no model of choices: on numbers that a hand can follow."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor

import lossedu as le


def row(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 1, 1, -1)


def neighbours(x: Tensor, y: Tensor) -> Tensor:
    return (x - y).diff().square().mean()


def bounded(x: Tensor, y: Tensor, c: float = 0.3) -> Tensor:
    q = x - y
    return (q.square() / (q.square() + c * c)).mean()


X, Y = row(0.5, 0.4, 0.9), row(0.4, 0.6, 0.6)  # q = .1, -.2, .3


@pytest.mark.equation("0.1")
def test_squared_and_absolute_error() -> None:
    assert float(le.mse_loss(X, Y)) == pytest.approx((0.01 + 0.04 + 0.09) / 3)
    assert float(le.l1_loss(X, Y)) == pytest.approx((0.1 + 0.2 + 0.3) / 3)


@pytest.mark.equation("0.2")
def test_psnr_is_squared_error_in_decibels() -> None:
    assert float(le.metrics.psnr(X, Y)) == pytest.approx(10 * math.log10(1 / float(le.mse_loss(X, Y))))
    assert float(le.metrics.psnr(row(0.55), row(0.5))) == pytest.approx(26.02, abs=0.005)


@pytest.mark.equation("0.3")
def test_loss_of_neighbours() -> None:
    assert float(neighbours(X, Y)) == pytest.approx((0.3**2 + 0.5**2) / 2)


@pytest.mark.equation("0.4")
def test_prices_of_four_errors_of_equal_mean_square() -> None:
    a, y = 0.1, row(0.5, 0.5, 0.5)
    errors = {"shift": row(1, 1, 1), "slope": row(-1, 0, 1) * 1.5**0.5, "spike": row(0, 1, 0) * 3**0.5,
              "zigzag": row(1, -1, 1)}  # fmt: skip
    prices = {}
    for name, q in errors.items():
        energy = (a * q).square().mean()
        assert float(energy) == pytest.approx(0.01)
        prices[name] = [float(loss(y + a * q, y) / energy) for loss in (le.mse_loss, le.l1_loss, neighbours)]
    assert prices["shift"] == pytest.approx([1, 10, 0], abs=1e-9)
    assert prices["slope"] == pytest.approx([1, 8.165, 1.5], abs=1e-3)
    assert prices["spike"] == pytest.approx([1, 5.774, 3], abs=1e-3)
    assert prices["zigzag"] == pytest.approx([1, 10, 4], abs=1e-9)


SIGNALS = torch.tensor([[0.2, 0.8, 0.8], [0.2, 0.2, 0.8]], dtype=torch.float64).view(2, 1, 1, 3)
WEIGHTS = (0.6, 0.4)


@pytest.mark.equation("0.5")
@pytest.mark.parametrize("loss", [le.mse_loss, le.l1_loss])
def test_the_act_costs_least_of_all_signals_on_a_grid(loss) -> None:
    def expected(x: Tensor) -> float:
        return sum(w * float(loss(x, y[None])) for w, y in zip(WEIGHTS, SIGNALS, strict=True))

    act = le.bayes_act(loss, SIGNALS, WEIGHTS)
    grid = [k / 10 for k in range(11)]
    assert expected(act) <= min(expected(row(*x)) for x in itertools.product(grid, repeat=3)) + 1e-3


@pytest.mark.equation("0.6")
def test_squared_error_chooses_the_mean() -> None:
    act = le.bayes_act(le.mse_loss, SIGNALS, WEIGHTS)
    torch.testing.assert_close(act, row(0.2, 0.56, 0.8), rtol=0, atol=1e-6)
    # the expected loss of x exceeds that of the mean by the squared distance between the two
    x, mean = row(0.3, 0.1, 0.7), row(0.2, 0.56, 0.8)
    over = sum(
        w * (le.mse_loss(x, y[None]) - le.mse_loss(mean, y[None])) for w, y in zip(WEIGHTS, SIGNALS, strict=True)
    )
    assert float(over) == pytest.approx(float(le.mse_loss(x, mean)))


@pytest.mark.equation("0.7")
def test_absolute_error_chooses_the_median() -> None:
    act = le.bayes_act(le.l1_loss, SIGNALS, WEIGHTS)
    torch.testing.assert_close(act, row(0.2, 0.8, 0.8), rtol=0, atol=2e-3)


@pytest.mark.equation("0.8")
@pytest.mark.parametrize("loss", [le.mse_loss, le.l1_loss, neighbours, bounded])
def test_a_small_step_along_the_pull_lowers_the_loss_by_its_square(loss) -> None:
    x = X.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(x, Y), x)
    step = 1e-5
    gained = float(loss(X, Y) - loss(X - step * slope, Y))
    assert gained == pytest.approx(step * float(slope.square().sum()), rel=1e-3)


@pytest.mark.equation("0.9")
@pytest.mark.parametrize(
    ("loss", "expected"), [(le.mse_loss, [0.2 / 3, -0.4 / 3, 0.6 / 3]), (le.l1_loss, [1 / 3, -1 / 3, 1 / 3])]
)
def test_gradients_of_squared_and_absolute_error(loss, expected: list[float]) -> None:
    x = X.clone().requires_grad_()
    assert torch.autograd.grad(loss(x, Y), x)[0].flatten().tolist() == pytest.approx(expected)


@pytest.mark.equation("0.10")
def test_the_bounded_loss_is_bounded() -> None:
    assert float(bounded(X, Y)) == pytest.approx((0.01 / 0.1 + 0.04 / 0.13 + 0.09 / 0.18) / 3)
    assert float(bounded(row(1e6), row(0.0))) == pytest.approx(1)


@pytest.mark.equation("0.11")
def test_the_pull_of_the_bounded_loss_redescends() -> None:
    c, q = 0.3, torch.linspace(0.001, 3, 3000, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad((q.square() / (q.square() + c * c)).sum(), q)
    torch.testing.assert_close(slope, 2 * q.detach() * c * c / (q.detach().square() + c * c) ** 2)
    assert float(q.detach()[slope.argmax()]) == pytest.approx(c / math.sqrt(3), abs=1e-3)
    assert float(slope[-1]) < 0.01 * float(slope.max())
