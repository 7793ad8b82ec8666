"""Every numbered equation of chapter 6, against plain transcriptions, finite differences and counting.

Random weights unless a test says otherwise: the equations hold for any.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import oracles_perceptual as oracle
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import lossedu as le
from lossedu import data
from lossedu.backbones import Backbone, layer_names
from lossedu.backbones.layers import BACKBONES
from lossedu.backbones.network import DEVIATION, MEAN, FrozenConv2d
from lossedu.check.perceptual.fields import counts
from lossedu.experiments.features import FACTOR, srgan_content
from lossedu.instruments import receptive_field
from lossedu.metrics import deep


def pair(size: int = 16, strength: float = 0.05) -> tuple[Tensor, Tensor]:
    y = data.crop(data.photograph("astronaut"), 96, 208, size).double()
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=y.dtype)
    return y + strength * noise, y


def kernels(last: str) -> dict[str, tuple[Tensor, Tensor]]:
    layers = Backbone("vgg16", last, weights="random").layers
    found = {name: m for name, m in layers.items() if isinstance(m, FrozenConv2d)}
    return {name: (m.weight.double(), m.bias.double()) for name, m in found.items()}


def normalised(x: Tensor) -> Tensor:
    mean, deviation = (torch.tensor(values).double().view(3, 1, 1) for values in (MEAN, DEVIATION))
    return (x - mean) / deviation


def conv_by_hand(z: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    seen = F.pad(z, (1, 1, 1, 1)).unfold(2, 3, 1).unfold(3, 3, 1)
    return torch.einsum("nchwij,ocij->nohw", seen, weight) + bias.view(-1, 1, 1)


@pytest.mark.equation("6.1")
def test_a_layer_is_a_convolution_and_a_cut() -> None:
    _, y = pair()
    table, z = kernels("relu2_1"), normalised(y)
    for name in ("conv1_1", "conv1_2", "conv2_1"):
        before = conv_by_hand(z, *table[name])
        after = before.clamp(min=0)
        found = le.vgg_features(y, (name, name.replace("conv", "relu")), weights="random")
        for ours, theirs in zip(found.values(), (before, after), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)
        z = after.unfold(2, 2, 2).unfold(3, 2, 2).amax(dim=(-2, -1)) if name == "conv1_2" else after


def positive(last: str) -> Callable[[Tensor], Tensor]:
    """Return the layers of VGG-16 with weights above zero and pools that average: every pixel of a field counts."""

    def walk(x: Tensor) -> Tensor:
        z = x.mean(dim=1, keepdim=True)
        for layer in BACKBONES["vgg16"]:
            if layer.kind == "conv":
                z = F.conv2d(z, torch.full((1, 1, 3, 3), 1 / 9, dtype=x.dtype), padding=1)
            elif layer.kind == "pool":
                z = F.avg_pool2d(z, 2)
            if layer.name == last:
                break
        return z

    return walk


@pytest.mark.equation("6.2")
@pytest.mark.parametrize("layer", ["relu1_2", "pool1", "relu2_2", "relu3_3", "relu4_3"])
def test_what_a_unit_sees(layer: str) -> None:
    size, step = 1, 1
    for one in BACKBONES["vgg16"]:
        size += (one.kernel - 1) * step
        step *= one.stride
        if one.name == layer:
            break
    assert receptive_field(layer)[:2] == (size, step)
    x = torch.rand(1, 3, 160, 160, dtype=torch.float64, requires_grad=True)
    maps = positive(layer)(x)
    place = maps.shape[-1] // 2
    (grad,) = torch.autograd.grad(maps[0, 0, place, place], x)
    seen = grad[0].abs().sum(dim=(0, 1)).nonzero().flatten()
    field = receptive_field(layer)
    assert int(seen[0]) == field.start + place * field.stride and len(seen) == field.size


def test_a_gradient_depends_on_twice_a_field_less_one() -> None:
    """Of relu2_1, whose units see 10 pixels: what is more than 9 pixels away changes nothing, what is nearer may."""
    generator = torch.Generator().manual_seed(1)
    y = torch.rand(1, 3, 48, 48, generator=generator, dtype=torch.float64)
    x = torch.rand(y.shape, generator=generator, dtype=torch.float64)
    loss, size = le.PerceptualLoss("relu2_1", weights="random"), receptive_field("relu2_1").size

    def at_middle(z: Tensor) -> Tensor:
        leaf = z.clone().requires_grad_()
        return torch.autograd.grad(loss(leaf, y), leaf)[0][..., 24, 24]

    reference = at_middle(x)
    changed = []
    for distance in range(1, 20):
        moved = x.clone()
        moved[..., 24 + distance] = 1 - moved[..., 24 + distance]
        changed.append(not torch.equal(at_middle(moved), reference))
    assert size == 10 and any(changed[:size]) and not any(changed[size - 1 :])


@pytest.mark.equation("6.3")
@pytest.mark.parametrize("layer", ["conv1_2", "relu2_1"])
def test_mean_over_maps_and_places(layer: str) -> None:
    x, y = pair()
    f, g = (le.vgg_features(z, layer, weights="random")[layer] for z in (x, y))
    slow = sum(float(v) for v in ((f - g) ** 2).flatten()) / (f.shape[1] * f.shape[2] * f.shape[3])
    assert float(le.PerceptualLoss(layer, weights="random")(x, y)) == pytest.approx(slow, rel=1e-10)


@pytest.mark.equation("6.4")
def test_gradient_is_the_transposed_jacobian_times_the_error() -> None:
    x, y = pair(6)
    layer = "relu2_1"

    def features(z: Tensor) -> Tensor:
        return le.vgg_features(z, layer, weights="random")[layer].flatten()

    jacobian = torch.autograd.functional.jacobian(features, x).flatten(1)
    error = features(x) - features(y)
    closed = 2 / error.numel() * (jacobian.T @ error)
    leaf = x.clone().requires_grad_()
    (grad,) = torch.autograd.grad(le.PerceptualLoss(layer, weights="random")(leaf, y), leaf)
    torch.testing.assert_close(grad.flatten(), closed, rtol=1e-8, atol=1e-12)
    step = torch.zeros_like(x)
    step[0, 1, 3, 2] = 1e-6
    loss = le.PerceptualLoss(layer, weights="random")
    slope = float(loss(x + step, y) - loss(x - step, y)) / 2e-6
    assert slope == pytest.approx(float(grad[0, 1, 3, 2]), rel=1e-4)


@pytest.mark.equation("6.5")
def test_the_mask_is_that_of_x() -> None:
    generator = torch.Generator().manual_seed(2)
    a, b = torch.randn(2, 4, 5, 5, generator=generator, dtype=torch.float64).unbind()
    leaf = a.clone().requires_grad_()
    (grad,) = torch.autograd.grad((leaf.relu() - b.relu()).square().mean(), leaf)
    closed = 2 / a.numel() * (a > 0) * (a.relu() - b.relu())
    torch.testing.assert_close(grad, closed)
    assert bool(((a < 0) & (b > 0)).any()) and not bool(grad[(a < 0) & (b > 0)].any())


@pytest.mark.equation("6.6")
def test_rank_is_at_most_the_number_of_live_units() -> None:
    y = data.crop(data.photograph("astronaut"), 96, 208, 16).double()
    for layer in ("pool4", "relu5_1"):

        def features(z: Tensor, layer: str = layer) -> Tensor:
            return le.vgg_features(z, layer, weights="random")[layer].flatten()

        live = int((features(y) > 0).sum())
        jacobian = torch.autograd.functional.jacobian(features, y, vectorize=True).flatten(1)
        sizes = torch.linalg.svdvals(jacobian)
        rank = int((sizes > 1e-10 * sizes[0]).sum())
        assert rank <= live < y.numel()
        assert y.numel() - rank >= y.numel() - live > 0


def test_numbers_a_pixel_that_the_text_names() -> None:
    counts_by_layer = {
        name: min(64 * 2 ** (int(name[4]) - 1), 512) / receptive_field(name).stride ** 2
        for name in layer_names("vgg16")
        if not name.startswith("relu")
    }
    assert (counts_by_layer["conv3_3"], counts_by_layer["conv4_3"], counts_by_layer["conv5_3"]) == (16, 8, 2)
    fewer = [name for name, count in counts_by_layer.items() if count < 3]
    assert fewer[0] == "pool4"


@pytest.mark.equation("6.7")
def test_near_the_truth_it_is_a_square() -> None:
    _, y = pair(12)
    q = torch.randn(y.shape, generator=torch.Generator().manual_seed(3), dtype=y.dtype)
    layer = "relu3_1"

    def features(z: Tensor) -> Tensor:
        return le.vgg_features(z, layer, weights="random")[layer]

    moved = torch.autograd.functional.jvp(features, y, q)[1]
    loss = le.PerceptualLoss(layer, weights="random")
    for size in (1e-6, 2e-6):
        assert float(loss(y + size * q, y)) == pytest.approx(size**2 * float(moved.square().mean()), rel=1e-3)


def flat_price(f: float, level: float) -> float:
    """The mean over maps of the squared responses of relu1_2, along rows and along columns, by plain sums."""
    table = kernels("relu1_2")
    k = torch.arange(-1, 2, dtype=torch.float64)
    wave = torch.exp(2j * math.pi * f * k)
    total = 0.0
    for turned in (False, True):
        z = (level - torch.tensor(MEAN).double()) / torch.tensor(DEVIATION).double()
        h = (1 / torch.tensor(DEVIATION).double()).to(torch.complex128)
        for name in ("conv1_1", "conv1_2"):
            weight, bias = table[name]
            weight = weight.transpose(2, 3) if turned else weight
            rows = []
            for kernel in weight:  # (inputs, 3, 3)
                parts = [kernel[d, i, k] * wave[k] * h[d] for d in range(len(h)) for i in range(3) for k in range(3)]
                rows.append(torch.stack(parts).sum())
            response = torch.stack(rows)
            z = weight.sum(dim=(2, 3)) @ z + bias
            h, z = response * (z > 0), z.clamp(min=0)
        total += float(h.abs().square().mean()) / 2
    return total


@pytest.mark.equation("6.8")
@pytest.mark.parametrize("level", [0.3, 0.5])
def test_price_on_flat_ground_before_the_first_pool(level: float) -> None:
    waves = [1 / 16, 1 / 4, 3 / 8]
    size = 64
    loss = le.PerceptualLoss("relu1_2", weights="random")

    def inner(x: Tensor, y: Tensor) -> Tensor:  # away from the zeros at the border
        maps = [le.vgg_features(z, "relu1_2", weights="random")["relu1_2"][..., 2:-2, 2:-2] for z in (x, y)]
        return (maps[0] - maps[1]).square().mean()

    found = le.price(inner, level=level, amplitude=1e-3, frequencies=waves, size=size)
    assert found.values.tolist() == pytest.approx([flat_price(f, level) for f in waves], rel=0.02)
    whole = le.price(loss, level=level, amplitude=1e-3, frequencies=waves, size=size)
    assert whole.values.tolist() == pytest.approx(found.values.tolist(), rel=0.12)


@pytest.mark.equation("6.9")
def test_the_bayes_act_is_nearest_to_the_mean_feature() -> None:
    samples = torch.cat([pair(12, strength)[0] for strength in (0.0, 0.1, 0.2)]).float()
    loss = le.PerceptualLoss("relu2_1", weights="random")
    goals = [loss.target(sample[None]) for sample in samples]
    stack = torch.stack([goal.features["relu2_1"] for goal in goals])
    mean = replace(goals[0], features={"relu2_1": stack.mean(dim=0)})
    spread = float((stack - stack.mean(dim=0)).square().mean())
    for x in (samples[1:2], samples.mean(dim=0, keepdim=True), 1 - samples[:1]):
        expected = float(torch.stack([loss(x, goal) for goal in goals]).mean())
        assert expected == pytest.approx(float(loss(x, mean)) + spread, rel=1e-4)
    one = le.bayes_act(loss, samples, steps=20, lr=0.01)
    two = le.bayes_act(
        lambda x, _: loss(x, mean), samples[:1], init=samples.mean(dim=0, keepdim=True), steps=20, lr=0.01
    )
    torch.testing.assert_close(one, two, atol=2e-3, rtol=0)


@pytest.mark.equation("6.10")
def test_the_factor_of_srgan_stands_at_the_features() -> None:
    x, y = pair()
    f, g = (le.vgg_features(z, "relu2_2", weights="random")["relu2_2"] for z in (x, y))
    places = f.shape[2] * f.shape[3]
    slow = float((((f - g) / 12.75) ** 2).sum()) / places
    ours = 128 / 12.75**2 * float(le.PerceptualLoss("relu2_2", weights="random")(x, y))
    assert FACTOR == 12.75 and ours == pytest.approx(slow) == pytest.approx(float(srgan_content(f, g)))
    assert slow * 12.75 == pytest.approx(float(((f - g) ** 2).sum()) / places / 12.75)  # the port


def made_up(item: str) -> dict[str, Tensor]:
    def draw(*shape: int, seed: int) -> Tensor:
        return torch.rand(shape, generator=torch.Generator().manual_seed(seed))

    if item == "dists":
        return {name: draw(1, 1475, 1, 1, seed=seed) for seed, name in enumerate(("alpha", "beta"))}
    return {f"lin{k}.model.1.weight": draw(1, c, 1, 1, seed=k) for k, c in enumerate((64, 128, 256, 512, 512))}


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = deep.shared_backbone
    monkeypatch.setattr(deep, "shared_backbone", lambda name, **o: shared(name, weights="random", **o))
    monkeypatch.setattr(deep, "registered_tensors", made_up)
    le.backbones.forget()


def maps_of(z: Tensor, pooling: str) -> list[Tensor]:
    network = Backbone("vgg16", oracle.LPIPS_VGG, weights="random", pooling=pooling)
    return [network(z)[name] for name in oracle.LPIPS_VGG]


@pytest.mark.equation("6.11")
def test_lpips_by_hand(untrained: None) -> None:
    x, y = pair(17)
    total = torch.zeros((), dtype=torch.float64)
    heads = made_up("lpips_vgg16").values()
    for f, g, head in zip(maps_of(x, "max"), maps_of(y, "max"), heads, strict=True):
        units = [z / (z.square().sum(dim=1, keepdim=True) + 1e-20).sqrt() for z in (f, g)]
        total = total + (head.double() * (units[0] - units[1]) ** 2).sum() / (f.shape[2] * f.shape[3])
    try:
        torch.testing.assert_close(le.metrics.lpips(x, y)[()], total, rtol=1e-8, atol=0)
    finally:
        le.backbones.forget()


def test_outside_the_root_the_slope_at_zero_is_no_number() -> None:
    for inside, finite in ((True, True), (False, False)):
        f = torch.zeros(3, requires_grad=True)
        length = (f.square().sum() + 1e-20).sqrt() if inside else f.square().sum().sqrt() + 1e-10
        (grad,) = torch.autograd.grad((f / length).sum(), f)
        assert bool(grad.isfinite().all()) is finite


@pytest.mark.equation("6.12")
def test_dists_by_hand(untrained: None) -> None:
    x, y = pair(12)
    weights = {name: value.flatten().double() for name, value in made_up("dists").items()}
    total = weights["alpha"].sum() + weights["beta"].sum()
    similar, place = torch.zeros((), dtype=torch.float64), 0
    for f, g in zip([x, *maps_of(x, "l2")], [y, *maps_of(y, "l2")], strict=True):
        for c in range(f.shape[1]):
            a, b = f[0, c], g[0, c]
            ma, mb = a.mean(), b.mean()
            va, vb, cov = ((a - ma) ** 2).mean(), ((b - mb) ** 2).mean(), ((a - ma) * (b - mb)).mean()
            similar = similar + weights["alpha"][place] / total * (2 * ma * mb + 1e-6) / (ma**2 + mb**2 + 1e-6)
            similar = similar + weights["beta"][place] / total * (2 * cov + 1e-6) / (va + vb + 1e-6)
            place += 1
    try:
        assert float(le.metrics.dists(x, y)) == pytest.approx(1 - float(similar), rel=1e-6)
    finally:
        le.backbones.forget()


@pytest.mark.equation("6.13")
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 2), (5, 3), (2, 2)])
def test_how_often_a_place_is_written(kernel: int, stride: int) -> None:
    length = 6
    found = counts(length, kernel, stride)
    by_hand = [sum(0 <= p - i * stride < kernel for i in range(length)) for p in range(len(found))]
    assert found.tolist() == by_hand
    inside = found[kernel:-kernel]
    assert (len(set(inside.tolist())) == 1) is (kernel % stride == 0)
