"""Compression, loss of resolution, and tones."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lossedu.data as data
from lossedu.metrics import psnr

KERNELS = ["bilinear", "bicubic"]


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return data.crop(data.photograph("coffee"), 60, 250, (120, 150))


def test_jpeg_gets_better_with_quality(x):
    values = [float(psnr(data.jpeg(x, quality=quality), x)) for quality in (5, 10, 25, 50, 90)]
    assert values == sorted(values) and values[-1] > values[0] + 8


def test_jpeg_values_are_those_of_a_file(x):
    z = data.jpeg(torch.cat((x, x.flip(-1))), quality=40)
    assert z.shape == (2, *x.shape[1:]) and z.dtype == torch.float32
    torch.testing.assert_close(z * 255, (z * 255).round(), atol=1e-4, rtol=0)
    assert torch.equal(z[:1], data.jpeg(x, quality=40)), "pictures of a batch are coded one by one"
    assert data.jpeg(x.double()).dtype == torch.float64


def test_jpeg_thins_out_colour_only():
    """Red and blue dots of equal luma: the colour detail is lost with 4:2:0, kept with 4:4:4; grey does not care."""
    x = torch.full((1, 3, 32, 32), 0.5)
    x[:, 0, ::2, ::2] += 0.3
    x[:, 2, ::2, ::2] -= 0.3
    fine = data.jpeg(x, quality=95, subsampling="4:4:4")
    coarse = data.jpeg(x, quality=95, subsampling="4:2:0")
    assert (fine - x).square().mean() < 0.1 * (coarse - x).square().mean()
    grey = x[:, :1]
    assert torch.equal(data.jpeg(grey, subsampling="4:4:4"), data.jpeg(grey, subsampling="4:2:0"))


def test_jpeg_blocks_are_visible():
    """On a slow ramp at low quality, steps gather at multiples of 8 pixels."""
    x = torch.linspace(0.2, 0.8, 128).expand(1, 1, 64, 128)
    steps = data.jpeg(x, quality=5).diff(dim=-1).abs().mean(dim=(0, 1, 2))
    at_border = steps[7::8].mean()
    assert at_border > 3 * (steps.sum() - steps[7::8].sum()) / (len(steps) - len(steps[7::8]))


def test_jpeg_clips_first():
    x = torch.full((1, 3, 8, 8), 1.7)
    assert torch.equal(data.jpeg(x), torch.ones(1, 3, 8, 8))


def test_jpeg_bad_input():
    x = torch.rand(1, 3, 8, 8)
    with pytest.raises(ValueError, match="quality must be an integer from 1 to 100, got 0"):
        data.jpeg(x, quality=0)
    with pytest.raises(ValueError, match="quality must be an integer"):
        data.jpeg(x, quality=25.0)
    with pytest.raises(ValueError, match="subsampling must be one of"):
        data.jpeg(x, subsampling="4:1:1")
    with pytest.raises(ValueError, match="1 or 3 channels"):
        data.jpeg(torch.rand(1, 2, 8, 8))


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 20),
    st.integers(1, 20),
    st.floats(1, 6),
    st.sampled_from(KERNELS),
    st.sampled_from([*KERNELS, None]),
    st.floats(0, 1),
)
def test_down_up_keeps_size_and_constants(height, width, factor, mode, up, level):
    x = torch.full((1, 2, height, width), level, dtype=torch.float64)
    torch.testing.assert_close(data.down_up(x, factor=factor, mode=mode, up=up), x)


@pytest.mark.parametrize("up", [*KERNELS, None])
@pytest.mark.parametrize("mode", KERNELS)
def test_down_up_shifts_nothing(mode, up):
    """Mirroring before and after must be the same thing, also where the factor does not divide the size."""
    x = torch.rand(1, 1, 23, 31, dtype=torch.float64)
    mirrored = data.down_up(x.flip(-1, -2), factor=3, mode=mode, up=up).flip(-1, -2)
    torch.testing.assert_close(mirrored, data.down_up(x, factor=3, mode=mode, up=up))


def test_down_up_is_antialiased():
    """The finest checkerboard turns grey; without antialiasing it would turn black or white."""
    x = (torch.arange(32)[:, None] + torch.arange(32)).remainder(2).double().view(1, 1, 32, 32)
    assert (data.down_up(x)[..., 4:-4, 4:-4] - 0.5).abs().max() < 1e-12


def test_down_up_by_the_formula_in_one_dimension():
    x = torch.rand(1, 1, 1, 16, dtype=torch.float64)
    tent = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64) / 8
    small = torch.stack([(x[0, 0, 0, 2 * k - 1 : 2 * k + 3] * tent).sum() for k in range(1, 7)])
    z = data.down_up(x)[0, 0, 0]
    # Output pixel 2k sits a quarter of a small pixel left of small pixel k, pixel 2k + 1 a quarter right of it.
    torch.testing.assert_close(z[6], 0.75 * small[2] + 0.25 * small[1])
    torch.testing.assert_close(z[7], 0.75 * small[2] + 0.25 * small[3])


@pytest.mark.parametrize("up", KERNELS)
@pytest.mark.parametrize("mode", KERNELS)
def test_down_up_goes_down_by_one_kernel_and_up_by_the_other(x, mode, up):
    """Both ways as weighted sums over rows and columns, by the kernels written out."""

    def cubic(t, a):
        t = t.abs()
        near, far = (a + 2) * t**3 - (a + 3) * t**2 + 1, a * (t**3 - 5 * t**2 + 8 * t - 4)
        return torch.where(t < 1, near, torch.where(t < 2, far, 0.0))

    def tent(t):
        return (1 - t.abs()).clamp(min=0)

    def at(count, factor):  # where the pixels of one grid lie on the other
        return (torch.arange(count, dtype=torch.float64) + 0.5) * factor - 0.5

    def down(side):
        away = (torch.arange(side) - at(side // 2, 2)[:, None]) / 2
        weights = tent(away) if mode == "bilinear" else cubic(away, -0.5)
        return weights / weights.sum(1, keepdim=True)

    def back(side):
        line = torch.arange(-3, side // 2 + 3)
        away = line - at(side, 0.5)[:, None]
        weights = tent(away) if up == "bilinear" else cubic(away, -0.75)
        edge = line.clamp(0, side // 2 - 1)  # beyond the border the last pixel is repeated
        return torch.zeros(side, side // 2, dtype=torch.float64).index_add(1, edge, weights)

    z = x.double()
    rows, columns = (back(side) @ down(side) for side in x.shape[-2:])
    torch.testing.assert_close(data.down_up(z, mode=mode, up=up), rows @ z @ columns.T)
    assert torch.equal(data.down_up(z, mode=mode), data.down_up(z, mode=mode, up=mode))
    other = {"bilinear": "bicubic", "bicubic": "bilinear"}[up]
    assert (data.down_up(z, mode=mode, up=up) - data.down_up(z, mode=mode, up=other)).abs().max() > 0.01


def test_down_up_gets_worse_with_the_factor(x):
    values = [float(psnr(data.down_up(x, factor=factor), x)) for factor in (1, 2, 3, 4)]
    assert math.isinf(values[0]) and values == sorted(values, reverse=True)


def test_down_up_bad_input():
    with pytest.raises(ValueError, match="factor must be a number from 1"):
        data.down_up(torch.rand(1, 1, 8, 8), factor=0.5)
    with pytest.raises(ValueError, match="mode must be one of 'bilinear', 'bicubic', got 'nearest'"):
        data.down_up(torch.rand(1, 1, 8, 8), mode="nearest")
    with pytest.raises(ValueError, match="up must be one of 'bilinear', 'bicubic', got 'nearest'"):
        data.down_up(torch.rand(1, 1, 8, 8), up="nearest")


def test_srgb():
    levels = torch.linspace(-0.1, 1.3, 1001, dtype=torch.float64).view(1, 1, 1, -1)
    light = data.srgb_decode(levels)
    torch.testing.assert_close(data.srgb_encode(light), levels, atol=2e-7, rtol=0)
    assert (light.diff() > 0).all()
    known = torch.tensor([0, 0.04045, 0.5, 1], dtype=torch.float64).view(1, 1, 1, -1)
    expected = torch.tensor([0, 0.0031308, 0.2140411, 1], dtype=torch.float64).view(1, 1, 1, -1)
    torch.testing.assert_close(data.srgb_decode(known), expected, atol=1e-7, rtol=0)


def test_srgb_gradient_is_finite_everywhere():
    levels = torch.tensor([-0.1, 0.0, 0.001, 0.02, 0.5, 1.0], dtype=torch.float64).view(1, 1, 1, -1).requires_grad_()
    assert torch.autograd.gradcheck(data.srgb_decode, (levels,))
    assert torch.autograd.gradcheck(data.srgb_encode, (levels,))


def test_darken_scales_light(x):
    z = data.darken(x.double(), gain=0.25)
    torch.testing.assert_close(data.srgb_decode(z), 0.25 * data.srgb_decode(x.double()))
    torch.testing.assert_close(data.darken(x, gain=1.0), x, atol=1e-5, rtol=0)
    assert z.dtype == torch.float64


def test_darken_with_noise(x):
    z = data.darken(x, gain=0.1, a=0.005, b=0.0001, seed=0)
    assert torch.equal(z, data.darken(x, gain=0.1, a=0.005, b=0.0001, seed=0))
    residual = data.srgb_decode(z) - 0.1 * data.srgb_decode(x)
    # Clipping at black takes away part of the noise: the deviation lies below that of the formula.
    full = (0.0005 * data.srgb_decode(x) + 0.0001).sqrt().square().mean().sqrt()
    assert 0.5 * full < residual.std() < full
    with pytest.raises(ValueError, match="gain must be a finite number above 0"):
        data.darken(x, gain=0)


@settings(deadline=None, max_examples=40)
@given(st.floats(-1, 1), st.floats(0, 3))
def test_brightness_and_contrast(amount, factor):
    x = torch.rand(2, 3, 8, 8, dtype=torch.float64)
    shifted = data.shift_brightness(x, amount)
    torch.testing.assert_close(shifted, x + amount)
    scaled = data.scale_contrast(x, factor)
    torch.testing.assert_close(scaled.mean((-2, -1)), x.mean((-2, -1)))
    torch.testing.assert_close(scaled.std((-2, -1)), factor * x.std((-2, -1)))
    for z in (data.shift_brightness(x, amount, clip=True), data.scale_contrast(x, factor, clip=True)):
        assert z.min() >= 0 and z.max() <= 1


def test_tones_bad_input():
    x = torch.rand(1, 3, 8, 8)
    with pytest.raises(ValueError, match="amount must be a number from -1 to 1, got 20"):
        data.shift_brightness(x, 20)
    with pytest.raises(ValueError, match="factor must be a number from 0"):
        data.scale_contrast(x, -1)
    with pytest.raises(ValueError, match=r"x must have shape \(N, C, H, W\)"):
        data.darken(x[0])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(x, dtype):
    low = x.to(dtype)
    small = data.down_up(low, factor=3, mode="bicubic")
    assert small.dtype == dtype
    assert torch.equal(small, data.down_up(low.float(), factor=3, mode="bicubic").to(dtype))
    saved = data.jpeg(low, quality=90)
    assert saved.dtype == dtype
    torch.testing.assert_close(saved, data.jpeg(low.float(), quality=90).to(dtype))
