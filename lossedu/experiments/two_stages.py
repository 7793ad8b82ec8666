"""Training in two stages: a pixel loss first, then a feature loss beside it, each at a step size of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from .. import PerceptualLoss, data, l1_loss
from ..nets import SubPixelCNN
from ..sweeps import Place
from ..training import Diverged, train
from . import enlarging
from .tasks import chosen, photographs

#: Arm -> the layer and whether its weights are trained; None for l1 alone.
LAYERS: Mapping[str, tuple[str, bool] | None] = {
    "l1": None,
    "before": ("conv5_3", True),
    "after": ("relu5_3", True),
    "after_alike": ("relu5_3", True),
    "random": ("relu5_3", False),
    "early": ("relu2_2", True),
    "random_early": ("relu2_2", False),
}

#: Step sizes are `RATE` times powers of this, the power from -LIMIT to LIMIT.
RATE, FACTOR, LIMIT = 1e-3, 3.0, 5

#: Batches of the training set over which the two gradients are compared where the second stage begins.
COMPARED = 4


def rate(power: int) -> float:
    """Return a step size of the grid."""
    return float(f"{RATE * FACTOR**power:.3g}")


Second = tuple[float, SubPixelCNN, list[float]]


def walk(attempt: Callable[[int], Second | None]) -> tuple[int, dict[str, float], SubPixelCNN, list[float]] | None:
    """Return the best power of the step size, what each tried one cost, and the network and course of the best.

    None where no step size led to an end.
    """
    found: dict[int, Second | None] = {}

    def cost(power: int) -> float:
        if abs(power) > LIMIT:
            return float("inf")
        if power not in found:
            found[power] = attempt(power)
        second = found[power]
        return float("inf") if second is None else second[0]

    power = 0
    while better := [p for p in (power - 1, power + 1) if cost(p) < cost(power)]:
        power = min(better, key=cost)
    last = found[power]
    if last is None:
        return None
    trials = {f"{rate(p):g}": float(f"{one[0]:.5g}") for p, one in sorted(found.items()) if one is not None}
    return power, trials, last[1], last[2]


def only(
    power: int, attempt: Callable[[int], Second | None]
) -> tuple[int, dict[str, float], SubPixelCNN, list[float]] | None:
    """Return what `walk` returns, of one step size that is known."""
    found = attempt(power)
    if found is None:
        return None
    return power, {f"{rate(power):g}": float(f"{found[0]:.5g}")}, found[1], found[2]


def first_stage(options: Mapping[str, Any], place: Place) -> SubPixelCNN:
    """Return the network that l1 trained: the same for every loss of a seed."""
    network = _new(options, place)
    batch_at = _batches(options, place, "start")
    train(
        network,
        l1_loss,
        batch_at,
        steps=options["start_steps"],
        lr=1e-3,
        checkpoint=place.folder / "start.pt",
        **_common(options, place),
    )
    return network


def second_stage(
    options: Mapping[str, Any],
    start: SubPixelCNN,
    loss: Callable[[Tensor, Tensor], Tensor],
    place: Place,
    power: int,
) -> Second | None:
    network = _new(options, place)
    network.load_state_dict(start.state_dict())
    file = place.folder / f"rate{power}.pt"
    try:
        history = train(
            network,
            loss,
            _batches(options, place, "crops"),
            steps=options["steps"],
            lr=rate(power),
            checkpoint=file,
            **_common(options, place),
        )
    except Diverged:
        return None
    return _validated(options, network, loss, place), network, list(history)


@torch.no_grad()
def _validated(
    options: Mapping[str, Any], network: SubPixelCNN, loss: Callable[[Tensor, Tensor], Tensor], place: Place
) -> float:
    photos = photographs(options["photographs"])["val"]
    total, which = 0.0, chosen(len(photos), options["validation"])
    for index in which:
        clean = enlarging.whole(photos.picture(index).to(place.device), options["factor"])
        total += float(loss(network(enlarging.shrunk(clean, options["factor"])), clean))
    return total / len(which)


def balanced(
    options: Mapping[str, Any], start: SubPixelCNN, place: Place
) -> tuple[Callable[[Tensor, Tensor], Tensor], list[float]]:
    """Return the loss of an arm and the weights of its parts, l1 first, which add up to 1 in units of l1's gradient."""
    chosen_layer = LAYERS[options["arm"]]
    if chosen_layer is None:
        return l1_loss, [1.0]
    layer, trained = chosen_layer
    weights = "imagenet" if trained else f"random:{options['seed']}"
    seen = PerceptualLoss(layer, weights=weights).to(torch.device(place.device))
    features = _narrow(seen) if options["precision"] == "bfloat16" else seen
    batch_at, sizes = _batches(options, place, "compare"), [0.0, 0.0]
    for step in range(COMPARED):
        small, clean = batch_at(step)
        with torch.no_grad():
            output = start(small).float()
        for part, one in enumerate((l1_loss, features)):
            x = output.clone().requires_grad_()
            (slope,) = torch.autograd.grad(one(x, clean), x)
            sizes[part] += float(slope.norm())
    weight = options["share"] / (1 - options["share"]) * sizes[0] / sizes[1]

    def total(x: Tensor, y: Tensor) -> Tensor:
        return l1_loss(x, y) + weight * features(x, y)

    return total, [1.0, float(f"{weight:.5g}")]


def _narrow(loss: PerceptualLoss) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a perceptual loss whose network computes in bfloat16; features are compared in float32 all the same."""

    def narrow(x: Tensor, y: Tensor) -> Tensor:
        with torch.autocast(x.device.type, dtype=torch.bfloat16):
            found: Tensor = loss(x, y)
        return found

    return narrow


def _batches(options: Mapping[str, Any], place: Place, purpose: str) -> enlarging.Batches:
    photos = photographs(options["photographs"])["train"].to(place.device)
    seed = data.derive_seed(options["seed"], purpose)
    return enlarging.batches(photos, options["side"], options["batch"], seed, options["factor"])


def _new(options: Mapping[str, Any], place: Place) -> SubPixelCNN:
    network = enlarging.new_network(options["width"], options["blocks"], options["factor"], options["seed"])
    return network.to(torch.device(place.device))


def _common(options: Mapping[str, Any], place: Place) -> dict[str, Any]:
    common = {"precision": options["precision"], "deadline": place.deadline, "compiled": place.compiled}
    return common | {"every": max(1, min(500, options["steps"] // 3))}
