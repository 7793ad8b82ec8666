"""LPIPS and DISTS: the published numbers, the transcriptions, and what others' versions trip over."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import oracles_perceptual as oracle
import pytest
import torch
import trained
from pictures import batch, noisy, photo
from torch import Tensor
from traps import only_ours

import lossedu as le
from lossedu.backbones import Backbone, forget, layer_names
from lossedu.backbones.layers import BACKBONES
from lossedu.backbones.weights import random_tensors
from lossedu.metrics import deep

Metric = Callable[..., Tensor]
CHANNELS = {"vgg16": (64, 128, 256, 512, 512), "alexnet": (64, 192, 384, 256, 256)}


def draw(*shape: int, seed: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)


def made_up(item: str) -> dict[str, Tensor]:
    """Numbers in the place of the fitted ones."""
    if item == "dists":
        return {name: draw(1, 1475, 1, 1, seed=seed) for seed, name in enumerate(("alpha", "beta"))}
    widths = CHANNELS[item.removeprefix("lpips_")]
    return {f"lin{k}.model.1.weight": draw(1, width, 1, 1, seed=k) for k, width in enumerate(widths)}


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Random networks, so that the arithmetic is tested on every machine."""
    shared = deep.shared_backbone

    def random(backbone: str, **options: Any) -> Backbone:
        return shared(backbone, weights="random", **options)

    monkeypatch.setattr(deep, "shared_backbone", random)
    monkeypatch.setattr(deep, "registered_tensors", made_up)
    forget()
    yield
    forget()


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published weights, or skip."""
    monkeypatch.setenv("LOSSEDU_DATA", str(trained.folder()))
    for name in ("vgg16_features_fp16", "alexnet_features", "lpips_v0.1_vgg", "lpips_v0.1_alex", "dists_alpha_beta"):
        trained.tensors(f"{name}.pth")


def state(backbone: str) -> dict[str, Tensor]:
    return {f"features.{name}": value for name, value in random_tensors(BACKBONES[backbone]).items()}


def naive_lpips(x: Tensor, y: Tensor, net: str) -> Tensor:
    walk, names = {"vgg16": (oracle.vgg16, oracle.LPIPS_VGG), "alexnet": (oracle.alexnet, oracle.LPIPS_ALEX)}[net]
    f, g = (walk(z, state(net)) for z in (x, y))  # type: ignore[operator]
    heads = [head.flatten() for head in made_up(f"lpips_{net}").values()]
    return oracle.lpips([f[name] for name in names], [g[name] for name in names], heads)


def naive_dists(x: Tensor, y: Tensor) -> Tensor:
    f, g = (oracle.vgg16(z, state("vgg16"), hann=True) for z in (x, y))
    wide_x, wide_y = (torch.cat([z] * 3, dim=1) if z.shape[1] == 1 else z for z in (x, y))
    maps_x, maps_y = ([z, *(found[name] for name in oracle.LPIPS_VGG)] for z, found in ((wide_x, f), (wide_y, g)))
    return oracle.dists(maps_x, maps_y, **made_up("dists"))


def gradients(metric: Metric, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    x, y = x.clone().requires_grad_(), y.clone().requires_grad_()
    return torch.autograd.grad(metric(x, y).mean(), (x, y))


CASES: list[tuple[str, Metric, Metric, int, tuple[int, int]]] = [
    (
        "lpips vgg16",
        lambda x, y, **o: le.metrics.lpips(x, y, **o),
        lambda x, y: naive_lpips(x, y, "vgg16"),
        3,
        (19, 16),
    ),
    (
        "lpips alexnet",
        lambda x, y, **o: le.metrics.lpips(x, y, net="alexnet", **o),
        lambda x, y: naive_lpips(x, y, "alexnet"),
        3,
        (31, 36),
    ),
    ("dists", le.metrics.dists, naive_dists, 3, (9, 11)),
    ("dists grey", le.metrics.dists, naive_dists, 1, (8, 8)),
]


@pytest.mark.parametrize(("name", "metric", "naive", "channels", "size"), CASES, ids=[case[0] for case in CASES])
def test_value_and_gradient_equal_the_transcription(
    untrained: None, name: str, metric: Metric, naive: Metric, channels: int, size: tuple[int, int]
) -> None:
    x, y = batch(1 if "grey" in name else 2, channels, size)
    expected = naive(x, y)
    found = metric(x, y, reduction="none")
    assert found.dtype == torch.float64 and found.shape == (len(x),)
    # (LPIPS: eps stands under the root here and outside of it there, which comes to 1e-10.)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
    for ours, theirs in zip(gradients(metric, x, y), gradients(naive, x, y), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)
    assert metric(x, y).item() == pytest.approx(expected.mean().item(), rel=1e-9)
    assert metric(x, y, reduction="sum").item() == pytest.approx(expected.sum().item(), rel=1e-9)
    assert metric(255 * x, 255 * y, data_range=255).item() == pytest.approx(expected.mean().item(), rel=1e-9)
    single = metric(x.float(), y.float(), reduction="none")
    torch.testing.assert_close(single.double(), expected, rtol=1e-5, atol=0)
    mixed = metric(x.bfloat16(), y.float())
    assert mixed.dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(metric(x.float(), y.float(), reduction="none"), single)


PUBLISHED = {  # of TID2013's three pairs, by the indices' own code
    "lpips_alex": (0.7237, 0.2572, 0.0508),
    "dists": (0.4742, 0.1424, 0.06825),
}


@pytest.mark.parametrize(
    ("pair", "lpips", "dists"), list(zip(("I03", "I04", "I06"), *PUBLISHED.values(), strict=True)), ids=str
)
def test_published_numbers(fitted: None, pair: str, lpips: float, dists: float) -> None:
    x, y = (trained.judged(f"tid2013/{pair}_{kind}.png") for kind in ("dist", "ref"))
    with torch.no_grad():
        assert le.metrics.lpips(x, y, net="alexnet").item() == pytest.approx(lpips, abs=5e-5)
        if pair == "I06":  # the smallest of the three, and the slowest to work out
            assert le.metrics.dists(x, y).item() == pytest.approx(dists, abs=1e-4)


@pytest.mark.parametrize(("patch", "alex", "vgg"), [("p0", 0.722, 0.569), ("p1", 0.138, 0.422)])
def test_published_patches(fitted: None, patch: str, alex: float, vgg: float) -> None:
    x, y = trained.judged(f"lpips/ex_{patch}.png"), trained.judged("lpips/ex_ref.png")
    assert le.metrics.lpips(x, y, net="alexnet").item() == pytest.approx(alex, abs=5e-4)
    assert le.metrics.lpips(x, y).item() == pytest.approx(vgg, abs=5e-4)
    assert le.metrics.lpips(x, y, net="vgg16").item() == le.metrics.lpips(x, y).item()
    bytes_ = le.metrics.lpips(255 * x, 255 * y, data_range=255.0)
    assert bytes_.item() == pytest.approx(le.metrics.lpips(x, y).item(), rel=1e-5)


METRICS: dict[str, Metric] = {
    "lpips vgg16": le.metrics.lpips,
    "lpips alexnet": lambda x, y, **o: le.metrics.lpips(x, y, net="alexnet", **o),
    "dists": le.metrics.dists,
}
each = pytest.mark.parametrize("name", METRICS)


def extremes(y: Tensor) -> dict[str, Tensor]:
    half = y.clone()
    half[..., : y.shape[-1] // 2] = 0.5
    average = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand_as(y)
    return {
        "same": y, "black": 0 * y, "white": 0 * y + 1, "flat": 0 * y + 0.5, "half": half, "inverted": 1 - y,
        "out": 3 * y - 1, "average": average.contiguous(),
    }  # fmt: skip


def is_finite_everywhere(metric: Metric, size: int) -> None:
    y = photo(size=size).float()
    images = extremes(y)
    for name in images:
        for other in ("average", name):
            value = metric(images[name], images[other].clone())
            grads = gradients(metric, images[name], images[other].clone())
            equal = torch.equal(images[name], images[other])
            assert value.isfinite() and all(grad.isfinite().all() for grad in grads), (name, other)
            assert (value.item() == 0) is equal, (name, other)
            if equal:
                assert not any(grad.any() for grad in grads), name


@each
def test_finite_everywhere(untrained: None, name: str) -> None:
    is_finite_everywhere(METRICS[name], 31 if name == "lpips alexnet" else 16)


def test_finite_everywhere_with_trained_weights(fitted: None) -> None:
    for metric in METRICS.values():
        y = photo(size=32).float()
        for x, goal in ((y, y.clone()), (0 * y, y), (0 * y, 0 * y), (1 - y, y)):
            assert all(grad.isfinite().all() for grad in gradients(metric, x, goal))
        values = [metric(noisy(y, d).float(), y).item() for d in (0.02, 0.1, 0.2)]
        assert values == sorted(values) and 0 < values[0] < 0.2


@each
def test_batches_and_symmetry(untrained: None, name: str) -> None:
    metric = METRICS[name]
    x, y = (z.float() for z in batch(2, 3, 32))
    found = metric(x, y, reduction="none")
    singles = torch.cat([metric(a[None], b[None], reduction="none") for a, b in zip(x, y, strict=True)])
    torch.testing.assert_close(found, singles, rtol=1e-5, atol=0)
    torch.testing.assert_close(metric(y, x, reduction="none"), found, rtol=1e-6, atol=0)
    assert metric(x[:, :1], y[:, :1]).item() == pytest.approx(
        metric(x[:, :1].expand(-1, 3, -1, -1), y[:, :1].expand(-1, 3, -1, -1)).item(), rel=1e-5
    )


@each
def test_compiles_in_one_graph(untrained: None, name: str) -> None:
    x, y = (z.float() for z in batch(1, 3, 32))
    found = torch.compile(METRICS[name], fullgraph=True, backend="eager")(x, y)
    torch.testing.assert_close(found, METRICS[name](x, y))


@each
def test_nearly_equal_images(untrained: None, name: str) -> None:
    """In float32, a change of 1e-4 is measured to a thousandth: nothing is subtracted from 1."""
    y = photo(size=32)
    x = noisy(y, 1e-4)
    exact = METRICS[name](x, y).item()
    assert 0 < exact < 1e-3
    assert METRICS[name](x.float(), y.float()).item() == pytest.approx(exact, rel=5e-2)


def test_trap_zero_features_of_lpips() -> None:
    def pulls_finitely(unit: Callable[[Tensor], Tensor]) -> None:
        features = torch.rand(1, 4, 2, 2)
        features[..., 0, 0] = 0  # a pixel at which nothing is active
        features.requires_grad_()
        (grad,) = torch.autograd.grad(unit(features).square().sum(), features)
        assert grad.isfinite().all()
        assert unit(features)[..., 0, 0].abs().max() == 0
        assert unit(features)[0, :, 1, 1].norm().item() == pytest.approx(1, abs=1e-6)

    def eps_outside_the_root(features: Tensor) -> Tensor:
        return features / (features.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)

    only_ours(pulls_finitely, deep._unit, eps_outside_the_root)
    tiny = torch.full((1, 1, 1, 1), 1e-10, dtype=torch.float64)
    assert deep._unit(tiny).item() == pytest.approx(1 / math.sqrt(2))


def test_trap_metric_without_a_gradient(untrained: None) -> None:
    def pulls_both(metric: Metric) -> None:
        x, y = (z.requires_grad_() for z in batch(1, 3, 16))
        value = metric(x, y)
        assert value.requires_grad
        assert all(grad.any() for grad in torch.autograd.grad(value, (x, y)))

    def by_default_without(x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad():
            return le.metrics.dists(x, y)

    only_ours(pulls_both, le.metrics.dists, by_default_without)


def test_trap_range_of_lpips(fitted: None) -> None:
    def gives_the_published_number(metric: Metric) -> None:
        x, y = trained.judged("lpips/ex_p0.png"), trained.judged("lpips/ex_ref.png")
        assert metric(x, y).item() == pytest.approx(0.722, abs=5e-4)

    def by_the_other_convention(x: Tensor, y: Tensor) -> Tensor:  # [-1, 1] given to what wants [0, 1]
        return METRICS["lpips alexnet"](2 * x - 1, 2 * y - 1)

    only_ours(gives_the_published_number, METRICS["lpips alexnet"], by_the_other_convention)


BAD_CALLS = [
    ("lpips", {"net": "alex"}, 3, 32, ValueError, "net must be one of 'vgg16', 'alexnet', got 'alex'"),
    ("lpips", {"data_range": 0}, 3, 32, ValueError, "data_range must be a finite number above 0, got 0"),
    ("dists", {"data_range": None}, 3, 32, ValueError, "data_range must be a number above 0, got None"),
    ("lpips", {"reduction": "max"}, 3, 32, ValueError, "reduction must be one of"),
    ("dists", {"reduction": "max"}, 3, 32, ValueError, "reduction must be one of"),
    ("lpips", {}, 2, 32, ValueError, "x must have 1 or 3 channels"),
    ("dists", {}, 4, 32, ValueError, "x must have 1 or 3 channels"),
    ("lpips", {}, 3, 15, ValueError, "x is too small for layer 'relu5_3' of vgg16: .* at least 16, got 15 x 15"),
    ("lpips", {"net": "alexnet"}, 3, 30, ValueError, "layer 'relu5' of alexnet: .* at least 31, got 30 x 30"),
]


@pytest.mark.parametrize(("name", "options", "channels", "size", "error", "words"), BAD_CALLS, ids=str)
def test_bad_calls(
    untrained: None, name: str, options: dict[str, Any], channels: int, size: int, error: type[Exception], words: str
) -> None:
    x = torch.rand(1, channels, size, size)
    with pytest.raises(error, match=words):
        getattr(le.metrics, name)(x, x, **options)


@each
def test_bad_images(untrained: None, name: str) -> None:
    x = torch.rand(1, 3, 32, 32)
    with pytest.raises(ValueError, match="x and y must have the same shape"):
        METRICS[name](x, x[:, :1])
    with pytest.raises(TypeError, match="y must have a floating dtype"):
        METRICS[name](x, x.byte())


def test_any_size_for_dists(untrained: None) -> None:
    x = torch.rand(1, 3, 1, 2)
    assert le.metrics.dists(x, 1 - x).isfinite()


def test_networks_are_made_once(untrained: None, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(deep, "registered_tensors", lambda item: asked.append(item) or made_up(item))
    x, y = batch(1, 3, 32)
    for _ in range(2):
        for metric in METRICS.values():
            metric(x, y)
    assert asked == ["lpips_vgg16", "lpips_alexnet", "dists"]
    assert set(sum(deep.LPIPS_LAYERS.values(), ())) <= {*layer_names("vgg16"), *layer_names("alexnet")}
