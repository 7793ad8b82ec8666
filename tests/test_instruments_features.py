"""What features see: receptive fields, active shares, and pictures found from features."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pictures import photo
from trained import needs_weights

import lossedu as le
from lossedu.backbones import Backbone, layer_names
from lossedu.instruments import ReceptiveField, active_fractions, invert, receptive_field

#: Dumoulin and Visin's recursion done by hand for VGG-16, block by block.
BY_HAND = {
    "conv1_1": (3, 1),
    "relu1_2": (5, 1),
    "pool1": (6, 2),
    "conv2_2": (14, 2),
    "pool2": (16, 4),
    "conv3_3": (40, 4),
    "pool3": (44, 8),
    "relu4_3": (92, 8),
    "pool4": (100, 16),
    "relu5_3": (196, 16),
    "pool5": (212, 32),
}


@pytest.mark.parametrize(("layer", "expected"), BY_HAND.items())
def test_receptive_fields_of_vgg16(layer: str, expected: tuple[int, int]) -> None:
    assert receptive_field(layer)[:2] == expected


def test_an_activation_sees_what_its_convolution_sees() -> None:
    names = layer_names("vgg19")
    for name in names:
        if name.startswith("conv"):
            assert receptive_field(name, backbone="vgg19") == receptive_field(
                name.replace("conv", "relu"), backbone="vgg19"
            )
    with pytest.raises(ValueError, match="layers must be names of layers of vgg16, got 'relu6_1'"):
        receptive_field("relu6_1")


@pytest.mark.parametrize(
    ("backbone", "layer"), [("vgg16", "conv2_2"), ("vgg16", "pool3"), ("vgg16", "relu3_2"), ("alexnet", "conv3")]
)
def test_the_gradient_reaches_as_far_as_the_field_and_no_farther(backbone: str, layer: str) -> None:
    size, stride, start = receptive_field(layer, backbone=backbone)
    network = Backbone(backbone, layer, weights="random").double()
    x = torch.rand(1, 3, 160, 160, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    seen = network(x)[layer]
    place = seen.shape[-1] // 2
    reached = torch.zeros(160, dtype=torch.bool)
    for channel in range(0, seen.shape[1], 4):  # of a pool, the winner alone is reached; of many, somewhere the edge is
        (pull,) = torch.autograd.grad(seen[0, channel, place, place], x, retain_graph=True)
        reached |= (pull != 0).sum(dim=(0, 1, 2)) > 0
    columns = reached.nonzero().flatten()
    first = start + place * stride
    assert columns.min() >= first and columns.max() <= first + size - 1
    assert columns.max() - columns.min() + 1 >= size - 4  # and nearly all of it


def test_a_shift_by_the_stride_shifts_the_features_by_one() -> None:
    stride = receptive_field("relu3_1").stride
    x = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    here, there = (
        Backbone("vgg16", "relu3_1", weights="random").double()(one)["relu3_1"] for one in (x, x.roll(stride, -1))
    )
    torch.testing.assert_close(there[..., 6:-6], here.roll(1, -1)[..., 6:-6])


def test_active_shares_are_those_above_zero() -> None:
    x = torch.cat([photo("astronaut", 64), photo("coffee", 64)]).float()
    found = active_fractions(x, ["conv2_1", "relu2_1"], weights="random")
    seen = le.vgg_features(x, "conv2_1", weights="random")["conv2_1"]
    expected = [(seen[n] > 0).double().mean().item() for n in range(2)]
    assert found["conv2_1"].tolist() == pytest.approx(expected)
    assert found["relu2_1"].tolist() == found["conv2_1"].tolist()
    assert found["relu2_1"].shape == (2,) and not found["relu2_1"].requires_grad


def test_an_inversion_of_an_early_layer_is_the_picture() -> None:
    y = photo("astronaut", 32).float()
    found = invert(y, "relu1_1", weights="random", tv=0.0, steps=200)
    assert found.error < 1e-3 and float(le.metrics.psnr(found.image, y)) > 30
    again = invert(y, "relu1_1", weights="random", tv=0.0, steps=200)
    assert torch.equal(again.image, found.image)
    other = invert(y, "relu1_1", weights="random", tv=0.0, steps=200, seed=1)
    assert not torch.equal(other.image, found.image)
    assert found.image.shape == y.shape and float(found.image.min()) >= 0 and float(found.image.max()) <= 1
    features = (le.vgg_features(one, "relu1_1", weights="random")["relu1_1"] for one in (found.image, y))
    seen, goal = features
    assert found.error == pytest.approx(float((seen - goal).square().sum() / goal.square().sum()), rel=1e-3)


def test_total_variation_smooths_what_is_found() -> None:
    y = photo("astronaut", 32).float()
    rough, smooth = (invert(y, "relu2_1", weights="random", tv=tv, steps=60) for tv in (0.0, 10.0))
    assert le.tv_loss(smooth.image, kind="squared") < 0.5 * le.tv_loss(rough.image, kind="squared")
    assert smooth.error > rough.error


def test_only_features_are_looked_at() -> None:
    """One channel is repeated three times: a picture and its copy in three channels have the same features."""
    y = photo("coffee", 32).float().mean(dim=1, keepdim=True)
    found = {one.shape[1]: invert(one, "relu1_1", weights="random", steps=20) for one in (y.expand(-1, 3, -1, -1), y)}
    assert all(one.image.shape[1] == channels for channels, one in found.items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be an integer of at least 1, got 0"),
        ({"tv": -1.0}, "tv must be a finite number of at least 0, got -1.0"),
        ({"lr": 0.0}, "lr must be"),
        ({"layer": "relu9"}, "layers must be names of layers"),
        ({"y": torch.zeros(2, 3, 32, 32)}, r"y must be one picture, \(1, C, H, W\), got shape \(2, 3, 32, 32\)"),
        ({"y": torch.zeros(1, 2, 32, 32)}, "y must have 1 or 3 channels"),
    ],
)
def test_wrong_input_is_told(options: dict[str, Any], message: str) -> None:
    given = {"y": torch.zeros(1, 3, 32, 32), "layer": "relu1_1", "weights": "random", "steps": 1} | options
    with pytest.raises((ValueError, TypeError), match=message):
        invert(given.pop("y"), given.pop("layer"), **given)


def test_it_works_in_inference_mode() -> None:
    with torch.inference_mode():
        y = photo("astronaut", 32).float()
        found = invert(y, "relu1_1", weights="random", steps=2)
    assert not found.image.is_inference() and found.error > 0


def test_a_black_picture_before_any_bias_has_features_all_the_same() -> None:
    found = invert(torch.zeros(1, 3, 32, 32), "relu1_1", weights="random", steps=2)
    assert found.error < 10  # finite: black is not zero behind the normalisation


@given(seed=st.integers(0, 10**9 - 1))
def test_random_weights_of_a_seed_are_those_of_that_seed(seed: int) -> None:
    one, two = (Backbone("vgg16", "conv1_1", weights=f"random:{seed}") for _ in range(2))
    assert torch.equal(one.layers["conv1_1"].weight, two.layers["conv1_1"].weight)
    usual = Backbone("vgg16", "conv1_1", weights="random").layers["conv1_1"].weight
    assert torch.equal(one.layers["conv1_1"].weight, usual) == (seed == 0)


@pytest.mark.parametrize("word", ["random:", "random:-1", "random:1.5", "random7", "random:1234567890"])
def test_what_is_no_seed_is_told(word: str) -> None:
    with pytest.raises(ValueError, match="weights must be 'imagenet', 'random', 'random:SEED' or the path"):
        Backbone("vgg16", "conv1_1", weights=word)


def test_fields_have_names() -> None:
    assert ReceptiveField(92, 8, -42) == receptive_field("relu4_3")


@needs_weights("vgg16")
def test_trained_features_lose_the_picture_on_the_way_down() -> None:
    y = photo("astronaut", 48).float()
    early, late = (invert(y, layer, steps=100) for layer in ("relu1_2", "relu4_3"))
    assert le.metrics.psnr(early.image, y) > le.metrics.psnr(late.image, y) + 5
