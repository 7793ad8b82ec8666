"""Total variation: against the formula pixel by pixel, kornia, finite differences, and what it must obey."""

# mypy: disable-error-code="arg-type"

from __future__ import annotations

import importlib
from collections.abc import Callable

import kornia
import numpy as np
import oracles_pyramid as oracles
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import batch, noisy, photo
from torch import Tensor

import lossedu as le

KINDS = ("anisotropic", "isotropic", "squared")
SHAPES = [(2, 3, 5, 4), (1, 1, 4, 7), (3, 2, 1, 6), (1, 2, 6, 1), (2, 1, 1, 1)]
each_kind = pytest.mark.parametrize("kind", KINDS)
kinds = st.sampled_from(KINDS)
module = importlib.import_module("lossedu.losses.total_variation")


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def gradient(loss: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    leaf = x.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(leaf), leaf)[0]


@each_kind
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_the_formula_pixel_by_pixel(kind: str, shape: tuple[int, ...]) -> None:
    x = random(*shape)
    expected = oracles.total_variation(x, kind)
    assert le.tv_loss(x, kind=kind, reduction="none").tolist() == pytest.approx(expected, rel=1e-13, abs=1e-300)
    leaf = x.clone().requires_grad_()  # now with the gradient
    assert le.tv_loss(leaf, kind=kind, reduction="none").tolist() == pytest.approx(expected, rel=1e-13, abs=1e-300)
    assert le.tv_loss(leaf, kind=kind, reduction="sum").item() == pytest.approx(sum(expected), rel=1e-13, abs=1e-300)
    assert le.tv_loss(x, kind=kind).item() == pytest.approx(sum(expected) / len(x), rel=1e-13, abs=1e-300)


@each_kind
@pytest.mark.parametrize("shape", SHAPES)
def test_derivatives_by_finite_differences(kind: str, shape: tuple[int, ...]) -> None:
    x = random(*shape).requires_grad_()

    def loss(z: Tensor) -> Tensor:
        return le.tv_loss(z, kind=kind, reduction="none")

    assert torch.autograd.gradcheck(loss, (x,))
    assert torch.autograd.gradgradcheck(loss, (x,))


def test_gradient_written_out() -> None:
    x = torch.tensor([[[[0.0, 3.0], [4.0, 9.0]]]], dtype=torch.float64)
    expected = {
        "anisotropic": [[-2.0, 0.0], [0.0, 2.0]],
        "isotropic": [[-7 / 5, 3 / 5 - 1], [4 / 5 - 1, 2.0]],
        "squared": [[-14.0, 6.0 - 12.0], [8.0 - 10.0, 22.0]],
    }
    for kind, rows in expected.items():
        found = 4 * gradient(lambda z, kind=kind: le.tv_loss(z, kind=kind), x)
        torch.testing.assert_close(found[0, 0], torch.tensor(rows, dtype=torch.float64))


def test_the_default_is_anisotropic() -> None:
    x = photo(size=16)
    assert le.tv_loss(x).item() == le.tv_loss(x, kind="anisotropic").item()
    assert le.TVLoss()(x).item() == le.tv_loss(x, kind="anisotropic").item()
    values = {kind: le.tv_loss(x, kind=kind).item() for kind in KINDS}
    assert len({round(value, 9) for value in values.values()}) == 3


def test_agrees_with_kornia() -> None:
    """Which keeps the channels apart, and does not divide by their size."""
    x, _ = batch(2, 3, (20, 17))

    def peer(z: Tensor) -> Tensor:
        return kornia.losses.total_variation(z).sum(dim=1) / z[0].numel()

    torch.testing.assert_close(le.tv_loss(x, reduction="none"), peer(x), rtol=1e-13, atol=0)
    torch.testing.assert_close(gradient(le.tv_loss, x), gradient(lambda z: peer(z).mean(), x), rtol=1e-12, atol=1e-15)


@each_kind
def test_agrees_with_numpy(kind: str) -> None:
    x = photo("coffee", (24, 31))
    down, right = (np.diff(x.numpy(), axis=axis) for axis in (2, 3))
    if kind == "isotropic":
        down, right = np.pad(down, ((0, 0), (0, 0), (0, 1), (0, 0))), np.pad(right, ((0, 0), (0, 0), (0, 0), (0, 1)))
        expected = np.linalg.norm(np.stack([down, right]), axis=0).sum()
    elif kind == "anisotropic":
        expected = np.abs(down).sum() + np.abs(right).sum()
    else:
        expected = (down**2).sum() + (right**2).sum()
    assert le.tv_loss(x, kind=kind).item() == pytest.approx(expected / x.numel(), rel=1e-13)


@each_kind
@pytest.mark.parametrize("name", ["chelsea", "rocket"])
def test_float32_bound(kind: str, name: str) -> None:
    """Value within 1e-6 of float64, gradient within 1e-5 of its largest component, or a few roundings of a pixel."""
    x = noisy(photo(name, 64), 0.05).float()
    assert le.tv_loss(x, kind=kind).item() == pytest.approx(le.tv_loss(x.double(), kind=kind).item(), rel=1e-6)
    found, exact = (gradient(lambda z: le.tv_loss(z, kind=kind), z) for z in (x, x.double()))
    assert (found.double() - exact).abs().max() <= 1e-5 * exact.abs().max()


@each_kind
@pytest.mark.parametrize("level", [0.0, 0.3, 1.0, -2.0, 1e6])
def test_flat_images_cost_nothing_and_pull_nowhere(kind: str, level: float) -> None:
    for shape in SHAPES:
        x = torch.full(shape, level, requires_grad=True)
        value = le.tv_loss(x, kind=kind)
        (grad,) = torch.autograd.grad(value, x, create_graph=True)
        (second,) = torch.autograd.grad(grad.sum(), x)
        assert value.item() == 0
        assert not grad.any()
        assert second.isfinite().all()


@each_kind
def test_half_flat_images(kind: str) -> None:
    x = photo(size=12)
    x[..., :6] = 0.5
    x.requires_grad_()
    (grad,) = torch.autograd.grad(le.tv_loss(x, kind=kind), x, create_graph=True)
    (second,) = torch.autograd.grad(grad.square().sum(), x)
    assert grad.isfinite().all() and second.isfinite().all()
    assert not grad[..., :5].any() and grad[..., 6:].any()


EXAMPLES = settings(max_examples=20)


@st.composite
def images(draw: st.DrawFn) -> Tensor:
    """Pieces of photographs, or binary masks of them."""
    n, c, size = draw(st.integers(1, 2)), draw(st.integers(1, 3)), (draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    x, _ = batch(n, c, size, seed=draw(st.integers(0, 9)))
    return (x > x.mean()).double() if draw(st.booleans()) else x


@EXAMPLES
@given(images(), kinds, st.floats(-10, 10), st.floats(-10, 10))
def test_shift_and_scale(x: Tensor, kind: str, shift: float, factor: float) -> None:
    value = le.tv_loss(x, kind=kind).item()
    assert le.tv_loss(x + shift, kind=kind).item() == pytest.approx(value, rel=1e-9, abs=1e-12)
    scaled = factor**2 * value if kind == "squared" else abs(factor) * value
    assert le.tv_loss(factor * x, kind=kind).item() == pytest.approx(scaled, rel=1e-12, abs=1e-15)
    slope = gradient(lambda z: le.tv_loss(z, kind=kind), x)
    assert slope.sum().item() == pytest.approx(0, abs=1e-12)  # no pull on the mean
    degree = 2 if kind == "squared" else 1
    assert (slope * x).sum().item() == pytest.approx(degree * value, rel=1e-9, abs=1e-12)  # Euler


@EXAMPLES
@given(images(), kinds)
def test_turns(x: Tensor, kind: str) -> None:
    """Transposition changes nothing; flips change the isotropic kind, whose two differences share a pixel."""
    value = le.tv_loss(x, kind=kind).item()
    assert le.tv_loss(x.mT, kind=kind).item() == pytest.approx(value, rel=1e-13)
    assert le.tv_loss(x.flip(0, 1), kind=kind).item() == pytest.approx(value, rel=1e-13)
    assert le.tv_loss(x.flip(2, 3), kind=kind).item() == pytest.approx(value, rel=1e-13 if kind != "isotropic" else 0.5)
    if kind != "isotropic":
        assert le.tv_loss(x.flip(3), kind=kind).item() == pytest.approx(value, rel=1e-13)


@EXAMPLES
@given(images(), images(), kinds)
def test_convex_and_ordered(x: Tensor, y: Tensor, kind: str) -> None:
    aniso, iso = le.tv_loss(x).item(), le.tv_loss(x, kind="isotropic").item()
    assert iso <= aniso * (1 + 1e-12) <= 2**0.5 * iso * (1 + 1e-9) + 1e-15
    if x.shape == y.shape:
        middle = le.tv_loss((x + y) / 2, kind=kind).item()
        assert middle <= (le.tv_loss(x, kind=kind) + le.tv_loss(y, kind=kind)).item() / 2 + 1e-12


def test_coarea() -> None:
    """The anisotropic variation of a mask is its perimeter; that of an image, the mean perimeter of its level sets."""
    disc = ((torch.arange(-8, 9)[:, None] ** 2 + torch.arange(-8, 9) ** 2) <= 36).double()[None, None]
    # every row and column that meets a disc meets its border twice
    assert le.tv_loss(disc).item() * disc.numel() == pytest.approx(4 * 13)
    square = torch.zeros(1, 1, 9, 9)
    square[..., 2:6, 3:8] = 1
    assert le.tv_loss(square).item() * 81 == pytest.approx(2 * (4 + 5))
    assert le.tv_loss(square, kind="isotropic").item() * 81 == pytest.approx(18 - (2 - 2**0.5))  # one corner is cut
    assert le.tv_loss(square, kind="squared").item() * 81 == pytest.approx(18)
    x = (16 * photo(size=24)).round() / 16
    perimeters = [le.tv_loss((x > level / 16).double()).item() / 16 for level in range(16)]
    assert le.tv_loss(x).item() == pytest.approx(sum(perimeters), rel=1e-12)


def test_edges_and_ramps() -> None:
    """A ramp between the same ends costs the same in total variation, and less the longer it is in squares."""

    def ramp(width: int) -> Tensor:
        return ((torch.arange(64.0) - 32) / width).clamp(0, 1).expand(1, 1, 8, 64)

    for kind in ("anisotropic", "isotropic"):
        for width in (1, 4, 16):
            assert le.tv_loss(ramp(width), kind=kind).item() == pytest.approx(8 / 512, rel=1e-6)
    for width in (1, 4, 16):
        assert le.tv_loss(ramp(width), kind="squared").item() == pytest.approx(8 / 512 / width, rel=1e-6)


@each_kind
def test_func(kind: str) -> None:
    x = random(3, 2, 5, 4)
    expected = gradient(lambda z: le.tv_loss(z, kind=kind, reduction="sum"), x)

    def single(z: Tensor) -> Tensor:
        return le.tv_loss(z[None], kind=kind)

    torch.testing.assert_close(torch.func.vmap(single)(x), le.tv_loss(x, kind=kind, reduction="none"))
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(single))(x), expected)
    # where the loss cannot see that a gradient is wanted
    torch.testing.assert_close(torch.func.grad(lambda z: torch.func.vmap(single)(z).sum())(x), expected)
    hessian = torch.func.jacrev(torch.func.grad(single))(x[0]).view(40, 40)
    torch.testing.assert_close(hessian, torch.autograd.functional.hessian(single, x[0]).view(40, 40))
    assert (hessian.abs().max() > 1e-3) == (kind != "anisotropic")


@each_kind
def test_any_upstream_gradient(kind: str) -> None:
    x = random(3, 2, 5, 4).requires_grad_()
    each = le.tv_loss(x, kind=kind, reduction="none")
    upstream = torch.tensor([2.0, -1.0, 0.0], dtype=torch.float64)
    (found,) = torch.autograd.grad(each, x, upstream)
    ones = gradient(lambda z: le.tv_loss(z, kind=kind, reduction="sum"), x)
    torch.testing.assert_close(found, upstream.view(3, 1, 1, 1) * ones)


@each_kind
def test_channels_last_stays_so(kind: str) -> None:
    x, _ = batch(2, 3, (10, 9))
    last = x.contiguous(memory_format=torch.channels_last)
    grad = torch.autograd.grad(le.tv_loss(last.requires_grad_(), kind=kind), last)[0]
    assert grad.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(grad, gradient(lambda z: le.tv_loss(z, kind=kind), x), rtol=1e-12, atol=1e-15)


@each_kind
def test_what_is_worked_out_and_kept(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image and one map, and no gradient where none is wanted."""
    x = photo(size=32).float().requires_grad_()
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        le.tv_loss(x, kind=kind)
    assert sum(kept.values()) <= 2 * x.numel() * x.element_size() + 100

    def fail(*_: object) -> None:
        raise AssertionError("a gradient was computed")

    monkeypatch.setattr(module, "_sums_and_gradients", fail)
    with torch.no_grad():
        le.tv_loss(x, kind=kind)
    le.tv_loss(x.detach(), kind=kind)
    with pytest.raises(AssertionError, match="computed"):
        le.tv_loss(x, kind=kind)
    monkeypatch.undo()
    loss = le.tv_loss(x, kind=kind)
    monkeypatch.setattr(module, "_sums_and_gradients", fail)
    loss.backward()  # the backward pass has nothing left to work out


def test_the_module() -> None:
    x = photo(size=16).repeat(2, 1, 1, 1)
    loss = le.TVLoss(kind="squared", reduction="sum")
    expected = le.tv_loss(x, kind="squared", reduction="sum").item()
    for y in (None, x, 1 - x, "anything"):
        assert loss(x, y).item() == expected
    assert loss(x).item() == expected == loss(x, y=x).item()
    assert repr(loss) == "TVLoss(kind='squared', reduction='sum')"
    assert repr(le.TVLoss()) == "TVLoss(kind='anisotropic', reduction='mean')"


OK = torch.rand(2, 3, 6, 6)
#: (call, error, words of the message)
BAD_CALLS: list[tuple[Callable[[], object], type[Exception], list[str]]] = [
    (
        lambda: le.tv_loss(OK, kind="l2"),
        ValueError,
        ["kind must be one of 'anisotropic', 'isotropic', 'squared'", "'l2'"],
    ),
    (lambda: le.tv_loss(OK, kind=None), ValueError, ["kind must be one of", "None"]),
    (lambda: le.TVLoss(kind="aniso")(OK), ValueError, ["kind must be one of", "'aniso'"]),
    (lambda: le.tv_loss(OK, reduction="max"), ValueError, ["reduction must be one of", "'max'"]),
    (lambda: le.tv_loss(OK[0]), ValueError, ["x must have shape (N, C, H, W)", "(3, 6, 6)"]),
    (lambda: le.tv_loss(OK[:0]), ValueError, ["x must not be empty", "(0, 3, 6, 6)"]),
    (lambda: le.tv_loss((255 * OK).byte()), TypeError, ["x must have a floating dtype", "torch.uint8"]),
    (lambda: le.tv_loss(None), TypeError, ["x must be a torch.Tensor", "NoneType"]),
]


@pytest.mark.parametrize(("call", "error", "words"), BAD_CALLS, ids=[row[2][0] for row in BAD_CALLS])
def test_bad_calls(call: Callable[[], object], error: type[Exception], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)
