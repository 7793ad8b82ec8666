"""Every numbered equation of chapter 2, against formulas written out in loops, finite differences and searches."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import lossedu as le
from lossedu import data
from lossedu.experiments import doubt, tv_scenes
from lossedu.variational import divergence, gradient, mean_weight, rof, taut_string, tikhonov


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def differences(x: Tensor) -> list[tuple[float, float]]:
    """Both forward differences of every pixel of (H, W), in loops."""
    rows, columns = x.shape
    return [
        (
            float(x[i + 1, j] - x[i, j]) if i + 1 < rows else 0.0,
            float(x[i, j + 1] - x[i, j]) if j + 1 < columns else 0.0,
        )
        for i in range(rows)
        for j in range(columns)
    ]


def tv(x: Tensor, kind: str = "isotropic") -> float:
    """The sum of (2.2), in loops."""
    form = {
        "anisotropic": lambda a, b: abs(a) + abs(b),
        "isotropic": math.hypot,
        "squared": lambda a, b: a * a + b * b,
    }[kind]
    return sum(form(a, b) for a, b in differences(x[0, 0]))


def energy(x: Tensor, z: Tensor, w: float) -> float:
    return float(0.5 * (x - z).square().sum()) + w * tv(x)


@pytest.mark.equation("2.1")
def test_forward_differences() -> None:
    x = noise(1, 1, 4, 6)
    found = torch.stack([part.flatten() for part in gradient(x)], dim=1)
    assert found.tolist() == [list(pair) for pair in differences(x[0, 0])]


@pytest.mark.equation("2.2")
@pytest.mark.parametrize("kind", ["anisotropic", "isotropic", "squared"])
def test_three_forms(kind: str) -> None:
    x = noise(1, 1, 5, 7)
    assert float(le.tv_loss(x, kind=kind)) * x.numel() == pytest.approx(tv(x, kind))


@pytest.mark.equation("2.3")
def test_an_edge_in_k_steps() -> None:
    for steps in (1, 2, 5, 10):
        row = (torch.arange(30, dtype=torch.float64) / steps).clamp(0, 1).mul(0.6).view(1, 1, 1, -1)
        assert tv(row, "anisotropic") == pytest.approx(0.6)
        assert tv(row, "squared") == pytest.approx(0.36 / steps)


@pytest.mark.equation("2.4")
def test_subgradients_stay_below() -> None:
    t = torch.linspace(-2, 2, 401, dtype=torch.float64)
    for at in (-0.7, 0.0, 1.3):
        known = [-1.0, -0.3, 0.0, 1.0] if at == 0 else [math.copysign(1, at)]
        for slope in known:
            assert bool((t.abs() >= abs(at) + slope * (t - at) - 1e-12).all())
        for slope in (1.2, -1.2) if at == 0 else (-math.copysign(1, at), 0.0):
            assert not bool((t.abs() >= abs(at) + slope * (t - at) - 1e-12).all())


def slope_of(x: Tensor, kind: str) -> Tensor:
    """Central differences of the loops."""
    found, step = torch.zeros_like(x), 1e-6
    for place in range(x.numel()):
        ends = []
        for sign in (1, -1):
            moved = x.clone().flatten()
            moved[place] += sign * step
            ends.append(tv(moved.view_as(x), kind))
        found.view(-1)[place] = (ends[0] - ends[1]) / (2 * step)
    return found


@pytest.mark.equation("2.5")
def test_gradient_of_the_anisotropic_form() -> None:
    x = noise(1, 1, 5, 4)
    torch.testing.assert_close(-divergence(gradient(x).sign()), slope_of(x, "anisotropic"), atol=1e-7, rtol=0)


@pytest.mark.equation("2.6")
def test_gradient_of_the_isotropic_form_and_of_ours_on_flat_ground() -> None:
    x = noise(1, 1, 5, 4)
    arrows = gradient(x)
    length = arrows.square().sum(0, keepdim=True).sqrt()
    closed = -divergence(arrows / length.where(length > 0, torch.inf))
    torch.testing.assert_close(closed, slope_of(x, "isotropic"), atol=1e-6, rtol=0)
    for picture in (x, torch.full_like(x, 0.3)):
        leaf = picture.clone().requires_grad_()
        (auto,) = torch.autograd.grad(le.tv_loss(leaf, kind="isotropic") * x.numel(), leaf)
        wanted = closed if picture is x else torch.zeros_like(x)
        torch.testing.assert_close(auto, wanted)


@pytest.mark.equation("2.7")
def test_smoothed_form_lies_below_by_at_most_eps_and_its_gradient_changes_by_at_most_eight_over_eps() -> None:
    eps = 0.05

    def smoothed(x: Tensor) -> Tensor:
        return ((gradient(x).square().sum(0) + eps**2).sqrt() - eps).sum()

    def slope(x: Tensor) -> Tensor:
        arrows = gradient(x)
        return -divergence(arrows / (arrows.square().sum(0, keepdim=True) + eps**2).sqrt())

    for seed in range(20):
        x = 0.1 * noise(1, 1, 6, 6, seed=seed)
        below = tv(x) - float(smoothed(x))
        assert 0 <= below <= eps * x.numel()
        near = x + 0.01 * noise(1, 1, 6, 6, seed=seed + 100)
        assert (slope(x) - slope(near)).norm() <= 8 / eps * (x - near).norm()
    # the bound is nearly met by the finest checkerboard, faint
    board = ((torch.arange(20)[:, None] + torch.arange(20)) % 2 * 2.0 - 1).double()[None, None]
    assert slope(1e-5 * board).norm() > 0.9 * 8 / eps * (1e-5 * board).norm()


@pytest.mark.equation("2.8")
def test_rof_is_the_one_minimum() -> None:
    z = noise(1, 1, 6, 6)
    x = rof(z, 0.3, tol=1e-7, max_steps=50_000).image
    least = energy(x, z, 0.3)
    for seed in range(60):
        d = 0.05 * noise(1, 1, 6, 6, seed=seed)
        assert energy(x + d, z, 0.3) >= least + 0.5 * float(d.square().sum()) - 1e-9


@pytest.mark.equation("2.9")
@pytest.mark.parametrize(("width", "edges"), [(20, 1), (12, 2), (5, 2)])
def test_level_moves_by_weight_times_rim_over_area(width: int, edges: int) -> None:
    z = torch.zeros(200, dtype=torch.float64)
    if edges == 1:
        z[:width] = 1
        moved = 1 - taut_string(z, 0.7)[0]
    else:
        z[90 : 90 + width] = 1
        moved = 1 - taut_string(z, 0.7)[92]
    assert float(moved) == pytest.approx(0.7 * edges / width)
    # and of a stripe across an image: rim 2 x rows, area width x rows
    picture = z.expand(1, 1, 5, 200)
    place = 0 if edges == 1 else 92
    found = rof(picture, 0.7, tol=1e-6, max_steps=60_000).image
    assert float(1 - found[0, 0, 2, place]) == pytest.approx(0.7 * edges / width, abs=1e-4)


@pytest.mark.equation("2.10")
def test_a_disc_loses_two_w_over_r() -> None:
    found = rof(tv_scenes.disc(20), 1.0, tol=5e-4, max_steps=6000).image
    assert 1 - float(found[0, 0, 40, 40]) == pytest.approx(2 / 20, rel=0.03)


@pytest.mark.equation("2.11")
def test_an_arrow_no_longer_than_one_collects_the_length() -> None:
    v = noise(2)
    angle = torch.linspace(0, 2 * math.pi, 100_001, dtype=torch.float64)
    collected = v[0] * angle.cos() + v[1] * angle.sin()
    assert float(collected.max()) == pytest.approx(float(v.norm()), rel=1e-8)
    best = angle[collected.argmax()]
    torch.testing.assert_close(torch.stack((best.cos(), best.sin())), v / v.norm(), atol=1e-4, rtol=0)


def field(seed: int, *shape: int) -> Tensor:
    xi = noise(2, *shape, seed=seed)
    return xi / xi.square().sum(0, keepdim=True).sqrt().clamp_min(1)


@pytest.mark.equation("2.12")
def test_tv_is_the_most_that_arrows_collect() -> None:
    x = noise(1, 1, 6, 7)
    for seed in range(30):
        xi = field(seed, 1, 1, 6, 7)
        collected = -float((x * divergence(xi)).sum())
        assert collected == pytest.approx(float((gradient(x) * xi).sum()))
        assert collected <= tv(x)
    arrows = gradient(x)
    best = arrows / arrows.square().sum(0, keepdim=True).sqrt().clamp_min(1e-300)
    assert -float((x * divergence(best)).sum()) == pytest.approx(tv(x))


@pytest.mark.equation("2.13")
def test_inner_minimum_for_given_arrows() -> None:
    z, xi, w = noise(1, 1, 5, 6), field(1, 1, 1, 5, 6), 0.4

    def inner(x: Tensor) -> float:
        return float(0.5 * (x - z).square().sum() - w * (x * divergence(xi)).sum())

    best = z + w * divergence(xi)
    for seed in range(20):
        d = 0.1 * noise(1, 1, 5, 6, seed=seed)
        assert inner(best + d) == pytest.approx(inner(best) + 0.5 * float(d.square().sum()))


@pytest.mark.equation("2.14")
def test_dual_value() -> None:
    z, w = noise(1, 1, 6, 6), 0.3
    for seed in range(10):
        xi = field(seed, 1, 1, 6, 6)
        x = z + w * divergence(xi)
        value = float(0.5 * (x - z).square().sum() - w * (x * divergence(xi)).sum())
        assert value == pytest.approx(float(0.5 * z.square().sum() - 0.5 * x.square().sum()))
    found = rof(z, w, tol=1e-7, max_steps=50_000)
    least = float(found.image.square().sum())
    for seed in range(30):
        assert float((z + w * divergence(field(seed, 1, 1, 6, 6))).square().sum()) > least
    assert energy(found.image, z, w) == pytest.approx(float(0.5 * z.square().sum()) - 0.5 * least)


@pytest.mark.equation("2.15")
def test_arrows_point_up_the_slope_where_there_is_one() -> None:
    z = data.crop(data.photograph("camera"), 60, 200, 24).double() + 0.1 * noise(1, 1, 24, 24)
    found = rof(z, 0.1, tol=1e-8, max_steps=100_000)
    slope = gradient(found.image)
    torch.testing.assert_close(slope, slope.square().sum(0, keepdim=True).sqrt() * found.field, atol=1e-5, rtol=0)


@pytest.mark.equation("2.16")
def test_chambolles_step_converges_and_keeps_arrows_short() -> None:
    z, w = noise(1, 1, 8, 8), 0.4
    xi = torch.zeros(2, 1, 1, 8, 8, dtype=torch.float64)
    for _ in range(20_000):
        slope = gradient(z + w * divergence(xi)) * (0.25 / w)
        xi = (xi + slope) / (1 + slope.square().sum(0, keepdim=True).sqrt())
        assert float(xi.square().sum(0).max()) <= 1 + 1e-12
    truth = rof(z, w, tol=1e-7, max_steps=50_000).image
    torch.testing.assert_close(z + w * divergence(xi), truth, atol=1e-4, rtol=0)


@pytest.mark.equation("2.17")
def test_gap_is_the_difference_of_the_values_and_bounds_the_distance() -> None:
    z, w = noise(1, 1, 8, 8), 0.4
    truth = rof(z, w, tol=1e-8, max_steps=100_000).image
    for seed in range(20):
        xi = field(seed, 1, 1, 8, 8)
        x = z + w * divergence(xi)
        slope = gradient(x)
        gap = w * float(slope.square().sum(0).sqrt().sum() - (slope * xi).sum())
        assert gap == pytest.approx(energy(x, z, w) - float(0.5 * z.square().sum() - 0.5 * x.square().sum()))
        assert float((x - truth).norm()) <= math.sqrt(2 * gap) + 1e-6
        assert gap >= energy(x, z, w) - energy(truth, z, w) - 1e-6


@pytest.mark.equation("2.18")
def test_running_sums_stay_in_the_tube_and_are_the_shortest() -> None:
    z, w = noise(30), 0.6
    x = taut_string(z, w)
    off = (x - z).cumsum(0) / w
    assert float(off.abs().max()) <= 1 + 1e-12 and abs(float(off[-1])) < 1e-12
    for seed in range(40):
        other = (off + 0.3 * noise(30, seed=seed)).clamp(-1, 1)
        other[-1] = 0
        sums = z.cumsum(0) + w * other
        assert float(torch.cat((sums[:1], sums.diff())).square().sum()) >= float(x.square().sum())


@pytest.mark.equation("2.19")
def test_squares_solve_a_linear_system() -> None:
    z = noise(1, 1, 6, 5)
    x = tikhonov(z, 0.8)
    torch.testing.assert_close(x - 1.6 * divergence(gradient(x)), z)


@pytest.mark.equation("2.20")
@pytest.mark.parametrize("half_periods", [1, 5, 17, 39])
def test_a_wave_is_made_weaker_by_squares(half_periods: int) -> None:
    n, w = 40, 1.7
    f = half_periods / (2 * n)
    wave = torch.cos(2 * math.pi * f * (torch.arange(n, dtype=torch.float64) + 0.5)).view(1, 1, 1, -1)
    torch.testing.assert_close(tikhonov(wave, w), wave / (1 + 8 * w * math.sin(math.pi * f) ** 2))


@pytest.mark.equation("2.21")
def test_weight_of_means_is_half() -> None:
    z, c = noise(1, 1, 5, 6), 0.7
    x = rof(z, c / 2, tol=1e-7, max_steps=50_000).image
    assert mean_weight(c) == c / 2

    def loss(x: Tensor) -> float:
        return float((x - z).square().mean() + c * le.tv_loss(x, kind="isotropic"))

    for seed in range(40):
        assert loss(x + 0.02 * noise(1, 1, 5, 6, seed=seed)) > loss(x)


@pytest.mark.equation("2.22")
@pytest.mark.parametrize("amplitude", [0.003, 0.05])
def test_price_of_a_wave(amplitude: float) -> None:
    waves = [0.0371, 0.1113, 0.3217]
    found = le.price(lambda x, y: le.tv_loss(x), amplitude=amplitude, frequencies=waves, size=256)
    assert found.values.tolist() == pytest.approx(
        [8 * math.sin(math.pi * f) / (math.pi * amplitude) for f in waves], rel=0.02
    )
    squared = le.price(lambda x, y: le.tv_loss(x, kind="squared"), amplitude=amplitude, frequencies=waves, size=256)
    assert squared.values.tolist() == pytest.approx([4 * math.sin(math.pi * f) ** 2 for f in waves], rel=0.02)
    assert found.uniform == 0


def test_at_half_a_cycle_the_price_is_two_over_the_height() -> None:
    b = 0.01
    wave = b * (1 - 2 * (torch.arange(256, dtype=torch.float64) % 2)).expand(1, 1, 8, 256)
    assert float(le.tv_loss(0.5 + wave) / wave.square().mean()) == pytest.approx(2 / b, rel=0.01)


def test_the_anisotropic_form_counts_eight_radii_for_the_rim_of_a_disc() -> None:
    x = tv_scenes.disc(30, samples=8)
    assert float(le.tv_loss(x)) * x.numel() == pytest.approx(8 * 30, rel=0.02)


@pytest.mark.equation("2.23")
def test_weight_of_the_laplace_prior() -> None:
    s, b, z = 0.3, 0.2, noise(16)
    best = taut_string(z, s**2 / b)

    def improbable(y: Tensor) -> float:
        seen = torch.distributions.Normal(y, s).log_prob(z).sum()
        return -float(seen + torch.distributions.Laplace(0.0, b).log_prob(y.diff()).sum())

    for seed in range(40):
        assert improbable(best + 0.02 * noise(16, seed=seed)) > improbable(best)


@pytest.mark.equation("2.24")
def test_bayes_act_is_rof_of_the_mean() -> None:
    y, c = doubt.edges(reach=3, height=4, width=24).double(), 0.2

    def expected(x: Tensor) -> float:
        return float((x - y).square().mean() + c * le.tv_loss(x, kind="isotropic"))

    mean = y.mean(dim=0, keepdim=True)
    act = rof(mean, c / 2, tol=1e-7, max_steps=50_000).image
    for seed in range(40):
        other = act + 0.01 * noise(1, 1, 4, 24, seed=seed)
        assert expected(other) > expected(act)
        split = float(
            (other - mean).square().mean() + c * le.tv_loss(other, kind="isotropic") + (y - mean).square().mean()
        )
        assert expected(other) == pytest.approx(split)
    assert float(act[0, 0, 2].diff().max()) == pytest.approx(float(mean[0, 0, 2].diff().max()), abs=1e-4)
