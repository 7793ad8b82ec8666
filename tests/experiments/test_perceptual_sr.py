"""A network that enlarges, trained with features: what is measured, how the step size is found, and one small run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from trained import needs_weights

from lossedu import PerceptualLoss, l1_loss
from lossedu.experiments import by_hand, enlarging, perceptual_sr, running, two_stages
from lossedu.experiments.two_stages import FACTOR, LIMIT, RATE, rate, walk
from lossedu.metrics import psnr
from lossedu.nets import SubPixelCNN
from lossedu.records import load
from lossedu.storage import DataError
from lossedu.sweeps import Place


def textured(seed: int, side: int = 64) -> Tensor:
    return torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_shrinking_keeps_flat_ground_and_the_mean() -> None:
    flat = torch.full((1, 3, 32, 48), 0.3)
    torch.testing.assert_close(enlarging.shrunk(flat, 4), torch.full((1, 3, 8, 12), 0.3))
    assert enlarging.whole(torch.zeros(1, 3, 35, 49), 4).shape == (1, 3, 32, 48)


def test_a_lattice_shows_at_its_period_and_chance_does_not() -> None:
    noise = torch.randn(1, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    assert enlarging.lattice(noise) == pytest.approx(1, abs=0.3)
    rows = torch.arange(128)
    board = ((rows[:, None] + rows) % 2 * 2.0 - 1).expand(1, 3, -1, -1)
    assert enlarging.lattice(noise + 0.5 * board) > 5
    stripes = (rows % 5 * 1.0).expand(1, 3, 128, -1)  # sixteen is no multiple of five
    assert enlarging.lattice(noise + 0.5 * stripes) < 1.5


def test_brightness_and_detail_of_the_extra_columns() -> None:
    clean = textured(0).float()
    found = dict(zip(enlarging.EXTRA, enlarging.extra(0.5 * clean + 0.1, clean), strict=True))
    assert found["brightness"] == pytest.approx(float((0.1 - 0.5 * clean).mean()), rel=1e-4)
    assert found["detail"] == pytest.approx(0.5, rel=1e-3)
    assert enlarging.columns()[-4:] == list(enlarging.EXTRA)


@pytest.mark.parametrize("best", [-2, 0, 1])
def test_the_walk_finds_the_step_size_whose_neighbours_are_worse(best: int) -> None:
    tried: list[int] = []

    def attempt(power: int) -> tuple[float, Any, list[float]]:
        tried.append(power)
        return abs(power - best) + 1.0, f"network {power}", [power]

    found = walk(attempt)
    assert found is not None
    power, trials, network, history = found
    assert (power, network, history) == (best, f"network {best}", [best])
    assert len(tried) == len(set(tried)) == abs(best) + 3  # nothing twice, and both neighbours
    assert trials[f"{rate(best):g}"] == 1.0 and rate(0) == RATE and rate(1) == pytest.approx(FACTOR * RATE, rel=1e-2)


def test_the_walk_stays_inside_its_limits_and_passes_over_what_diverged() -> None:
    always_more = walk(lambda power: (-float(power), None, []))  # type: ignore[arg-type, return-value]
    assert always_more is not None and always_more[0] == LIMIT
    one_side = walk(lambda power: None if power > 0 else (abs(power) + 1.0, None, []))  # type: ignore[arg-type, return-value]
    assert one_side is not None and one_side[0] == 0 and set(one_side[1]) == {f"{rate(0):g}", f"{rate(-1):g}"}
    assert walk(lambda power: None) is None


def options(arm: str) -> dict[str, Any]:
    job = next(job for job in perceptual_sr.jobs("smoke") if job.options["arm"] == arm)
    return job.options


def place(folder: Path) -> Place:
    return Place(folder, "cpu", None, lambda line: None)


def test_the_weight_gives_the_features_their_share_of_the_gradient(tmp_path: Path) -> None:
    chosen = options("random_early") | {"share": 0.8}
    start = enlarging.new_network(8, 1, 4, seed=0)
    total, (one, weight) = two_stages.balanced(chosen, start, place(tmp_path))
    features = PerceptualLoss("relu2_2", weights="random:0")
    batch_at = two_stages._batches(chosen, place(tmp_path), "compare")
    sizes = np.zeros(2)
    for step in range(two_stages.COMPARED):
        small, clean = batch_at(step)
        for part, loss in enumerate((l1_loss, features)):
            x = start(small).detach().requires_grad_()
            sizes[part] += float(torch.autograd.grad(loss(x, clean), x)[0].norm())
    assert weight * sizes[1] / (sizes[0] + weight * sizes[1]) == pytest.approx(0.8, rel=1e-3) and one == 1.0
    x, y = textured(1).float(), textured(2).float()
    assert float(total(x, y)) == pytest.approx(float(l1_loss(x, y) + weight * features(x, y)), rel=1e-4)


def test_a_run_without_trained_weights(tmp_path: Path) -> None:
    arms = ("l1", "random_early")
    record = running.run("perceptual_sr", "smoke", out=tmp_path, arms=arms, device="cpu", say=lambda line: None)
    entries = {run["arm"]: run for run in record.runs}
    assert set(entries) == {"input", *arms} and record.settings["columns"] == enlarging.columns()
    for arm in arms:
        assert entries[arm]["lr"] in {rate(power) for power in range(-LIMIT, LIMIT + 1)}
        assert f"{entries[arm]['lr']:g}" in entries[arm]["trials"]
        assert record.scores[f"{arm}-0@test"].shape == (1, len(enlarging.columns()))
    network = perceptual_sr.network(record, "random_early")
    assert network(torch.rand(1, 3, 8, 8)).shape == (1, 3, 32, 32)
    with pytest.raises(ValueError, match="arm must be one of 'l1', 'random_early'"):
        perceptual_sr.network(record, "before")
    again = running.run("perceptual_sr", "smoke", out=tmp_path / "two", arms=arms, device="cpu", say=lambda line: None)
    for key, table in record.scores.items():
        np.testing.assert_array_equal(table, again.scores[key])


@needs_weights("vgg16")
def test_before_and_after_look_at_the_same_layer(tmp_path: Path) -> None:
    start = enlarging.new_network(8, 1, 4, seed=0)
    before, after = (two_stages.balanced(options(arm), start, place(tmp_path))[0] for arm in ("before", "after"))
    x, y = textured(3, 32).float(), textured(4, 32).float()
    assert float(before(x, y)) != float(after(x, y))
    assert float(before(y, y)) == float(after(y, y)) == 0


def test_every_arm_begins_at_the_same_network() -> None:
    one, two = (enlarging.new_network(8, 1, 4, seed=5) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    other = enlarging.new_network(8, 1, 4, seed=6)
    assert not torch.equal(one.first.weight, other.first.weight)


def test_bicubic_is_what_an_untrained_network_is_near() -> None:
    clean = [textured(7, 32).float()]
    judge = perceptual_sr.Judge(clean)
    rows = enlarging.judged(None, clean, judge, 4)
    network = SubPixelCNN(8, blocks=1)
    torch.nn.init.zeros_(network.last.weight)
    same = enlarging.judged(network, clean, judge, 4)
    np.testing.assert_allclose(rows, same, rtol=1e-5)
    assert math.isfinite(rows[0, 0])


def test_other_seeds_take_the_step_size_that_seed_0_found() -> None:
    found = {job.name: job.options for job in perceptual_sr.jobs("cpu", seeds=2)}
    for arm in perceptual_sr.ARMS:
        assert ("power" in found[f"{arm}-0"]) == (arm in perceptual_sr.ALIKE)
        assert found[f"{arm}-1"]["power"] == perceptual_sr.TUNED["cpu"][arm]
    for arm, other in perceptual_sr.ALIKE.items():
        assert perceptual_sr.TUNED["cpu"][arm] == perceptual_sr.TUNED["cpu"][other]
    assert not any(job.options["arm"] in perceptual_sr.ALIKE for job in perceptual_sr.jobs("quick"))
    tried: list[int] = []

    def attempt(power: int) -> tuple[float, Any, list[float]]:
        tried.append(power)
        return 2.0, "network", [1.0]

    assert two_stages.only(-1, attempt) == (-1, {f"{rate(-1):g}": 2.0}, "network", [1.0]) and tried == [-1]
    assert two_stages.only(0, lambda power: None) is None


def test_the_step_sizes_are_those_of_the_record() -> None:
    runs = [run for run in load("perceptual_sr-cpu").runs if run["arm"] != "input"]
    for run in runs:
        assert run["lr"] == rate(perceptual_sr.TUNED["cpu"][run["arm"]])
        searched = run["seed"] == 0 and run["arm"] not in perceptual_sr.ALIKE
        assert len(run["trials"]) >= 3 and not run["at_end"] if searched else len(run["trials"]) == 1
        assert min(run["trials"], key=lambda one: run["trials"][one]) == f"{run['lr']:g}"
    assert {(run["arm"], run["seed"]) for run in runs} == {(arm, s) for arm in perceptual_sr.ARMS for s in range(3)}


@needs_weights("vgg16", "alexnet", "lpips", "dists")
def test_the_control_by_hand_is_what_the_kept_networks_give() -> None:
    record = load("perceptual_sr-cpu")
    stored = record.settings["by_hand"]
    assert set(stored) == {*by_hand.TREATMENTS, *perceptual_sr.ARMS}
    networks = {arm: perceptual_sr.network(record, arm) for arm in ("l1", "random")}
    found = by_hand.measure(networks, record.settings["factor"])
    for name, values in found.items():
        for index, value in values.items():
            assert value == pytest.approx(stored[name][index], rel=5e-3), (name, index)


def test_the_control_on_test_photographs_is_of_those_that_have_all_indices() -> None:
    record = load("perceptual_sr-cpu")
    found, columns = record.settings["by_hand_test"], record.settings["columns"]
    assert set(found["means"]) == {*by_hand.TREATMENTS, *perceptual_sr.ARMS}
    for arm in perceptual_sr.ARMS:  # the record has what the network gave before it was kept in half precision
        table = record.scores[f"{arm}-0@test"].astype(np.float64)
        deep = table[np.isfinite(table[:, columns.index("lpips")])]
        assert len(deep) == found["pictures"]
        for index in ("lpips_alexnet", "lpips", "dists"):
            assert found["means"][arm][index] == pytest.approx(deep[:, columns.index(index)].mean(), rel=0.01)


def test_what_is_sharpened_by_hand_has_the_psnr_of_the_record() -> None:
    record = load("perceptual_sr-cpu")
    names = ("photographs", "pictures", "deep_every", "factor")
    try:
        pictures = by_hand.judged_pictures(*(record.settings[name] for name in names))
    except DataError:
        pytest.skip("needs the photographs of BSDS500")
    network, found = perceptual_sr.network(record, "l1"), []
    with torch.no_grad():
        for clean in pictures:
            made = by_hand.treated(network(enlarging.shrunk(clean, record.settings["factor"])), 2.0, 0.0)
            found.append(float(psnr(made.clamp(0, 1), clean)))
    stored = record.settings["by_hand_test"]
    assert len(found) == stored["pictures"]
    assert np.mean(found) == pytest.approx(stored["means"]["sharpened"]["psnr"], abs=0.01)


def test_treatments_do_what_they_say() -> None:
    picture = textured(9, 32).float()
    assert torch.equal(by_hand.treated(picture, 0.0, 0.0), picture)
    noisy = by_hand.treated(picture, 0.0, 0.02) - picture
    assert noisy.std() == pytest.approx(0.02, rel=0.1)
    torch.testing.assert_close(noisy[:, :1].expand(-1, 3, -1, -1), noisy)
    flat = torch.full((1, 3, 16, 16), 0.4)
    torch.testing.assert_close(by_hand.treated(flat, 2.0, 0.0), flat)
    assert by_hand.treated(picture, 2.0, 0.0).std() > picture.std()
    assert [one.shape for one in by_hand.cleans()] == [(1, 3, 128, 128)] * 3


def test_the_small_scales_have_no_control(tmp_path: Path) -> None:
    record = running.run("perceptual_sr", "smoke", out=tmp_path, arms=("l1",), device="cpu", say=lambda line: None)
    assert "by_hand" not in record.settings
