r"""What about the numbers of a network is arbitrary: changes that leave what it computes as it was.

A chain of convolutions with a PReLU per channel between them, :math:`f_a(t) = \max(t, 0) + a \min(t, 0)`, does not
change

- when the hidden channels of a layer change places;
- when what enters a channel is multiplied by c > 0 and what leaves it is divided by c, since
  :math:`f_a(ct) = c f_a(t)` for any slope a, negative ones included;
- when a channel is turned over: :math:`f_a(-t) = -a\, f_{1/a}(t)` for :math:`a \ne 0`.

`canonical` settles scale and side; the order is the subject of `lossedu.experiments.matching`.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .. import _validate

SWEEPS = 500  # of the balance, at most; each divides what is left to do by about 4


class Chain(NamedTuple):
    """The numbers of a network, in float64 on the CPU; slopes[k] lie between convolutions k and k + 1."""

    weights: list[Tensor]
    biases: list[Tensor]
    slopes: list[Tensor]

    def copy(self) -> Chain:
        """Return the same with lists of its own; the tensors themselves are never written to."""
        return Chain(*(list(part) for part in self))


def chain(network: nn.Module) -> Chain:
    """Read the numbers out of `network.layers`: convolution, PReLU, convolution, ..., convolution.

    Raises
    ------
    TypeError
        If the layers are others, a convolution has no bias or has groups, or a PReLU has not one slope a channel.
    """
    layers = list(getattr(network, "layers", ()))
    convolutions, activations = layers[0::2], layers[1::2]
    fits = len(convolutions) == len(activations) + 1 >= 2
    fits = fits and all(isinstance(c, nn.Conv2d) and c.bias is not None and c.groups == 1 for c in convolutions)
    if not fits or not all(
        isinstance(p, nn.PReLU) and p.num_parameters == c.out_channels
        for c, p in zip(convolutions[:-1], activations, strict=True)
    ):
        found = ", ".join(type(layer).__name__ for layer in layers) or "none"
        raise TypeError(
            f"network must have layers that are convolutions with bias, without groups, and a PReLU with one slope a "
            f"channel between them, got {found} in {type(network).__name__}"
        )

    def read(modules: list[nn.Module], name: str) -> list[Tensor]:
        return [getattr(module, name).detach().to("cpu", torch.float64, copy=True) for module in modules]

    return Chain(read(convolutions, "weight"), read(convolutions, "bias"), read(activations, "weight"))


def holding(numbers: Chain, network: nn.Module) -> nn.Module:
    """Return a copy of the network that holds these numbers."""
    changed = copy.deepcopy(network)
    layers = list(changed.layers)  # type: ignore[arg-type]
    with torch.no_grad():
        for layers_of_a_kind, part in ((layers[0::2], numbers.weights), (layers[1::2], numbers.slopes)):
            for layer, weight in zip(layers_of_a_kind, part, strict=True):
                layer.weight.copy_(weight)
        for layer, bias in zip(layers[0::2], numbers.biases, strict=True):
            layer.bias.copy_(bias)
    return changed


def rescale(c: Chain, k: int, inward: Tensor, outward: Tensor) -> None:
    """Multiply what enters and what leaves each channel of hidden layer k."""
    c.weights[k] = c.weights[k] * inward[:, None, None, None]
    c.biases[k] = c.biases[k] * inward
    c.weights[k + 1] = c.weights[k + 1] * outward[:, None, None]


def reorder(c: Chain, k: int, order: Tensor) -> None:
    """Put the channels of hidden layer k into another order."""
    c.weights[k], c.biases[k], c.slopes[k] = c.weights[k][order], c.biases[k][order], c.slopes[k][order]
    c.weights[k + 1] = c.weights[k + 1][:, order]


def turn_over(c: Chain, k: int, which: Tensor) -> None:
    """Turn over the channels `which` of hidden layer k, none of slope 0; half of the factor goes in, half out."""
    slope = torch.where(which, c.slopes[k], 1.0)
    half = slope.abs().sqrt()
    rescale(c, k, torch.where(which, -half, 1.0), torch.where(which, -slope.sign() * half, 1.0))
    c.slopes[k] = torch.where(which, 1 / slope, c.slopes[k])


def canonical(network: nn.Module) -> nn.Module:
    """Return a copy that computes the same, with every channel on its standard side and in its standard scale.

    Every hidden channel is turned so that its slope lies in [-1, 1], and scaled so that what enters it (weights and
    bias) and what leaves it have the same norm: the balance of Stock, Graham, Gribonval and Jégou,
    "Equi-normalization of Neural Networks" (2019).  Of all copies that differ in scale alone it has the smallest sum
    of squares, and is the only one that has: the sum is strictly convex in the logarithms of the scales.  A channel
    that nothing enters or nothing leaves becomes 0 throughout.

    Raises
    ------
    TypeError
        If the network is no such chain; see `chain`.
    """
    c = chain(network)
    for k, slopes in enumerate(c.slopes):
        turn_over(c, k, slopes.abs() > 1)
    for _ in range(SWEEPS):
        moved = 0.0
        for k in range(len(c.slopes)):
            inward = torch.cat([c.weights[k].flatten(1), c.biases[k][:, None]], 1).norm(dim=1)
            outward = c.weights[k + 1].transpose(0, 1).flatten(1).norm(dim=1)
            alive = (inward > 0) & (outward > 0)
            factor = torch.where(alive, outward / inward, 1.0).sqrt()
            rescale(c, k, factor * alive, alive / factor)
            c.slopes[k] = c.slopes[k] * alive
            moved = max(moved, float(factor.log().abs().max()))
        if moved < 1e-14:
            break
    return holding(c, network)


def scrambled(network: nn.Module, seed: int = 0) -> nn.Module:
    """Return a copy in which each kernel and each bias has a sign drawn at random: a stranger of the same make.

    All norms and slopes stay, what the network has learned does not; how close a stranger comes by matching is what
    matching gains by chance.
    """
    c, rng = chain(network), torch.Generator().manual_seed(_validate.integer("seed", seed))

    def signs(*shape: int) -> Tensor:
        return 2.0 * torch.randint(2, shape, generator=rng) - 1

    weights = [w * signs(*w.shape[:2], 1, 1) for w in c.weights]
    return holding(Chain(weights, [b * signs(len(b)) for b in c.biases], c.slopes), network)
