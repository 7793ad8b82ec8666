"""Which layers a network has, by the names that the papers use.

VGG (Simonyan and Zisserman, 2015): in block b, "conv3_2" is what its second convolution gives, "relu3_2" the same after
the activation, "pool3" the end of the block.  AlexNet (Krizhevsky, 2014): "conv1" to "conv5", "relu1" to "relu5", and
"pool1", "pool2", "pool5".  Weights are numbered as in torchvision's ``features``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .. import _validate


class Layer(NamedTuple):
    """One layer: its name, its number among torchvision's, and its shape; a relu keeps size and channels."""

    name: str
    kind: str
    number: int
    inputs: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    padding: int = 0

    def input_side(self, side: int) -> int:
        """Return the smallest side of an input that gives an output of `side` pixels."""
        return max(1, (side - 1) * self.stride + self.kernel - 2 * self.padding)


def _vgg(*convolutions: int) -> tuple[Layer, ...]:
    """Return VGG with that many 3x3 convolutions in its blocks of 64, 128, 256, 512 and 512 channels."""
    layers: list[Layer] = []
    inputs = 3
    for block, (count, outputs) in enumerate(zip(convolutions, (64, 128, 256, 512, 512), strict=True), start=1):
        for number in range(1, count + 1):
            layers.append(Layer(f"conv{block}_{number}", "conv", len(layers), inputs, outputs, 3, 1, 1))
            layers.append(Layer(f"relu{block}_{number}", "relu", len(layers), outputs, outputs))
            inputs = outputs
        layers.append(Layer(f"pool{block}", "pool", len(layers), outputs, outputs, 2, 2))
    return tuple(layers)


def _alexnet() -> tuple[Layer, ...]:
    """Return AlexNet in its one-tower form, with 64, 192, 384, 256 and 256 channels."""
    layers: list[Layer] = []
    inputs = 3
    shapes = ((64, 11, 4, 2, True), (192, 5, 1, 2, True), (384, 3, 1, 1, False), (256, 3, 1, 1, False))
    for number, (outputs, kernel, stride, padding, pooled) in enumerate((*shapes, (256, 3, 1, 1, True)), start=1):
        layers.append(Layer(f"conv{number}", "conv", len(layers), inputs, outputs, kernel, stride, padding))
        layers.append(Layer(f"relu{number}", "relu", len(layers), outputs, outputs))
        if pooled:
            layers.append(Layer(f"pool{number}", "pool", len(layers), outputs, outputs, 3, 2))
        inputs = outputs
    return tuple(layers)


#: Network -> its layers, in order.
BACKBONES: Mapping[str, tuple[Layer, ...]] = {
    "vgg16": _vgg(2, 2, 3, 3, 3),
    "vgg19": _vgg(2, 2, 4, 4, 4),
    "alexnet": _alexnet(),
}


def layer_names(backbone: str) -> tuple[str, ...]:
    """Return the names of a network's layers, in order: "vgg16" has "conv1_1", "relu1_1", … "pool5"."""
    _validate.option("backbone", backbone, BACKBONES)
    return tuple(layer.name for layer in BACKBONES[backbone])


def chosen_names(backbone: str, layers: str | Iterable[str]) -> tuple[str, ...]:
    """Check which layers are asked for, one name or several; return them in the order asked.

    Raises
    ------
    ValueError
        If there is none, one is unknown, or one comes twice.
    """
    known = layer_names(backbone)
    names = (layers,) if isinstance(layers, str) else tuple(layers)
    if not names:
        raise ValueError(f"layers must name at least one layer of {backbone}, got none")
    for name in names:
        if name not in known:
            raise ValueError(f"layers must be names of layers of {backbone}, got {name!r}; known: {', '.join(known)}")
    if len(set(names)) < len(names):
        raise ValueError(f"layers must name each layer once, got {names!r}")
    return names


def up_to_last(backbone: str, names: Sequence[str]) -> tuple[Layer, ...]:
    """Return the layers of a network up to the last of `names`: what lies behind it is never needed."""
    table = BACKBONES[backbone]
    last = max(position for position, layer in enumerate(table) if layer.name in names)
    return table[: last + 1]


def smallest_side(layers: Iterable[Layer]) -> int:
    """Return how many pixels an image must have in height and width for one pixel to be left at the end."""
    side = 1
    for layer in reversed(tuple(layers)):
        side = layer.input_side(side)
    return side


__all__ = ["BACKBONES", "Layer", "chosen_names", "layer_names", "smallest_side", "up_to_last"]
