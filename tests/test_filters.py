"""Windows and the blur: against the formula, scipy, and the definition of an adjoint."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import oracles
import pytest
import torch
from pictures import batch, photo
from scipy.ndimage import gaussian_filter
from torch import Tensor

import lossedu as le
from lossedu import filters
from lossedu.filters import windows

SHAPES = [(1, 1, 16, 16), (2, 3, 17, 24), (3, 2, 24, 13)]


def rand(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("sigma", "taps"), [(0.1, 1), (0.5, 5), (1.0, 9), (1.5, 11), (3.0, 23), (8.0, 57), (9.0, 65)])
def test_default_kernel_size_is_that_of_scikit_image(sigma: float, taps: int) -> None:
    assert filters.default_kernel_size(sigma) == taps == 2 * int(3.5 * sigma + 0.5) + 1
    assert filters.gaussian_window(sigma).shape == (taps,)


@pytest.mark.parametrize(("sigma", "taps"), [(0.3, 11), (1.5, None), (1.5, 7), (8.0, 31), (50.0, 3)])
def test_window_is_a_gaussian_of_sum_one(sigma: float, taps: int | None) -> None:
    window = filters.gaussian_window(sigma, taps)
    k = torch.arange(window.numel(), dtype=torch.float64) - window.numel() // 2
    torch.testing.assert_close(window / window.max(), torch.exp(-(k**2) / (2 * sigma**2)), rtol=1e-12, atol=1e-15)
    assert window.sum().item() == pytest.approx(1, abs=1e-15)
    assert torch.equal(window, window.flip(0))


def test_truncation_narrows_the_window() -> None:
    """31 taps cut a sigma of 8 down to 6.9: the kernel size is part of the definition."""
    window = filters.gaussian_window(8, 31)
    k = torch.arange(-15, 16, dtype=torch.float64)
    assert math.sqrt((window * k**2).sum()) == pytest.approx(6.93, abs=0.005)


def test_window_is_made_once_and_without_inference_mode() -> None:
    with torch.inference_mode():
        first = filters.gaussian_window(1.23, dtype=torch.float32)
    assert not first.is_inference()
    assert filters.gaussian_window(1.23, dtype=torch.float32) is first
    assert filters.gaussian_window(1.23, 5, dtype=torch.float32) is not first


@pytest.mark.parametrize("shape", SHAPES)
def test_fold_and_unfold_are_inverse(shape: tuple[int, ...]) -> None:
    x = rand(*shape)
    folded = filters.fold(x)
    assert folded.shape == (1, shape[0] * shape[1], *shape[2:])
    assert folded.permute(0, 2, 3, 1).is_contiguous()
    assert torch.equal(filters.unfold(folded, shape[0]), x)
    assert filters.unfold(folded, shape[0]).is_contiguous()


@pytest.mark.parametrize("sigma", [0.8, 1.5])
def test_blur_is_the_weighted_sum(sigma: float) -> None:
    x, _ = batch(2, 3, (15, 13))
    torch.testing.assert_close(
        le.gaussian_blur(x, sigma, padding="valid"), oracles.gaussian_blur(x, sigma), rtol=1e-12, atol=1e-14
    )
    torch.testing.assert_close(
        le.gaussian_blur(x, sigma, kernel_size=7, padding="valid"),
        oracles.gaussian_blur(x, sigma, 7),
        rtol=1e-12,
        atol=1e-14,
    )


@pytest.mark.parametrize("sigma", [0.7, 1.5, 4.0])
@pytest.mark.parametrize(("padding", "mode"), [("reflect", "mirror"), ("zeros", "constant")])
def test_blur_agrees_with_scipy(sigma: float, padding: str, mode: str) -> None:
    x, _ = batch(2, 3, (31, 40))
    expected = gaussian_filter(x.numpy(), (0, 0, sigma, sigma), mode=mode, truncate=3.5)
    np.testing.assert_allclose(le.gaussian_blur(x, sigma, padding=padding).numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_precision_is_blurred_in_float32(dtype: torch.dtype) -> None:
    x = photo(size=20).to(dtype)
    found = le.gaussian_blur(x, 1.5)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), le.gaussian_blur(x.double(), 1.5), rtol=0, atol=2e-7)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("taps", [1, 5, 11])
def test_correlation_and_its_adjoint(shape: tuple[int, ...], taps: int) -> None:
    """<Gx, u> = <x, G'u>, for windows that fit."""
    window = filters.gaussian_window(1.5, taps)
    x = filters.fold(rand(*shape))
    gx = filters.correlate(x, window)
    u = filters.fold(rand(*gx.shape, seed=1))
    adjoint = filters.correlate_adjoint(u, window)
    assert adjoint.shape == x.shape
    assert (gx * u).sum().item() == pytest.approx((x * adjoint).sum().item(), rel=1e-12)
    if taps > 1:  # the blur is not its own adjoint: sizes differ, and so do the numbers near the border
        assert gx.shape != adjoint.shape


@pytest.mark.parametrize("padding", ["valid", "reflect", "zeros"])
def test_gradient_of_the_blur_is_its_adjoint(padding: str) -> None:
    x = rand(2, 2, 14, 13).requires_grad_()
    blurred = le.gaussian_blur(x, 1.5, padding=padding)
    u = rand(*blurred.shape, seed=1)
    (adjoint,) = torch.autograd.grad(blurred, x, u)
    assert (blurred * u).sum().item() == pytest.approx((x * adjoint).sum().item(), rel=1e-12)


@pytest.mark.parametrize("radius", [0, 1, 4])
def test_reflection_and_its_adjoint(radius: int) -> None:
    x = rand(2, 2, 7, 9)
    padded = filters.reflect(x, radius)
    torch.testing.assert_close(padded[1, 1], oracles.mirror(x[1, 1], radius))
    u = rand(*padded.shape, seed=1)
    adjoint = filters.reflect_adjoint(u, radius)
    assert (padded * u).sum().item() == pytest.approx((x * adjoint).sum().item(), rel=1e-12)


@pytest.mark.parametrize("padding", ["valid", "reflect", "zeros"])
def test_derivatives_of_any_order(padding: str) -> None:
    x = rand(1, 2, 8, 7).requires_grad_()

    def squared(z: Tensor) -> Tensor:
        return le.gaussian_blur(z, 0.8, padding=padding).square().sum()

    assert torch.autograd.gradcheck(squared, (x,))
    assert torch.autograd.gradgradcheck(squared, (x,))


def test_blur_keeps_a_constant_and_the_mean_over_a_period() -> None:
    flat = torch.full((1, 3, 20, 20), 0.3, dtype=torch.float64)
    torch.testing.assert_close(le.gaussian_blur(flat, 2.0), flat, rtol=1e-14, atol=0)
    assert le.gaussian_blur(flat, 2.0, padding="zeros")[0, 0, 0, 0].item() == pytest.approx(0.3 * 0.36, abs=0.02)


def test_blur_of_a_wave_is_the_wave_times_the_response() -> None:
    frequency, taps = 0.1, filters.gaussian_window(1.5)
    wave = (2 * math.pi * frequency * torch.arange(60, dtype=torch.float64)).cos().expand(1, 1, 60, 60)
    k = torch.arange(-5, 6, dtype=torch.float64)
    response = (taps * (2 * math.pi * frequency * k).cos()).sum()
    blurred = le.gaussian_blur(wave, 1.5, padding="valid")
    torch.testing.assert_close(blurred, response * wave[..., 5:-5, 5:-5], rtol=1e-12, atol=1e-14)


def test_blur_under_autocast_and_vmap() -> None:
    x = photo(size=20).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = le.gaussian_blur(x, 1.5)
    assert torch.equal(under, le.gaussian_blur(x, 1.5))
    stack = torch.stack([x, 1 - x])
    found = torch.func.vmap(lambda z: le.gaussian_blur(z, 1.5))(stack)
    torch.testing.assert_close(found, torch.stack([le.gaussian_blur(z, 1.5) for z in stack]))


def test_windows_that_are_kept_are_few() -> None:
    for number in range(2 * windows.KEPT):
        last = filters.gaussian_window(1 + number / 1000, 5)
    assert len(windows._windows) == windows.KEPT == 128
    assert filters.gaussian_window(1 + number / 1000, 5) is last


@pytest.mark.parametrize("sigma", [1e-200, 5e-324])
def test_a_tiny_sigma_is_a_delta(sigma: float) -> None:
    assert filters.gaussian_window(sigma, 3).tolist() == [0, 1, 0]
    x = rand(1, 1, 8, 8)
    assert torch.equal(le.gaussian_blur(x, sigma, kernel_size=5), x)


def test_a_huge_sigma_is_refused_before_its_window_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "_taps", None)
    x = rand(1, 1, 32, 32)
    for call in (le.gaussian_blur, lambda x, sigma: le.ssim_loss(x, x, sigma=sigma)):
        with pytest.raises(ValueError, match=r"x is too small: .* window of 4901 pixels"):
            call(x, 700.0)
    with pytest.raises(ValueError, match="must give a window of at most 65537 taps, got sigma=1e\\+300"):
        le.gaussian_blur(x, 1e300, padding="zeros")
    with pytest.raises(ValueError, match="at most 65537 taps, got kernel_size=65539"):
        filters.gaussian_window(1.0, 65539)
    assert filters.window_size(1.0, 65537) == 65537


@pytest.mark.parametrize(
    ("sigma", "taps", "words"),
    [
        (0.0, None, "sigma must be"),
        (None, 3, "sigma must be"),
        (1.0, 4, "kernel_size must be"),
        (1.0, -1, "kernel_size"),
    ],
)
def test_windows_that_are_none(sigma: Any, taps: Any, words: str) -> None:
    for make in (filters.window_size, filters.gaussian_window):
        with pytest.raises(ValueError, match=rf"^{words}"):
            make(sigma, taps)


@pytest.mark.parametrize(
    ("x", "options", "error", "words"),
    [
        (None, {}, TypeError, r"^x must be a torch\.Tensor"),
        (torch.zeros(8, 8), {}, ValueError, r"^x must have shape \(N, C, H, W\), got \(8, 8\)"),
        (torch.zeros(1, 1, 8, 8).byte(), {}, TypeError, "^x must have a floating dtype"),
        (torch.zeros(1, 1, 8, 8), {"padding": "same"}, ValueError, "^padding must be one of 'reflect', 'valid', 'zer"),
        (torch.zeros(1, 1, 8, 8), {"padding": "valid"}, ValueError, "^x is too small: height and width must be at lea"),
        (torch.zeros(1, 1, 5, 8), {}, ValueError, "^x is too small: height and width must be at least 6 for a windo"),
    ],
)
def test_pictures_that_cannot_be_blurred(x: Any, options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        le.gaussian_blur(x, 1.5, **options)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.int64])
def test_half_precision_holds_no_window(dtype: torch.dtype) -> None:
    words = rf"^dtype must be torch\.float32 or torch\.float64, got {dtype}"
    for make in (filters.gaussian_window, lambda sigma, dtype: filters.color_window("dped", dtype=dtype)):
        with pytest.raises(ValueError, match=words):
            make(1.5, dtype=dtype)


def test_windows_are_where_they_are_asked_for() -> None:
    assert filters.gaussian_window(1.5, device="meta").device.type == "meta"
    for preset in ("wespe", "dped", "std3"):
        assert filters.color_window(preset, device="meta").device.type == "meta"
        assert filters.color_window(preset).device.type == "cpu"


@pytest.mark.parametrize(
    ("module", "name", "blur"),
    [("blur", "gaussian_window", le.gaussian_blur), ("color", "color_window", le.color_blur)],
)
def test_a_blur_asks_for_a_window_where_and_as_precise_as_the_images_are(
    module: str, name: str, blur: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one device there is nothing else to see: a window on the CPU would fail only on a GPU."""
    home = importlib.import_module(f"lossedu.filters.{module}")
    make, asked = getattr(home, name), []

    def spy(*arguments: Any, **options: Any) -> Tensor:
        asked.append(options)
        return make(*arguments, **options)

    monkeypatch.setattr(home, name, spy)
    for dtype in (torch.float32, torch.float64):
        x = torch.rand(1, 1, 24, 24, dtype=dtype)
        blur(x, **({"sigma": 1.5} if module == "blur" else {}))
        assert asked.pop() == {"dtype": dtype, "device": x.device}
