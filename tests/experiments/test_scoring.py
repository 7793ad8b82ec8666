"""What restored pictures are judged by: errors that are known, pictures that have no answer, and what is kept."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import small_networks
import torch
import trained
from pictures import noisy, photo
from torch import Tensor

import lossedu as le
from lossedu import data, metrics
from lossedu.experiments import appearance, edge_profiles, residuals, scoring
from lossedu.experiments.edge_profiles import FEWEST, SAMPLES, STEP, Edges, rise
from lossedu.experiments.scoring import CHEAP, COLUMNS, DEEP, Judge, Reference, score
from lossedu.storage import DataError

SIDE = 96


def judged(output: Tensor, clean: Tensor | Reference, kind: str = "all") -> dict[str, float]:
    return dict(zip(COLUMNS, score(output, clean, kind=kind), strict=True))


def missing(found: dict[str, float]) -> set[str]:
    return {name for name, value in found.items() if math.isnan(value)}


def ramp(side: int = SIDE) -> Tensor:
    """A coloured picture that rises from left to right, flat nowhere and without edges."""
    rise = torch.linspace(0.2, 0.8, side, dtype=torch.float64).expand(side, side)
    return torch.stack((rise, rise.flip(1), 0.9 * rise))[None].contiguous()


def edge(sigma: float, *, angle: float = 0.0, shift: float = 0.0, side: int = 72) -> Tensor:
    """A straight edge from 0.2 to 0.8 under a Gaussian blur, whose gradient points along the angle."""
    place = torch.arange(side, dtype=torch.float64) - side / 2
    distance = math.cos(angle) * place + math.sin(angle) * place[:, None] - shift
    return (0.5 + 0.3 * torch.erf(distance / (math.sqrt(2) * sigma))).expand(1, 3, side, side).contiguous()


@pytest.fixture(scope="module")
def large() -> tuple[Tensor, Tensor, dict[str, float]]:
    """A noisy picture, large enough for every index, the clean one, and how it is judged."""
    clean = photo(size=(164, 191), top=60, left=120).float()
    output = noisy(clean, 0.05)
    return output, clean, judged(output, clean)


# What the columns agree with


def test_columns() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS) == 21
    assert COLUMNS[:11] == (*CHEAP, "ms_ssim", "iw_ssim", "gmsd", "fsim", "fsimc", *DEEP)
    assert COLUMNS[11:] == appearance.ASPECTS


def test_indices_are_those_of_the_package(large: tuple[Tensor, Tensor, dict[str, float]]) -> None:
    x, y, found = large
    expected = {
        "mse": le.mse_loss(x, y),
        "psnr": metrics.psnr(x, y),
        "l1": le.l1_loss(x, y),
        "ssim": le.ssim(x, y),
        "ms_ssim": le.ms_ssim(x, y),
        "iw_ssim": metrics.iw_ssim(x, y),
        "gmsd": metrics.gmsd(x, y),
        "fsim": metrics.fsim(x, y),
        "fsimc": metrics.fsim(x, y, chromatic=True),
    }
    assert {name: found[name] for name in expected} == pytest.approx({k: v.item() for k, v in expected.items()})


def test_places_are_those_of_the_residuals() -> None:
    clean = photo("rocket", 300, top=60, left=150).float()
    output = noisy(clean, 0.03) + 0.01
    found, error = judged(output, clean), output - clean
    flat = residuals.flat_mask(clean).expand_as(clean)
    assert flat.sum() > 300
    assert found["flat_bias"] == pytest.approx(error[flat].mean().item(), abs=1e-6)
    for name, limits in residuals.BANDS.items():
        expected = residuals.band(error, *limits)[flat].square().mean().sqrt().item()
        assert found[f"flat_{name}"] == pytest.approx(expected, abs=1e-6), name
    distance = residuals.edge_distance(residuals.edge_mask(clean))
    quiet = residuals.local_deviation(clean, 1.0) < 0.015
    where = (quiet & (distance >= 3) & (distance <= 10)).expand_as(clean)
    assert where.sum() > 300
    assert found["ring"] == pytest.approx(error[where].square().mean().sqrt().item(), rel=1e-5)
    # It is made of three of the classes that figures show, weighted by their pixels.
    squares, pixels = 0.0, 0
    for (first, last), value in list(zip(residuals.RINGS, residuals.by_distance(error, clean), strict=True))[1:4]:
        count = int((quiet & (distance >= first) & (distance <= last)).sum())
        assert value is not None
        squares, pixels = squares + count * value**2, pixels + count
    assert found["ring"] == pytest.approx((squares / pixels) ** 0.5, rel=1e-4)


def test_nothing_is_clipped() -> None:
    clean = ramp()
    found = judged(clean + 0.5, clean)
    assert found["mse"] == pytest.approx(0.25)
    assert found["l1"] == pytest.approx(0.5)
    assert found["psnr"] == pytest.approx(-10 * math.log10(0.25))


# Errors that are known


def test_a_perfect_output() -> None:
    clean = photo("rocket", 161, top=60, left=250).float()
    found = judged(clean, clean)
    expected = dict.fromkeys(("ssim", "ms_ssim", "iw_ssim", "fsim", "fsimc"), 1.0)
    expected |= dict.fromkeys(("slope", "chroma", "edge_width", "blockiness"), 1.0)
    expected |= dict.fromkeys(("mse", "l1", "gmsd", "bias", "ring"), 0.0)
    expected |= {name: 0.0 for name in COLUMNS if name.startswith("flat_")} | {"psnr": math.inf}
    assert missing(found) == set(DEEP)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-6)


def test_bias_is_that_of_each_channel() -> None:
    clean = ramp()
    shift = torch.tensor([0.1, -0.04, 0.01], dtype=torch.float64).view(1, 3, 1, 1)
    found = judged(clean + shift + 0.2 * (clean - clean.mean(dim=(2, 3), keepdim=True)), clean)
    assert found["bias"] == pytest.approx(0.05)


@pytest.mark.parametrize("gain", [0.5, 1.0, 1.25])
def test_slope_is_what_the_output_should_be_multiplied_by(gain: float) -> None:
    clean = ramp()
    found = judged(0.3 + gain * clean, clean)
    assert found["slope"] == pytest.approx(1 / gain)
    assert found["chroma"] == pytest.approx(gain)


def test_slope_of_a_noisy_output_is_below_one_and_of_the_best_estimate_one() -> None:
    """The regression dilution of noise of a tenth of the variance; and shrinking by as much repairs it."""
    clean = ramp()
    noise = noisy(torch.zeros_like(clean), (0.1 * clean.var().item()) ** 0.5)
    assert judged(clean + noise, clean)["slope"] == pytest.approx(1 / 1.1, abs=0.02)
    shrunk = clean.mean() + (clean + noise - clean.mean()) / 1.1
    assert judged(shrunk, clean)["slope"] == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.9])
def test_chroma_of_a_faded_picture(share: float) -> None:
    clean = photo("coffee", 64).float()
    grey = clean @ torch.zeros(64, 64) + metrics.luma.luma(clean)
    assert judged(grey + share * (clean - grey), clean)["chroma"] == pytest.approx(share, abs=2e-3)


def test_chroma_is_the_length_of_i_and_q() -> None:
    red, green = (torch.tensor(rgb, dtype=torch.float64) for rgb in ([0.8, 0.3, 0.3], [0.3, 0.6, 0.3]))
    x, y = (colour.view(1, 3, 1, 1).expand(1, 3, 24, 24) for colour in (red, green))
    # 0.5 of red alone over 0.3 of green alone
    expected = 0.5 * math.hypot(0.596, 0.211) / (0.3 * math.hypot(0.274, 0.523))
    assert judged(x, y)["chroma"] == pytest.approx(expected)


def test_flat_ground_with_a_bias() -> None:
    found = judged(torch.full((1, 3, SIDE, SIDE), 0.52), torch.full((1, 3, SIDE, SIDE), 0.5))
    assert found["flat_bias"] == pytest.approx(0.02, rel=1e-5)
    assert found["flat_fine"] == pytest.approx(0.0, abs=1e-6)
    assert judged(torch.full((1, 3, SIDE, SIDE), 0.48), torch.full((1, 3, SIDE, SIDE), 0.5))["flat_bias"] < 0


@pytest.mark.parametrize(("low", "high", "name"), [(0.3, 0.5, "fine"), (0.08, 0.2, "middle"), (0.02, 0.05, "coarse")])
def test_noise_falls_into_its_band(low: float, high: float, name: str) -> None:
    clean = torch.full((1, 3, 128, 128), 0.5)
    found = judged(clean + data.band_noise((1, 3, 128, 128), low=low, high=high, std=0.04, seed=1), clean)
    bands = {band: found[f"flat_{band}"] for band in residuals.BANDS}
    assert max(bands, key=lambda band: bands[band]) == name
    assert 0.02 < bands[name] < 0.041


def test_ring_is_told_from_flat_ground() -> None:
    clean = edge(0.5, side=SIDE)
    output = clean.clone()
    distance = residuals.edge_distance(residuals.edge_mask(clean))
    beside = ((distance >= 3) & (distance <= 10)).expand_as(clean)
    output[beside] += 0.05
    assert judged(output, clean)["ring"] == pytest.approx(0.05, rel=1e-5)
    output[~beside] -= 0.2
    assert judged(output, clean)["ring"] == pytest.approx(0.05, rel=1e-5)


# Edges


@pytest.mark.parametrize("sigma", [0.7, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("angle", [0.0, 0.4, math.pi / 4, 1.9, 4.4])
def test_a_gaussian_edge_rises_over_2_563_sigma(sigma: float, angle: float) -> None:
    edges = Edges(edge(1.0, angle=angle, shift=0.3))
    assert edges.count >= FEWEST
    assert edges.width(edge(sigma, angle=angle, shift=0.3)) == pytest.approx(2.563 * sigma, rel=0.06)


def test_a_step_is_the_sharpest_edge() -> None:
    """Between two pixels: found at both of them, and centred between them."""
    clean = torch.full((1, 3, 60, 60), 0.2)
    clean[..., 30:] = 0.8
    edges = Edges(clean)
    profile = edges.profile(clean)
    assert edges.count == 2 * (60 - 2 * 8)
    assert profile[SAMPLES // 2] == pytest.approx(0.5, abs=1e-5)
    assert 0.4 < edges.width(clean) < 0.8
    assert Edges(clean.mT.contiguous()).width(clean.mT.contiguous()) == pytest.approx(edges.width(clean), rel=1e-5)


def test_width_grows_with_blur_and_falls_with_sharpening() -> None:
    clean = photo("coffee", 160, top=60, left=200).float()
    reference = Reference(clean)
    blurred = [judged(le.gaussian_blur(clean, s), reference)["edge_width"] for s in (0.4, 0.6, 0.8, 1.2, 2.0)]
    assert blurred[0] > 1.0
    assert blurred == sorted(blurred)
    assert judged(clean + 0.5 * (clean - le.gaussian_blur(clean, 1.0)), reference)["edge_width"] < 0.9


def test_width_hardly_minds_noise_and_not_at_all_contrast() -> None:
    clean = photo("coffee", 160, top=60, left=200).float()
    reference = Reference(clean)
    assert reference.edges.count > 100
    widths = [judged(noisy(clean, 0.02, seed), reference)["edge_width"] for seed in range(6)]
    assert widths == pytest.approx([1.0] * 6, abs=0.08)
    assert np.mean(widths) == pytest.approx(1.0, abs=0.06)
    assert judged(0.1 + 0.6 * clean, reference)["edge_width"] == pytest.approx(1.0, abs=1e-3)


def test_the_typical_edge_is_no_mean_and_never_turned_round() -> None:
    clean = edge(1.0)
    output = clean.clone()
    output[..., 45:, :] = edge(2.5)[..., 45:, :]
    edges = Edges(clean)
    assert edges.width(output) == pytest.approx(edges.width(clean), rel=0.02)
    for lost in (1 - clean, torch.full_like(clean, 0.5)):
        assert math.isnan(edges.width(lost))


def test_edges_that_are_close_to_others_do_not_count() -> None:
    stripes = torch.full((1, 3, 80, 80), 0.2)
    stripes[..., 20:] = 0.8
    assert Edges(stripes).count == 2 * (80 - 2 * 8)
    stripes[..., 24:] = 0.2
    assert Edges(stripes).count == 0


def test_rise_of_profiles() -> None:
    place = torch.arange(SAMPLES) * STEP - 6.0
    assert rise(((place + 1) / 2).clamp(0, 1).tolist()) == pytest.approx(0.8 * 2)  # linear over 2 pixels
    assert rise(((place - 1) / 0.5).clamp(0, 1).tolist()) == pytest.approx(0.8 * 0.5)  # off the middle
    ripples = ((place + 1) / 2).clamp(0, 1)
    ripples[2], ripples[3], ripples[-3], ripples[-4] = 0.6, -0.6, 0.4, 1.6  # far away, and the plateaus' means stay
    assert rise(ripples.tolist()) == pytest.approx(0.8 * 2)
    kinked = torch.where(place < 0, (0.15 + 0.075 * place).clamp_min(0), 0.15 + 0.85 * place).clamp_max(1)
    assert rise(kinked.tolist()) == pytest.approx((0.75 / 0.85) + 0.05 / 0.075)
    unrest = torch.tensor([0.3] * 6 + [0.8] + [-2.6] + [0.0] * 38 + [3.5] * 3)  # its way down to 10 % is nowhere
    for profile in (unrest, torch.ones(SAMPLES), -place, torch.full((SAMPLES,), math.nan)):
        assert math.isnan(rise(profile.tolist()))


# Blocks


def test_blocks_of_eight() -> None:
    clean = photo(size=(96, 104)).float()
    tiles = torch.arange(13) % 2 * 0.02
    chequered = (tiles[:12, None] - tiles).abs().repeat_interleave(8, 0).repeat_interleave(8, 1)
    reference = Reference(clean)
    flat = torch.full_like(clean, 0.5)
    assert judged(clean + chequered, reference)["blockiness"] > 1.05
    assert judged(clean + chequered.roll((4, 4), (0, 1)), reference)["blockiness"] < 1
    assert "blockiness" in missing(judged(clean, flat))
    # Steps of 1 everywhere and of 3 at the borders of blocks.
    steps = torch.where(torch.arange(1, 40) % 8 == 0, 3.0, 1.0).cumsum(0)
    picture = (torch.cat((torch.zeros(1), steps)) + torch.cat((torch.zeros(1), steps))[:, None]).expand(1, 3, 40, 40)
    plain = (torch.arange(40.0) + torch.arange(40.0)[:, None]).expand(1, 3, 40, 40)
    assert judged(picture, plain)["blockiness"] == pytest.approx(3.0, rel=1e-4)


def test_jpeg_has_blocks() -> None:
    clean = photo("coffee", 128, top=60, left=200).float()
    reference = Reference(clean)
    coarse, fine = (judged(data.jpeg(clean, quality=q), reference)["blockiness"] for q in (10, 40))
    assert coarse > fine + 0.1 > 1.15
    assert judged(le.gaussian_blur(clean, 1.0), reference)["blockiness"] == pytest.approx(1.0, abs=0.06)


# What has no answer


@pytest.mark.parametrize("kind", scoring.KINDS)
def test_kinds(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "lpips", lambda x, y: x.new_tensor(0.25))
    monkeypatch.setattr(scoring, "dists", lambda x, y: x.new_tensor(0.125))
    clean = photo("rocket", 161, top=60, left=250).float()
    found = judged(noisy(clean, 0.1), clean, kind)
    assert missing(found) == {"cheap": set(COLUMNS) - set(CHEAP), "all": set(DEEP), "deep": set()}[kind]
    assert kind != "deep" or (found["lpips"], found["dists"]) == (0.25, 0.125)


def test_five_levels_need_161_pixels() -> None:
    clean = photo("coffee", (161, 170), top=60, left=200).float()
    output = data.jpeg(clean, quality=25)
    assert not missing(judged(output, clean)) & {"ms_ssim", "iw_ssim"}
    assert missing(judged(output[..., :160, :], clean[..., :160, :])) >= {"ms_ssim", "iw_ssim"}


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (2, 9), (5, 5), (10, 11), (12, 42), (17, 17), (43, 43)])
def test_small_pictures_are_no_errors(size: tuple[int, int]) -> None:
    clean = photo(size=size).float()
    found = judged(noisy(clean, 0.05), clean)
    assert missing(found) >= {"ms_ssim", "iw_ssim", *DEEP, "edge_width"}
    assert not missing(found) & {"mse", "psnr", "l1", "bias"}
    for name, side in scoring.SMALLEST.items():
        if name not in DEEP:
            assert (name in missing(found)) == (min(size) < side)


def test_pictures_without_colour_edges_or_flat_ground() -> None:
    steep = ramp()
    assert missing(judged(steep + 0.1, steep)) >= {"flat_fine", "flat_bias", "ring", "edge_width"}
    grey = metrics.luma.luma(steep).expand(1, 3, SIDE, SIDE)
    assert "chroma" in missing(judged(steep, grey))
    assert {"slope"} == missing(judged(torch.full_like(steep, 0.5), steep)) & {"slope", "bias", "chroma"}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_output_that_is_no_number(value: float) -> None:
    clean = photo(size=64).float()
    output = clean.clone()
    output[0, 1, 30, 30] = value
    assert missing(judged(output, clean)) == set(COLUMNS)


def test_noise_makes_everything_worse() -> None:
    clean = photo("rocket", 161, top=60, left=250).float()
    reference = Reference(clean)
    better, worse = (judged(noisy(clean, deviation), reference) for deviation in (0.02, 0.08))
    for name in ("mse", "l1", "gmsd", "ring", "flat_fine", "flat_middle", "chroma"):
        assert better[name] < worse[name], name
    for name in ("psnr", "ssim", "ms_ssim", "iw_ssim", "fsim", "fsimc", "slope"):
        assert better[name] > worse[name], name


# What is kept, and the judge


def some_pictures() -> tuple[list[Tensor], list[Tensor]]:
    places = {"chelsea": (96, 110), "coffee": (80, 70), "astronaut": (64, 90)}
    cleans = [photo(name, size, top=60, left=200).float() for name, size in places.items()]
    return [noisy(clean, 0.04, seed) for seed, clean in enumerate(cleans)], cleans


def test_what_is_kept_changes_nothing() -> None:
    outputs, cleans = some_pictures()
    judge = Judge(cleans)
    first, second = judge.score(outputs), judge.score(iter(outputs))
    fresh = np.array([score(x, y) for x, y in zip(outputs, cleans, strict=True)], dtype=np.float32)
    assert first.shape == (3, len(COLUMNS)) and first.dtype == np.float32
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, fresh)
    np.testing.assert_array_equal(judge.score([x.double() for x in outputs]), first)


def test_rows_follow_the_pictures() -> None:
    outputs, cleans = some_pictures()
    rows = Judge(cleans).score(outputs)
    np.testing.assert_array_equal(Judge(cleans[::-1]).score(outputs[::-1]), rows[::-1])
    cheap = Judge(cleans).score(outputs, kind="cheap")
    np.testing.assert_array_equal(cheap[:, :4], rows[:, :4])
    assert np.isnan(cheap[:, 4:]).all()
    assert Judge([]).score([]).shape == (0, len(COLUMNS))


def test_all_is_made_where_the_pictures_are() -> None:
    """What names no device would be made on "meta", which holds no numbers."""
    clean = photo("rocket", 161, top=60, left=250).float()
    output = noisy(clean, 0.04)
    with torch.device("meta"):
        found = score(output, clean)
    assert found[:9] + found[11:] == score(output, clean)[:9] + score(output, clean)[11:]


def test_no_graph_is_kept() -> None:
    outputs, cleans = some_pictures()
    judge = Judge(cleans)
    output = outputs[0].requires_grad_()
    judge.score([output, *outputs[1:]])
    assert not judge.references[0].features.congruency.requires_grad


def test_masks_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    outputs, cleans = some_pictures()
    judge = Judge(cleans)
    judge.score(outputs)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("made again")

    for name in ("flat_mask", "edge_mask", "edge_distance", "local_deviation", "feature_maps", "Edges"):
        monkeypatch.setattr(appearance, name, refuse)
    judge.score(outputs)
    with pytest.raises(AssertionError):
        Judge(cleans).score(outputs)


@pytest.mark.parametrize(("every", "expected"), [(0, []), (1, [0, 1, 2]), (2, [0, 2]), (5, [0])])
def test_deep_columns_of_some_pictures(every: int, expected: list[int]) -> None:
    outputs, cleans = some_pictures()
    with small_networks.in_place():
        rows = Judge(cleans, deep_every=every).score(outputs)
        cheap = Judge(cleans, deep_every=every).score(outputs, kind="cheap")
        values = {f: [f(x.clamp(0, 1), y).item() for x, y in zip(outputs, cleans, strict=True)] for f in FUNCTIONS}
    for name, function in zip(DEEP, FUNCTIONS, strict=True):
        column = rows[:, COLUMNS.index(name)]
        assert np.flatnonzero(~np.isnan(column)).tolist() == expected
        np.testing.assert_allclose(column[expected], np.array(values[function])[expected], rtol=1e-6)
        assert np.isnan(cheap[:, COLUMNS.index(name)]).all()


FUNCTIONS: tuple[Callable[..., Tensor], ...] = (metrics.lpips, metrics.dists)


def test_deep_columns_by_the_trained_networks() -> None:
    for name in ("vgg16_features_fp16", "lpips_v0.1_vgg", "dists_alpha_beta"):
        trained.tensors(f"{name}.pth")
    outputs, cleans = some_pictures()
    row = Judge(cleans[:1], deep_every=1).score([outputs[0] + 0.3])[0]
    shown = (outputs[0] + 0.3).clamp(0, 1)  # the networks know no other
    for name, function in zip(DEEP, FUNCTIONS, strict=True):
        assert row[COLUMNS.index(name)] == pytest.approx(function(shown, cleans[0]).item(), rel=1e-6)


def test_without_weights_it_says_so_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(x: Tensor, y: Tensor) -> Tensor:
        raise DataError("no weights here")

    monkeypatch.setattr(scoring, "lpips", lost)
    monkeypatch.setattr(scoring, "dists", lost)
    outputs, cleans = some_pictures()
    said: list[str] = []
    judge = Judge(cleans, deep_every=1, say=said.append)
    for _ in range(2):
        rows = judge.score(outputs)
    assert said == ["lpips is left out: no weights here", "dists is left out: no weights here"]
    assert np.isnan(rows[:, [COLUMNS.index(name) for name in DEEP]]).all()
    assert missing(judged(outputs[0], cleans[0], "deep")) == missing(judged(outputs[0], cleans[0]))


def test_what_is_refused() -> None:
    outputs, cleans = some_pictures()
    with pytest.raises(ValueError, match="kind must be one of 'cheap', 'all', 'deep', got 'quick'"):
        score(outputs[0], cleans[0], kind="quick")
    with pytest.raises(ValueError, match=r"clean must have shape \(1, 3, H, W\), got \(1, 1, 96, 110\)"):
        Judge([cleans[0][:, :1]])
    with pytest.raises(ValueError, match=r"output must have the shape and the device of .* got \(1, 3, 96, 109\)"):
        score(outputs[0][..., 1:], cleans[0])
    with pytest.raises(TypeError, match="output must have a floating dtype"):
        score((255 * outputs[0]).to(torch.uint8), cleans[0])
    with pytest.raises(ValueError, match="outputs must be as many as the 3 clean pictures, got 2"):
        Judge(cleans).score(outputs[:2], kind="cheap")
    with pytest.raises(ValueError, match="outputs must be as many as the 3 clean pictures, got more"):
        Judge(cleans).score(outputs + outputs[:1], kind="cheap")
    with pytest.raises(ValueError, match="deep_every must be 0 or above, got -1"):
        Judge(cleans, deep_every=-1)


def test_the_widest_blur_is_that_of_the_bands() -> None:
    assert appearance.SMALLEST == 43
    assert max(longest for _, longest in residuals.BANDS.values()) == 64.0
    assert edge_profiles.SAMPLES == 49
