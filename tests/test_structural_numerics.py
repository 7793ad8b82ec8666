"""SSIM wherever a training loop puts it: half precision, autocast, torch.func, torch.compile, any memory layout."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pictures import batch, noisy, photo
from torch import Tensor, nn

import lossedu as le
from lossedu.losses import algebra, dissimilarity

small: dict[str, Any] = {"sigma": 0.8}  # 7 taps


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["chelsea", "rocket"])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype, name: str) -> None:
    y = photo(name, 32).to(dtype)
    x = noisy(y, 0.05).requires_grad_()
    loss = le.ssim_loss(x, y)
    exact = le.ssim_loss(x.double(), y.double())  # of the rounded images: rounding is not the loss's doing
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(exact.item(), abs=1e-5)
    assert le.ssim(x, y).item() == pytest.approx(1 - exact.item(), abs=1e-5)
    loss.backward()
    assert x.grad is not None
    assert x.grad.dtype == dtype
    exact_gradient = le.ssim_grad(x.double(), y.double())
    assert (x.grad.double() - exact_gradient).norm() <= 5e-3 * exact_gradient.norm()


@pytest.mark.parametrize(
    "dtypes", [(torch.bfloat16, torch.float32), (torch.float32, torch.float64), (torch.float64, torch.float16)]
)
def test_mixed_dtypes_promote(dtypes: tuple[torch.dtype, torch.dtype]) -> None:
    x, y = (z.to(dtype).requires_grad_() for z, dtype in zip(batch(1, 3, 14), dtypes, strict=True))
    loss = le.ssim_loss(x, y)
    assert loss.dtype == (torch.float64 if torch.float64 in dtypes else torch.float32)
    assert loss.item() == pytest.approx(le.ssim_loss(x.double(), y.double()).item(), rel=1e-5)
    grads = torch.autograd.grad(loss, (x, y))
    assert tuple(g.dtype for g in grads) == dtypes


def test_an_autocast_network_against_a_float32_target() -> None:
    torch.manual_seed(0)
    network = nn.Conv2d(3, 3, 3, padding=1)
    x, y = (z.float() for z in batch(2, 3, 16))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(x)
        assert output.dtype == torch.bfloat16
        loss = le.ssim_loss(output, y)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(le.ssim_loss(output.double(), y.double()).item(), rel=1e-5)
    loss.backward()
    assert network.weight.grad is not None
    assert network.weight.grad.isfinite().all()
    assert network.weight.grad.abs().sum() > 0


def test_autocast_changes_nothing_for_float32() -> None:
    x, y = (z.float() for z in batch(2, 3, 16))
    leaf = x.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = le.ssim_loss(leaf, y)
        loss.backward()
        mapped, grad = le.ssim_map(x, y), le.ssim_grad(x, y)
    assert loss.item() == le.ssim_loss(x, y).item()
    assert torch.equal(mapped, le.ssim_map(x, y))
    assert torch.equal(grad, le.ssim_grad(x, y))
    torch.testing.assert_close(leaf.grad, grad)


def test_a_first_call_under_inference_mode_does_not_poison_training() -> None:
    x, y = (z.float() for z in batch(1, 3, 16))
    options: dict[str, Any] = {"sigma": 1.2345, "kernel_size": 9}  # a window that nobody has asked for yet
    with torch.inference_mode():
        before = le.ssim_loss(x, y, **options).item()
    leaf = x.clone().requires_grad_()
    loss = le.ssim_loss(leaf, y, **options)
    loss.backward()
    assert loss.item() == pytest.approx(before, rel=1e-6)
    le.ssim_map(leaf, y, **options).sum().backward()


def test_no_gradient_is_worked_out_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = batch(1, 1, 12)

    def fail(*_: object) -> Tensor:
        raise AssertionError("a gradient was computed")

    monkeypatch.setattr(dissimilarity, "pull_back", fail)
    assert not le.ssim_loss(x, y).requires_grad
    with torch.no_grad():
        assert not le.ssim_loss(x.requires_grad_(), y).requires_grad
    with pytest.raises(AssertionError, match="computed"):
        le.ssim_loss(x, y)


#: numbers whose squares are the smallest normal number of a dtype, and the largest number
ENDS = [
    (torch.float32, 2.0**-63, 1.844674352395373e19),
    (torch.float64, 2.0**-511, 1.3407807929942596e154),  # no square is the largest of all
]


@pytest.mark.parametrize(("dtype", "low", "high"), ENDS)
def test_constants_up_to_the_ends_of_the_dtype(dtype: torch.dtype, low: float, high: float) -> None:
    for k1, k2 in ((low, 1.0), (1.0, low), (high, 1.0), (1.0, high), (low, low), (high, high)):
        assert algebra.constants(1.0, k1, k2, dtype) == (k1 * k1, k2 * k2, 1.0)
        assert algebra.constants(4.0, k1 / 4, k2 / 4, dtype) == (k1 * k1, k2 * k2, 4.0)
    for beyond in (math.nextafter(low, 0), high * (1 + 1e-15)):
        for k1, k2 in ((beyond, 1.0), (1.0, beyond)):
            words = rf"that {dtype} can hold, got data_range=1, k1={k1:g}, k2={k2:g}"
            with pytest.raises(ValueError, match=re.escape(words)):
                algebra.constants(1.0, k1, k2, dtype)


def test_what_is_kept_for_the_backward_pass() -> None:
    """The two images and one map, not the dozen maps that they are compared by; freed once used."""
    x, y = (z.float() for z in batch(2, 3, 32))
    x.requires_grad_()
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = le.ssim_loss(x, y)
    image = x.numel() * x.element_size()
    assert sum(kept.values()) <= 3 * image + 1000
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def layouts(x: Tensor) -> dict[str, Tensor]:
    """The same picture in memory of different orders."""
    wide = torch.zeros(*x.shape[:-1], 2 * x.shape[-1], dtype=x.dtype)
    wide[..., ::2] = x
    return {
        "channels last": x.contiguous(memory_format=torch.channels_last),
        "transposed": x.mT.contiguous().mT,
        "batch last": x.permute(1, 2, 3, 0).contiguous().permute(3, 0, 1, 2),
        "every second": wide[..., ::2],
        "inner part": torch.nn.functional.pad(x, (3, 2, 1, 4))[..., 1:-4, 3:-2],
    }


@pytest.mark.parametrize("padding", ["valid", "reflect"])
def test_any_strides(padding: str) -> None:
    x, y = batch(2, 3, (14, 12))
    loss, grad = le.ssim_loss(x, y, padding=padding), le.ssim_grad(x, y, padding=padding)
    for name, other in layouts(x).items():
        assert torch.equal(other, x)
        assert other.stride() != x.stride(), name
        leaf = other.detach().requires_grad_()
        found = le.ssim_loss(leaf, y, padding=padding)
        assert found.item() == pytest.approx(loss.item(), rel=1e-13), name
        torch.testing.assert_close(torch.autograd.grad(found, leaf)[0], grad, rtol=1e-10, atol=1e-14)
        torch.testing.assert_close(le.ssim_grad(y, other, padding=padding), le.ssim_grad(y, x, padding=padding))
        torch.testing.assert_close(le.ssim_map(other, y, padding=padding), le.ssim_map(x, y, padding=padding))


def test_expanded_images() -> None:
    _, y = batch(1, 1, (14, 12))
    x = noisy(y, 0.1)
    expanded = x.expand(3, 4, -1, -1)
    assert le.ssim_loss(expanded, y.expand(3, 4, -1, -1)).item() == pytest.approx(le.ssim_loss(x, y).item(), rel=1e-13)
    leaf = x.clone().requires_grad_()
    le.ssim_loss(leaf.expand(3, 4, -1, -1), y.expand(3, 4, -1, -1)).backward()
    torch.testing.assert_close(leaf.grad, le.ssim_grad(x, y))


def test_inputs_stay_as_they_are() -> None:
    # one image of one channel is already in the layout that the loss works in
    for n, c in ((1, 1), (2, 3)):
        x, y = batch(n, c, (14, 12))
        before = x.clone(), y.clone()
        for padding in ("valid", "reflect"):
            le.ssim_loss(x, y, padding=padding)
            le.ssim_map(x, y, padding=padding)
            le.ssim_grad(x, y, padding=padding)
            le.ssim_loss(x.clone().requires_grad_(), y, padding=padding).backward()
        assert torch.equal(x, before[0])
        assert torch.equal(y, before[1])


@pytest.mark.parametrize("wanted", [(True, False), (False, True), (True, True)])
def test_gradients_in_either_image(wanted: tuple[bool, bool]) -> None:
    x, y = (z.requires_grad_(want) for z, want in zip(batch(2, 2, 13), wanted, strict=True))
    le.ssim_loss(x, y).backward()
    for image, want, expected in zip((x, y), wanted, (le.ssim_grad(x, y), le.ssim_grad(y, x)), strict=True):
        assert (image.grad is not None) == want
        if want:
            torch.testing.assert_close(image.grad, expected, rtol=1e-9, atol=1e-14)


def test_any_upstream_gradient() -> None:
    x, y = batch(3, 2, 13)
    x.requires_grad_()
    each = le.ssim_loss(x, y, reduction="none")
    upstream = torch.tensor([2.0, -1.0, 0.0], dtype=torch.float64)
    every_second = torch.stack([upstream, upstream + 7], dim=1)[:, 0]
    for g in (upstream, every_second, upstream[:1].expand(3)):
        (found,) = torch.autograd.grad(each, x, g, retain_graph=True)
        singles = [k * le.ssim_grad(x[i : i + 1], y[i : i + 1]) for i, k in enumerate(g.tolist())]
        torch.testing.assert_close(found, torch.cat(singles), rtol=1e-10, atol=1e-14)


def loss(x: Tensor, y: Tensor) -> Tensor:
    return le.ssim_loss(x, y, **small)


def test_func_grad_and_jacobian_of_grad() -> None:
    x, y = batch(1, 1, (8, 9))
    torch.testing.assert_close(torch.func.grad(loss)(x, y), le.ssim_grad(x, y, **small))
    torch.testing.assert_close(torch.func.grad(loss, argnums=1)(x, y), le.ssim_grad(y, x, **small))
    hessian = torch.func.jacrev(torch.func.grad(loss))(x, y).view(72, 72)
    expected = torch.autograd.functional.hessian(lambda z: loss(z, y), x).view(72, 72)
    torch.testing.assert_close(hessian, expected)
    torch.testing.assert_close(hessian, hessian.T, rtol=1e-9, atol=1e-12)
    assert hessian.abs().max() > 1e-3


def test_func_vmap() -> None:
    x, y = batch(4, 1, (8, 9))
    single = lambda a, b: loss(a[None], b[None])  # noqa: E731
    values = torch.stack([single(a, b) for a, b in zip(x, y, strict=True)])
    grads = torch.cat([le.ssim_grad(a[None], b[None], **small) for a, b in zip(x, y, strict=True)])
    torch.testing.assert_close(torch.func.vmap(single)(x, y), values)
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(single))(x, y), grads)
    # the gradient of a batched sum, where the loss cannot see that one is wanted
    torch.testing.assert_close(torch.func.grad(lambda a: torch.func.vmap(single)(a, y).sum())(x), grads)
    # one target for all
    shared = torch.cat([le.ssim_grad(a[None], y[:1], **small) for a in x])
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(single), in_dims=(0, None))(x, y[0]), shared)


def test_func_vmap_over_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = batch(2, 1, (60, 9))
    single: Callable[[Tensor, Tensor], Tensor] = lambda a, b: loss(a[None], b[None])  # noqa: E731
    expected = le.ssim_grad(x, y, reduction="sum", **small)
    monkeypatch.setattr(dissimilarity, "TILE", 100)
    monkeypatch.setattr(dissimilarity, "LOWEST", 1)
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(single))(x, y), expected)
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(single), in_dims=(None, 0))(x[0], y)[0], expected[0])


def test_whole_pictures_where_strips_do_not_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU, and in a compiled graph."""

    def everything() -> list[Tensor]:
        x, y = (z.requires_grad_() for z in batch(2, 3, 40))
        each = le.ssim_loss(x, y, reduction="none")
        return [each, *torch.autograd.grad(each.sum(), (x, y)), le.ssim_grad(x, y)]

    monkeypatch.setattr(dissimilarity, "LOWEST", 1)
    assert [len(strips) for strips, _ in dissimilarity._tiles(torch.Size((2, 3, 40, 40)), 11)] == [4]
    cut = everything()
    monkeypatch.setattr(dissimilarity, "_tiles", None)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    for ours, theirs in zip(everything(), cut, strict=True):
        assert ours.is_contiguous()
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-15)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")  # torch.compile trips over torch's own
def test_compile_without_a_break() -> None:
    """The slowest test here: forward and backward in one graph each."""
    backend = "inductor" if shutil.which("g++") or shutil.which("clang++") else "aot_eager"
    compiled = torch.compile(lambda a, b: le.ssim_loss(a, b), fullgraph=True, backend=backend)
    x, y = (z.float() for z in batch(2, 3, (16, 14)))
    x.requires_grad_()
    found = compiled(x, y)
    assert found.item() == pytest.approx(le.ssim_loss(x, y).item(), rel=1e-5)
    found.backward()
    torch.testing.assert_close(x.grad, le.ssim_grad(x, y), rtol=1e-4, atol=1e-8)
