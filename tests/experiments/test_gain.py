"""Contrast and level of an output, and how a loss pulls on them near the truth and far away."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable

import pytest
import torch
from pictures import noisy, photo
from torch import Tensor

from lossedu import l1_loss, mse_loss, ssim_loss
from lossedu.experiments.gain import loss_pull, offset, output_gain, pull_profile

GAINS = [-2.0, 0.0, 0.5, 1.0, 3.0]
OFFSETS = [-4.0, -0.2, 0.0, 0.3, 10.0]


@functools.cache
def patches() -> Tensor:
    """Four pieces of photographs, 31 x 31 as in the paper: (4, 3, 31, 31)."""
    places = (("chelsea", 110, 150), ("coffee", 150, 280), ("astronaut", 60, 200), ("rocket", 120, 300))
    return torch.cat([photo(name, 31, top=top, left=left) for name, top, left in places])


def ssim_k(sigma: float) -> Callable[[Tensor, Tensor], Tensor]:
    """SSIM as the networks of the paper are trained with it: a window as large as the patch."""
    return functools.partial(ssim_loss, sigma=sigma, kernel_size=31, padding="reflect")


def at(gain: float, shift: float, clean: Tensor) -> Tensor:
    mean = clean.mean(dim=(2, 3), keepdim=True)
    return mean + gain * (clean - mean) + shift


@pytest.mark.parametrize("gain", GAINS)
@pytest.mark.parametrize("shift", [-4.0, 0.0, 0.3])
def test_gain_and_offset_are_read_back(gain: float, shift: float) -> None:
    output = at(gain, shift, patches())
    assert output_gain(output, patches()) == pytest.approx(gain, abs=1e-12)
    assert offset(output, patches()) == pytest.approx(shift, abs=1e-12)


def test_gain_is_about_the_mean_of_each_channel_and_deaf_to_noise() -> None:
    y = patches()
    level = torch.arange(12.0, dtype=torch.float64).view(4, 3, 1, 1)
    assert output_gain(y + level, y) == pytest.approx(1, abs=1e-12)
    assert offset(y + level, y) == pytest.approx(5.5)
    assert output_gain(noisy(y, 0.1), y) == pytest.approx(1, abs=0.05)
    assert output_gain(noisy(torch.zeros_like(y), 0.1), y) == pytest.approx(0, abs=0.05)
    assert output_gain(-y, y) == pytest.approx(-1)
    flat = torch.full_like(y, 0.5)
    assert math.isnan(output_gain(y, flat))
    assert output_gain(flat, y) == 0


def test_pull_of_l1_and_l2_in_closed_form() -> None:
    y = patches()
    x = noisy(y, 0.1)
    assert loss_pull(mse_loss, x, y) == pytest.approx(2 * (x - y).square().mean().sqrt().item())
    assert loss_pull(l1_loss, x, y) == pytest.approx(1)
    assert loss_pull(lambda a, b: 3 * l1_loss(a, b), x, y) == pytest.approx(3)
    wide = [t.repeat(1, 1, 2, 3) for t in (x, y)]
    assert loss_pull(mse_loss, *wide) == pytest.approx(loss_pull(mse_loss, x, y))  # whatever the size
    assert loss_pull(lambda a, b: b.mean(), x, y) == 0  # a loss that does not see the output
    with torch.no_grad():
        assert loss_pull(l1_loss, x, y) == pytest.approx(1)
    with torch.inference_mode():
        assert loss_pull(l1_loss, x.clone(), y.clone()) == pytest.approx(1)
    assert not x.requires_grad


def test_profile_of_l2_in_closed_form() -> None:
    y = patches()
    variance = (y - y.mean(dim=(2, 3), keepdim=True)).square().mean().item()
    found = pull_profile(mse_loss, y, GAINS, OFFSETS)
    assert (found["gains"], found["offsets"]) == (GAINS, OFFSETS)
    for i, g in enumerate(GAINS):
        for j, o in enumerate(OFFSETS):
            square = variance * (g - 1) ** 2 + o**2
            assert found["value"][i][j] == pytest.approx(square, rel=1e-12, abs=1e-15)
            assert found["pull"][i][j] == pytest.approx(2 * math.sqrt(square), abs=1e-12)
            assert found["restoring"][i][j] == pytest.approx(2 * math.sqrt(square), abs=1e-12)
            assert found["force_gain"][i][j] == pytest.approx(-2 * variance * (g - 1), abs=1e-12)
            assert found["force_offset"][i][j] == pytest.approx(-2 * o, abs=1e-12)


@pytest.mark.parametrize("loss", [mse_loss, l1_loss, ssim_k(1.5), ssim_k(9.0)])
def test_forces_are_the_slopes_of_the_value(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
    y, step = patches(), 1e-5
    found = pull_profile(loss, y, [-1.3, 0.4], [-0.7, 0.21])
    for i, g in enumerate([-1.3, 0.4]):
        for j, o in enumerate([-0.7, 0.21]):

            def value(gain: float, shift: float) -> float:
                return loss(at(gain, shift, y), y).item()

            by_gain = (value(g - step, o) - value(g + step, o)) / (2 * step)
            by_offset = (value(g, o - step) - value(g, o + step)) / (2 * step)
            assert found["force_gain"][i][j] == pytest.approx(by_gain, rel=1e-3, abs=1e-7)
            assert found["force_offset"][i][j] == pytest.approx(by_offset, rel=1e-3, abs=1e-7)
            assert abs(found["restoring"][i][j]) <= found["pull"][i][j] * (1 + 1e-12)
            error = at(g, o, y) - y
            along = (1 - g) * found["force_gain"][i][j] - o * found["force_offset"][i][j]
            assert found["restoring"][i][j] == pytest.approx(along / error.square().mean().sqrt().item())


@pytest.mark.parametrize("sigma", [1.0, 5.0, 9.0])
def test_the_pull_of_ssim_fades_with_the_offset(sigma: float) -> None:
    """l1 pulls alike from everywhere and l2 ever harder; SSIM lets go, as 1 / offset squared."""
    far = [1.0, 3.0, 10.0]
    (ssim,), (l1,), (l2,) = (pull_profile(f, patches(), [1], far)["pull"] for f in (ssim_k(sigma), l1_loss, mse_loss))
    assert l1 == pytest.approx([1, 1, 1])
    assert l2 == pytest.approx([2, 6, 20])
    assert ssim[1] < 0.3 * ssim[0] and ssim[2] < 0.15 * ssim[1]
    distant = pull_profile(ssim_k(sigma), patches(), [1], [100.0, 200.0])["pull"][0]
    assert distant[1] == pytest.approx(distant[0] / 4, rel=0.02)


@pytest.mark.parametrize("sigma", [1.0, 5.0, 9.0])
def test_below_the_negative_ssim_pushes_away(sigma: float) -> None:
    """Where the level is that of the negative or lower, the loss falls the farther the output goes."""
    found = pull_profile(ssim_k(sigma), patches(), [1], [-10.0, -3.0, -0.1, 0.1, 3.0])
    away = [force * o > 0 for force, o in zip(found["force_offset"][0], found["offsets"], strict=True)]
    assert away == [True, True, False, False, False]
    assert [r < 0 for r in found["restoring"][0]] == away
    for loss in (l1_loss, mse_loss):
        rest = pull_profile(loss, patches(), GAINS, OFFSETS)["restoring"]
        assert all(
            r > 0 or (g, o) == (1, 0)
            for g, row in zip(GAINS, rest, strict=True)
            for o, r in zip(OFFSETS, row, strict=True)
        )


def test_too_much_inverted_contrast_is_driven_on_by_a_wide_window() -> None:
    inverted = pull_profile(ssim_k(9.0), patches(), [-3.0], [0.0])["force_gain"][0][0]
    assert inverted < 0 < pull_profile(mse_loss, patches(), [-3.0], [0.0])["force_gain"][0][0]


def test_the_negative_passes_for_a_picture() -> None:
    """Both factors of SSIM are near -1 for -y: it scores better than a blank picture of the right level."""
    y = patches()
    blank = at(0.0, 0.0, y)
    for sigma in (5.0, 9.0):
        assert ssim_k(sigma)(-y, y) < 0.75 * ssim_k(sigma)(blank, y)
    assert mse_loss(-y, y) > 10 * mse_loss(blank, y)
    assert l1_loss(-y, y) > 5 * l1_loss(blank, y)


def test_at_the_truth_nothing_pulls() -> None:
    for loss in (mse_loss, l1_loss, ssim_k(1.5)):
        found = pull_profile(loss, patches(), [1], [0])
        for name in ("value", "pull", "force_gain", "force_offset", "restoring"):
            assert found[name] == [[pytest.approx(0, abs=1e-12)]]
        assert "-0.0" not in json.dumps(found, allow_nan=False)


def test_half_precision_is_computed_in_full() -> None:
    y = patches()
    found = pull_profile(mse_loss, y.float(), GAINS, OFFSETS)
    exact = pull_profile(mse_loss, y.float().double(), GAINS, OFFSETS)
    assert found == exact
    assert output_gain(y.half(), y.half()) == pytest.approx(1)


def test_bad_input_is_refused() -> None:
    y = patches()
    with pytest.raises(ValueError, match="x and y must have the same shape"):
        output_gain(y[:1], y)
    with pytest.raises(ValueError, match="x and y must have the same shape"):
        offset(y[:1], y)
    with pytest.raises(TypeError, match="loss must be a function"):
        loss_pull(1.0, y, y)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="loss must return a tensor with one number"):
        loss_pull(lambda a, b: (a - b).square(), y, y)
    for gains, offsets, name in (
        ([], [0.0], "gains"),
        ([1.0], [math.nan], "offsets"),
        (["a"], [0.0], "gains"),
        (1.0, [0.0], "gains"),
    ):
        with pytest.raises(ValueError, match=f"{name} must"):
            pull_profile(mse_loss, y, gains, offsets)  # type: ignore[arg-type]
