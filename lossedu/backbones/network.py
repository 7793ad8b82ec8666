"""A network whose layers are looked at, and never trained."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .. import _validate
from .layers import Layer, chosen_names, smallest_side, up_to_last
from .pooling import L2Pool2d
from .weights import network_tensors

#: Mean and standard deviation of ImageNet's pictures in [0, 1], red, green, blue, as torchvision's networks want them.
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)


@contextmanager
def lasting() -> Iterator[None]:
    """Make tensors that later training may use, even where a caller works in inference mode."""
    if torch.compiler.is_compiling():
        yield
    else:
        with torch.inference_mode(False), torch.no_grad():
            yield


class FrozenConv2d(nn.Conv2d):
    """A convolution with given weights, which takes the dtype of its input and gives its weights no gradient."""

    bias: nn.Parameter

    def __init__(self, layer: Layer, weight: Tensor, bias: Tensor) -> None:
        super().__init__(
            layer.inputs, layer.outputs, layer.kernel, stride=layer.stride, padding=layer.padding, device="meta"
        )
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.bias = nn.Parameter(bias, requires_grad=False)

    def forward(self, input: Tensor) -> Tensor:
        # Detached: a `requires_grad_()` on a model that holds this network must not start to train it.
        weight, bias = self.weight.detach().to(input.dtype), self.bias.detach().to(input.dtype)
        return F.conv2d(input, weight, bias, self.stride, self.padding)


class Backbone(nn.Module):
    """A pretrained network, cut off behind the last layer that is asked for.

    Parameters
    ----------
    backbone : {"vgg16", "vgg19", "alexnet"}
        Which network.
    layers : str or sequence of str
        Names of layers, such as "conv3_3" (before the activation) and "relu3_3" (after it).
    weights : "imagenet", "random", "random:SEED" or path
        Trained weights that are on this machine, He-initialised ones from a seed (0 for "random"), or a file.
    pooling : {"max", "l2"}
        What the pooling layers do; "l2" is that of DISTS, `L2Pool2d`.

    Notes
    -----
    Convention: images in [0, 1], red, green, blue; ImageNet's mean and standard deviation are taken off in here, and
    one channel is repeated three times.  The weights are frozen and the network stays in eval mode, while gradients
    flow to the image.  Activations are not done in place, so what a convolution gives is not overwritten.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        backbone: str = "vgg16",
        layers: str | Iterable[str] = ("relu3_3",),
        *,
        weights: str | os.PathLike[str] = "imagenet",
        pooling: str = "max",
    ) -> None:
        super().__init__()
        _validate.option("pooling", pooling, ("max", "l2"))
        self.backbone, self.names = backbone, chosen_names(backbone, layers)
        self.weights, self.pooling = weights, pooling
        table = up_to_last(backbone, self.names)
        with lasting():
            pairs = network_tensors(backbone, table, weights)
            modules = {layer.name: _module(layer, pairs, pooling) for layer in table}
            self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
            self.register_buffer("deviation", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)
        self.layers = nn.ModuleDict(modules)
        self._table = table
        self.train(False)

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode, whatever a model that holds this network is told."""
        return super().train(False)

    def forward(self, x: Tensor, layers: Iterable[str] | None = None) -> dict[str, Tensor]:
        """Return what the layers give, by name: all that the network was made for, or `layers` of them.

        Raises
        ------
        TypeError, ValueError
            If `x` is no floating (N, 1, H, W) or (N, 3, H, W) tensor, or is too small for the last layer.
        """
        wanted = self.names if layers is None else tuple(layers)
        self.check(x, wanted)
        x = x.to(_validate.working_dtype(x)).expand(-1, 3, -1, -1)
        x = (x - self.mean.to(x.dtype)) / self.deviation.to(x.dtype)
        found: dict[str, Tensor] = {}
        for name, module in self.layers.items():
            x = module(x)
            if name in wanted:
                found[name] = x
                if len(found) == len(wanted):
                    break
        return {name: found[name] for name in wanted}

    def check(self, x: Tensor, layers: Iterable[str], name: str = "x") -> None:
        """Raise unless `x`, which messages call `name`, is an image that this network can take up to `layers`."""
        _validate.image(name, x)
        if x.shape[1] not in (1, 3):
            raise ValueError(
                f"{name} must have 1 or 3 channels (one is repeated three times), got shape {tuple(x.shape)}"
            )
        wanted = tuple(layers)
        last = max(position for position, layer in enumerate(self._table) if layer.name in wanted)
        # L2 pooling pads, so that it always leaves a pixel.
        table = self._table[: last + 1]
        side = smallest_side(layer for layer in table if self.pooling == "max" or layer.kind != "pool")
        if min(x.shape[-2:]) < side:
            raise ValueError(
                f"{name} is too small for layer {self._table[last].name!r} of {self.backbone}: height and width must "
                f"be at least {side}, got {x.shape[-2]} x {x.shape[-1]}; use larger images or an earlier layer"
            )

    def extra_repr(self) -> str:
        return f"{self.backbone!r}, {self.names!r}, weights={self.weights!r}, pooling={self.pooling!r}"


def _module(layer: Layer, pairs: dict[str, tuple[Tensor, Tensor]], pooling: str) -> nn.Module:
    if layer.kind == "conv":
        return FrozenConv2d(layer, *pairs[layer.name])
    if layer.kind == "relu":
        return nn.ReLU(inplace=False)
    return L2Pool2d(layer.outputs) if pooling == "l2" else nn.MaxPool2d(layer.kernel, layer.stride)


__all__ = ["DEVIATION", "MEAN", "Backbone", "FrozenConv2d", "lasting"]
