"""How fast a network trained, and how much of what the device can do that was."""

from __future__ import annotations

from torch import nn

from ..sweeps.rates import matmul_rate, sentence
from .tasks import Network


def flop_per_patch(network: Network, out: int) -> float:
    """Return the operations of one training step for a patch whose output is `out` pixels wide.

    Two for each product and sum of the convolutions; the way back costs twice the way there.
    """
    side, total = out + 2 * network.margin, 0
    for layer in network.layers:
        if isinstance(layer, nn.Conv2d):
            side -= layer.kernel_size[0] - 1
            total += 2 * side**2 * layer.weight.numel()
    return 3.0 * total


#: Device -> the best rate seen in this process: one measurement may fall into a busy moment.
_BEST: dict[str, float] = {}


def _rate(device: str) -> float:
    _BEST[device] = max(_BEST.get(device, 0.0), matmul_rate(device))
    return _BEST[device]


def speed(network: Network, out: int, patches_per_second: float, device: str) -> str:
    """Return the speed of a training in words, against a matrix product on the same device."""
    return sentence(patches_per_second, flop_per_patch(network, out), _rate(device))
