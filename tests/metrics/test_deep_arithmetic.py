"""The arithmetic of LPIPS and DISTS behind the network, with a small network in its place."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator

import oracles_perceptual as oracle
import pytest
import small_networks
import torch
from pictures import batch, photo
from torch import Tensor

from lossedu.metrics import deep, dists, lpips

Metric = Callable[..., Tensor]


@pytest.fixture(autouse=True)
def small() -> Iterator[None]:
    with small_networks.in_place():
        yield


def features(z: Tensor, backbone: str, pooling: str) -> list[Tensor]:
    return list(small_networks.NETWORKS[backbone, pooling, "cpu"](z, deep.LPIPS_LAYERS[backbone]).values())


def naive_lpips(x: Tensor, y: Tensor, net: str = "vgg16") -> Tensor:
    heads = list(small_networks.registered_tensors(f"lpips_{net}").values())
    return oracle.lpips(features(x, net, "max"), features(y, net, "max"), heads)


def naive_dists(x: Tensor, y: Tensor) -> Tensor:
    maps = ([z.expand(-1, 3, -1, -1), *features(z, "vgg16", "l2")] for z in (x, y))
    return oracle.dists(*maps, **small_networks.registered_tensors("dists"))


METRICS: dict[str, tuple[Metric, Metric]] = {
    "lpips": (lpips, naive_lpips),
    "lpips alexnet": (functools.partial(lpips, net="alexnet"), functools.partial(naive_lpips, net="alexnet")),
    "dists": (dists, naive_dists),
}
each = pytest.mark.parametrize("name", METRICS)


@each
@pytest.mark.parametrize("channels", [1, 3])
def test_value_and_gradient_equal_the_transcription(name: str, channels: int) -> None:
    metric, naive = METRICS[name]
    x, y = batch(3, channels, (11, 14))
    expected = naive(x, y)
    assert metric(x, y, reduction="none").tolist() == pytest.approx(expected.tolist(), rel=1e-8)
    assert metric(x, y).item() == pytest.approx(expected.mean().item(), rel=1e-8)
    assert metric(x, y, reduction="sum").item() == pytest.approx(expected.sum().item(), rel=1e-8)
    assert metric(4 * x, 4 * y, data_range=4).item() == pytest.approx(expected.mean().item(), rel=1e-8)
    found = []
    for subject in (metric, naive):
        leaves = [z.clone().requires_grad_() for z in (x, y)]
        found.append(torch.autograd.grad(subject(*leaves).mean(), leaves))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-9)


@each
def test_autocast_changes_nothing(name: str) -> None:
    """The networks would be the first to be run in half precision."""
    metric, naive = METRICS[name]
    x, y = (z.float() for z in batch(2, 3, (11, 14)))
    before = metric(x, y, reduction="none")
    assert before.dtype == torch.float32
    torch.testing.assert_close(before.double(), naive(x.double(), y.double()), rtol=1e-5, atol=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(metric(x, y, reduction="none"), before)


@each
def test_equal_images_cost_nothing_and_pull_nowhere(name: str) -> None:
    metric, _ = METRICS[name]
    for y in (photo(size=16), 0 * photo(size=16), 0 * photo(size=16) + 1):
        x = y.clone().requires_grad_()
        value = metric(x, y)
        assert value.item() == 0
        assert not torch.autograd.grad(value, x)[0].any()


def test_means_and_variations_of_faint_maps() -> None:
    """Where a map is nearly empty the constant decides, 1e-6 as published."""
    f, g = (1e-3 * z for z in batch(2, 3, 9))
    texture, structure = deep._dissimilarities(f, g)
    for i in range(2):
        for j in range(3):
            maps = [[z[i : i + 1, j : j + 1]] for z in (f, g)]
            one, none = torch.ones(1), torch.zeros(1)
            assert texture[i, j].item() == pytest.approx(oracle.dists(*maps, one, none).item(), rel=1e-9)
            assert structure[i, j].item() == pytest.approx(oracle.dists(*maps, none, one).item(), rel=1e-9)


def test_layers_are_those_that_were_published() -> None:
    assert {"vgg16": tuple(oracle.LPIPS_VGG), "alexnet": tuple(oracle.LPIPS_ALEX)} == deep.LPIPS_LAYERS


def test_defaults() -> None:
    for metric, more in ((lpips, {"net": "vgg16"}), (dists, {})):
        parameters = inspect.signature(metric).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        assert defaults == {**more, "data_range": 1.0, "reduction": "mean"}


@each
def test_images_are_checked_before_the_network_sees_them(name: str) -> None:
    metric, _ = METRICS[name]
    x = photo(size=16)
    with pytest.raises(ValueError, match="x and y must have the same shape"):
        metric(x, x[:, :1])
    with pytest.raises(TypeError, match="x must have a floating dtype"):
        metric(x.byte(), x)
    with pytest.raises(ValueError, match="data_range must be a finite number above 0, got -1"):
        metric(x, x, data_range=-1)
    with pytest.raises(ValueError, match="1 or 3 channels"):
        metric(x[:, :2], x[:, :2])
