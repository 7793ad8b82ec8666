"""R1: the squared gradient at real images, for each image by itself, with a graph to the critic."""

# mypy: disable-error-code="arg-type"

from __future__ import annotations

import pytest
import torch
from functions import SmallCritic
from torch import Tensor, nn

import lossedu as le


class Slope(nn.Module):
    """A critic whose gradient is known: sum of a x + b x^2 / 2, whatever the pixel."""

    def __init__(self, a: float, b: float) -> None:
        super().__init__()
        self.a, self.b = nn.Parameter(torch.tensor(a).double()), nn.Parameter(torch.tensor(b).double())

    def forward(self, x: Tensor) -> Tensor:
        return (self.a * x + self.b * x.square() / 2).sum(dim=(1, 2, 3))


def test_against_the_formula_in_value_and_gradient() -> None:
    y = torch.rand(3, 2, 4, 5, dtype=torch.float64)
    D = Slope(0.3, -1.2)
    each = 0.5 * (0.3 - 1.2 * y).square().sum(dim=(1, 2, 3))
    torch.testing.assert_close(le.r1_penalty(D, y, reduction="none"), each)
    torch.testing.assert_close(le.r1_penalty(D, y, reduction="sum"), each.sum())
    le.r1_penalty(D, y).backward()
    torch.testing.assert_close(D.a.grad, (0.3 - 1.2 * y).sum() / 3)
    torch.testing.assert_close(D.b.grad, ((0.3 - 1.2 * y) * y).sum() / 3)


def test_against_finite_differences_of_a_network() -> None:
    D, y, h = SmallCritic().double(), torch.rand(2, 3, 6, 6, dtype=torch.float64), 1e-5
    slopes = torch.zeros_like(y)
    with torch.no_grad():
        for place in range(y[0].numel()):
            step = torch.zeros(y[0].numel(), dtype=torch.float64)
            step[place] = h
            step = step.view(1, 3, 6, 6)
            slopes.view(2, -1)[:, place] = ((D(y + step) - D(y - step)) / (2 * h))[:, 0]
    torch.testing.assert_close(
        le.r1_penalty(D, y, reduction="none"), 0.5 * slopes.square().sum(dim=(1, 2, 3)), rtol=1e-6, atol=1e-12
    )


def test_maps_of_logits_count_as_their_mean_and_images_stay_apart() -> None:
    class Maps(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 3 * x.square()

    y = torch.rand(2, 1, 4, 4, dtype=torch.float64)
    each = 0.5 * (6 * y / 16).square().sum(dim=(1, 2, 3))
    torch.testing.assert_close(le.r1_penalty(Maps(), y, reduction="none"), each)
    torch.testing.assert_close(le.r1_penalty(Maps(), y[:1], reduction="none"), each[:1])


def test_it_works_without_a_graph_around_it_and_on_half_precision() -> None:
    y = torch.rand(2, 3, 8, 8)
    D = SmallCritic().float()
    with torch.no_grad():
        value = le.r1_penalty(D, y)
    assert value.item() == pytest.approx(le.r1_penalty(D, y).item()) and value.item() > 0
    half = le.r1_penalty(D, y.half())
    assert half.dtype == torch.float32 and half.item() == pytest.approx(value.item(), rel=1e-2)
    assert y.requires_grad is False


def test_bad_input() -> None:
    y = torch.rand(2, 3, 8, 8)
    with pytest.raises(TypeError, match=r"D must be a torch\.nn\.Module"):
        le.r1_penalty(lambda x: x, y)
    with pytest.raises(TypeError, match="y must be"):
        le.r1_penalty(SmallCritic(), [1.0])
    with pytest.raises(ValueError, match=r"D must return logits of shape \(2, …\), the first axis as in y, got shape"):
        le.r1_penalty(nn.Flatten(0), y)
    with pytest.raises(ValueError, match="reduction must be"):
        le.r1_penalty(SmallCritic().float(), y, reduction="max")
