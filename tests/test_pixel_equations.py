"""Every numbered equation of chapter 1, against sums, integrals and searches that know nothing of it."""

from __future__ import annotations

import functools
import math

import pytest
import torch
import torch.nn.functional as F
from pictures import noisy, photo
from torch import Tensor

import lossedu as le
from lossedu import data
from lossedu.experiments.noisy_targets import SPREAD, expected, spoiled

EPS, DELTA = 0.03, 0.1


def charbonnier(q: Tensor) -> Tensor:
    return (q.square() + EPS**2).sqrt() - EPS


def huber(q: Tensor) -> Tensor:
    size = q.abs()
    return torch.where(size <= DELTA, q.square() / 2, DELTA * (size - DELTA / 2))


COSTS = {"l2": torch.square, "l1": torch.abs, "charbonnier": charbonnier, "huber": huber}
LOSSES = {
    "l2": le.mse_loss,
    "l1": le.l1_loss,
    "charbonnier": functools.partial(le.charbonnier_loss, eps=EPS),
    "huber": functools.partial(F.huber_loss, delta=DELTA),
}


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    y = photo(size=12)
    return noisy(y, 0.1), y


@pytest.fixture
def answers() -> tuple[Tensor, Tensor]:
    """Plausible values and their probabilities: skewed, and no two alike."""
    drawn = torch.rand(2, 41, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return drawn[0] ** 2, drawn[1] / drawn[1].sum()


def best(cost: str, values: Tensor, weights: Tensor) -> float:
    """Return the answer of least expected cost, by trying 20,001 of them."""
    tried = torch.linspace(float(values.min()), float(values.max()), 20_001, dtype=torch.float64)
    expected = (weights * COSTS[cost](tried[:, None] - values)).sum(dim=1)
    return float(tried[expected.argmin()])


@pytest.mark.equation("1.1")
@pytest.mark.equation("1.8")
@pytest.mark.parametrize("name", LOSSES)
def test_a_pixel_loss_is_a_mean_of_costs(pair: tuple[Tensor, Tensor], name: str) -> None:
    x, y = pair
    errors = [a - b for a, b in zip(x.flatten().tolist(), y.flatten().tolist(), strict=True)]
    costs = [float(COSTS[name](torch.tensor(q, dtype=torch.float64))) for q in errors]
    assert float(LOSSES[name](x, y)) == pytest.approx(sum(costs) / x.numel(), rel=1e-10)


@pytest.mark.equation("1.2")
def test_the_best_answers_to_every_input_and_pixel_are_the_best_rule() -> None:
    """Three inputs, two pixels, four answers each: no rule on a grid beats the best answers taken one by one."""
    generator = torch.Generator().manual_seed(2)
    y = torch.rand(3, 2, 4, dtype=torch.float64, generator=generator)
    share = torch.rand(3, 2, 4, dtype=torch.float64, generator=generator)
    share = share / share.sum(dim=-1, keepdim=True)
    inputs = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    grid = torch.linspace(0, 1, 21, dtype=torch.float64)
    # expected cost of each answer of the grid: (input, pixel, answer)
    each = (share[..., None, :] * (grid[:, None] - y[..., None, :]).abs()).sum(dim=-1)
    alone = float((inputs[:, None] * each.min(dim=-1).values).sum() / 2)
    rules = torch.cartesian_prod(*[torch.arange(0, 21, 5)] * 6)
    risks = torch.stack([inputs[k // 2] * each[k // 2, k % 2][rules[:, k]] / 2 for k in range(6)]).sum(dim=0)
    assert alone <= float(risks.min()) + 1e-12
    chosen = each.argmin(dim=-1)
    risk = sum(float(inputs[k // 2] * each[k // 2, k % 2, chosen[k // 2, k % 2]] / 2) for k in range(6))
    assert risk == pytest.approx(alone, rel=1e-12)


@pytest.mark.equation("1.3")
@pytest.mark.equation("1.4")
def test_squared_error_is_distance_from_the_mean_plus_the_variance(answers: tuple[Tensor, Tensor]) -> None:
    values, weights = answers
    mean = (weights * values).sum()
    variance = (weights * (values - mean).square()).sum()
    for a in (0.0, 0.3, 0.9):
        expected = (weights * (a - values).square()).sum()
        torch.testing.assert_close(expected, (a - mean) ** 2 + variance, rtol=1e-12, atol=0)
    assert best("l2", values, weights) == pytest.approx(float(mean), abs=1e-4)


@pytest.mark.equation("1.5")
@pytest.mark.equation("1.6")
def test_the_slope_of_absolute_error_counts_sides(answers: tuple[Tensor, Tensor]) -> None:
    values, weights = answers
    step = 1e-7
    for a in (0.05, 0.2, 0.6):
        slope = [(weights * (a + s - values).abs()).sum() for s in (-step, step)]
        below = float(weights[values <= a].sum())
        assert float(slope[1] - slope[0]) / (2 * step) == pytest.approx(2 * below - 1, abs=1e-6)
    order = values.argsort()
    median = float(values[order][weights[order].cumsum(0) >= 0.5][0])
    assert best("l1", values, weights) == pytest.approx(median, abs=1e-4)


@pytest.mark.equation("1.7")
def test_negative_logarithms_of_likelihoods() -> None:
    y = torch.tensor([0.1, 0.5, 0.8], dtype=torch.float64)
    a, scale = torch.tensor([0.4, 0.2], dtype=torch.float64)
    gauss = -torch.distributions.Normal(a, scale).log_prob(y)
    laplace = -torch.distributions.Laplace(a, scale).log_prob(y)
    torch.testing.assert_close(gauss, (a - y).square() / (2 * scale**2) + (scale * math.sqrt(2 * math.pi)).log())
    torch.testing.assert_close(laplace, (a - y).abs() / scale + (2 * scale).log())


@pytest.mark.equation("1.9")
@pytest.mark.parametrize("name", ["charbonnier", "huber", "l2"])
def test_the_answer_is_a_mean_with_weights(answers: tuple[Tensor, Tensor], name: str) -> None:
    values, weights = answers
    omegas = {
        "charbonnier": lambda q: 1 / (q.square() + EPS**2).sqrt(),
        "huber": lambda q: (DELTA / q.abs()).clamp(max=1),
        "l2": lambda q: torch.full_like(q, 2.0),
    }
    a = torch.tensor(best(name, values, weights), dtype=torch.float64)
    for _ in range(200):  # the fixed point, from the best answer of the grid
        share = weights * omegas[name](a - values)
        a = (share * values).sum() / share.sum()
    assert float(a) == pytest.approx(best(name, values, weights), abs=1e-4)


@pytest.mark.equation("1.10")
def test_gradients(pair: tuple[Tensor, Tensor]) -> None:
    x, y = pair
    q = x - y
    slopes = {
        "l2": 2 * q,
        "l1": q.sign(),
        "charbonnier": q / (q.square() + EPS**2).sqrt(),
        "huber": q.clamp(-DELTA, DELTA),
    }
    for name, slope in slopes.items():
        leaf = x.clone().requires_grad_()
        (found,) = torch.autograd.grad(LOSSES[name](leaf, y), leaf)
        torch.testing.assert_close(found, slope / x.numel(), rtol=1e-9, atol=1e-14)


@pytest.mark.equation("1.11")
def test_ratio_of_the_gradients(pair: tuple[Tensor, Tensor]) -> None:
    x, y = pair
    sizes = []
    for loss in (le.l1_loss, le.mse_loss):
        leaf = x.clone().requires_grad_()
        sizes.append(float(torch.autograd.grad(loss(leaf, y), leaf)[0].abs().sum()))
    assert sizes[0] / sizes[1] == pytest.approx(float(1 / (2 * (x - y).abs().mean())), rel=1e-9)


@pytest.mark.equation("1.12")
def test_psnr(pair: tuple[Tensor, Tensor]) -> None:
    x, y = pair
    for data_range in (1.0, 255.0):
        mse = float((data_range * (x - y)).square().mean())
        found = float(le.metrics.psnr(data_range * x, data_range * y, data_range=data_range))
        assert found == pytest.approx(10 * math.log10(data_range**2 / mse), rel=1e-9)


@pytest.mark.equation("1.13")
def test_mean_psnr_is_at_least_the_psnr_of_the_mean() -> None:
    errors = torch.rand(200, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(3)) * 0.01 + 1e-6
    mean_of, of_mean = -10 * errors.log10().mean(dim=1), -10 * errors.mean(dim=1).log10()
    assert (mean_of > of_mean).all()
    same = errors[:, :1].expand(-1, 5)
    torch.testing.assert_close(-10 * same.log10().mean(dim=1), -10 * same.mean(dim=1).log10())


@pytest.mark.equation("1.14")
def test_prices() -> None:
    a = 0.02
    l1 = le.price(le.l1_loss, amplitude=a, frequencies=[1 / 128], size=128)
    assert l1.uniform == pytest.approx(1 / a, rel=1e-4)
    assert float(l1.values[0]) == pytest.approx(4 / (math.pi * a), rel=2e-3)
    smooth = le.price(functools.partial(le.charbonnier_loss, eps=0.05), amplitude=5e-4, frequencies=[0.25], size=16)
    assert smooth.uniform == pytest.approx(1 / (2 * 0.05), rel=1e-3)


@pytest.mark.equation("1.15")
def test_noise_in_the_target_moves_the_mean_by_its_own() -> None:
    generator = torch.Generator().manual_seed(4)
    y = torch.rand(1, 1, 800, 800, dtype=torch.float64, generator=generator)  # one input, many answers
    for kind, shift in (("even", 0.0), ("skewed", 0.0)):
        asked = spoiled(y, kind, generator)
        assert float(asked.mean() - y.mean()) == pytest.approx(shift, abs=1e-3), kind
    moved = y + 0.1 + SPREAD * torch.randn(y.shape, dtype=y.dtype, generator=generator)
    assert float(moved.mean() - y.mean()) == pytest.approx(0.1, abs=1e-3)


@pytest.mark.equation("1.15")
def test_clipped_noise_depends_on_the_truth_and_its_mean_has_to_be_taken_there() -> None:
    generator = torch.Generator().manual_seed(6)
    y = torch.where(torch.rand(1, 1, 1000, 1000, dtype=torch.float64, generator=generator) < 0.6, 0.1, 0.7)
    moved = float(spoiled(y, "clipped", generator).mean() - y.mean())
    at = [expected("clipped", "l2", level) for level in (0.1, 0.7)]
    assert moved == pytest.approx(0.6 * at[0] + 0.4 * at[1], abs=1e-3)
    assert abs(moved) > 0.01


def test_noise_draws_the_median_to_the_mean_and_clipping_leaves_it_there() -> None:
    generator = torch.Generator().manual_seed(7)
    y = torch.where(torch.rand(1_000_001, dtype=torch.float64, generator=generator) < 0.6, 0.1, 0.7)
    noise = torch.randn(y.shape, dtype=y.dtype, generator=generator)
    gaps = [float(y.mean() - (y + spread * noise).median()) for spread in (0.0, 0.2, 0.4, 1.0)]
    assert gaps == sorted(gaps, reverse=True) and gaps[-1] < 0.02
    asked = y + 0.2 * noise
    assert asked.clamp(0, 1).median() == asked.median().clamp(0, 1)


@pytest.mark.equation("1.16")
@pytest.mark.parametrize("level", [0.02, 0.25, 0.7])
def test_price_of_squared_error_in_linear_light(level: float) -> None:
    def linear(x: Tensor, y: Tensor) -> Tensor:
        return le.mse_loss(data.srgb_decode(x.double()), data.srgb_decode(y.double()))

    slope = 1 / 12.92 if level < 0.04 else 2.4 / 1.055 * ((level + 0.055) / 1.055) ** 1.4
    found = le.price(linear, level=level, amplitude=1e-3, frequencies=[0.5], size=16)
    assert found.uniform == pytest.approx(slope**2, rel=1e-3)


@pytest.mark.equation("1.17")
def test_mean_of_light_is_brighter_and_the_median_the_same() -> None:
    y = torch.rand(1, 1, 1, 1001, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    light = data.srgb_decode(y)
    mean = float(data.srgb_encode(light.mean().view(1, 1, 1, 1)))
    assert mean > float(y.mean()) + 0.05
    median = data.srgb_encode(light.median().view(1, 1, 1, 1))
    assert float(median) == pytest.approx(float(y.median()), abs=1e-7)
