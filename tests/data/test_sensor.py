"""The colour filter array, its interpolation, and the sensor's noise."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lossedu.data as data
from lossedu.metrics import psnr

patterns = st.sampled_from(sorted(data.BAYER_PATTERNS))
sides = st.integers(2, 9)


def picture(height: int, width: int, seed: int = 0, channels: int = 3) -> torch.Tensor:
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def channel_at(pattern: str, row: int, column: int) -> int:
    return "RGB".index(pattern[2 * (row % 2) + column % 2])


def naive_bilinear(m: torch.Tensor, pattern: str) -> torch.Tensor:
    """One pixel, one channel, one neighbour at a time."""
    n, _, height, width = m.shape
    z = torch.zeros(n, 3, height, width, dtype=m.dtype)
    for row in range(height):
        for column in range(width):
            for channel in range(3):
                total, weights = 0.0, 0.0
                for dr in (-1, 0, 1):
                    for dc in (-1, 0, 1):
                        r, c = row + dr, column + dc
                        if not (0 <= r < height and 0 <= c < width) or channel_at(pattern, r, c) != channel:
                            continue
                        weight = (2 - abs(dr)) * (2 - abs(dc))
                        if channel == 1:
                            weight = {0: 4, 1: 1, 2: 0}[abs(dr) + abs(dc)]
                        total, weights = total + weight * m[:, 0, r, c], weights + weight
                z[:, channel, row, column] = total / weights
    return z


@settings(deadline=None, max_examples=40)
@given(patterns, sides, sides)
def test_mosaic_takes_the_channel_of_the_pattern(pattern, height, width):
    x = picture(height, width)
    m = data.bayer_mosaic(x, pattern=pattern)
    assert m.shape == (2, 1, height, width)
    for row in range(height):
        for column in range(width):
            assert torch.equal(m[:, 0, row, column], x[:, channel_at(pattern, row, column), row, column])


@settings(deadline=None, max_examples=40)
@given(patterns, sides, sides)
def test_bilinear_is_the_weighted_mean_of_measured_neighbours(pattern, height, width):
    m = picture(height, width, channels=1)
    torch.testing.assert_close(data.demosaick_bilinear(m, pattern=pattern), naive_bilinear(m, pattern))


@settings(deadline=None, max_examples=40)
@given(patterns, sides, sides, st.sampled_from([torch.float32, torch.float64, torch.float16, torch.bfloat16]))
def test_measured_samples_come_back_bit_for_bit(pattern, height, width, dtype):
    m = picture(height, width, channels=1).to(dtype)
    assert torch.equal(data.bayer_mosaic(data.demosaick_bilinear(m, pattern=pattern), pattern=pattern), m)


@settings(deadline=None, max_examples=40)
@given(patterns, sides, sides, st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_constant_colours_survive_everywhere(pattern, height, width, colour):
    x = torch.tensor(colour, dtype=torch.float64).view(1, 3, 1, 1).expand(1, 3, height, width)
    torch.testing.assert_close(data.demosaick_bilinear(data.bayer_mosaic(x, pattern=pattern), pattern=pattern), x)


@settings(deadline=None, max_examples=40)
@given(patterns, st.integers(3, 12), st.integers(3, 12))
def test_ramps_survive_inside(pattern, height, width):
    rows = torch.arange(height, dtype=torch.float64).view(1, 1, -1, 1)
    columns = torch.arange(width, dtype=torch.float64).view(1, 1, 1, -1)
    slopes = torch.tensor([0.03, -0.02, 0.01], dtype=torch.float64).view(1, 3, 1, 1)
    x = 0.5 + slopes * rows + slopes.flip(1) * columns
    z = data.demosaick_bilinear(data.bayer_mosaic(x, pattern=pattern), pattern=pattern)
    torch.testing.assert_close(z[..., 1:-1, 1:-1], x[..., 1:-1, 1:-1])


def test_a_pixel_that_is_not_measured_cannot_be_seen():
    x = torch.full((1, 3, 4, 4), torch.nan)
    for row in range(4):
        for column in range(4):
            x[0, channel_at("GRBG", row, column), row, column] = 0.5
    assert torch.equal(data.bayer_mosaic(x, pattern="GRBG"), torch.full((1, 1, 4, 4), 0.5))


@pytest.mark.parametrize(
    ("name", "clean", "noisy"),
    [("astronaut", 30.6, 26.6), ("coffee", 29.4, 26.4), ("chelsea", 34.2, 27.6), ("rocket", 29.8, 27.3)],
)
def test_psnr_of_the_input_to_joint_denoising_and_demosaicking(name, clean, noisy):
    x = data.photograph(name)
    assert float(psnr(data.demosaick_bilinear(data.bayer_mosaic(x)), x)) == pytest.approx(clean, abs=0.06)
    assert float(psnr(data.noisy_bayer(x, seed=0), x)) == pytest.approx(noisy, abs=0.06)


@pytest.mark.parametrize(("level", "expected"), [(0.1, 32.2), (0.3, 28.0), (0.5, 25.9)])
def test_psnr_of_the_noise(level, expected):
    y = torch.full((1, 1, 700, 700), level)
    value = float(psnr(data.sensor_noise(y, seed=0), y))
    assert value == pytest.approx(expected, abs=0.06)
    assert value == pytest.approx(-10 * math.log10(0.005 * level + 0.0001), abs=0.03)


@pytest.mark.parametrize(("level", "bias"), [(0.0, 0.004), (0.9, -0.0021), (0.98, -0.0193), (1.0, -0.0285)])
def test_clipping_shifts_the_mean_but_not_the_median(level, bias):
    y = torch.full((1, 1, 1000, 1000), level, dtype=torch.float64)
    z = data.sensor_noise(y, seed=0)
    assert float((z - y).mean()) == pytest.approx(bias, abs=2.5e-4)
    assert float((z - y).median()) == pytest.approx(0, abs=3e-4)
    assert z.min() >= 0 and z.max() <= 1
    assert abs(float((data.sensor_noise(y, clip=False, seed=0) - y).mean())) < 2.5e-4


def test_noise_is_gaussian_with_the_stated_variance():
    y = torch.full((1, 1, 1000, 1000), 0.4, dtype=torch.float64)
    n = (data.sensor_noise(y, a=0.02, b=0.001, clip=False, seed=5) - y) / math.sqrt(0.02 * 0.4 + 0.001)
    assert abs(float(n.mean())) < 0.004
    assert float(n.square().mean()) == pytest.approx(1, abs=0.006)
    assert float((n**4).mean()) == pytest.approx(3, abs=0.05)


def test_order_of_mosaic_and_noise_does_not_matter():
    """Noise is drawn pixel by pixel: the mosaic of noisy planes has the same law as the noisy mosaic."""
    x = picture(400, 400)[:1]
    after = data.sensor_noise(data.bayer_mosaic(x), clip=False, seed=1) - data.bayer_mosaic(x)
    before = data.bayer_mosaic(data.sensor_noise(x, clip=False, seed=1)) - data.bayer_mosaic(x)
    assert float(after.std()) == pytest.approx(float(before.std()), rel=0.01)


@pytest.mark.parametrize("make", [data.sensor_noise, data.noisy_bayer])
def test_seeds(make):
    x = picture(8, 8).float()
    assert torch.equal(make(x, seed=1), make(x, seed=1))
    assert not torch.equal(make(x, seed=1), make(x, seed=2))
    rng = torch.Generator().manual_seed(1)
    assert torch.equal(make(x, seed=rng), make(x, seed=1)) and not torch.equal(make(x, seed=rng), make(x, seed=1))
    torch.manual_seed(7)
    first = make(x)
    torch.manual_seed(7)
    assert torch.equal(make(x), first) and not torch.equal(make(x), first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_on_the_cpu_the_numbers_are_drawn_in_double(dtype):
    """Recorded runs depend on it, and so does that a seed gives one picture on every device."""
    x = picture(8, 8).to(dtype)
    for seed in (4, torch.Generator().manual_seed(4)):
        n = torch.randn(x.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64).to(dtype)
        z = data.sensor_noise(x, a=0.01, b=0.001, clip=False, seed=seed)
        assert torch.equal(z, x + (0.01 * x.clamp(min=0) + 0.001).sqrt() * n)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["cuda", "cuda:0"])
def test_a_generator_of_the_device_draws_there(name):
    x = torch.full((1, 1, 1000, 1000), 0.4, device="cuda")
    for make in (data.sensor_noise, data.noisy_bayer):
        y = x if make is data.sensor_noise else x.expand(1, 3, -1, -1)
        one, two, other = (make(y, seed=torch.Generator(name).manual_seed(seed)) for seed in (1, 1, 2))
        assert one.device == y.device and one.dtype == y.dtype
        assert torch.equal(one, two) and not torch.equal(one, other)
    n = (data.sensor_noise(x, clip=False, seed=torch.Generator(name).manual_seed(5)) - x) / math.sqrt(
        0.005 * 0.4 + 1e-4
    )
    assert abs(float(n.mean())) < 0.004 and float(n.square().mean()) == pytest.approx(1, abs=0.006)
    assert torch.equal(data.sensor_noise(x, seed=3).cpu(), data.sensor_noise(x.cpu(), seed=3))
    assert data.sensor_noise(x.half(), seed=torch.Generator(name)).dtype == torch.float16
    with pytest.raises(ValueError, match="seed must be a generator of the CPU or of the device of x, cpu, got cuda"):
        data.sensor_noise(x.cpu(), seed=torch.Generator(name))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_dtype_follows_x_and_the_noise_is_the_same(dtype):
    x = picture(8, 8).to(dtype)
    z = data.noisy_bayer(x, seed=3)
    assert z.dtype == dtype
    tolerance = 4 * torch.finfo(dtype).eps
    torch.testing.assert_close(z.double(), data.noisy_bayer(x.double(), seed=3), atol=tolerance, rtol=tolerance)


def test_gradient_reaches_the_picture():
    x = picture(6, 6).mul(0.5).add(0.2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: data.noisy_bayer(x, seed=0), (x,))


def test_bad_input():
    x = torch.rand(1, 3, 4, 4)
    with pytest.raises(ValueError, match=r"x must have 3 channels .* got shape \(1, 1, 4, 4\)"):
        data.bayer_mosaic(x[:, :1])
    with pytest.raises(ValueError, match=r"pattern must be one of 'RGGB', .* got 'XTRANS'"):
        data.noisy_bayer(x, pattern="XTRANS")
    with pytest.raises(ValueError, match=r"m must have 1 channel .*bayer_mosaic makes one"):
        data.demosaick_bilinear(x)
    with pytest.raises(ValueError, match="m must be at least 2 pixels"):
        data.demosaick_bilinear(x[:, :1, :1])
    with pytest.raises(TypeError, match=r"x must have a floating dtype .*got torch.uint8"):
        data.sensor_noise((x * 255).byte())
    with pytest.raises(ValueError, match="a must be a number from 0"):
        data.sensor_noise(x, a=-1)
    with pytest.raises(TypeError, match=r"seed must be an int, a torch.Generator or None, got float"):
        data.sensor_noise(x, seed=1.0)
