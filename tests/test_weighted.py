"""The weighted sum: its value, its terms, and the modules in it."""

from __future__ import annotations

import math

import pytest
import torch
from pictures import batch
from torch import Tensor, nn

import lossedu as le


class Scaled(nn.Module):
    """A loss with a parameter and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(2.0))
        self.register_buffer("offset", torch.tensor(1.0))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.gain * (x - y).square().mean()


def test_total_is_the_weighted_sum_of_the_terms() -> None:
    x, y = batch(2, 3, 14)
    loss = le.WeightedLoss({"mse": (0.5, le.mse_loss), "ssim": (2, le.ssim_loss), "off": (0, le.l1_loss)})
    terms = loss.terms(x, y)
    assert list(terms) == ["mse", "ssim", "off"]
    assert terms["mse"].item() == le.mse_loss(x, y).item()  # before its weight
    assert terms["off"].item() == le.l1_loss(x, y).item()
    assert loss.weights == {"mse": 0.5, "ssim": 2.0, "off": 0.0}
    assert loss(x, y).item() == pytest.approx(0.5 * le.mse_loss(x, y).item() + 2 * le.ssim_loss(x, y).item(), rel=1e-14)


def test_gradient_is_the_weighted_sum_of_gradients() -> None:
    x, y = batch(1, 3, 14)
    x.requires_grad_()
    loss = le.WeightedLoss({"mse": (0.3, le.MSELoss()), "ssim": (0.7, le.SSIMLoss(sigma=0.8))})
    (found,) = torch.autograd.grad(loss(x, y), x)
    expected = 0.3 * 2 * (x - y).detach() / x.numel() + 0.7 * le.ssim_grad(x, y, sigma=0.8)
    torch.testing.assert_close(found, expected)


def test_modules_among_the_terms_are_registered() -> None:
    scaled = Scaled()
    loss = le.WeightedLoss({"a": (1.0, scaled), "b": (1.0, le.mse_loss), "c": (1.0, le.SSIMLoss())})
    assert list(loss.parameters()) == [scaled.gain]
    assert [buffer.item() for buffer in loss.buffers()] == [1.0]
    loss.to(torch.float64)
    assert scaled.gain.dtype == scaled.offset.dtype == torch.float64
    x, y = batch(1, 1, 14)
    loss(x, y).backward()
    assert scaled.gain.grad is not None


def test_reductions_other_than_the_mean_pass_through() -> None:
    x, y = batch(3, 1, 14)
    none = le.WeightedLoss({"mse": (1.0, le.MSELoss(reduction="none")), "ssim": (1.0, le.SSIMLoss(reduction="none"))})
    torch.testing.assert_close(none(x, y), le.mse_loss(x, y, reduction="none") + le.ssim_loss(x, y, reduction="none"))


def test_one_term_and_nested_sums() -> None:
    x, y = batch(1, 1, 14)
    inner = le.WeightedLoss({"mse": (3.0, le.mse_loss)})
    outer = le.WeightedLoss({"inner": (2.0, inner), "l1": (1, le.l1_loss)})
    assert outer(x, y).item() == pytest.approx(6 * le.mse_loss(x, y).item() + le.l1_loss(x, y).item())


def test_replicas_use_their_own_modules() -> None:
    """What DataParallel and `.to(device)` exchange in the list of modules is what is called."""
    loss = le.WeightedLoss({"mse": (1.0, le.mse_loss), "ssim": (2.0, le.SSIMLoss())})
    x, y = batch(1, 1, 16)
    loss.registered[0] = le.L1Loss()
    assert loss(x, y).item() == pytest.approx((le.mse_loss(x, y) + 2 * le.l1_loss(x, y)).item(), rel=1e-12)
    assert list(loss.terms(x, y)) == ["mse", "ssim"]


def test_a_weight_of_zero_switches_a_term_off() -> None:
    x, y = batch(1, 1, 16)
    loss = le.WeightedLoss({"mse": (1.0, le.mse_loss), "bad": (0.0, lambda a, b: a.sum() * math.nan)})
    assert loss(x, y).item() == le.mse_loss(x, y).item()
    assert math.isnan(loss.terms(x, y)["bad"].item())
    with pytest.raises(ValueError, match="at least one weight above 0"):
        le.WeightedLoss({"mse": (0.0, le.mse_loss)})
    with pytest.raises(TypeError, match="pair"):
        le.WeightedLoss({"mse": (True, le.mse_loss)})
