"""HDRNet and its slicing: places, one corner convention, parameters, where it starts, and what it can do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.func import functional_call

from lossedu import mse_loss
from lossedu.nets import HDRNet, apply_affine, slice_grid
from lossedu.nets.hdrnet import Guide


def transcribed(grid: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """Read a grid pixel by pixel: (C, D, h, w) and (H, W) to (C, H, W); cells have their values at their centres."""
    channels, *sizes = grid.shape
    height, width = guide.shape
    out = np.zeros((channels, height, width))
    for row in range(height):
        for column in range(width):
            wanted = (guide[row, column], (row + 0.5) / height, (column + 0.5) / width)
            weights: list[dict[int, float]] = []
            for place, size in zip(wanted, sizes, strict=True):
                at = min(max(place * size - 0.5, 0), size - 1)
                low = int(at)
                high = min(low + 1, size - 1)
                share = {low: 1 - (at - low)}
                share[high] = share.get(high, 0.0) + (at - low)
                weights.append(share)
            for i, a in weights[0].items():
                for j, b in weights[1].items():
                    for k, c in weights[2].items():
                        out[:, row, column] += a * b * c * grid[:, i, j, k]
    return out


@pytest.mark.parametrize("shape", [(7, 9), (16, 5), (3, 40)])
def test_slicing_reads_what_a_transcription_reads(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    grid = torch.randn(2, 3, 4, 5, 6, generator=generator, dtype=torch.float64)
    guide = 1.2 * torch.rand(2, 1, *shape, generator=generator, dtype=torch.float64) - 0.1
    found = slice_grid(grid, guide)
    for n in range(2):
        expected = transcribed(grid[n].numpy(), guide[n, 0].numpy())
        np.testing.assert_allclose(found[n].numpy(), expected, rtol=1e-12, atol=1e-12)


def test_slicing_has_the_gradient_of_its_formula() -> None:
    generator = torch.Generator().manual_seed(1)
    grid = torch.randn(1, 2, 3, 2, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    guide = (0.2 + 0.6 * torch.rand(1, 1, 4, 5, generator=generator, dtype=torch.float64)).requires_grad_()
    assert torch.autograd.gradcheck(slice_grid, (grid, guide))


def test_a_ramp_of_the_grid_stays_one_up_to_the_outermost_centres() -> None:
    """The published port mixes two corner conventions: a ramp comes out flat near the border."""
    ramp = (torch.arange(16) + 0.5).div(16).expand(1, 1, 8, 16, 16).double()
    line = slice_grid(ramp, torch.full((1, 1, 256, 256), 0.5, dtype=torch.float64))[0, 0, 0]
    expected = ((torch.arange(256) + 0.5) / 256).double().clamp(0.5 / 16, 15.5 / 16)
    torch.testing.assert_close(line, expected)


@settings(deadline=None, max_examples=20)
@given(st.floats(-2, 2), st.integers(0, 2**31 - 1))
def test_a_constant_grid_reads_the_same_everywhere_and_grids_add(value: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    guide = torch.rand(1, 1, 6, 7, generator=generator, dtype=torch.float64)
    flat = torch.full((1, 2, 3, 4, 5), value, dtype=torch.float64)
    other = torch.randn(1, 2, 3, 4, 5, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(slice_grid(flat, guide), torch.full((1, 2, 6, 7), value, dtype=torch.float64))
    read = slice_grid(other, guide)
    assert float(read.min()) >= float(other.min()) - 1e-12 and float(read.max()) <= float(other.max()) + 1e-12
    torch.testing.assert_close(slice_grid(flat + other, guide), slice_grid(flat, guide) + read)


def test_affine_maps_are_matrix_products_of_each_pixel() -> None:
    generator = torch.Generator().manual_seed(2)
    x = torch.rand(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    coefficients = torch.randn(2, 12, 4, 5, generator=generator, dtype=torch.float64)
    matrix = coefficients.view(2, 3, 4, 4, 5)
    expected = torch.einsum("nijhw,njhw->nihw", matrix[:, :, :3], x) + matrix[:, :, 3]
    torch.testing.assert_close(apply_affine(x, coefficients), expected)


@pytest.mark.parametrize(
    ("grid", "guide", "error", "words"),
    [
        (torch.zeros(1, 2, 3, 4), torch.zeros(1, 1, 2, 2), ValueError, "grid must have shape"),
        (torch.zeros(2, 2, 3, 4, 5), torch.zeros(1, 1, 2, 2), ValueError, r"\(2, 2, 3, 4, 5\)"),
        (torch.zeros(1, 2, 3, 4, 5), torch.zeros(1, 3, 2, 2), ValueError, "guide"),
        (torch.zeros(1, 2, 3, 4, 5).double(), torch.zeros(1, 1, 2, 2), ValueError, "float64"),
        (torch.zeros(1, 2, 3, 4, 5, dtype=torch.int64), torch.zeros(1, 1, 2, 2), TypeError, "floating"),
        (torch.zeros(1, 2, 3, 4, 5), torch.zeros(1, 1, 2, 2, dtype=torch.uint8), TypeError, "guide"),
    ],
)
def test_slicing_says_what_is_wrong(grid: Tensor, guide: Tensor, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        slice_grid(grid, guide)


def test_affine_maps_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"coefficients must have shape \(1, 12, 2, 2\)"):
        apply_affine(torch.zeros(1, 3, 2, 2), torch.zeros(1, 9, 2, 2))


def test_the_parameters_are_those_of_the_paper() -> None:
    network = HDRNet()
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in network.named_children()}
    assert sum(parts.values()) == 482_077
    assert parts["guide"] == 109 and sum(parts.values()) - parts["guide"] == 481_968


@pytest.mark.parametrize("shape", [(40, 60), (161, 241), (300, 20)])
def test_it_starts_as_the_identity(shape: tuple[int, int]) -> None:
    x = torch.rand(2, 3, *shape, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(HDRNet()(x), x, rtol=0, atol=1e-6)
    far = HDRNet(identity=False)(x).detach()
    assert far.shape == x.shape and float(mse_loss(far, x)) > 1e-3


def test_the_guide_starts_as_the_mean_of_the_channels_and_stays_in_the_range() -> None:
    x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(Guide()(x), x.mean(dim=1, keepdim=True), rtol=0, atol=1e-3)
    wild = Guide()
    with torch.no_grad():
        wild.slopes.normal_(0, 10)
        found = wild(x)
    assert float(found.min()) >= 0 and float(found.max()) <= 1


def test_every_parameter_learns() -> None:
    torch.manual_seed(5)
    network = HDRNet(identity=False)
    x = torch.rand(2, 3, 64, 64)
    mse_loss(network(x), x.flip(1)).backward()
    assert all(p.grad is not None and float(p.grad.abs().max()) > 0 for p in network.parameters())


def test_it_learns_a_look_that_depends_on_place_and_tone() -> None:
    torch.manual_seed(6)
    network = HDRNet()
    x = torch.rand(1, 3, 64, 64)
    y = x * torch.linspace(0.3, 1, 64) * (0.5 + x.mean(dim=1, keepdim=True))
    before = float(mse_loss(network(x), y).detach())
    descent = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(80):
        descent.zero_grad()
        mse_loss(network(x), y).backward()
        descent.step()
    assert float(mse_loss(network(x), y).detach()) < before / 20


def test_the_output_is_that_of_an_affine_map_in_every_pixel() -> None:
    """Doubling what is added to every coefficient changes the output by what the sliced coefficients say."""
    torch.manual_seed(7)
    network = HDRNet(identity=False)
    x = torch.rand(1, 3, 32, 48)
    expected = apply_affine(x, slice_grid(network.grid(x), network.guide(x)))
    torch.testing.assert_close(network(x), expected)
    twice = {name: value * (2 if name.startswith("coefficients") else 1) for name, value in network.named_parameters()}
    torch.testing.assert_close(functional_call(network, twice, (x,)), 2 * expected)


def test_wrong_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="x must have 3 channels"):
        HDRNet()(torch.zeros(1, 1, 32, 32))
    with pytest.raises(TypeError, match="x"):
        HDRNet()(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))


def test_half_precision_reads_at_the_right_places() -> None:
    ramp = (torch.arange(16) + 0.5).div(16).expand(1, 1, 8, 16, 16).bfloat16()
    guide = torch.full((1, 1, 4, 1000), 0.5).bfloat16()
    found = slice_grid(ramp, guide)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, slice_grid(ramp.float(), guide.float()))


def test_under_autocast_tones_and_colours_keep_their_digits() -> None:
    torch.manual_seed(8)
    network, x = HDRNet(), torch.rand(1, 3, 64, 64)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = network(x)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, x, rtol=0, atol=1e-6)
    torch.testing.assert_close(network(x.bfloat16()), x.bfloat16().float(), rtol=0, atol=1e-6)
