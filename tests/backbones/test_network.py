"""The networks: which layers they have, what these give, and that nothing about them can be trained."""

from __future__ import annotations

import copy
import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import oracles_perceptual as oracle
import pytest
import torch
import trained
from pictures import photo
from torch import Tensor, nn

from lossedu.backbones import Backbone, layer_names, layers, registry, sharing, weights
from lossedu.backbones.layers import BACKBONES, smallest_side, up_to_last
from lossedu.backbones.pooling import L2Pool2d
from lossedu.storage import DataError

# torchvision's numbers, from its own lists of layers
NUMBERS = {
    "vgg16": {
        "relu1_1": 1, "relu1_2": 3, "relu2_1": 6, "relu2_2": 8, "relu3_1": 11, "relu3_2": 13, "relu3_3": 15,
        "relu4_1": 18, "relu4_2": 20, "relu4_3": 22, "relu5_1": 25, "relu5_2": 27, "relu5_3": 29,
        "pool1": 4, "pool2": 9, "pool3": 16, "pool4": 23, "pool5": 30, "conv5_3": 28,
    },
    "vgg19": {
        "conv1_2": 2, "relu1_2": 3, "conv2_2": 7, "relu2_2": 8, "conv3_4": 16, "relu3_4": 17, "conv4_2": 21,
        "relu4_2": 22, "conv4_4": 25, "relu4_4": 26, "conv5_4": 34, "relu5_4": 35,
        "pool1": 4, "pool2": 9, "pool3": 18, "pool4": 27, "pool5": 36,
    },
    "alexnet": {
        "conv1": 0, "relu1": 1, "pool1": 2, "conv2": 3, "relu2": 4, "pool2": 5, "conv3": 6, "relu3": 7,
        "conv4": 8, "relu4": 9, "conv5": 10, "relu5": 11, "pool5": 12,
    },
}  # fmt: skip
PARAMETERS = {"vgg16": 14_714_688, "vgg19": 20_024_384, "alexnet": 2_469_696}


@pytest.mark.parametrize("name", BACKBONES)
def test_layers_and_their_numbers(name: str) -> None:
    table = BACKBONES[name]
    assert [layer.number for layer in table] == list(range(len(table)))
    by_name = {layer.name: layer.number for layer in table}
    assert by_name.items() >= NUMBERS[name].items()
    assert layer_names(name) == tuple(by_name)
    count = sum(l.outputs * (l.inputs * l.kernel**2 + 1) for l in table if l.kind == "conv")
    assert count == PARAMETERS[name]
    for before, after in itertools.pairwise(table):
        assert after.inputs == before.outputs
    with pytest.raises(ValueError, match="backbone must be one of 'vgg16', 'vgg19', 'alexnet', got 'vgg'"):
        layer_names("vgg")


def test_shapes() -> None:
    x = torch.rand(2, 3, 32, 48)
    for name, last in (("vgg16", "relu5_3"), ("vgg19", "relu5_4")):
        names = ("conv1_1", "relu1_2", "pool1", "relu2_2", "conv3_1", "pool3", "relu4_2", last, "pool5")
        found = Backbone(name, names, weights="random")(x)
        sizes = [(64, 32, 48), (64, 32, 48), (64, 16, 24), (128, 16, 24), (256, 8, 12), (256, 4, 6), (512, 4, 6)]
        assert list(found) == list(names)
        assert [tuple(value.shape[1:]) for value in found.values()] == [*sizes, (512, 2, 3), (512, 1, 1)]
        assert all(len(value) == 2 for value in found.values())
    found = Backbone("alexnet", [f"relu{k}" for k in range(1, 6)], weights="random")(torch.rand(1, 3, 64, 64))
    sizes = [(64, 15, 15), (192, 7, 7), (384, 3, 3), (256, 3, 3), (256, 3, 3)]
    assert [tuple(value.shape[1:]) for value in found.values()] == sizes


@pytest.mark.parametrize(
    ("name", "layer", "side"),
    [
        ("vgg16", "relu1_2", 1),
        ("vgg16", "pool1", 2),
        ("vgg16", "conv2_1", 2),
        ("vgg16", "relu5_3", 16),
        ("vgg19", "pool5", 32),
        ("alexnet", "relu1", 7),
        ("alexnet", "relu2", 15),
        ("alexnet", "relu5", 31),
        ("alexnet", "pool5", 63),
    ],
)
def test_smallest_image(name: str, layer: str, side: int) -> None:
    assert smallest_side(up_to_last(name, [layer])) == side
    network = Backbone(name, layer, weights="random")
    assert network(torch.rand(1, 1, side, side + 1))[layer].shape[-2:].numel() >= 1
    for height, width in ((side - 1, side + 9), (side + 9, side - 1)):
        if side > 1:
            words = rf"x is too small for layer {layer!r} of {name}: .* at least {side}, got {height} x {width}; use la"
            with pytest.raises(ValueError, match=words):
                network(torch.rand(1, 3, height, width))


def test_what_is_asked_decides_how_small_an_image_may_be() -> None:
    network = Backbone("vgg16", ["pool3"], weights="random")
    assert network(torch.rand(1, 3, 4, 4), ["relu1_1", "relu3_1"]).keys() == {"relu1_1", "relu3_1"}
    with pytest.raises(ValueError, match="at least 8"):
        network(torch.rand(1, 3, 4, 4))


@pytest.mark.parametrize("hann", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_vgg16_equals_the_transcription(channels: int, hann: bool) -> None:
    state = {f"features.{k}": v for k, v in weights.random_tensors(BACKBONES["vgg16"]).items()}
    names = ("conv1_2", "relu1_2", "pool1", "conv2_1", "relu2_2", "conv3_3", "pool3", "relu5_3")
    x = photo(size=(17, 22))[:, :channels].requires_grad_()
    found = Backbone("vgg16", names, weights="random", pooling="l2" if hann else "max")(x)
    naive = oracle.vgg16(x, state, 5, hann=hann)
    probe = torch.linspace(-1, 1, 64, dtype=torch.float64).view(1, 64, 1, 1)
    for name, value in found.items():
        assert value.dtype == torch.float64
        torch.testing.assert_close(value, naive[name], rtol=1e-10, atol=1e-12)
    for name in ("conv1_2", "pool1"):
        ours, theirs = ((probe * f[name]).sum() for f in (found, naive))
        for mine, other in zip(*(torch.autograd.grad(v, x, retain_graph=True) for v in (ours, theirs)), strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-12)


def test_alexnet_equals_the_transcription() -> None:
    state = {f"features.{k}": v for k, v in weights.random_tensors(BACKBONES["alexnet"]).items()}
    x = photo(size=(64, 67))
    found = Backbone("alexnet", layer_names("alexnet"), weights="random")(x)
    naive = oracle.alexnet(x, state)
    for name, value in found.items():
        torch.testing.assert_close(value, naive[name], rtol=1e-10, atol=1e-12)


def test_trained_vgg16_equals_the_transcription(monkeypatch: pytest.MonkeyPatch) -> None:
    state = trained.tensors("vgg16_features_fp16.pth")
    monkeypatch.setenv("LOSSEDU_DATA", str(trained.folder()))
    x = photo(size=32)
    found = Backbone("vgg16", ["conv3_3", "relu5_3"])(x)
    naive = oracle.vgg16(x, state)
    for name, value in found.items():
        torch.testing.assert_close(value, naive[name], rtol=1e-9, atol=1e-9)
        single = Backbone("vgg16", [name])(x.float())[name]
        assert (single - value).abs().max() < 1e-5 * value.abs().max()
    # about one activation in ten is left of a picture at the end, where random weights leave half
    assert 0.02 < (found["relu5_3"] > 0).double().mean() < 0.3


def test_l2_pooling() -> None:
    x = photo("brick", (9, 12))
    wide = torch.cat([x, 2 * x], dim=1)
    torch.testing.assert_close(L2Pool2d(2).double()(wide), oracle.hann_pool(wide), rtol=1e-12, atol=1e-14)
    flat = torch.full((1, 1, 8, 8), 3.0)
    assert L2Pool2d(1)(flat)[0, 0, 1:-1, 1:-1].unique().item() == pytest.approx(3)
    zeros = torch.zeros(1, 1, 4, 4, requires_grad=True)
    (grad,) = torch.autograd.grad(L2Pool2d(1)(zeros).sum(), zeros)
    assert not grad.any()
    big = torch.full((1, 1, 4, 4), 1000.0, dtype=torch.float16)  # whose square is beyond half precision
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = L2Pool2d(1)(big)
    assert found.dtype == torch.float32 and found[0, 0, 1, 1].item() == pytest.approx(1000, rel=1e-6)


def test_random_weights() -> None:
    found = weights.random_tensors(BACKBONES["vgg16"])
    short = weights.random_tensors(up_to_last("vgg16", ["relu2_1"]))
    assert len(found) == 26 and list(short) == ["0.weight", "0.bias", "2.weight", "2.bias", "5.weight", "5.bias"]
    for name, value in short.items():
        assert torch.equal(found[name], value), "networks that are cut elsewhere share what they share"
    for layer in BACKBONES["vgg16"]:
        if layer.kind == "conv":
            deviation = (2 / (9 * layer.inputs)) ** 0.5
            assert found[f"{layer.number}.weight"].std().item() == pytest.approx(deviation, rel=0.05)
            assert not found[f"{layer.number}.bias"].any()
    state = torch.get_rng_state()
    Backbone("vgg16", "relu1_1", weights="random")
    assert torch.equal(torch.get_rng_state(), state), "the global generator is left alone"
    first = torch.randn(64, 3, 3, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(found["0.weight"], (2 / 27) ** 0.5 * first)


@pytest.mark.parametrize("prefix", ["features.", ""])
def test_weights_of_a_file(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "own.pth"
    tensors = {f"{prefix}{k}": 2 * v for k, v in weights.random_tensors(up_to_last("vgg16", ["relu1_2"])).items()}
    torch.save({**tensors, "classifier.0.weight": torch.ones(3)}, path)
    x = photo(size=8).float()
    for given in (path, str(path)):
        found = Backbone("vgg16", ["conv1_1"], weights=given)(x)["conv1_1"]
        torch.testing.assert_close(found, 2 * Backbone("vgg16", ["conv1_1"], weights="random")(x)["conv1_1"])
    with pytest.raises(ValueError, match=r"own\.pth' must hold 'features\.5\.weight' of shape .*128.* no such tensor"):
        Backbone("vgg16", ["relu2_1"], weights=path)
    torch.save({"0.weight": torch.ones(64, 3, 3, 3), "0.bias": torch.ones(63)}, path)
    with pytest.raises(ValueError, match=r"'features\.0\.bias' of shape \(64,\), got shape \(63,\)"):
        Backbone("vgg16", ["relu1_1"], weights=path)


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "own.pth"
    for body, words in (
        ([1, 2], "must hold a mapping of names to tensors, got list"),
        ({"a": 1}, "must hold a mapping of names to tensors, got dict"),
    ):
        torch.save(body, path)
        with pytest.raises(DataError, match=words):
            Backbone("vgg16", weights=path)
    for raw in (b"", b"text", b"PK\x03\x04half"):
        path.write_bytes(raw)
        with pytest.raises(DataError, match=r"cannot read .*own\.pth as a file of tensors"):
            Backbone("vgg16", weights=path)
    with pytest.raises(DataError, match="cannot read"):
        weights.read_tensors(tmp_path / "nowhere")


def test_content_digest() -> None:
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(2)}
    digest = weights.content_digest(tensors)
    assert digest == weights.content_digest(dict(reversed(tensors.items())))
    assert digest == weights.content_digest({"a": torch.arange(6.0).view(3, 2).view(2, 3), "b": torch.ones(2).half()})
    strided = torch.stack([torch.arange(6.0).view(2, 3)] * 2, dim=-1)[..., 0]
    assert digest == weights.content_digest({**tensors, "a": strided})
    for other in ({"a": tensors["a"]}, {**tensors, "a": tensors["a"].view(3, 2)}, {**tensors, "b": torch.zeros(2)}):
        assert digest != weights.content_digest(other)
    assert digest != weights.content_digest({"c": tensors["a"], "b": tensors["b"]})


BAD = [
    (
        {"layers": "relu3_4"},
        ValueError,
        r"layers must be names of layers of vgg16, got 'relu3_4'; known: conv1_1, relu1_1",
    ),
    ({"layers": ()}, ValueError, "layers must name at least one layer of vgg16, got none"),
    ({"layers": ("relu1_1", "relu1_1")}, ValueError, "layers must name each layer once, got"),
    ({"backbone": "resnet"}, ValueError, "backbone must be one of 'vgg16', 'vgg19', 'alexnet', got 'resnet'"),
    ({"pooling": "mean"}, ValueError, "pooling must be one of 'max', 'l2', got 'mean'"),
    (
        {"weights": "imagnet"},
        ValueError,
        "weights must be 'imagenet', 'random', 'random:SEED' or the path of a file, got 'imagnet'",
    ),
    ({"weights": True}, ValueError, "weights must be .*, got True"),
    ({"weights": None}, ValueError, "weights must be .*, got None"),
]


@pytest.mark.parametrize(("options", "error", "words"), BAD, ids=str)
def test_bad_options(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Backbone(**{"weights": "random", **options})


def test_bad_images() -> None:
    network = Backbone("vgg16", "relu1_1", weights="random")
    for shape in ((1, 2, 8, 8), (1, 4, 8, 8)):
        words = rf"x must have 1 or 3 channels \(one is repeated three times\), got shape \({shape[0]}, {shape[1]}"
        with pytest.raises(ValueError, match=words):
            network(torch.rand(shape))
    with pytest.raises(ValueError, match=r"x must have shape \(N, C, H, W\)"):
        network(torch.rand(3, 8, 8))
    with pytest.raises(TypeError, match="x must have a floating dtype"):
        network(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))


def test_nothing_can_be_trained() -> None:
    network = Backbone("vgg16", "relu2_1", weights="random")
    holder = nn.Sequential(network)
    assert len(list(network.parameters())) == 6
    assert not any(p.requires_grad for p in network.parameters())
    assert not any(m.training for m in network.modules())
    assert network.train() is network and not any(m.training for m in holder.train()[0].modules())
    holder.requires_grad_(True)  # a model that holds it is unfrozen as a whole
    x = photo(size=8).float().requires_grad_()
    network(x)["relu2_1"].sum().backward()
    assert x.grad is not None and x.grad.abs().sum() > 0
    assert all(p.grad is None for p in network.parameters())


def test_copies_and_dtypes() -> None:
    network = Backbone("vgg16", ["conv1_1", "relu1_2"], weights="random")
    x = photo(size=8).float()
    expected = network(x)
    for twin in (copy.deepcopy(network), copy.deepcopy(network).double()):
        assert all(torch.equal(twin(x)[name], value) for name, value in expected.items())
    half = copy.deepcopy(network).half()(x)["relu1_2"]
    assert half.dtype == torch.float32 and (half - expected["relu1_2"]).abs().max() < 1e-2 * half.abs().max()
    assert network(x.bfloat16())["relu1_2"].dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = network(x)["relu1_2"]
    assert cast.dtype == torch.bfloat16
    assert (cast.float() - expected["relu1_2"]).abs().max() < 2e-2 * cast.abs().max()
    assert set(network.state_dict()) == {f"layers.conv1_{k}.{kind}" for k in (1, 2) for kind in ("weight", "bias")}
    assert "'vgg16', ('conv1_1', 'relu1_2'), weights='random', pooling='max'" in repr(network)


def test_made_in_inference_mode_used_in_training() -> None:
    with torch.inference_mode():
        network = Backbone("vgg16", "relu1_1", weights="random")
    assert not any(t.is_inference() for t in (*network.parameters(), *network.buffers()))
    x = photo(size=8).float().requires_grad_()
    network(x)["relu1_1"].sum().backward()
    assert x.grad is not None


def test_the_import_brings_no_compiler() -> None:
    seen = "print('torch._dynamo' in sys.modules)"
    code = f"import sys, torch; {seen}; import lossedu.backbones; {seen}"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == said[1]


def test_sharing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    one = sharing.shared_backbone("vgg16", weights="random", device=cpu)
    assert sharing.shared_backbone("vgg16", weights="random", device=cpu) is one
    assert sharing.shared_backbone("vgg16", weights="random", pooling="l2", device=cpu) is not one
    path = tmp_path / "a.pth"
    torch.save(weights.random_tensors(BACKBONES["vgg16"]), path)
    own = sharing.shared_backbone("vgg16", weights=path, device=cpu)
    assert sharing.shared_backbone("vgg16", weights=str(path), device=cpu) is own
    os.utime(path, ns=(1, 1))
    assert sharing.shared_backbone("vgg16", weights=path, device=cpu) is not own, "a changed file is read again"
    monkeypatch.setattr(sharing, "KEPT", 3)
    for k in range(4):
        assert sharing.kept(sharing.keep(f"key {k}", lambda k=k: k)) == k
    assert sharing.kept(sharing.keep("key 3", lambda: 9)) == 3
    assert list(vars(sharing._shelf)) == ["key 1", "key 2", "key 3"]
    sharing.forget()
    assert not vars(sharing._shelf)


def test_trained_files_agree() -> None:
    """What the source archive gives, rounded to half precision, is the file of the data folder."""
    half = trained.tensors("vgg16_features_fp16.pth")
    assert {k: tuple(v.shape) for k, v in half.items()} == {
        f"features.{k}": tuple(v.shape) for k, v in weights.random_tensors(BACKBONES["vgg16"]).items()
    }
    # the digest of alexnet's file, which is float32, is the one that is registered for the archive's
    alexnet = trained.tensors("alexnet_features.pth")
    assert weights.content_digest(alexnet) == registry.ITEMS["alexnet"][1].content


def test_unused_layer_is_not_kept() -> None:
    assert list(Backbone("vgg16", ["relu1_1", "conv2_1"], weights="random").layers)[-1] == "conv2_1"
    assert layers.chosen_names("vgg16", "relu1_1") == ("relu1_1",)


def pull(value: Tensor, x: Tensor) -> Tensor:
    return torch.autograd.grad(value, x)[0]


def test_gradcheck() -> None:
    network = Backbone("vgg16", ["relu2_1"], weights="random", pooling="l2")
    x = photo(size=4).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: network(z)["relu2_1"].mean(), (x,), atol=1e-6)
    single = torch.func.grad(lambda z: network(z)["relu2_1"].mean())(x.detach())
    torch.testing.assert_close(single, pull(network(x)["relu2_1"].mean(), x))
