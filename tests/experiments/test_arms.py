"""The losses that are compared: each is what its name says, written out through the public functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from pictures import batch
from torch import Tensor

import lossedu as le
from lossedu.experiments import centre_or_map, convergence, jpeg_alignment, linear_or_display, runaway
from lossedu.experiments.arms import ALPHAS, LOSSES, OTHERS, PAPER, TABLE, l1_frequency, loss

X, Y = (z.float() for z in batch(4, 3, 31))
EVERY = {**LOSSES, **OTHERS}


def gaussian(sigma: float, side: int = 31) -> Tensor:
    """A window as large as the patch, whose weights sum to 1."""
    line = torch.exp(-((torch.arange(side, dtype=torch.float64) - side // 2) ** 2) / (2 * sigma**2))
    window = line[:, None] * line
    return window / window.sum()


def by_scale(sigma: float, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Both factors of SSIM at the centre of each patch, from moments under one window: (N, C) each."""
    w = gaussian(sigma)
    mx, my = (w * x).sum(dim=(2, 3)), (w * y).sum(dim=(2, 3))
    vx, vy = ((w * z * z).sum(dim=(2, 3)) - m * m for z, m in ((x, mx), (y, my)))
    vxy = (w * x * y).sum(dim=(2, 3)) - mx * my
    return (2 * mx * my + 1e-4) / (mx**2 + my**2 + 1e-4), (2 * vxy + 9e-4) / (vx + vy + 9e-4)


def ms_ssim_patch(x: Tensor, y: Tensor) -> Tensor:
    factors = [by_scale(sigma, x.double(), y.double()) for sigma in (0.5, 1, 2, 4, 8)]
    product = factors[-1][0]
    for _, contrast in factors:
        product = product * contrast
    return 1 - product.mean()


def weighted_l1(x: Tensor, y: Tensor) -> Tensor:
    return (gaussian(8.0) * (x - y).abs().double()).sum(dim=(2, 3)).mean()


def spectrum(x: Tensor, y: Tensor) -> Tensor:
    error = (x - y).double().numpy()
    found = np.fft.fft2(error)
    parts = np.stack([found.real, found.imag])
    return torch.tensor(np.abs(error).mean() + 0.1 * np.abs(parts).mean())


def centre(sigma: float) -> Callable[[Tensor, Tensor], Tensor]:
    def value(x: Tensor, y: Tensor) -> Tensor:
        light, contrast = by_scale(sigma, x.double(), y.double())
        return 1 - (light * contrast).mean()

    return value


def mirrored(sigma: float) -> Callable[[Tensor, Tensor], Tensor]:
    """SSIM whose window of 31 taps finds mirrored pixels outside the patch: that of a continued patch."""

    def value(x: Tensor, y: Tensor) -> Tensor:
        wide = [torch.nn.functional.pad(z.double(), [15] * 4, mode="reflect") for z in (x, y)]
        return le.ssim_loss(*wide, sigma=sigma, kernel_size=31, padding="valid")

    return value


def mix(alpha: float) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda x, y: alpha * ms_ssim_patch(x, y) + (1 - alpha) * weighted_l1(x, y)


WRITTEN: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l2": lambda x, y: ((x - y) ** 2).mean(),
    "l1": lambda x, y: (x - y).abs().mean(),
    "charbonnier": le.charbonnier_loss,
    "l1_frequency": spectrum,
    **{f"ssim_{sigma:g}": mirrored(sigma) for sigma in (1, 1.5, 3, 5, 9)},
    **{f"ssim_{sigma:g}_centre": centre(sigma) for sigma in (1.5, 5)},
    "ms_ssim": ms_ssim_patch,
    "ms_ssim_dense": lambda x, y: le.ms_ssim_sigma_loss(x, y, form="dense", padding="reflect"),
    "ms_ssim_pyramid": lambda x, y: le.ms_ssim_loss(
        x, y, weights=tuple(w / sum(le.WANG_2003[:3]) for w in le.WANG_2003[:3]), kernel_size=7
    ),
    **{name: mix(alpha) for name, alpha in ALPHAS.items() if name != "ms_ssim"},
}


def test_every_loss_is_looked_at_here() -> None:
    assert set(WRITTEN) == set(EVERY)
    assert not LOSSES.keys() & OTHERS.keys()


@pytest.mark.parametrize("name", EVERY)
def test_a_loss_is_what_its_name_says(name: str) -> None:
    value = loss(name)(X, Y)
    assert value.shape == ()
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(WRITTEN[name](X, Y).item(), rel=2e-5)
    assert value > 0.001
    assert loss(name) is EVERY[name]


@pytest.mark.parametrize("name", EVERY)
def test_it_is_0_at_the_truth_and_pulls_elsewhere(name: str) -> None:
    assert loss(name)(Y, Y).item() == pytest.approx(0, abs=1e-6)
    for start in (X, Y, torch.zeros_like(Y), torch.full_like(Y, 0.5), 1 - Y):
        x = start.clone().requires_grad_()
        (pull,) = torch.autograd.grad(loss(name)(x, Y), x)
        assert pull.isfinite().all()
        assert (pull.abs().max() > 1e-6) == (start is not Y)


@pytest.mark.parametrize("name", [name for name in EVERY if name.endswith("_centre")])
def test_at_the_centre_there_is_one_value_a_patch(name: str) -> None:
    sigma = float(name.split("_")[1])
    values = le.ssim_map(X, Y, sigma=sigma, kernel_size=31)
    assert values.shape[-2:] == (1, 1)
    assert loss(name)(X, Y).item() == pytest.approx(1 - values.mean().item(), rel=1e-5)
    # SSIM over the map knows more: what happens in a corner is outside most windows but not all.
    corner = Y.clone()
    corner[..., :2, :2] += 0.3
    narrow, whole = (loss(n)(corner, Y).item() for n in (name, name.removesuffix("_centre")))
    assert narrow < 0.1 * whole


def test_the_window_fills_the_patch() -> None:
    """In the patch forms every pixel counts, those of the corners least."""
    x = X.clone().requires_grad_()
    (pull,) = torch.autograd.grad(loss("mix_0")(x, Y), x)
    weight = pull.abs()[0, 0].double()
    torch.testing.assert_close(weight / weight.sum(), gaussian(8.0), rtol=1e-4, atol=1e-9)


def test_mix_lies_between_its_ends() -> None:
    l1, ms = loss("mix_0")(X, Y).item(), loss("ms_ssim")(X, Y).item()
    assert ms > 2 * l1
    for name, alpha in ALPHAS.items():
        assert loss(name)(X, Y).item() == pytest.approx(alpha * ms + (1 - alpha) * l1, rel=1e-5)
    assert list(ALPHAS.values()) == sorted(ALPHAS.values())
    assert ALPHAS["mix"] == le.MIX_ALPHA["paper"] and ALPHAS["mix_0.025"] == le.MIX_ALPHA["nvlabs"]


def test_weights_of_the_pyramid_sum_to_1() -> None:
    weights = LOSSES["ms_ssim_pyramid"].keywords["weights"]  # type: ignore[attr-defined]
    assert sum(weights) == pytest.approx(1)
    assert len(weights) == 3


def test_the_spectrum_of_white_errors_counts_with_the_side_of_the_patch() -> None:
    """Parseval: real and imaginary parts of the error's transform are 31 / sqrt 2 times as strong as the error."""
    error = torch.randn(8, 3, 31, 31, generator=torch.Generator().manual_seed(0))
    extra = l1_frequency(error, torch.zeros_like(error)) - error.abs().mean()
    assert (extra / error.abs().mean()).item() == pytest.approx(0.1 * 31 / 2**0.5, rel=0.02)
    wave = torch.cos(2 * torch.pi * 3 * torch.arange(31) / 31).expand(1, 3, 31, 31)
    # Two frequencies of 31² / 2 each, among 31² real and 31² imaginary parts
    assert l1_frequency(wave, 0 * wave) - wave.abs().mean() == pytest.approx(0.1 * 0.5, rel=1e-4)


def test_lists_of_arms() -> None:
    assert set(PAPER) <= set(TABLE) <= set(LOSSES)
    assert set(ALPHAS) <= set(LOSSES)
    assert {"charbonnier", "l1_frequency", "ms_ssim_pyramid", "ms_ssim_dense", "ssim_1.5"} <= set(TABLE)
    assert not {name for name in TABLE if name.startswith("mix_")}
    for names in (linear_or_display.ARMS, runaway.ARMS, convergence.ARMS, convergence.OTHER):
        assert set(names) <= set(EVERY)
    assert {name for name, *_ in centre_or_map.ARMS.values()} <= set(EVERY)
    assert {name for row in jpeg_alignment.ARMS.values() for name in row[:2]} <= set(EVERY)
    with pytest.raises(ValueError, match=r"loss must be one of 'l2', .*'ssim_5_centre', got 'l7'"):
        loss("l7")
