"""Traps of MS-SSIM by the sigma trick and of Mix, each with a twin that falls into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import oracles
import oracles_multiscale
import pytest
import torch
import torch.nn.functional as F
from pictures import batch, photo
from torch import Tensor
from traps import only_ours, refuses

import lossedu as le

Loss = Callable[..., Tensor]
FORMS: list[dict[str, Any]] = [{}, {"padding": "reflect"}, {"form": "patch"}]


def uncorrelated(zeros: int) -> tuple[Tensor, Tensor, tuple[float, ...]]:
    """A patch of 3 x 3 whose cs is exactly 0 in float64 for the first `zeros` sigmas of three.

    With data range 1 and C2 = k2^2, cs vanishes where 2 cov = -C2: x = 5 + a u, y = 5 - b u, and a b var(u) = C2 / 2.
    """
    sigmas = (0.7,) * zeros + (1.1, 2.0, 3.0)[: 3 - zeros]
    u = torch.tensor([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0], [1.0, -1.0, 1.0]], dtype=torch.float64)
    g = oracles.window(0.7, 3)
    variance = (g * u * u).sum() - (g * u).sum() ** 2
    return (5 + u / variance)[None, None], (5 - u)[None, None], sigmas


@pytest.mark.parametrize("zeros", [1, 2])
def test_trap_5_4_products_by_division(zeros: int) -> None:
    """cs_j = 0 exactly, where the product of all over cs_j is 0/0."""
    x, y, sigmas = uncorrelated(zeros)
    k2 = 2**0.5  # C2 = 2, and 2 cov = -2: checked below

    def published(a: Tensor, b: Tensor) -> Tensor:
        """The gradient as (13) has it, with its sign right: dl and dcs by autograd, the division as printed."""
        a = a.clone().requires_grad_()
        windows = [oracles.window(sigma, 3) for sigma in sigmas]
        moments = [oracles.moments(a[0, 0], b[0, 0], g) for g in windows]
        cs = torch.stack([oracles.contrast_structure(m, k2**2) for m in moments])
        cs = torch.where(cs.abs() < 1e-12, 0 * cs, cs)  # the zero is meant exactly
        l = oracles.luminance(moments[-1], 1e-4)
        (dl,) = torch.autograd.grad(l, a, retain_graph=True)
        dcs = [torch.autograd.grad(each, a, retain_graph=True)[0] for each in cs]
        return -(dl + l * sum(d / each for d, each in zip(dcs, cs, strict=True))) * cs.prod()

    def ours(a: Tensor, b: Tensor) -> Tensor:
        return le.ms_ssim_sigma_grad(a, b, sigmas=sigmas, form="patch", k2=k2)

    def finite_and_right(grad: Callable[[Tensor, Tensor], Tensor]) -> None:
        leaf = x.clone().requires_grad_()
        loss = oracles_multiscale.ms_ssim_sigma_loss(leaf, y, sigmas=sigmas, form="patch", k2=k2)
        (expected,) = torch.autograd.grad(loss.mean(), leaf)
        found = grad(x, y)
        assert found.isfinite().all()
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
        assert (found.abs().max() > 1e-8) == (zeros == 1)  # one zero leaves a slope, two leave none

    m = oracles.moments(x[0, 0], y[0, 0], oracles.window(0.7, 3))
    assert abs(oracles.contrast_structure(m, k2**2).item()) < 1e-14
    only_ours(finite_and_right, ours, published)


def test_trap_5_4_zeros_put_in_by_hand() -> None:
    """The products themselves, with one and with two factors that are exactly 0."""
    from lossedu.losses.scales import products

    def by_division(parts: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        values = torch.stack([1 - part for part in parts])
        return 1 - values.prod(dim=0), [values.prod(dim=0) / value for value in values]

    def right(of: Callable[[list[Tensor]], tuple[Tensor, list[Tensor]]]) -> None:
        for zeros in (0, 1, 2):
            d = [0.25, 1.5, 0.5]
            d[:zeros] = [1.0] * zeros
            total, others = of([torch.tensor(part, dtype=torch.float64) for part in d])
            a, b, c = (1 - part for part in d)
            assert total.item() == pytest.approx(1 - a * b * c)
            assert [other.item() for other in others] == pytest.approx([b * c, a * c, a * b])

    only_ours(right, products, by_division)


def test_trap_5_4_the_sign_of_the_gradient() -> None:
    """As printed, (13) climbs."""
    x, y = batch(2, 3, 31)

    def descends(grad: Callable[..., Tensor]) -> None:
        step = 1e-3 * grad(x, y, form="patch")
        assert le.ms_ssim_sigma_loss(x - step, y, form="patch") < le.ms_ssim_sigma_loss(x, y, form="patch")

    only_ours(descends, le.ms_ssim_sigma_grad, lambda *pair, **options: -le.ms_ssim_sigma_grad(*pair, **options))


@pytest.mark.parametrize("loss", [le.ms_ssim_sigma_loss, le.mix_loss])
def test_trap_5_7_sizes(loss: Loss) -> None:
    def pads_with_zeros(x: Tensor, y: Tensor, **options: Any) -> Tensor:
        lacking = max(0, 57 - min(x.shape[-2:])) if not options else 0
        x, y = (F.pad(z, (0, lacking, 0, lacking)) for z in (x, y))
        return loss(x, y, **options)

    def squeezes(x: Tensor, y: Tensor, *, reduction: str, **options: Any) -> Tensor:
        return loss(x, y, reduction=reduction, **options).squeeze()

    def refuses_what_does_not_fit(subject: Loss) -> None:
        for size in ((56, 80), (80, 56), (31, 31), (1, 1)):
            x = torch.rand(1, 3, *size)
            assert refuses(ValueError, subject, x, x)
        assert refuses(ValueError, subject, torch.rand(1, 3, 28, 60), torch.rand(1, 3, 28, 60), padding="reflect")
        for options, size in (({}, 57), ({"padding": "reflect"}, 29), ({"form": "patch"}, 31)):
            assert not refuses(ValueError, subject, *torch.rand(2, 1, 3, size, size), **options)

    def keeps_single_axes(subject: Loss) -> None:
        for options in FORMS:
            for shape in ((1, 1, 57, 57), (2, 1, 57, 57), (1, 3, 57, 57)):
                x = torch.rand(shape)
                assert subject(x, x, reduction="none", **options).shape == shape[:1]

    only_ours(refuses_what_does_not_fit, loss, pads_with_zeros)
    only_ours(keeps_single_axes, loss, squeezes)


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_trap_5_11_data_range(options: dict[str, Any]) -> None:
    x, y = batch(1, 3, 59)

    def forgets_the_absolute_error(a: Tensor, b: Tensor, *, data_range: float = 1.0) -> Tensor:
        structure = le.ms_ssim_sigma_loss(a, b, data_range=data_range, **options)
        return 0.84 * structure + 0.16 * le.mix_loss(a, b, alpha=0, **options)

    def forgets_the_constants(a: Tensor, b: Tensor, *, data_range: float = 1.0) -> Tensor:
        return le.ms_ssim_sigma_loss(a, b, **options)

    def scales_with_the_range(loss: Loss) -> None:
        assert loss(255 * x, 255 * y, data_range=255.0).item() == pytest.approx(loss(x, y).item(), rel=1e-9)

    only_ours(
        scales_with_the_range,
        lambda a, b, **range_: le.mix_loss(a, b, **range_, **options),
        forgets_the_absolute_error,
    )
    only_ours(
        scales_with_the_range,
        lambda a, b, **range_: le.ms_ssim_sigma_loss(a, b, **range_, **options),
        forgets_the_constants,
    )


def mix_with_zeros_around(x: Tensor, y: Tensor, *, padding: str = "valid") -> Tensor:
    """What the popular layers do: the absolute error is blurred with zeros beyond the border."""
    blurred = le.gaussian_blur((x - y).abs(), 8.0, padding="zeros")
    return 0.84 * le.ms_ssim_sigma_loss(x, y, padding=padding) + 0.16 * blurred.mean()


def test_trap_5_22_mix_border() -> None:
    """An offset of 0.2 costs 0.2 wherever it is, also in the frame that a padded blur sees less of."""

    def offset_costs_what_it_is(loss: Loss) -> None:
        for size in (64, 59):
            for level in (0.1, 0.7):
                y = torch.full((1, 3, size, size + 4), level, dtype=torch.float64)
                for padding in ("valid", "reflect"):
                    structure = le.ms_ssim_sigma_loss(y + 0.2, y, padding=padding).item()
                    absolute = loss(y + 0.2, y, padding=padding).item() - 0.84 * structure
                    assert absolute == pytest.approx(0.2 * 0.16, rel=1e-12)

    only_ours(offset_costs_what_it_is, le.mix_loss, mix_with_zeros_around)
    y = torch.full((1, 1, 64, 64), 0.5, dtype=torch.float64)
    assert le.gaussian_blur(y * 0 + 0.2, 8.0, padding="zeros").mean().item() == pytest.approx(0.162, abs=0.003)
    for size in (31, 9):
        y = torch.full((1, 3, size, size), 0.3, dtype=torch.float64)
        structure = le.ms_ssim_sigma_loss(y + 0.2, y, form="patch").item()
        assert le.mix_loss(y + 0.2, y, form="patch").item() - 0.84 * structure == pytest.approx(0.032, rel=1e-12)


def mixes_up_channels_and_scales(x: Tensor, y: Tensor) -> Tensor:
    """Windows in the order of scales, handed out to channels in blocks: red gets narrow ones, blue wide ones."""
    sigmas = [sigma for sigma in oracles_multiscale.SIGMAS for _ in range(3)]
    weight = torch.stack([oracles.window(sigma, 33) for sigma in sigmas])[:, None]

    def mean(z: Tensor) -> Tensor:
        return F.conv2d(z, weight, groups=3, padding=16)

    c1, c2 = oracles.constants()
    mu_x, mu_y = mean(x), mean(y)
    var_x, var_y, cov = mean(x * x) - mu_x**2, mean(y * y) - mu_y**2, mean(x * y) - mu_x * mu_y
    l = (2 * mu_x * mu_y + c1) / (mu_x**2 + mu_y**2 + c1)
    cs = (2 * cov + c2) / (var_x + var_y + c2)
    return 1 - (l[:, -3:].prod(dim=1) * cs.prod(dim=1)).mean()


def test_trap_1_1_channels_and_scales_mixed_up() -> None:
    y = photo("coffee", 33, top=150, left=280)
    x = y + torch.tensor([0.02, 0.1, -0.05], dtype=torch.float64).view(1, 3, 1, 1) * torch.randn(
        y.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )

    def does_not_mind_the_order_of_channels(loss: Loss) -> None:
        for order in ([1, 2, 0], [2, 1, 0]):
            assert loss(x[:, order], y[:, order]).item() == pytest.approx(loss(x, y).item(), rel=1e-10)

    def grey_is_one_channel(loss: Loss) -> None:
        grey_x, grey_y = x.mean(dim=1, keepdim=True), y.mean(dim=1, keepdim=True)
        index = 1 - oracles_multiscale.ms_ssim_sigma_loss(grey_x, grey_y, form="patch").item()
        found = 1 - loss(grey_x.expand(-1, 3, -1, -1), grey_y.expand(-1, 3, -1, -1)).item()
        assert found == pytest.approx(index, abs=0.05 * index)

    def patch(a: Tensor, b: Tensor) -> Tensor:
        return le.ms_ssim_sigma_loss(a, b, form="patch")

    for check in (does_not_mind_the_order_of_channels, grey_is_one_channel):
        only_ours(check, patch, mixes_up_channels_and_scales)
    for ours in (le.ms_ssim_sigma_loss, le.mix_loss):
        does_not_mind_the_order_of_channels(lambda a, b, f=ours: f(a, b, padding="reflect"))
        grey = [z.mean(dim=1, keepdim=True) for z in (x, y)]
        three = [z.expand(-1, 3, -1, -1) for z in grey]
        one = ours(*grey, padding="reflect").item()  # type: ignore[operator]
        assert ours(*three, padding="reflect").item() == pytest.approx(one, rel=1e-12)  # type: ignore[operator]
