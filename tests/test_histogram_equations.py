"""Every numbered equation of chapter 7, against plain transcriptions, finite differences, search and counting."""

from __future__ import annotations

import itertools
import math
from functools import partial

import oracles_histogram as oracle
import pytest
import torch
from scipy.stats import wasserstein_distance
from torch import Tensor

import lossedu as le
from lossedu import data, nets
from lossedu.check.histograms.transport import projected
from lossedu.experiments import doubt

exact = partial(le.histogram_emd_loss, kernel="sort")
BINS = 256
WIDTH = 1 / BINS


def kappa(z: Tensor) -> Tensor:
    return torch.sigmoid(z) * torch.sigmoid(-z)


def some(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def row(values: Tensor) -> Tensor:
    """Return a list of pixels as a picture of one channel."""
    return values.view(1, 1, 1, -1)


def photo(size: int = 48) -> Tensor:
    return data.crop(data.photograph("astronaut"), 60, 150, size).double()


def slope(loss: object, x: Tensor, y: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(loss(leaf, y), leaf)[0]  # type: ignore[operator]


@pytest.mark.equation("7.1")
@pytest.mark.parametrize("width", [0.1, 0.004])
def test_the_density_has_the_area_one(width: float) -> None:
    t = torch.linspace(-6, 7, 400_001, dtype=torch.float64)
    density = kappa((t[:, None] - some(5)) / width).sum(dim=1) / (5 * width)
    assert float(torch.trapezoid(density, t)) == pytest.approx(1, rel=1e-6)


@pytest.mark.equation("7.2")
def test_the_kernel_is_the_slope_of_the_logistic_function() -> None:
    z = torch.linspace(-30, 30, 60_001, dtype=torch.float64)
    up, down = (1 / (1 + torch.exp(-(z + h))) for h in (1e-6, -1e-6))
    torch.testing.assert_close((up - down) / 2e-6, kappa(z), rtol=1e-4, atol=1e-9)
    torch.testing.assert_close(kappa(z), kappa(-z))
    assert float(torch.trapezoid(kappa(z), z)) == pytest.approx(1, abs=1e-9)


@pytest.mark.equation("7.3")
def test_a_pixel_on_a_centre_is_in_its_bin() -> None:
    for k in (0, 7, BINS - 1):
        centre = torch.full((1, 1, 1, 1), (k + 0.5) * WIDTH, dtype=torch.float64)
        shares = le.soft_histogram(centre, kernel="logistic", bandwidth=WIDTH / 100)
        assert float(shares[0, 0, k]) == pytest.approx(1, abs=1e-9)


@pytest.mark.equation("7.4")
def test_a_share_is_the_integral_of_the_density_over_its_bin() -> None:
    pixels, bins, width = 0.3 + 0.4 * some(6), 8, 0.02
    plain = le.soft_histogram(row(pixels), bins=bins, kernel="logistic", bandwidth=width, mirror=False)[0, 0]
    for k in range(bins):
        t = torch.linspace(k / bins, (k + 1) / bins, 20_001, dtype=torch.float64)
        density = kappa((t[:, None] - pixels) / width).mean(dim=1) / width
        assert float(plain[k]) == pytest.approx(float(torch.trapezoid(density, t)), abs=1e-8)


def smooth_count(t: float | Tensor, pixels: Tensor, width: float) -> Tensor:
    """G of (7.5)."""
    return torch.sigmoid((t - pixels) / width).mean()


@pytest.mark.equation("7.5")
def test_the_plain_cumulative_histogram_lacks_what_lies_below_zero() -> None:
    pixels, bins, width = some(7), 16, 0.03
    plain = le.soft_histogram(row(pixels), bins=bins, kernel="logistic", bandwidth=width, mirror=False)[0, 0]
    for k, found in enumerate(plain.cumsum(0)):
        g = smooth_count((k + 1) / bins, pixels, width) - smooth_count(0.0, pixels, width)
        assert float(found) == pytest.approx(float(g), abs=1e-12)
    black = le.soft_histogram(row(torch.zeros(1).double()), kernel="logistic", mirror=False)
    assert float(black.sum()) == pytest.approx(0.5, abs=1e-9)


@pytest.mark.equation("7.6")
def test_mirror_images_bring_the_mass_back() -> None:
    pixels, bins, width = torch.cat([some(7), torch.tensor([0.0, 1.0]).double()]), 16, 0.2
    found = le.soft_histogram(row(pixels), bins=bins, kernel="logistic", bandwidth=width)[0, 0].cumsum(0)
    for k in range(bins):
        e = (k + 1) / bins
        terms = [smooth_count(2 * m + e, pixels, width) - smooth_count(2 * m - e, pixels, width) for m in range(-9, 10)]
        assert float(found[k]) == pytest.approx(float(sum(terms)), abs=1e-9)
    assert float(found[-1]) == pytest.approx(1, abs=1e-12)


@pytest.mark.equation("7.7")
def test_one_vector_a_channel() -> None:
    shares = le.soft_histogram(photo(), bins=32)
    assert shares.shape == (1, 3, 32)
    torch.testing.assert_close(shares.cumsum(-1)[..., -1], torch.ones(1, 3, dtype=torch.float64))


@pytest.mark.equation("7.8")
@pytest.mark.equation("7.11")
def test_the_best_of_all_permutations_is_the_sorted_one() -> None:
    for seed in range(4):
        x, y = some(6, seed), some(6, seed + 10)
        best = min(float((x - y[list(p)]).abs().mean()) for p in itertools.permutations(range(6)))
        assert best == pytest.approx(float((x.sort().values - y.sort().values).abs().mean()), abs=1e-12)
        assert float(exact(row(x), row(y))) == pytest.approx(best, abs=1e-12)


@pytest.mark.equation("7.9")
def test_not_crossing_is_never_worse() -> None:
    draws = some(40_000).view(4, -1)
    a, a2 = draws[:2].sort(dim=0).values
    b, b2 = draws[2:].sort(dim=0).values
    straight, crossed = (a - b).abs() + (a2 - b2).abs(), (a - b2).abs() + (a2 - b).abs()
    assert bool((straight <= crossed + 1e-12).all()) and bool((straight < crossed - 1e-3).any())


@pytest.mark.equation("7.10")
def test_a_way_is_the_points_that_it_passes() -> None:
    t = torch.linspace(0, 1, 1_000_001, dtype=torch.float64)
    for a, b in some(8).view(4, 2).tolist():
        passed = ((a <= t).double() - (b <= t).double()).abs()
        assert float(torch.trapezoid(passed, t)) == pytest.approx(abs(a - b), abs=3e-6)


@pytest.mark.equation("7.12")
def test_the_area_between_the_cumulative_histograms() -> None:
    x, y = some(50), some(50, 1) ** 2
    values = torch.cat([x, y]).sort().values
    f, g = (torch.searchsorted(z.sort().values, values[:-1], right=True).double() / len(z) for z in (x, y))
    area = float(((f - g).abs() * values.diff()).sum())
    assert area == pytest.approx(float(exact(row(x), row(y))), rel=1e-9)
    assert area == pytest.approx(wasserstein_distance(x.numpy(), y.numpy()), rel=1e-9)


@pytest.mark.equation("7.13")
def test_the_area_by_quantiles() -> None:
    x, y = some(20), some(20, 1)
    u = (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    q_x, q_y = (z.sort().values[(u * 20).ceil().long() - 1] for z in (x, y))
    assert float((q_x - q_y).abs().mean()) == pytest.approx(float(exact(row(x), row(y))), rel=1e-9)


@pytest.mark.equation("7.14")
@pytest.mark.parametrize("kernel", ["linear", "logistic"])
def test_the_sum_over_bins_times_their_width(kernel: str) -> None:
    y = photo(24)
    x = y**1.3
    f, g = (le.soft_histogram(z, kernel=kernel).cumsum(-1) for z in (x, y))
    spacing = 1 / (BINS - 1) if kernel == "linear" else WIDTH
    by_hand = float((f - g).abs().sum(dim=-1).mean()) * spacing
    assert float(le.histogram_emd_loss(x, y, kernel=kernel)) == pytest.approx(by_hand, rel=1e-9)
    assert by_hand == pytest.approx(float(oracle.emd_loss(x, y, kernel=kernel)[0]), rel=1e-9)


@pytest.mark.equation("7.15")
def test_the_printed_loss_is_ours_with_a_weight_in_bins() -> None:
    y = photo(24)
    x = y * 0.9
    shares = [oracle.planes(z, oracle.logistic_histogram) for z in (x, y)]
    printed = sum(float((p - q).cumsum(0).abs().sum()) for p, q in zip(*(s[0] for s in shares), strict=True)) / 3
    total = float((x - y).square().mean()) + printed
    ours = float(le.mse_loss(x, y) + BINS * le.histogram_emd_loss(x, y, kernel="logistic"))
    assert ours == pytest.approx(total, rel=1e-9)


@pytest.mark.equation("7.16")
def test_every_pixel_is_pulled_alike() -> None:
    x, y = some(40), some(40, 1)
    found = slope(exact, row(x), row(y)).flatten()
    partner = y.sort().values[x.argsort().argsort()]
    torch.testing.assert_close(found, (x - partner).sign() / 40)
    f = torch.stack([(x < v).double().mean() for v in x])  # just below the pixel's own step
    g = torch.stack([(y <= v).double().mean() for v in x])
    clear = (f - g).abs() > 1.5 / 40
    assert bool(clear.sum() > 10)
    torch.testing.assert_close(found[clear], -(f - g).sign()[clear] / 40)


@pytest.mark.equation("7.17")
@pytest.mark.parametrize("width", [1 / 640, 1e-3, WIDTH / 20])
def test_a_pixel_feels_the_edges_of_bins(width: float) -> None:
    x, y = 0.2 + 0.5 * some(60), 0.2 + 0.6 * some(60, 1)
    edges = torch.arange(1, BINS + 1, dtype=torch.float64) / BINS
    f, g = (torch.sigmoid((edges[:, None] - z) / width).mean(dim=1) for z in (x, y))
    closed = -WIDTH / width * ((f - g).sign()[:, None] * kappa((edges[:, None] - x) / width)).sum(dim=0)
    loss = partial(le.histogram_emd_loss, kernel="logistic", bandwidth=width)
    torch.testing.assert_close(slope(loss, row(x), row(y)).flatten() * 60, closed, rtol=1e-6, atol=1e-9)


def felt(width: float) -> Tensor:
    """Return the pull across one bin far from the ends, 1 being exact."""
    level = 0.5 + WIDTH * (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    edges = torch.arange(100, 157, dtype=torch.float64) / BINS
    return sum(kappa((e - level) / width) for e in edges) * WIDTH / width  # type: ignore[return-value]


@pytest.mark.equation("7.18")
@pytest.mark.parametrize("part", [2.5, 100, 1000])
def test_the_mean_over_a_bin_is_exact(part: float) -> None:
    assert float(felt(WIDTH / part).mean()) == pytest.approx(1, rel=1e-4)


@pytest.mark.equation("7.19")
@pytest.mark.parametrize("part", [30, 100, 1000])
def test_the_mean_square_grows_as_the_kernel_narrows(part: float) -> None:
    assert float(felt(WIDTH / part).square().mean()) == pytest.approx(part / 6, rel=1e-3)


def dark_with_black() -> tuple[Tensor, Tensor]:
    y = torch.linspace(0.02, 0.98, 2000, dtype=torch.float64).view(1, 1, 40, 50)
    x = 0.9 * y
    x[..., :4] = 0
    return x, y


@pytest.mark.equation("7.20")
@pytest.mark.parametrize("width", [1 / 640, 1e-3, 1 / 256_000])
def test_the_extra_pull_on_black(width: float) -> None:
    x, y = dark_with_black()
    loss = partial(le.histogram_emd_loss, kernel="logistic", bandwidth=width, mirror=False)
    shares = partial(le.soft_histogram, kernel="logistic", bandwidth=width, mirror=False)
    plain = slope(loss, x, y)[0, 0, 0, 0]
    f, g = (shares(z)[0, 0].cumsum(0) for z in (x, y))
    edges = torch.arange(1, BINS + 1, dtype=torch.float64) / BINS
    ordinary = -WIDTH / width * float(((f - g).sign() * kappa(edges / width)).sum())
    extra = float((f - g).sign().mean()) / (4 * width)
    assert float(plain) * y.numel() == pytest.approx(ordinary + extra, rel=1e-6)
    assert extra > 100 and ordinary <= 0


@pytest.mark.equation("7.21")
@pytest.mark.parametrize("width", [1 / 640, 1e-3])
def test_with_mirrors_a_pixel_on_the_wall_feels_nothing(width: float) -> None:
    x, y = dark_with_black()
    loss = partial(le.histogram_emd_loss, kernel="logistic", bandwidth=width)
    assert abs(float(slope(loss, x, y)[0, 0, 0, 0])) * y.numel() < 1e-6
    x[..., :4] = 8 * width
    assert float(slope(loss, x, y)[0, 0, 0, 0]) * y.numel() == pytest.approx(-1, abs=0.2)


@pytest.mark.equation("7.22")
@pytest.mark.parametrize("d", [0.01, 0.05, 0.2])
def test_a_weight_of_one_in_bins(d: float) -> None:
    y = torch.linspace(0.1, 0.7, 4096, dtype=torch.float64).view(1, 1, 64, 64)
    printed = BINS * float(le.histogram_emd_loss(y + d, y))
    assert printed / float(le.mse_loss(y + d, y)) == pytest.approx(BINS / d, rel=1e-6)
    pulls = [slope(loss, y + d, y).abs().mean() for loss in (le.histogram_emd_loss, le.mse_loss)]
    assert BINS * float(pulls[0] / pulls[1]) == pytest.approx(BINS / (2 * d), rel=1e-6)


def squares(x: Tensor, y: Tensor) -> float:
    """Return the integral of (F_x - F_y)^2 of two lists."""
    values = torch.cat([x, y]).sort().values
    f, g = (torch.searchsorted(z.sort().values, values[:-1], right=True).double() / len(z) for z in (x, y))
    return float(((f - g).square() * values.diff()).sum())


@pytest.mark.equation("7.23")
def test_squares_are_half_the_energy_distance() -> None:
    x, y = some(30), some(30, 1) ** 2

    def between(a: Tensor, b: Tensor) -> float:
        return float((a[:, None] - b).abs().mean())

    assert squares(x, y) == pytest.approx(between(x, y) - between(x, x) / 2 - between(y, y) / 2, rel=1e-9)


@pytest.mark.equation("7.24")
def test_the_slope_of_the_squares_is_the_gap() -> None:
    """The pixel's own step is half below and half above itself, hence the mean of F at both sides."""
    x, y = some(30), some(30, 1) ** 2
    for p in (3, 11, 20):
        up, down = x.clone(), x.clone()
        up[p], down[p] = x[p] + 1e-7, x[p] - 1e-7
        difference = (squares(up, y) - squares(down, y)) / 2e-7
        f = float(((x <= x[p]).double().mean() + (x < x[p]).double().mean()) / 2)
        gap = f - float((y <= x[p]).double().mean())
        assert difference == pytest.approx(-2 / 30 * gap, abs=1e-6)


@pytest.mark.equation("7.25")
def test_bin_by_bin_costs_no_longer_change_once_no_bin_is_shared() -> None:
    y = row(0.2 + 0.05 * some(500))
    costs = []
    for d in (0.0, 0.2, 0.4, 0.6):
        p, q = (le.soft_histogram(z, bins=64) for z in (y + d, y))
        costs.append(float((p - q).abs().sum()))
    assert costs == pytest.approx([0, 2, 2, 2], abs=1e-9)
    leaf = (y + 0.4).requires_grad_()
    gap = le.soft_histogram(leaf, bins=64) - le.soft_histogram(y, bins=64)
    leaf_slope = torch.autograd.grad(gap.abs().sum(), leaf)[0]
    assert float(leaf_slope.sum().abs()) < 1e-9  # the derivative in the shift


@pytest.mark.equation("7.26")
def test_projections_see_what_the_axes_do_not() -> None:
    y = photo(24)
    turned = torch.cat([y[:, :1].flip(-1), y[:, 1:]], dim=1)
    directions = torch.randn(16, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    directions = directions / directions.norm(dim=1, keepdim=True)
    axes = torch.eye(3, dtype=torch.float64)
    assert projected(turned, y, axes) < 1e-12 < 1e-3 < projected(turned, y, directions)
    means = [float(exact(*((d @ z[0].flatten(1)).view(1, 1, 1, -1) for z in (turned, y)))) for d in directions]
    assert projected(turned, y, directions) == pytest.approx(sum(means) / 16, rel=1e-9)
    assert projected(0.8 * y, y, axes) == pytest.approx(float(exact(0.8 * y, y)), rel=1e-9)


@pytest.mark.equation("7.27")
@pytest.mark.parametrize("a", [0.01, 0.02, 0.04])
def test_a_pattern_that_goes_both_ways_costs_its_square(a: float) -> None:
    ramp = row(torch.linspace(0.2, 0.8, 100_000, dtype=torch.float64))
    signs = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(50_000)
    assert float(exact(ramp + a * signs, ramp)) == pytest.approx(a * a / 2 * 2 / 0.6, rel=0.02)


@pytest.mark.equation("7.28")
def test_the_act_has_the_median_of_the_quantile_functions() -> None:
    samples = torch.stack([some(30, seed).view(1, 5, 6) ** (seed + 1) for seed in range(3)])
    act = le.bayes_act(exact, samples, steps=600, lr=0.02)
    middle = samples.flatten(1).sort(dim=1).values.median(dim=0).values
    torch.testing.assert_close(act.flatten().sort().values, middle, rtol=0, atol=2e-3)
    levels = torch.tensor([0.3, 0.7]).view(2, 1, 1, 1).expand(2, 1, 4, 4)
    for odds, chosen in ((0.6, 0.3), (0.4, 0.7)):
        found = le.bayes_act(exact, levels, [odds, 1 - odds], steps=400)
        assert float(found.mean()) == pytest.approx(chosen, abs=2e-3)


@pytest.mark.equation("7.29")
@pytest.mark.parametrize("weight", [0.05, 0.2])
def test_no_pixel_goes_further_than_half_the_weight(weight: float) -> None:
    grass = doubt.textures("grass", reach=2, top=200, left=200, size=24)
    act = le.bayes_act(lambda x, y: le.mse_loss(x, y) + weight * exact(x, y), grass, steps=400, lr=0.01)
    moved = (act - grass.mean(dim=0, keepdim=True)).abs()
    assert 0.4 * weight < float(moved.max()) < 0.5 * weight + 2e-3
    assert float(act.std()) > float(grass.mean(dim=0).std())


@pytest.mark.equation("7.30")
def test_the_network_applies_a_map_that_it_reads_from_the_grid() -> None:
    torch.manual_seed(0)
    network = nets.HDRNet(identity=False)
    x = torch.rand(1, 3, 20, 24)
    with torch.no_grad():
        guide, grid, out = network.guide(x), network.grid(x), network(x)
    matrix = nets.slice_grid(grid, guide)[0, :, 7, 9].view(3, 4)
    by_hand = matrix @ torch.cat([x[0, :, 7, 9], torch.ones(1)])
    torch.testing.assert_close(out[0, :, 7, 9], by_hand, rtol=1e-4, atol=1e-5)


#: Pairs and distances of Sharma et al., 2005, rounded to four places there.
SHARMA = (
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, 2.5, 0.0), (61.0, -5.0, 29.0), 22.8977),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
)


def delta_e(one: tuple[float, ...], two: tuple[float, ...]) -> float:
    """Equation (7.31), with all its parts as in Sharma et al. (2005)."""
    c_bar = (math.hypot(*one[1:]) + math.hypot(*two[1:])) / 2
    g = 0.5 * (1 - math.sqrt(c_bar**7 / (c_bar**7 + 25**7)))
    (l1, c1, h1), (l2, c2, h2) = (
        (s[0], math.hypot((1 + g) * s[1], s[2]), math.degrees(math.atan2(s[2], (1 + g) * s[1])) % 360)
        for s in (one, two)
    )
    dh = h2 - h1
    dh -= 360 * round(dh / 360) if c1 * c2 else dh
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = (h1 + h2) / 2 if abs(h1 - h2) <= 180 else (h1 + h2 + 360) / 2 % 360
    t = (
        1
        - 0.17 * math.cos(math.radians(mean_h - 30))
        + 0.24 * math.cos(math.radians(2 * mean_h))
        + 0.32 * math.cos(math.radians(3 * mean_h + 6))
        - 0.2 * math.cos(math.radians(4 * mean_h - 63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / math.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    r_c = 2 * math.sqrt(mean_c**7 / (mean_c**7 + 25**7))
    r_t = -math.sin(math.radians(60 * math.exp(-(((mean_h - 275) / 25) ** 2)))) * r_c
    parts = (l2 - l1) / s_l, (c2 - c1) / s_c, 2 * math.sqrt(c1 * c2) * math.sin(math.radians(dh) / 2) / s_h
    return math.sqrt(sum(p * p for p in parts) + r_t * parts[1] * parts[2])


@pytest.mark.equation("7.31")
def test_the_colour_difference_of_sharmas_pairs() -> None:
    for one, two, published in SHARMA:
        assert delta_e(one, two) == pytest.approx(published, abs=6e-5)
