"""Noise with a chosen scale."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import lossedu.data as data


@settings(deadline=None, max_examples=40)
@given(st.floats(0, 0.4), st.floats(0.05, 0.4), st.floats(1e-3, 1), st.integers(8, 24), st.integers(8, 24))
def test_band_noise_lies_in_its_band(low, width, std, rows, columns):
    shape = (2, 3, rows, columns)
    frequencies = torch.hypot(torch.fft.fftfreq(rows).double()[:, None], torch.fft.fftfreq(columns).double())
    inside = (frequencies >= low - 1e-6) & (frequencies <= low + width + 1e-6) & (frequencies > 0)
    assume(bool(inside.any()) and bool((frequencies[frequencies > low + 1e-6] < low + width - 1e-6).any()))
    n = data.band_noise(shape, low=low, high=low + width, std=std, seed=1, dtype=torch.float64)
    power = torch.fft.fft2(n).abs().square()
    assert power[..., ~inside].max() < 1e-20 * power.max()
    torch.testing.assert_close(n.square().mean((-2, -1)).sqrt(), torch.full((2, 3), std, dtype=torch.float64))
    assert n.mean((-2, -1)).abs().max() < 1e-12


def test_a_band_that_is_one_frequency():
    n = data.band_noise((1, 1, 1, 30), low=0.09999, high=0.1, std=1, seed=0, dtype=torch.float64)
    torch.testing.assert_close(n[..., :10], n[..., 10:20])


def test_band_noise_looks_the_same_in_every_direction():
    n = data.band_noise((1, 1, 512, 512), low=0.05, high=0.1, std=1, seed=0, dtype=torch.float64)
    along_rows, along_columns = n.diff(dim=-1).square().mean(), n.diff(dim=-2).square().mean()
    assert along_rows == pytest.approx(float(along_columns), rel=0.05)


@pytest.mark.parametrize("length", [1.0, 2.0, 4.0])
def test_correlation_falls_as_stated(length):
    n = data.correlated_noise((4, 1, 512, 512), length=length, std=1, seed=0, dtype=torch.float64)
    for distance in (1, 2, 4, 8):
        found = float((n * n.roll(distance, -1)).mean())
        assert found == pytest.approx(math.exp(-(distance**2) / (4 * length**2)), abs=0.03)


def test_correlated_noise_of_length_0_is_white():
    n = data.correlated_noise((1, 1, 512, 512), length=0, std=0.3, seed=0, dtype=torch.float64)
    assert abs(float((n * n.roll(1, -1)).mean())) < 0.002
    assert float(n.square().mean().sqrt()) == pytest.approx(0.3, rel=1e-12) and abs(float(n.mean())) < 1e-12


def test_small_windows_are_blind_to_slow_noise():
    """SSIM of noise of standard deviation 0.02 on level 0.5: at sigma 1 splotches of 8 pixels all but vanish."""
    from skimage.metrics import structural_similarity

    y = torch.full((1, 1, 256, 256), 0.5, dtype=torch.float64)
    for sigma, grain, splotches in ((1, 0.72, 0.99), (9, 0.69, 0.82)):
        for length, expected in ((0, grain), (8, splotches)):
            z = y + data.correlated_noise(y.shape, length=length, std=0.02, seed=0, dtype=torch.float64)
            value = structural_similarity(
                y[0, 0].numpy(),
                z[0, 0].numpy(),
                data_range=1,
                gaussian_weights=True,
                sigma=sigma,
                use_sample_covariance=False,
            )
            assert value == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize(
    "make",
    [
        lambda **options: data.band_noise((1, 3, 16, 18), low=0.1, high=0.3, std=0.1, **options),
        lambda **options: data.correlated_noise((1, 3, 16, 18), length=2, std=0.1, **options),
    ],
)
def test_seeds_and_dtypes(make):
    assert torch.equal(make(seed=1), make(seed=1)) and not torch.equal(make(seed=1), make(seed=2))
    assert make(seed=1).dtype == torch.float32
    torch.testing.assert_close(make(seed=1, dtype=torch.float64), make(seed=1).double(), atol=1e-7, rtol=1e-6)
    planes = make(seed=1)[0]
    assert not torch.equal(planes[0], planes[1])
    torch.manual_seed(0)
    assert not torch.equal(make(), make())


def test_bad_input():
    shape = (1, 1, 16, 16)
    with pytest.raises(ValueError, match=r"high must be above low, got low=0\.3, high=0\.2"):
        data.band_noise(shape, low=0.3, high=0.2, std=1)
    with pytest.raises(ValueError, match=r"enclose no frequency of a 16 x 16 grid, .* 1/16 and 1/16"):
        data.band_noise(shape, low=0.01, high=0.05, std=1)
    with pytest.raises(ValueError, match=r"low must be a number from 0 to 0\.707"):
        data.band_noise(shape, low=2, high=4, std=1)
    with pytest.raises(ValueError, match=r"shape must be \(N, C, H, W\), got \(16, 16\)"):
        data.band_noise((16, 16), low=0.1, high=0.2, std=1)
    with pytest.raises(ValueError, match=r"shape\[2\] must be an integer of at least 1, got 0"):
        data.correlated_noise((1, 1, 0, 4), length=1, std=1)
    with pytest.raises(ValueError, match="std must be a finite number above 0"):
        data.correlated_noise(shape, length=1, std=0)
    with pytest.raises(ValueError, match="length must be a number from 0 to 16"):
        data.correlated_noise(shape, length=-1, std=1)
    with pytest.raises(ValueError, match="more than one pixel"):
        data.correlated_noise((1, 1, 1, 1), length=1, std=1)
