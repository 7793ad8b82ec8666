"""The traps that libraries of image losses fall into, each with a twin that does.

Every check runs twice: on our function, where it must pass, and on a plausible naive one, where it must fail.  A check
that the twin passes would prove nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import oracles
import pytest
import pytorch_msssim
import torch
import torch.nn.functional as F
from pictures import batch, noisy, photo
from torch import Tensor
from torch.autograd import Function
from traps import only_ours, refuses

import lossedu as le
from lossedu import filters
from lossedu.metrics import psnr

Loss = Callable[..., Tensor]


def textbook(x: Tensor, y: Tensor, *, data_range: float = 1.0) -> Tensor:
    """1 minus an index computed from E[x^2] - E[x]^2, in whatever precision comes in."""
    return 1 - oracles.textbook_ssim_map(x, y, data_range=data_range).mean()


def test_trap_5_1_cancellation() -> None:
    """Population variance as a difference of large numbers."""

    def flat_and_bright(loss: Loss) -> None:
        x, y = torch.full((1, 1, 16, 16), 200.0), torch.full((1, 1, 16, 16), 201.0)
        assert loss(x, y, data_range=255).item() == pytest.approx(1 / (200**2 + 201**2 + 2.55**2), rel=1e-5)

    def nearly_equal(loss: Loss) -> None:
        x = torch.full((1, 1, 16, 16), 0.6)
        assert abs(loss(x, x + 1e-7).item()) < 1e-9

    def faint_noise(loss: Loss) -> None:
        y = photo(size=32).float()
        x = noisy(y, 1e-4)
        assert loss(x, y).item() == pytest.approx(le.ssim_loss(x.double(), y.double()).item(), rel=1e-5)

    def ramps_in_bfloat16(loss: Loss) -> None:
        ramp = torch.linspace(0.4, 0.6, 32).expand(1, 1, 32, 32)
        x, y = ramp.bfloat16(), (ramp + 0.01).bfloat16()
        assert float(loss(x, y)) == pytest.approx(le.ssim_loss(x.double(), y.double()).item(), abs=1e-3)

    def under_autocast(loss: Loss) -> None:
        for y in (torch.zeros(1, 3, 16, 16), torch.ones(1, 3, 16, 16), photo(size=16).float()):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                same, other = float(loss(y, y)), float(loss(y + 0.1, y))
            assert same == pytest.approx(0, abs=1e-6)
            assert other == pytest.approx(le.ssim_loss(y.double() + 0.1, y.double()).item(), abs=1e-6)

    for check in (flat_and_bright, nearly_equal, faint_noise, ramps_in_bfloat16, under_autocast):
        only_ours(check, le.ssim_loss, textbook)


def test_trap_5_2_window_does_not_sum_to_one() -> None:
    def in_half_precision(sigma: float, dtype: torch.dtype) -> Tensor:
        radius = filters.default_kernel_size(sigma) // 2
        k = torch.arange(-radius, radius + 1, dtype=dtype)
        g = torch.exp(-(k**2) / (2 * sigma**2))
        return g / g.sum()

    def ours(sigma: float, dtype: torch.dtype) -> Tensor:
        assert refuses(ValueError, filters.gaussian_window, sigma, dtype=dtype)
        return filters.gaussian_window(sigma, dtype=torch.float32)

    def sums_to_one(window: Callable[[float, torch.dtype], Tensor]) -> None:
        for sigma in (0.8, 1.5, 3.0, 8.0):
            for dtype in (torch.float16, torch.bfloat16):
                g = window(sigma, dtype)
                assert g.numel() % 2 == 1
                assert torch.equal(g, g.flip(0))
                assert abs(g.double().sum().item() - 1) <= g.numel() * 2**-24

    only_ours(sums_to_one, ours, in_half_precision)
    # as for integers, where the window is 0 everywhere
    assert refuses(ValueError, filters.gaussian_window, 1.5, dtype=torch.int64)
    assert refuses(ValueError, filters.gaussian_window, 1.5, 10)


def test_trap_5_6_identical_images() -> None:
    def costs_and_pulls_nothing(loss: Loss) -> None:
        x = photo(size=32).float().requires_grad_()
        value = loss(x, x.detach().clone())
        (grad,) = torch.autograd.grad(value, x)
        assert value.item() == 0
        assert not grad.any()

    def naive_psnr(x: Tensor, y: Tensor) -> Tensor:
        return -10 * (x - y).square().mean().log10()

    def psnr_with_eps(x: Tensor, y: Tensor) -> Tensor:
        return -10 * ((x - y).square().mean() + 1e-8).log10()

    def infinite_without_nan(metric: Loss) -> None:
        x = photo(size=16).requires_grad_()
        value = metric(x, x.detach().clone())
        (grad,) = torch.autograd.grad(value, x)
        assert value.item() == math.inf
        assert not grad.any()

    def right_at_100_decibels(metric: Loss) -> None:
        y = torch.zeros(1, 1, 8, 8)
        assert metric(y + 1e-5, y).item() == pytest.approx(100, rel=1e-6)

    only_ours(costs_and_pulls_nothing, le.ssim_loss, textbook)
    only_ours(infinite_without_nan, psnr, naive_psnr)
    only_ours(right_at_100_decibels, psnr, psnr_with_eps)


@pytest.mark.filterwarnings("ignore:Skipping Gaussian Smoothing")
def test_trap_5_7_sizes() -> None:
    def skips_the_blur(x: Tensor, y: Tensor, *, reduction: str = "mean") -> Tensor:
        return 1 - pytorch_msssim.ssim(x, y, data_range=1.0, size_average=reduction == "mean")

    def squeezes(x: Tensor, y: Tensor, *, reduction: str = "mean") -> Tensor:
        return le.ssim_loss(x, y, reduction=reduction).squeeze()

    def needs_the_whole_window(loss: Loss) -> None:
        for height, width in ((10, 20), (20, 10), (8, 8), (1, 1)):
            image = torch.rand(1, 3, height, width)
            assert refuses(ValueError, loss, image, image)
        assert not refuses(ValueError, loss, torch.rand(1, 3, 11, 11), torch.rand(1, 3, 11, 11))

    def keeps_single_axes(loss: Loss) -> None:
        for shape in ((1, 1, 11, 11), (1, 3, 11, 11), (2, 1, 11, 11)):
            image = torch.rand(shape)
            assert loss(image, image, reduction="none").shape == shape[:1]

    def reflects_or_refuses(blur: Callable[[Tensor], Tensor]) -> None:
        x = torch.rand(1, 1, 6, 7, dtype=torch.float64)  # reflecting 5 pixels takes 6
        wide = oracles.mirror(x[0, 0], 5)[None, None]
        torch.testing.assert_close(blur(x), oracles.gaussian_blur(wide, 1.5))
        assert refuses(ValueError, blur, x[:, :, :5])

    def replicates(x: Tensor) -> Tensor:
        return le.gaussian_blur(F.pad(x, (5, 5, 5, 5), mode="replicate"), 1.5, padding="valid")

    only_ours(needs_the_whole_window, le.ssim_loss, skips_the_blur)
    only_ours(keeps_single_axes, le.ssim_loss, squeezes)
    only_ours(reflects_or_refuses, lambda x: le.gaussian_blur(x, 1.5), replicates)


def test_trap_5_11_data_range() -> None:
    def forgets(x: Tensor, y: Tensor, *, data_range: Any = 1.0) -> Tensor:
        return le.ssim_loss(x, y)

    def derives_it_from_the_data(x: Tensor, y: Tensor, *, data_range: Any = 1.0) -> Tensor:
        return le.ssim_loss(x, y, data_range=float(torch.cat([x, y]).max() - torch.cat([x, y]).min()))

    def scales_with_the_range(loss: Loss) -> None:
        x, y = batch(1, 3, 16)
        assert loss(255 * x, 255 * y, data_range=255.0).item() == pytest.approx(loss(x, y).item(), rel=1e-9)
        assert loss(x, y, data_range=255.0).item() < 1e-3 < loss(x, y).item()  # a range too wide hides everything

    def does_not_guess(loss: Loss) -> None:
        x, y = batch(1, 1, 16)
        # a part of a picture is judged as it was within the whole
        inside = 1 - le.ssim_map(x, y)[..., :2, :2].mean()
        assert loss(x[..., :12, :12], y[..., :12, :12]).item() == pytest.approx(inside.item(), rel=1e-9)
        for bad in (None, 0, -1.0, math.nan, math.inf, "1"):
            assert refuses(ValueError, loss, x, y, data_range=bad)

    only_ours(scales_with_the_range, le.ssim_loss, forgets)
    only_ours(does_not_guess, le.ssim_loss, derives_it_from_the_data)


OURS = {
    "mse_loss": (le.mse_loss, lambda x, y: (x - y).square().float().mean()),
    "l1_loss": (le.l1_loss, lambda x, y: (x - y).abs().float().mean()),
    "charbonnier_loss": (le.charbonnier_loss, lambda x, y: ((x - y).square() + 1e-6).sqrt().mean() - 1e-3),
    "ssim_loss": (le.ssim_loss, lambda x, y: 1 - oracles.textbook_ssim_map(x, y.expand_as(x)).float().mean()),
    "psnr": (psnr, lambda x, y: -10 * (x - y).square().float().mean().log10()),
}
each_pair = pytest.mark.parametrize("name", OURS)


@each_pair
def test_trap_5_12_integer_images(name: str) -> None:
    y = (255 * photo(size=16)).round().to(torch.uint8)
    x = (y.int() + 40).clamp(0, 255).to(torch.uint8)

    def refuses_or_is_right(loss: Loss) -> None:
        for a, b in ((x, y), (y, x), (x, y.float()), (x > 128, y > 128)):
            if not refuses(TypeError, loss, a, b):
                assert loss(a, b).item() == pytest.approx(loss(a.double(), b.double()).item(), rel=1e-4)

    def naive(a: Tensor, b: Tensor) -> Tensor:
        # differences of bytes wrap; a window of bytes is 0
        return (
            OURS[name][1](a, b)
            if a.dtype == b.dtype and a.dtype != torch.bool
            else OURS[name][0](a.double(), b.double())
        )

    only_ours(refuses_or_is_right, OURS[name][0], naive)


@each_pair
def test_trap_5_13_broadcast(name: str) -> None:
    def refuses_other_shapes(loss: Loss) -> None:
        x = torch.rand(2, 3, 16, 16)
        for shape in ((2, 1, 16, 16), (1, 3, 16, 16), (2, 3, 16, 17), (3, 16, 16), (2, 3, 1, 16)):
            assert refuses(ValueError, loss, x, torch.rand(shape))

    only_ours(refuses_other_shapes, *OURS[name])


@each_pair
def test_trap_5_14_strides(name: str) -> None:
    loss = OURS[name][0]

    def trusts_the_memory(x: Tensor, y: Tensor) -> Tensor:
        def raw(z: Tensor) -> Tensor:
            return z.as_strided(z.shape, torch.empty(z.shape).stride())

        return loss(raw(x), raw(y))

    def works_in_place(x: Tensor, y: Tensor) -> Tensor:
        value = loss(x, y)
        with torch.no_grad():
            x.sub_(y)
        return value

    def minds_the_strides(subject: Loss) -> None:
        x, y = batch(2, 3, (14, 14))
        for other in (x.contiguous(memory_format=torch.channels_last), x.mT.contiguous().mT):
            leaf, straight = other.detach().requires_grad_(), x.clone().requires_grad_()
            found, expected = subject(leaf, y), subject(straight, y)
            assert found.item() == pytest.approx(expected.item(), rel=1e-12)
            found.backward()
            expected.backward()
            torch.testing.assert_close(leaf.grad, straight.grad)

    def leaves_the_input_alone(subject: Loss) -> None:
        x, y = batch(2, 3, 14)
        before = x.clone()
        subject(x, y)
        assert torch.equal(x, before)

    only_ours(minds_the_strides, loss, trusts_the_memory)
    only_ours(leaves_the_input_alone, loss, works_in_place)


class _ConstantSlope(Function):
    """What most hand-written backward passes do: a gradient for x alone, as if it were a constant."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
        ctx.save_for_backward(le.ssim_grad(x, y, sigma=0.8))
        return le.ssim_loss(x, y, sigma=0.8)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return grads[0] * ctx.saved_tensors[0], None


def test_trap_5_15_custom_function() -> None:
    def both_inputs(loss: Loss) -> None:
        x, y = (z.requires_grad_() for z in batch(1, 1, (8, 7)))
        grads = torch.autograd.grad(loss(x, y), (x, y), allow_unused=True)
        assert all(grad is not None and grad.any() for grad in grads)

    def second_derivatives(loss: Loss) -> None:
        x, y = batch(1, 1, (8, 7))
        x.requires_grad_()
        (grad,) = torch.autograd.grad(loss(x, y), x, create_graph=True)
        assert grad.requires_grad
        (twice,) = torch.autograd.grad(grad.square().sum(), x)
        assert torch.autograd.gradgradcheck(lambda a: loss(a, y), (x,), raise_exception=False)
        assert twice.abs().sum() > 0

    def under_vmap(loss: Loss) -> None:
        x, y = batch(2, 1, (8, 7))
        try:
            found = torch.func.vmap(lambda a, b: loss(a[None], b[None]))(x, y)
        except RuntimeError as error:
            raise AssertionError("does not work under vmap") from error
        torch.testing.assert_close(found, torch.stack([loss(a[None], b[None]) for a, b in zip(x, y, strict=True)]))

    def ours(x: Tensor, y: Tensor) -> Tensor:
        return le.ssim_loss(x, y, sigma=0.8)

    for check in (both_inputs, second_derivatives, under_vmap):
        only_ours(check, ours, _ConstantSlope.apply)


def test_trap_5_16_adjoint_of_the_filter() -> None:
    x = torch.randn(1, 1, 12, 14, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    u = torch.randn(1, 1, 12, 14, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def blur(z: Tensor) -> Tensor:
        return le.gaussian_blur(z, 1.5)

    def transposed(z: Tensor) -> Tensor:
        window = filters.gaussian_window(1.5)
        wide = filters.unfold(filters.correlate_adjoint(filters.fold(z), window), z.shape[0])
        return filters.reflect_adjoint(wide, window.numel() // 2)

    def is_the_adjoint(adjoint: Callable[[Tensor], Tensor]) -> None:
        assert (blur(x) * u).sum().item() == pytest.approx((x * adjoint(u)).sum().item(), rel=1e-12)

    only_ours(is_the_adjoint, transposed, blur)  # the reflected blur is not its own adjoint

    def gradient_reaches_the_border(grad: Callable[[Tensor, Tensor], Tensor]) -> None:
        a, b = batch(1, 1, 14)
        leaf = a.clone().requires_grad_()
        (expected,) = torch.autograd.grad(oracles.ssim_loss(leaf, b, padding="reflect").mean(), leaf)
        torch.testing.assert_close(grad(a, b), expected, rtol=1e-9, atol=1e-12)

    def drops_the_border(a: Tensor, b: Tensor) -> Tensor:
        wide_a, wide_b = filters.reflect(a, 5), filters.reflect(b, 5)
        return le.ssim_grad(wide_a, wide_b)[..., 5:-5, 5:-5]

    only_ours(gradient_reaches_the_border, lambda a, b: le.ssim_grad(a, b, padding="reflect"), drops_the_border)


@pytest.mark.parametrize("name", ["l1_loss", "charbonnier_loss"])
def test_trap_5_19_slope_at_zero(name: str) -> None:
    def square_root(x: Tensor, y: Tensor) -> Tensor:
        return (x - y).square().sqrt().mean()

    def no_nan_at_zero(loss: Loss) -> None:
        for shape in ((1, 1, 1, 1), (2, 3, 1, 5), (2, 3, 4, 4)):
            x = torch.rand(shape).requires_grad_()
            value = loss(x, x.detach().clone())
            (grad,) = torch.autograd.grad(value, x)
            assert value.item() == 0
            assert not grad.any()

    def counts_each_pixel_once(loss: Loss) -> None:
        x, y = torch.full((2, 3, 4, 5), 0.5), torch.zeros(2, 3, 4, 5)
        assert loss(x, y).item() == pytest.approx(0.5, abs=1.1e-3)

    only_ours(no_nan_at_zero, getattr(le, name), square_root)
    only_ours(counts_each_pixel_once, getattr(le, name), lambda x, y: (x - y).abs().sum() / len(x))


@each_pair
def test_trap_5_21_reduction(name: str) -> None:
    loss = OURS[name][0]
    x, y = batch(3, 2, 14)
    x[1] = y[1] + 0.3  # images of very different quality

    def a_batch_is_a_stack_of_singles(subject: Loss) -> None:
        singles = torch.stack([loss(a[None], b[None]) for a, b in zip(x, y, strict=True)])
        assert singles.std() > 0.01 * singles.mean()
        torch.testing.assert_close(subject(x, y, reduction="none"), singles)
        assert subject(x, y).item() == pytest.approx(singles.mean().item(), rel=1e-12)
        assert subject(x, y, reduction="sum").item() == pytest.approx(singles.sum().item(), rel=1e-12)
        order = [2, 0, 1]
        torch.testing.assert_close(subject(x[order], y[order], reduction="none"), singles[order])

    def pools_the_batch(a: Tensor, b: Tensor, *, reduction: str = "mean") -> Tensor:
        wide_a, wide_b = (torch.cat(list(z), dim=-1)[None] for z in (a, b))
        value = loss(wide_a, wide_b)
        return {"mean": value, "sum": value * a.numel(), "none": value.expand(len(a))}[reduction]

    only_ours(a_batch_is_a_stack_of_singles, loss, pools_the_batch)
    if name == "psnr":  # the mean of logarithms is not the logarithm of the mean
        pooled = -10 * math.log10(le.mse_loss(x, y).item())
        assert abs(psnr(x, y).item() - pooled) > 0.3
