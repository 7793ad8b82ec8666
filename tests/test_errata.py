"""The errata of the sources, proved one by one with nothing but torch: lossedu is not used here.

Each test states the printed formula beside the right one, and shows which of them holds.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

C1, C2 = 0.01**2, 0.03**2


def gaussian(sigma: float, radius: int) -> Tensor:
    """Return the weights of a window in one dimension; they sum to 1."""
    k = torch.arange(-radius, radius + 1, dtype=torch.float64)
    weights = torch.exp(-(k**2) / (2 * sigma**2))
    return weights / weights.sum()


def ssim_map(x: Tensor, y: Tensor, window: Tensor, c2: float = C2) -> Tensor:
    """Return SSIM where the window (rows, columns) fits: images (rows, columns), population variances."""

    def mean(image: Tensor) -> Tensor:
        return conv2d(image[None, None], window[None, None])[0, 0]

    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx**2, mean(y * y) - my**2, mean(x * y) - mx * my
    return (2 * mx * my + C1) / (mx**2 + my**2 + C1) * (2 * vxy + c2) / (vx + vy + c2)


def noisy(shape: tuple[int, int], level: float, sd: float, seed: int) -> tuple[Tensor, Tensor]:
    y = torch.full(shape, level, dtype=torch.float64)
    return y + sd * torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)), y


def test_e1_gradient_of_the_absolute_error_has_one_over_n() -> None:
    x, y = noisy((4, 5), 0.5, 0.1, seed=1)
    step, n = 1e-6, x.numel()
    for k in range(n):
        moved = x.clone().reshape(-1)
        moved[k] += step
        change = ((moved.reshape(4, 5) - y).abs().mean() - (x - y).abs().mean()) / step
        sign = (x - y).reshape(-1)[k].sign()
        assert math.isclose(change, sign / n, abs_tol=1e-7)
        assert abs(change - sign) > 0.9  # as printed


def test_e6_centre_value_is_an_estimate_of_the_mean() -> None:
    x, y = noisy((16, 16), 0.5, 0.1, seed=2)
    y = y + torch.linspace(0, 0.3, 16, dtype=torch.float64)
    x = (x + torch.linspace(0, 0.3, 16, dtype=torch.float64)).requires_grad_()
    window = torch.outer(gaussian(1.5, 5), gaussian(1.5, 5))

    def periodic(image: Tensor) -> Tensor:
        return pad(image[None, None], (5, 5, 5, 5), mode="circular")[0, 0]

    # The loss over the whole (periodic) image, equation (6) with its brackets, and its gradient.
    everywhere = 1 - ssim_map(periodic(x), periodic(y), window)
    mean_gradient = torch.autograd.grad(everywhere.mean(), x, retain_graph=True)[0]
    # Equation (7) for a patch around each pixel.
    assert everywhere.max() - everywhere.min() > 0.1, "one patch says little about the mean"
    centres = [everywhere[i, j] for i in range(16) for j in range(16)]
    gradients = torch.stack([torch.autograd.grad(c, x, retain_graph=True)[0] for c in centres])
    assert torch.isclose(torch.stack(centres).mean(), everywhere.mean(), rtol=1e-12)
    torch.testing.assert_close(gradients.mean(0), mean_gradient, rtol=1e-10, atol=1e-14)
    assert (gradients[0] - mean_gradient).abs().max() > 1e-3


def test_e7_the_window_is_inside_the_sum_and_the_unit_inside_the_weight() -> None:
    x, y = noisy((31, 31), 0.5, 0.1, seed=3)
    window = torch.outer(gaussian(8, 15), gaussian(8, 15))
    number = (x - y).abs().mean()
    assert (window * number).shape == (31, 31)  # as printed: a picture
    weighted = (window * (x - y).abs()).sum()
    flat = (window * torch.full_like(y, 0.2)).sum()
    assert math.isclose(flat, 0.2) and not math.isclose(weighted, number, rel_tol=1e-3)

    def ratio(alpha: float, unit: float) -> float:
        return alpha / ((1 - alpha) * unit)  # of the first term's weight to the second's

    assert math.isclose(ratio(0.84, 255), ratio(0.0202, 1), rel_tol=2e-3)
    assert not math.isclose(ratio(0.84, 1), ratio(0.025, 1), rel_tol=0.9)


def test_e8_the_heads_of_table_1_belong_one_cell_to_the_left() -> None:
    cells = [1.65, 0.45, 0.56, 0.43, 0.58, 0.61, 0.55, 0.41]  # 1000 l2, the first row
    psnr = [28.24, 34.05, 33.18, 34.42, 33.15, 32.98, 33.29, 34.61]
    right = ["input", "BM3D", "l2", "l1", "SSIM5", "SSIM9", "MS-SSIM", "Mix"]
    shifted = ["", *right[:-1]]  # one cell too far to the right, the last one lost
    assert psnr[right.index("input")] == 28.24  # the text of section 4.1
    for heads, holds in ((right, True), (shifted, False)):
        row = dict(zip(heads, cells, strict=True))
        assert (row["l1"] < row["l2"]) == holds
        assert (min(row, key=lambda head: row[head]) == "Mix") == holds


def test_e35_the_masks_of_a_grouped_convolution_stand_channel_by_channel() -> None:
    sigmas = (0.5, 1.0, 2.0, 4.0, 8.0)
    by_width = [sigma for sigma in sigmas for _ in range(3)]
    seen = [by_width[5 * channel : 5 * channel + 5] for channel in range(3)]
    assert seen == [[0.5, 0.5, 0.5, 1, 1], [1, 2, 2, 2, 4], [4, 4, 8, 8, 8]]
    assert [(sigmas * 3)[5 * channel : 5 * channel + 5] for channel in range(3)] == [sigmas] * 3
    masks = torch.stack([torch.outer(gaussian(sigma, 16), gaussian(sigma, 16)) for sigma in by_width])[:, None]
    impulse = torch.zeros(1, 3, 33, 33, dtype=torch.float64)
    impulse[..., 16, 16] = 1
    maps = conv2d(impulse, masks, padding=16, groups=3)[0, :, 16, 16]
    peaks = [float(gaussian(sigma, 16)[16]) ** 2 for channel in seen for sigma in channel]
    assert torch.allclose(maps, torch.tensor(peaks, dtype=torch.float64))
    blue = torch.zeros_like(impulse)
    blue[:, 2] = impulse[:, 2]
    assert conv2d(blue, masks, padding=16, groups=3)[0, -3:].abs().amax(dim=(1, 2)).min() > 0
    assert conv2d(impulse - blue, masks, padding=16, groups=3)[0, -3:].abs().max() == 0


def test_e10_it_is_the_absolute_error_that_is_not_smooth() -> None:
    generator = torch.Generator().manual_seed(6)
    features = torch.randn(40, 3, dtype=torch.float64, generator=generator)
    target = torch.randn(40, dtype=torch.float64, generator=generator)

    def square(w: Tensor) -> Tensor:
        return (features @ w - target).square().mean()

    def absolute(w: Tensor) -> Tensor:
        return (features @ w - target).abs().mean()

    curvatures = []
    for place in (torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)):
        curvatures.append(torch.autograd.functional.hessian(square, place))
        assert torch.autograd.functional.hessian(absolute, place).abs().max() == 0  # straight between its kinks
    torch.testing.assert_close(*curvatures)  # the same everywhere,
    assert torch.linalg.eigvalsh(curvatures[0]).min() > 0.5  # and positive: one minimum, and smooth
    # The slope of the absolute error jumps where one error passes zero.
    at = torch.zeros(3, dtype=torch.float64)
    at[0] = target[0] / features[0, 0]
    slopes = []
    for side in (-1e-9, 1e-9):
        w = at.clone()
        w[0] += side
        slopes.append(torch.autograd.functional.jacobian(absolute, w)[0])
    assert math.isclose(float((slopes[1] - slopes[0]).abs()), 2 * abs(float(features[0, 0])) / 40, rel_tol=1e-9)


def test_e11_packages_of_today_offer_more_than_the_squared_error() -> None:
    assert all(hasattr(torch.nn.functional, name) for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"))


def test_e27_the_mean_squared_error_is_a_mean() -> None:
    x, y = noisy((4, 5), 0.5, 0.1, seed=7)
    printed = sum((a - b) ** 2 for a, b in zip(x.flatten().tolist(), y.flatten().tolist(), strict=True))
    assert math.isclose(torch.nn.MSELoss()(x, y).item(), printed / 20, rel_tol=1e-12)
    assert math.isclose(torch.nn.MSELoss(reduction="sum")(x, y).item(), printed, rel_tol=1e-12)
    leaf = x.clone().requires_grad_()
    gradients = [torch.autograd.grad(torch.nn.MSELoss(reduction=how)(leaf, y), leaf)[0] for how in ("sum", "mean")]
    torch.testing.assert_close(gradients[0], 20 * gradients[1])


def test_e13_a_window_of_31_pixels_is_too_small_for_sigma_8_and_9() -> None:
    k = torch.arange(-15, 16, dtype=torch.float64)
    sd = {sigma: float((gaussian(sigma, 15) * k**2).sum().sqrt()) for sigma in (4, 8, 9)}
    assert abs(sd[4] - 4.0) < 0.01
    assert abs(sd[8] - 6.93) < 0.01
    assert abs(sd[9] - 7.31) < 0.01


def test_e28_the_formula_adds_differences_and_the_code_their_squares() -> None:
    def as_coded(x: Tensor) -> Tensor:  # the post's forward pass, with weight 1, times b c h w
        h_tv = torch.pow(x[:, :, 1:, :] - x[:, :, :-1, :], 2).sum()
        w_tv = torch.pow(x[:, :, :, 1:] - x[:, :, :, :-1], 2).sum()
        return h_tv + w_tv

    def as_printed(x: Tensor) -> Tensor:
        return (x[:, :, 1:, :] - x[:, :, :-1, :]).abs().sum() + (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().sum()

    found = []
    for steps in (1, 4, 16):
        edge = ((torch.arange(64, dtype=torch.float64) - 20) / steps).clamp(0, 1).expand(1, 1, 32, 64)
        found.append((as_printed(edge).item(), as_coded(edge).item()))
    assert [printed for printed, _ in found] == [32, 32, 32]
    assert [coded for _, coded in found] == [32, 8, 2]


def test_e36_range_and_kind_of_variance_change_ssim() -> None:
    x, y = noisy((11, 11), 0.5, 0.05, seed=3)
    y = y + torch.linspace(-0.02, 0.02, 11, dtype=torch.float64)
    window = torch.outer(gaussian(1.5, 5), gaussian(1.5, 5))
    value = ssim_map(x, y, window).item()
    sample = 1 / (1 - (window**2).sum())  # from the population to the sample variance, for weights
    with_sample = ssim_map(x, y, window, c2=C2 / float(sample)).item()  # the same as scaling all variances
    with_range_255 = ssim_map(x, y, window, c2=C2 * 255**2).item()
    assert abs(value - with_sample) > 1e-3
    assert with_range_255 > 0.999 > value + 0.1


def test_e38_the_gap_in_flat_regions_belongs_to_one_dimension() -> None:
    means = {}
    for sigma in (1, 9):
        window = gaussian(sigma, int(3.5 * sigma + 0.5))
        x, y = noisy((400, 400), 0.25, 0.05, seed=4)
        means[sigma, "signal"] = ssim_map(x, y, window[None, :]).mean().item()  # each row a signal of its own
        x, y = x[:200, :200], y[:200, :200]
        means[sigma, "image"] = ssim_map(x, y, torch.outer(window, window)).mean().item()
    assert abs(means[1, "signal"] - 0.42) < 0.01 and abs(means[9, "signal"] - 0.28) < 0.01
    assert abs(means[1, "image"] - 0.30) < 0.01 and abs(means[9, "image"] - 0.27) < 0.01


def test_e38_the_tolerance_near_an_edge_does_not() -> None:
    near = {}
    for sigma in (1, 9):
        radius = int(3.5 * sigma + 0.5)
        window = torch.outer(gaussian(sigma, radius), gaussian(sigma, radius))
        x, y = noisy((160, 160), 0.25, 0.05, seed=5)
        step = torch.zeros(160, dtype=torch.float64)
        step[80:] = 0.5
        left = 80 - 12 - radius  # the column of the map that lies 12 pixels left of the step
        near[sigma] = ssim_map(x + step, y + step, window)[:, left].mean().item()
    assert near[9] > near[1] + 0.5


def ms_ssim_factors(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return l of the last window and cs of all five, each window as large as the patch (rows, columns)."""
    every, radius = [], x.shape[0] // 2
    for sigma in (0.5, 1.0, 2.0, 4.0, 8.0):
        g = torch.outer(gaussian(sigma, radius), gaussian(sigma, radius))
        mx, my = (g * x).sum(), (g * y).sum()
        vx, vy, vxy = (g * x * x).sum() - mx**2, (g * y * y).sum() - my**2, (g * x * y).sum() - mx * my
        every.append((2 * vxy + C2) / (vx + vy + C2))
    return (2 * mx * my + C1) / (mx**2 + my**2 + C1), torch.stack(every)


def printed_gradient(scales: list[int]) -> tuple[Tensor, Tensor]:
    """Return (13) as printed, with these scales in its sum, and the derivative of 1 - MS-SSIM by finite differences."""
    x, y = noisy((17, 17), 0.5, 0.03, seed=3)
    y = y + 0.1 * torch.linspace(0, 1, 17, dtype=torch.float64)
    x = (x + 0.1 * torch.linspace(0, 1, 17, dtype=torch.float64)).requires_grad_()
    l, cs = ms_ssim_factors(x, y)
    dl = torch.autograd.grad(l, x, retain_graph=True)[0]
    dcs = [torch.autograd.grad(one, x, retain_graph=True)[0] for one in cs]
    printed = (dl + l * sum(dcs[i] / cs[i] for i in scales)) * cs.prod()
    probes = []
    for k in range(0, 17 * 17, 24):
        step = torch.zeros(17 * 17, dtype=torch.float64)
        step[k] = 1e-6
        values = []
        for sign in (1, -1):
            l, cs = ms_ssim_factors(x.detach() + sign * step.view(17, 17), y)
            values.append(1 - l * cs.prod())
        probes.append((values[0] - values[1]) / 2e-6)
    return printed.detach().flatten()[::24], torch.stack(probes)


def test_e2_the_gradient_of_ms_ssim_has_a_minus() -> None:
    printed, truth = printed_gradient([0, 1, 2, 3, 4])
    torch.testing.assert_close(-printed, truth, rtol=1e-5, atol=1e-8)
    assert (printed - truth).abs().max() > 1.9 * truth.abs().max()


def test_e3_five_factors_have_five_derivatives() -> None:
    six, truth = printed_gradient([0, 0, 1, 2, 3, 4])  # a scale 0 that is like the finest
    for sign in (1, -1):
        assert (sign * six - truth).abs().max() > 0.05 * truth.abs().max()


def test_e5_blurring_one_map_is_not_multi_scale() -> None:
    place = torch.arange(96, dtype=torch.float64)
    bump = torch.exp(-0.5 * ((place - 48) / 12) ** 2)
    y = torch.full((96, 96), 0.5, dtype=torch.float64)
    x = y + 0.1 * torch.outer(bump, bump)

    def periodic(image: Tensor, radius: int) -> Tensor:
        return pad(image[None, None], [radius] * 4, mode="circular")[0, 0]

    def cs(sigma: float) -> Tensor:
        radius = int(3.5 * sigma + 0.5)
        g = torch.outer(gaussian(sigma, radius), gaussian(sigma, radius))[None, None]
        mx, my, xx, yy, xy = (conv2d(periodic(z, radius)[None, None], g) for z in (x, y, x * x, y * y, x * y))
        return ((2 * (xy - mx * my) + C2) / (xx - mx**2 + yy - my**2 + C2))[0, 0]

    finest = cs(0.5)
    anew = [float(cs(sigma).mean()) for sigma in (0.5, 2.0, 8.0)]
    assert anew[0] > anew[1] + 0.01 and anew[1] > anew[2] + 0.02, anew
    for sigma in (2.0, 8.0):
        radius = int(3.5 * sigma + 0.5)
        g = torch.outer(gaussian(sigma, radius), gaussian(sigma, radius))[None, None]
        blurred = conv2d(periodic(finest, radius)[None, None], g)
        assert math.isclose(float(blurred.mean()), float(finest.mean()), rel_tol=1e-12)


def vgg16(last: int) -> torch.nn.Sequential:
    """Return the layers of VGG-16's fourth block and before, as many as that."""
    layers: list[torch.nn.Module] = []
    channels = 3
    for width, count in ((2, 2), (2, 2), (3, 3), (3, 3)):  # narrow: only the geometry matters
        for _ in range(count):
            layers += [torch.nn.Conv2d(channels, width, 3, padding=1), torch.nn.ReLU()]
            channels = width
        layers.append(torch.nn.MaxPool2d(2))
    return torch.nn.Sequential(*layers[:last])


def logistic_slope(z: Tensor) -> Tensor:
    """Return the derivative of the logistic function."""
    s = torch.sigmoid(z)
    return s * (1 - s)


def test_e14_the_printed_density_integrates_to_one_over_alpha() -> None:
    levels = torch.linspace(-20, 21, 410_001, dtype=torch.float64)
    step = float(levels[1] - levels[0])
    pixels = torch.tensor([0.2, 0.5, 0.9], dtype=torch.float64)
    for alpha in (10.0, 100.0):
        band = 1.0
        kernel = sum(logistic_slope((p - levels) / (band / alpha)) for p in pixels)
        printed = float(kernel.sum()) * step / (len(pixels) * band)  # type: ignore[union-attr]
        right = float(kernel.sum()) * step / (len(pixels) * band / alpha)  # type: ignore[union-attr]
        assert math.isclose(printed, 1 / alpha, rel_tol=1e-6)
        assert math.isclose(right, 1, rel_tol=1e-6)


def test_e15_the_printed_centres_lie_below_zero() -> None:
    k = torch.arange(256, dtype=torch.float64)
    printed = -1 + (k + 0.5) / 256
    assert (round(float(printed[0]), 3), round(float(printed[-1]), 3)) == (-0.998, -0.002)
    assert float(printed[-1]) + 0.5 / 256 == 0
    right, deephist = (k + 0.5) / 256, -1 + (k + 0.5) * 2 / 256
    assert float(right[0]) > 0 and float(right[-1]) < 1
    assert float(deephist[0]) + float(deephist[-1]) == 0


def half_width(kernel: Tensor, z: Tensor) -> float:
    """Return how far from 0 a kernel has fallen to half of its height."""
    return float(z[kernel >= kernel.max() / 2].max())


def test_e16_alpha_twice_is_alpha_squared() -> None:
    z = torch.linspace(-4, 4, 800_001, dtype=torch.float64)
    alpha = 10.0
    plain, once = half_width(logistic_slope(z), z), half_width(alpha * logistic_slope(alpha * z), z)
    twice = half_width(alpha * logistic_slope(alpha * (z / (1 / alpha))), z)
    assert math.isclose(plain / once, alpha, rel_tol=1e-3)
    assert math.isclose(plain / twice, alpha**2, rel_tol=1e-2)


def in_bins(x: Tensor, y: Tensor, bins: int) -> float:
    """Return equation (5) as printed, for histograms that are counted."""
    shares = [torch.histc(z, bins, 0, 1) / z.numel() for z in (x, y)]
    return float((shares[0] - shares[1]).cumsum(0).abs().sum())


def test_e17_the_printed_distance_grows_with_the_number_of_bins() -> None:
    y = torch.linspace(0.1, 0.8, 400_000, dtype=torch.float64)
    x = y + 0.05
    for bins in (50, 100, 256):
        assert math.isclose(in_bins(x, y, bins), 0.05 * bins, rel_tol=1e-3)
        assert math.isclose(in_bins(x, y, bins) / bins, 0.05, rel_tol=1e-3)
    assert math.isclose(float((x - y).square().mean()), 0.0025, rel_tol=1e-6)
    black, white = torch.zeros(4), torch.ones(4)
    assert in_bins(black, white, 256) == 255


def plain_distance(x: Tensor, y: Tensor, bins: int, width: float) -> Tensor:
    """Return equations (3) and (5) with the centres put right and the width of a bin, nothing reflected."""
    edges = torch.arange(bins + 1, dtype=torch.float64) / bins
    shares = [torch.sigmoid((edges[:, None] - z) / width).mean(dim=1).diff() for z in (x, y)]
    return (shares[0] - shares[1]).cumsum(0).abs().sum() / bins


def test_e18_a_black_pixel_loses_half_and_is_pushed_the_wrong_way() -> None:
    edges, width = torch.arange(257, dtype=torch.float64) / 256, 1 / 640
    for value, expected in ((0.0, 0.5), (0.5, 1.0), (1.0, 0.5)):
        mass = float(torch.sigmoid((edges - value) / width).diff().sum())
        assert math.isclose(mass, expected, rel_tol=1e-9)
    y = torch.linspace(0.02, 0.98, 200, dtype=torch.float64)
    x = (y * 0.9).requires_grad_()  # too dark everywhere
    black = torch.cat([torch.zeros(10, dtype=torch.float64), x]).detach().requires_grad_()
    target = torch.cat([torch.full((10,), 0.05, dtype=torch.float64), y])
    (slope,) = torch.autograd.grad(plain_distance(black, target, 256, width), black)
    right = -1 / len(black)  # brighter makes it cheaper
    assert slope[0] > 0 > right, "descent makes the black pixel darker still"
    assert float(slope[0]) / abs(right) > 90
    step = torch.zeros_like(black)
    step[0] = 1e-7
    with torch.no_grad():
        ends = [plain_distance(black + sign * step, target, 256, width) for sign in (1, -1)]
    assert math.isclose(float(ends[0] - ends[1]) / 2e-7, float(slope[0]), rel_tol=1e-5)


def test_e22_the_distance_of_input_and_target_trains_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(2, 50, generator=generator, dtype=torch.float64).unbind()
    gain = torch.tensor(0.8, dtype=torch.float64, requires_grad=True)
    printed = (x.sort().values - y.sort().values).abs().mean()
    right = ((gain * x).sort().values - y.sort().values).abs().mean()
    assert not printed.requires_grad
    assert torch.autograd.grad(right, gain)[0] != 0


def test_e23_the_kernel_is_the_density_of_the_logistic_distribution() -> None:
    z = torch.linspace(-60, 60, 1_200_001, dtype=torch.float64)
    density = logistic_slope(z)
    step = float(z[1] - z[0])
    assert math.isclose(float(density.sum()) * step, 1, rel_tol=1e-9)
    assert math.isclose(math.sqrt(float((density * z**2).sum()) * step), math.pi / math.sqrt(3), rel_tol=1e-6)


def test_e19_a_unit_of_relu4_3_sees_92_pixels() -> None:
    network = vgg16(23).double()  # number 22 of the layers is relu4_3
    for parameter in network.parameters():
        torch.nn.init.constant_(parameter, 0.1)
    for pool in (4, 9, 16):  # a mean has the field of a maximum, and every pixel a part in it
        network[pool] = torch.nn.AvgPool2d(2)
    x = torch.rand(1, 3, 160, 160, dtype=torch.float64, requires_grad=True)
    maps = network(x)
    (grad,) = torch.autograd.grad(maps[0, 0, 10, 10], x)
    rows, columns = (grad[0].abs().sum(dim=(0, k)).nonzero().flatten() for k in (2, 1))
    for seen in (rows, columns):
        assert int(seen[-1] - seen[0]) + 1 == len(seen) == 92


class PrintedContentLoss(torch.nn.Module):
    """The class of the post, with its network handed over as it is."""

    def __init__(self, features: torch.nn.Module, criterion: torch.nn.Module) -> None:
        super().__init__()
        self.feature_extractor = features
        self.criterion = criterion

    def forward(self, generated: Tensor, groundtruth: Tensor) -> None:
        generated_vgg = self.feature_extractor(generated)  # noqa: F841
        groundtruth_vgg = self.feature_extractor(groundtruth)
        groundtruth_vgg_no_grad = groundtruth_vgg.detach()  # noqa: F841


def test_e29_the_content_loss_returns_nothing() -> None:
    network = vgg16(5)
    x, y = torch.rand(2, 1, 3, 16, 16).unbind()
    loss = PrintedContentLoss(network, torch.nn.MSELoss())
    assert loss(x, y) is None
    assert all(parameter.requires_grad for parameter in loss.parameters())
    assert network(y).requires_grad  # the target has a graph, which detach throws away


def test_e30_features_of_a_pixel_are_not_a_pixel_of_the_features() -> None:
    network = vgg16(2).double()
    generator = torch.Generator().manual_seed(8)
    y = torch.rand(1, 3, 8, 8, dtype=torch.float64, generator=generator)
    alone = network(y[..., 3:4, 4:5])[..., 0, 0]
    assert not torch.allclose(alone, network(y)[..., 3, 4])
    x = y + 0.1
    printed = (network(x) - network(y)).square().sum(dim=(2, 3)) / 64
    assert printed.shape == (1, 2)  # one number for each map


def critic_of(seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    layers = [torch.nn.Conv2d(3, 4, 3), torch.nn.Tanh(), torch.nn.Flatten(), torch.nn.Linear(4 * 64, 1)]
    return torch.nn.Sequential(*layers).double()


def game(real_is_the_input: bool, target: Tensor) -> list[Tensor]:
    """Train both players for some steps and return all their weights."""
    judge, softplus = critic_of(1), torch.nn.functional.softplus
    generator = torch.nn.Conv2d(3, 3, 1).double()
    z = torch.rand(8, 3, 10, 10, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    players = (torch.optim.SGD(judge.parameters(), lr=0.1), torch.optim.SGD(generator.parameters(), lr=0.1))
    for _ in range(5):
        real = z if real_is_the_input else target
        paid = softplus(-judge(real)).mean() + softplus(judge(generator(z).detach())).mean()
        for player, loss in zip(players, (paid, None), strict=True):
            loss = softplus(-judge(generator(z))).mean() if loss is None else loss
            player.zero_grad()
            loss.backward()
            player.step()
    return [*judge.parameters(), *generator.parameters()]


def test_e24_with_the_input_as_real_the_target_does_not_occur() -> None:
    targets = [
        torch.rand(8, 3, 10, 10, generator=torch.Generator().manual_seed(s), dtype=torch.float64) for s in (4, 5)
    ]
    for swapped in (True, False):
        ends = [game(swapped, target) for target in targets]
        assert all(torch.equal(a, b) for a, b in zip(*ends, strict=True)) == swapped
    # And the identity is an optimum: what the critic pays for two equal batches is never below that of no opinion.
    for seed in range(5):
        logit = critic_of(seed)(targets[0])
        paid = torch.nn.functional.softplus(-logit).mean() + torch.nn.functional.softplus(logit).mean()
        assert float(paid.detach()) >= 2 * math.log(2)


def test_e25_the_printed_three_is_a_variance() -> None:
    k = torch.arange(-10, 11, dtype=torch.float64)
    square = k[:, None] ** 2 + k**2
    printed, coded = torch.exp(-square / (2 * 3)), torch.exp(-square / (2 * 3**2))
    assert abs(0.053 * float(printed.sum()) - 0.999) < 5e-4 and abs(0.053 * float(coded.sum()) - 2.99) < 5e-3
    assert (round(1 / (2 * math.pi * 3), 5), round(1 / (2 * math.pi * 9), 4)) == (0.05305, 0.0177)
    deviation = (printed.sum(0) * k**2).sum().div(printed.sum()).sqrt()
    assert abs(float(deviation) - 1.73) < 5e-3


def test_e26_the_root_makes_the_kernel_of_the_code_wider() -> None:
    taps, reach = 21, 3
    bin_width = (2 * reach + 1) / taps  # as in the code, where it is the slack and not the width of a bin
    edges = torch.linspace(-reach - bin_width / 2, reach + bin_width / 2, taps + 1, dtype=torch.float64)
    masses = (torch.erf(edges / math.sqrt(2)) / 2).diff()
    assert abs(float(1 / edges.diff()[0]) - 3.32) < 5e-3
    k = torch.arange(taps, dtype=torch.float64) - taps // 2

    def deviation(row: Tensor) -> float:
        return float((row * k**2).sum().div(row.sum()).sqrt())

    root = torch.outer(masses, masses).sqrt().sum(0)
    assert abs(deviation(root) - 4.34) < 5e-3
    assert abs(deviation(masses) - 3.32) < 0.07  # without the root: the nominal one
    assert abs(math.sqrt(2) / float(edges.diff()[0]) - 4.69) < 5e-3
    assert abs(deviation(root) / math.sqrt(3) - 2.5) < 0.01


def test_e34_the_sum_of_both_differences_misses_one_diagonal() -> None:
    i = torch.arange(16, dtype=torch.float64)
    found = {}
    for name, picture in {"right": i.expand(16, 16), "down": i[:, None] + i, "up": i - i[:, None]}.items():
        below, beside = picture.diff(dim=0)[:, :-1], picture.diff(dim=1)[:-1]
        found[name] = (float((below + beside).norm()), float(below.norm() + beside.norm()))
    assert found["up"][0] == 0 and math.isclose(found["down"][0], 2 * found["right"][0])
    assert math.isclose(found["up"][1], found["down"][1]) and found["up"][1] > 1
