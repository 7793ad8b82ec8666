"""CIEDE2000 against its published pairs, scikit-image and a transcription, and its slope where the formula has none."""

from __future__ import annotations

import numpy as np
import oracles_color
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import batch, noisy, photo
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import Tensor

import lossedu as le
from lossedu.data import srgb_decode
from lossedu.metrics import ciede2000, ciede2000_map
from lossedu.metrics.color_difference import difference, lab

COLORS = st.tuples(st.floats(0, 100), st.floats(-120, 120), st.floats(-120, 120))


def planes(*colors: tuple[float, float, float]) -> tuple[Tensor, Tensor, Tensor]:
    """Colours in CIELAB as three planes."""
    found = torch.tensor(colors, dtype=torch.float64).unbind(1)
    return found[0], found[1], found[2]


def flat(*rgb: float) -> Tensor:
    return torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1)


def by_skimage(x: Tensor, y: Tensor) -> np.ndarray:
    return deltaE_ciede2000(*(rgb2lab(z[0].permute(1, 2, 0).numpy()) for z in (x, y)))


def test_the_34_published_pairs() -> None:
    one, two, expected = zip(*oracles_color.SHARMA, strict=True)
    for a, b in ((one, two), (two, one)):
        found = difference(planes(*a), planes(*b))
        assert [round(value, 4) for value in found.tolist()] == list(expected)
    assert len(expected) == 34
    assert [round(v, 4) for v in deltaE_ciede2000(np.array(one), np.array(two)).tolist()] == list(expected)


@settings(max_examples=60)
@given(COLORS, COLORS)
def test_any_two_colors_as_in_scikit_image(one: tuple[float, ...], two: tuple[float, ...]) -> None:
    expected = deltaE_ciede2000(np.array(one), np.array(two))
    found = difference(planes(one), planes(two))  # type: ignore[arg-type]
    assert found.item() == pytest.approx(float(expected), rel=1e-9, abs=1e-6)


def test_a_grid_of_colors_as_in_scikit_image() -> None:
    """Opposite hues, greys, and hues on either side of 0 among them."""
    steps = torch.tensor([-100.0, -25, -3, 0, 3, 25, 100], dtype=torch.float64)
    a1, b1, a2, b2 = (z.flatten() for z in torch.meshgrid(*[steps] * 4, indexing="ij"))
    l1, l2 = torch.linspace(0, 100, a1.numel(), dtype=torch.float64), torch.full_like(a1, 60)
    one, two = torch.stack([l1, a1, b1], 1), torch.stack([l2, a2, b2], 1)
    expected = torch.from_numpy(deltaE_ciede2000(one.numpy(), two.numpy()))
    # where the hues are opposite up to rounding, the middle between them lies on either side
    opposite = (a1 * b2 == b1 * a2) & (a1 * a2 + b1 * b2 < 0)
    found = difference((l1, a1, b1), (l2, a2, b2))
    torch.testing.assert_close(found[~opposite], expected[~opposite], rtol=1e-9, atol=1e-9)
    assert opposite.sum() == 96 and (found - expected)[opposite].abs().max() < 20


@pytest.mark.parametrize("name", ["chelsea", "astronaut", "coffee", "rocket"])
def test_photographs_as_in_scikit_image(name: str) -> None:
    y = photo(name, (60, 50))
    for x in (noisy(y, 0.1).clamp(0, 1), y**1.2, y.roll(3, dims=1), (y + 0.05).clamp(0, 1)):
        # its matrix and white have other decimals: a neutral pixel of ours has a chroma of 0.01 there
        assert ciede2000(x, y).item() == pytest.approx(by_skimage(x, y).mean(), abs=0.01)
        planes_of = [tuple(p[0] for p in lab(z)) for z in (x, y)]
        theirs = deltaE_ciede2000(*(torch.stack(p, -1).numpy() for p in planes_of))
        torch.testing.assert_close(ciede2000_map(x, y)[0, 0], torch.from_numpy(theirs), rtol=1e-8, atol=1e-7)


def test_random_pictures_as_transcribed() -> None:
    x, y = torch.rand(2, 2, 3, 6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = ciede2000(x, y, reduction="none")
    torch.testing.assert_close(found, oracles_color.mean_ciede2000(x, y), rtol=1e-11, atol=0)
    torch.testing.assert_close(ciede2000_map(x, y).mean(dim=(1, 2, 3)), found)
    assert ciede2000_map(x, y).shape == (2, 1, 6, 5)


def test_lab() -> None:
    white, black, grey = (torch.stack(lab(flat(*[v] * 3))).flatten() for v in (1.0, 0.0, 0.4))
    torch.testing.assert_close(white, torch.tensor([100.0, 0, 0], dtype=torch.float64))
    torch.testing.assert_close(black, torch.zeros(3, dtype=torch.float64))
    assert not grey[1:].any()
    for dtype in (torch.float32, torch.float64):
        ramp = torch.linspace(0, 1, 4097, dtype=dtype).view(1, 1, 1, -1).expand(-1, 3, -1, -1)
        _, a, b = lab(ramp)
        assert not a.any() and not b.any()  # to the last bit
    x = photo(size=20)
    for found, theirs in zip(lab(x), rgb2lab(x[0].permute(1, 2, 0).numpy()).transpose(2, 0, 1), strict=True):
        torch.testing.assert_close(found[0], torch.from_numpy(theirs), rtol=0, atol=0.03)
    levels = torch.linspace(0, 1, 500, dtype=torch.float64).view(1, 1, 1, -1)
    y = srgb_decode(levels)[0, 0, 0]
    lightness = lab(levels.expand(-1, 3, -1, -1))[0][0, 0]
    expected = torch.where(y > (6 / 29) ** 3, 116 * y ** (1 / 3) - 16, (29 / 3) ** 3 * y)
    torch.testing.assert_close(lightness, expected, rtol=1e-12, atol=1e-12)


def test_known_values() -> None:
    black, white = flat(0, 0, 0), flat(1, 1, 1)
    assert ciede2000(black, white).item() == pytest.approx(100, abs=1e-6)
    assert ciede2000(255 * black, 255 * white, data_range=255).item() == pytest.approx(100, abs=1e-6)
    assert ciede2000(flat(-1, 0, 0), flat(0, 0, 0)).item() == 0  # outside the range is its nearest end
    assert ciede2000(flat(1.3, 2, 1), white).item() == 0


def test_gradient() -> None:
    x, y = batch(2, 3, (5, 4))
    x = x.clamp(0.02, 0.98).requires_grad_()
    y.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: ciede2000(a, b, reduction="none"), (x, y))
    assert torch.autograd.gradgradcheck(lambda a: ciede2000(a, y.detach()), (x,))


HARD = {
    "black": ((0, 0, 0), (0, 0, 0)),
    "equal": ((0.2, 0.7, 0.4), (0.2, 0.7, 0.4)),
    "grey and colour": ((0.5, 0.5, 0.5), (0.2, 0.7, 0.4)),
    "colour and grey": ((0.2, 0.7, 0.4), (0.5, 0.5, 0.5)),
    "two greys": ((0.5, 0.5, 0.5), (0.6, 0.6, 0.6)),
    "black and white": ((0, 0, 0), (1, 1, 1)),
    "nearly grey": ((0.5, 0.5, 0.5 + 1e-15), (0.2, 0.2, 0.9)),
    "nearly black": ((1e-30, 0, 0), (0, 0, 1)),
    "inverted": ((1, 0, 0), (0, 1, 1)),
    "nearly equal": ((0.5, 0.4, 0.3), (0.5, 0.4, 0.3 + 1e-16)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", HARD)
def test_slopes_are_numbers_everywhere(name: str, dtype: torch.dtype) -> None:
    x, y = (flat(*color).to(dtype).requires_grad_() for color in HARD[name])
    value = ciede2000(x, y)
    grads = torch.autograd.grad(value, (x, y))
    assert value.isfinite() and all(g.isfinite().all() for g in grads)
    assert all(g.abs().max() < 1e5 for g in grads)
    if HARD[name][0] == HARD[name][1]:
        assert value.item() == 0 and not any(g.any() for g in grads)


def test_what_is_next_to_a_grey_in_float32() -> None:
    """Rounding gives a grey a hue in other programs: of a saturated colour's distance that changes digits."""
    y = flat(0.1, 0.2, 0.9)
    for level in torch.linspace(0.1, 0.9, 30, dtype=torch.float64).tolist():
        x = flat(level, level, level)
        assert ciede2000(x.float(), y.float()).item() == pytest.approx(ciede2000(x, y).item(), rel=3e-6)


def test_a_grey_picture_is_pulled_towards_the_color_it_lacks() -> None:
    for color in ((0.7, 0.4, 0.3), (0.3, 0.6, 0.4), (0.35, 0.4, 0.8)):
        y = flat(*color)
        grey = lab(y)[0].item()
        level = (grey + 16) / 116
        x = torch.full((1, 3, 1, 1), level**3).double()
        x = (1.055 * x ** (1 / 2.4) - 0.055).requires_grad_()  # of the same lightness
        before = ciede2000(x, y)
        (grad,) = torch.autograd.grad(before, x)
        assert ciede2000(x - 0.02 * grad / grad.norm(), y) < before
        assert (-grad.flatten() @ (y.flatten() - x.detach().flatten())) > 0


@settings(max_examples=25)
@given(st.integers(0, 999), st.floats(0.002, 0.02))
def test_properties(seed: int, amount: float) -> None:
    y = photo("coffee", 12) * 0.8 + 0.1
    noise = noisy(torch.zeros_like(y), 1.0, seed).clamp(-3, 3)
    near, far = ciede2000(y + amount * noise, y), ciede2000(y + 2 * amount * noise, y)
    assert 0 < near < far
    assert ciede2000(y, y + amount * noise).item() == pytest.approx(near.item(), rel=1e-12)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(seed))
    turned = ciede2000((y + amount * noise)[..., order], y[..., order])
    assert turned.item() == pytest.approx(near.item(), rel=1e-12)


def test_descent_ends_at_the_reference() -> None:
    y = photo("coffee", 8)
    x = torch.full_like(y, 0.5).requires_grad_()
    optimizer = torch.optim.Adam([x], lr=0.02)
    for step in range(300):
        for group in optimizer.param_groups:
            group["lr"] = 0.02 * (1 - step / 300)
        optimizer.zero_grad()
        value = ciede2000(x, y)
        value.backward()
        optimizer.step()
    assert value.item() < 0.5


def test_bad_input() -> None:
    x = torch.rand(2, 1, 4, 4)
    with pytest.raises(ValueError, match=r"3 channels \(sRGB\), got 1.*expand"):
        ciede2000(x, x)
    color = x.expand(-1, 3, -1, -1)
    with pytest.raises(ValueError, match="data_range"):
        ciede2000(color, color, data_range=0)
    with pytest.raises(ValueError, match=r"data_range.*float32"):
        ciede2000(color, color, data_range=1e-300)
    with pytest.raises(ValueError, match="same shape"):
        ciede2000(color, color[..., :3])
    with pytest.raises(ValueError, match="reduction"):
        ciede2000(color, color, reduction="average")
    with pytest.raises(TypeError, match="floating"):
        ciede2000((255 * color).byte(), color)
    assert le.metrics.ciede2000 is ciede2000
