"""Losses for pairs that do not register: against transcriptions, and what must hold for any pictures."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oracles_misaligned as oracle
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import batch, noisy, photo
from torch import Tensor

import lossedu as le
from lossedu.backbones import forget
from lossedu.losses.contextual import MOST
from lossedu.losses.displaced import translations
from lossedu.storage import DataError

EXAMPLES = settings(max_examples=20)


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    forget()
    yield
    forget()


def random_picture(seed: int, c: int = 3, size: tuple[int, int] = (9, 8)) -> Tensor:
    return torch.rand(1, c, *size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def brute(x: Tensor, y: Tensor, shift: int, loss: Any) -> Tensor:
    """Every translation by slices of one image at a time."""
    height, width = x.shape[-2:]
    found = []
    for a, b in zip(x.split(1), y.split(1), strict=True):
        a = a[..., shift : height - shift, shift : width - shift]
        costs = [
            loss(a, b[..., shift + u : height - shift + u, shift + v : width - shift + v])
            for u, v in itertools.product(range(-shift, shift + 1), repeat=2)
        ]
        found.append(torch.stack(costs).min())
    return torch.stack(found)


@pytest.mark.parametrize("shift", [0, 1, 2])
@pytest.mark.parametrize("c", [1, 3])
def test_min_shift_equals_the_transcription(shift: int, c: int) -> None:
    x, y = batch(2, c, (9, 8))
    y = y.roll((1, -1), dims=(2, 3))
    x, y = x.requires_grad_(), y.requires_grad_()
    expected = oracle.min_shift(x, y, shift)
    found = le.min_shift_loss(x, y, shift=shift, reduction="none")
    torch.testing.assert_close(found, expected)
    for leaf in (x, y):
        grads = [torch.autograd.grad(values.sum(), leaf, retain_graph=True)[0] for values in (found, expected)]
        torch.testing.assert_close(grads[0], grads[1])


LOSSES = {
    "l1": le.l1_loss,
    "charbonnier": functools.partial(le.charbonnier_loss, eps=0.05),
    "ssim": functools.partial(le.ssim_loss, sigma=0.5),
    "module": le.L1Loss(reduction="none"),
}


@pytest.mark.parametrize("name", LOSSES)
def test_any_loss_can_be_minimised(name: str) -> None:
    x, y = batch(2, 3, (15, 14))
    y = y.roll((-2, 1), dims=(2, 3))
    single = LOSSES[name] if name != "module" else le.l1_loss
    expected = brute(x, y, 2, single)
    torch.testing.assert_close(le.min_shift_loss(x, y, shift=2, loss=LOSSES[name], reduction="none"), expected)
    for reduction, value in (("mean", expected.mean()), ("sum", expected.sum())):
        found = le.min_shift_loss(x, y, shift=2, loss=LOSSES[name], reduction=reduction)
        torch.testing.assert_close(found, value)
        torch.testing.assert_close(le.MinShiftLoss(shift=2, loss=LOSSES[name], reduction=reduction)(x, y), value)


def test_a_module_inside_moves_and_is_saved_with_the_twin() -> None:
    inside = le.PerceptualLoss(("relu1_2",), weights="random", reduction="none")
    twin = le.MinShiftLoss(shift=1, loss=inside)
    assert inside in list(twin.modules()) and "loss=" in repr(twin)
    x, y = batch(1, 3, 10)
    expected = brute(x, y, 1, lambda a, b: inside(a, b)[0])
    torch.testing.assert_close(twin(x, y), expected.mean())
    assert twin.double().loss.network.mean.dtype == torch.float64


def test_gradient_of_min_shift() -> None:
    x, y = (noisy(z, 0.02, seed=k).requires_grad_() for k, z in enumerate(batch(2, 2, (7, 6))))
    assert torch.autograd.gradcheck(lambda a, b: le.min_shift_loss(a, b, shift=2, reduction="none"), (x, y))
    assert torch.autograd.gradgradcheck(lambda a: le.min_shift_loss(a, y.detach(), shift=1), (x,))
    (grad,) = torch.autograd.grad(le.min_shift_loss(x, y, shift=2), x)
    border = torch.ones_like(x, dtype=torch.bool)
    border[..., 2:-2, 2:-2] = False
    assert not grad[border].any() and grad[~border].all()


def test_each_image_has_its_own_translation_and_ties_the_shortest() -> None:
    y = torch.cat([photo("coffee", 20), photo("astronaut", 20)])
    x = torch.cat([y[:1].roll((2, -1), dims=(2, 3)), y[1:].roll((0, 3), dims=(2, 3))])
    assert le.min_shift_loss(x, y, reduction="none").tolist() == [0, 0]
    assert le.mse_loss(x, y, reduction="none").min() > 5e-4
    # a flat reference costs the same wherever it is: the window in the middle is taken
    flat = torch.full((1, 1, 7, 6), 0.5, dtype=torch.float64, requires_grad=True)
    (grad,) = torch.autograd.grad(le.min_shift_loss(random_picture(1, 1, (7, 6)), flat, shift=2), flat)
    assert grad[..., 2:-2, 2:-2].all()
    assert translations(0) == (0.0, 0.0)
    pairs = list(zip(*[iter(translations(3))] * 2, strict=True))
    assert sorted(pairs) == sorted((float(u), float(v)) for u in range(-3, 4) for v in range(-3, 4))
    lengths = [math.hypot(*pair) for pair in pairs]
    assert lengths == sorted(lengths)


@EXAMPLES
@given(st.integers(0, 10**6), st.integers(0, 2), st.integers(-2, 2), st.integers(-2, 2), st.integers(1, 4))
def test_min_shift_of_any_pictures(seed: int, shift: int, u: int, v: int, c: int) -> None:
    x, y = random_picture(seed, c), random_picture(seed + 1, c)
    value = le.min_shift_loss(x, y, shift=2).item()
    inner = (..., slice(2, -2), slice(2, -2))
    assert 0 <= value <= le.mse_loss(x[inner], y[inner]).item() + 1e-15
    cut = 2 - shift
    smaller = (..., slice(cut, 9 - cut), slice(cut, 8 - cut))
    assert value <= le.min_shift_loss(x[smaller], y[smaller], shift=shift).item() + 1e-15  # the same inside, fewer ways
    assert le.min_shift_loss(y.roll((u, v), dims=(2, 3)), y, shift=2).item() == 0  # inside, nothing has come round
    wide = random_picture(seed, c, (13, 12))
    moved = wide[..., 2 + u : 11 + u, 2 + v : 10 + v]  # no border is made up
    reached = abs(u) + abs(v)
    assert (le.min_shift_loss(wide[..., 2:11, 2:10], moved, shift=2).item() == 0) or reached == 0


def test_a_cast_is_charged() -> None:
    """The score of the satellite pictures would take it off."""
    y = photo(size=16)
    assert le.min_shift_loss(y + 0.1, y, shift=1).item() == pytest.approx(0.01, rel=0.35)
    assert le.min_shift_loss(y + 0.1, y, shift=1).item() <= 0.01 + 1e-12


def test_bad_input_to_min_shift() -> None:
    x = torch.rand(2, 3, 6, 9)
    with pytest.raises(
        ValueError, match=r"x is too small: .* at least 7 for shift=3, got 6 x 9; use larger .* smaller"
    ):
        le.min_shift_loss(x, x)
    assert le.min_shift_loss(x, x, shift=2).item() == 0
    with pytest.raises(ValueError, match="shift must be an integer of at least 0, got -1"):
        le.min_shift_loss(x, x, shift=-1)
    for shift in (1.5, True, None):
        with pytest.raises(TypeError, match="shift must be an integer"):
            le.min_shift_loss(x, x, shift=shift)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="loss must be a function or module"):
        le.min_shift_loss(x, x, shift=1, loss="mse")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="reduction"):
        le.min_shift_loss(x, x, shift=1, reduction="max")
    with pytest.raises(ValueError, match="same shape"):
        le.min_shift_loss(x, x[:1], shift=1)
    with pytest.raises(TypeError, match="floating"):
        le.min_shift_loss(x, x.int(), shift=1)
    for loss in (le.L1Loss(), lambda a, b, reduction: (a - b).square().mean(dim=1), lambda a, b, reduction: 0.0):
        with pytest.raises(ValueError, match=r"loss must return one value an image, shape \(2,\) here, got .*'none'"):
            le.min_shift_loss(x, x, shift=1, loss=loss)
    with pytest.raises(ValueError, match="x is too small"):  # SSIM sees what is left
        le.min_shift_loss(torch.rand(1, 1, 13, 13), torch.rand(1, 1, 13, 13), shift=2, loss=le.ssim_loss)


@pytest.mark.parametrize(("h", "eps"), [(0.5, 1e-5), (0.1, 1e-3), (2.0, 0.1)])
def test_contextual_equals_the_transcription(h: float, eps: float) -> None:
    x, y = (torch.cat([random_picture(k + n, 4, (4, 5)) for n in (0, 7)]) for k in (0, 20))
    x, y = (0.7 * x + 0.3 * y).requires_grad_(), y.requires_grad_()
    expected = oracle.contextual(x, y, h, eps)
    found = le.contextual_loss(x, y, bandwidth=h, eps=eps, reduction="none")
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    for leaf in (x, y):
        grads = [torch.autograd.grad(values.sum(), leaf, retain_graph=True)[0] for values in (found, expected)]
        torch.testing.assert_close(grads[0], grads[1], rtol=1e-8, atol=1e-11)
    single = le.contextual_loss(x.float(), y.float(), bandwidth=h, eps=eps, reduction="none")
    torch.testing.assert_close(single.double(), expected, rtol=1e-4, atol=1e-7)


def test_which_index_is_which() -> None:
    """Features of y that x lacks are what costs: the minimum and the sum run over y, the maximum over x."""
    one, two, three = (torch.tensor(v, dtype=torch.float64) for v in ((1.0, 0.0), (-0.5, 0.9), (-0.5, -0.9)))
    whole = torch.stack([one, two, three, one, two, three]).T.view(1, 2, 2, 3)
    lacks = torch.stack([one, two, one, two, one, two]).T.view(1, 2, 2, 3)
    # four of the six features of y reach 1/2 (each shares with its like), two have no one
    assert le.contextual_loss(lacks, whole).item() == pytest.approx(math.log(3), rel=1e-6)
    assert le.contextual_loss(whole, whole).item() == pytest.approx(math.log(2), rel=1e-6)
    four = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, -1.0, -1.0]], dtype=torch.float64)
    y, x = four.T.reshape(1, 3, 2, 2), four[[0, 1, 2, 2]].T.reshape(1, 3, 2, 2)
    assert le.contextual_loss(x, y).item() == pytest.approx(math.log(4 / 3), rel=1e-6)
    a, b = random_picture(1), random_picture(2)
    assert le.contextual_loss(a, b).item() != pytest.approx(le.contextual_loss(b, a).item(), rel=1e-3)


def test_gradient_of_contextual() -> None:
    x, y = (random_picture(k, 3, (3, 4)).requires_grad_() for k in (3, 4))
    calls = functools.partial(le.contextual_loss, eps=0.05, reduction="none")
    assert torch.autograd.gradcheck(calls, (x, y), eps=1e-7, atol=1e-5)
    assert torch.autograd.gradgradcheck(lambda a: calls(a, y.detach()), (x,), eps=1e-7, atol=1e-3)


def test_what_equal_maps_cost() -> None:
    y = random_picture(5, 8, (4, 4)) - 0.5
    assert 0 <= le.contextual_loss(y, y.clone()).item() < 1e-12
    features = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)]
    z = torch.tensor(features, dtype=torch.float64).T.reshape(1, 3, 2, 3)
    assert le.contextual_loss(z, z).item() == pytest.approx(oracle.log_of_share(features), rel=1e-9)
    for flat in (torch.zeros_like(y), torch.full_like(y, 0.3)):
        for x in (y, flat, flat + 0.1):
            for dtype in (torch.float16, torch.float32, torch.float64):
                value = le.contextual_loss(x.to(dtype), flat.to(dtype)).item()
                assert value == pytest.approx(math.log(16), rel=1e-2)
    sky = photo(size=12).clone()
    sky[..., :6, :] = 0.7
    assert le.contextual_loss(sky, sky).item() > 0.4


@EXAMPLES
@given(st.integers(0, 10**6), st.integers(2, 6))
def test_contextual_of_any_maps(seed: int, c: int) -> None:
    x, y = random_picture(seed, c, (4, 5)), random_picture(seed + 1, c, (4, 5))
    value = le.contextual_loss(x, y).item()
    assert 0 <= value <= math.log(20) + 1e-12
    generator = torch.Generator().manual_seed(seed)
    shuffled = [z.flatten(2)[..., torch.randperm(20, generator=generator)].view_as(z) for z in (x, y)]
    assert le.contextual_loss(shuffled[0], y).item() == pytest.approx(value, rel=1e-9)
    assert le.contextual_loss(x, shuffled[1]).item() == pytest.approx(value, rel=1e-9)
    turn, _ = torch.linalg.qr(torch.randn(c, c, generator=generator, dtype=torch.float64))
    turned = [torch.einsum("ij,njhw->nihw", 3 * turn, z) for z in (x, y)]
    assert le.contextual_loss(*turned).item() == pytest.approx(value, rel=1e-6)
    shifted = le.contextual_loss(x + 0.25, y + 0.25).item()  # the mean of y is taken off both
    assert shifted == pytest.approx(value, rel=1e-6)


def test_a_translation_costs_little_and_another_picture_much() -> None:
    y = photo("coffee", 40)
    moved, other = y[..., 4:36, 4:36], photo("astronaut", 32)
    y = y[..., 2:34, 5:37]
    near, far = (float(le.ContextualLoss(("relu2_2",), weights="random")(x, y)) for x in (moved, other))
    assert near < 0.5 * far


def test_sample() -> None:
    x, y = random_picture(1, 3, (12, 15)), random_picture(2, 3, (12, 15))
    half = (..., slice(0, None, 2), slice(0, None, 2))
    for most in (48, 50, 100, 179):
        found = le.contextual_loss(x, y, sample=most).item()
        assert found == le.contextual_loss(x[half], y[half]).item()
    third = (..., slice(1, None, 3), slice(1, None, 3))
    assert le.contextual_loss(x, y, sample=20).item() == le.contextual_loss(x[third], y[third]).item()
    assert le.contextual_loss(x, y, sample=180).item() == le.contextual_loss(x, y).item()
    assert le.contextual_loss(x, y, sample=1).item() == 0  # one feature, which finds itself
    large = torch.rand(1, 1, 128, 129)
    with pytest.raises(ValueError, match=rf"128 x 129 = {128 * 129}, .* {MOST} at most .* sample=4096"):
        le.contextual_loss(large, large)
    assert le.contextual_loss(large, large, sample=300).isfinite()


def test_bad_input_to_contextual() -> None:
    x = torch.rand(2, 3, 4, 4)
    for name in ("bandwidth", "eps"):
        for value in (0, -1, math.nan, "0.5", True):
            with pytest.raises(ValueError, match=f"{name} must be a .*number above 0"):
                le.contextual_loss(x, x, **{name: value})
            with pytest.raises(ValueError, match=f"{name} must be a .*number above 0"):
                le.ContextualLoss("relu1_1", weights="random", **{name: value})
    for value in (0, 2.5, True):
        with pytest.raises(ValueError, match="sample must be an integer of at least 1"):
            le.contextual_loss(x, x, sample=value)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="sample must be an integer of at least 1"):
            le.ContextualLoss("relu1_1", weights="random", sample=value)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="reduction"):
        le.contextual_loss(x, x, reduction="max")
    with pytest.raises(ValueError, match="same shape"):
        le.contextual_loss(x, x[..., :3])
    with pytest.raises(TypeError, match="floating"):
        le.contextual_loss(x.int(), x)


def test_the_module_is_the_function_of_features() -> None:
    x, y = batch(2, 3, (20, 18))
    x, y = x.requires_grad_(), y.requires_grad_()
    options: dict[str, Any] = {"bandwidth": 0.3, "eps": 1e-4, "sample": 100}
    loss = le.ContextualLoss(
        ("relu1_2", "conv2_1"), weights="random", layer_weights=(0.5, 2), reduction="none", **options
    )
    seen, goal = (le.vgg_features(z, ("relu1_2", "conv2_1"), weights="random") for z in (x, y))
    expected = sum(
        weight * le.contextual_loss(seen[name], goal[name], **options, reduction="none")
        for name, weight in (("relu1_2", 0.5), ("conv2_1", 2))
    )
    found = loss(x, y)
    torch.testing.assert_close(found, expected)
    found.sum().backward()
    assert x.grad is not None and x.grad.any() and y.grad is None
    with torch.no_grad():
        assert torch.equal(loss(x, loss.target(y)), found.detach())
    wide = le.ContextualLoss("relu1_2", weights="random", data_range=255)
    torch.testing.assert_close(wide(255 * x, 255 * y), le.ContextualLoss("relu1_2", weights="random")(x, y))
    assert not loss.train().training and not any(p.requires_grad for p in loss.parameters())
    assert "bandwidth=0.3" in repr(loss) and "sample=100" in repr(loss)
    grey = batch(1, 1, 12)
    torch.testing.assert_close(
        le.ContextualLoss("relu1_2", weights="random")(*grey),
        le.ContextualLoss("relu1_2", weights="random")(*(z.expand(-1, 3, -1, -1) for z in grey)),
    )


def test_the_module_asks_for_trained_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LOSSEDU_CACHE", "LOSSEDU_DATA", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    with pytest.raises(DataError, match="lossedu weights fetch vgg16"):
        le.ContextualLoss()
    made = le.ContextualLoss(weights="random")
    assert made.layers == ("relu3_3",) and (made.bandwidth, made.eps, made.sample) == (0.5, 1e-5, None)
