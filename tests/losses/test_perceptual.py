"""The perceptual loss: value and gradient against the transcription, the cached target, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import oracles_perceptual as oracle
import pytest
import torch
import trained
from pictures import batch, photo
from torch import Tensor, nn

import lossedu as le
from lossedu import backbones
from lossedu.backbones import Backbone, forget
from lossedu.losses.perceptual import Target
from lossedu.storage import DataError


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """The random weights, as the transcription wants them."""
    network = Backbone("vgg16", "relu3_3", weights="random")
    table = {layer.name: layer.number for layer in backbones.layers.BACKBONES["vgg16"]}
    return {
        f"features.{table[name.split('.')[1]]}.{name.split('.')[2]}": value
        for name, value in network.state_dict().items()
    }


CASES = [
    {"layers": ("relu3_3",)},
    {"layers": "relu2_2", "distance": "l1"},
    {"layers": ("conv1_2", "relu1_2", "pool1"), "layer_weights": (0.5, 2.0, 3)},
    {"layers": ("relu2_1", "conv1_1"), "layer_weights": [0.1, 1], "distance": "l1"},
]


@pytest.mark.parametrize("options", CASES, ids=str)
@pytest.mark.parametrize("channels", [1, 3])
def test_value_and_gradient_equal_the_transcription(
    state: dict[str, Tensor], options: dict[str, Any], channels: int
) -> None:
    x, y = batch(2, channels, (13, 12))
    names = [options["layers"]] if isinstance(options["layers"], str) else list(options["layers"])
    weights = dict(zip(names, options.get("layer_weights", [1.0] * len(names)), strict=True))
    x.requires_grad_()
    with torch.no_grad():
        goal = oracle.vgg16(y, state, 3)
    naive = oracle.perceptual(oracle.vgg16(x, state, 3), goal, weights, options.get("distance", "l2"))
    loss = le.PerceptualLoss(**options, weights="random", reduction="none")
    found = loss(x, y)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, naive, rtol=1e-10, atol=1e-12)
    ours, theirs = (torch.autograd.grad(value.mean(), x)[0] for value in (found, naive))
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-13)

    single = x.detach().float().requires_grad_()
    value = loss(single, y.float())
    torch.testing.assert_close(value.double(), naive.detach(), rtol=2e-6, atol=0)
    (grad,) = torch.autograd.grad(value.mean(), single)
    assert (grad.double() - theirs).norm() <= 1e-4 * theirs.norm()
    for reduction, expected in (("mean", naive.mean()), ("sum", naive.sum())):
        whole = le.PerceptualLoss(**options, weights="random", reduction=reduction)(x, y)
        assert whole.item() == pytest.approx(expected.item(), rel=1e-10)


def test_defaults_and_trained_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    state = trained.tensors("vgg16_features_fp16.pth")
    monkeypatch.setenv("LOSSEDU_DATA", str(trained.folder()))
    x, y = batch(1, 3, (24, 20))
    x.requires_grad_()
    with torch.no_grad():
        goal = oracle.vgg16(y, state, 3)
    naive = oracle.perceptual(oracle.vgg16(x, state, 3), goal, {"relu3_3": 1.0}, "l2").mean()
    loss = le.PerceptualLoss()
    found = loss(x, y)
    assert found.item() == pytest.approx(naive.item(), rel=1e-9)
    ours, theirs = (torch.autograd.grad(value, x)[0] for value in (found, naive))
    torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)
    assert list(le.vgg_features(y, "relu3_3")) == ["relu3_3"]
    torch.testing.assert_close(le.vgg_features(y, "relu3_3")["relu3_3"], goal["relu3_3"], rtol=1e-9, atol=1e-9)


def test_defaults_ask_for_trained_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where there are none the error names the command that fetches them, and nothing is drawn in their place."""
    for name in ("LOSSEDU_CACHE", "LOSSEDU_DATA", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    for call in (lambda: le.vgg_features(photo(size=8), "relu1_1"), le.PerceptualLoss):
        with pytest.raises(DataError, match="lossedu weights fetch vgg16"):
            call()
    assert le.PerceptualLoss(weights="random").layers == ("relu3_3",)


def test_gradcheck() -> None:
    x, y = batch(1, 1, 6)
    loss = le.PerceptualLoss("conv2_1", weights="random")
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda a: loss(a, y), (x,), atol=1e-7)
    found = torch.func.grad(lambda a: loss(a, y))(x.detach())
    torch.testing.assert_close(found, torch.autograd.grad(loss(x, y), x)[0])
    a, b = batch(3, 3, 6)
    mapped = torch.func.vmap(lambda p, q: loss(p[None], q[None]))(a, b)
    torch.testing.assert_close(mapped, torch.stack([loss(p[None], q[None]) for p, q in zip(a, b, strict=True)]))
    smooth = le.PerceptualLoss("pool1", weights="random")
    (grad,) = torch.autograd.grad(smooth(x, y), x, create_graph=True)
    (twice,) = torch.autograd.grad(grad.square().sum(), x)
    step = 1e-6 * grad.detach()
    lo, hi = (torch.func.grad(lambda a: smooth(a, y))(x.detach() + s * step).square().sum() for s in (-1, 1))
    assert (twice * step).sum().item() * 2 == pytest.approx((hi - lo).item(), rel=1e-4)


@pytest.mark.parametrize("distance", ["l1", "l2"])
def test_the_best_and_the_worst(distance: str) -> None:
    loss = le.PerceptualLoss(("relu1_2", "relu3_1"), weights="random", distance=distance)
    y = photo(size=16).float()
    half = y.clone()
    half[..., :8] = 0.5
    images = {"black": 0 * y, "white": 0 * y + 1, "flat": 0 * y + 0.3, "half": half, "out": 3 * y - 1, "same": y}
    for name, image in images.items():
        for goal in (y, 0 * y, 1 - y, image):
            x = image.clone().requires_grad_()
            value = loss(x, goal.clone())
            (grad,) = torch.autograd.grad(value, x)
            assert value.isfinite() and grad.isfinite().all(), name
            equal = torch.equal(image, goal)
            assert (value.item() == 0) is equal and bool(grad.any()) is not equal, name


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_target(reduction: str) -> None:
    loss = le.PerceptualLoss(("conv1_1", "relu2_1"), weights="random", reduction=reduction)
    x, y = (z.float() for z in batch(2, 3, 8))
    x.requires_grad_()
    goal = loss.target(y.requires_grad_())
    assert isinstance(goal, Target) and not any(f.requires_grad for f in goal.features.values())
    assert list(goal.features) == ["conv1_1", "relu2_1"]
    calls: list[int] = []
    loss.network.register_forward_hook(lambda *_: calls.append(1))
    direct, kept = loss(x, y), loss(x, goal)
    assert torch.equal(direct, kept) and len(calls) == 3
    first, second = (torch.autograd.grad(value.sum(), x)[0] for value in (direct, kept))
    assert torch.equal(first, second)
    with torch.inference_mode():
        goal = loss.target(y)
    torch.testing.assert_close(torch.autograd.grad(loss(x, goal).sum(), x)[0], first)
    double = loss(x.double(), goal)
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), kept)


def test_targets_that_do_not_fit() -> None:
    x, y = (z.float() for z in batch(2, 3, 8))
    loss = le.PerceptualLoss("relu1_2", weights="random")
    goal = loss.target(y)
    for other in (x[:1], x[..., :7], x[:, :1]):
        with pytest.raises(ValueError, match="x and the target's image must have the same shape, got"):
            loss(other, goal)
    for options in (
        {"data_range": 2.0},
        {"layers": "relu1_1"},
        {"layers": ("relu1_2", "relu1_1")},
        {"backbone": "vgg19"},
    ):
        other_loss = le.PerceptualLoss(**{"layers": "relu1_2", "weights": "random", **options})
        words = r"y must be a target of this loss \('\w+', \(.*\), weights='random', .*, data_range=[\d.]+\), got one"
        with pytest.raises(ValueError, match=words):
            other_loss(x, goal)
    assert le.PerceptualLoss("relu1_2", weights="random", distance="l1", reduction="sum")(x, goal) > 0
    with pytest.raises(TypeError, match=r"x must be a torch\.Tensor"):
        loss(None, goal)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="x and the target must be on the same device, got meta and cpu"):
        loss(torch.empty(x.shape, device="meta"), goal)
    for bad, words in ((y[0], r"y must have shape \(N, C, H, W\)"), (y[:, :2], "y must have 1 or 3 channels")):
        with pytest.raises(ValueError, match=words):
            loss.target(bad)


def test_range() -> None:
    x, y = batch(1, 3, 8)
    one, bytes_ = (le.PerceptualLoss("relu1_2", weights="random", data_range=r) for r in (1.0, 255))
    assert bytes_(255 * x, 255 * y).item() == pytest.approx(one(x, y).item(), rel=1e-10)
    assert bytes_(255 * x, bytes_.target(255 * y)).item() == pytest.approx(one(x, y).item(), rel=1e-10)


def test_layers_add_up() -> None:
    x, y = batch(2, 3, 8)
    names = ("relu1_1", "conv2_1")
    parts = [le.PerceptualLoss(name, weights="random")(x, y).item() for name in names]
    assert le.PerceptualLoss(names, weights="random")(x, y).item() == pytest.approx(sum(parts), rel=1e-12)
    weighted = le.PerceptualLoss(names, weights="random", layer_weights=(3, 0.25))(x, y).item()
    assert weighted == pytest.approx(3 * parts[0] + 0.25 * parts[1], rel=1e-12)


def test_within_a_weighted_loss() -> None:
    x, y = (z.float() for z in batch(1, 3, 8))
    perceptual = le.PerceptualLoss("relu1_2", weights="random")
    assert not any(module.training for module in perceptual.modules())
    total = le.WeightedLoss({"mse": (1.0, le.mse_loss), "vgg": (0.5, perceptual)})
    assert total(x, y).item() == pytest.approx(le.mse_loss(x, y).item() + 0.5 * perceptual(x, y).item(), rel=1e-6)
    assert any(module is perceptual for module in total.modules())
    assert perceptual.train() is perceptual and not perceptual.training and total.train().training
    assert not any(module.training for module in perceptual.modules())


def test_compiles_in_one_graph() -> None:
    x, y = (z.float() for z in batch(1, 3, 8))
    loss = le.PerceptualLoss(("relu1_1", "relu1_2"), weights="random")
    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    leaf = x.clone().requires_grad_()
    value = compiled(leaf, y)
    torch.testing.assert_close(value, loss(x, y))
    assert torch.autograd.grad(value, leaf)[0].any()
    torch.testing.assert_close(compiled(leaf, loss.target(y)), loss(x, y))

    def features(z: Tensor) -> Tensor:  # the network is not there yet
        return le.vgg_features(z, "relu1_2", weights="random")["relu1_2"].mean()

    found = torch.compile(features, fullgraph=True, backend="aot_eager")(x)
    torch.testing.assert_close(found, features(x))


def test_features() -> None:
    x = photo(size=(9, 8)).float().requires_grad_()
    found = le.vgg_features(x, ["relu2_1", "conv1_1"], weights="random")
    assert list(found) == ["relu2_1", "conv1_1"]
    whole = Backbone("vgg16", ("relu2_1", "conv1_1"), weights="random")(x)
    assert all(torch.equal(found[name], whole[name]) for name in found)
    assert torch.autograd.grad(found["relu2_1"].sum(), x)[0].any()
    assert torch.equal(le.vgg_features(x, "relu2_1", weights="random")["relu2_1"], found["relu2_1"])
    assert le.vgg_features(x, "relu3_4", backbone="vgg19", weights="random")["relu3_4"].shape == (1, 256, 2, 2)
    assert le.vgg_features(photo(size=15).half(), "relu2", backbone="alexnet", weights="random")["relu2"].dtype == (
        torch.float32
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert le.vgg_features(x, "relu1_1", weights="random")["relu1_1"].dtype == torch.float32
    with pytest.raises(TypeError, match=r"x must be a torch\.Tensor"):
        le.vgg_features(3, "relu1_1", weights="random")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="known: conv1_1"):
        le.vgg_features(x, "relu9", weights="random")
    with pytest.raises(ValueError, match="x is too small"):
        le.vgg_features(x, "pool5", weights="random")


BAD_CALLS = [
    ({"distance": "l3"}, ValueError, "distance must be one of 'l2', 'l1', got 'l3'"),
    ({"reduction": "max"}, ValueError, "reduction must be one of 'mean', 'sum', 'none', got 'max'"),
    ({"layer_weights": (1, 2)}, ValueError, r"layer_weights must have one number for each of \('relu1_1',\), got 2"),
    ({"layer_weights": ()}, ValueError, "layer_weights must have one number for each"),
    ({"layer_weights": (0,)}, ValueError, "layer_weights must be a finite number above 0, got 0"),
    ({"layer_weights": (math.nan,)}, ValueError, "layer_weights must be a finite number above 0, got nan"),
    ({"layer_weights": ("1",)}, ValueError, "layer_weights must be a number above 0, got '1'"),
    ({"data_range": 0}, ValueError, "data_range must be a finite number above 0, got 0"),
    ({"data_range": None}, ValueError, "data_range must be a number above 0, got None"),
    ({"layers": "relu0"}, ValueError, "layers must be names of layers of vgg16, got 'relu0'"),
    ({"backbone": "vgg11"}, ValueError, "backbone must be one of"),
    (
        {"weights": "pretrained"},
        ValueError,
        "weights must be 'imagenet', 'random', 'random:SEED' or the path of a file",
    ),
]


@pytest.mark.parametrize(("options", "error", "words"), BAD_CALLS, ids=str)
def test_bad_options(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        le.PerceptualLoss(**{"layers": "relu1_1", "weights": "random", **options})


def test_bad_images() -> None:
    loss = le.PerceptualLoss("pool2", weights="random")
    x = torch.rand(1, 3, 8, 8)
    for a, b, error, words in (
        (x, x[:, :1], ValueError, "x and y must have the same shape"),
        (x, x.byte(), TypeError, "y must have a floating dtype"),
        (x[:, :2], x[:, :2], ValueError, "x must have 1 or 3 channels"),
        (x[..., :3], x[..., :3], ValueError, "at least 4, got 8 x 3"),
    ):
        with pytest.raises(error, match=words):
            loss(a, b)


def test_what_it_prints() -> None:
    text = repr(le.PerceptualLoss("relu1_1", weights="random", layer_weights=[2], distance="l1"))
    assert "distance='l1', layer_weights=(2.0,), reduction='mean', data_range=1.0" in text
    assert isinstance(le.PerceptualLoss("relu1_1", weights="random"), nn.Module)
