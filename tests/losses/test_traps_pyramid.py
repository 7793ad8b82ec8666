"""Traps of pyramids and of total variation, each with a twin that falls into it."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import oracles_pyramid as oracles
import pytest
import pytorch_msssim
import torch
import torch.nn.functional as F
from pictures import batch, noisy, photo
from torch import Tensor
from traps import only_ours, refuses

import lossedu as le

pyramid = importlib.import_module("lossedu.losses.pyramid")
Loss = Callable[..., Tensor]
two: dict[str, Any] = {"weights": (0.4, 0.6)}  # two levels of 11 taps: images of 21 pixels


def textbook(x: Tensor, y: Tensor, *, data_range: float = 1.0, **options: Any) -> Tensor:
    """1 minus an index from E[x^2] - E[x]^2."""
    return 1 - oracles.textbook_ms_ssim(x, y, **{**two, **options}, data_range=data_range).mean()


def ours(x: Tensor, y: Tensor, **options: Any) -> Tensor:
    return le.ms_ssim_loss(x, y, **{**two, **options})


def without_relu(x: Tensor, y: Tensor) -> Tensor:
    return textbook(x, y, positive=lambda z: z)


def test_trap_5_1_cancellation() -> None:
    def flat_and_bright(loss: Loss) -> None:
        x, y = torch.full((1, 1, 24, 24), 200.0), torch.full((1, 1, 24, 24), 201.0)
        d = 1 / (200**2 + 201**2 + 2.55**2)  # 1 - l
        assert loss(x, y, data_range=255).item() == pytest.approx(-math.expm1(0.6 * math.log1p(-d)), rel=1e-5)

    def faint_noise(loss: Loss) -> None:
        y = photo(size=32).float()
        x = noisy(y, 1e-4)
        assert loss(x, y).item() == pytest.approx(ours(x.double(), y.double()).item(), rel=1e-5)

    only_ours(flat_and_bright, ours, textbook)
    only_ours(faint_noise, ours, textbook)


def unlike(size: int = 32) -> dict[str, tuple[Tensor, Tensor]]:
    """Pairs whose mean cs is 0, or below."""
    y = photo(size=size)
    rows = (torch.arange(size) % 2).double().expand(1, 3, size, size)
    one_bad = y.clone()
    one_bad[:, 1] = 1 - one_bad[:, 1]
    return {
        "inverted": (1 - y, y),
        "inverted noise": (noisy(0.5 - 0 * y, 0.2), 1 - noisy(0.5 - 0 * y, 0.2)),
        "inverted stripes": (rows, 1 - rows),
        "one channel": (one_bad, y),
    }


def test_trap_5_3_powers_of_what_is_not_positive() -> None:
    def finite(loss: Loss) -> None:
        for x, y in (*unlike().values(), (0 * photo(size=32), 1 + 0 * photo(size=32))):
            x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
            value = loss(x, y)
            assert 0 <= value.item() <= 1
            assert all(grad.isfinite().all() for grad in torch.autograd.grad(value, (x, y)))

    only_ours(finite, ours, without_relu)

    def per_pixel(x: Tensor, y: Tensor) -> Tensor:
        return (1 - le.ssim_map(x, y).relu().mean(dim=(2, 3)) ** 0.5).mean()

    def relu_of_the_mean(loss: Loss) -> None:
        x, y = unlike()["inverted"]
        x = torch.cat((x[..., :16], y[..., 16:]), dim=-1)  # half of it right
        index = le.ssim_map(x, y).mean(dim=(2, 3)).relu()
        assert (le.ssim_map(x, y) < 0).any() and index.any()
        assert loss(x, y).item() == pytest.approx(1 - (index**0.5).mean().item(), rel=1e-9)

    only_ours(relu_of_the_mean, lambda x, y: le.ms_ssim_loss(x, y, weights=(0.5,)), per_pixel)


def test_trap_5_3_the_dead_zone() -> None:
    """What the docstring says: cost 1 and gradient 0 for a channel at or below 0, a steep pull just above."""
    for name, (x, y) in unlike().items():
        leaf = x.clone().requires_grad_()
        loss = ours(leaf, y)
        (grad,) = torch.autograd.grad(loss, leaf)
        if name == "one channel":
            assert loss.item() == pytest.approx(1 / 3)  # and the other two channels are equal
        else:
            assert loss.item() == 1
        assert not grad.any()

    y = photo(size=32)[:, :1]
    mean = y.mean()

    def scaled(a: float) -> Tensor:
        return (mean + a * (y - mean)).requires_grad_()

    low, high = -0.9, 0.9
    for _ in range(200):  # to the contrast at which the index of one level is 1e-6
        middle = (low + high) / 2
        low, high = (middle, high) if le.ssim(scaled(middle), y).item() < 1e-6 else (low, middle)
    x = scaled(high)
    index = le.ssim(x, y)
    assert index.item() == pytest.approx(1e-6, rel=1e-3)
    steep, plain = (
        torch.autograd.grad(loss, x)[0] for loss in (le.ms_ssim_loss(x, y, weights=(0.0448,)), le.ssim_loss(x, y))
    )
    factor = 0.0448 * index.item() ** (0.0448 - 1)
    assert factor == pytest.approx(24_000, rel=0.01)
    torch.testing.assert_close(steep, factor * plain, rtol=1e-6, atol=0)


def test_trap_5_4_products_by_division(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slope of a product as the product times a sum of slopes over factors is 0/0 where one of them is 0."""
    losses: list[Tensor] = []
    monkeypatch.setattr(pyramid, "mean_by_channel", lambda *_, **__: next(levels))
    image = torch.zeros(1, 1, 41, 41)

    def pyramid_of(weights: tuple[float, ...]) -> Tensor:
        nonlocal levels
        levels = iter(losses)
        return le.ms_ssim_loss(image, image, weights=weights, kernel_size=3)

    def by_division(weights: tuple[float, ...]) -> Tensor:
        factors = [(1 - d).relu() for d in losses]
        product = math.prod(z.detach() ** w for z, w in zip(factors, weights, strict=True))
        slope = sum(w * z / z.detach() for z, w in zip(factors, weights, strict=True))
        return 1 - (product * (1 + slope - sum(weights))).mean()

    levels = iter(losses)
    weights = (0.5, 1.0, 2.0)

    def right(loss: Callable[[tuple[float, ...]], Tensor]) -> None:
        for values in ((0.1, 0.2, 0.3), (0.1, 1.0, 0.3), (1.0, 1.0, 0.3), (1.5, 0.2, 1.0), (2.0, 2.0, 2.0)):
            losses[:] = [torch.tensor([[d]], dtype=torch.float64, requires_grad=True) for d in values]
            value = loss(weights)
            alive = all(d < 1 for d in values)
            product = math.prod((1 - d) ** w for d, w in zip(values, weights, strict=True)) if alive else 0
            assert value.item() == pytest.approx(1 - product, rel=1e-12)
            slopes = torch.autograd.grad(value, losses)
            for slope, d, w in zip(slopes, values, weights, strict=True):
                assert slope.item() == pytest.approx(w * product / (1 - d) if alive else 0, rel=1e-12)

    only_ours(right, pyramid_of, by_division)
    # the last number below 1 is alive, with a finite slope
    losses[:] = [torch.tensor([[1 - 2**-24]], dtype=torch.float32, requires_grad=True)]
    (slope,) = torch.autograd.grad(pyramid_of((0.0448,)), losses)
    assert slope.item() == pytest.approx(0.0448 * 2 ** (24 * (1 - 0.0448)), rel=1e-5)


def test_trap_5_6_identical_images() -> None:
    def costs_and_pulls_nothing(loss: Loss) -> None:
        for image in (photo(size=32).float(), torch.full((1, 3, 24, 24), 0.3), torch.zeros(1, 1, 24, 24)):
            x = image.clone().requires_grad_()
            value = loss(x, image)
            (grad,) = torch.autograd.grad(value, x)
            assert value.item() == 0
            assert not grad.any()

    only_ours(costs_and_pulls_nothing, ours, textbook)


def test_trap_5_7_sizes() -> None:
    """Odd sides: TensorFlow's rule; four libraries give four values on 181 x 187."""
    shrinks: dict[str, Callable[[Tensor], Tensor]] = {
        "zeros in the mean": lambda z: F.avg_pool2d(z, 2, padding=(z.shape[-2] % 2, z.shape[-1] % 2)),
        "drops the last": lambda z: F.avg_pool2d(z, 2),
        "repeats the first": lambda z: F.avg_pool2d(
            F.pad(z, (z.shape[-1] % 2, 0, z.shape[-2] % 2, 0), mode="replicate"), 2
        ),
    }
    y = photo("astronaut", (181, 187), top=40, left=150)
    x = noisy(y, 0.1)
    expected = 1 - oracles.textbook_ms_ssim(x, y).item()

    def repeats_the_last(loss: Loss) -> None:
        assert loss(x, y).item() == pytest.approx(expected, rel=1e-9)

    values = {expected}
    for shrink in shrinks.values():

        def twin(a: Tensor, b: Tensor, shrink: Callable[[Tensor], Tensor] = shrink) -> Tensor:
            return 1 - oracles.textbook_ms_ssim(a, b, shrink=shrink).mean()

        only_ours(repeats_the_last, le.ms_ssim_loss, twin)
        values.add(twin(x, y).item())
    assert len(values) == 4
    peer = 1 - pytorch_msssim.ms_ssim(x.float(), y.float(), data_range=1.0).item()
    assert peer == pytest.approx(
        1 - oracles.textbook_ms_ssim(x, y, shrink=shrinks["zeros in the mean"]).item(), rel=1e-3
    )


def test_trap_5_7_smallest_size_depends_on_the_levels() -> None:
    def asks_for_five_levels(x: Tensor, y: Tensor, **options: Any) -> Tensor:
        if min(x.shape[-2:]) <= 10 * 2**4:
            raise ValueError("too small")
        return le.ms_ssim_loss(x, y, **options)

    def to_the_pixel(loss: Loss) -> None:
        for levels in (1, 2, 3, 6):
            needed = 10 * 2 ** (levels - 1) + 1
            for side, fits in ((needed, True), (needed - 1, False)):
                x, y = torch.rand(1, 1, side, needed + 7), torch.rand(1, 1, side, needed + 7)
                assert refuses(ValueError, loss, x, y, weights=(0.5,) * levels) != fits
                assert refuses(ValueError, loss, x.mT, y.mT, weights=(0.5,) * levels) != fits

    only_ours(to_the_pixel, le.ms_ssim_loss, asks_for_five_levels)


def test_trap_5_11_data_range() -> None:
    def range_of_each_level(x: Tensor, y: Tensor) -> Tensor:
        found: Tensor | float = 1.0
        for power, last in ((0.4, False), (0.6, True)):
            wide = float(torch.stack((x, y)).max() - torch.stack((x, y)).min())
            k1 = 0.01 if last else 1e6  # without luminance
            found = found * le.ssim(x, y, data_range=wide, k1=k1) ** power
            x, y = F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)
        assert isinstance(found, Tensor)
        return 1 - found

    def one_range_for_all(loss: Loss) -> None:
        x, y = batch(1, 1, (32, 32))
        product = le.ssim(x, y, k1=1e6) ** 0.4 * le.ssim(F.avg_pool2d(x, 2), F.avg_pool2d(y, 2)) ** 0.6
        assert loss(x, y).item() == pytest.approx(1 - product.item(), rel=1e-6)

    def scales_with_the_range(loss: Loss) -> None:
        x, y = batch(1, 3, 32)
        assert loss(255 * x, 255 * y, data_range=255.0).item() == pytest.approx(loss(x, y).item(), rel=1e-9)
        assert loss(x, y, data_range=255.0).item() < 1e-3

    only_ours(one_range_for_all, ours, range_of_each_level)
    only_ours(scales_with_the_range, ours, lambda x, y, **_: ours(x, y))
    assert refuses(ValueError, ours, *batch(1, 1, 32), data_range=None)


def test_trap_5_12_integers_wrap() -> None:
    bytes_ = (255 * photo(size=16)).round().to(torch.uint8)

    def naive(x: Tensor) -> Tensor:
        right, down = x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]
        return (right.abs().float().sum() + down.abs().float().sum()) / x[0].numel()

    def refuses_or_is_right(loss: Loss) -> None:
        if not refuses(TypeError, loss, bytes_):
            assert loss(bytes_).item() == pytest.approx(loss(bytes_.double()).item(), rel=1e-5)

    only_ours(refuses_or_is_right, le.tv_loss, naive)


def mean_of_each_direction(x: Tensor, *, reduction: str = "mean") -> Tensor:
    return (x[..., 1:] - x[..., :-1]).abs().mean() + (x[..., 1:, :] - x[..., :-1, :]).abs().mean()


def root(x: Tensor) -> Tensor:
    right = F.pad(x[..., 1:] - x[..., :-1], (0, 1))
    down = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    return (right.square() + down.square()).sqrt().sum() / x.numel()


def root_with_eps(x: Tensor) -> Tensor:
    right = F.pad(x[..., 1:] - x[..., :-1], (0, 1))
    down = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    return (right.square() + down.square() + 1e-6).sqrt().sum() / x.numel()


def global_norm(x: Tensor) -> Tensor:
    return (le.tv_loss(x, kind="squared", reduction="sum") * x[0].numel()).sqrt() / x.numel()


def isotropic(x: Tensor) -> Tensor:
    return le.tv_loss(x, kind="isotropic")


def test_trap_5_5_and_5_19_root_of_nothing() -> None:
    def no_nan_where_flat(loss: Loss) -> None:
        for x in (torch.full((2, 1, 5, 5), 0.4), F.pad(torch.ones(1, 1, 3, 3), (4, 4, 4, 4)), torch.zeros(1, 1, 1, 4)):
            x.requires_grad_()
            value = loss(x)
            (grad,) = torch.autograd.grad(value, x, create_graph=True)
            (second,) = torch.autograd.grad(grad.square().sum(), x)
            assert grad.isfinite().all() and second.isfinite().all()
            if x.detach().std() == 0:
                assert value.item() == 0 and not grad.any()

    def no_bias(loss: Loss) -> None:
        assert loss(torch.full((1, 1, 8, 8), 0.5)).item() == 0
        ramp = 1e-4 * torch.arange(9.0, dtype=torch.float64).expand(1, 1, 9, 9)
        assert loss(ramp).item() == pytest.approx(8e-4 / 9, rel=1e-9)

    def is_local(loss: Loss) -> None:
        """Two edges far apart cost twice as much as one."""
        one, both = torch.zeros(1, 1, 20, 20), torch.zeros(1, 1, 20, 20)
        one[..., 3:6, 3:6] = both[..., 3:6, 3:6] = both[..., 13:16, 13:16] = 1
        assert loss(both).item() == pytest.approx(2 * loss(one).item(), rel=1e-5)

    only_ours(no_nan_where_flat, isotropic, root)
    only_ours(no_bias, isotropic, root_with_eps)
    only_ours(is_local, isotropic, global_norm)


@pytest.mark.parametrize("kind", ["anisotropic", "isotropic", "squared"])
def test_trap_5_19_axes_of_length_1(kind: str) -> None:
    def adds_nothing(loss: Loss) -> None:
        row = torch.tensor([[[[0.0, 1.0, 3.0]]]], requires_grad=True)
        expected = (5 if kind == "squared" else 3) / 3
        for x in (row, row.mT):
            assert loss(x).item() == pytest.approx(expected)
            assert torch.autograd.grad(loss(x), row)[0].isfinite().all()
        assert loss(torch.ones(2, 3, 1, 1)).item() == 0

    only_ours(adds_nothing, lambda x: le.tv_loss(x, kind=kind), mean_of_each_direction)


def test_trap_5_19_three_conventions() -> None:
    def per_pixel_and_image(loss: Loss) -> None:
        x, _ = batch(1, 3, 16)
        one = loss(x).item()
        assert loss(x.expand(4, -1, -1, -1)).item() == pytest.approx(one, rel=1e-12)
        assert loss(x.expand(4, -1, -1, -1), reduction="sum").item() == pytest.approx(4 * one, rel=1e-12)
        # the seam between a picture and its mirror image costs nothing, so twice the picture costs the same a pixel
        assert loss(torch.cat((x, x.flip(-1)), dim=-1)).item() == pytest.approx(one, rel=1e-12)

    def summed(x: Tensor, *, reduction: str = "mean") -> Tensor:
        return le.tv_loss(x, reduction="sum") * x[0].numel()

    only_ours(per_pixel_and_image, le.tv_loss, summed)
    only_ours(per_pixel_and_image, le.tv_loss, mean_of_each_direction)


def test_trap_5_21_reduction() -> None:
    x, y = batch(3, 2, 32)
    x[1] = noisy(y[1], 0.5)

    def a_batch_is_a_stack_of_singles(loss: Loss) -> None:
        singles = torch.stack([ours(a[None], b[None]) for a, b in zip(x, y, strict=True)])
        assert singles.std() > 0.01 * singles.mean()
        torch.testing.assert_close(loss(x, y, reduction="none"), singles, rtol=1e-11, atol=0)
        assert loss(x, y).item() == pytest.approx(singles.mean().item(), rel=1e-12)
        assert loss(x, y, reduction="sum").item() == pytest.approx(singles.sum().item(), rel=1e-12)

    def powers_of_means_over_channels(a: Tensor, b: Tensor, *, reduction: str = "mean") -> Tensor:
        half_a, half_b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        cs, lcs = le.ssim(a, b, k1=1e6, reduction="none"), le.ssim(half_a, half_b, reduction="none")
        each = 1 - cs**0.4 * lcs**0.6
        return {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]

    def pools_the_batch(a: Tensor, b: Tensor, *, reduction: str = "mean") -> Tensor:
        value = ours(*(torch.cat(list(z), dim=-1)[None] for z in (a, b)))
        return {"mean": value, "sum": value * len(a), "none": value.expand(len(a))}[reduction]

    only_ours(a_batch_is_a_stack_of_singles, ours, powers_of_means_over_channels)
    only_ours(a_batch_is_a_stack_of_singles, ours, pools_the_batch)
