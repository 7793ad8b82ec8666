"""Soft histograms and the earth mover's distance: against the formulas, scipy, and what must hold for any images."""

# mypy: disable-error-code="arg-type"

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import oracles_histogram as oracles
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import batch, noisy, photo
from scipy.stats import wasserstein_distance
from torch import Tensor

import lossedu as le
from lossedu.losses import binning, logistic

EXAMPLES = settings(max_examples=20)
KERNELS = ("linear", "logistic", "sort")

OPTIONS: list[dict[str, Any]] = [
    {"kernel": "linear"},
    {"kernel": "linear", "bins": 7},
    {"kernel": "linear", "bins": 2},
    {"kernel": "linear", "bins": 16, "data_range": 0.8},
    {"kernel": "logistic", "bins": 32},
    {"kernel": "logistic", "bins": 8, "bandwidth": 0.3},
    {"kernel": "logistic", "bins": 2, "bandwidth": 0.9},
    {"kernel": "logistic", "bins": 24, "data_range": 0.8, "bandwidth": 0.02},
    {"kernel": "logistic", "bins": 16, "mirror": False},
    {"kernel": "logistic", "bins": 16, "mirror": False, "bandwidth": 0.1, "data_range": 0.7},
    {"kernel": "sort"},
    {"kernel": "sort", "data_range": 0.8},
]


def name(options: dict[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in options.items())


def histogram_oracle(x: Tensor, kernel: str, **options: Any) -> Tensor:
    formula = {"linear": oracles.linear_histogram, "logistic": oracles.logistic_histogram}[kernel]
    return oracles.planes(x, lambda pixels: formula(pixels, **options))


def pair(n: int = 2, c: int = 2, size: tuple[int, int] = (7, 6)) -> tuple[Tensor, Tensor]:
    """Pictures without equal pixels, some of them outside the range, where the loss has no kinks."""
    x, y = batch(n, c, size)
    return 1.3 * x - 0.1, noisy(y, 0.02, seed=1)


def flat(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(1, 1, 1, -1)


# Values and gradients


@pytest.mark.parametrize("options", [o for o in OPTIONS if o["kernel"] != "sort"], ids=name)
def test_histogram_is_that_of_the_formula(options: dict[str, Any]) -> None:
    x, _ = pair()
    expected = histogram_oracle(x, **options)
    found = le.soft_histogram(x, **options)
    assert found.shape == (2, 2, options.get("bins", 256))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    single = le.soft_histogram(x.float(), **options)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), histogram_oracle(x.float().double(), **options), rtol=0, atol=3e-6)


@pytest.mark.parametrize("options", [o for o in OPTIONS if o["kernel"] != "sort"], ids=name)
def test_gradient_of_the_histogram(options: dict[str, Any]) -> None:
    x, _ = pair()
    x.requires_grad_()
    upstream = torch.randn(2, 2, options.get("bins", 256), dtype=torch.float64)
    (expected,) = torch.autograd.grad(histogram_oracle(x, **options), x, upstream)
    (found,) = torch.autograd.grad(le.soft_histogram(x, **options), x, upstream)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("options", OPTIONS, ids=name)
def test_distance_and_both_gradients_are_those_of_the_formula(options: dict[str, Any]) -> None:
    x, y = (z.requires_grad_() for z in pair())
    upstream = torch.tensor([1.0, -0.5], dtype=torch.float64)
    expected = oracles.emd_loss(x, y, **options)
    found = le.histogram_emd_loss(x, y, **options, reduction="none")
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)
    wanted = torch.autograd.grad(expected, (x, y), upstream)
    for closed, automatic in zip(torch.autograd.grad(found, (x, y), upstream), wanted, strict=True):
        torch.testing.assert_close(closed, automatic, rtol=1e-10, atol=1e-11)
    single = le.histogram_emd_loss(x.float(), y.float(), **options, reduction="none")
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("options", [o for o in OPTIONS if o.get("bandwidth", 0) < 0.2], ids=name)
def test_derivatives_of_first_and_second_order(options: dict[str, Any]) -> None:
    x, y = (z[:1, :, :2, :3].contiguous().requires_grad_() for z in pair())
    loss: Callable[..., Tensor] = lambda a, b: le.histogram_emd_loss(a, b, **options, reduction="none")  # noqa: E731
    assert torch.autograd.gradcheck(loss, (x, y))
    assert torch.autograd.gradgradcheck(loss, (x, y))
    if options["kernel"] != "sort":
        histogram: Callable[..., Tensor] = lambda a: le.soft_histogram(a, **options)  # noqa: E731
        assert torch.autograd.gradcheck(histogram, (x,))
        assert torch.autograd.gradgradcheck(histogram, (x,))


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_gradient_can_be_differentiated_again(kernel: str) -> None:
    """Also where the loss is straight in pieces and nothing but 0 comes out: a penalty on gradients needs the graph."""
    x, y = (z.requires_grad_() for z in pair())
    loss = le.histogram_emd_loss(x, y, kernel=kernel, bins=16)
    (grad,) = torch.autograd.grad(loss, x, create_graph=True)
    (second,) = torch.autograd.grad(grad.square().sum(), x)
    assert bool(second.any()) == (kernel == "logistic")


def test_a_gradient_only_where_it_is_wanted() -> None:
    x, y = pair()
    for kernel in KERNELS:
        for leaf, other in ((x, y), (y, x)):
            leaf = leaf.clone().requires_grad_()
            le.histogram_emd_loss(leaf, other, kernel=kernel).backward()
            assert leaf.grad is not None and leaf.grad.abs().max() > 0
            assert other.grad is None
    a = x.clone().requires_grad_()
    distances = binning.linear_distance(a.flatten(2)[0], y.flatten(2)[0], 16, 1.0)
    assert torch.autograd.grad(0 * distances.sum() + 3 * a.sum(), a)[0].unique() == 3


@pytest.mark.parametrize("kernel", KERNELS)
def test_torch_func(kernel: str) -> None:
    x, y = pair(3)

    def single(a: Tensor, b: Tensor) -> Tensor:
        return le.histogram_emd_loss(a[None], b[None], kernel=kernel, bins=16)

    leaf = x.clone().requires_grad_()
    each = le.histogram_emd_loss(leaf, y, kernel=kernel, bins=16, reduction="none")
    (grads,) = torch.autograd.grad(each.sum(), leaf)
    torch.testing.assert_close(torch.func.vmap(single)(x, y), each.detach())
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(single))(x, y), grads)
    torch.testing.assert_close(torch.func.grad(lambda a: torch.func.vmap(single)(a, y).sum())(x), grads)
    if kernel != "sort":
        rows = torch.func.vmap(lambda a: le.soft_histogram(a[None], kernel=kernel, bins=16))(x)
        torch.testing.assert_close(rows[:, 0], le.soft_histogram(x, kernel=kernel, bins=16))


def test_mean_over_channels_then_over_images() -> None:
    x, y = batch(2, 3, (9, 8))
    for kernel in KERNELS:
        by_channel = [
            [le.histogram_emd_loss(a[None, i : i + 1], b[None, i : i + 1], kernel=kernel) for i in range(3)]
            for a, b in zip(x, y, strict=True)
        ]
        table = torch.tensor(by_channel, dtype=torch.float64)
        found = le.histogram_emd_loss(x, y, kernel=kernel, reduction="none")
        torch.testing.assert_close(found, table.mean(dim=1), rtol=1e-12, atol=1e-15)
        assert le.histogram_emd_loss(x, y, kernel=kernel).item() == pytest.approx(table.mean().item(), rel=1e-12)
        total = le.histogram_emd_loss(x, y, kernel=kernel, reduction="sum").item()
        assert total == pytest.approx(table.mean(dim=1).sum().item(), rel=1e-12)


def test_defaults() -> None:
    x, y = batch(1, 1, (8, 8))
    linear = {"bins": 256, "kernel": "linear", "bandwidth": None, "mirror": True, "data_range": 1.0}
    assert torch.equal(le.soft_histogram(x), le.soft_histogram(x, **linear))
    assert torch.equal(le.histogram_emd_loss(x, y), le.histogram_emd_loss(x, y, **linear, reduction="mean"))
    smooth = le.soft_histogram(x, kernel="logistic", bins=20)
    assert torch.equal(smooth, le.soft_histogram(x, kernel="logistic", bins=20, bandwidth=0.02, mirror=True))
    wide = le.soft_histogram(100 * x, kernel="logistic", bins=20, data_range=100)
    torch.testing.assert_close(wide, smooth, rtol=1e-11, atol=1e-14)
    torch.testing.assert_close(
        wide, le.soft_histogram(100 * x, kernel="logistic", bins=20, data_range=100, bandwidth=2), rtol=1e-11, atol=0
    )


# Where the mass goes


def test_two_bins_share_a_pixel_by_distance() -> None:
    assert le.soft_histogram(flat(0.25, 0.5), bins=3).tolist() == [[[0.25, 0.75, 0.0]]]
    assert le.soft_histogram(flat(0.0, 1.0), bins=3).tolist() == [[[0.5, 0.0, 0.5]]]
    assert le.soft_histogram(flat(-3.0, 0.0, 1.0, 7.0), bins=5).tolist() == [[[0.5, 0, 0, 0, 0.5]]]
    assert le.soft_histogram(flat(-math.inf, math.inf), bins=4).tolist() == [[[0.5, 0, 0, 0.5]]]
    assert le.soft_histogram(255 * flat(0.25, 0.5), bins=3, data_range=255).tolist() == [[[0.25, 0.75, 0.0]]]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_eight_bit_images_fall_on_the_centres(dtype: torch.dtype) -> None:
    codes = torch.arange(256.0).view(1, 1, 16, 16)
    found = le.soft_histogram(codes.to(dtype), data_range=255)
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert (found == 1 / 256).all()
    torch.testing.assert_close(le.soft_histogram(codes / 255), torch.full((1, 1, 256), 1 / 256), rtol=1e-4, atol=0)


@pytest.mark.parametrize("kernel", ["linear", "logistic"])
@pytest.mark.parametrize("bins", [2, 3, 10, 256])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_rows_sum_to_one_and_hold_nothing_negative(kernel: str, bins: int, dtype: torch.dtype) -> None:
    x = (1.4 * photo(size=20) - 0.2).to(dtype)
    for bandwidth in (None, 0.3, 1.0) if kernel == "logistic" else (None,):
        found = le.soft_histogram(x, kernel=kernel, bins=bins, bandwidth=bandwidth)
        assert found.min() >= (0 if kernel == "linear" else -1e-9)
        bound = 1e-13 if dtype == torch.float64 else 2e-6
        torch.testing.assert_close(found.sum(dim=2), torch.ones(1, 3, dtype=dtype), rtol=0, atol=bound)


def test_without_mirrors_mass_leaks_at_both_ends() -> None:
    for value in (0.0, 1.0, -5.0, 5.0):
        row = le.soft_histogram(flat(value), kernel="logistic", mirror=False)
        assert row.sum().item() == pytest.approx(0.5, abs=1e-12)
    inner = le.soft_histogram(flat(0.5), kernel="logistic", mirror=False)
    assert inner.sum().item() == pytest.approx(1, abs=1e-12)


def test_mirrors_change_nothing_far_from_the_ends() -> None:
    x = 0.2 + 0.6 * photo(size=12)
    for plain, mirrored in (
        [le.soft_histogram(x, kernel="logistic", bins=32, mirror=m) for m in (False, True)],
        [le.histogram_emd_loss(x, x + 0.01, kernel="logistic", bins=32, mirror=m) for m in (False, True)],
    ):
        torch.testing.assert_close(plain, mirrored, rtol=0, atol=1e-6)


def test_the_mean_of_a_linear_histogram_is_that_of_the_image() -> None:
    x = photo(size=24)
    for bins in (2, 5, 256):
        centres = torch.arange(bins, dtype=torch.float64) / (bins - 1)
        mean = (le.soft_histogram(x, bins=bins) * centres).sum(dim=2)
        torch.testing.assert_close(mean, x.mean(dim=(2, 3)), rtol=1e-13, atol=0)


@pytest.mark.parametrize("kernel", KERNELS)
def test_not_a_number_is_passed_on_and_breaks_nothing(kernel: str) -> None:
    x, y = batch(2, 2, (5, 5))
    x[0, 1, 2, 3] = math.nan
    x.requires_grad_()
    for first, second in ((x, y), (y, x)):
        values = le.histogram_emd_loss(first, second, kernel=kernel, reduction="none")
        assert values.isnan().tolist() == [True, False]
    values.sum().backward()
    if kernel != "sort":
        rows = le.soft_histogram(x, kernel=kernel)
        assert rows.isnan().any(dim=2).tolist() == [[False, True], [False, False]]


# The pull


def test_each_pixel_is_pulled_by_the_sign_of_its_cell() -> None:
    """x below y, and one pixel above: the gradient is -sign(F_x - F_y) / N, of one size for all."""
    x, y = flat(0.105, 0.205, 0.305, 0.955), flat(0.405, 0.505, 0.605, 0.705)
    for leaf, sign in ((x, 1), (y, -1)):
        leaf.requires_grad_()
        le.histogram_emd_loss(x, y, bins=101).backward()
        torch.testing.assert_close(leaf.grad, sign * flat(-0.25, -0.25, -0.25, 0.25), rtol=1e-14, atol=0)
        leaf.requires_grad_(False)
    z = 255 * x.detach().requires_grad_()
    (grad,) = torch.autograd.grad(le.histogram_emd_loss(z, 255 * y.detach(), data_range=255), z)
    torch.testing.assert_close(grad, flat(-0.25, -0.25, -0.25, 0.25) / 255, rtol=1e-14, atol=0)


def test_pixels_at_the_ends_are_pulled_inwards_and_those_beyond_are_not() -> None:
    x = flat(-0.1, 0.0, 1.0, 1.1).requires_grad_()
    le.histogram_emd_loss(x, torch.full_like(x, 0.5).detach()).backward()
    assert x.grad is not None and x.grad.tolist() == [[[[0, -0.25, 0.25, 0]]]]
    x.grad = None
    le.histogram_emd_loss(x, torch.full_like(x, 0.5).detach(), kernel="sort").backward()
    assert x.grad.tolist() == [[[[-0.25, -0.25, 0.25, 0.25]]]]
    x.grad = None
    le.histogram_emd_loss(x, torch.full_like(x, 0.5).detach(), kernel="logistic").backward()
    assert (x.grad[..., [0, 3]] == 0).all()
    # 0.7 is not among the floats: the range of a float32 image ends where float32 says
    y = torch.full((1, 1, 1, 2), 0.7, requires_grad=True)
    le.histogram_emd_loss(y, torch.zeros(1, 1, 1, 2), data_range=0.7).backward()
    assert y.grad is not None and (y.grad > 0).all()


def test_on_a_centre_the_derivative_towards_brighter_is_used() -> None:
    """x on the centre 0.5, with too much mass at its left and too little at its right: the right counts."""
    x, y = flat(0.5, 0.0), flat(1.0, 0.1)
    x.requires_grad_()
    le.histogram_emd_loss(x, y, bins=3).backward()
    assert x.grad is not None and x.grad[0, 0, 0, 0] == -0.5
    x.grad = None
    upstream = torch.tensor([[[0.0, 0.0, 1.0]]], dtype=torch.float64)
    le.soft_histogram(x, bins=3).backward(upstream)
    assert x.grad.tolist() == [[[[1.0, 0.0]]]]
    x.grad = None
    le.soft_histogram(x, bins=3).backward(upstream.roll(-1))
    assert x.grad.tolist() == [[[[-1.0, 1.0]]]]


def test_equal_pixels_are_ranked_as_they_lie() -> None:
    x = flat(0.5, 0.5, 0.5, 0.5).requires_grad_()
    le.histogram_emd_loss(x, flat(0.6, 0.1, 0.9, 0.2), kernel="sort").backward()
    assert x.grad is not None and x.grad.tolist() == [[[[0.25, 0.25, -0.25, -0.25]]]]
    # so many that a sort which does not keep the order of equals would show it
    x, y = torch.full((1, 1, 64, 64), 0.5, requires_grad=True), torch.linspace(0, 1, 4096).view(1, 1, 64, 64)
    le.histogram_emd_loss(x, y, kernel="sort", reduction="sum").backward()
    assert x.grad is not None and torch.equal(x.grad, (0.5 - y).sign() / 4096)


@pytest.mark.parametrize("kernel", ["linear", "logistic"])
def test_descending_leads_to_the_histogram(kernel: str) -> None:
    """A pixel moves by the same step whatever its error, towards the tones that are missing."""
    y, x = photo(size=16), noisy(0.5 * photo("coffee", 16) + 0.2, 0.03).requires_grad_()
    before = le.histogram_emd_loss(x, y).item()
    for _ in range(60):
        loss = le.histogram_emd_loss(x, y, bins=64, kernel=kernel, reduction="sum")
        (grad,) = torch.autograd.grad(loss, x)
        x = (x - grad.sign() * 0.004).clamp(0, 1).detach().requires_grad_()
    assert le.histogram_emd_loss(x, y).item() < 0.25 * before


# The kernel of the papers


def all_tones(n: int = 20011) -> Tensor:
    """A ramp whose steps fall at every place of a bin alike."""
    return (torch.arange(n, dtype=torch.float64) + 0.5).view(1, 1, 1, -1) / n


# bandwidth in bins, share of pixels that feel more than 1e-3, largest pull, and their root mean square
SHARPNESS = [
    (0.4, 1.0, 259, 256),
    (0.256, 1.0, 289, 259),
    (0.01, 0.35, 6.4e3, 1.045e3),
    (0.001, 0.039, 6.4e4, 3.30e3),
    (0.0004, 0.016, 1.6e5, 5.22e3),
]


@pytest.mark.parametrize(("width", "share", "largest", "root"), SHARPNESS)
def test_a_narrow_kernel_starves_most_pixels(width: float, share: float, largest: float, root: float) -> None:
    """The pull is K on average for any bandwidth, but ever fewer pixels get it, and those ever more."""
    bins, x = 256, (0.1 + 0.7 * all_tones()).requires_grad_()
    y = torch.full_like(x, 0.99).detach()
    loss = bins * le.histogram_emd_loss(x, y, kernel="logistic", bandwidth=width / bins)
    pull = -torch.autograd.grad(loss, x)[0] * x.numel()
    assert pull.min() >= 0
    assert pull.mean().item() == pytest.approx(bins, rel=0.02)
    assert pull.max().item() == pytest.approx(largest, rel=0.02)
    assert pull.square().mean().sqrt().item() == pytest.approx(root, rel=0.03)
    assert (pull > 1e-3).double().mean().item() == pytest.approx(share, rel=0.05)
    # sigma'(z) is exp(-|z|) far out: above t within W ln(1 / (W t)) of an edge, on either side
    assert min(1, 2 * width * math.log(bins / (1e-3 * width))) == pytest.approx(share, rel=0.05)


@pytest.mark.parametrize("width", [0.4, 0.256, 0.001])
def test_without_mirrors_black_is_pulled_blacker_and_far_too_hard(width: float) -> None:
    """Brighter tones are wanted everywhere; the black pixel goes the other way, 92 times as hard or more."""
    bins = 256
    x = torch.cat([flat(0.0), 0.1 + 0.7 * all_tones(2003)], dim=3).requires_grad_()
    y = torch.full_like(x, 0.99).detach()
    pulls = {}
    for mirror in (False, True):
        loss = bins * le.histogram_emd_loss(x, y, kernel="logistic", bandwidth=width / bins, mirror=mirror)
        pulls[mirror] = -torch.autograd.grad(loss, x)[0].flatten() * x.numel()
    black, others = pulls[False][0].item(), pulls[False][1:]
    assert others.mean().item() == pytest.approx(bins, rel=0.05)
    assert black < -92 * bins
    # every edge of the histogram pulls at the one end of the kernel: K edges below 0.99, each with the slope 1/4W
    assert black == pytest.approx(-0.99 * bins * bins / (4 * width), rel=0.02)
    assert abs(pulls[True][0].item()) < 1e-6
    torch.testing.assert_close(pulls[True][1:], others, rtol=1e-6, atol=1e-3)


def test_the_logistic_kernel_takes_its_pixels_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = (z.requires_grad_() for z in pair())
    options: dict[str, Any] = {"kernel": "logistic", "bins": 16}
    expected = le.histogram_emd_loss(x, y, **options)
    wanted = torch.autograd.grad(expected, (x, y))
    for chunk in (1, 1000, 2300):
        monkeypatch.setattr(logistic, "CHUNK", chunk)
        found = le.histogram_emd_loss(x, y, **options)
        assert found.item() == pytest.approx(expected.item(), rel=1e-13)
        for a, b in zip(torch.autograd.grad(found, (x, y)), wanted, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-15)
    points = torch.linspace(0, 1, 5)
    monkeypatch.setattr(logistic, "CHUNK", 60)
    assert [tuple(z.shape) for z in logistic._chunks(torch.zeros(2, 14), points, 0.1)] == [
        (2, 6, 5),
        (2, 6, 5),
        (2, 2, 5),
    ]


def test_only_edges_within_reach_are_looked_at() -> None:
    """38 bandwidths of 0.0101 reach 0.3838 beyond the range, each mirror image an interval of edges."""
    assert list(logistic._in_reach(100, 0.0101)) == [(0, 1, 1, 100), (0, -1, 1, 38), (1, -1, 62, 100)]
    assert list(logistic._in_reach(4, 0.001)) == [(0, 1, 1, 4), (1, -1, 4, 4)]
    wide = [(-1, 1, 1, 2), (0, 1, 1, 2), (0, -1, 1, 2), (1, 1, 1, 1), (1, -1, 1, 2)]
    assert list(logistic._in_reach(2, 0.05)) == wide  # 1.9 beyond the range


def test_the_logistic_kernel_keeps_its_digits() -> None:
    """Sums of float32 are float64, and far from an edge the slope is exp(-|z|) / W, not 1 minus a rounded 1."""
    rows = photo(size=16).float().flatten(2)[0]
    cumulative = logistic.logistic_cumulative(rows, 16, 0.025, True, 1.0)
    assert cumulative.dtype == torch.float64
    for place in (0.0, 1.0):  # 20 bandwidths below and above the edge
        x = torch.tensor([[place]], requires_grad=True)
        value = logistic._Cumulative.apply(x, torch.tensor([0.5]), 0.025)
        (grad,) = torch.autograd.grad(value.sum(), x)
        assert grad.item() == pytest.approx(-math.exp(-20) / 0.025, rel=1e-4)


@pytest.mark.parametrize(("kernel", "mirror"), [*[(k, True) for k in KERNELS], ("logistic", False)])
def test_nothing_is_made_on_another_device(kernel: str, mirror: bool) -> None:
    """Meta tensors have shapes and no values, and do not mix with those of the CPU."""
    x = torch.empty(2, 3, 8, 8, device="meta", requires_grad=True)
    value = le.histogram_emd_loss(x, x.detach(), kernel=kernel, mirror=mirror)
    assert value.device.type == "meta"
    value.backward()
    if kernel != "sort":
        assert le.soft_histogram(x, kernel=kernel, mirror=mirror).device.type == "meta"


# What must hold for any images

tones = st.sampled_from(["chelsea", "coffee", "camera", "astronaut"])


@st.composite
def trios(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor]:
    """Three pieces of photographs of one shape, dark, light, flat or as they are."""
    size = (draw(st.integers(1, 12)), draw(st.integers(2, 12)))

    def one() -> Tensor:
        x = photo(draw(tones), size, top=draw(st.integers(0, 100)), left=draw(st.integers(0, 200)))[:, :1]
        gain, gamma = draw(st.sampled_from([0.0, 0.3, 1.0, 1.5])), draw(st.sampled_from([0.5, 1.0, 2.0]))
        return gain * x**gamma

    return one(), one(), one()


def distances(a: Tensor, b: Tensor) -> list[float]:
    smooth = {"kernel": "logistic", "bins": 16}
    return [le.histogram_emd_loss(a, b, **o).item() for o in ({}, {"kernel": "sort"}, smooth)]


@EXAMPLES
@given(trios())
def test_it_is_a_distance(trio: tuple[Tensor, Tensor, Tensor]) -> None:
    x, y, z = trio
    for xy, yx, yz, xz, xx in zip(
        distances(x, y), distances(y, x), distances(y, z), distances(x, z), distances(x, x.clone()), strict=True
    ):
        assert xy >= 0 and xx == 0
        assert xy == pytest.approx(yx, abs=1e-15)
        assert xz <= xy + yz + 1e-12


@EXAMPLES
@given(trios(), st.integers(0, 99))
def test_the_order_of_pixels_plays_no_part(trio: tuple[Tensor, Tensor, Tensor], seed: int) -> None:
    x, y, _ = trio
    for dtype in (torch.float32, torch.float64):
        a, b = x.to(dtype), y.to(dtype)
        order = torch.randperm(a.numel(), generator=torch.Generator().manual_seed(seed))
        shuffled = a.flatten()[order].view(a.shape).requires_grad_()
        for kernel in ("linear", "sort"):
            loss = le.histogram_emd_loss(shuffled, a, kernel=kernel)
            assert loss.item() == 0
            assert not torch.autograd.grad(loss, shuffled)[0].any()
        assert le.histogram_emd_loss(shuffled, b).item() == le.histogram_emd_loss(a, b).item()
        assert torch.equal(le.soft_histogram(shuffled), le.soft_histogram(a))
        smooth = [le.histogram_emd_loss(z, b, kernel="logistic", bins=16).item() for z in (shuffled, a)]
        assert smooth[0] == pytest.approx(smooth[1], abs=1e-6 if dtype == torch.float32 else 1e-14)


@EXAMPLES
@given(trios(), st.floats(-0.4, 0.4))
def test_a_uniform_shift_costs_its_size(trio: tuple[Tensor, Tensor, Tensor], shift: float) -> None:
    x = 0.4 + 0.2 * trio[0].clamp(0, 1)
    for bins in (2, 5, 256):
        assert le.histogram_emd_loss(x + shift, x, bins=bins).item() == pytest.approx(abs(shift), abs=1e-12)
    assert le.histogram_emd_loss(x + shift, x, kernel="sort").item() == pytest.approx(abs(shift), abs=1e-12)
    smooth = le.histogram_emd_loss(x + shift, x, kernel="logistic").item()
    assert smooth == pytest.approx(abs(shift), abs=2e-3)


@EXAMPLES
@given(trios(), st.sampled_from([2, 3, 17, 256]))
def test_against_scipy(trio: tuple[Tensor, Tensor, Tensor], bins: int) -> None:
    x, y = (z.clamp(0, 1) for z in trio[:2])
    exact = wasserstein_distance(x.flatten(), y.flatten())
    assert le.histogram_emd_loss(x, y, kernel="sort").item() == pytest.approx(exact, abs=1e-12)
    binned = le.histogram_emd_loss(x, y, bins=bins).item()
    assert exact - 1 / (bins - 1) <= binned <= exact + 1e-12
    p, q = (le.soft_histogram(z, bins=bins).flatten() for z in (x, y))
    places = torch.arange(bins) / (bins - 1)
    assert binned == pytest.approx(wasserstein_distance(places, places, p.clamp(min=0), q.clamp(min=0)), abs=1e-7)


def test_against_scipy_in_colour() -> None:
    y = photo("coffee", 96, top=100, left=100)
    x = (noisy(y, 0.05) * 0.9).clamp(0, 1)
    exact = sum(wasserstein_distance(a.flatten(), b.flatten()) for a, b in zip(x[0], y[0], strict=True)) / 3
    for dtype in (torch.float32, torch.float64):
        a, b = x.to(dtype), y.to(dtype)
        assert le.histogram_emd_loss(a, b, kernel="sort").item() == pytest.approx(exact, rel=1e-5)
        assert le.histogram_emd_loss(a, b).item() == pytest.approx(exact, rel=1e-3)
        assert le.histogram_emd_loss(a, b, kernel="logistic").item() == pytest.approx(exact, rel=3e-2)


# What is refused, and the module

OK = torch.rand(1, 1, 4, 4)
BAD_CALLS: list[tuple[Callable[[], object], type[Exception], list[str]]] = [
    (lambda: le.soft_histogram([OK]), TypeError, ["x must be a torch.Tensor", "list"]),
    (lambda: le.soft_histogram(OK.byte()), TypeError, ["x must have a floating dtype", "torch.uint8"]),
    (lambda: le.soft_histogram(OK[0]), ValueError, ["x must have shape (N, C, H, W)", "(1, 4, 4)"]),
    (
        lambda: le.soft_histogram(OK, kernel="sort"),
        ValueError,
        ["kernel must be one of 'linear', 'logistic', got 'sort'"],
    ),
    (
        lambda: le.histogram_emd_loss(OK, OK, kernel="triangular"),
        ValueError,
        ["kernel must be one of 'linear', 'logistic', 'sort', got 'triangular'"],
    ),
    (lambda: le.histogram_emd_loss(OK, OK[..., 1:]), ValueError, ["x and y must have the same shape"]),
    (lambda: le.histogram_emd_loss(OK, OK, reduction="all"), ValueError, ["reduction must be one of", "'all'"]),
    *[
        (lambda f=f, v=v: f(bins=v), ValueError, ["bins must be an integer of at least", repr(v)])
        for f in (lambda **o: le.soft_histogram(OK, **o), lambda **o: le.histogram_emd_loss(OK, OK, **o))
        for v in (1, 0, -2, 8.0, "8", None, True)
    ],
    (lambda: le.soft_histogram(OK, bins=1), ValueError, ["bins must be an integer of at least 2, got 1"]),
    *[
        (lambda v=v: le.soft_histogram(OK, data_range=v), ValueError, ["data_range must be", "above 0", repr(v)])
        for v in (0, -1, math.nan, math.inf, None)
    ],
    *[
        (
            lambda v=v: le.soft_histogram(OK, kernel="logistic", bandwidth=v, data_range=2.0),
            ValueError,
            ["bandwidth must be", "from 1e-9 * data_range to data_range (2)", repr(v)],
        )
        for v in (2.1, 1.9e-9)
    ],
    *[
        (
            lambda v=v: le.histogram_emd_loss(OK, OK, kernel="logistic", bandwidth=v),
            ValueError,
            ["bandwidth must be", "above 0", repr(v)],
        )
        for v in (0, -1, math.nan, math.inf, "1")
    ],
    *[
        (lambda v=v: le.soft_histogram(OK, mirror=v), ValueError, [f"mirror must be True or False, got {v!r}"])
        for v in (None, 1, "yes")
    ],
    *[
        (
            lambda k=k: le.histogram_emd_loss(OK, OK, kernel=k, mirror=False),
            ValueError,
            [f"mirror belongs to kernel='logistic', got mirror=False with kernel={k!r}; leave it out"],
        )
        for k in ("linear", "sort")
    ],
    *[
        (
            lambda k=k, m=m: le.histogram_emd_loss(OK, OK, kernel=k, bandwidth=0.5, mirror=m),
            ValueError,
            [f"bandwidth belongs to kernel='logistic', got bandwidth=0.5 with kernel={k!r}; leave it out"],
        )
        for k in ("linear", "sort")
        for m in (True, False)
    ],
    (lambda: le.HistogramEMDLoss(bins=1)(OK, OK), ValueError, ["bins must be"]),
]


@pytest.mark.parametrize("row", BAD_CALLS, ids=lambda row: row[2][0])
def test_bad_calls(row: tuple[Callable[[], object], type[Exception], list[str]]) -> None:
    call, error, words = row
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_the_smallest_that_is_accepted() -> None:
    assert le.soft_histogram(OK[..., :1, :1], bins=2).shape == (1, 1, 2)
    assert le.histogram_emd_loss(flat(0.0), flat(1.0), bins=2).item() == 1
    assert le.histogram_emd_loss(flat(0.0), flat(1.0), kernel="sort", bins=2, mirror=True).item() == 1


def test_module() -> None:
    x, y = batch(1, 1, (6, 6))
    module = le.HistogramEMDLoss(
        bins=8, kernel="logistic", bandwidth=0.1, mirror=False, data_range=2.0, reduction="sum"
    )
    options = {
        "bins": 8,
        "kernel": "logistic",
        "bandwidth": 0.1,
        "mirror": False,
        "data_range": 2.0,
        "reduction": "sum",
    }
    assert torch.equal(module(x, y), le.histogram_emd_loss(x, y, **options))
    plain = {"bins": 256, "kernel": "linear", "bandwidth": None, "mirror": True, "data_range": 1.0, "reduction": "mean"}
    assert le.HistogramEMDLoss().options == plain
    assert repr(module) == f"HistogramEMDLoss({', '.join(f'{k}={v!r}' for k, v in options.items())})"


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("bins", [50, 256])
def test_narrow_kernels_take_the_short_way_to_the_same_numbers(bins: int, mirror: bool) -> None:
    """Where a kernel reaches few edges only those are computed: value, slope and curvature stay those of all edges."""
    generator = torch.Generator().manual_seed(bins)
    x = torch.rand(2, 60, generator=generator, dtype=torch.float64)
    x[:, :4] = torch.tensor([0.0, 1.0, 0.5, 1e-4], dtype=torch.float64)
    width = 1 / (2.5 * bins) if bins == 256 else 1e-3
    assert logistic._steps(bins, width, x.dtype) <= bins // 4  # else the short way is not taken
    weights = torch.randn(2, bins, generator=generator, dtype=torch.float64)
    found = []
    for way in (logistic.logistic_cumulative(x.requires_grad_(), bins, width, mirror, 1.0), None):
        total = logistic._everywhere(x, bins, width, mirror) if way is None else way
        (slope,) = torch.autograd.grad((total * weights).sum(), x, create_graph=True)
        (bend,) = torch.autograd.grad(slope.square().sum(), x)
        found.append((total.detach(), slope.detach(), bend))
    for short, whole in zip(*found, strict=True):
        torch.testing.assert_close(short, whole, rtol=1e-10, atol=1e-10 * float(whole.abs().max()))


def test_a_pixel_that_is_no_number_spoils_its_row_with_narrow_kernels_too() -> None:
    x = torch.rand(2, 40)
    x[0, 3] = torch.nan
    found = logistic.logistic_cumulative(x, 256, 1e-3, True, 1.0)
    assert bool(found[0].isnan().all()) and bool(found[1].isfinite().all())
