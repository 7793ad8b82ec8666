"""GMSD against its formula, against the values that its authors' program gave, and what it must obey."""

from __future__ import annotations

import math

import official
import oracles_metrics
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import batch, noisy, photo

import lossedu as le
from lossedu.metrics import gmsd
from lossedu.metrics.gradient_similarity import PREWITT, SCHARR, disagreement, gradient_length


@pytest.mark.parametrize("size", [(24, 22), (25, 23), (3, 4), (7, 40)])
@pytest.mark.parametrize("name", ["chelsea", "camera"])
def test_value_is_that_of_the_formula(name: str, size: tuple[int, int]) -> None:
    y = photo(name, size)
    x = noisy(y, 0.1)
    expected = oracles_metrics.gmsd(oracles_metrics.pixels(x), oracles_metrics.pixels(y))
    assert gmsd(x, y).item() == pytest.approx(expected, rel=1e-12)
    assert gmsd(x.float(), y.float()).item() == pytest.approx(expected, rel=1e-5)
    assert gmsd(100 * x, 100 * y, data_range=100).item() == pytest.approx(expected, rel=1e-12)


def test_values_on_photographs() -> None:
    """The transcription's values, worked out once: whole photographs take it long."""
    for name, expected in (("chelsea", 0.035022262510994405), ("astronaut", 0.05364746696251033)):
        y = le.data.photograph(name).double()
        assert gmsd((y + y.roll(1, -1)) / 2, y).item() == pytest.approx(expected, rel=1e-11)


def test_gradient() -> None:
    x, y = batch(2, 3, (6, 7))
    x.requires_grad_(), y.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: gmsd(a, b, reduction="none"), (x, y))
    x, y = batch(1, 1, (4, 5))
    x.requires_grad_()
    assert torch.autograd.gradgradcheck(lambda a: gmsd(a, y), (x,))


@pytest.mark.parametrize("smoothing", [PREWITT, SCHARR])
def test_length_of_the_gradient_pixel_by_pixel(smoothing: tuple[float, float, float]) -> None:
    assert sum(smoothing) == pytest.approx(1)  # a ramp of 1 per pixel, whose pixels two apart differ by 2, has 2
    x = photo("camera", (9, 8))
    stencil = oracles_metrics.np.outer(smoothing, (1, 0, -1))
    expected = torch.from_numpy(oracles_metrics.gradient_length(x[0, 0].numpy(), stencil))
    torch.testing.assert_close(gradient_length(x, smoothing)[0, 0], expected)


def test_disagreement_is_one_minus_similarity() -> None:
    a, b = torch.rand(2, 50, dtype=torch.float64)
    expected = 1 - (2 * a * b + 0.7) / (a**2 + b**2 + 0.7)
    torch.testing.assert_close(disagreement(a, b, 0.7), expected)
    assert not disagreement(a, a, 0.7).any()


@settings(max_examples=15)
@given(st.sampled_from(["chelsea", "coffee", "camera"]), st.integers(0, 99))
def test_properties(name: str, seed: int) -> None:
    y = photo(name, (40, 34))
    noise = noisy(torch.zeros_like(y), 1.0, seed)
    values = [gmsd(y + amount * noise, y).item() for amount in (0, 0.01, 0.03, 0.1, 0.2)]
    assert values[0] == 0
    assert values == sorted(values) and len(set(values)) == len(values)
    x = y + 0.1 * noise
    for turn in (lambda z: z.flip(-1), lambda z: z.flip(-2), lambda z: z.mT):  # even sizes: squares of 2 x 2 stay
        assert gmsd(turn(x), turn(y)).item() == pytest.approx(values[3], rel=1e-12)
    assert gmsd(1 - x, 1 - y).item() != values[3]  # zeros lie outside the image, and its border is an edge
    grey = x[:, :1]
    assert gmsd(grey.expand(-1, 3, -1, -1), y[:, :1].expand(-1, 3, -1, -1)).item() == pytest.approx(
        gmsd(grey, y[:, :1]).item(), rel=1e-12
    )


def test_the_most_that_can_be() -> None:
    """A deviation of numbers from 0 to 1 is greatest where half of them are 0 and half are 1."""
    y = torch.zeros(1, 1, 40, 40, dtype=torch.float64)
    y[..., 20:, :] = (torch.arange(40) // 4) % 2  # stripes as wide as two squares: edges everywhere below
    assert 0.46 < gmsd(0 * y, y).item() < 0.5 * math.sqrt(400 / 399)
    x = noisy(photo(size=48), 0.3)
    assert gmsd(x, photo(size=48)).item() < 0.35 > gmsd(0 * x, photo(size=48)).item()


def test_blur_grows_it() -> None:
    y = photo(size=48)
    values = [gmsd(le.gaussian_blur(y, sigma), y).item() for sigma in (0.5, 1, 2, 4)]
    assert values == sorted(values)


@pytest.mark.parametrize("pair", ["I03", "I04", "I06"])
def test_official_values(pair: str) -> None:
    x, y = (official.image("tid2013", f"{pair}_{kind}.png") for kind in ("dist", "ref"))
    expected = float(official.values("tid2013")["gmsd"][pair])
    found = gmsd(official.rounded_grey(x), official.rounded_grey(y)).item()
    assert found == pytest.approx(expected, abs=5e-7)  # all six printed decimals


def test_official_value_of_a_colour_pair() -> None:
    x, y = official.image("piq", "i01_01_5.png"), official.image("piq", "i01_ref.png")
    expected = float(official.values("piq")["gmsd"]["value"])
    assert gmsd(x, y).item() == pytest.approx(expected, rel=1e-13)
    assert gmsd(x.float(), y.float()).item() == pytest.approx(expected, rel=1e-6)


def test_orders_distortions_as_people_did() -> None:
    scores = official.values("kadid10k", "dmos.csv")
    y = official.image("kadid10k", "I01.png")
    found = {file: gmsd(official.image("kadid10k", file), y).item() for file in scores}
    by_people = sorted(scores, key=lambda file: -float(scores[file]["dmos"]))  # 5 is best
    assert sorted(found, key=found.__getitem__) == by_people
    assert not math.isclose(min(found.values()), max(found.values()))
