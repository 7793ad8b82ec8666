"""Five small layers in the place of VGG-16 and AlexNet: LPIPS and DISTS, quick and on every machine.

A layer is a convolution with weights drawn by chance, and its positive part; between layers the picture is halved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lossedu.backbones import forget
from lossedu.metrics import deep

WIDTHS = {"vgg16": (4, 5, 6, 7, 8), "alexnet": (5, 4, 6, 3, 7)}
DEVICES = ["cpu", "meta", "cuda"] if torch.cuda.is_available() else ["cpu", "meta"]


def draw(*shape: int, seed: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


class SmallNetwork(nn.Module):
    """What `lossedu.backbones.Backbone` is to the metrics, in small."""

    def __init__(self, backbone: str, pooling: str) -> None:
        super().__init__()
        self.names, self.pooling = deep.LPIPS_LAYERS[backbone], pooling
        widths = (3, *WIDTHS[backbone])
        for k, name in enumerate(self.names):
            weight = draw(widths[k + 1], widths[k], 3, 3, seed=len(backbone) + k) - 0.4
            self.register_buffer(name, weight / widths[k])

    def check(self, x: Tensor, layers: Sequence[str]) -> None:
        assert tuple(layers) == self.names
        if x.shape[1] not in (1, 3):
            raise ValueError("1 or 3 channels")

    def forward(self, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        self.check(x, layers)
        found, h = {}, x.expand(-1, 3, -1, -1)
        for name in layers:
            found[name] = F.conv2d(h, self.get_buffer(name).to(h.dtype), padding=1).relu()
            halve = F.avg_pool2d if self.pooling == "l2" else F.max_pool2d
            h = halve(found[name], 2, ceil_mode=True)
        return found


NETWORKS = {
    (backbone, pooling, device): SmallNetwork(backbone, pooling).to(device)
    for backbone, pooling in (("vgg16", "max"), ("vgg16", "l2"), ("alexnet", "max"))
    for device in DEVICES
}


def shared_backbone(backbone: str, *, pooling: str = "max", device: torch.device) -> SmallNetwork:
    return NETWORKS[backbone, pooling, torch.device(device).type]


def registered_tensors(item: str) -> dict[str, Tensor]:
    """Weights drawn by chance, in the place of the fitted ones."""
    if item == "dists":
        count = 3 + sum(WIDTHS["vgg16"])
        return {name: draw(1, count, 1, 1, seed=seed) for seed, name in enumerate(("alpha", "beta"))}
    widths = WIDTHS[item.removeprefix("lpips_")]
    return {f"lin{k}.model.1.weight": draw(1, width, 1, 1, seed=k) for k, width in enumerate(widths)}


@contextmanager
def in_place() -> Iterator[None]:
    """Have `lossedu.metrics` look through the small networks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deep, "shared_backbone", shared_backbone)
        patch.setattr(deep, "registered_tensors", registered_tensors)
        forget()
        yield
        forget()
