"""Every numbered equation of chapter 4, against formulas written out in `oracles`, finite differences and counts."""

from __future__ import annotations

import math
from functools import partial

import oracles
import oracles_multiscale
import oracles_pyramid
import pytest
import torch
from pictures import noisy, photo
from torch import Tensor

import lossedu as le
from lossedu.experiments import scale_prices
from lossedu.filters import gaussian_blur, gaussian_window, window_size
from lossedu.losses.multiscale import SIGMAS
from lossedu.losses.scales_apart import factors

C1, C2 = oracles.constants()
EXACT = {"rtol": 1e-9, "atol": 1e-12}


@pytest.fixture
def patch_pair() -> tuple[Tensor, Tensor]:
    """A noisy and a clean patch with one window's place, (1, 1, 21, 21)."""
    y = photo(size=21)[:, :1]
    return noisy(y, 0.05), y


def windows(size: int, sigmas: tuple[float, ...] = SIGMAS) -> list[Tensor]:
    return [oracles.window(sigma, size) for sigma in sigmas]


def naive(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, list[oracles.Moments]]:
    """l of the last window and all cs of one patch, with the moments."""
    found = [oracles.moments(x[0, 0], y[0, 0], g) for g in windows(x.shape[-1])]
    return oracles.luminance(found[-1], C1), torch.stack([oracles.contrast_structure(m, C2) for m in found]), found


def differences(loss: object, x: Tensor) -> Tensor:
    """The derivative by every seventh pixel, by central differences."""
    step, probes = 1e-6, []
    for k in range(0, x.numel(), 7):
        e = torch.zeros(x.numel(), dtype=x.dtype)
        e[k] = step
        e = e.view_as(x)
        probes.append((loss(x + e) - loss(x - e)) / (2 * step))  # type: ignore[operator]
    return torch.stack(probes)


@pytest.mark.equation("4.1")
def test_the_pyramid_is_a_product_of_powers_of_means() -> None:
    y = photo(size=(48, 56))[:, :2]
    x = noisy(y, 0.1)
    options = {"weights": (0.2, 0.5, 0.3), "sigma": 1.0, "kernel_size": 7}
    found = le.ms_ssim_loss(x, y, reduction="none", **options)
    expected = 1 - oracles_pyramid.ms_ssim(x, y, **options)
    torch.testing.assert_close(found, expected, **EXACT)
    # A mean that is not above 0 is set to 0: the loss is 1.
    assert le.ms_ssim_loss(1 - y, y, **options).item() == 1
    assert le.ms_ssim_loss(y, y, **options).item() == 0
    leaf = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(le.ms_ssim_loss(leaf, y, **options), leaf)
    probes = differences(partial(lambda z: le.ms_ssim_loss(z, y, **options)), x)
    torch.testing.assert_close(grad.flatten()[::7], probes, rtol=1e-4, atol=1e-8)


@pytest.mark.equation("4.2")
def test_exponents_of_wang() -> None:
    assert le.WANG_2003 == (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    assert sum(le.WANG_2003) == pytest.approx(1, abs=2e-4)
    assert sorted(le.WANG_2003)[0] == le.WANG_2003[0] and max(le.WANG_2003) == le.WANG_2003[2]


@pytest.mark.equation("4.3")
@pytest.mark.parametrize(("taps", "levels"), [(11, 5), (7, 3), (11, 1)])
def test_smallest_picture_of_the_pyramid(taps: int, levels: int) -> None:
    side = (taps - 1) * 2 ** (levels - 1) + 1
    fits, short = (torch.rand(1, 1, n, n + 8) for n in (side, side - 1))
    options = {"weights": (1.0,) * levels, "kernel_size": taps}
    le.ms_ssim_loss(fits, fits, **options)
    with pytest.raises(ValueError, match=f"at least {side} for"):
        le.ms_ssim_loss(short, short, **options)


@pytest.mark.equation("4.4")
def test_the_trick_is_a_product_at_every_place(patch_pair: tuple[Tensor, Tensor]) -> None:
    x, y = patch_pair
    l, cs, _ = naive(x, y)
    assert le.ms_ssim_sigma(x, y, form="patch").item() == pytest.approx((l * cs.prod()).item(), rel=1e-12)
    y = photo(size=64)[:, :2]
    x = noisy(y, 0.05)
    apart = factors(x, y)
    expected = oracles_multiscale.ms_ssim_sigma_loss(x, y)
    found = (1 - apart.luminance * apart.contrast_structure.prod(0)).mean(dim=(1, 2, 3))
    torch.testing.assert_close(found, expected, **EXACT)


@pytest.mark.equation("4.5")
@pytest.mark.parametrize("padding", ["valid", "reflect"])
def test_loss_is_the_mean_over_places(padding: str) -> None:
    y = photo(size=60)[:, :1]
    x = noisy(y, 0.05)
    apart = factors(x, y, padding=padding)
    mean = (1 - apart.luminance * apart.contrast_structure.prod(0)).mean()
    assert le.ms_ssim_sigma_loss(x, y, padding=padding).item() == pytest.approx(mean.item(), rel=1e-10)
    assert apart.luminance.shape[-1] == (4 if padding == "valid" else 60)
    # and the loss of a patch is one place, its centre
    l, cs, _ = naive(x[..., :31, :31], y[..., :31, :31])
    patch = le.ms_ssim_sigma_loss(x[..., :31, :31], y[..., :31, :31], form="patch")
    assert patch.item() == pytest.approx((1 - l * cs.prod()).item(), rel=1e-10)


@pytest.mark.equation("4.6")
def test_a_blur_keeps_the_mean_of_a_periodic_map() -> None:
    values = torch.rand(1, 1, 40, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for sigma in (1.0, 4.0):
        radius = window_size(sigma) // 2
        wrapped = torch.nn.functional.pad(values, [radius] * 4, mode="circular")
        blurred = gaussian_blur(wrapped, sigma, padding="valid")
        assert blurred.shape == values.shape and blurred.std() < 0.5 * values.std()
        assert blurred.mean().item() == pytest.approx(values.mean().item(), rel=1e-12)


@pytest.mark.equation("4.7")
def test_gradient_is_the_product_rule(patch_pair: tuple[Tensor, Tensor]) -> None:
    x, y = patch_pair
    leaf = x.clone().requires_grad_()
    l, cs, _ = naive(leaf, y)
    dl, *dcs = (torch.autograd.grad(z, leaf, retain_graph=True)[0] for z in (l, *cs))
    total = dl * cs.prod()
    for m, slope in enumerate(dcs):
        total = total + l * slope * math.prod(cs[n] for n in range(5) if n != m)
    found = le.ms_ssim_sigma_grad(x, y, form="patch")
    torch.testing.assert_close(found, -total.detach(), **EXACT)
    loss = partial(lambda z: le.ms_ssim_sigma_loss(z, y, form="patch"))
    torch.testing.assert_close(found.flatten()[::7], differences(loss, x), rtol=1e-5, atol=1e-8)


@pytest.mark.equation("4.8")
def test_products_of_the_others_are_before_times_after() -> None:
    cs = torch.tensor([0.5, 0.0, -2.0, 3.0], dtype=torch.float64)
    for m in range(4):
        others = math.prod(float(cs[n]) for n in range(4) if n != m)
        assert float(cs[:m].prod() * cs[m + 1 :].prod()) == pytest.approx(others)


@pytest.mark.equation("4.9")
def test_all_moments_are_one_product_of_matrices() -> None:
    y = photo(size=15)[:, :3].transpose(0, 1)
    x = noisy(y, 0.05)
    a, b = x.flatten(1).T, y.flatten(1).T
    rows = torch.stack([g.flatten() for g in windows(15)])
    found = rows @ torch.cat([a, b, a * a, b * b, a * b], dim=1)
    assert found.shape == (5, 15)
    for n in range(3):
        for m, g in enumerate(windows(15)):
            naive_moments = oracles.moments(x[n, 0], y[n, 0], g)
            mx, my, xx, yy, xy = found[m].view(5, 3)[:, n]
            expected = (naive_moments.mu_x, naive_moments.mu_y, naive_moments.var_x, naive_moments.cov)
            for value, right in zip((mx, my, xx - mx**2, xy - mx * my), expected, strict=True):
                assert value.item() == pytest.approx(right.item(), rel=1e-9)
            assert (yy - my**2).item() == pytest.approx(naive_moments.var_y.item(), rel=1e-9)


@pytest.mark.equation("4.10")
def test_gradient_is_three_products_with_the_transposed_matrix(patch_pair: tuple[Tensor, Tensor]) -> None:
    x, y = patch_pair
    l, cs, moments = naive(x, y)
    last, u, v = moments[-1], [], []
    for m, found in enumerate(moments):
        others = math.prod(float(cs[n]) for n in range(5) if n != m)
        v.append(-2 * l * others / (found.var_x + found.var_y + C2))
        u.append(v[-1] * (cs[m] * found.mu_x - found.mu_y))
    u[-1] = u[-1] - 2 * (last.mu_y - l * last.mu_x) / (last.mu_x**2 + last.mu_y**2 + C1) * cs.prod()
    G = torch.stack([g.flatten() for g in windows(21)])
    a, b, first, second = x.flatten(), y.flatten(), torch.stack(u), torch.stack(v)
    grad = G.T @ first + b * (G.T @ second) - a * (G.T @ (second * cs))
    torch.testing.assert_close(grad.view_as(x), le.ms_ssim_sigma_grad(x, y, form="patch"), **EXACT)


@pytest.mark.equation("4.11")
def test_multiplications_are_counted() -> None:
    counted = scale_prices.multiplications()
    taps = [window_size(sigma) for sigma in SIGMAS]
    assert taps == [5, 9, 15, 29, 57]
    # one patch: M windows, five moments, K^2 weights each, for K^2 pixels
    assert counted["patch"] == 5 * 5 * 31**2 / 31**2 == 25
    assert counted["dense"] == 5 * sum(k**2 for k in taps)
    assert counted["separable"] == 5 * sum(2 * k for k in taps) == 1150
    side = 1024  # level by level
    levels = sum(5 * 22 * (side // 2**level) ** 2 for level in range(5)) / side**2
    assert counted["pyramid"] == pytest.approx(levels)
    assert 5.5 < counted["pyramid"] / counted["patch"] < 6


@pytest.mark.equation("4.12")
def test_effective_pixels_of_equal_weights_are_their_number() -> None:
    assert 1 / float(torch.full((7, 7), 1 / 49).double().square().sum()) == pytest.approx(49)
    for sigma in (0.5, 4.0, 8.0):
        g = oracles.window(sigma, 31)
        place = torch.arange(31, dtype=torch.float64) - 15
        deviation = (g.sum(0) * place**2).sum().sqrt()
        assert scale_prices.effective(sigma, 31) == pytest.approx((deviation.item(), 1 / g.square().sum().item()))


@pytest.mark.equation("4.13")
@pytest.mark.parametrize("level", [0.25, 0.75])
@pytest.mark.parametrize("sigmas", [SIGMAS, (1.0, 3.0)])
def test_prices_of_the_windows_add_up(level: float, sigmas: tuple[float, ...]) -> None:
    frequencies = torch.tensor([1 / 64, 1 / 16, 1 / 5], dtype=torch.float64)
    loss = partial(le.ms_ssim_sigma_loss, sigmas=sigmas)
    found = le.price(loss, level=level, amplitude=1e-4, frequencies=frequencies, size=192)
    expected = scale_prices.trick(frequencies, sigmas, level=level)
    torch.testing.assert_close(found.values.double(), expected.values, rtol=2e-3, atol=0)
    assert found.uniform == pytest.approx(expected.uniform, rel=1e-3)
    for k, f in enumerate(frequencies.tolist()):
        responses = []
        for sigma in sigmas:
            g = gaussian_window(sigma).tolist()
            responses.append(sum(w * math.cos(2 * math.pi * f * (j - len(g) // 2)) for j, w in enumerate(g)))
        by_hand = responses[-1] ** 2 / (2 * level**2 + C1) + sum(1 - r**2 for r in responses) / C2
        assert float(expected.values[k]) == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.equation("4.14")
def test_price_of_the_pyramid() -> None:
    frequencies = torch.tensor([1 / 128, 1 / 32, 1 / 9, 1 / 4, 1 / 2], dtype=torch.float64)
    found = le.price(le.ms_ssim_loss, amplitude=1e-4, frequencies=frequencies, size=512)
    expected = scale_prices.pyramid(frequencies)
    torch.testing.assert_close(found.values.double(), expected.values, rtol=0.01, atol=0)
    assert found.uniform == pytest.approx(expected.uniform, rel=1e-3)
    wave = torch.cos(2 * math.pi * 0.1 * torch.arange(400, dtype=torch.float64))
    halved = (wave[::2] + wave[1::2]) / 2
    assert float((2 * halved.square().mean()).sqrt()) == pytest.approx(math.cos(math.pi * 0.1), rel=1e-3)


@pytest.mark.equation("4.15")
@pytest.mark.parametrize(("n", "mixes"), [(1, True), (1.9, True), (2.1, False), (5, False)])
def test_one_factor_mixes_and_three_bet(n: float, mixes: bool) -> None:
    count = 4
    shares = torch.distributions.Dirichlet(torch.ones(count)).sample((4000,)).double()
    even, bet = torch.full((1, count), 1 / count).double(), torch.eye(count).double()[:1]

    def expected(beta: Tensor) -> Tensor:
        return (beta ** (n / 2)).mean(dim=1)

    best = even if mixes else bet
    assert float(expected(best)) == pytest.approx(max(count ** (-n / 2), 1 / count))
    assert bool((expected(shares) <= float(expected(best)) + 1e-12).all())
    assert bool((expected(shares) >= float(expected(bet if mixes else even)) - 1e-12).all())


@pytest.mark.equation("4.16")
@pytest.mark.parametrize("noise", [0.005, 0.01, 0.02])
def test_noise_takes_the_pull_off_the_level(noise: float) -> None:
    for sigmas in ((3.0,), (2.0, 3.0, 4.0), (3.0,) * 5):
        theory = (C2 / (noise**2 + C2)) ** len(sigmas)
        found = float(scale_prices.level_pull([noise], sigmas, shift=1e-3))
        assert found == pytest.approx(theory, rel=0.06), sigmas
