"""SSIM: value and gradient against the naive formula, its autograd, finite differences, and four other libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import oracles
import pytest
import pytorch_msssim
import torch
from kornia.metrics import ssim as kornia_ssim
from pictures import batch, noisy, photo
from skimage.metrics import structural_similarity
from torch import Tensor

import lossedu as le
from lossedu import filters
from lossedu.filters import gaussian_window
from lossedu.losses import dissimilarity

SHAPES = [(1, 1, (12, 15)), (2, 2, (13, 12)), (1, 3, (12, 12)), (1, 5, (11, 13))]
CASES = [
    *[(n, c, size, options) for n, c, size in SHAPES for options in ({}, {"padding": "reflect"})],
    (2, 2, (9, 8), {"sigma": 0.8}),
    (2, 2, (9, 11), {"sigma": 2.0, "kernel_size": 7}),
    (2, 2, (12, 13), {"data_range": 2.0, "k1": 0.02, "k2": 0.05}),
    (2, 2, (12, 13), {"padding": "reflect", "sigma": 2.0}),
]


@pytest.fixture
def tiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make strips of everything: pictures of these tests are too small for them otherwise."""
    monkeypatch.setattr(dissimilarity, "TILE", 100)
    monkeypatch.setattr(dissimilarity, "LOWEST", 1)


def gradients(loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    return torch.autograd.grad(loss(x, y), (x, y))


@pytest.mark.parametrize(("n", "c", "size", "options"), CASES, ids=str)
def test_value_and_gradient_equal_the_naive_formula(
    n: int, c: int, size: tuple[int, int], options: dict[str, Any]
) -> None:
    x, y = batch(n, c, size)
    expected = oracles.ssim_loss(x, y, **options)
    assert le.ssim_loss(x, y, reduction="none", **options).tolist() == pytest.approx(expected.tolist(), rel=1e-10)
    assert le.ssim(x, y, reduction="none", **options).tolist() == pytest.approx((1 - expected).tolist(), rel=1e-10)
    torch.testing.assert_close(le.ssim_map(x, y, **options), oracles.ssim_map(x, y, **options), rtol=1e-10, atol=1e-10)

    naive = gradients(lambda a, b: oracles.ssim_loss(a, b, **options).mean(), x, y)
    found = gradients(lambda a, b: le.ssim_loss(a, b, **options), x, y)
    of_map = gradients(lambda a, b: 1 - le.ssim_map(a, b, **options).mean(), x, y)
    for ours, by_map, theirs in zip(found, of_map, naive, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(by_map, theirs, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(le.ssim_grad(x, y, **options), naive[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["chelsea", "coffee", "rocket"])
@pytest.mark.parametrize("deviation", [0.3, 0.03, 0.003, 0.0003])
def test_float32_bound(name: str, deviation: float) -> None:
    """Value within 2e-6 of float64, gradient within 5e-5 of its largest component, however near the truth.

    The bound of the gradient is that of the variance of x + y: a difference of numbers up to 1, each rounded by 6e-8,
    against 2 C2 = 0.0018.
    """
    y = photo(name, 64).float()
    x = noisy(y, deviation)
    exact = le.ssim_loss(x.double(), y.double()).item()
    assert le.ssim_loss(x, y).item() == pytest.approx(exact, rel=2e-6)
    exact_gradients = gradients(le.ssim_loss, x.double(), y.double())
    for ours, theirs in zip(gradients(le.ssim_loss, x, y), exact_gradients, strict=True):
        assert (ours.double() - theirs).abs().max() <= 5e-5 * theirs.abs().max()


@pytest.mark.parametrize("padding", ["valid", "reflect"])
def test_gradient_by_finite_differences(padding: str) -> None:
    x, y = (z.requires_grad_() for z in batch(2, 1, (8, 7)))

    def loss(a: Tensor, b: Tensor) -> Tensor:
        return le.ssim_loss(a, b, sigma=0.8, padding=padding, reduction="none")

    assert torch.autograd.gradcheck(loss, (x, y))
    assert torch.autograd.gradgradcheck(loss, (x, y))


def test_map_by_finite_differences() -> None:
    x, y = (z.requires_grad_() for z in batch(1, 1, (6, 5)))
    options: dict[str, Any] = {"sigma": 0.8, "kernel_size": 3}
    assert torch.autograd.gradcheck(lambda a, b: le.ssim_map(a, b, **options), (x, y))
    assert torch.autograd.gradgradcheck(lambda a, b: le.ssim_map(a, b, **options), (x, y))


@pytest.mark.usefixtures("tiled")
@pytest.mark.parametrize(("n", "c", "size"), [(1, 1, (80, 12)), (3, 2, (75, 13)), (5, 3, (61, 11)), (2, 13, (60, 12))])
def test_strips_change_nothing(n: int, c: int, size: tuple[int, int]) -> None:
    y = torch.rand(n, c, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = noisy(y, 0.2)
    strips = [strip for group, _ in dissimilarity._tiles(x.shape, 11) for strip in group]
    assert len(set(strips)) == len(strips) > n
    found = le.ssim_loss(x, y, reduction="none"), *gradients(le.ssim_loss, x, y), le.ssim_grad(x, y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dissimilarity, "TILE", 10**9)
        whole = le.ssim_loss(x, y, reduction="none"), *gradients(le.ssim_loss, x, y), le.ssim_grad(x, y)
    for ours, theirs in zip(found, whole, strict=True):
        assert ours.is_contiguous()
        assert theirs.is_contiguous()
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-15)


@pytest.mark.usefixtures("tiled")
def test_strips_can_be_differentiated_twice() -> None:
    x, y = (z.requires_grad_() for z in batch(1, 1, (20, 4)))
    assert torch.autograd.gradgradcheck(
        lambda a, b: le.ssim_loss(a, b, sigma=0.8, kernel_size=3, reduction="none"), (x, y)
    )


def test_a_large_picture_equals_its_map() -> None:
    """Large enough to be cut into strips by itself."""
    y = photo("astronaut", (400, 300), top=50, left=100).float()
    x = noisy(y, 0.1)
    assert x.numel() > dissimilarity.TILE
    assert le.ssim_loss(x, y).item() == pytest.approx(1 - le.ssim_map(x.double(), y.double()).mean().item(), rel=1e-6)


@pytest.mark.parametrize("name", ["chelsea", "camera"])
@pytest.mark.parametrize(("sigma", "data_range"), [(1.5, 1.0), (0.8, 1.0), (3.0, 1.0), (1.5, 255.0)])
def test_agrees_with_scikit_image(name: str, sigma: float, data_range: float) -> None:
    y = photo(name, (70, 61)) * data_range
    x = noisy(y, 0.1 * data_range)
    _, full = structural_similarity(
        *(z[0].permute(1, 2, 0).numpy() for z in (x, y)),
        gaussian_weights=True,
        sigma=sigma,
        use_sample_covariance=False,
        data_range=data_range,
        channel_axis=2,
        full=True,
    )
    radius = int(3.5 * sigma + 0.5)
    inside = full[radius:-radius, radius:-radius].transpose(2, 0, 1)
    found = le.ssim_map(x, y, sigma=sigma, data_range=data_range)[0].numpy()
    np.testing.assert_allclose(found, inside, rtol=0, atol=1e-10)
    assert le.ssim(x, y, sigma=sigma, data_range=data_range).item() == pytest.approx(inside.mean(), abs=1e-12)


@pytest.mark.parametrize(("n", "c", "size"), [(2, 3, (40, 33)), (1, 1, (24, 24))])
def test_agrees_with_pytorch_msssim(n: int, c: int, size: tuple[int, int]) -> None:
    x, y = batch(n, c, size)

    window = gaussian_window(1.5).expand(c, 1, 1, 11)  # left alone it makes one in float32, whatever the images

    def peer(a: Tensor, b: Tensor) -> Tensor:
        return 1 - pytorch_msssim.ssim(a, b, data_range=1.0, win=window, size_average=False)

    assert le.ssim_loss(x, y, reduction="none").tolist() == pytest.approx(peer(x, y).tolist(), rel=1e-10)
    for ours, theirs in zip(
        gradients(le.ssim_loss, x, y), gradients(lambda a, b: peer(a, b).mean(), x, y), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("ours", "theirs"), [("valid", "valid"), ("reflect", "same")])
def test_agrees_with_kornia(ours: str, theirs: str) -> None:
    x, y = batch(2, 3, (40, 33))
    expected = kornia_ssim(x, y, 11, max_val=1.0, eps=0.0, padding=theirs)
    torch.testing.assert_close(le.ssim_map(x, y, padding=ours), expected, rtol=1e-10, atol=1e-10)
    found = gradients(lambda a, b: le.ssim_loss(a, b, padding=ours), x, y)
    peer = gradients(lambda a, b: 1 - kornia_ssim(a, b, 11, eps=0.0, padding=theirs).mean(), x, y)
    for a, b in zip(found, peer, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("padding", ["valid", "reflect"])
def test_reductions(padding: str) -> None:
    x, y = batch(3, 2, 14)
    each = le.ssim_loss(x, y, padding=padding, reduction="none")
    assert each.shape == (3,)
    assert le.ssim_loss(x, y, padding=padding, reduction="sum").item() == pytest.approx(each.sum().item(), rel=1e-14)
    assert le.ssim_loss(x, y, padding=padding).item() == pytest.approx(each.mean().item(), rel=1e-14)
    assert le.ssim(x, y, padding=padding, reduction="sum").item() == pytest.approx((1 - each).sum().item(), rel=1e-14)
    for reduction in ("mean", "sum"):
        leaf = x.clone().requires_grad_()
        (expected,) = torch.autograd.grad(le.ssim_loss(leaf, y, padding=padding, reduction=reduction), leaf)
        torch.testing.assert_close(
            le.ssim_grad(x, y, padding=padding, reduction=reduction), expected, rtol=1e-12, atol=1e-16
        )
    torch.testing.assert_close(
        le.ssim_grad(x, y, padding=padding, reduction="none"), le.ssim_grad(x, y, padding=padding, reduction="sum")
    )


def test_the_module_passes_every_option_on() -> None:
    x, y = batch(2, 3, 20)
    options: dict[str, Any] = {
        "sigma": 2.0,
        "kernel_size": 7,
        "data_range": 2.0,
        "k1": 0.02,
        "k2": 0.05,
        "padding": "reflect",
        "reduction": "sum",
    }
    module = le.SSIMLoss(**options)
    assert module(x, y).item() == le.ssim_loss(x, y, **options).item()
    assert module(x, y).item() != le.SSIMLoss()(x, y).item()
    assert not module.state_dict()


def test_shapes_of_the_map() -> None:
    x, y = batch(2, 3, (20, 17))
    assert le.ssim_map(x, y).shape == (2, 3, 10, 7)
    assert le.ssim_map(x, y, padding="reflect").shape == (2, 3, 20, 17)
    assert le.ssim_map(x, y, kernel_size=1).shape == (2, 3, 20, 17)
    assert le.ssim_map(x, y).is_contiguous()
    assert le.ssim_map(*(z[..., :11, :11] for z in (x, y))).shape == (2, 3, 1, 1)


def test_modules_show_their_settings() -> None:
    assert "sigma=3.0, kernel_size=None, data_range=1.0" in repr(le.SSIMLoss(sigma=3.0))
    assert repr(le.L1Loss(reduction="sum")) == "L1Loss(reduction='sum')"
    assert repr(le.MSELoss()) == "MSELoss(reduction='mean')"
    assert repr(le.CharbonnierLoss(eps=0.01)) == "CharbonnierLoss(eps=0.01, reduction='mean')"
    assert "ssim: 0.84, l1: 0.16" in repr(le.WeightedLoss({"ssim": (0.84, le.SSIMLoss()), "l1": (0.16, le.l1_loss)}))


def test_second_derivatives_in_the_way_that_is_documented() -> None:
    x, y = torch.rand(2, 1, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def loss(z: Tensor) -> Tensor:
        return le.ssim_loss(z, y, kernel_size=3)

    found = torch.func.jacrev(torch.func.grad(loss))(x)
    torch.testing.assert_close(found, torch.autograd.functional.hessian(loss, x))


@pytest.mark.parametrize("call", [le.ssim_loss, le.ssim_map, le.ssim_grad])
def test_the_window_is_made_where_and_as_precise_as_the_images_are(
    call: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one device there is nothing else to see: a window on the CPU would fail only on a GPU."""
    asked: list[dict[str, Any]] = []

    def spy(*arguments: Any, **options: Any) -> Tensor:
        asked.append(options)
        return gaussian_window(*arguments, **options)

    monkeypatch.setattr(filters, "gaussian_window", spy)
    x, y = batch(1, 1, 12)
    for dtype in (torch.float32, torch.float64):
        call(x.to(dtype), y.to(dtype))
        assert asked.pop() == {"dtype": dtype, "device": x.device}
