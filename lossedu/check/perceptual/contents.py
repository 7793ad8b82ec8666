"""Exercises on a published content loss: its repair, and its scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ...backbones.network import DEVIATION, MEAN
from ..examination import Examination
from ..numbers import Mistake
from ..reader import describe, function
from ..verdict import Verdict

_MENDED = "fn(network, x, y)"


def small_network() -> nn.Sequential:
    """Return three convolutions in the manner of VGG, with activations in place, the last output not activated."""
    made = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(6, 8, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 5, 3, padding=1),
    )
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in made.parameters():
            fan_in = parameter[0].numel() if parameter.ndim == 4 else 40
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * (2 / fan_in) ** 0.5)
    return made.double()


def normalised(x: Tensor) -> Tensor:
    """Return a picture as torchvision's networks want it."""
    mean, deviation = (x.new_tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    return (x - mean) / deviation


def content(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Return the mean square difference of a network's features, ImageNet's normalisation inside."""
    with torch.no_grad():
        goal = network(normalised(y))
    return (network(normalised(x)) - goal).square().mean()


def mended_content_loss(fn: Callable[[nn.Module, Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(network, x, y)``: a content loss that returns, normalises, and trains neither network nor target.

    Parameters
    ----------
    fn : callable
        Takes a network without its last activation, and two pictures (N, 3, H, W) in [0, 1], float64; returns the mean
        square difference of what the network makes of them.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _MENDED)
    generator = torch.Generator().manual_seed(8)
    y = torch.rand(2, 3, 10, 8, generator=generator, dtype=torch.float64)
    x = (y + 0.1 * torch.randn(y.shape, generator=generator, dtype=torch.float64)).clamp(0, 1)
    network = small_network()
    before = [parameter.detach().clone() for parameter in network.parameters()]
    with Examination("mended_content_loss", _MENDED) as exam:
        a, b = x.clone().requires_grad_(), y.clone().requires_grad_()
        answer = exam.call(lambda one, two: fn(network, one, two), a, b)
        seen = exam.number(answer.detach() if isinstance(answer, Tensor) else answer)
        with torch.no_grad():
            right_value = float(content(small_network(), x, y))
            exam.value("value", seen, right_value, rtol=1e-6, mistakes=_mistakes(x, y))
        leaf, other = x.clone().requires_grad_(), y.clone().requires_grad_()
        found = exam.call(lambda: fn(network, leaf, other))
        flows = isinstance(found, Tensor) and found.requires_grad
        hint = "no_grad is for the target's features alone, and .item() or .detach() must not touch the rest"
        exam.require("has a gradient", flows, "yes" if flows else "no", "a tensor that depends on x", hint)
        try:
            found.backward()
        except RuntimeError as error:
            exam.require("goes back", False, describe(error), "answer.backward() runs", hint)
        reached = leaf.grad is not None
        exam.require("reaches x", reached, "yes" if reached else "x.grad is None", "a gradient in x", hint)
        wanted = x.clone().requires_grad_()
        (right,) = torch.autograd.grad(content(small_network(), wanted, y), wanted)
        exam.value("gradient in x", leaf.grad if leaf.grad is not None else x * 0, right, rtol=1e-6)
        trained = [p for p in network.parameters() if p.grad is not None]
        hint = "for p in network.parameters(): p.requires_grad_(False), or an optimiser that gets them trains them"
        seen_text = f"{len(trained)} of {len(before)} tensors of the network got a gradient"
        exam.test("the network is not trained", not trained, seen_text, "none", hint)
        hint = "features of y under torch.no_grad(): its graph costs memory, and y may come from a network"
        exam.test(
            "y gets no gradient", other.grad is None, "it has one" if other.grad is not None else "none", "none", hint
        )
        kept = all(torch.equal(p.detach(), q) for p, q in zip(network.parameters(), before, strict=True))
        exam.test("the weights are what they were", kept, "yes" if kept else "no", "yes")
        last = exam.call(lambda one, two: fn(network, one, two), y, y)
        same = exam.number(last.detach() if isinstance(last, Tensor) else last)
        exam.value("0 for equal pictures", same, 0.0, rtol=0, atol=1e-12)
    return exam.verdict()


def _mistakes(x: Tensor, y: Tensor) -> list[Mistake]:
    network = small_network()
    right = float(content(network, x, y))
    features = [network(normalised(z)) for z in (x, y)]
    pixels = features[0].shape[-2] * features[0].shape[-1]
    return [
        ("ImageNet's mean and deviation are missing", float((network(x) - network(y)).square().mean())),
        (
            "the picture is stretched to [-1, 1] and not normalised",
            float((network(2 * x - 1) - network(2 * y - 1)).square().mean()),
        ),
        (
            "divided by the deviation, but the mean is not taken off",
            float(
                (
                    network(x / x.new_tensor(DEVIATION).view(1, 3, 1, 1))
                    - network(y / y.new_tensor(DEVIATION).view(1, 3, 1, 1))
                )
                .square()
                .mean()
            ),
        ),
        ("this is the sum: the loss is a mean over pictures, channels and pixels", right * features[0].numel()),
        ("summed over channels: take the mean over them too", right * features[0].shape[1]),
        ("a mean over channels, summed over the pictures", right * len(x)),
        ("divided by the pixels alone", right * features[0].numel() / pixels),
        (
            "an activation too many: the network's last output is to be compared as it is",
            float((features[0].relu() - features[1].relu()).square().mean()),
        ),
        ("this is the absolute difference", float((features[0] - features[1]).abs().mean())),
    ]


#: Channels and the mean square difference of features: made up.
SCALES = ((512, 0.6), (512, 0.05), (128, 3.0))

_SRGAN = "fn(mean_loss, channels)"


def srgan_scale(fn: Callable[[float, int], Any]) -> Verdict:
    """Check ``fn(mean_loss, channels)``: SRGAN's number from a mean over channels; (6.10).

    Parameters
    ----------
    fn : callable
        Takes the mean square difference over channels and pixels, and the number of channels; returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _SRGAN)
    factor = 12.75
    with Examination("srgan_scale", _SRGAN) as exam:
        for channels, value in SCALES:
            answer = exam.number(exam.call(fn, value, channels))
            right = channels * value / factor**2
            mistakes: list[Mistake] = [
                ("1/12.75 on the loss: it stands at the features, and the loss has their square", right * factor),
                ("the sum over channels is missing", value / factor**2),
                ("the sum over channels is missing, and 1/12.75 stands on the loss", value / factor),
                ("the factor is missing", channels * value),
                ("the wrong way round: multiplied by 12.75 squared", channels * value * factor**2),
                ("divided by the channels: the mean has that already", value / channels / factor**2),
            ]
            exam.value(f"{channels} channels, mean {value:g}", answer, right, rtol=1e-9, mistakes=mistakes)
    return exam.verdict()
