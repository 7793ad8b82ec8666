"""Where residuals are measured, and the toys of Figure 9."""

from __future__ import annotations

import math

import pytest
import torch
from pictures import photo
from torch import Tensor

import lossedu as le
from lossedu.experiments import doubt, residuals, step_edge
from lossedu.experiments.residuals import (
    HALF,
    RINGS,
    band,
    by_distance,
    edge_distance,
    edge_mask,
    flat_mask,
    local_deviation,
)

SIDE = 96


def wave(period: float, side: int = SIDE) -> Tensor:
    """A sinusoid along both axes together, of mean square 1."""
    phase = 2 * math.pi / period * torch.arange(side, dtype=torch.float64)
    return (math.sqrt(2) * phase.cos()).expand(1, 3, side, side)


def energy(x: Tensor) -> float:
    margin = 24  # mirrored waves are no waves
    return x[..., margin:-margin, margin:-margin].square().mean().item()


def test_a_wave_at_the_limit_keeps_half_its_amplitude() -> None:
    for period in (8.0, 16.0):
        blurred = le.gaussian_blur(wave(period), HALF * period)
        assert math.sqrt(energy(blurred) / energy(wave(period))) == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize(("period", "name"), [(3.0, "fine"), (8.0, "middle"), (32.0, "coarse")])
def test_a_wave_falls_into_its_band(period: float, name: str) -> None:
    shares = {key: energy(band(wave(period), *limits)) for key, limits in residuals.BANDS.items()}
    assert max(shares, key=shares.get) == name  # type: ignore[arg-type]
    assert shares[name] > 0.4
    assert all(share < 0.25 for key, share in shares.items() if key != name)


def test_bands_add_up() -> None:
    x = photo(size=SIDE)
    total = sum(band(x, *limits) for limits in ((None, 4.0), (4.0, 16.0), (16.0, 64.0), (64.0, None)))
    torch.testing.assert_close(total, x)


def test_local_deviation_is_the_weighted_standard_deviation() -> None:
    x = photo(size=40)
    m = le.gaussian_blur(x, 2.0)
    expected = (le.gaussian_blur(x * x, 2.0) - m * m).sqrt().amax(dim=1, keepdim=True)
    torch.testing.assert_close(local_deviation(x, 2.0), expected, rtol=1e-9, atol=1e-12)
    assert local_deviation(torch.full((1, 3, 40, 40), 0.9), 5.0).max() < 1e-3  # flat and bright, in float32


def half_and_half(low: float, high: float, side: int = SIDE) -> Tensor:
    x = torch.full((1, 3, side, side), low, dtype=torch.float64)
    x[..., side // 2 :] = high
    return x


@pytest.mark.parametrize(("height", "seen"), [(0.15, False), (0.3, True), (-0.3, True)])
def test_one_edge(height: float, seen: bool) -> None:
    x = half_and_half(0.5, 0.5 + height)
    mask = edge_mask(x)
    assert mask.any() == seen
    if seen:
        assert mask[0, 0].all(dim=0).nonzero().flatten().tolist() == [SIDE // 2 - 1, SIDE // 2]
        assert torch.equal(edge_mask(x.mT), mask.mT)


def test_distance_from_one_edge() -> None:
    mask = torch.zeros(1, 1, 60, 80, dtype=torch.bool)
    mask[..., 30] = True
    distance = edge_distance(mask, limit=25)
    expected = (torch.arange(80) - 30).abs().clamp(max=25).float()
    assert torch.equal(distance, expected.expand(1, 1, 60, 80))


def test_distance_is_that_of_a_king() -> None:
    mask = torch.zeros(2, 1, 9, 9, dtype=torch.bool)
    mask[0, 0, 4, 4] = True
    rows, columns = torch.meshgrid(torch.arange(9), torch.arange(9), indexing="ij")
    found = edge_distance(mask, limit=6)
    assert torch.equal(found[0, 0], torch.maximum((rows - 4).abs(), (columns - 4).abs()).float())
    assert (found[1] == 6).all()  # a picture without edges


def test_flat_is_where_nothing_happens_within_a_wide_window() -> None:
    x = half_and_half(0.4, 0.6)
    flat = flat_mask(x)[0, 0].all(dim=0)
    middle = SIDE // 2
    assert flat[0] and flat[-1]
    assert not flat[middle - 8 : middle + 8].any()
    assert flat_mask(half_and_half(0.4, 0.404)).all()


def test_the_residual_by_distance_from_an_edge() -> None:
    clean = half_and_half(0.25, 0.75)
    error = torch.zeros_like(clean)
    error[..., SIDE // 2 - 4 : SIDE // 2 + 4] = 0.1  # only close to the edge
    ring = by_distance(error, clean)
    assert len(ring) == len(RINGS)
    # The mask is the two columns at the step; quiet pixels start where its slope has left a window of sigma 1.
    assert ring[0] is None
    assert ring[1] is None or ring[1] <= 0.1
    assert ring[3:] == [0.0, 0.0, 0.0]
    far = torch.zeros_like(clean)
    far[..., :10] = 0.1
    assert by_distance(far, clean)[2:4] == [0.0, 0.0]
    assert by_distance(error, torch.full_like(clean, 0.5)) == [None] * len(RINGS)  # no edge anywhere


@pytest.mark.parametrize(
    ("sigma", "profile", "tolerant"),
    [
        (1.0, [0.43, 0.42, 0.43, 0.41, 0.41, 0.42], 4),
        (3.0, [0.96, 0.64, 0.32, 0.31, 0.31, 0.31], 12),
        (9.0, [0.98, 0.97, 0.95, 0.90, 0.56, 0.28], 38),
    ],
)
def test_figure_9_in_one_dimension(sigma: float, profile: list[float], tolerant: int) -> None:
    """Mean SSIM 4 to 40 samples left of the step, and how many samples are above 0.8, as measured independently."""
    found = step_edge.noisy_step_1d(sigma)
    assert [found[128 - d].item() for d in (4, 8, 12, 16, 24, 40)] == pytest.approx(profile, abs=0.02)
    assert (found > 0.8).sum() == tolerant


def test_in_two_dimensions_the_gap_on_flat_ground_all_but_vanishes() -> None:
    one = {sigma: step_edge.noisy_step_1d(sigma, draws=400)[30].item() for sigma in (1.0, 9.0)}
    two = {sigma: step_edge.noisy_step_2d(sigma, height=200)[20:40].mean().item() for sigma in (1.0, 9.0)}
    assert one[1.0] - one[9.0] > 0.1
    assert [two[1.0], two[9.0]] == pytest.approx([0.30, 0.27], abs=0.03)


@pytest.mark.parametrize(
    ("low", "high", "bias", "ratio"), [(0.25, 0.75, 0.1, 6.9), (0.2, 0.8, 0.1, 11), (0.1, 0.9, 0.02, 68)]
)
def test_figure_9_bias(low: float, high: float, bias: float, ratio: float) -> None:
    dark, bright = step_edge.biased_step(bias, low=low, high=high)
    assert (1 - dark) / (1 - bright) == pytest.approx(ratio, rel=0.03)
    if low == 0.25:
        assert (dark, bright) == pytest.approx((0.946, 0.992), abs=5e-4)


def test_small_windows_are_blind_to_splotches() -> None:
    prices = {sigma: step_edge.correlated_noise_price(sigma, (0.0, 2.0, 4.0, 8.0), size=128) for sigma in (1.0, 9.0)}
    for values in prices.values():
        assert values == sorted(values, reverse=True)
    assert prices[1.0][0] / prices[1.0][3] > 15 > 3 > prices[9.0][0] / prices[9.0][3] > 1.2


def test_the_transfer_function_is_the_price() -> None:
    frequencies = torch.tensor([0.02, 0.1, 0.4], dtype=torch.float64)
    theory = step_edge.transfer(1.5, frequencies, level=0.3)
    found = le.price(le.ssim_loss, level=0.3, amplitude=1e-3, frequencies=frequencies, size=64, channels=1)
    assert theory.values.tolist() == pytest.approx(found.values.tolist(), rel=0.01)
    assert theory.uniform == pytest.approx(found.uniform, rel=0.01)


def test_answers_under_doubt() -> None:
    edges = doubt.edges(4)
    assert edges.shape == (9, 1, 24, 64)
    assert edges[0, 0, 0].tolist().count(0.25) == 28
    assert edges[-1, 0, 0].tolist().count(0.25) == 36
    assert doubt.levels(0.5, 0.1).mean(dim=(1, 2, 3)).tolist() == pytest.approx([0.4, 0.6])
    textures = doubt.textures("brick", 2, size=32)
    assert textures.shape == (5, 1, 32, 32)
    assert torch.equal(textures[0, ..., 1:], textures[1, ..., :-1])
    assert doubt.predicted_gain(textures) > 1.05
    assert doubt.predicted_gain(textures[:1]) == pytest.approx(1)
