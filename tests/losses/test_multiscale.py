"""MS-SSIM by the sigma trick: value and gradient against the naive formula, the published layer, SSIM and kornia."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import kornia
import numpy as np
import oracles
import oracles_multiscale
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import batch, noisy, photo
from torch import Tensor

import lossedu as le
from lossedu import filters
from lossedu.losses import scales, scales_dense, scales_patch
from lossedu.losses.dissimilarity import constants

few: dict[str, Any] = {"sigmas": (0.4, 0.8, 1.2)}  # 3, 7 and 9 taps
CASES: list[tuple[int, int, tuple[int, int], dict[str, Any]]] = [
    (2, 2, (11, 10), few),
    (1, 3, (9, 9), few),
    (2, 1, (6, 7), {**few, "padding": "reflect"}),
    (1, 2, (11, 10), {"sigmas": (1.2, 0.4, 0.8)}),
    (1, 2, (6, 8), {"sigmas": (1.2, 0.4), "padding": "reflect"}),
    (2, 2, (8, 9), {"sigmas": [0.8]}),
    (1, 2, (9, 10), {"sigmas": (0.5, 1.0), "data_range": 2.0, "k1": 0.02, "k2": 0.05}),
    (2, 3, (9, 9), {**few, "form": "patch"}),
    (2, 3, (13, 13), {"form": "patch"}),
    (1, 1, (7, 7), {"sigmas": (2.0, 0.5), "form": "patch"}),
    (3, 2, (5, 5), {"sigmas": (3.0,), "form": "patch", "data_range": 2.0, "k1": 0.02, "k2": 0.05}),
]
FORMS = [{}, {"padding": "reflect"}, {"form": "patch"}]


def gradients(loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    return torch.autograd.grad(loss(x, y), (x, y))


@pytest.mark.parametrize(("n", "c", "size", "options"), CASES, ids=str)
def test_value_and_gradient_equal_the_naive_formula(
    n: int, c: int, size: tuple[int, int], options: dict[str, Any]
) -> None:
    x, y = batch(n, c, size)
    expected = oracles_multiscale.ms_ssim_sigma_loss(x, y, **options)
    found = le.ms_ssim_sigma_loss(x, y, reduction="none", **options)
    assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-10)
    index = le.ms_ssim_sigma(x, y, reduction="none", **options)
    assert index.tolist() == pytest.approx((1 - expected).tolist(), rel=1e-10)

    naive = gradients(lambda a, b: oracles_multiscale.ms_ssim_sigma_loss(a, b, **options).mean(), x, y)
    ours = gradients(lambda a, b: le.ms_ssim_sigma_loss(a, b, **options), x, y)
    of_index = gradients(lambda a, b: -le.ms_ssim_sigma(a, b, **options), x, y)
    for a, b, theirs in zip(ours, of_index, naive, strict=True):
        torch.testing.assert_close(a, theirs, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(b, theirs, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(le.ms_ssim_sigma_grad(x, y, **options), naive[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("padding", "size"), [("valid", 58), ("reflect", 29)])
def test_the_sigmas_of_the_paper(padding: str, size: int) -> None:
    x, y = batch(1, 1, (size, size + 1))
    exact = oracles_multiscale.ms_ssim_sigma_loss(x, y, padding=padding).item()
    assert le.ms_ssim_sigma_loss(x, y, padding=padding).item() == pytest.approx(exact, rel=1e-10)
    spelled_out = le.ms_ssim_sigma_loss(x, y, sigmas=(0.5, 1, 2, 4, 8), form="dense", padding=padding, data_range=1)
    assert spelled_out.item() == le.ms_ssim_sigma_loss(x, y, padding=padding, k1=0.01, k2=0.03).item()


@pytest.mark.parametrize("size", [31, 15])
def test_patch_form_equals_the_published_layer(size: int) -> None:
    x, y = batch(2, 3, size)
    value, grad = oracles_multiscale.published_layer(x, y)
    assert le.ms_ssim_sigma_loss(x, y, form="patch").item() == pytest.approx(value, rel=1e-10)
    torch.testing.assert_close(le.ms_ssim_sigma_grad(x, y, form="patch"), grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("padding", ["valid", "reflect"])
def test_dense_form_agrees_with_kornia(padding: str) -> None:
    """Same windows put into it, and only pixels where its border of zeros is out of reach."""
    sigmas = (0.5, 1.0, 2.0)
    x, y = batch(2, 3, (21, 18))

    def peer(a: Tensor, b: Tensor) -> Tensor:
        if padding == "reflect":
            a, b = filters.reflect(a, 7), filters.reflect(b, 7)
        values, radius = oracles_multiscale.kornia_map(a, b, sigmas)
        assert radius == 7
        return values[:, radius:-radius, radius:-radius].mean()

    def ours(a: Tensor, b: Tensor) -> Tensor:
        return le.ms_ssim_sigma_loss(a, b, sigmas=sigmas, padding=padding)

    assert ours(x, y).item() == pytest.approx(peer(x, y).item(), rel=1e-10)
    for a, b in zip(gradients(ours, x, y), gradients(peer, x, y), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def test_patch_form_agrees_with_kornia_as_it_is() -> None:
    """On patches of 33 pixels its window, 33 taps for every sigma, meets no border at the centre."""
    x, y = batch(2, 3, 33)
    layer = kornia.losses.MS_SSIMLoss(alpha=1.0, compensation=1.0, reduction="none")
    peer = layer(x.float(), y.float())[:, 16, 16]
    found = le.ms_ssim_sigma_loss(x.float(), y.float(), form="patch", reduction="none")
    assert found.tolist() == pytest.approx(peer.tolist(), rel=1e-5)

    def exact_peer(a: Tensor, b: Tensor) -> Tensor:
        return oracles_multiscale.kornia_map(a, b, oracles_multiscale.SIGMAS, 33)[0][:, 16, 16].mean()

    def ours(a: Tensor, b: Tensor) -> Tensor:
        return le.ms_ssim_sigma_loss(a, b, form="patch")

    assert ours(x, y).item() == pytest.approx(exact_peer(x, y).item(), rel=1e-10)
    for a, b in zip(gradients(ours, x, y), gradients(exact_peer, x, y), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def test_one_sigma_is_ssim() -> None:
    x, y = batch(2, 3, (17, 15))
    for padding in ("valid", "reflect"):
        found = le.ms_ssim_sigma_loss(x, y, sigmas=(1.5,), padding=padding, reduction="none")
        torch.testing.assert_close(found, le.ssim_loss(x, y, padding=padding, reduction="none"), rtol=1e-12, atol=0)
    x, y = x[..., :15, :15], y[..., :15, :15]
    found = le.ms_ssim_sigma_loss(x, y, sigmas=(5.0,), form="patch", reduction="none")
    one_window = le.ssim_loss(x, y, sigma=5.0, kernel_size=15, reduction="none")
    torch.testing.assert_close(found, one_window, rtol=1e-12, atol=0)


def test_the_luminance_is_that_of_the_last_sigma() -> None:
    x, y = batch(1, 3, (20, 20))
    x = x + torch.linspace(-0.3, 0.3, 20, dtype=torch.float64)  # different from window to window
    values = {s: le.ms_ssim_sigma_loss(x, y, sigmas=s).item() for s in itertools.permutations((0.5, 1.0, 2.0))}
    assert values[0.5, 1.0, 2.0] == pytest.approx(values[1.0, 0.5, 2.0], rel=1e-12)
    assert abs(values[0.5, 1.0, 2.0] - values[2.0, 1.0, 0.5]) > 1e-5


@pytest.mark.parametrize("sigmas", [[0.5, 1, 2], np.array([0.5, 1.0, 2.0]), (np.float32(0.5), 1, 2.0)], ids=str)
def test_any_sequence_of_sigmas(sigmas: Any) -> None:
    x, y = batch(1, 1, 20)
    expected = le.ms_ssim_sigma_loss(x, y, sigmas=(0.5, 1.0, 2.0)).item()
    assert le.ms_ssim_sigma_loss(x, y, sigmas=sigmas).item() == expected


def test_a_uniform_shift_is_felt_through_the_luminance_alone() -> None:
    """sum_q dcs/dx(q) = 0, so what is left of the sum of the gradient is the slope of l times all cs."""
    x, y = batch(1, 1, 15)
    c1, c2 = oracles.constants()
    windows = [oracles.window(sigma, 15) for sigma in (1.0, 3.0)]
    moments = [oracles.moments(x[0, 0], y[0, 0], g) for g in windows]
    m = moments[-1]
    l, cs = oracles.luminance(m, c1), [oracles.contrast_structure(each, c2) for each in moments]
    expected = -2 * (m.mu_y - m.mu_x * l) / (m.mu_x**2 + m.mu_y**2 + c1) * cs[0] * cs[1]
    found = le.ms_ssim_sigma_grad(x, y, sigmas=(1.0, 3.0), form="patch").sum()
    assert found.item() == pytest.approx(expected.item(), rel=1e-10)
    level = x + (m.mu_y - m.mu_x)  # the same mean: l is at its top
    grad = le.ms_ssim_sigma_grad(level, y, sigmas=(1.0, 3.0), form="patch")
    assert abs(grad.sum().item()) < 1e-12 * grad.abs().sum().item() < 1e-9


def test_negative_factors_are_multiplied_not_clamped() -> None:
    y = photo(size=15)
    x = y.mean() * 2 - y  # inverted: every cs is below 0
    both, three = ((1.0, 3.0), (1.0, 2.0, 3.0))
    for options in ({"form": "patch"}, {"padding": "reflect"}):
        assert le.ms_ssim_sigma_loss(x, y, sigmas=both, **options).item() < 1  # type: ignore[arg-type]
        assert le.ms_ssim_sigma_loss(x, y, sigmas=three, **options).item() > 1  # type: ignore[arg-type]


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_equal_images_cost_and_pull_exactly_nothing(options: dict[str, Any]) -> None:
    y = photo(size=61).float()
    for picture in (y, torch.zeros_like(y), torch.ones_like(y), 300 * y - 100):
        assert le.ms_ssim_sigma_loss(picture, picture, **options).item() == 0
        assert le.ms_ssim_sigma(picture, picture, **options).item() == 1
        for grad in gradients(lambda a, b: le.ms_ssim_sigma_loss(a, b, **options), picture, picture):
            assert not grad.any()


@pytest.mark.parametrize("options", FORMS, ids=str)
@pytest.mark.parametrize("deviation", [0.3, 0.03, 0.003, 0.0003])
def test_float32_bound(options: dict[str, Any], deviation: float) -> None:
    """Value within 3e-5 of float64, gradient within 2e-4 of its largest component, however near the truth."""
    y = photo("coffee", 65, top=150, left=280).float()
    x = noisy(y, deviation)
    exact = le.ms_ssim_sigma_loss(x.double(), y.double(), **options).item()
    assert le.ms_ssim_sigma_loss(x, y, **options).item() == pytest.approx(exact, rel=3e-5)
    exact_grads = gradients(lambda a, b: le.ms_ssim_sigma_loss(a, b, **options), x.double(), y.double())
    grads = gradients(lambda a, b: le.ms_ssim_sigma_loss(a, b, **options), x, y)
    for ours, theirs in zip(grads, exact_grads, strict=True):
        assert (ours.double() - theirs).abs().max() <= 2e-4 * theirs.abs().max()


@pytest.mark.parametrize(("n", "size", "options"), [(1, (5, 6), {}), (2, (3, 4), FORMS[1]), (2, (3, 3), FORMS[2])])
def test_gradients_of_first_and_second_order(n: int, size: tuple[int, int], options: dict[str, Any]) -> None:
    x, y = (z.requires_grad_() for z in batch(n, 1, size))

    def loss(a: Tensor, b: Tensor) -> Tensor:
        return le.ms_ssim_sigma_loss(a, b, sigmas=(0.3, 0.5), reduction="none", **options)

    assert torch.autograd.gradcheck(loss, (x, y))
    assert torch.autograd.gradgradcheck(loss, (x, y))


@pytest.mark.parametrize("options", FORMS, ids=str)
@pytest.mark.parametrize("wanted", [(True, False), (False, True), (True, True)])
def test_gradients_in_either_image(options: dict[str, Any], wanted: tuple[bool, bool]) -> None:
    options = {**few, **options}
    x, y = (z.requires_grad_(want) for z, want in zip(batch(2, 2, 11), wanted, strict=True))
    le.ms_ssim_sigma_loss(x, y, **options).backward()
    expected = le.ms_ssim_sigma_grad(x, y, **options), le.ms_ssim_sigma_grad(y, x, **options)
    for image, want, grad in zip((x, y), wanted, expected, strict=True):
        assert (image.grad is not None) == want
        if want:
            torch.testing.assert_close(image.grad, grad, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_reductions(options: dict[str, Any]) -> None:
    options = {**few, **options}
    x, y = batch(3, 2, 13)
    each = le.ms_ssim_sigma_loss(x, y, reduction="none", **options)
    assert each.shape == (3,)
    assert le.ms_ssim_sigma_loss(x, y, reduction="sum", **options).item() == pytest.approx(each.sum().item())
    assert le.ms_ssim_sigma_loss(x, y, **options).item() == pytest.approx(each.mean().item())
    assert le.ms_ssim_sigma(x, y, reduction="sum", **options).item() == pytest.approx((1 - each).sum().item())
    total = le.ms_ssim_sigma_grad(x, y, reduction="sum", **options)
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(le.ms_ssim_sigma_loss(leaf, y, reduction="sum", **options), leaf)
    torch.testing.assert_close(total, expected, rtol=1e-12, atol=1e-16)
    torch.testing.assert_close(le.ms_ssim_sigma_grad(x, y, **options), total / 3, rtol=1e-12, atol=1e-16)
    assert torch.equal(le.ms_ssim_sigma_grad(x, y, reduction="none", **options), total)
    assert total.is_contiguous()
    assert not le.ms_ssim_sigma_grad(leaf, y, **options).requires_grad


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_any_upstream_gradient(options: dict[str, Any]) -> None:
    options = {**few, **options}
    x, y = batch(3, 2, 11)
    x.requires_grad_()
    each = le.ms_ssim_sigma_loss(x, y, reduction="none", **options)
    upstream = torch.tensor([2.0, -1.0, 0.0], dtype=torch.float64)
    (found,) = torch.autograd.grad(each, x, upstream)
    singles = le.ms_ssim_sigma_grad(x, y, reduction="none", **options)
    torch.testing.assert_close(found, upstream.view(3, 1, 1, 1) * singles, rtol=1e-10, atol=1e-14)


@given(
    n=st.integers(1, 9),
    c=st.integers(1, 20),
    height=st.integers(57, 900),
    width=st.integers(57, 3000),
    taps=st.sampled_from([1, 5, 57]),
)
@settings(max_examples=60, deadline=None)
def test_every_window_lies_in_one_strip(n: int, c: int, height: int, width: int, taps: int) -> None:
    seen: dict[int, list[int]] = {image: [] for image in range(n)}
    for strips, rows in scales_dense._strips(torch.Size((n, c, height, width)), taps):
        assert len(strips) == 1 or len(strips) * c <= scales_dense.CHANNELS
        for image, top in strips:
            assert 0 <= top <= height - rows
            seen[image] += range(top, top + rows - taps + 1)
    assert all(sorted(tops) == list(range(height - taps + 1)) for tops in seen.values())


@pytest.mark.parametrize(
    ("shape", "taps", "expected"),
    [
        ((2, 3, 184, 184), 57, [(4, 120)]),  # two strips of each image fill the channels
        ((1, 1, 312, 312), 57, [(16, 72)]),
        ((8, 3, 184, 184), 57, [(4, 184)] * 2),
        ((1, 3, 76, 76), 57, [(1, 76)]),  # too low to be cut
        ((1, 1, 65, 64), 57, [(1, 65)]),
        ((2, 16, 64, 64), 57, [(1, 64)] * 2),
        ((2, 40, 64, 64), 57, [(1, 64)] * 2),
        ((1, 20, 312, 312), 57, [(1, 120)] * 4),  # would not fit the cache
        ((1, 6, 312, 312), 57, [(2, 142), (1, 140)]),
        ((2, 3, 300, 300), 11, [(4, 107), (2, 106)]),  # what is left at the bottom is lower
        ((1, 1, 57, 57), 3, [(2, 21), (1, 19)]),
    ],
)
def test_strips_fill_channels_and_fit_the_cache(
    shape: tuple[int, ...], taps: int, expected: list[tuple[int, int]]
) -> None:
    found = [(len(strips), rows) for strips, rows in scales_dense._strips(torch.Size(shape), taps)]
    assert found == expected


@pytest.mark.parametrize(("n", "c", "size"), [(1, 1, (70, 12)), (3, 2, (45, 13)), (5, 3, (31, 11)), (2, 17, (20, 12))])
def test_strips_change_nothing(n: int, c: int, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    y = torch.rand(n, c, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = noisy(y, 0.2)

    def everything() -> list[Tensor]:
        each = le.ms_ssim_sigma_loss(x, y, reduction="none", **few)
        mixed = gradients(lambda a, b: le.mix_loss(a, b, **few), x, y)
        return [each, *gradients(lambda a, b: le.ms_ssim_sigma_loss(a, b, **few), x, y), *mixed]

    monkeypatch.setattr(scales_dense, "ROWS", 3)
    monkeypatch.setattr(scales_dense, "TILE", 300)
    assert len(list(scales_dense._strips(x.shape, 9))) > 1 or c == 1
    cut = everything()
    monkeypatch.setattr(scales_dense, "CHANNELS", 1)
    monkeypatch.setattr(scales_dense, "TILE", 10**9)
    assert [len(strips) for strips, _ in scales_dense._strips(x.shape, 9)] == [1] * n
    for ours, theirs in zip(cut, everything(), strict=True):
        assert ours.is_contiguous()
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-15)


def test_whole_pictures_where_strips_do_not_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU, and while compiling."""
    x, y = batch(2, 3, (40, 13))
    expected = le.ms_ssim_sigma_loss(x, y, **few), *gradients(lambda a, b: le.mix_loss(a, b, **few), x, y)
    monkeypatch.setattr(scales_dense, "_by_strips", None)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    found = le.ms_ssim_sigma_loss(x, y, **few), *gradients(lambda a, b: le.mix_loss(a, b, **few), x, y)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.is_contiguous()
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-15)


def test_no_gradient_is_worked_out_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = batch(1, 1, 11)

    def fail(*_: object) -> None:
        raise AssertionError("a gradient was computed")

    monkeypatch.setattr(Tensor, "neg_", fail)  # what every gradient begins with, and no value needs
    for options in FORMS:
        assert not le.ms_ssim_sigma_loss(x, y, **few, **options).requires_grad
        with torch.no_grad():
            assert not le.ms_ssim_sigma_loss(x.clone().requires_grad_(), y, **few, **options).requires_grad
        with pytest.raises(AssertionError, match="computed"):
            le.ms_ssim_sigma_loss(x.clone().requires_grad_(), y, **few, **options)


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_what_is_kept_for_the_backward_pass(options: dict[str, Any]) -> None:
    """The two images and one map, and what the cache holds anyway."""
    x, y = (z.float() for z in batch(2, 3, 31))
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    le.ms_ssim_sigma_loss(x, y, **few, **options)
    padded = (31 + 8 * (options.get("padding") == "reflect")) ** 2 * 6 * 4
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = le.ms_ssim_sigma_loss(x.requires_grad_(), y, **few, **options)
    windows = 8 * 31 * 31 * 4 + 1000 if "form" in options else 1000
    assert sum(kept.values()) <= 3 * padded + windows + (x.numel() * 4 if "padding" in options else 0)
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


@pytest.mark.parametrize("options", FORMS, ids=str)
def test_torch_func(options: dict[str, Any]) -> None:
    options = {"sigmas": (0.4, 0.8), **options}
    x, y = batch(3, 1, 7)

    def single(a: Tensor, b: Tensor) -> Tensor:
        return le.ms_ssim_sigma_loss(a[None], b[None], **options)

    grads = le.ms_ssim_sigma_grad(x, y, reduction="sum", **options)
    torch.testing.assert_close(torch.func.grad(single)(x[0], y[0]), grads[0])
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(single))(x, y), grads)
    torch.testing.assert_close(torch.func.grad(lambda a: torch.func.vmap(single)(a, y).sum())(x), grads)
    shared = torch.cat([le.ms_ssim_sigma_grad(a[None], y[:1], **options) for a in x])
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(single), in_dims=(0, None))(x, y[0]), shared)
    hessian = torch.func.jacrev(torch.func.grad(single))(x[0], y[0]).view(49, 49)
    expected = torch.autograd.functional.hessian(lambda z: single(z, y[0]), x[0]).view(49, 49)
    torch.testing.assert_close(hessian, expected)
    torch.testing.assert_close(hessian, hessian.T, rtol=1e-9, atol=1e-12)


def test_matrix_products_in_full_precision_whatever_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = batch(2, 3, 11)
    expected = le.ms_ssim_sigma_loss(x, y, form="patch"), le.ms_ssim_sigma_grad(x, y, form="patch")

    def fail(*_: object) -> Tensor:
        raise AssertionError("the other product")

    with monkeypatch.context() as patch:
        patch.setattr(scales_patch, "exact_product", fail)
        le.ms_ssim_sigma_grad(x, y, form="patch")
    before = torch.get_float32_matmul_precision()
    try:
        for allowed in ("high", "medium"):
            torch.set_float32_matmul_precision(allowed)
            with monkeypatch.context() as patch:
                patch.setattr(torch, "mm", fail)
                found = le.ms_ssim_sigma_loss(x, y, form="patch"), le.ms_ssim_sigma_grad(x, y, form="patch")
            for ours, theirs in zip(found, expected, strict=True):
                torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-15)
    finally:
        torch.set_float32_matmul_precision(before)


def test_the_cache_is_bounded_and_good_for_training() -> None:
    x, y = (z.float() for z in batch(1, 1, 9))
    with torch.inference_mode():  # windows that nobody has asked for yet
        before = le.mix_loss(x, y, sigmas=(0.123,), form="patch").item()
        dense = le.mix_loss(x, y, sigmas=(0.321,)).item()
    leaf = x.clone().requires_grad_()
    loss = le.mix_loss(leaf, y, sigmas=(0.123,), form="patch")
    loss.backward()
    assert loss.item() == before
    loss = le.mix_loss(leaf, y, sigmas=(0.321,))
    loss.backward()
    assert loss.item() == dense

    scales.SHELF.clear()
    k = constants(1.0, 0.01, 0.03, torch.float32)
    first = scales_patch.patch_tables((1.0,), 3, k, x)
    assert scales_patch.patch_tables((1.0,), 3, k, x) is first
    for i in range(scales.KEPT + 3):
        scales_patch.patch_tables((1.0 + i / 100,), 3, k, x)
        assert 1 <= len(scales.SHELF) <= scales.KEPT == 64
    assert len(scales.SHELF) == scales.KEPT
    assert scales_patch.patch_tables((1.0,), 3, k, x) is not first
    assert scales_patch.patch_tables((1.0,), 3, k, x.double())[0].dtype == torch.float64


def test_tables_are_where_the_images_are() -> None:
    like = torch.empty(1, 1, 9, 9, device="meta")
    k = constants(1.0, 0.01, 0.03, torch.float32)
    for tables in (scales_dense.dense_windows((0.8, 1.2), like), scales_patch.patch_tables((0.8, 1.2), 9, k, like)):
        assert all(table.device.type == "meta" for table in tables)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_windows_of_the_dense_form(dtype: torch.dtype) -> None:
    """A pixel's share in the mean under all windows is counted by laying one window after the other."""
    rows, columns, *windows = scales_dense.dense_windows((1.2, 0.4), torch.empty(1, 1, 12, 10, dtype=dtype))
    assert all(table.dtype == dtype for table in (rows, columns, *windows))
    assert [window.numel() for window in windows] == [9, 3]
    for shares, length in ((rows, 12), (columns, 10)):
        expected = torch.zeros(length, dtype=torch.float64)
        for start in range(length - 9 + 1):  # the narrow window in the middle of the wide one
            expected[start + 3 : start + 6] += filters.gaussian_window(0.4) / (length - 9 + 1)
        torch.testing.assert_close(shares, expected.to(dtype))


def test_tables_of_the_patch_form() -> None:
    k = constants(2.0, 0.01, 0.03, torch.float64)
    like = torch.zeros(1, dtype=torch.float64)
    windows, squares, columns, left_out = scales_patch.patch_tables((8.0, 0.5), 7, k, like)
    expected = torch.stack([oracles.window(sigma, 7).flatten() for sigma in (8.0, 0.5, 0.5)])
    torch.testing.assert_close(windows, expected, rtol=1e-14, atol=0)
    assert torch.equal(squares, torch.cat([windows[:2], 0 * windows[2:]]))
    assert columns[:, :, 0].T.tolist() == [[-1, 0, 2 * 0.06**2], [-1, 0, 2 * 0.06**2], [1, 2, 2 * 0.02**2]]
    before = torch.tensor([[1, 1, 1], [0, 1, 1], [0, 0, 1]], dtype=torch.bool)
    assert torch.equal(left_out[:, :, 0], torch.cat([before, torch.eye(3, dtype=torch.bool)]))


def test_the_module_passes_every_option_on() -> None:
    x, y = batch(2, 3, 20)
    options: dict[str, Any] = {
        "sigmas": (1.0, 2.0),
        "form": "dense",
        "padding": "reflect",
        "data_range": 2.0,
        "k1": 0.02,
        "k2": 0.05,
        "reduction": "sum",
    }
    module = le.MSSSIMSigmaLoss(**options)
    assert module(x, y).item() == le.ms_ssim_sigma_loss(x, y, **options).item()
    assert repr(module) == (
        "MSSSIMSigmaLoss(sigmas=(1.0, 2.0), form='dense', padding='reflect', data_range=2.0, k1=0.02, k2=0.05, "
        "reduction='sum')"
    )
    patches = le.MSSSIMSigmaLoss(form="patch")
    assert patches(x[..., :15, :15], y[..., :15, :15]).item() != 0
    plain = "sigmas=(0.5, 1.0, 2.0, 4.0, 8.0), form='dense', padding='valid', data_range=1.0, k1=0.01, k2=0.03"
    assert repr(le.MSSSIMSigmaLoss()) == f"MSSSIMSigmaLoss({plain}, reduction='mean')"
    assert not module.state_dict()


FUNCTIONS = [le.ms_ssim_sigma, le.ms_ssim_sigma_loss, le.ms_ssim_sigma_grad, le.mix_loss]
OK = torch.full((1, 1, 60, 60), 0.5)
#: (height, width, options, words of the message)
BAD_CALLS: list[tuple[int, int, dict[str, Any], list[str]]] = [
    (
        56,
        60,
        {},
        [
            "x is too small",
            "at least 57",
            "57 pixels at sigma 8",
            "with form='dense' and padding='valid', got 56 x 60",
            "use padding='reflect' (from 29 pixels on), form='patch' (square patches with an odd side)",
            "larger images or smaller sigmas",
        ],
    ),
    (60, 56, {}, ["got 60 x 56"]),
    (8, 8, {"sigmas": (1.0, 0.5)}, ["at least 9 ", "9 pixels at sigma 1,", "from 5 pixels on"]),
    (28, 60, {"padding": "reflect"}, ["at least 29", "57 pixels", "padding='reflect', got 28 x 60; use form='patch'"]),
    (60, 28, {"padding": "reflect"}, ["at least 29", "got 60 x 28"]),
    (31, 33, {"form": "patch"}, ["x must be square with an odd side", "got 31 x 33; crop to 31 x 31", "form='dense'"]),
    (33, 31, {"form": "patch"}, ["got 33 x 31; crop to 31 x 31, or use form='dense'"]),
    (32, 32, {"form": "patch"}, ["its one window needs a centre", "got 32 x 32; crop to 31 x 31"]),
    (2, 2, {"form": "patch"}, ["got 2 x 2; crop to 1 x 1"]),
    (31, 31, {"form": "patch", "padding": "reflect"}, ["padding must be 'valid' with form='patch'", "got 'reflect'"]),
    (60, 60, {"form": "full"}, ["form must be one of 'dense', 'patch', got 'full'"]),
    (60, 60, {"padding": "zeros"}, ["padding must be one of 'valid', 'reflect', got 'zeros'"]),
    (60, 60, {"sigmas": ()}, ["sigmas must hold at least one number above 0, got none"]),
    (60, 60, {"sigmas": 1.5}, ["sigmas must be a sequence of numbers above 0, got 1.5"]),
    (60, 60, {"sigmas": "12"}, ["sigmas must be a sequence of numbers above 0, got '12'"]),
    (60, 60, {"sigmas": (1.0, 0.0)}, ["sigmas[1] must be", "above 0", "got 0.0"]),
    (60, 60, {"sigmas": (-1.0,)}, ["sigmas[0] must be", "got -1.0"]),
    (60, 60, {"sigmas": (float("nan"),)}, ["sigmas[0] must be", "nan"]),
    (60, 60, {"sigmas": (1.0, 1e6)}, ["at most", "taps", "sigma=1e+06"]),
    (60, 60, {"data_range": 0}, ["data_range must be", "got 0"]),
    (60, 60, {"data_range": None}, ["data_range must be", "None"]),
    (60, 60, {"data_range": 1e30}, ["data_range must give constants"]),
    (60, 60, {"k1": 0}, ["k1 must be", "got 0"]),
    (60, 60, {"k2": -1}, ["k2 must be", "got -1"]),
    (60, 60, {"reduction": "average"}, ["reduction must be one of", "'average'"]),
]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(("height", "width", "options", "words"), BAD_CALLS, ids=str)
def test_bad_calls(
    function: Callable[..., Tensor], height: int, width: int, options: dict[str, Any], words: list[str]
) -> None:
    x = torch.full((1, 1, height, width), 0.5)
    with pytest.raises(ValueError) as caught:
        function(x, x, **options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_the_smallest_images_that_fit() -> None:
    for options, size in (({}, 57), ({"padding": "reflect"}, 29), ({"form": "patch"}, 1), ({"form": "patch"}, 3)):
        x, y = torch.rand(2, 1, 2, size, size)
        assert 0 < le.mix_loss(x, y, **options).item() < 2  # type: ignore[arg-type]
