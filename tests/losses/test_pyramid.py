"""MS-SSIM over a pyramid: against the naive formula, pytorch-msssim, finite differences, and what it must obey."""

# mypy: disable-error-code="arg-type"

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import oracles_pyramid as oracles
import pytest
import pytorch_msssim
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import batch, noisy, photo
from torch import Tensor

import lossedu as le
from lossedu import filters
from lossedu.filters import gaussian_window
from lossedu.losses import algebra, dissimilarity

pyramid = importlib.import_module("lossedu.losses.pyramid")

two: dict[str, Any] = {"weights": (0.4, 0.6), "kernel_size": 3}
CASES = [
    (1, 1, (9, 10), two),
    (2, 3, (8, 6), two),
    (2, 2, (11, 7), {**two, "weights": (0.3, 0.5), "sigma": 0.8}),
    (1, 2, (13, 10), {"weights": (0.2, 0.3, 0.4), "kernel_size": 3}),
    (1, 1, (9, 9), {"weights": (0.3, 1.2, 0.5), "kernel_size": 3}),
    (1, 2, (12, 11), {"weights": (1.0,)}),
    (1, 2, (11, 9), {"weights": (0.0, 0.5, 0.25), "kernel_size": 3}),
    (1, 2, (11, 9), {"weights": (0.5, 0.0, 0.25), "kernel_size": 3}),
    (1, 2, (11, 9), {"weights": (0.5, 0.25, 0), "kernel_size": 3}),
    (1, 2, (8, 9), {**two, "data_range": 2.0, "k1": 0.02, "k2": 0.05}),
    (1, 1, (9, 10), {"weights": (0.4, 0.6), "sigma": 0.5}),
]
each_case = pytest.mark.parametrize(("n", "c", "size", "options"), CASES, ids=str)


@pytest.fixture(params=["whole", "strips", "one by one"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the work is cut up: in one piece, in strips, with a call for every blur."""
    if request.param == "strips":
        monkeypatch.setattr(dissimilarity, "TILE", 100)
        monkeypatch.setattr(dissimilarity, "LOWEST", 1)
    if request.param == "one by one":
        monkeypatch.setattr(algebra, "TOGETHER", 0)


def gradients(loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    return torch.autograd.grad(loss(x, y), (x, y))


@pytest.mark.usefixtures("layout")
@each_case
def test_equals_the_naive_formula(n: int, c: int, size: tuple[int, int], options: dict[str, Any]) -> None:
    x, y = batch(n, c, size)
    expected = oracles.ms_ssim(x, y, **options)
    assert le.ms_ssim(x, y, reduction="none", **options).tolist() == pytest.approx(expected.tolist(), rel=1e-10)
    assert le.ms_ssim_loss(x, y, reduction="none", **options).tolist() == pytest.approx(
        (1 - expected).tolist(), rel=1e-10
    )
    assert expected.min() > 1e-3 and expected.max() < 0.999  # far from where every formula agrees
    naive = gradients(lambda a, b: 1 - oracles.ms_ssim(a, b, **options).mean(), x, y)
    found = gradients(lambda a, b: le.ms_ssim_loss(a, b, **options), x, y)
    index = gradients(lambda a, b: le.ms_ssim(a, b, **options), x, y)
    for ours, of_index, theirs in zip(found, index, naive, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(of_index, -theirs, rtol=1e-10, atol=1e-12)


def test_defaults_at_full_size() -> None:
    """The smallest image and an odd one, against the textbook's convolutions."""
    for size in ((161, 161), (181, 187)):
        y = photo("astronaut", size, top=40, left=150)
        x = noisy(y, 0.1)
        expected = oracles.textbook_ms_ssim(x, y)
        assert le.ms_ssim(x, y).item() == pytest.approx(expected.item(), rel=1e-11)
        naive = gradients(lambda a, b: 1 - oracles.textbook_ms_ssim(a, b).mean(), x, y)
        for ours, theirs in zip(gradients(le.ms_ssim_loss, x, y), naive, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-13)


def peer(x: Tensor, y: Tensor, weights: list[float] | None = None, data_range: float = 1.0) -> Tensor:
    window = gaussian_window(1.5).expand(x.shape[1], 1, 1, 11)  # left alone it makes one in float32
    return pytorch_msssim.ms_ssim(x, y, data_range=data_range, win=window, size_average=False, weights=weights)


@pytest.mark.parametrize("weights", [None, [0.3, 0.5, 0.2]])
@pytest.mark.parametrize("data_range", [1.0, 255.0])
def test_agrees_with_pytorch_msssim(weights: list[float] | None, data_range: float) -> None:
    x, y = (data_range * z for z in batch(2, 2, (176, 192)))
    ours: dict[str, Any] = {"data_range": data_range, **({"weights": weights} if weights else {})}
    expected = peer(x, y, weights, data_range)
    assert le.ms_ssim(x, y, reduction="none", **ours).tolist() == pytest.approx(expected.tolist(), rel=1e-10)
    theirs = gradients(lambda a, b: 1 - peer(a, b, weights, data_range).mean(), x, y)
    for found, grad in zip(gradients(lambda a, b: le.ms_ssim_loss(a, b, **ours), x, y), theirs, strict=True):
        torch.testing.assert_close(found, grad, rtol=1e-8, atol=1e-12)


def test_differs_from_pytorch_msssim_at_odd_sides() -> None:
    """There it averages the border with zeros."""
    y = photo("astronaut", (181, 187), top=40, left=150)
    x = noisy(y, 0.1)
    assert abs(le.ms_ssim(x, y).item() - peer(x, y).item()) > 1e-4


@pytest.mark.parametrize("name", ["chelsea", "rocket"])
@pytest.mark.parametrize("deviation", [0.3, 0.03, 0.003, 1e-4, 1e-6])
def test_float32_bound(name: str, deviation: float) -> None:
    """Value within 3e-6 of float64, gradient within 1e-4 of its largest component, however close the images are."""
    y = photo(name, 176, top=60, left=60).float()
    x = noisy(y, deviation)
    exact = le.ms_ssim_loss(x.double(), y.double()).item()
    assert le.ms_ssim_loss(x, y).item() == pytest.approx(exact, rel=3e-6)
    exact_gradients = gradients(le.ms_ssim_loss, x.double(), y.double())
    for ours, theirs in zip(gradients(le.ms_ssim_loss, x, y), exact_gradients, strict=True):
        assert (ours.double() - theirs).abs().max() <= 1e-4 * theirs.abs().max()


@pytest.mark.usefixtures("layout")
def test_derivatives_by_finite_differences() -> None:
    x, y = (z.requires_grad_() for z in batch(1, 1, (6, 5)))

    def loss(a: Tensor, b: Tensor) -> Tensor:
        return le.ms_ssim_loss(a, b, reduction="none", **two)

    assert torch.autograd.gradcheck(loss, (x, y))
    assert torch.autograd.gradgradcheck(loss, (x, y))


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
def test_nothing_is_nan_on_the_way_back_from_the_dead_zone() -> None:
    """Not even in between, where a later mask would hide it from everything but torch's search for anomalies."""
    y = photo(size=32)[:, :1]
    x = (2 * y.mean() - y).requires_grad_()
    with torch.autograd.detect_anomaly():
        loss = le.ms_ssim_loss(x, y, weights=(0.4, 0.6))
        loss.backward()
    assert loss.item() == 1
    assert x.grad is not None and not x.grad.any()


def test_one_level_is_ssim_to_a_power() -> None:
    x, y = batch(2, 1, (16, 15))
    similar = le.ssim(x, y, reduction="none")
    for power in (1.0, 0.3, 2):
        found = le.ms_ssim(x, y, weights=(power,), reduction="none")
        torch.testing.assert_close(found, similar**power, rtol=1e-13, atol=0)
    colour_x, colour_y = batch(1, 3, 16)
    one = le.ms_ssim_loss(colour_x, colour_y, weights=(1.0,))
    assert one.item() == pytest.approx(le.ssim_loss(colour_x, colour_y).item(), rel=1e-13)


def test_a_level_of_weight_0_is_skipped() -> None:
    x, y = batch(1, 1, (24, 26))
    half_x, half_y = (torch.nn.functional.avg_pool2d(z, 2) for z in (x, y))
    found = le.ms_ssim_loss(x, y, weights=(0, 1))
    assert found.item() == pytest.approx(le.ssim_loss(half_x, half_y).item(), rel=1e-13)
    # even where it would be 0 to the power of 0: stripes against their negative are flat at half the size
    stripes = (torch.arange(24) % 2).double().expand(1, 1, 24, 24)
    assert le.ms_ssim_loss(stripes, 1 - stripes, weights=(0, 1)).item() == 0
    assert le.ms_ssim_loss(stripes, 1 - stripes, weights=(0.01, 1)).item() == 1
    calls = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid, "mean_by_channel", lambda x, *_, **__: calls.append(x) or x.mean(dim=(2, 3)) * 0)
        le.ms_ssim_loss(x, y, weights=(0, 1, 0, 2), kernel_size=3)
    assert [z.shape[-1] for z in calls] == [13, 4]


def test_weights_are_taken_as_they_are() -> None:
    x, y = batch(2, 1, (24, 26))
    once, twice = (le.ms_ssim(x, y, weights=w, reduction="none") for w in ((0.2, 0.3), (0.4, 0.6)))
    torch.testing.assert_close(once.square(), twice, rtol=1e-13, atol=0)
    assert le.WANG_2003 == (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
    wide_x, wide_y = batch(1, 1, 161)
    found = le.ms_ssim_loss(wide_x, wide_y, weights=list(le.WANG_2003))
    assert found.item() == le.ms_ssim_loss(wide_x, wide_y).item()
    numbers = tuple(np.float64(w) for w in (0.2, 0.3))
    assert le.ms_ssim(x, y, weights=numbers, reduction="none").tolist() == once.tolist()


def test_luminance_counts_at_the_last_level_only() -> None:
    y = torch.full((1, 1, 24, 24), 0.5, dtype=torch.float64)
    x = y + 0.2
    l = (2 * 0.7 * 0.5 + 1e-4) / (0.7**2 + 0.5**2 + 1e-4)
    for weights in ((0.7, 0.3), (5.0, 0.3)):
        assert le.ms_ssim(x, y, weights=weights).item() == pytest.approx(l**0.3, rel=1e-12)


@pytest.mark.parametrize(("m", "taps"), [(1, 11), (2, 11), (3, 11), (4, 3), (5, 11), (6, 3), (3, 1)])
def test_smallest_size(m: int, taps: int) -> None:
    options: dict[str, Any] = {"weights": (1 / m,) * m, "kernel_size": taps}
    needed = (taps - 1) * 2 ** (m - 1) + 1
    x, y = batch(1, 1, (needed, needed + 1))
    assert 0 <= le.ms_ssim_loss(x, y, **options).item() <= 1
    if needed > 1:
        for small in ((needed - 1, needed), (needed + 5, needed - 1)):
            x, y = batch(1, 1, small)
            with pytest.raises(ValueError, match=f"at least {needed} for {m} levels and a window of {taps} pixels"):
                le.ms_ssim_loss(x, y, **options)


def test_what_is_worked_out_and_kept() -> None:
    """The images of every level and a gradient for each, in x alone: the whole pyramid is 4/3 of its first level."""
    y = photo("astronaut", 192, top=40, left=150).float()
    x = noisy(y, 0.1).requires_grad_()
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        le.ms_ssim_loss(x, y)
    assert sum(kept.values()) <= 3 * 4 / 3 * x.numel() * x.element_size() + 5000


@pytest.mark.parametrize(
    ("shape", "taps", "groups", "height"),
    [
        ((1, 3, 64, 64), 11, [1], 64),  # too low to be cut
        ((8, 3, 64, 64), 11, [8], 64),  # enough channels as it is
        ((1, 12, 120, 64), 11, [1], 120),
        ((2, 3, 128, 128), 11, [4], 69),  # two strips of each image: 12 channels
        ((3, 3, 130, 130), 11, [4, 2], 70),
        ((4, 4, 128, 128), 11, [4], 128),  # just not too large to be worked on at once
        ((4, 3, 256, 256), 11, [4, 4, 4, 4], 72),
        ((1, 3, 1024, 1024), 11, [4, 4, 4, 4], 74),
        ((2, 1, 600, 600), 3, [12, 12, 12], 36),
    ],
)
def test_how_pictures_are_cut(
    shape: tuple[int, ...], taps: int, groups: list[int], height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiles = list(dissimilarity._tiles(torch.Size(shape), taps))
    assert [len(strips) for strips, _ in tiles] == groups
    assert {rows for _, rows in tiles} == {height}
    seen = torch.zeros(shape[0], shape[2] - taps + 1)
    for strips, rows in tiles:
        for strip in strips:
            seen[strip.image, strip.top + strip.repeated : strip.top + rows - taps + 1] += 1
    assert (seen == 1).all()  # every window in one strip
    if shape[2] < 200:
        pieces: list[int] = []
        whole = dissimilarity._whole

        def count(x: Tensor, *rest: Any) -> Any:
            pieces.append(len(x))
            return whole(x, *rest)

        monkeypatch.setattr(dissimilarity, "_whole", count)
        le.ssim_loss(torch.rand(shape), torch.rand(shape))
        assert pieces == groups


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_the_window_is_made_where_and_as_precise_as_the_images_are(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def spy(*arguments: Any, **options: Any) -> Tensor:
        asked.append(options)
        return gaussian_window(*arguments, **options)

    monkeypatch.setattr(filters, "gaussian_window", spy)
    x, y = (z.to(dtype) for z in batch(1, 1, 12))
    le.ms_ssim_loss(x, y, **two)
    assert asked == [{"dtype": dtype, "device": x.device}]


def test_func() -> None:
    x, y = batch(3, 1, (8, 9))
    expected = gradients(lambda a, b: le.ms_ssim_loss(a, b, reduction="sum", **two), x, y)

    def single(a: Tensor, b: Tensor) -> Tensor:
        return le.ms_ssim_loss(a[None], b[None], **two)

    torch.testing.assert_close(torch.func.vmap(single)(x, y), le.ms_ssim_loss(x, y, reduction="none", **two))
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(single, argnums=(0, 1)))(x, y), expected)
    torch.testing.assert_close(torch.func.grad(lambda a: torch.func.vmap(single)(a, y).sum())(x), expected[0])
    hessian = torch.func.jacrev(torch.func.grad(single))(x[0], y[0]).view(72, 72)
    torch.testing.assert_close(hessian, torch.autograd.functional.hessian(lambda z: single(z, y[0]), x[0]).view(72, 72))
    assert hessian.abs().max() > 1e-3


def test_any_upstream_gradient() -> None:
    x, y = batch(3, 2, (9, 8))
    x.requires_grad_()
    upstream = torch.tensor([2.0, -1.0, 0.0], dtype=torch.float64)
    (found,) = torch.autograd.grad(le.ms_ssim_loss(x, y, reduction="none", **two), x, upstream)
    singles = gradients(lambda a, b: le.ms_ssim_loss(a, b, reduction="sum", **two), x.detach(), y)[0]
    torch.testing.assert_close(found, upstream.view(3, 1, 1, 1) * singles, rtol=1e-11, atol=1e-14)


EXAMPLES = settings(max_examples=15)
small: dict[str, Any] = {"weights": (0.2, 0.3, 0.5), "kernel_size": 3}


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Pieces of photographs, and what they may be compared with."""
    n, c, size = draw(st.integers(1, 2)), draw(st.integers(1, 4)), (draw(st.integers(9, 17)), draw(st.integers(9, 17)))
    x, y = batch(n, c, size, seed=draw(st.integers(0, 9)))
    other = draw(st.sampled_from(["noise", "inverted", "flat", "black", "white", "outside", "half flat", "itself"]))
    if other == "half flat":
        x[..., : size[1] // 2] = 0.5
    elif other != "noise":
        x = {
            "inverted": 1 - y,
            "flat": torch.full_like(y, 0.5),
            "black": torch.zeros_like(y),
            "white": torch.ones_like(y),
            "outside": 3 * y - 1,
            "itself": y.clone(),
        }[other]
    return x, y


@EXAMPLES
@given(pairs(), st.sampled_from([torch.float32, torch.float64]))
def test_symmetric_bounded_and_finite(pair: tuple[Tensor, Tensor], dtype: torch.dtype) -> None:
    x, y = (z.to(dtype) for z in pair)
    loss = le.ms_ssim_loss(x, y, reduction="none", **small)
    assert ((loss >= 0) & (loss <= 1)).all()
    torch.testing.assert_close(loss, le.ms_ssim_loss(y, x, reduction="none", **small))
    torch.testing.assert_close(le.ms_ssim(x, y, reduction="none", **small), 1 - loss, rtol=0, atol=0)
    assert all(grad.isfinite().all() for grad in gradients(lambda a, b: le.ms_ssim_loss(a, b, **small), x, y))


@EXAMPLES
@given(pairs(), st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
def test_equal_images_cost_exactly_nothing_and_pull_nowhere(pair: tuple[Tensor, Tensor], dtype: torch.dtype) -> None:
    for image in pair:
        x, y = image.to(dtype).requires_grad_(), image.to(dtype).requires_grad_()
        loss = le.ms_ssim_loss(x, y, **small)
        assert loss.item() == 0
        assert le.ms_ssim(x, y, **small).item() == 1
        assert not any(grad.any() for grad in torch.autograd.grad(loss, (x, y)))


@EXAMPLES
@given(pairs(), st.floats(1e-2, 1e3))
def test_invariances(pair: tuple[Tensor, Tensor], factor: float) -> None:
    x, y = pair
    loss = le.ms_ssim_loss(x, y, reduction="none", **small)
    scaled = le.ms_ssim_loss(factor * x, factor * y, data_range=factor, reduction="none", **small)
    torch.testing.assert_close(scaled, loss, rtol=1e-8, atol=1e-12)
    torch.testing.assert_close(
        le.ms_ssim_loss(x.flip(0, 1), y.flip(0, 1), reduction="none", **small).flip(0), loss, rtol=1e-11, atol=1e-14
    )
    torch.testing.assert_close(le.ms_ssim_loss(x.mT, y.mT, reduction="none", **small), loss, rtol=1e-9, atol=1e-14)
    by_channel = [
        le.ms_ssim_loss(a, b, reduction="none", **small) for a, b in zip(x.split(1, 1), y.split(1, 1), strict=True)
    ]
    torch.testing.assert_close(torch.stack(by_channel).mean(dim=0), loss, rtol=1e-11, atol=1e-14)
    grey = [z[:, :1].expand(-1, 3, -1, -1) for z in (x, y)]
    torch.testing.assert_close(le.ms_ssim_loss(*grey, reduction="none", **small), by_channel[0], rtol=1e-11, atol=1e-14)


def test_flips_matter_at_odd_sides_only() -> None:
    for size, equal in (((12, 16), True), ((13, 16), False), ((12, 15), False)):
        x, y = batch(1, 3, size)
        loss = le.ms_ssim_loss(x, y, **small).item()
        turned = le.ms_ssim_loss(x.flip(2, 3), y.flip(2, 3), **small).item()
        assert (abs(turned / loss - 1) < 1e-12) == equal


@pytest.mark.parametrize("name", ["chelsea", "coffee"])
def test_more_of_the_same_noise_costs_more(name: str) -> None:
    y = photo(name, 44)
    noise = noisy(torch.zeros_like(y), 1.0)
    weights = (0.3, 0.3, 0.4)
    losses = [le.ms_ssim_loss(y + a * noise, y, weights=weights).item() for a in (0, 0.003, 0.01, 0.03, 0.1, 0.3)]
    assert losses == sorted(set(losses))


def test_the_module_passes_every_option_on() -> None:
    x, y = batch(2, 3, 20)
    options: dict[str, Any] = {
        "weights": (0.4, 0.5),
        "sigma": 2.0,
        "kernel_size": 7,
        "data_range": 2.0,
        "k1": 0.02,
        "k2": 0.05,
        "reduction": "sum",
    }
    loss = le.MSSSIMLoss(**options)
    assert loss(x, y).item() == le.ms_ssim_loss(x, y, **options).item()
    for name in options:  # each of them matters, to both functions
        fewer = {key: value for key, value in options.items() if key != name}
        large_x, large_y = batch(2, 3, 100 if name == "weights" else 30)
        for function in (le.ms_ssim_loss, le.ms_ssim):
            assert function(large_x, large_y, **fewer).item() != function(large_x, large_y, **options).item(), name
        assert le.MSSSIMLoss(**fewer)(large_x, large_y).item() == le.ms_ssim_loss(large_x, large_y, **fewer).item()
    assert "weights=(0.4, 0.5), sigma=2.0, kernel_size=7" in repr(loss)
    assert "weights=(0.0448, 0.2856, 0.3001, 0.2363, 0.1333), sigma=1.5, kernel_size=None" in repr(le.MSSSIMLoss())
    assert not loss.state_dict()


OK = torch.rand(2, 3, 24, 24)
BOTH = (le.ms_ssim, le.ms_ssim_loss)
GOOD: dict[str, Any] = {"weights": (0.5, 0.5)}
NOT_WEIGHTS: list[Any] = [(), None, 0.5, "12", (0, 0.0), (0.5, -0.1), (float("nan"), 1), (float("inf"), 1), (True, 1)]
NOT_WEIGHTS += [("0.5", 1), (None, 1), {0.5: 1}, (1j, 1)]
#: (call, error, words of the message)
BAD_CALLS: list[tuple[Callable[[], object], type[Exception], list[str]]] = [
    *[
        (
            lambda f=f, w=w: f(OK, OK, weights=w),
            ValueError,
            ["weights must be a sequence", "at least 0, not all 0", repr(w)],
        )
        for f in BOTH
        for w in NOT_WEIGHTS
    ],
    *[
        (lambda f=f, o=o, v=v: f(OK, OK, **{**GOOD, o: v}), ValueError, [f"{o} must be", "above 0", repr(v)])
        for f in BOTH
        for o in ("sigma", "data_range", "k1", "k2")
        for v in (0, -1.0, float("nan"), None, "1")
    ],
    *[
        (lambda f=f, v=v: f(OK, OK, kernel_size=v, **GOOD), ValueError, ["kernel_size must be", "odd", repr(v)])
        for f in BOTH
        for v in (10, 0, 3.0)
    ],
    *[
        (lambda f=f: f(OK, OK, reduction="max", **GOOD), ValueError, ["reduction must be one of", "'max'"])
        for f in BOTH
    ],
    *[
        (
            lambda f=f: f(OK, OK),
            ValueError,
            [
                "x is too small: height and width must be at least 161 for 5 levels and a window of 11 pixels",
                "got 24 x 24; use larger",
                "use larger images, fewer weights or a smaller kernel_size",
                "ms_ssim_sigma with padding='reflect' or form='patch'",
            ],
        )
        for f in (*BOTH, le.MSSSIMLoss())
    ],
    (lambda: le.ms_ssim_loss(OK, OK[:, :1]), ValueError, ["x and y must have the same shape"]),
    (lambda: le.ms_ssim_loss(OK, OK.byte()), TypeError, ["y must have a floating dtype"]),
    (
        lambda: le.ms_ssim_loss(OK, OK, data_range=1e-30, **GOOD),
        ValueError,
        ["data_range must give constants", "1e-30"],
    ),
]


@pytest.mark.parametrize(
    ("call", "error", "words"), BAD_CALLS, ids=[f"{row[2][0]}, {row[2][-1]}"[:60] for row in BAD_CALLS]
)
def test_bad_calls(call: Callable[[], object], error: type[Exception], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_weights_may_come_from_numpy() -> None:
    x, y = batch(1, 1, (8, 9))
    weights = np.array([0.4, 0.6])
    options = {**two, "weights": weights}
    assert le.ms_ssim_loss(x, y, **options).item() == le.ms_ssim_loss(x, y, **{**two, "weights": (0.4, 0.6)}).item()
