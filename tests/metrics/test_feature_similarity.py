"""FSIM and FSIMc: their formula, the values that their authors' program gave, and what they must obey."""

from __future__ import annotations

import functools
import math
from concurrent.futures import ThreadPoolExecutor

import official
import oracles_metrics
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import batch, noisy, photo
from torch import Tensor

import lossedu as le
from lossedu.metrics import fsim, phase_congruency
from lossedu.metrics.feature_similarity import compare_feature_maps, feature_maps

fsimc = functools.partial(fsim, chromatic=True)


def slope(image: Tensor, value: Tensor, direction: Tensor) -> float:
    (grad,) = torch.autograd.grad(value, image)
    return (grad * direction).sum().item()


@pytest.mark.parametrize("size", [(24, 22), (25, 23), (24, 23), (6, 7)])
@pytest.mark.parametrize("name", ["chelsea", "camera"])
@pytest.mark.parametrize("chromatic", [False, True])
def test_value_is_that_of_the_formula(name: str, size: tuple[int, int], chromatic: bool) -> None:
    y = photo(name, size)
    x = noisy(y, 0.1)
    expected = oracles_metrics.fsim(oracles_metrics.pixels(x), oracles_metrics.pixels(y), chromatic)
    assert fsim(x, y, chromatic=chromatic).item() == pytest.approx(expected, rel=1e-11)
    assert fsim(x.float(), y.float(), chromatic=chromatic).item() == pytest.approx(expected, rel=1e-5)
    assert fsim(100 * x, 100 * y, chromatic=chromatic, data_range=100).item() == pytest.approx(expected, rel=1e-11)


def test_values_on_photographs() -> None:
    """The transcription's values, worked out once: whole photographs take it long."""
    y = le.data.photograph("astronaut").double()  # 512 x 512: averaged down by 2
    x = (y + y.roll(1, -1)) / 2
    assert fsim(x, y).item() == pytest.approx(0.9772857898384874, rel=1e-11)
    assert fsimc(x, y).item() == pytest.approx(0.9771577275793996, rel=1e-11)


@pytest.mark.parametrize("size", [(24, 22), (25, 23), (32, 9)])
def test_phase_congruency_pixel_by_pixel(size: tuple[int, int]) -> None:
    x = 255 * photo("camera", size)
    expected = torch.from_numpy(oracles_metrics.phase_congruency(x[0, 0].numpy()))
    found = phase_congruency.phase_congruency(x)
    torch.testing.assert_close(found[0, 0], expected, rtol=1e-9, atol=1e-12)
    assert ((found >= 0) & (found <= 1)).all()
    torch.testing.assert_close(phase_congruency.phase_congruency(x.float()).double(), found, rtol=1e-3, atol=1e-4)


def test_root_of_the_median_of_squares() -> None:
    """Of even and odd numbers of pixels, with and without equal ones in the middle, and of any stack of planes."""
    planes = [[0, 1, 2, 5, 7, 9], [3, 3, 3, 3, 8, 0], [4, 6, 4, 0, 6, 9], [2, 2, 5, 2, 5, 5]]
    for numbers in (planes, [plane[:5] for plane in planes]):
        amplitude = torch.tensor(numbers, dtype=torch.float64).view(4, -1, 1)
        expected = [math.sqrt(oracles_metrics.np.median(plane**2)) for plane in amplitude.numpy()]
        for shape in ((4,), (2, 2), (4, 1)):
            found = phase_congruency._middle(amplitude.view(*shape, *amplitude.shape[-2:]))
            assert found.shape == (*shape, 1, 1)
            assert found.flatten().tolist() == pytest.approx(expected, rel=1e-14)


def test_gradient_is_the_slope_of_the_formula() -> None:
    """The oracle's own finite differences: nothing in them comes from autograd."""
    x, y = batch(1, 3, (12, 11))
    direction = noisy(torch.zeros_like(x), 1.0, 5)
    for chromatic in (False, True):
        for which in (0, 1):
            ends = []
            for step in (1e-7, -1e-7):
                moved = [z + step * direction if k == which else z for k, z in enumerate((x, y))]
                ends.append(oracles_metrics.fsim(*map(oracles_metrics.pixels, moved), chromatic))
            pair = [x.clone().requires_grad_(), y.clone().requires_grad_()]
            found = slope(pair[which], fsim(*pair, chromatic=chromatic), direction)
            assert found == pytest.approx((ends[0] - ends[1]) / 2e-7, rel=1e-5)


def test_gradients_to_second_order() -> None:
    x, y = batch(1, 1, (6, 7))
    x.requires_grad_(), y.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: fsim(a, b), (x, y), eps=1e-7, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda a: fsim(a, y.detach()), (x,), eps=1e-8, fast_mode=True)


@settings(max_examples=10)
@given(st.sampled_from(["chelsea", "coffee", "astronaut"]), st.integers(0, 99), st.booleans())
def test_properties(name: str, seed: int, chromatic: bool) -> None:
    y = photo(name, (48, 40))
    noise = noisy(torch.zeros_like(y), 1.0, seed)
    values = [fsim(y + amount * noise, y, chromatic=chromatic).item() for amount in (0, 0.01, 0.03, 0.1, 0.3)]
    assert values[0] == 1
    assert values == sorted(values, reverse=True) and len(set(values)) == len(values)
    x = y + 0.1 * noise
    assert fsim(y, x, chromatic=chromatic).item() == pytest.approx(values[3], rel=1e-12)
    for turn in (lambda z: z.flip(-1), lambda z: z.flip(-2), lambda z: z.mT):
        assert fsim(turn(x), turn(y), chromatic=chromatic).item() == pytest.approx(values[3], abs=5e-3)


def test_blur_lowers_it() -> None:
    y = photo(size=48)
    for index in (fsim, fsimc):
        values = [index(le.gaussian_blur(y, sigma), y).item() for sigma in (0.5, 1, 2, 4)]
        assert values == sorted(values, reverse=True)


def test_grey_images_have_no_colour() -> None:
    y = photo("camera", 24)
    x = noisy(y, 0.1)
    expected = fsim(x, y).item()
    assert fsimc(x, y).item() == expected
    colour = [z.expand(-1, 3, -1, -1) for z in (x, y)]
    assert fsim(*colour).item() == pytest.approx(expected, rel=1e-12)
    assert fsimc(*colour).item() == pytest.approx(expected, rel=1e-12)


def test_colour_counts_with_chromatic_alone() -> None:
    y = photo("coffee", 24)
    luma = (y * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    x = luma + 0.5 * (y - luma)  # paler, of the same luma but for the rounding of the weights
    assert fsim(x, y).item() == pytest.approx(1, abs=1e-9)
    assert fsimc(x, y).item() < 0.9999


def test_colours_of_a_batch_stay_with_their_images() -> None:
    x, y = batch(3, 3, 16)
    singles = [oracles_metrics.fsim(*(oracles_metrics.pixels(z[i : i + 1]) for z in (x, y)), True) for i in range(3)]
    assert fsimc(x, y, reduction="none").tolist() == pytest.approx(singles, rel=1e-11)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("chromatic", [False, True])
def test_features_that_are_kept_give_the_same(channels: int, chromatic: bool) -> None:
    """One reference, made once, and images one by one: as in a batch, and with another data range."""
    x, y = batch(2, channels, (32, 40))
    kept = [feature_maps(one) for one in y.split(1)]
    found = [
        compare_feature_maps(feature_maps(255 * one, data_range=255), maps, chromatic=chromatic)
        for one, maps in zip(x.split(1), kept, strict=True)
    ]
    torch.testing.assert_close(torch.cat(found), fsim(x, y, chromatic=chromatic, reduction="none"), rtol=1e-10, atol=0)
    together = compare_feature_maps(feature_maps(x), feature_maps(y), chromatic=chromatic)
    torch.testing.assert_close(together, fsim(x, y, chromatic=chromatic, reduction="none"), rtol=1e-10, atol=0)
    assert feature_maps(x).colours.shape == (2, 2 if channels == 3 else 0, 32, 40)


def test_features_refuse_what_fsim_refuses() -> None:
    with pytest.raises(ValueError, match=r"at least 6 .* got 5 x 9"):
        feature_maps(torch.rand(1, 3, 5, 9))
    with pytest.raises(ValueError, match="data_range must be a finite number above 0"):
        feature_maps(torch.rand(1, 3, 9, 9), data_range=0.0)
    with pytest.raises(ValueError, match="1 channel"):
        feature_maps(torch.rand(1, 2, 9, 9))


def test_two_flat_images_weigh_every_pixel_the_same() -> None:
    black, white = torch.zeros(1, 3, 16, 16), torch.ones(1, 3, 16, 16)
    assert not phase_congruency.phase_congruency(255 * white[:, :1]).any()
    for index in (fsim, fsimc):
        assert index(black, black).item() == index(white, white).item() == 1
        assert 0.5 < index(black, white).item() < 1  # the border counts as an edge of the white one
    expected = oracles_metrics.gradient_length(
        255 * white[0, 0].double().numpy(), oracles_metrics.np.array([[3, 0, -3], [10, 0, -10], [3, 0, -3]]) / 16
    )
    similarity = oracles_metrics.similarity(0 * expected, expected, 160)
    assert fsim(black, white).item() == pytest.approx(similarity.mean(), rel=1e-6)


def test_filters_are_kept_and_bounded() -> None:
    phase_congruency.BANKS.clear()
    with torch.inference_mode():
        fsim(photo(size=16), photo(size=16))
    assert len(phase_congruency.BANKS) == 1
    first = phase_congruency.bank(16, 16, torch.float64, "cpu")
    assert len(phase_congruency.BANKS) == 1
    assert not first.radial.is_inference()
    assert phase_congruency.bank(16, 16, torch.float32, "cpu").radial.dtype == torch.float32
    for side in range(8, 24):
        phase_congruency.bank(side, side, torch.float32, "cpu")
    assert len(phase_congruency.BANKS) == phase_congruency.BANKS.size == 8
    assert phase_congruency.bank(16, 16, torch.float64, "cpu").noise == first.noise


def test_many_threads_share_the_filters() -> None:
    pairs = [(noisy(photo(size=(16, 16 + k % 12)), 0.1, k), photo(size=(16, 16 + k % 12))) for k in range(48)]
    expected = [fsim(x, y).item() for x, y in pairs]
    phase_congruency.BANKS.clear()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda pair: fsim(*pair).item(), pairs)) == expected


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.compile trips over torch's own
def test_compiles_for_one_size_after_another() -> None:
    torch._dynamo.reset()
    compiled = torch.compile(lambda a, b: fsim(a, b), fullgraph=True, backend="eager")
    for side in (16, 19):
        y = photo(size=side)
        x = noisy(y, 0.1)
        assert compiled(x, y).item() == pytest.approx(fsim(x, y).item(), rel=1e-12)


def test_official_values() -> None:
    x, y = official.image("piq", "i01_01_5.png"), official.image("piq", "i01_ref.png")
    table = official.values("piq")
    assert fsim(x, y).item() == pytest.approx(float(table["fsim"]["value"]), abs=5e-6)
    assert fsimc(x, y).item() == pytest.approx(float(table["fsimc"]["value"]), abs=5e-6)
    assert fsimc(x.float(), y.float()).item() == pytest.approx(fsimc(x, y).item(), abs=1e-6)


@pytest.mark.parametrize("pair", ["I03", "I04", "I06"])
def test_official_values_of_fsimc(pair: str) -> None:
    x, y = (official.image("tid2013", f"{pair}_{kind}.png") for kind in ("dist", "ref"))
    expected = official.values("tid2013")["fsimc"][pair]
    assert fsimc(x, y).item() == pytest.approx(float(expected), abs=5.1e-5)  # the four printed decimals
    assert not math.isclose(fsim(x, y).item(), fsimc(x, y).item(), abs_tol=1e-6)
