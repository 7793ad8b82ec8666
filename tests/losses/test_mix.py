"""Mix: value and gradient against the naive formula, the published layer, kornia, and the two terms on their own."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import kornia
import oracles_multiscale
import pytest
import torch
from pictures import batch, noisy, photo
from torch import Tensor

import lossedu as le

few: dict[str, Any] = {"sigmas": (0.4, 0.8, 1.2)}
CASES: list[tuple[int, int, tuple[int, int], dict[str, Any]]] = [
    (2, 2, (11, 10), {**few, "alpha": 0.3}),
    (1, 3, (6, 7), {**few, "alpha": 0.84, "padding": "reflect"}),
    (1, 2, (11, 10), {"sigmas": (1.2, 0.4), "alpha": 0.1}),
    (1, 2, (6, 8), {"sigmas": (1.2, 0.4), "alpha": 0.1, "padding": "reflect"}),
    (1, 2, (8, 9), {"sigmas": (0.8,), "alpha": 0.5, "data_range": 2.0, "k1": 0.02, "k2": 0.05}),
    (2, 3, (9, 9), {"alpha": 0.025, "form": "patch"}),
    (3, 1, (5, 5), {"sigmas": (2.0, 0.5), "alpha": 0.6, "form": "patch", "data_range": 2.0, "k1": 0.02, "k2": 0.05}),
]
FORMS = [{}, {"padding": "reflect"}, {"form": "patch"}]
each_form = pytest.mark.parametrize("options", FORMS, ids=str)


def gradients(loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    return torch.autograd.grad(loss(x, y), (x, y))


@pytest.mark.parametrize(("n", "c", "size", "options"), CASES, ids=str)
def test_value_and_gradient_equal_the_naive_formula(
    n: int, c: int, size: tuple[int, int], options: dict[str, Any]
) -> None:
    x, y = batch(n, c, size)
    expected = oracles_multiscale.mix_loss(x, y, **options)
    found = le.mix_loss(x, y, reduction="none", **options)
    assert found.tolist() == pytest.approx(expected.tolist(), rel=1e-10)
    assert le.mix_loss(x, y, reduction="sum", **options).item() == pytest.approx(expected.sum().item(), rel=1e-10)
    naive = gradients(lambda a, b: oracles_multiscale.mix_loss(a, b, **options).mean(), x, y)
    for ours, theirs in zip(gradients(lambda a, b: le.mix_loss(a, b, **options), x, y), naive, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("padding", "size"), [("valid", 58), ("reflect", 29)])
def test_the_defaults_are_those_of_the_paper(padding: str, size: int) -> None:
    x, y = batch(1, 1, (size, size + 1))
    exact = oracles_multiscale.mix_loss(x, y, alpha=0.84, padding=padding).item()
    assert le.mix_loss(x, y, padding=padding).item() == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("alpha", [0.025, 0.84])
def test_patch_form_equals_the_published_layer(alpha: float) -> None:
    x, y = batch(2, 3, 31)
    value, grad = oracles_multiscale.published_layer(x, y, alpha)
    assert le.mix_loss(x, y, alpha=alpha, form="patch").item() == pytest.approx(value, rel=1e-10)
    found = gradients(lambda a, b: le.mix_loss(a, b, alpha=alpha, form="patch"), x, y)[0]
    torch.testing.assert_close(found, grad, rtol=1e-9, atol=1e-12)


def test_patch_form_agrees_with_kornia() -> None:
    """At the centre of a patch of 33 pixels, without its factor of 200."""
    x, y = batch(2, 3, 33)
    layer = kornia.losses.MS_SSIMLoss(reduction="none")
    found = le.mix_loss(x.float(), y.float(), alpha=le.MIX_ALPHA["nvlabs"], form="patch", reduction="none")
    assert (200 * found).tolist() == pytest.approx(layer(x.float(), y.float())[:, 16, 16].tolist(), rel=1e-5)

    def peer(a: Tensor, b: Tensor) -> Tensor:
        return oracles_multiscale.kornia_map(a, b, oracles_multiscale.SIGMAS, 33, alpha=0.3)[0][:, 16, 16].mean()

    def ours(a: Tensor, b: Tensor) -> Tensor:
        return le.mix_loss(a, b, alpha=0.3, form="patch")

    assert ours(x, y).item() == pytest.approx(peer(x, y).item(), rel=1e-10)
    for a, b in zip(gradients(ours, x, y), gradients(peer, x, y), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def test_dense_form_agrees_with_kornia() -> None:
    """Same windows put into it, and only pixels where its border of zeros is out of reach."""
    sigmas = (0.5, 1.0, 2.0)
    x, y = batch(2, 3, (21, 18))

    def peer(a: Tensor, b: Tensor) -> Tensor:
        return oracles_multiscale.kornia_map(a, b, sigmas, alpha=0.3)[0][:, 7:-7, 7:-7].mean()

    def ours(a: Tensor, b: Tensor) -> Tensor:
        return le.mix_loss(a, b, alpha=0.3, sigmas=sigmas)

    assert ours(x, y).item() == pytest.approx(peer(x, y).item(), rel=1e-10)
    for a, b in zip(gradients(ours, x, y), gradients(peer, x, y), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("padding", ["valid", "reflect"])
def test_the_absolute_error_is_the_blurred_one(padding: str) -> None:
    x, y = batch(2, 3, (60, 58))
    blurred = le.gaussian_blur((x - y).abs(), 8.0, padding=padding).mean(dim=(1, 2, 3))
    found = le.mix_loss(x, y, alpha=0.0, padding=padding, reduction="none")
    torch.testing.assert_close(found, blurred, rtol=1e-12, atol=0)


@each_form
def test_the_ends_and_what_lies_between(options: dict[str, Any]) -> None:
    options = {**few, **options}
    x, y = batch(2, 3, 13)
    structure = le.ms_ssim_sigma_loss(x, y, **options).item()
    absolute = le.mix_loss(x, y, alpha=0, **options).item()
    assert le.mix_loss(x, y, alpha=1, **options).item() == structure
    for alpha in (0.025, 0.5, 0.84):
        between = alpha * structure + (1 - alpha) * absolute
        assert le.mix_loss(x, y, alpha=alpha, **options).item() == pytest.approx(between, rel=1e-12)


def test_the_presets_are_fixed() -> None:
    assert dict(le.MIX_ALPHA) == {"paper": 0.84, "nvlabs": 0.025}
    with pytest.raises(TypeError):
        le.MIX_ALPHA["paper"] = 0.5  # type: ignore[index]
    x, y = batch(1, 1, 31)
    assert le.mix_loss(x, y, form="patch").item() == le.mix_loss(x, y, alpha=0.84, form="patch").item()
    assert le.MixLoss(form="patch")(x, y).item() == le.mix_loss(x, y, form="patch").item()


@pytest.mark.parametrize(("size", "options"), [((3, 4), {"padding": "reflect"}), ((3, 3), {"form": "patch"})])
def test_gradients_of_first_and_second_order(size: tuple[int, int], options: dict[str, Any]) -> None:
    x, y = batch(2, 1, size)
    x = torch.where((x - y).abs() < 1e-3, x + 0.01, x)  # off the kink of |x - y|
    x, y = x.requires_grad_(), y.requires_grad_()

    def loss(a: Tensor, b: Tensor) -> Tensor:
        return le.mix_loss(a, b, sigmas=(0.3, 0.5), alpha=0.4, reduction="none", **options)

    assert torch.autograd.gradcheck(loss, (x, y))
    assert torch.autograd.gradgradcheck(loss, (x, y))


@each_form
@pytest.mark.parametrize("wanted", [(True, False), (False, True), (True, True)])
def test_gradients_in_either_image(options: dict[str, Any], wanted: tuple[bool, bool]) -> None:
    options = {**few, "alpha": 0.3, **options}
    x, y = (z.requires_grad_(want) for z, want in zip(batch(2, 2, 11), wanted, strict=True))
    le.mix_loss(x, y, **options).backward()
    expected = gradients(lambda a, b: le.mix_loss(a, b, **options), x.detach(), y.detach())
    for image, want, grad in zip((x, y), wanted, expected, strict=True):
        assert (image.grad is not None) == want
        if want:
            torch.testing.assert_close(image.grad, grad, rtol=1e-12, atol=1e-16)


@each_form
def test_equal_images_cost_and_pull_exactly_nothing(options: dict[str, Any]) -> None:
    y = photo(size=61).float()
    for picture in (y, torch.zeros_like(y), torch.ones_like(y), 300 * y - 100):
        assert le.mix_loss(picture, picture, **options).item() == 0
        for grad in gradients(lambda a, b: le.mix_loss(a, b, **options), picture, picture):
            assert not grad.any()


@each_form
@pytest.mark.parametrize("deviation", [0.3, 0.003])
def test_float32_bound(options: dict[str, Any], deviation: float) -> None:
    y = photo("rocket", 65, top=120, left=300).float()
    x = noisy(y, deviation)
    exact = le.mix_loss(x.double(), y.double(), **options).item()
    assert le.mix_loss(x, y, **options).item() == pytest.approx(exact, rel=2e-5)
    theirs = gradients(lambda a, b: le.mix_loss(a, b, **options), x.double(), y.double())[0]
    ours = gradients(lambda a, b: le.mix_loss(a, b, **options), x, y)[0]
    assert (ours.double() - theirs).abs().max() <= 2e-4 * theirs.abs().max()


@each_form
def test_torch_func(options: dict[str, Any]) -> None:
    options = {"sigmas": (0.4, 0.8), "alpha": 0.3, **options}
    x, y = batch(3, 1, 7)

    def single(a: Tensor, b: Tensor) -> Tensor:
        return le.mix_loss(a[None], b[None], **options)

    grads = gradients(lambda a, b: le.mix_loss(a, b, reduction="sum", **options), x, y)[0]
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(single))(x, y), grads)
    torch.testing.assert_close(torch.func.grad(lambda a: torch.func.vmap(single)(a, y).sum())(x), grads)


def test_the_module_passes_every_option_on() -> None:
    x, y = batch(2, 3, 20)
    options: dict[str, Any] = {
        "alpha": 0.3,
        "sigmas": (1.0, 2.0),
        "form": "dense",
        "padding": "reflect",
        "data_range": 2.0,
        "k1": 0.02,
        "k2": 0.05,
        "reduction": "sum",
    }
    module = le.MixLoss(**options)
    assert module(x, y).item() == le.mix_loss(x, y, **options).item()
    assert repr(module) == (
        "MixLoss(alpha=0.3, sigmas=(1.0, 2.0), form='dense', padding='reflect', data_range=2.0, k1=0.02, k2=0.05, "
        "reduction='sum')"
    )
    plain = "sigmas=(0.5, 1.0, 2.0, 4.0, 8.0), form='dense', padding='valid', data_range=1.0, k1=0.01, k2=0.03"
    assert repr(le.MixLoss()) == f"MixLoss(alpha=0.84, {plain}, reduction='mean')"
    assert pickle.loads(pickle.dumps(module))(x, y).item() == module(x, y).item()
    assert not module.state_dict()


@pytest.mark.parametrize("alpha", [-0.01, 1.01, float("nan"), None, "0.84", True])
def test_bad_alpha(alpha: Any) -> None:
    x = torch.full((1, 1, 31, 31), 0.5)
    with pytest.raises(ValueError) as caught:
        le.mix_loss(x, x, alpha=alpha, form="patch")
    assert f"alpha must be a number from 0 to 1, got {alpha!r}" in str(caught.value)
