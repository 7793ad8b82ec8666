"""The traps that libraries of quality indices fall into, each with a twin that does."""

from __future__ import annotations

import math
from collections.abc import Callable

import oracles_metrics
import pytest
import torch
import torch.nn.functional as F
from pictures import batch, noisy, photo
from torch import Tensor
from traps import only_ours

import lossedu as le
from lossedu.metrics import fsim, gmsd, iw_ssim
from lossedu.metrics import luma as grey
from lossedu.metrics.phase_congruency import phase_congruency

Metric = Callable[..., Tensor]


def naive_gmsd(x: Tensor, y: Tensor, *, correction: int = 1, data_range: float = 1.0) -> Tensor:
    """With square roots that have no slope at 0."""
    halves = [F.avg_pool2d(255 / data_range * grey.luma(z), 2) for z in (x, y)]
    across = halves[0].new_tensor([[1, 0, -1]] * 3)[None, None] / 3
    m_x, m_y = (
        (F.conv2d(z, across, padding=1).square() + F.conv2d(z, across.mT, padding=1).square()).sqrt() for z in halves
    )
    similarity = (2 * m_x * m_y + 170) / (m_x.square() + m_y.square() + 170)
    return similarity.var(correction=correction).sqrt()


def test_the_naive_gmsd_is_right_where_nothing_is_zero() -> None:
    x, y = batch(1, 3, 16)
    assert naive_gmsd(x, y).item() == pytest.approx(gmsd(x, y).item(), rel=1e-9)


def test_trap_5_5_roots_of_zero() -> None:
    def finite_where_the_formula_takes_roots_of_zero(metric: Metric) -> None:
        y = photo(size=16)
        half = y.clone()
        half[..., :8] = 0.5
        flat = torch.full_like(y, 0.5)
        for a, b in ((y, y), (flat, y), (y, flat), (half, y), (half, half), (0 * y, 0 * y), (flat, 1 - flat)):
            a, b = a.clone().requires_grad_(), b.clone().requires_grad_()
            value = metric(a, b)
            assert value.isfinite()
            assert all(g.isfinite().all() for g in torch.autograd.grad(value, (a, b)))

    def no_pull_at_the_optimum(metric: Metric) -> None:
        y = photo(size=16)
        a = y.clone().requires_grad_()
        value = metric(a, y)
        assert value.item() == 0
        assert not torch.autograd.grad(value, a)[0].any()

    only_ours(finite_where_the_formula_takes_roots_of_zero, gmsd, naive_gmsd)
    only_ours(no_pull_at_the_optimum, gmsd, naive_gmsd)
    finite_where_the_formula_takes_roots_of_zero(fsim)
    finite_where_the_formula_takes_roots_of_zero(lambda x, y: fsim(x, y, chromatic=True))


def test_trap_5_8_the_down_sampling_factor() -> None:
    y = le.data.crop(le.data.photograph("retina"), 300, 300, 640).double()
    x = noisy(y, 0.1)
    down_x, down_y = (
        torch.from_numpy(oracles_metrics.average_down(z[0, 1].numpy(), 3))[None, None] for z in (x, y)
    )  # 640 / 256 = 2.5: MATLAB rounds to 3, and 214 pixels are left
    assert down_x.shape == (1, 1, 214, 214)
    expected = fsim(down_x, down_y).item()

    def is_matlabs(metric: Metric) -> None:
        assert metric(x[:, 1:2], y[:, 1:2]).item() == pytest.approx(expected, rel=1e-10)

    def by_blocks(factor: int) -> Metric:
        return lambda a, b: fsim(F.avg_pool2d(a, factor), F.avg_pool2d(b, factor))

    only_ours(is_matlabs, fsim, by_blocks(round(2.5)))  # Python rounds to even
    only_ours(is_matlabs, fsim, by_blocks(math.floor(2.5)))
    only_ours(is_matlabs, fsim, by_blocks(3))  # the right factor, another phase


def test_trap_5_10_grey() -> None:
    def pixels_for_channels(x: Tensor) -> Tensor:
        weights = x.new_tensor([0.299, 0.587, 0.114])
        return (x.reshape(-1, 3) @ weights).view(x.shape[0], 1, *x.shape[-2:])

    def knows_channels_from_pixels(luma: Callable[[Tensor], Tensor]) -> None:
        x = torch.zeros(2, 3, 4, 4)
        x[:, 1] = 1
        torch.testing.assert_close(luma(x), torch.full((2, 1, 4, 4), 0.587))

    def studio_range(x: Tensor, y: Tensor) -> Tensor:
        return gmsd(
            *((65.481 * r + 128.553 * g + 24.966 * b + 16) / 255 for r, g, b in (z.split(1, 1) for z in (x, y)))
        )

    def is_the_published_luma(metric: Metric) -> None:
        x, y = batch(1, 3, 16)
        expected = oracles_metrics.gmsd(oracles_metrics.pixels(x), oracles_metrics.pixels(y))
        assert metric(x, y).item() == pytest.approx(expected, rel=1e-9)

    only_ours(knows_channels_from_pixels, grey.luma, pixels_for_channels)
    only_ours(is_the_published_luma, gmsd, studio_range)


@pytest.mark.parametrize("metric", [gmsd, fsim, iw_ssim], ids=lambda m: m.__name__)
def test_trap_5_10_constants_belong_to_255(metric: Metric) -> None:
    x, y = batch(2, 3, 164)

    def scales_with_the_range(subject: Metric) -> None:
        expected = subject(x, y).item()
        assert subject(255 * x, 255 * y, data_range=255).item() == pytest.approx(expected, abs=1e-6)
        assert subject(x / 7, y / 7, data_range=1 / 7).item() == pytest.approx(expected, abs=1e-6)

    only_ours(scales_with_the_range, metric, lambda a, b, data_range=1.0: metric(a, b))


def test_trap_5_20_nothing_to_weigh_by() -> None:
    def divides(x: Tensor, y: Tensor) -> Tensor:
        pc_x, pc_y = (phase_congruency(255 * z) for z in (x, y))
        weight = torch.maximum(pc_x, pc_y)
        return (weight * (1 - (pc_x - pc_y).square())).sum() / weight.sum()

    def with_an_eps(x: Tensor, y: Tensor) -> Tensor:
        pc_x, pc_y = (phase_congruency(255 * z) for z in (x, y))
        weight = torch.maximum(pc_x, pc_y)
        return (weight * (1 - (pc_x - pc_y).square())).sum() / (weight.sum() + 1e-12)

    def flat_equals_are_perfect(metric: Metric) -> None:
        for level in (0.0, 0.3, 1.0):
            flat = torch.full((1, 1, 16, 17), level)
            assert metric(flat, flat.clone()).item() == 1

    only_ours(flat_equals_are_perfect, fsim, divides)
    only_ours(flat_equals_are_perfect, fsim, with_an_eps)


def test_trap_5_20_the_median_of_an_even_number() -> None:
    def lower(x: Tensor) -> Tensor:
        return x.flatten(-2).median(dim=-1).values[..., None, None]

    def is_matlabs(middle: Callable[[Tensor], Tensor]) -> None:
        for count in (6, 7):
            for values in (torch.arange(count), torch.tensor([1, 1, 1, 1, 2, 5, 9])[:count], torch.tensor([4] * count)):
                amplitude = values.double().flip(0).view(1, 1, 1, count)
                expected = math.sqrt(oracles_metrics.np.median(values.numpy() ** 2.0))
                assert middle(amplitude).shape == (1, 1, 1, 1)
                assert middle(amplitude).item() == pytest.approx(expected, rel=1e-14)

    from lossedu.metrics.phase_congruency import _middle

    only_ours(is_matlabs, _middle, lower)


def test_trap_5_20_noise_of_each_image() -> None:
    """The threshold belongs to one image: a noisy neighbour in the batch must not raise it."""
    y = torch.cat([photo("camera", 24), photo("brick", 24)])
    x = noisy(y, 0.2)

    def keeps_images_apart(metric: Metric) -> None:
        alone = [metric(x[i : i + 1], y[i : i + 1], reduction="none").item() for i in range(2)]
        assert metric(x, y, reduction="none").tolist() == pytest.approx(alone, rel=1e-12)

    def pools(a: Tensor, b: Tensor, *, reduction: str) -> Tensor:
        return fsim(torch.cat(list(a), -1)[None], torch.cat(list(b), -1)[None]).expand(len(a))

    only_ours(keeps_images_apart, fsim, pools)


def test_trap_5_20_power_of_opposite_colours() -> None:
    """S_I S_Q below 0 has a complex power; at 0 the power's slope is infinite."""

    def pair(shift: float) -> tuple[Tensor, Tensor]:
        y = photo("chelsea", 12)[:, :1].expand(-1, 3, -1, -1)
        tint = torch.tensor([0.9563, -0.2721, -1.1070], dtype=torch.float64).view(1, 3, 1, 1)  # I alone
        return y - shift * tint, y + shift * tint

    def absolute(x: Tensor, y: Tensor) -> Tensor:
        i_x, i_y, q_x, q_y = (255 * grey.plane(z, row) for row in (1, 2) for z in (x, y))
        colour = (2 * i_x * i_y + 200) / (i_x**2 + i_y**2 + 200) * (2 * q_x * q_y + 200) / (q_x**2 + q_y**2 + 200)
        return (fsim(x, y) * colour.abs() ** 0.03).mean()

    def takes_the_real_part(metric: Metric) -> None:
        x, y = pair(0.2)
        expected = oracles_metrics.fsim(oracles_metrics.pixels(x), oracles_metrics.pixels(y), True)
        assert metric(x, y).item() == pytest.approx(expected, rel=1e-9)

    def ours(x: Tensor, y: Tensor) -> Tensor:
        return fsim(x, y, chromatic=True)

    only_ours(takes_the_real_part, ours, absolute)
    for shift in (0.0, 10 / 255, math.nextafter(10 / 255, 1)):  # 2 I_x I_y + 200 is 0 for I = 10 and -10
        x, y = (z.clone().requires_grad_() for z in pair(shift))
        for grad in torch.autograd.grad(ours(x, y), (x, y)):
            assert grad.isfinite().all()


def test_trap_5_20_flat_or_striped_reference() -> None:
    y = photo("camera", 161)
    stripes = y[..., :1].expand_as(y).contiguous()
    flat = torch.full_like(y, 0.5)

    def naive(a: Tensor, b: Tensor) -> Tensor:
        from lossedu.metrics import information_weighting as iw

        u = iw._neighbourhoods(255 * b).flatten(2)
        covariance = u @ u.mT / u.shape[-1]
        assert torch.linalg.cond(covariance).max() < 1e15, "singular"
        return iw_ssim(a, b)

    def finite(metric: Metric) -> None:
        for dtype in (torch.float32, torch.float64):
            for a, b in ((y, flat), (flat, y), (flat, flat), (y, stripes), (stripes, y), (flat, 0 * flat)):
                a, b = a.to(dtype).requires_grad_(), b.to(dtype).requires_grad_()
                value = metric(a, b)
                assert 0 <= value <= 1
                assert all(g.isfinite().all() for g in torch.autograd.grad(value, (a, b)))
            assert metric(flat.to(dtype), flat.to(dtype)).item() == pytest.approx(1, abs=1e-6)

    only_ours(finite, iw_ssim, naive)


def test_trap_5_20_negative_means() -> None:
    y = photo("camera", 161)
    x = (1 - y).requires_grad_()

    def stays_real(power: Callable[[Tensor, float], Tensor]) -> None:
        base = torch.tensor([-0.5, 0.0, 0.25], requires_grad=True)
        found = power(base, 0.5)
        assert found.tolist() == [0, 0, 0.5]
        assert torch.autograd.grad(found.sum(), base)[0].tolist() == [0, 0, 1]

    from lossedu.metrics.magnitudes import power

    only_ours(stays_real, power, lambda base, exponent: base**exponent)
    only_ours(stays_real, power, lambda base, exponent: base.clamp_min(0) ** exponent)
    value = iw_ssim(x, y)
    assert value.item() == 0
    assert not torch.autograd.grad(value, x)[0].any()


def test_trap_5_20_who_gives_the_weights() -> None:
    """Both orders are finite and differ: what a pixel tells is asked of the reference."""
    y = photo("coffee", 161, top=100, left=120)
    x = noisy(y, 0.1)
    expected = oracles_metrics.iw_ssim(oracles_metrics.pixels(x), oracles_metrics.pixels(y))

    def asks_the_reference(metric: Metric) -> None:
        assert metric(x, y).item() == pytest.approx(expected, abs=1e-9)

    only_ours(asks_the_reference, iw_ssim, lambda a, b: iw_ssim(b, a))


def test_trap_5_20_sample_deviation() -> None:
    x, y = batch(1, 1, 8)

    def divides_by_n_minus_one(metric: Metric) -> None:
        expected = oracles_metrics.gmsd(oracles_metrics.pixels(x), oracles_metrics.pixels(y))
        assert metric(x, y).item() == pytest.approx(expected, rel=1e-9)

    only_ours(divides_by_n_minus_one, gmsd, lambda a, b: naive_gmsd(a, b, correction=0))


@pytest.mark.parametrize("metric", [gmsd, fsim, iw_ssim], ids=lambda m: m.__name__)
def test_trap_5_21_reduction(metric: Metric) -> None:
    x, y = batch(3, 3, 161)
    x[1] = y[1]  # images of very different quality

    def a_batch_is_a_stack_of_singles(subject: Metric) -> None:
        singles = torch.stack([metric(a[None], b[None]) for a, b in zip(x, y, strict=True)])
        assert singles.std() > 0.01 * singles.mean()
        torch.testing.assert_close(subject(x, y, reduction="none"), singles, rtol=1e-12, atol=1e-15)
        assert subject(x, y).item() == pytest.approx(singles.mean().item(), rel=1e-12)
        assert subject(x, y, reduction="sum").item() == pytest.approx(singles.sum().item(), rel=1e-12)
        order = [2, 0, 1]
        torch.testing.assert_close(subject(x[order], y[order], reduction="none"), singles[order])

    def pools_the_batch(a: Tensor, b: Tensor, *, reduction: str = "mean") -> Tensor:
        value = metric(torch.cat(list(a), dim=-1)[None], torch.cat(list(b), dim=-1)[None])
        return {"mean": value, "sum": value * len(a), "none": value.expand(len(a))}[reduction]

    only_ours(a_batch_is_a_stack_of_singles, metric, pools_the_batch)
