"""PSNR: per image, in decibels, infinite at equality and right near it."""

from __future__ import annotations

import math

import oracles
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import batch, photo
from skimage.metrics import peak_signal_noise_ratio

import lossedu as le
from lossedu.metrics import psnr


@pytest.mark.parametrize("data_range", [1.0, 255.0, 0.5])
def test_value_is_that_of_the_formula_and_of_scikit_image(data_range: float) -> None:
    x, y = batch(3, 2, (9, 11))
    expected = oracles.psnr(x, y, data_range)
    assert psnr(x, y, data_range=data_range, reduction="none").tolist() == pytest.approx(expected, rel=1e-12)
    assert psnr(x, y, data_range=data_range).item() == pytest.approx(sum(expected) / 3, rel=1e-12)
    assert psnr(x, y, data_range=data_range, reduction="sum").item() == pytest.approx(sum(expected), rel=1e-12)
    theirs = [peak_signal_noise_ratio(b.numpy(), a.numpy(), data_range=data_range) for a, b in zip(x, y, strict=True)]
    assert expected == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("decibels", [20, 60, 100, 120])
def test_relative_error_near_equality(decibels: int, dtype: torch.dtype) -> None:
    """Nothing is added inside the logarithm: 100 dB are 100 dB, not 80."""
    y = torch.zeros(1, 3, 8, 8, dtype=dtype)
    assert psnr(y + 10 ** (-decibels / 20), y).item() == pytest.approx(decibels, rel=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_equal_images(reduction: str) -> None:
    x, y = batch(3, 1, 8)
    x[1] = y[1]
    x.requires_grad_()
    values = psnr(x, y, reduction="none")
    assert values[1] == math.inf
    assert values[[0, 2]].isfinite().all()
    (grad,) = torch.autograd.grad(psnr(x, y, reduction=reduction).sum(), x)
    assert not grad[1].any()
    assert grad[[0, 2]].isfinite().all()
    assert grad[[0, 2]].any()


def test_gradient() -> None:
    x, y = batch(2, 2, (3, 4))
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda a: psnr(a, y, reduction="none"), (x,))
    (grad,) = torch.autograd.grad(psnr(x, y, reduction="sum"), x)
    error = (x - y).detach()
    expected = -20 / math.log(10) * error / error.square().sum(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(grad, expected)


def test_half_precision_is_computed_in_float32() -> None:
    y = photo(size=16).bfloat16()
    x = (y + 0.1).bfloat16()
    value = psnr(x, y)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(psnr(x.double(), y.double()).item(), rel=1e-6)


@settings(max_examples=25)
@given(st.floats(1e-3, 1e3), st.integers(0, 99))
def test_properties(factor: float, seed: int) -> None:
    x, y = batch(2, 3, 6, seed)
    value = psnr(x, y).item()
    assert psnr(y, x).item() == value
    assert psnr(factor * x, factor * y, data_range=factor).item() == pytest.approx(value, rel=1e-9, abs=1e-9)
    tenth = psnr(y + (x - y) / math.sqrt(10), y).item()
    assert tenth == pytest.approx(value + 10, abs=1e-9)  # a tenth of the error is 10 dB
    assert psnr(x.flip(0), y.flip(0), reduction="none").flip(0).tolist() == pytest.approx(
        (-10 * le.mse_loss(x, y, reduction="none").log10()).tolist()
    )
