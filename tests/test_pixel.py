"""Mean square error, mean absolute error, Charbonnier: values, gradients, and what happens at 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import oracles
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import batch
from torch import Tensor, nn

import lossedu as le

Loss = Callable[..., Tensor]

LOSSES: dict[str, Loss] = {"mse": le.mse_loss, "l1": le.l1_loss, "charbonnier": le.charbonnier_loss}
TWINS = {"mse": le.MSELoss, "l1": le.L1Loss, "charbonnier": le.CharbonnierLoss}
every_loss = pytest.mark.parametrize("name", LOSSES)


@every_loss
def test_value_is_the_mean_over_each_image(name: str) -> None:
    x, y = batch(3, 2, (9, 7))
    expected = oracles.pixel_mean(x, y, name)
    loss = LOSSES[name]
    assert loss(x, y, reduction="none").tolist() == pytest.approx(expected, rel=1e-12)
    assert loss(x, y, reduction="sum").item() == pytest.approx(sum(expected), rel=1e-12)
    assert loss(x, y).item() == pytest.approx(sum(expected) / 3, rel=1e-12)
    assert TWINS[name]()(x, y).item() == loss(x, y).item()
    assert TWINS[name](reduction="sum")(x, y).item() == loss(x, y, reduction="sum").item()


@pytest.mark.parametrize("name", ["mse", "l1"])
def test_agrees_with_torch(name: str) -> None:
    x, y = batch(2, 3, 12)
    x = x.requires_grad_()
    ours, theirs = LOSSES[name](x, y), {"mse": F.mse_loss, "l1": F.l1_loss}[name](x, y)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-14)
    torch.testing.assert_close(torch.autograd.grad(ours, x)[0], torch.autograd.grad(theirs, x)[0], rtol=1e-12, atol=0)


def test_gradients_as_stated() -> None:
    """2 (x - y) / N and sign(x - y) / N, with N pixels x channels x images."""
    x, y = batch(2, 3, (5, 6))
    x, y = x.requires_grad_(), y.requires_grad_()
    error, n = (x - y).detach(), x.numel()
    for loss, expected in ((le.mse_loss, 2 * error / n), (le.l1_loss, error.sign() / n)):
        found = torch.autograd.grad(loss(x, y), (x, y))
        torch.testing.assert_close(found[0], expected, rtol=1e-12, atol=0)
        torch.testing.assert_close(found[1], -expected, rtol=1e-12, atol=0)


@every_loss
def test_gradients_by_finite_differences(name: str) -> None:
    x, y = (z.requires_grad_() for z in batch(2, 2, (3, 4)))
    assert torch.autograd.gradcheck(lambda a, b: LOSSES[name](a, b, reduction="none"), (x, y), eps=1e-7)
    if name == "charbonnier":  # at its default eps its curvature changes within a thousandth
        assert torch.autograd.gradgradcheck(lambda a, b: le.charbonnier_loss(a, b, eps=0.1), (x, y))


@pytest.mark.parametrize("eps", [1e-3, 0.05])
def test_charbonnier_is_quadratic_near_and_linear_far(eps: float) -> None:
    y = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    near, far = y + 1e-3 * eps, y + 1e4 * eps
    assert le.charbonnier_loss(near, y, eps=eps).item() == pytest.approx((1e-3 * eps) ** 2 / (2 * eps), rel=1e-5)
    assert le.charbonnier_loss(far, y, eps=eps).item() == pytest.approx(1e4 * eps - eps, rel=1e-8)
    # float32 keeps its digits near 0, where sqrt(e^2 + eps^2) - eps has none left
    tiny = torch.full((1, 1, 1, 1), 1e-4 * eps)
    assert le.charbonnier_loss(tiny, tiny * 0, eps=eps).item() == pytest.approx(1e-8 * eps / 2, rel=1e-4)
    assert le.CharbonnierLoss(eps=eps)(far, y).item() == le.charbonnier_loss(far, y, eps=eps).item()


@every_loss
@pytest.mark.parametrize(
    "dtypes", [(torch.bfloat16, torch.float32), (torch.float16, torch.float16), (torch.float32, torch.float64)]
)
def test_mixed_dtypes_promote(name: str, dtypes: tuple[torch.dtype, torch.dtype]) -> None:
    x, y = (z.to(dtype) for z, dtype in zip(batch(2, 3, 8), dtypes, strict=True))
    x = x.requires_grad_()
    loss = LOSSES[name](x, y)
    assert loss.dtype == (torch.float64 if torch.float64 in dtypes else torch.float32)
    assert loss.item() == pytest.approx(LOSSES[name](x.double(), y.double()).item(), rel=1e-5)
    loss.backward()
    assert x.grad is not None
    assert x.grad.dtype == dtypes[0]


@every_loss
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 5, 1, 7), (2, 3, 7, 1)])
def test_smallest_sizes(name: str, shape: tuple[int, ...]) -> None:
    x = torch.rand(shape)
    assert LOSSES[name](x, x.clone()).item() == 0
    assert LOSSES[name](x, x + 0.5, reduction="none").shape == shape[:1]


@every_loss
@settings(max_examples=25)
@given(shift=st.floats(-2, 2), scale=st.floats(0.1, 10), seed=st.integers(0, 99))
def test_properties(name: str, shift: float, scale: float, seed: int) -> None:
    loss = LOSSES[name]
    x, y = batch(2, 3, 6, seed)
    value = loss(x, y)
    assert value > 0
    assert loss(y, x) == value
    assert loss(y, y) == 0
    assert loss(x + shift, y + shift).item() == pytest.approx(
        value.item(), rel=1e-9
    )  # the difference is all that counts
    assert loss(x.flip(-1).mT, y.flip(-1).mT).item() == pytest.approx(value.item(), rel=1e-12)
    farther = loss(y + scale * (x - y), y)
    assert (farther >= value) == (scale >= 1)


@every_loss
def test_work_in_torch_func(name: str) -> None:
    x, y = batch(3, 2, 6)
    per_image = torch.func.vmap(lambda a, b: LOSSES[name](a[None], b[None]))(x, y)
    torch.testing.assert_close(per_image, LOSSES[name](x, y, reduction="none"))
    leaf = x.clone().requires_grad_()
    expected = torch.autograd.grad(LOSSES[name](leaf, y), leaf)[0]
    torch.testing.assert_close(torch.func.grad(LOSSES[name])(x, y), expected)


def test_twins_have_no_state() -> None:
    for twin in TWINS.values():
        module = twin()
        assert isinstance(module, nn.Module)
        assert not list(module.parameters())
        assert not module.state_dict()


def test_twins_show_their_options() -> None:
    assert repr(le.L1Loss(reduction="sum")) == "L1Loss(reduction='sum')"
    assert repr(le.MSELoss()) == "MSELoss(reduction='mean')"
    assert repr(le.CharbonnierLoss(eps=0.01)) == "CharbonnierLoss(eps=0.01, reduction='mean')"


@pytest.mark.parametrize("eps", [0, -1e-3, float("nan"), None])
def test_charbonnier_wants_an_eps_above_0(eps: Any) -> None:
    x = torch.zeros(1, 1, 2, 2)
    with pytest.raises(ValueError, match=r"^eps must be a"):
        le.charbonnier_loss(x, x, eps=eps)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch itself, where it looks up forward formulas
def test_forward_mode() -> None:
    x, y = batch(1, 1, 6)
    direction = torch.ones_like(x)
    for loss in (le.mse_loss, le.l1_loss, le.charbonnier_loss):
        slope = torch.func.jvp(lambda a, loss=loss: loss(a, y), (x,), (direction,))[1]
        torch.testing.assert_close(slope, (torch.func.grad(loss)(x, y) * direction).sum())
    hessian = torch.func.hessian(lambda a: le.charbonnier_loss(a, y))(x).view(36, 36)
    expected = torch.func.jacrev(torch.func.grad(lambda a: le.charbonnier_loss(a, y)))(x).view(36, 36)
    torch.testing.assert_close(hessian, expected)
