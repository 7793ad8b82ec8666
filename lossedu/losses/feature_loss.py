"""What losses on the features of a pretrained network have in common: the network, its layers and a kept target."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn

from .. import _validate
from ..backbones import Backbone, chosen_names, lasting


def wide(features: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return features in at least float32: under autocast they come in half precision, and their squares overflow."""
    return {name: value.to(_validate.working_dtype(value)) for name, value in features.items()}


@dataclass(frozen=True)
class Target:
    """Features of a reference, for use with many images: what `FeatureLoss.target` returns."""

    features: Mapping[str, Tensor]
    shape: tuple[int, ...]
    device: torch.device
    made_by: str


class FeatureLoss(nn.Module):
    """The weighted sum over layers of what a subclass says of the features of two images.

    The options are those of `PerceptualLoss`; `compared` is what the subclass adds.

    Raises
    ------
    ValueError
        If an option or a layer is unknown, or numbers are not above 0.
    DataError
        If trained weights are not on this machine.
    """

    def __init__(
        self,
        layers: str | Sequence[str],
        *,
        backbone: str,
        weights: str | os.PathLike[str],
        layer_weights: Sequence[float] | None,
        reduction: str,
        data_range: float,
    ) -> None:
        super().__init__()
        self.layers = chosen_names(backbone, layers)
        _validate.option("reduction", reduction, _validate.REDUCTIONS)
        if layer_weights is not None and (isinstance(layer_weights, str) or not isinstance(layer_weights, Iterable)):
            raise ValueError(f"layer_weights must be a sequence of numbers above 0, got {layer_weights!r}")
        given = (1.0,) * len(self.layers) if layer_weights is None else tuple(layer_weights)
        if len(given) != len(self.layers):
            raise ValueError(f"layer_weights must have one number for each of {self.layers}, got {len(given)}")
        self.layer_weights = tuple(_validate.positive("layer_weights", value) for value in given)
        self.data_range = _validate.positive("data_range", data_range)
        self.reduction = reduction
        self.network = Backbone(backbone, self.layers, weights=weights)
        self.training = False

    def compared(self, seen: Tensor, goal: Tensor) -> Tensor:
        """Return one value an image, (N,), for the features of one layer, (N, C, H, W), of x and of y."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode: nothing here is trained."""
        return super().train(False)

    def target(self, y: Tensor) -> Target:
        """Return the features of a reference, computed once, to be given to the loss in its place."""
        with lasting():
            return Target(self._features(y, "y"), tuple(y.shape), y.device, self._description())

    def forward(self, x: Tensor, y: Tensor | Target) -> Tensor:
        """Return the loss of `x` against a reference, or against what `target` returned for one."""
        if isinstance(y, Target):
            _validate.image("x", x)
            self._check_target(x, y)
            goal = y.features
        else:
            x, y = _validate.images(x, y)
            with torch.no_grad():
                goal = self._features(y)
        values = [self.compared(seen, goal[name]) for name, seen in self._features(x).items()]
        weighted = [weight * value for weight, value in zip(self.layer_weights, values, strict=True)]
        return _validate.reduce(torch.stack(weighted).sum(dim=0), self.reduction)

    def _features(self, x: Tensor, name: str = "x") -> dict[str, Tensor]:
        self.network.check(x, self.layers, name)
        return wide(self.network(x.to(_validate.working_dtype(x)) / self.data_range))

    def _check_target(self, x: Tensor, y: Target) -> None:
        if y.made_by != self._description():
            raise ValueError(f"y must be a target of this loss ({self._description()}), got one of ({y.made_by})")
        if tuple(x.shape) != y.shape:
            raise ValueError(f"x and the target's image must have the same shape, got {tuple(x.shape)} and {y.shape}")
        if x.device != y.device:
            raise ValueError(f"x and the target must be on the same device, got {x.device} and {y.device}")

    def _description(self) -> str:
        return f"{self.network.extra_repr()}, data_range={self.data_range!r}"


__all__ = ["FeatureLoss", "Target", "wide"]
