"""Every numbered equation of chapter 3, against the formulas written out in `oracles`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import oracles
import pytest
import torch
from pictures import noisy, photo
from torch import Tensor

import lossedu as le
from lossedu.filters import gaussian_window

SIZE = 11  # of the window at sigma 1.5
EXACT: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-12}


@pytest.fixture
def patch_pair() -> tuple[Tensor, Tensor]:
    """A noisy and a clean patch as large as the window, (H, W)."""
    y = photo(size=SIZE)[0, 0]
    return noisy(y, 0.1), y


@pytest.fixture
def image_pair() -> tuple[Tensor, Tensor]:
    """A noisy and a clean picture in which 5 x 4 windows fit, (1, 2, H, W)."""
    y = photo(size=(15, 14))[:, :2]
    return noisy(y, 0.1), y


def derivative(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the derivative of a number by every pixel, by autograd and checked by central differences."""
    leaf = x.clone().requires_grad_()
    (found,) = torch.autograd.grad(f(leaf), leaf)
    step = 1e-6
    probes = torch.eye(x.numel(), dtype=x.dtype).view(-1, *x.shape) * step
    differences = torch.stack([(f(x + e) - f(x - e)) / (2 * step) for e in probes[::7]])
    torch.testing.assert_close(found.flatten()[::7], differences, rtol=1e-5, atol=1e-8)
    return found


@pytest.mark.equation("3.1")
def test_moments_are_weighted_by_a_window_that_sums_to_one(image_pair: tuple[Tensor, Tensor]) -> None:
    x, y = image_pair
    g = oracles.window(1.5)
    assert g.sum().item() == pytest.approx(1, abs=1e-15)
    taps = gaussian_window(1.5)
    torch.testing.assert_close(torch.outer(taps, taps), g, **EXACT)

    # The blur gives E[x], E[x^2] and E[xy]; the moments of the naive loop have to come out of them.
    mean_x, mean_y = (le.gaussian_blur(z, 1.5, padding="valid") for z in (x, y))
    square = le.gaussian_blur(x * x, 1.5, padding="valid")
    product = le.gaussian_blur(x * y, 1.5, padding="valid")
    for i, j, px, py in oracles.patches(x[0, 1], y[0, 1], SIZE):
        m = oracles.moments(px, py, g)
        assert mean_x[0, 1, i, j].item() == pytest.approx(m.mu_x.item(), rel=1e-12)
        assert (square - mean_x**2)[0, 1, i, j].item() == pytest.approx(m.var_x.item(), rel=1e-10)
        assert (product - mean_x * mean_y)[0, 1, i, j].item() == pytest.approx(m.cov.item(), rel=1e-10)


@pytest.mark.equation("3.2")
@pytest.mark.parametrize("padding", ["valid", "reflect"])
def test_ssim_is_luminance_times_contrast_structure(image_pair: tuple[Tensor, Tensor], padding: str) -> None:
    x, y = image_pair
    torch.testing.assert_close(le.ssim_map(x, y, padding=padding), oracles.ssim_map(x, y, padding=padding), **EXACT)


@pytest.mark.equation("3.3")
@pytest.mark.parametrize(("data_range", "k1", "k2"), [(1.0, 0.01, 0.03), (255.0, 0.01, 0.03), (2.0, 0.05, 0.1)])
def test_constants_scale_with_the_range(data_range: float, k1: float, k2: float) -> None:
    c1, c2 = (k1 * data_range) ** 2, (k2 * data_range) ** 2
    options: dict[str, Any] = {"data_range": data_range, "k1": k1, "k2": k2}
    # A uniform shift leaves cs = 1 and shows C1; opposite textures of mean 0 leave l = 1 and show C2.
    level, shift = torch.full((1, 1, SIZE, SIZE), 0.3 * data_range, dtype=torch.float64), 0.2 * data_range
    assert le.ssim_loss(level + shift, level, **options).item() == pytest.approx(
        shift**2 / (2 * 0.3 * 0.5 * data_range**2 + shift**2 + c1), rel=1e-12
    )
    texture = photo(size=SIZE)[:, :1] * data_range
    texture = texture - le.gaussian_blur(texture, 1.5, padding="valid")
    variance = oracles.moments(texture[0, 0], texture[0, 0], oracles.window(1.5)).var_x.item()
    assert le.ssim(texture, -texture, **options).item() == pytest.approx(
        (c2 - 2 * variance) / (c2 + 2 * variance), rel=1e-10
    )


@pytest.mark.equation("3.4")
def test_loss_is_the_mean_over_the_windows_that_fit(image_pair: tuple[Tensor, Tensor]) -> None:
    x, y = image_pair
    values = oracles.ssim_map(x, y)
    assert values.shape == (1, 2, 15 - SIZE + 1, 14 - SIZE + 1)
    assert le.ssim_loss(x, y).item() == pytest.approx((1 - values).sum().item() / (2 * 5 * 4), rel=1e-12)


@pytest.mark.equation("3.5")
def test_one_window_loss_is_right_on_average_over_positions() -> None:
    taps, side = 7, 12
    y = photo(size=side)[:, :1]
    x = noisy(y, 0.1).requires_grad_()

    def wrapped(z: Tensor) -> Tensor:
        return torch.nn.functional.pad(z, (0, taps - 1, 0, taps - 1), mode="circular")

    def all_patches(z: Tensor) -> Tensor:
        return wrapped(z).unfold(2, taps, 1).unfold(3, taps, 1).reshape(side * side, 1, taps, taps)

    options: dict[str, Any] = {"sigma": 1.5, "kernel_size": taps}
    single = le.ssim_loss(all_patches(x), all_patches(y), reduction="none", **options)
    whole = le.ssim_loss(wrapped(x), wrapped(y), **options)
    assert single.std() > 0.01  # the one-window loss is a different number at each place …
    assert single.mean().item() == pytest.approx(whole.item(), rel=1e-12)  # … and right on average
    torch.testing.assert_close(torch.autograd.grad(single.mean(), x)[0], torch.autograd.grad(whole, x)[0], **EXACT)

    # One window: the SSIM at the centre, with the moments of the whole patch.
    m = oracles.moments(all_patches(x.detach())[40, 0], all_patches(y)[40, 0], oracles.window(1.5, taps))
    c1, c2 = oracles.constants()
    centre = oracles.luminance(m, c1) * oracles.contrast_structure(m, c2)
    assert single[40].item() == pytest.approx(1 - centre.item(), rel=1e-12)


@pytest.mark.equation("3.6")
def test_derivative_of_the_mean_is_the_window(patch_pair: tuple[Tensor, Tensor]) -> None:
    x, y = patch_pair
    g = oracles.window(1.5)
    torch.testing.assert_close(derivative(lambda z: oracles.moments(z, y, g).mu_x, x), g, **EXACT)


@pytest.mark.equation("3.7")
def test_derivative_of_the_variance(patch_pair: tuple[Tensor, Tensor]) -> None:
    x, y = patch_pair
    g = oracles.window(1.5)
    expected = 2 * g * (x - oracles.moments(x, y, g).mu_x)
    torch.testing.assert_close(derivative(lambda z: oracles.moments(z, y, g).var_x, x), expected, **EXACT)


@pytest.mark.equation("3.8")
def test_derivative_of_the_covariance(patch_pair: tuple[Tensor, Tensor]) -> None:
    x, y = patch_pair
    g = oracles.window(1.5)
    expected = g * (y - oracles.moments(x, y, g).mu_y)
    torch.testing.assert_close(derivative(lambda z: oracles.moments(z, y, g).cov, x), expected, **EXACT)


def luminance_slope(x: Tensor, y: Tensor, g: Tensor) -> Tensor:
    """(3.9): dl/dx(q) = 2 G (mu_y - mu_x l) / (mu_x^2 + mu_y^2 + C1)."""
    m, c1 = oracles.moments(x, y, g), oracles.constants()[0]
    return 2 * g * (m.mu_y - m.mu_x * oracles.luminance(m, c1)) / (m.mu_x**2 + m.mu_y**2 + c1)


def structure_slope(x: Tensor, y: Tensor, g: Tensor) -> Tensor:
    """(3.10): dcs/dx(q) = 2 G ((y(q) - mu_y) - cs (x(q) - mu_x)) / (sigma_x^2 + sigma_y^2 + C2)."""
    m, c2 = oracles.moments(x, y, g), oracles.constants()[1]
    return 2 * g * ((y - m.mu_y) - oracles.contrast_structure(m, c2) * (x - m.mu_x)) / (m.var_x + m.var_y + c2)


@pytest.mark.equation("3.9")
@pytest.mark.parametrize("sigma", [0.8, 1.5, 5.0])
def test_derivative_of_the_luminance(patch_pair: tuple[Tensor, Tensor], sigma: float) -> None:
    x, y = patch_pair
    g, c1 = oracles.window(sigma, SIZE), oracles.constants()[0]
    found = derivative(lambda z: oracles.luminance(oracles.moments(z, y, g), c1), x)
    torch.testing.assert_close(luminance_slope(x, y, g), found, **EXACT)


@pytest.mark.equation("3.10")
@pytest.mark.parametrize("sigma", [0.8, 1.5, 5.0])
def test_derivative_of_the_structure(patch_pair: tuple[Tensor, Tensor], sigma: float) -> None:
    x, y = patch_pair
    g, c2 = oracles.window(sigma, SIZE), oracles.constants()[1]
    found = derivative(lambda z: oracles.contrast_structure(oracles.moments(z, y, g), c2), x)
    torch.testing.assert_close(structure_slope(x, y, g), found, **EXACT)


@pytest.mark.equation("3.11")
def test_structure_does_not_feel_a_uniform_shift(patch_pair: tuple[Tensor, Tensor]) -> None:
    x, y = patch_pair
    slope = structure_slope(x, y, oracles.window(1.5))
    assert slope.abs().sum() > 0.1
    assert abs(slope.sum().item()) < 1e-12
    # Hence what the loss feels of a shift of a flat-mean image is luminance alone.
    g = oracles.window(1.5)
    by_shift = le.ssim_grad(x[None, None], y[None, None]).sum()
    m = oracles.moments(x, y, g)
    expected = -oracles.contrast_structure(m, oracles.constants()[1]) * luminance_slope(x, y, g).sum()
    assert by_shift.item() == pytest.approx(expected.item(), rel=1e-9)


@pytest.mark.equation("3.12")
@pytest.mark.parametrize("padding", ["valid", "reflect"])
def test_gradient_is_the_sum_over_all_windows(image_pair: tuple[Tensor, Tensor], padding: str) -> None:
    x, y = (z[:, :1] for z in image_pair)
    g, (c1, c2) = oracles.window(1.5), oracles.constants()
    radius = SIZE // 2 if padding == "reflect" else 0
    height, width = x.shape[-2:]
    wide_x, wide_y = (oracles.mirror(z[0, 0], radius) for z in (x, y))
    # Where each pixel of the mirrored picture comes from: its gradient goes back there.
    numbers = torch.arange(height * width, dtype=torch.float64).view(height, width)
    origin = oracles.mirror(numbers, radius).long()

    expected, windows = torch.zeros(height * width, dtype=torch.float64), 0
    for i, j, px, py in oracles.patches(wide_x, wide_y, SIZE):
        m = oracles.moments(px, py, g)
        l, cs = oracles.luminance(m, c1), oracles.contrast_structure(m, c2)
        pull = cs * luminance_slope(px, py, g) + l * structure_slope(px, py, g)
        expected.index_add_(0, origin[i : i + SIZE, j : j + SIZE].flatten(), -pull.flatten())
        windows += 1
    found = le.ssim_grad(x, y, padding=padding)
    torch.testing.assert_close(found[0, 0], (expected / windows).view(height, width), **EXACT)


@pytest.mark.equation("3.13")
def test_both_factors_in_sum_and_difference(patch_pair: tuple[Tensor, Tensor]) -> None:
    x, y = patch_pair
    g, (c1, c2) = oracles.window(1.5), oracles.constants()
    m, of = oracles.moments(x, y, g), oracles.moments(x + y, x - y, g)
    assert 2 * of.mu_y**2 / (of.mu_x**2 + of.mu_y**2 + 2 * c1) == pytest.approx(
        1 - oracles.luminance(m, c1).item(), rel=1e-9
    )
    one_minus_cs = 2 * of.var_y / (of.var_x + of.var_y + 2 * c2)
    assert one_minus_cs == pytest.approx(1 - oracles.contrast_structure(m, c2).item(), rel=1e-9)


@pytest.mark.equation("3.14")
def test_the_product_rule_of_dissimilarities(patch_pair: tuple[Tensor, Tensor]) -> None:
    x, y = patch_pair
    of, (c1, c2) = oracles.moments(x + y, x - y, oracles.window(1.5)), oracles.constants()
    not_l = 2 * of.mu_y**2 / (of.mu_x**2 + of.mu_y**2 + 2 * c1)
    not_cs = 2 * of.var_y / (of.var_x + of.var_y + 2 * c2)
    loss = not_l + not_cs - not_l * not_cs
    assert loss.item() == pytest.approx(1 - oracles.ssim_map(x[None, None], y[None, None]).item(), rel=1e-10)
    assert le.ssim_loss(x[None, None], y[None, None]).item() == pytest.approx(loss.item(), rel=1e-12)


@pytest.mark.equation("3.15")
@pytest.mark.parametrize("name", ["chelsea", "coffee", "camera"])
def test_near_the_truth_the_loss_is_quadratic(name: str) -> None:
    y = photo(name, SIZE)[0, 0]
    error = noisy(torch.full_like(y, 0.02), 0.02)
    g, (c1, c2) = oracles.window(1.5), oracles.constants()

    def defect(scale: float) -> float:
        q = scale * error
        of_q, of_y = oracles.moments(q, q, g), oracles.moments(y, y, g)
        quadratic = of_q.mu_x**2 / (2 * of_y.mu_x**2 + c1) + of_q.var_x / (2 * of_y.var_x + c2)
        return abs(le.ssim_loss((y + q)[None, None], y[None, None]) - quadratic).item()

    assert defect(1 / 64) / defect(1 / 128) == pytest.approx(8, rel=0.1)


def transfer(frequency: float, sigma: float, level: float) -> float:
    """(3.16): W(f) = G^(f)^2 / (2 mu^2 + C1) + (1 - G^(f)^2) / C2."""
    taps, (c1, c2) = gaussian_window(sigma), oracles.constants()
    k = torch.arange(taps.numel(), dtype=torch.float64) - taps.numel() // 2
    response = (taps * (2 * math.pi * frequency * k).cos()).sum().item()
    return response**2 / (2 * level**2 + c1) + (1 - response**2) / c2


@pytest.mark.equation("3.16")
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("sigma", [0.8, 1.5, 5.0])
def test_price_is_the_transfer_function(sigma: float, level: float) -> None:
    frequencies = [1 / 64, 0.05, 0.1, 0.25, 0.5]
    found = le.price(
        lambda x, y: le.ssim_loss(x, y, sigma=sigma),
        level=level,
        amplitude=1e-3,
        frequencies=frequencies,
        size=64,
        channels=1,
    )
    expected = [transfer(f, sigma, level) for f in frequencies]
    assert max(expected) / min(expected) > 1.5
    assert found.values.tolist() == pytest.approx(expected, rel=0.01)


@pytest.mark.equation("3.17")
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_price_of_a_uniform_shift(level: float) -> None:
    expected = 1 / (2 * level**2 + oracles.constants()[0])
    assert transfer(0, 1.5, level) == pytest.approx(expected, rel=1e-9)
    found = le.price(le.ssim_loss, level=level, amplitude=1e-3, frequencies=[0.5], size=16, channels=1)
    assert found.uniform == pytest.approx(expected, rel=0.01)


@pytest.mark.equation("3.18")
@pytest.mark.parametrize(("level", "spread"), [(0.5, 0.1), (0.3, 0.03), (0.8, 0.1)])
def test_level_under_doubt_comes_out_too_dark(level: float, spread: float) -> None:
    samples = (
        torch.tensor([level - spread, level + spread], dtype=torch.float64).view(2, 1, 1, 1).expand(2, 1, SIZE, SIZE)
    )
    chosen = le.bayes_act(le.ssim_loss, samples, steps=400, lr=0.003)
    darker = level - chosen.mean().item()
    assert chosen.std() < 1e-6
    # to first order: the next term is smaller by about (spread / level)^2
    assert darker == pytest.approx(spread**2 / (2 * level), rel=0.5 * (spread / level) ** 2 + 0.005)


@pytest.mark.equation("3.19")
@pytest.mark.parametrize("angle", [math.pi / 6, math.pi / 3])
def test_texture_under_doubt_is_amplified(angle: float) -> None:
    """Two waves of equal energy, shifted against each other: their mean is weaker by cos(angle), SSIM restores it."""
    side = 23
    phase = 2 * math.pi * 0.25 * torch.arange(side, dtype=torch.float64).expand(side, side)
    samples = torch.stack([0.5 + 0.2 * (phase + turn).cos() for turn in (angle, -angle)])[:, None]
    mean = samples.mean(0, keepdim=True)
    texture = mean - 0.5
    energy = (samples - 0.5).square().mean().item()
    gain = math.sqrt(energy / texture.square().mean().item())  # sqrt(E |y|^2) / |E y|
    assert gain == pytest.approx(1 / math.cos(angle), rel=0.1)

    def expected_loss(x: Tensor) -> Tensor:
        return torch.stack([le.ssim_loss(x, y[None], sigma=3.0) for y in samples]).mean()

    # along the mean texture, by search
    gains = torch.linspace(0.8, 2.6, 91, dtype=torch.float64).tolist()
    best = min(gains, key=lambda a: expected_loss(0.5 + a * texture).item())
    assert best == pytest.approx(gain, rel=0.05)
    # and with every pixel free
    chosen = le.bayes_act(lambda x, y: le.ssim_loss(x, y, sigma=3.0), samples, steps=120, lr=0.03)
    inside = slice(8, 15)
    found, pattern = chosen[..., inside, inside] - 0.5, texture[..., inside, inside]
    assert (found * pattern).sum().item() / pattern.square().sum().item() == pytest.approx(gain, rel=0.12)
    assert expected_loss(chosen) <= expected_loss(0.5 + best * texture)


@pytest.mark.equation("3.20")
def test_far_from_the_truth_there_is_hardly_a_pull() -> None:
    flat = torch.full((1, 1, 16, 16), 0.5, dtype=torch.float64)
    pull = [le.ssim_grad(flat + offset, flat).sum().abs().item() for offset in (16, 32, 64, 128)]
    for near, far in itertools.pairwise(pull):
        assert near / far == pytest.approx(4, rel=0.1)  # as 1 / offset^2

    clean = photo("chelsea", 40, top=130, left=205)  # the middle of the photograph
    norms = [le.ssim_grad(clean + offset, clean).norm().item() for offset in (1, 3, 10)]
    assert norms == pytest.approx([5e-3, 1.2e-3, 1.4e-4], rel=0.2)
