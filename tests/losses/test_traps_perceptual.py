"""The traps of losses that look through a pretrained network: ours passes, a plausible naive twin does not."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pictures import batch, photo
from torch import Tensor, nn
from traps import only_ours, refuses

import lossedu as le
from lossedu.backbones import Backbone, forget
from lossedu.storage import DataError

Features = Callable[[Tensor, str], Tensor]


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    forget()
    yield
    forget()


def kernels(count: int) -> list[tuple[Tensor, Tensor]]:
    """Weight and bias of the first convolutions of the random network."""
    network = Backbone("vgg16", "relu3_3", weights="random")
    return [(m.weight, m.bias) for m in network.modules() if isinstance(m, nn.Conv2d)][:count]


def normalised(x: Tensor) -> Tensor:
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (x - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)


def ours(x: Tensor, layer: str) -> Tensor:
    return le.vgg_features(x, layer, weights="random")[layer]


def twin(x: Tensor, layer: str, *, inplace: bool = False, normal: bool = True, shift: int = 0) -> Tensor:
    """The usual way: a Sequential as torchvision builds it, of which outputs are collected by number."""
    modules: list[nn.Module] = []
    for weight, bias in kernels(2):
        convolution = nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
        convolution.weight, convolution.bias = weight, bias
        modules += [convolution, nn.ReLU(inplace=inplace)]
    number = {"conv1_1": 0, "relu1_1": 1, "conv1_2": 2, "relu1_2": 3}[layer] + shift
    x = normalised(x) if normal else x
    outputs = []
    for module in modules:
        x = module(x)
        outputs.append(x)
    return outputs[number]


def image(size: int = 12) -> Tensor:
    return photo(size=size).float()


def test_trap_5_18_activation_in_place_overwrites_the_convolution() -> None:
    def goes_below_zero(features: Features) -> None:
        for layer in ("conv1_1", "conv1_2"):
            assert features(image(), layer).min() < 0

    only_ours(goes_below_zero, ours, lambda x, layer: twin(x, layer, inplace=True))


def test_trap_5_18_before_or_after_the_activation() -> None:
    def is_the_activation_of_the_one_before(features: Features) -> None:
        for number in (1, 2):
            before = F.conv2d(
                normalised(image()) if number == 1 else ours(image(), "relu1_1"), *kernels(2)[number - 1], padding=1
            )
            torch.testing.assert_close(features(image(), f"conv1_{number}"), before)
            torch.testing.assert_close(features(image(), f"relu1_{number}"), before.relu())

    def ends_one_too_early(x: Tensor, layer: str) -> Tensor:  # features[:k] ends with number k - 1
        return twin(x, layer, shift=-1 if layer.startswith("relu") else 0)

    only_ours(is_the_activation_of_the_one_before, ours, ends_one_too_early)


def test_trap_5_18_normalisation() -> None:
    def sees_what_imagenet_was(features: Features) -> None:
        grey = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 6, 6)
        assert features(grey, "conv1_1").abs().max() < 1e-6  # the average picture, without a bias
        torch.testing.assert_close(features(image(), "conv1_1"), twin(image(), "conv1_1"))

    only_ours(sees_what_imagenet_was, ours, lambda x, layer: twin(x, layer, normal=False))
    only_ours(sees_what_imagenet_was, ours, lambda x, layer: twin(2 * x - 1, layer))

    def minds_the_range(make: Callable[..., Callable[[Tensor, Tensor], Tensor]]) -> None:
        x, y = batch(1, 3, 8)
        expected = le.PerceptualLoss("relu1_2", weights="random")(x, y).item()
        assert make(data_range=255.0)(255 * x, 255 * y).item() == pytest.approx(expected, rel=1e-9)

    def forgets(*, data_range: float) -> nn.Module:
        return le.PerceptualLoss("relu1_2", weights="random")

    only_ours(minds_the_range, lambda **o: le.PerceptualLoss("relu1_2", weights="random", **o), forgets)


class Naive(nn.Module):
    """A perceptual loss as it is often written; what is wrong with it is chosen by keywords."""

    def __init__(self, *, detach: bool = False, whole: bool = False, graph: bool = False, bare: bool = False) -> None:
        super().__init__()
        count = 13 if whole else 2
        source = Backbone("vgg16", "relu5_3" if whole else "relu1_2", weights="random")
        convolutions = [m for m in source.modules() if isinstance(m, nn.Conv2d)]
        self.convolutions = nn.ModuleList()
        for found in convolutions[:count]:
            own = nn.Conv2d(found.in_channels, found.out_channels, 3, padding=1)
            own.load_state_dict(found.state_dict())
            self.convolutions.append(own)
        self.dropout = nn.Dropout(0.5)
        self.detach, self.graph = detach, graph
        statistics = (
            torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1),
            torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1),
        )
        if bare:
            self.mean, self.deviation = statistics
        else:
            self.register_buffer("mean", statistics[0])
            self.register_buffer("deviation", statistics[1])

    def features(self, x: Tensor) -> Tensor:
        x = (x - self.mean) / self.deviation
        for convolution in self.convolutions[:2]:
            x = convolution(x).relu()
        return self.dropout(x)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        if self.detach:
            with torch.no_grad():
                return (self.features(x) - self.features(y)).square().mean()
        goal = self.features(y)
        return (self.features(x) - (goal if self.graph else goal.detach())).square().mean()


def loss_of_ours() -> le.PerceptualLoss:
    return le.PerceptualLoss("relu1_2", weights="random")


def test_trap_5_18_frozen_and_in_eval_mode_yet_the_image_is_pulled() -> None:
    def is_frozen(make: Callable[[], nn.Module]) -> None:
        loss = make()
        assert not any(p.requires_grad for p in loss.parameters())
        loss(image().requires_grad_(), 1 - image()).backward()
        assert all(p.grad is None for p in loss.parameters())

    def stays_in_eval_mode(make: Callable[[], nn.Module]) -> None:
        loss = make()
        nn.Sequential(loss).train()
        assert not any(module.training for module in loss.modules())
        assert loss(image(), image()).item() == 0

    def stays_frozen_in_a_model_that_is_not(make: Callable[[], nn.Module]) -> None:
        loss = make()
        nn.Sequential(loss).requires_grad_(True)
        loss(image().requires_grad_(), 1 - image()).backward()
        assert all(p.grad is None for p in loss.parameters())

    def pulls_the_image(make: Callable[[], nn.Module]) -> None:
        x = image().requires_grad_()
        value = make()(x, 1 - image())
        assert value.requires_grad
        assert torch.autograd.grad(value, x)[0].abs().sum() > 0

    for check in (is_frozen, stays_in_eval_mode, stays_frozen_in_a_model_that_is_not):
        only_ours(check, loss_of_ours, Naive)
    only_ours(pulls_the_image, loss_of_ours, lambda: Naive(detach=True))


def test_trap_5_18_target_without_a_graph() -> None:
    def leaves_the_target_alone(make: Callable[[], nn.Module]) -> None:
        x, y = image().requires_grad_(), (1 - image()).requires_grad_()
        make()(x, y).backward()
        assert x.grad is not None and y.grad is None

    def keeps_little_for_the_target(make: Callable[[], nn.Module]) -> None:
        kept: list[int] = []
        loss, y = make(), (1 - image()).requires_grad_()
        weights = {p.data_ptr() for p in loss.parameters()}
        with torch.autograd.graph.saved_tensors_hooks(
            lambda t: kept.append(0 if t.data_ptr() in weights else t.numel()) or t, lambda t: t
        ):
            loss(image().requires_grad_(), y)
        # one image's worth: two convolutions' inputs, two activations, the difference
        assert sum(kept) < 1.5 * (3 + 4 * 64) * 144

    for check in (leaves_the_target_alone, keeps_little_for_the_target):
        only_ours(check, loss_of_ours, lambda: Naive(graph=True))

    loss = loss_of_ours()
    goal = loss.target(1 - image())
    assert loss(image(), goal).item() == loss(image(), 1 - image()).item()


def test_trap_5_18_network_is_cut_off() -> None:
    def holds_no_more_than_it_needs(make: Callable[[], nn.Module]) -> None:
        assert sum(p.numel() for p in make().parameters()) == 3 * 64 * 9 + 64 + 64 * 64 * 9 + 64

    only_ours(holds_no_more_than_it_needs, loss_of_ours, lambda: Naive(whole=True))


def test_trap_5_18_everything_moves() -> None:
    def moves(make: Callable[[], nn.Module]) -> None:
        loss = make().to("meta")  # a device that every machine has
        x = torch.empty(1, 3, 8, 8, device="meta")
        assert not refuses(RuntimeError, loss, x, x)
        assert loss(x, x).device.type == "meta"

    only_ours(moves, loss_of_ours, lambda: Naive(bare=True))


def test_trap_5_18_weights_are_named() -> None:
    def legacy(weights: Any) -> Backbone:  # pretrained=True, and whatever is truthy
        return Backbone("vgg16", "relu1_1", weights="random")

    def refuses_what_it_does_not_know(make: Callable[[Any], Backbone]) -> None:
        for wrong in (True, False, None, "pretrained", "IMAGENET1K_V1", 1):
            assert refuses(ValueError, make, wrong), wrong

    only_ours(refuses_what_it_does_not_know, lambda w: Backbone("vgg16", "relu1_1", weights=w), legacy)


def test_trap_5_18_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    asked: list[str] = []

    def nobody(request: Any, **_: Any) -> None:
        asked.append(str(request))
        raise OSError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", nobody)
    monkeypatch.setenv("LOSSEDU_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("LOSSEDU_DATA", raising=False)

    def downloads() -> None:
        torch.hub.load_state_dict_from_url("https://127.0.0.1:9/vgg19.pth", model_dir=str(tmp_path), progress=False)

    def says_what_to_do(make: Callable[[], object]) -> None:
        asked.clear()
        try:
            make()
        except DataError as error:
            for words in ("vgg19-dcbb9e9d.pth", str(tmp_path / "cache"), "lossedu weights fetch vgg19"):
                assert words in str(error)
        except Exception as error:
            raise AssertionError("an error of the network is no help") from error
        assert not asked, "nothing is downloaded unasked"

    monkeypatch.setattr("torch.hub.urlopen", nobody)
    only_ours(says_what_to_do, lambda: le.PerceptualLoss("relu5_4", backbone="vgg19"), downloads)


def test_trap_5_18_small_images() -> None:
    def says_which_size_it_needs(loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        for size, fits in ((4, True), (3, False), (1, False)):
            x = torch.rand(1, 3, size, 9)
            try:
                loss(x, x)
                assert fits
            except ValueError as error:
                assert not fits and f"at least 4, got {size} x 9" in str(error) and "'pool2'" in str(error)
            except RuntimeError as error:
                raise AssertionError("an error of the pool is no help") from error

    def twice_halved(x: Tensor, y: Tensor) -> Tensor:
        return (F.max_pool2d(F.max_pool2d(x, 2), 2) - F.max_pool2d(F.max_pool2d(y, 2), 2)).square().mean()

    only_ours(says_which_size_it_needs, le.PerceptualLoss("pool2", weights="random"), twice_halved)


def test_trap_5_18_half_precision_overflows() -> None:
    loss = le.PerceptualLoss("conv1_2", weights="random")

    def in_half_precision(x: Tensor, y: Tensor) -> Tensor:
        a, b = (loss.network(z)["conv1_2"].half() for z in (x, y))
        return (a - b).square().mean().float()

    def is_finite_and_right(subject: Callable[[Tensor, Tensor], Tensor]) -> None:
        x, y = 300 * image(), -300 * image()  # trained features come to some hundreds, too
        exact = loss(x.double(), y.double()).item()
        for dtype in (torch.float16, torch.bfloat16):
            assert subject(x.to(dtype), y.to(dtype)).item() == pytest.approx(exact, rel=1e-2)

    only_ours(is_finite_and_right, loss, in_half_precision)

    def under_autocast(subject: Callable[[Tensor, Tensor], Tensor]) -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            value = subject(image(), 0.9 * image())
        assert value.dtype == torch.float32
        assert value.item() == pytest.approx(loss(image(), 0.9 * image()).item(), rel=2e-2)

    def stays_half(x: Tensor, y: Tensor) -> Tensor:
        a, b = (loss.network(z)["conv1_2"] for z in (x, y))
        return (a - b).square().mean()

    only_ours(under_autocast, loss, stays_half)


class TiesShared(torch.autograd.Function):
    """A maximum whose gradient goes, whole, to everything that equals it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        pooled = F.max_pool2d(x, 2)
        ctx.save_for_backward(x, pooled)
        return pooled

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        x, pooled = ctx.saved_tensors
        return (x == pooled.repeat_interleave(2, 2).repeat_interleave(2, 3)) * grads[0].repeat_interleave(
            2, 2
        ).repeat_interleave(2, 3)


def test_trap_5_18_ties_of_the_maximum() -> None:
    """On flat ground all four neighbours are the largest: the gradient must not be counted four times."""
    network = Backbone("vgg16", "pool1", weights="random")

    def pool(x: Tensor) -> Tensor:
        return network.layers["pool1"](x)

    def slope_is_that_of_a_uniform_shift(pooling: Callable[[Tensor], Tensor]) -> None:
        x = torch.full((1, 1, 8, 8), 0.5, dtype=torch.float64, requires_grad=True)
        (grad,) = torch.autograd.grad(pooling(x).sum(), x)
        rise = (pooling(x + 1e-6).sum() - pooling(x).sum()).item() / 1e-6
        assert grad.sum().item() == pytest.approx(rise, rel=1e-6)

    only_ours(slope_is_that_of_a_uniform_shift, pool, TiesShared.apply)
    flat = torch.full((1, 3, 8, 8), 0.5, requires_grad=True)
    (grad,) = torch.autograd.grad(network(flat)["pool1"].sum(), flat)
    assert grad.isfinite().all()
