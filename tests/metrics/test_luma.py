"""The ground that GMSD, FSIM and IW-SSIM stand on: scale, grey, MATLAB's down-sampling; and what bad input gets."""

# mypy: disable-error-code="arg-type"

from __future__ import annotations

import math
from collections.abc import Callable

import oracles_metrics
import pytest
import torch
from pictures import photo
from torch import Tensor

from lossedu.metrics import fsim, gmsd, iw_ssim
from lossedu.metrics.luma import average_down, luma, on_peak_scale, plane, reduction_factor
from lossedu.metrics.magnitudes import length, power, weighted_mean

OK = torch.rand(2, 3, 16, 16)
BIG = torch.rand(1, 1, 161, 161)
SMALLEST = {"gmsd": (gmsd, 3), "fsim": (fsim, 6), "iw_ssim": (iw_ssim, 161)}

#: (call, words of the message)
BAD_CALLS: list[tuple[Callable[[], object], list[str]]] = [
    *[
        (lambda f=f, c=c: f(torch.rand(2, c, 161, 161), torch.rand(2, c, 161, 161)), words)
        for f, _ in SMALLEST.values()
        for c, words in (
            (2, ["x and y must have 1 channel (grey) or 3 (RGB)", "got 2", "(N * C, 1, H, W)"]),
            (4, ["1 channel", "got 4"]),
        )
    ],
    *[
        (
            lambda f=f, h=h, w=w: f(torch.rand(1, 1, h, w), torch.rand(1, 1, h, w)),
            [f"x is too small: height and width must be at least {needed} ", f"got {h} x {w}"],
        )
        for f, needed in SMALLEST.values()
        for h, w in ((needed - 1, needed), (needed, needed - 1))
    ],
    (lambda: gmsd(OK[..., :2], OK[..., :2]), ["(2 x 2 after halving), got 16 x 2"]),
    (lambda: fsim(OK[..., :5], OK[..., :5]), ["(the wavelength of the finest filter), got 16 x 5"]),
    (lambda: iw_ssim(OK, OK), ["for a window of 11 pixels at 5 scales, got 16 x 16"]),
    *[
        (lambda f=f, v=v: f(BIG, BIG, data_range=v), ["data_range must be", "above 0", repr(v)])
        for f, _ in SMALLEST.values()
        for v in (0, -1.0, math.nan, math.inf, None, "1", True)
    ],
    *[
        (lambda f=f, v=v: f(BIG, BIG, data_range=v), ["factor 255 / data_range that torch.float32", repr(v)])
        for f, _ in SMALLEST.values()
        for v in (1e-37, 1e41)
    ],
    *[
        (lambda f=f: f(BIG, BIG, reduction="average"), ["reduction must be one of 'mean', 'sum', 'none'", "'average'"])
        for f, _ in SMALLEST.values()
    ],
    *[
        (lambda v=v: fsim(OK, OK, chromatic=v), ["chromatic must be True or False", repr(v)])
        for v in (1, None, "yes", torch.tensor(True))
    ],
]


@pytest.mark.parametrize(("call", "words"), BAD_CALLS)
def test_bad_calls(call: Callable[[], object], words: list[str]) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("name", SMALLEST)
def test_the_smallest_image_is_accepted(name: str) -> None:
    function, side = SMALLEST[name]
    y = torch.rand(2, 1, side, side + 1)
    x = torch.rand(2, 1, side, side + 1).requires_grad_()
    value = function(x, y)
    value.backward()
    assert value.isfinite()
    assert x.grad is not None and x.grad.isfinite().all()


def test_scale() -> None:
    x, y = torch.rand(1, 1, 4, 4), torch.rand(1, 1, 4, 4, dtype=torch.float64)
    scaled = on_peak_scale(x, y, 2.0)
    for found, image in zip(scaled, (x, y), strict=True):
        assert found.dtype == torch.float64
        torch.testing.assert_close(found, image.double() * 127.5)
    # the factor may be the smallest and the largest number that the dtype holds in full
    limits = torch.finfo(torch.float32)
    for factor in (limits.tiny, limits.max):
        assert 255 / (255 / factor) == factor
        assert torch.equal(on_peak_scale(x, x, 255 / factor)[0], x * factor)
    for v in (255 / limits.tiny * (1 + 1e-15), 255 / limits.max * (1 - 1e-15)):
        with pytest.raises(ValueError, match=r"factor 255 / data_range that torch\.float32 can hold"):
            on_peak_scale(x, x, v)


def test_planes_of_yiq() -> None:
    x = photo(size=5)
    for row, expected in enumerate(oracles_metrics.yiq(x[0].numpy())):
        torch.testing.assert_close(plane(x, row)[0, 0], torch.from_numpy(expected))
    assert torch.equal(luma(x), plane(x, 0))
    grey = x[:, :1]
    assert luma(grey) is grey
    torch.testing.assert_close(luma(grey.expand(-1, 3, -1, -1)), grey)
    for row in (1, 2):  # grey has no colour
        assert plane(grey.expand(-1, 3, -1, -1), row).abs().max() < 1e-15


@pytest.mark.parametrize(
    ("sides", "factor"),
    [
        ((1, 1), 1),
        ((256, 256), 1),
        ((383, 1000), 1),
        ((1000, 384), 2),
        ((639, 639), 2),
        ((640, 641), 3),
        ((1152, 1152), 5),
        ((1664, 1664), 7),
    ],
)
def test_factor_rounds_halves_up(sides: tuple[int, int], factor: int) -> None:
    assert reduction_factor(*sides) == factor == max(1, oracles_metrics.matlab_round(min(sides) / 256))


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("size", [(12, 13), (11, 10), (5, 7), (16, 24)])
def test_average_down_pixel_by_pixel(factor: int, size: tuple[int, int]) -> None:
    x = photo("camera", size)
    expected = torch.from_numpy(oracles_metrics.average_down(x[0, 0].numpy(), factor))
    torch.testing.assert_close(average_down(x, factor)[0, 0], expected, rtol=1e-14, atol=1e-15)


def test_lengths_and_powers_have_a_slope_at_zero() -> None:
    a = torch.tensor([3.0, 0.0, -1.0], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([4.0, 0.0, 0.0], dtype=torch.float64, requires_grad=True)
    found = length(a, b)
    assert found.tolist() == [5, 0, 1]
    slopes = torch.stack(torch.autograd.grad(found.sum(), (a, b)))
    torch.testing.assert_close(slopes, torch.tensor([[0.6, 0, -1], [0.8, 0, 0]], dtype=torch.float64))
    with torch.no_grad():
        assert length(a, b).tolist() == [5, 0, 1]
    found = power(a, 0.5)
    assert found.tolist() == [math.sqrt(3), 0, 0]
    assert torch.autograd.grad(found.sum(), a)[0].tolist() == pytest.approx([0.5 / math.sqrt(3), 0, 0])
    assert power(torch.tensor(math.nan), 0.5).isnan()


def test_weighted_mean_without_weights_is_the_mean() -> None:
    values = torch.tensor([[1.0, 3.0], [1.0, 3.0]]).view(2, 1, 1, 2)
    weight = torch.tensor([[3.0, 1.0], [0.0, 0.0]]).view(2, 1, 1, 2)
    assert weighted_mean(values, weight).tolist() == [1.5, 2.0]
    weight[1, ..., 0] = 1e-45  # next to nothing is not nothing
    assert weighted_mean(values, weight).tolist() == [1.5, 1.0]


@pytest.mark.parametrize("name", SMALLEST)
def test_not_a_number_in_not_a_number_out(name: str) -> None:
    """A broken network must not look like a perfect or a hopeless one."""
    function, side = SMALLEST[name]
    for which in (0, 1):
        images = [torch.rand(2, 1, side + 10, side + 10) for _ in range(2)]
        images[which][1, 0, side // 2, side // 2] = math.nan
        found: Tensor = function(*images, reduction="none")
        assert found.isnan().tolist() == [False, True]
