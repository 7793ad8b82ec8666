"""What chapter 3 says in words about its toys, its exercises and its records, beyond `test_chapter_claims`."""

from __future__ import annotations

import itertools
import math
from functools import partial

import pytest
import torch
from chapter_solutions import solutions
from torch import Tensor

import lossedu as le
from lossedu import check, data
from lossedu.experiments import step_edge
from lossedu.explorables import flat_price
from lossedu.filters import correlate, gaussian_window
from lossedu.records import load

GROUND = torch.full((1, 1, 128, 128), 0.5)
ch03 = solutions("ch03")


def test_in_two_dimensions_all_windows_are_nearly_as_strict_on_flat_ground_and_in_the_toy_the_narrow_is_laxer() -> None:
    ground = {sigma: float(step_edge.noisy_step_2d(sigma)[:64].mean()) for sigma in (1, 3, 9)}
    assert max(ground.values()) - min(ground.values()) < 0.06
    narrow, wide = (float(step_edge.noisy_step_1d(sigma)[:64].mean()) for sigma in (1, 9))
    assert narrow - wide > 0.1


def test_what_survives_the_blur_is_cheap_unless_the_place_is_nearly_black() -> None:
    def share(level: float) -> float:
        charged = le.price(le.ssim_loss, level=level, amplitude=1e-3, frequencies=[0.5])
        return charged.uniform / float(charged.values[0])

    assert share(0.1) == pytest.approx(1 / 20, rel=0.15)
    assert share(0.02) == pytest.approx(1, rel=0.02)
    assert share(0.75) < 1e-3 and share(0.9) < share(0.75)


def test_channels_that_swing_through_zero_end_farther_away_but_for_one() -> None:
    ends = []
    for run in load("runaway-cpu").runs:
        if (run["task"], run["arm"]) == ("wide", "ssim_1") and run["ran_away"]:
            for channel in range(3):
                gains = {step: seen["gain"][channel] for step, seen in run["watched"]}
                steps = sorted(gains)
                crossings = [step for before, step in itertools.pairwise(steps) if gains[before] * gains[step] < 0]
                swings = [step for step in crossings if step > 30]
                if swings:
                    assert min(swings) >= 150 and max(swings) <= 500
                    before = max(abs(gain) for step, gain in gains.items() if step < min(swings))
                    ends.append(abs(gains[steps[-1]]) / before)
    assert len(ends) == 6 and sum(end > 1.5 for end in ends) == 5 and min(ends) > 0.8


def test_far_above_the_truth_the_pull_falls_to_about_a_fiftieth() -> None:
    y = data.crop(data.photograph("coffee", gray=True), 100, 200, 96)
    norms = [float(le.ssim_grad(y + offset, y).norm()) for offset in torch.logspace(-2, 1, 31)]
    assert 40 < max(norms) / norms[-1] < 55


def sold(row: Tensor, sigma: float) -> Tensor:
    """The picture that a pattern buys for the budget."""
    wave, amplitude = row.double().expand(1, 1, 128, 128), 0.01
    for _ in range(8):
        charged = float(le.ssim_loss(GROUND.double() + amplitude * wave, GROUND.double(), sigma=sigma))
        amplitude *= math.sqrt(0.01 / charged)
    return GROUND.double() + amplitude * wave


def test_with_a_wide_window_a_sine_earns_a_little_more_than_half_a_wave_and_a_cosine_fails() -> None:
    place = (torch.arange(128, dtype=torch.float64) + 0.5) / 128
    half = check.splotch(ch03.sell_splotch(sigma=9), sigma=9)
    (paid,) = [float(note.split()[2]) for note in half.notes if note.startswith("You paid")]
    assert half.passed and paid > 3 * flat_price(1 / 256, 9)
    sine = check.splotch(sold(torch.sin(2 * math.pi * place), 9), sigma=9)
    (pays,) = [float(note.split()[2]) for note in sine.notes if note.startswith("You paid")]
    assert sine.passed and pays == pytest.approx(flat_price(1 / 128, 9), rel=0.03) and 0.9 < pays / paid < 1
    (failure,) = check.splotch(sold(torch.cos(2 * math.pi * place), 9), sigma=9).failures
    assert "few windows look" in failure.hint and "Shift its phase" in failure.hint
    whole, structure = flat_price(1 / 256, 9), (flat_price(1 / 256, 9) - flat_price(0, 9)) * 9e-4
    assert structure == pytest.approx(1 / 20, rel=0.1) and structure / 9e-4 > 0.9 * whole
    assert flat_price(1 / 256, 1.5) < 2 * flat_price(0, 1.5)


def test_the_pictures_of_one_psnr_that_need_no_gradient() -> None:
    y = data.crop(data.photograph("astronaut", gray=True), 90, 170, 96)
    radius = 10 ** (-25 / 20)
    worst, walked = ch03.walk(y, +1), float(le.ssim(ch03.walk(y, -1), y))
    assert check.equal_psnr((y + radius).clamp(0, 1), worst, y).passed
    names = [item.name for item in check.equal_psnr((y - radius).clamp(0, 1), worst, y).failures]
    assert names == ["best: PSNR"]
    assert check.equal_psnr(ch03.on_sphere(y - radius, y, radius), worst, y).passed
    times = ch03.on_sphere(1.1 * y, y, radius)
    assert check.equal_psnr(times, worst, y).passed and float(le.ssim(times, y)) > walked


def test_one_centre_is_enough_for_one_level_and_not_for_two() -> None:
    noise = 1e-3 * torch.randn(1, 1, 48, 48, generator=torch.Generator().manual_seed(0))
    taps = (gaussian_window(1.5, 11) * 2**16).round()
    taps[5] += 2**16 - taps.sum()
    window = (taps / 2**16).float()
    levels = torch.full_like(noise, 0.05)
    levels[..., 24:] = 0.95
    patches = torch.nn.functional.unfold(levels + noise, 11)
    weights = torch.outer(window, window).flatten()[:, None]
    mean = (weights * patches).sum(1, keepdim=True)
    first_form = (weights * (patches - mean) ** 2).sum(1).reshape(1, 1, 38, 38)
    exact = (levels + noise).double()
    right = correlate((exact - 0.5) ** 2, window.double()) - correlate(exact - 0.5, window.double()) ** 2

    def off(found: Tensor) -> float:
        return float((found / right - 1).abs().max())

    assert off(ch03.stable_variance(levels + noise, window)) > 0.05 and off(first_form) < 1e-5


def test_the_wrong_range_makes_a_shift_dearer_than_grain_and_torch_refuses_a_small_picture() -> None:
    charged = le.price(partial(le.ssim_loss, data_range=255.0), amplitude=1e-3, frequencies=[0.5])
    assert charged.uniform > 5 * float(charged.values[0])
    with pytest.raises(RuntimeError, match="Kernel size can't be greater"):
        torch.nn.functional.conv2d(torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 11, 11))
