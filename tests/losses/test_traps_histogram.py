"""Traps of differentiable histograms: our function must pass each check, and a twin that falls in must not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from pictures import noisy, photo
from scipy.stats import wasserstein_distance
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from traps import only_ours, refuses

import lossedu as le

Loss = Callable[..., Tensor]
Histogram = Callable[..., Tensor]


def hard(x: Tensor, bins: int = 256) -> Tensor:
    """torch.histc of each channel: no derivative."""
    planes = x.detach().flatten(0, 1).flatten(1)
    rows = torch.stack([torch.histc(p.float(), bins, 0, 1) for p in planes]) / planes.shape[1]
    return rows.view(*x.shape[:2], bins).to(x)


def hard_emd(x: Tensor, y: Tensor, **_: Any) -> Tensor:
    return (hard(x) - hard(y)).cumsum(dim=2).abs().mean()


def plain(x: Tensor, bins: int = 256) -> Tensor:
    """The kernel as published: every pixel against every bin, nothing reflected and nothing clamped."""
    centres = (torch.arange(bins, dtype=x.dtype) + 0.5) / bins
    width = 1 / (2.5 * bins)
    z = x.flatten(2)[..., None] - centres
    return (torch.sigmoid((z + 0.5 / bins) / width) - torch.sigmoid((z - 0.5 / bins) / width)).mean(dim=2)


def plain_emd(x: Tensor, y: Tensor) -> Tensor:
    return (plain(x) - plain(y)).cumsum(dim=2).abs().mean()


def squared(x: Tensor, y: Tensor) -> Tensor:
    """The published layer's distance: squares of the differences of F, in place of their sizes."""
    return (le.soft_histogram(x) - le.soft_histogram(y)).cumsum(dim=2).square().mean()


def scattered(x: Tensor, bins: int = 256) -> Tensor:
    """The same two-bin weights, added up in the images' own precision, in the order of the pixels."""
    u = x.flatten(2).clamp(0, 1) * (bins - 1)
    low = u.floor().clamp(max=bins - 2)
    rows = torch.zeros(*x.shape[:2], bins, dtype=x.dtype)
    rows.scatter_add_(2, low.long(), 1 - (u - low)).scatter_add_(2, low.long() + 1, u - low)
    return rows / u.shape[2]


def test_trap_5_17_no_derivative() -> None:
    """torch.histc and rounding to bins cut the graph, and nothing says so."""

    def pulls(loss: Loss) -> None:
        x = photo(size=8).float().requires_grad_()
        value = loss(x, 0.5 * x.detach())
        assert value.requires_grad
        value.backward()
        assert x.grad is not None and x.grad.any()

    only_ours(pulls, le.histogram_emd_loss, hard_emd)


def test_trap_5_17_mass_leaks_at_the_ends() -> None:
    def sums_to_one(histogram: Histogram) -> None:
        for x in (
            torch.zeros(1, 1, 4, 4),
            torch.ones(1, 1, 4, 4),
            photo(size=16).float(),
            2 * photo(size=8).float() - 1,
        ):
            torch.testing.assert_close(histogram(x).sum(dim=2), torch.ones(x.shape[:2]), rtol=0, atol=1e-6)

    only_ours(sums_to_one, le.soft_histogram, plain)
    only_ours(sums_to_one, lambda x: le.soft_histogram(x, kernel="logistic"), plain)
    # the same through our own option, which is there to show it
    only_ours(
        sums_to_one,
        lambda x: le.soft_histogram(x, kernel="logistic"),
        lambda x: le.soft_histogram(x, kernel="logistic", mirror=False),
    )


def test_trap_5_17_the_mean_is_not_kept() -> None:
    def keeps_the_mean(histogram: Histogram) -> None:
        x = photo("camera", 32).clamp(0.3, 0.7)
        mean = (histogram(x, bins=8) * torch.linspace(0, 1, 8)).sum(dim=2)
        torch.testing.assert_close(mean, x.mean(dim=(2, 3)), rtol=0, atol=1e-7)

    only_ours(keeps_the_mean, le.soft_histogram, hard)
    only_ours(keeps_the_mean, le.soft_histogram, plain)


def test_trap_5_17_a_shift_does_not_cost_its_size() -> None:
    def costs_the_shift(loss: Loss) -> None:
        y = 0.2 + 0.5 * photo(size=16)
        for shift in (0.001, 0.01, 0.1, 0.25):
            assert loss(y + shift, y).item() == pytest.approx(shift, rel=1e-9)
            assert loss(y - 0.1 * shift, y).item() == pytest.approx(0.1 * shift, rel=1e-9)

    only_ours(costs_the_shift, le.histogram_emd_loss, squared)
    only_ours(costs_the_shift, le.histogram_emd_loss, hard_emd)
    only_ours(costs_the_shift, lambda x, y: le.histogram_emd_loss(x, y, kernel="sort"), plain_emd)


def test_trap_5_17_squared_differences_are_another_distance() -> None:
    def is_that_of_scipy(loss: Loss) -> None:
        y = photo("coffee", 32)
        x = (1.1 * noisy(y, 0.03)).clamp(0, 1)
        exact = sum(wasserstein_distance(a.flatten(), b.flatten()) for a, b in zip(x[0], y[0], strict=True)) / 3
        assert loss(x, y).item() == pytest.approx(exact, rel=0.01)

    def triangle(loss: Loss) -> None:
        x, y, z = (torch.full((1, 1, 4, 4), v) for v in (0.2, 0.5, 0.8))
        assert loss(x, z) <= loss(x, y) + loss(y, z) + 1e-6
        assert loss(x, z).item() == pytest.approx(0.6, abs=1e-6)

    for kernel in ("linear", "sort"):
        ours: Loss = lambda x, y, k=kernel: le.histogram_emd_loss(x, y, kernel=k)  # noqa: E731
        only_ours(is_that_of_scipy, ours, squared)
        only_ours(triangle, ours, squared)
        # with the root taken afterwards, as one port has it, a shift by d costs the root of d
        only_ours(triangle, ours, lambda x, y: squared(x, y).sqrt())


def test_trap_5_17_the_gradient_is_not_of_one_size() -> None:
    def one_size(loss: Loss) -> None:
        y = (0.2 + 0.6 * photo("camera", 24)).requires_grad_()
        x = (noisy(y.detach(), 0.01) - 0.1).requires_grad_()
        for leaf, sign in ((x, -1), (y, 1)):
            pull = sign * torch.autograd.grad(loss(x, y), leaf)[0] * leaf.numel()
            torch.testing.assert_close(pull, torch.ones_like(pull), rtol=1e-9, atol=0)

    for kernel in ("linear", "sort"):
        ours: Loss = lambda x, y, k=kernel: le.histogram_emd_loss(x, y, kernel=k)  # noqa: E731
        only_ours(one_size, ours, squared)
        only_ours(one_size, ours, plain_emd)


def test_trap_5_17_black_is_pushed_out_of_the_range() -> None:
    def black_is_not_pulled_blacker(loss: Loss) -> None:
        x = (0.6 * photo("camera", 16).clamp(min=0.1)).requires_grad_()
        x = torch.cat([torch.zeros(1, 1, 16, 1, dtype=torch.float64), x.detach()], dim=3).requires_grad_()
        (grad,) = torch.autograd.grad(loss(x, x.detach() + 0.2), x)
        assert grad[..., 0].max() <= 1e-12
        assert grad.abs().max() < 2 / x.numel()

    only_ours(black_is_not_pulled_blacker, le.histogram_emd_loss, plain_emd)
    only_ours(black_is_not_pulled_blacker, lambda x, y: le.histogram_emd_loss(x, y, kernel="logistic"), plain_emd)


def test_trap_5_17_values_outside_the_range() -> None:
    def counts_them_at_the_end(histogram: Histogram) -> None:
        x = torch.tensor([-0.5, 0.0, 1.0, 1.5]).view(1, 1, 2, 2)
        assert histogram(x, bins=4).tolist() == [[[0.5, 0.0, 0.0, 0.5]]]

    only_ours(counts_them_at_the_end, le.soft_histogram, hard)


def test_trap_5_17_hard_bins_count_at_the_edges_of_floats() -> None:
    """8-bit codes lie next to the edges of 256 bins: the last bit of a float decides where a whole tone goes."""

    def hardly_changes(loss: Loss) -> None:
        y = (255 * photo("camera", 32)).round().float() / 256
        assert loss(y - 1e-7, y).item() < 3e-7

    only_ours(hardly_changes, le.histogram_emd_loss, hard_emd)


def test_trap_5_17_different_pixel_counts() -> None:
    def counts_shares(histogram: Histogram) -> None:
        x = photo(size=8)
        torch.testing.assert_close(histogram(x.tile(1, 1, 3, 5)), histogram(x), rtol=1e-12, atol=1e-15)

    only_ours(counts_shares, le.soft_histogram, lambda x: hard(x) * x[0, 0].numel())
    for kernel in ("linear", "logistic", "sort"):
        assert refuses(
            ValueError, le.histogram_emd_loss, torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 5), kernel=kernel
        )


def test_trap_5_17_a_count_beyond_float32() -> None:
    """2^24 + 1 is 2^24 in float32, so counting by ones stops there."""

    def counts_on(histogram: Histogram) -> None:
        x = torch.zeros(1, 1, 4099, 4099)
        x[..., 0] = 1
        torch.testing.assert_close(histogram(x, bins=2)[0, 0, 0].item(), 4098 / 4099, rtol=1e-7, atol=0)

    only_ours(counts_on, le.soft_histogram, scattered)


def test_trap_5_17_the_order_of_adding() -> None:
    """Sums of floats depend on their order, which is the images' here, and on a GPU the scheduler's."""

    def same_bits_in_any_order(histogram: Histogram) -> None:
        x = noisy(photo("coffee", 64), 0.01).float()
        order = torch.randperm(64 * 64, generator=torch.Generator().manual_seed(0))
        assert torch.equal(histogram(x.flatten(2)[..., order].view(x.shape)), histogram(x))

    only_ours(same_bits_in_any_order, le.soft_histogram, scattered)


def test_trap_not_a_number_is_no_index() -> None:
    """A network that has diverged must give not-a-number, not an index out of a table, which ends a GPU's process."""

    def survives(histogram: Histogram) -> None:
        x = torch.full((1, 1, 3, 3), torch.nan)
        assert not refuses(RuntimeError, histogram, x)
        assert histogram(x).isnan().any()

    only_ours(survives, le.soft_histogram, scattered)


class Largest(TorchDispatchMode):
    """Remembers the largest tensor that was made."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for one in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(one, Tensor):
                self.size = max(self.size, one.numel())
        return out


def test_trap_every_pixel_against_every_bin_at_once() -> None:
    """256 floats for each pixel: 200 MB for a colour image of 256 x 256, and that several times over."""

    def stays_small(loss: Loss) -> None:
        x, y = (photo(name, 64).float().requires_grad_() for name in ("chelsea", "coffee"))
        with Largest() as largest:
            loss(x, y).backward()
        assert largest.size <= 2**18

    only_ours(stays_small, lambda x, y: le.histogram_emd_loss(x, y, kernel="logistic"), plain_emd)
    only_ours(stays_small, le.histogram_emd_loss, plain_emd)
