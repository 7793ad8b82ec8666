"""Where residuals are measured, the toys of Figure 9, and one whole experiment at its smallest scale."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from pictures import photo
from torch import Tensor

import lossedu as le
from lossedu.experiments import doubt, residuals, running, sigma_sensitivity, step_edge
from lossedu.experiments.residuals import (
    HALF,
    RINGS,
    band,
    edge_distance,
    edge_mask,
    flat_mask,
    local_deviation,
    measure,
)
from lossedu.nets import RestorationCNN
from lossedu.records import Record, load

SIDE = 96


def wave(period: float, side: int = SIDE) -> Tensor:
    """A sinusoid along both axes together, of mean square 1."""
    phase = 2 * math.pi / period * torch.arange(side, dtype=torch.float64)
    return (math.sqrt(2) * phase.cos()).expand(1, 3, side, side)


def energy(x: Tensor) -> float:
    margin = 24  # mirrored waves are no waves
    return x[..., margin:-margin, margin:-margin].square().mean().item()


def test_a_wave_at_the_limit_keeps_half_its_amplitude() -> None:
    for period in (8.0, 16.0):
        blurred = le.gaussian_blur(wave(period), HALF * period)
        assert math.sqrt(energy(blurred) / energy(wave(period))) == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize(("period", "name"), [(3.0, "fine"), (8.0, "middle"), (32.0, "coarse")])
def test_a_wave_falls_into_its_band(period: float, name: str) -> None:
    shares = {key: energy(band(wave(period), *limits)) for key, limits in residuals.BANDS.items()}
    assert max(shares, key=shares.get) == name  # type: ignore[arg-type]
    assert shares[name] > 0.4
    assert all(share < 0.25 for key, share in shares.items() if key != name)


def test_bands_add_up() -> None:
    x = photo(size=SIDE)
    total = sum(band(x, *limits) for limits in ((None, 4.0), (4.0, 16.0), (16.0, 64.0), (64.0, None)))
    torch.testing.assert_close(total, x)


def test_local_deviation_is_the_weighted_standard_deviation() -> None:
    x = photo(size=40)
    m = le.gaussian_blur(x, 2.0)
    expected = (le.gaussian_blur(x * x, 2.0) - m * m).sqrt().amax(dim=1, keepdim=True)
    torch.testing.assert_close(local_deviation(x, 2.0), expected, rtol=1e-9, atol=1e-12)
    assert local_deviation(torch.full((1, 3, 40, 40), 0.9), 5.0).max() < 1e-3  # flat and bright, in float32


def half_and_half(low: float, high: float, side: int = SIDE) -> Tensor:
    x = torch.full((1, 3, side, side), low, dtype=torch.float64)
    x[..., side // 2 :] = high
    return x


@pytest.mark.parametrize(("height", "seen"), [(0.15, False), (0.3, True), (-0.3, True)])
def test_one_edge(height: float, seen: bool) -> None:
    x = half_and_half(0.5, 0.5 + height)
    mask = edge_mask(x)
    assert mask.any() == seen
    if seen:
        assert mask[0, 0].all(dim=0).nonzero().flatten().tolist() == [SIDE // 2 - 1, SIDE // 2]
        assert torch.equal(edge_mask(x.mT), mask.mT)


def test_distance_from_one_edge() -> None:
    mask = torch.zeros(1, 1, 60, 80, dtype=torch.bool)
    mask[..., 30] = True
    distance = edge_distance(mask, limit=25)
    expected = (torch.arange(80) - 30).abs().clamp(max=25).float()
    assert torch.equal(distance, expected.expand(1, 1, 60, 80))


def test_distance_is_that_of_a_king() -> None:
    mask = torch.zeros(2, 1, 9, 9, dtype=torch.bool)
    mask[0, 0, 4, 4] = True
    rows, columns = torch.meshgrid(torch.arange(9), torch.arange(9), indexing="ij")
    found = edge_distance(mask, limit=6)
    assert torch.equal(found[0, 0], torch.maximum((rows - 4).abs(), (columns - 4).abs()).float())
    assert (found[1] == 6).all()  # a picture without edges


def test_flat_is_where_nothing_happens_within_a_wide_window() -> None:
    x = half_and_half(0.4, 0.6)
    flat = flat_mask(x)[0, 0].all(dim=0)
    middle = SIDE // 2
    assert flat[0] and flat[-1]
    assert not flat[middle - 8 : middle + 8].any()
    assert flat_mask(half_and_half(0.4, 0.404)).all()


def test_measures_of_a_residual_that_is_known() -> None:
    clean = half_and_half(0.25, 0.75)
    error = torch.zeros_like(clean)
    error[..., SIDE // 2 - 4 : SIDE // 2 + 4] = 0.1  # only close to the edge
    found = measure(clean + error, clean)
    mse = error.square().mean().item()
    assert found["mse"] == pytest.approx(mse, rel=1e-4)
    assert found["psnr"] == pytest.approx(-10 * math.log10(mse), abs=1e-3)
    assert found["ssim"] == pytest.approx(le.ssim(clean + error, clean).item(), abs=1e-6)
    ring = found["ring"]
    assert isinstance(ring, list)
    assert len(ring) == len(RINGS)
    # The mask is the two columns at the step; quiet pixels start where its slope has left a window of sigma 1.
    assert ring[0] is None
    assert ring[1] is None or ring[1] <= 0.1
    assert ring[3:] == [0.0, 0.0, 0.0]

    far = torch.zeros_like(clean)
    far[..., :10] = 0.1
    assert isinstance(measure(clean + far, clean)["ring"], list)
    assert measure(clean + far, clean)["ring"][2:4] == [0.0, 0.0]  # type: ignore[index]


def test_measures_on_flat_ground() -> None:
    clean = torch.full((1, 3, SIDE, SIDE), 0.5)
    found = measure(clean + 0.02, clean)
    assert found["flat_pixels"] == SIDE * SIDE
    assert found["flat_bias"] == pytest.approx(0.02, abs=1e-6)
    assert found["flat_fine"] == found["flat_middle"] == pytest.approx(0, abs=1e-6)
    assert found["ring"] == [None] * len(RINGS)  # no edge anywhere
    grating = measure(clean + 0.02 * wave(8.0).float(), clean)
    assert grating["flat_middle"] > 2 * max(grating["flat_fine"], grating["flat_coarse"])  # type: ignore[operator, type-var]
    assert 0.01 < grating["flat_middle"] < 0.02  # type: ignore[operator]


def test_measures_where_nothing_is_flat() -> None:
    torch.manual_seed(0)
    clean = torch.rand(1, 3, SIDE, SIDE)
    found = measure(clean + 0.01, clean)
    assert found["flat_pixels"] == 0
    assert found["flat_fine"] is found["flat_middle"] is found["flat_coarse"] is found["flat_bias"] is None
    json.dumps(found)


@pytest.mark.parametrize(
    ("sigma", "profile", "tolerant"),
    [
        (1.0, [0.43, 0.42, 0.43, 0.41, 0.41, 0.42], 4),
        (3.0, [0.96, 0.64, 0.32, 0.31, 0.31, 0.31], 12),
        (9.0, [0.98, 0.97, 0.95, 0.90, 0.56, 0.28], 38),
    ],
)
def test_figure_9_in_one_dimension(sigma: float, profile: list[float], tolerant: int) -> None:
    """Mean SSIM 4 to 40 samples left of the step, and how many samples are above 0.8, as measured independently."""
    found = step_edge.noisy_step_1d(sigma)
    assert [found[128 - d].item() for d in (4, 8, 12, 16, 24, 40)] == pytest.approx(profile, abs=0.02)
    assert (found > 0.8).sum() == tolerant


def test_in_two_dimensions_the_gap_on_flat_ground_all_but_vanishes() -> None:
    one = {sigma: step_edge.noisy_step_1d(sigma, draws=400)[30].item() for sigma in (1.0, 9.0)}
    two = {sigma: step_edge.noisy_step_2d(sigma, height=200)[20:40].mean().item() for sigma in (1.0, 9.0)}
    assert one[1.0] - one[9.0] > 0.1
    assert [two[1.0], two[9.0]] == pytest.approx([0.30, 0.27], abs=0.03)


@pytest.mark.parametrize(
    ("low", "high", "bias", "ratio"), [(0.25, 0.75, 0.1, 6.9), (0.2, 0.8, 0.1, 11), (0.1, 0.9, 0.02, 68)]
)
def test_figure_9_bias(low: float, high: float, bias: float, ratio: float) -> None:
    dark, bright = step_edge.biased_step(bias, low=low, high=high)
    assert (1 - dark) / (1 - bright) == pytest.approx(ratio, rel=0.03)
    if low == 0.25:
        assert (dark, bright) == pytest.approx((0.946, 0.992), abs=5e-4)


def test_small_windows_are_blind_to_splotches() -> None:
    prices = {sigma: step_edge.correlated_noise_price(sigma, (0.0, 2.0, 4.0, 8.0), size=128) for sigma in (1.0, 9.0)}
    for values in prices.values():
        assert values == sorted(values, reverse=True)
    assert prices[1.0][0] / prices[1.0][3] > 15 > 3 > prices[9.0][0] / prices[9.0][3] > 1.2


def test_the_transfer_function_is_the_price() -> None:
    frequencies = torch.tensor([0.02, 0.1, 0.4], dtype=torch.float64)
    theory = step_edge.transfer(1.5, frequencies, level=0.3)
    found = le.price(le.ssim_loss, level=0.3, amplitude=1e-3, frequencies=frequencies, size=64, channels=1)
    assert theory.values.tolist() == pytest.approx(found.values.tolist(), rel=0.01)
    assert theory.uniform == pytest.approx(found.uniform, rel=0.01)


def test_answers_under_doubt() -> None:
    edges = doubt.edges(4)
    assert edges.shape == (9, 1, 24, 64)
    assert edges[0, 0, 0].tolist().count(0.25) == 28
    assert edges[-1, 0, 0].tolist().count(0.25) == 36
    assert doubt.levels(0.5, 0.1).mean(dim=(1, 2, 3)).tolist() == pytest.approx([0.4, 0.6])
    textures = doubt.textures("brick", 2, size=32)
    assert textures.shape == (5, 1, 32, 32)
    assert torch.equal(textures[0, ..., 1:], textures[1, ..., :-1])
    assert doubt.predicted_gain(textures) > 1.05
    assert doubt.predicted_gain(textures[:1]) == pytest.approx(1)


def smoke(out: Path, **options: Any) -> tuple[Record, list[str]]:
    """Run two networks at the smallest scale; return the record, and the names of the jobs that were begun."""
    said: list[str] = []
    common: dict[str, Any] = {"seeds": 1, "arms": ("ssim_1", "l1"), "device": "cpu"}
    record = running.run("sigma_sensitivity", "smoke", out=out, say=said.append, **{**common, **options})
    return record, [line.partition(":")[0] for line in said if line.endswith(": starts") or ": goes on after" in line]


class Stop(BaseException):
    """The power cut."""


def test_an_experiment_from_start_to_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped between training and judging the second network, resumed, and read back."""
    straight, begun = smoke(tmp_path / "straight")
    assert begun == ["ssim_1-0", "l1-0"]

    evaluate, judged = sigma_sensitivity.evaluate, []

    def stopped(network: RestorationCNN, photographs: str) -> Any:
        judged.append(network)
        if len(judged) == 2:
            raise Stop
        return evaluate(network, photographs)

    out = tmp_path / "stopped"
    monkeypatch.setattr(sigma_sensitivity, "evaluate", stopped)
    with pytest.raises(Stop):
        smoke(out)
    monkeypatch.setattr(sigma_sensitivity, "evaluate", evaluate)
    partly = load("sigma_sensitivity-smoke", out)
    assert [run["job"] for run in partly.runs] == ["ssim_1-0"] and partly.settings["unfinished"] == ["l1-0"]
    assert partly.weights == {}
    assert (out / "jobs" / "l1-0" / "network.pt").exists()
    assert not (out / "jobs" / "l1-0" / "entry.json").exists()

    resumed, begun = smoke(out)
    assert begun == ["l1-0"]
    assert [(run["job"], run["loss"], run["seed"]) for run in resumed.runs] == [
        ("l1-0", "l1", 0),
        ("ssim_1-0", "ssim_1", 0),
    ]
    for found, expected in zip(resumed.runs, straight.runs, strict=True):
        assert found["images"] == expected["images"]
        assert set(found["images"]) == {"rocket"}
        assert found["history"] == expected["history"] and not found["ran_away"]
    assert resumed.weights.keys() == straight.weights.keys()
    assert all((resumed.weights[key] == straight.weights[key]).all() for key in resumed.weights)
    assert resumed.command == "lossedu run sigma_sensitivity --scale smoke --seeds 1 --losses ssim_1 l1 --out DIR"
    assert (resumed.settings["window"], resumed.settings["steps"]) == ("31 taps, reflect", 4)

    # the record comes back from its files, and the network from the record
    record = load("sigma_sensitivity-smoke", out)
    network = sigma_sensitivity.recorded_network(record, "l1")
    clean = sigma_sensitivity.test_images("embedded")["rocket"]
    restored = sigma_sensitivity.restore(network, sigma_sensitivity.damaged("rocket", clean))
    assert restored.shape == clean.shape
    assert measure(restored, clean) == record.runs[0]["images"]["rocket"]
    with pytest.raises(ValueError, match="loss must be one of 'l1', 'ssim_1', got 'l2'"):
        sigma_sensitivity.recorded_network(record, "l2")


def test_divergence_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sigma_sensitivity.LOSSES, "l1", lambda x, y: le.l1_loss(x, y) * math.nan)
    record, _ = smoke(tmp_path, arms=("l1",))
    assert record.runs[0]["diverged_at"] == 0 and record.runs[0]["ran_away"]
    assert "images" not in record.runs[0]
    assert record.weights == {}
    assert smoke(tmp_path, arms=("l1",))[1] == []  # it is a result, and not tried again


def test_weights_of_the_first_seed_are_kept(tmp_path: Path) -> None:
    record, _ = smoke(tmp_path, arms=("l1",), seeds=2)
    assert [run["seed"] for run in record.runs] == [0, 1]
    network = sigma_sensitivity.train_one("l1", scale="smoke", seed=0)
    for key, value in network.state_dict().items():
        assert torch.equal(torch.from_numpy(record.weights[f"l1/{key}"]), value)
    assert len(record.weights) == len(network.state_dict())


def test_the_course_of_the_loss_of_a_network() -> None:
    falling = sigma_sensitivity.course([float(k) for k in range(250, 0, -1)])
    assert falling == {"history": [200.5, 100.5, 25.5], "ran_away": False}
    assert sigma_sensitivity.course([0.1] * 100 + [0.2])["ran_away"]
    assert not sigma_sensitivity.course([0.123456] * 3)["ran_away"]


def test_everything_but_the_loss_is_the_same_for_all() -> None:
    scale = sigma_sensitivity.SCALES["smoke"]
    one, two = (sigma_sensitivity.new_network(scale, 5) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    other = sigma_sensitivity.new_network(scale, 6)
    assert not torch.equal(next(one.parameters()), next(other.parameters()))
    images = sigma_sensitivity.training_images("embedded")
    first, same, seed = (sigma_sensitivity.batches(images, scale, s)(3) for s in (5, 5, 6))
    assert torch.equal(first[0], same[0])
    assert torch.equal(first[1], same[1])
    assert not torch.equal(first[1], seed[1])
    assert first[0].shape == (scale.batch, 3, 47, 47)
    assert first[1].shape == (scale.batch, 3, 31, 31)
    # the clean crop is the middle of the damaged one, to the pixel
    damaged, clean = sigma_sensitivity.batches(images, sigma_sensitivity.SCALES["quick"], 5)(0)
    shifts = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]
    errors = [le.mse_loss(damaged[..., 8 + i : 39 + i, 8 + j : 39 + j], clean).item() for i, j in shifts]
    assert min(errors) == errors[0]
    state = torch.random.get_rng_state()
    sigma_sensitivity.new_network(scale, 5)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_windows_of_the_experiment() -> None:
    x, y = torch.rand(2, 3, 31, 31), torch.rand(2, 3, 31, 31)
    for name, sigma in (("ssim_1", 1.0), ("ssim_9", 9.0)):
        expected = le.ssim_loss(x, y, sigma=sigma, kernel_size=31, padding="reflect")
        assert sigma_sensitivity.LOSSES[name](x, y).item() == expected.item()
