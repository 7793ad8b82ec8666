"""The generator of DPED and WESPE: its layers, its start, its borders."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lossedu.nets import EnhancementGenerator


def test_the_network_of_the_papers() -> None:
    network = EnhancementGenerator()
    assert sum(p.numel() for p in network.parameters()) == 401_475
    shapes = [tuple(layer.weight.shape) for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert shapes == [(64, 3, 9, 9), *[(64, 64, 3, 3)] * 10, (3, 64, 9, 9)]
    assert sum(isinstance(layer, nn.InstanceNorm2d) for layer in network.modules()) == 8
    x = torch.rand(2, 3, 13, 10)
    output = network(x).detach()
    assert output.shape == x.shape and float(output.min()) > -0.08 and float(output.max()) < 1.08


def test_residual_starts_as_the_identity() -> None:
    network = EnhancementGenerator(4, blocks=1, norm="none", residual=True)
    x = torch.rand(1, 3, 9, 9)
    assert torch.equal(network(x), x)
    assert not any(isinstance(layer, nn.InstanceNorm2d) for layer in network.modules())


def test_a_flat_picture_has_flat_borders() -> None:
    torch.manual_seed(0)
    network = EnhancementGenerator(4, blocks=1, norm="none").double()
    output = network(torch.full((1, 3, 12, 12), 0.4, dtype=torch.float64)).detach()
    assert float((output - output[..., 6:7, 6:7]).abs().max()) < 1e-12


def test_bad_input() -> None:
    with pytest.raises(ValueError, match=r"x must have 3 channels and at least 5 x 5 pixels, got shape \(1, 1, 9, 9\)"):
        EnhancementGenerator(4)(torch.rand(1, 1, 9, 9))
    with pytest.raises(ValueError, match="at least 5 x 5"):
        EnhancementGenerator(4)(torch.rand(1, 3, 9, 4))
    with pytest.raises(ValueError, match="norm must be one of 'instance', 'none', got 'batch'"):
        EnhancementGenerator(4, norm="batch")
    with pytest.raises(ValueError, match="blocks must be"):
        EnhancementGenerator(4, blocks=0)
