"""The sliced earth mover's distance: against scipy and a transcription, and what must hold for any pictures."""

from __future__ import annotations

import math

import oracles_color
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import batch, noisy, photo
from scipy.stats import wasserstein_distance
from torch import Tensor

import lossedu as le
from lossedu.losses.sliced import unit_directions

EXAMPLES = settings(max_examples=20)


def random_picture(seed: int, c: int = 3, size: tuple[int, int] = (5, 4)) -> Tensor:
    return torch.rand(1, c, *size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_scipy(x: Tensor, y: Tensor, count: int, seed: int) -> float:
    theta = oracles_color.directions(x.shape[1], count, seed).numpy()
    seen = [theta @ z[0].flatten(1).numpy() for z in (x, y)]
    return sum(wasserstein_distance(a, b) for a, b in zip(*seen, strict=True)) / count


@pytest.mark.parametrize("c", [1, 2, 3, 5])
@pytest.mark.parametrize(("count", "seed"), [(1, 0), (32, 0), (7, 12)])
def test_value(c: int, count: int, seed: int) -> None:
    x, y = batch(1, c, (13, 11))
    x = 1.3 * x - 0.1
    found = le.sliced_emd_loss(x, y, directions=count, seed=seed)
    assert found.item() == pytest.approx(by_scipy(x, y, count, seed), rel=1e-12)
    assert le.sliced_emd_loss(x.float(), y.float(), directions=count, seed=seed).item() == pytest.approx(
        found.item(), rel=1e-5
    )
    half = le.sliced_emd_loss(50 * x, 50 * y, directions=count, seed=seed, data_range=100)
    assert half.item() == pytest.approx(found.item() / 2, rel=1e-12)


def test_value_and_gradient_of_the_transcription() -> None:
    x, y = batch(2, 3, (6, 5))
    x.requires_grad_()
    expected = oracles_color.sliced_emd(x, y, 9, 4, 0.8)
    found = le.sliced_emd_loss(x, y, directions=9, seed=4, data_range=0.8, reduction="none")
    torch.testing.assert_close(found, expected)
    grads = [torch.autograd.grad(values.sum(), x)[0] for values in (found, expected)]
    torch.testing.assert_close(grads[0], grads[1])


def test_gradient() -> None:
    x, y = batch(2, 3, (4, 3))
    x, y = x.requires_grad_(), noisy(y, 0.02, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a, b: le.sliced_emd_loss(a, b, directions=6, reduction="none"), (x, y), eps=1e-7
    )


def test_a_pixel_feels_a_mean_of_directions_with_signs() -> None:
    x, y = batch(1, 3, (6, 5))
    y = noisy(y, 0.02, seed=1)
    x.requires_grad_()
    (grad,) = torch.autograd.grad(le.sliced_emd_loss(x, y, directions=3), x)
    theta = oracles_color.directions(3, 3, 0)
    signs = torch.linalg.solve(theta.T, grad[0].flatten(1) * 3 * 30)
    torch.testing.assert_close(signs.abs(), torch.ones_like(signs))


def test_directions() -> None:
    theta = torch.tensor(unit_directions(3, 4000, 1), dtype=torch.float64).view(-1, 3)
    torch.testing.assert_close(theta.norm(dim=1), torch.ones(4000, dtype=torch.float64))
    assert theta.mean(dim=0).abs().max() < 0.03
    torch.testing.assert_close(theta.T @ theta / 4000, torch.eye(3, dtype=torch.float64) / 3, rtol=0, atol=0.02)
    torch.testing.assert_close(theta[:5], oracles_color.directions(3, 5, 1))
    x, y = batch(1, 3, 8)
    values = {le.sliced_emd_loss(x, y, seed=seed).item() for seed in (0, 1, 2, 3)}
    assert len(values) == 4
    assert le.sliced_emd_loss(x, y).item() == le.sliced_emd_loss(x, y, seed=0, directions=32).item()


def test_one_channel_is_the_sorted_distance() -> None:
    x, y = batch(2, 1, (9, 7))
    expected = le.histogram_emd_loss(x, y, kernel="sort", data_range=0.7, reduction="none")
    for count in (1, 32):
        found = le.sliced_emd_loss(x, y, directions=count, data_range=0.7, reduction="none")
        torch.testing.assert_close(found, expected, rtol=1e-15, atol=0)


def test_equal_channels_and_other_colors() -> None:
    """Black and yellow against green and red: no channel by itself sees it."""
    x = torch.tensor([[0.0, 1.0], [0.0, 1.0]], dtype=torch.float64).view(1, 2, 1, 2)
    y = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64).view(1, 2, 1, 2)
    assert le.histogram_emd_loss(x, y, kernel="sort").item() == 0
    # the mean over all directions (cos t, sin t), by a fine ring of them
    t = torch.linspace(0, 2 * math.pi, 100001, dtype=torch.float64)[:-1]
    a, b = t.cos(), t.sin()
    ring = [torch.stack(seen).sort(dim=0).values for seen in ((0 * a, a + b), (a, b))]
    expected = (ring[0] - ring[1]).abs().mean().item()
    assert le.sliced_emd_loss(x, y, directions=3000).item() == pytest.approx(expected, rel=0.05)
    z = photo(size=12)
    turned = torch.cat([z[:, :1], z[:, 1:].flip(-1)], dim=1)
    assert le.histogram_emd_loss(turned, z, kernel="sort").item() == 0 < 0.01 < le.sliced_emd_loss(turned, z).item()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64], ids=str)
def test_the_order_of_pixels_costs_nothing_and_pulls_nothing(dtype: torch.dtype) -> None:
    y = photo("coffee", (17, 13)).to(dtype)
    order = torch.randperm(17 * 13, generator=torch.Generator().manual_seed(0))
    x = y.flatten(2)[..., order].view_as(y).clone().requires_grad_()
    value = le.sliced_emd_loss(x, y)
    (grad,) = torch.autograd.grad(value, x)
    assert value.item() == 0 and not grad.any()


def test_a_shift_of_all_pixels() -> None:
    y = photo(size=9)
    v = torch.tensor([0.1, -0.2, 0.05], dtype=torch.float64)
    found = le.sliced_emd_loss(y + v.view(1, 3, 1, 1), y, directions=2000)
    theta = oracles_color.directions(3, 2000, 0)
    assert found.item() == pytest.approx((theta @ v).abs().mean().item(), rel=1e-12)
    assert found.item() == pytest.approx(v.norm().item() / 2, rel=0.05)


@EXAMPLES
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 5))
def test_it_is_a_metric(one: int, two: int, three: int, c: int) -> None:
    x, y, z = (random_picture(seed, c) for seed in (one, two, three))
    d = lambda a, b: le.sliced_emd_loss(a, b, directions=6).item()  # noqa: E731
    assert d(x, x) == 0 <= d(x, y)
    assert d(x, y) == pytest.approx(d(y, x), rel=1e-12)
    assert d(x, z) <= d(x, y) + d(y, z) + 1e-12
    assert d(x + 0.3, y + 0.3) == pytest.approx(d(x, y), rel=1e-9, abs=1e-12)
    assert d(2 * x, 2 * y) == pytest.approx(2 * d(x, y), rel=1e-12)
    # no plan moves colours less far than the mean of what its projections must move
    assert d(x, y) <= (x - y).norm(dim=1).mean().item() + 1e-12


@EXAMPLES
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_many_directions_do_not_care_how_space_is_turned(seed: int, angle: int) -> None:
    x, y = random_picture(seed), random_picture(seed + 1) ** 2
    turn, _ = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(angle), dtype=torch.float64))
    turned = [torch.einsum("ij,njhw->nihw", turn, z) for z in (x, y)]
    plain = le.sliced_emd_loss(x, y, directions=1500).item()
    assert le.sliced_emd_loss(*turned, directions=1500).item() == pytest.approx(plain, rel=0.06)


def test_descent_brings_the_colors_of_another_picture() -> None:
    x, y = photo("coffee", 12).requires_grad_(), photo("astronaut", 12)
    optimizer = torch.optim.Adam([x], lr=0.01)
    start = le.sliced_emd_loss(x, y).item()
    for _ in range(150):
        optimizer.zero_grad()
        value = le.sliced_emd_loss(x, y)
        value.backward()
        optimizer.step()
    assert value.item() < 0.1 * start
    assert le.sliced_emd_loss(x, y, seed=99).item() < 0.15 * start  # other directions see it too


def test_bad_input() -> None:
    x = torch.rand(2, 3, 4, 4)
    for count in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="directions must be an integer of at least 1, got"):
            le.sliced_emd_loss(x, x, directions=count)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="seed must be an integer"):
        le.sliced_emd_loss(x, x, seed=0.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="seed must be an integer of at least 0, got -1"):
        le.sliced_emd_loss(x, x, seed=-1)
    with pytest.raises(ValueError, match="data_range"):
        le.sliced_emd_loss(x, x, data_range=-1)
    with pytest.raises(ValueError, match="same shape"):
        le.sliced_emd_loss(x, x[:1])
    with pytest.raises(ValueError, match="reduction"):
        le.sliced_emd_loss(x, x, reduction="max")
    with pytest.raises(TypeError, match="floating"):
        le.sliced_emd_loss(x.int(), x)
    with pytest.raises(ValueError, match="directions"):
        le.SlicedEMDLoss(directions=0)(x, x)
