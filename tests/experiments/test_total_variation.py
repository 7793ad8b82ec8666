"""Total variation over the noise: what each measure means on pictures whose answer is known, and how runs are made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from lossedu import data
from lossedu.experiments import total_variation, tv_network, tv_scenes
from lossedu.experiments.total_variation import DISCS, clean_pictures, denoise, noisy, tuned_weight
from lossedu.sweeps import Place
from lossedu.sweeps.job import check
from lossedu.variational import rof, tikhonov

HERE = Path(__file__).parent


def performed(folder: Path = HERE, **chosen: Any) -> list[dict[str, Any]]:
    entries = []
    for job in total_variation.jobs("smoke", **chosen):
        entry, arrays = total_variation.perform(job, Place(folder / job.name, "cpu", None, lambda line: None))
        assert arrays == {}
        entries.append(json.loads(json.dumps(entry, allow_nan=False)))
    return entries


def test_jobs_are_all_there_and_can_be_chosen() -> None:
    jobs = total_variation.jobs("cpu")
    check(jobs)
    assert len(jobs) == 3 * 2 * 5 + len(DISCS) + 2 * 3
    assert {job.module for job in jobs} == {total_variation.__name__}
    assert len(total_variation.jobs("cpu", seeds=2, tasks=("step",), arms=("tv",))) == 2
    assert {job.options["seed"] for job in total_variation.jobs("cpu", seeds=2, tasks=("network",))} == {0, 1}
    with pytest.raises(ValueError, match="scale must be one of"):
        total_variation.jobs("huge")


# Scenes


def test_rise_of_known_edges() -> None:
    line = tv_scenes.profile(tv_scenes.step(8))
    assert tv_scenes.rise(line) == pytest.approx(0.8)
    sloped = torch.cat([torch.zeros(56), torch.linspace(0, 1, 17), torch.ones(55)]).double()
    assert tv_scenes.rise(sloped) == pytest.approx(0.8 * 16)
    assert tv_scenes.rise(2 + 0.01 * line) == pytest.approx(0.8)
    assert tv_scenes.rise(line.flip(0)) != tv_scenes.rise(line.flip(0))


def test_rise_follows_the_middle_and_not_ripples_far_away() -> None:
    line = tv_scenes.profile(tv_scenes.step(8))
    line[10] = 0.6
    line[100] = 0.4
    assert tv_scenes.rise(line) == pytest.approx(0.8, abs=0.05)


def test_noise_beside_the_step_is_measured_about_each_side() -> None:
    picture = noisy(tv_scenes.step(200), 0.1, "here")
    assert tv_scenes.flat_noise(picture) == pytest.approx(0.1, rel=0.02)
    assert tv_scenes.flat_noise(tv_scenes.step(8)) == 0


def test_stairs_are_the_flat_steps() -> None:
    line = tv_scenes.ramp(4)[0, 0, 0]
    slope = float(line[1] - line[0])
    assert tv_scenes.stairs(line, slope) == 0
    assert tv_scenes.stairs(line[::4].repeat_interleave(4), slope) == pytest.approx(96 / 127)


def test_disc_has_its_area_and_a_rim_without_stairs() -> None:
    found = tv_scenes.disc(15)
    assert found.shape == (1, 1, 60, 60)
    assert float(found.sum()) == pytest.approx(torch.pi * 15**2, rel=2e-3)
    assert set(tv_scenes.disc(15, samples=1).unique().tolist()) == {0, 1}


@pytest.mark.parametrize(("radius", "weight"), [(15, 1.0), (20, 2.0)])
def test_a_disc_loses_what_theory_says(radius: int, weight: float) -> None:
    found = total_variation.contrast_of_a_disc(radius, weight)
    assert found["predicted"] == pytest.approx(2 * weight / radius, abs=1e-6)
    assert found["lost"] == pytest.approx(found["predicted"], rel=0.05)


# Weights


def test_weights_are_tuned_so_that_both_neighbours_are_worse() -> None:
    for arm in total_variation.REGULARISERS:
        best = tuned_weight("step", arm, 0.1, 32, 64)
        clean = clean_pictures("step", 32, 64, tuning=True)
        seen = noisy(clean, 0.1, "step", "tuning")

        def error(weight: float, arm: str = arm, seen: torch.Tensor = seen, clean: torch.Tensor = clean) -> float:
            return float((denoise(arm, seen, weight, tol=1e-4) - clean).square().mean())

        assert error(best) < min(error(best * total_variation.FACTOR), error(best / total_variation.FACTOR))


def test_photographs_for_tuning_are_not_those_that_are_judged() -> None:
    assert not set(total_variation.TUNED_ON) & set(total_variation.JUDGED_ON)
    assert clean_pictures("photographs", 32, 64, tuning=True).shape == (2, 1, 64, 64)
    assert clean_pictures("photographs", 32, 144, tuning=False).shape == (4, 1, 144, 144)
    assert set(total_variation.TUNED_ON + total_variation.JUDGED_ON) <= set(data.PHOTOGRAPHS)


def test_arms_share_the_noise_and_seeds_do_not() -> None:
    clean = tv_scenes.step(8)
    assert torch.equal(noisy(clean, 0.1, "step", 0), noisy(clean, 0.1, "step", 0))
    assert not torch.equal(noisy(clean, 0.1, "step", 0), noisy(clean, 0.1, "step", 1))
    assert not torch.equal(noisy(clean, 0.1, "step", 0), noisy(clean, 0.1, "step", "tuning"))


# Runs


def test_a_step_tells_them_apart() -> None:
    entries = performed(seeds=1, tasks=("step",))
    (tv, squared) = (entry["levels"]["0.1"] for entry in entries)
    assert tv["rise"] < 1.2 < 2 < squared["rise"]
    assert tv["flat"] < squared["flat"] < 0.1
    assert tv["psnr"] > squared["psnr"] + 3
    assert entries == performed(seeds=1, tasks=("step",))


def test_photographs_and_ramps_are_measured() -> None:
    for entry in performed(seeds=1, tasks=("photographs", "ramp")):
        level = entry["levels"]["0.1"]
        assert level["psnr"] > 22
        if entry["task"] == "ramp":
            assert 0 <= level["stairs"] <= 1
        else:
            assert 0.01 < level["flat"] < level["edge"] < 0.2


# Networks


def test_the_regulariser_of_the_loss_is_applied_with_half_its_weight() -> None:
    picture = noisy(tv_scenes.step(16), 0.1, "here").float()
    assert torch.equal(tv_network.applied("l2_squared", picture), tikhonov(picture, 1.0))
    found, wanted = tv_network.applied("l2_tv", picture), rof(picture.double(), 0.02, tol=1e-4).image
    torch.testing.assert_close(found.double(), wanted, atol=1e-6, rtol=0)


def test_agreement_of_a_change_with_itself_and_with_its_half() -> None:
    change = noisy(tv_scenes.step(16), 0.1, "here")
    assert tv_network.agreement(change, change) == {"agreement": 1.0, "strength": 1.0}
    assert tv_network.agreement(0.5 * change, change) == {"agreement": 1.0, "strength": 0.5}
    assert tv_network.agreement(-change, change)["agreement"] == -1


def test_detail_and_variation_are_relative_to_the_clean_picture() -> None:
    y = data.downsample2(data.photograph("rocket"))
    found = tv_network.measured(y, y)
    assert found["detail"] == found["tv"] == 1 and found["flat"] == 0
    faint = tv_network.measured(0.5 + 0.5 * (y - 0.5), y)
    assert faint["detail"] == pytest.approx(0.5, rel=1e-3) and faint["tv"] == pytest.approx(0.5, rel=1e-3)


def test_networks_are_trained_and_compared(tmp_path: Path) -> None:
    (entry,) = performed(tmp_path, tasks=("network",), arms=("l2_tv",))
    assert set(entry) == {"task", "arm", "seed", "plain", "network", "applied", "agreement", "strength"}
    assert entry["applied"]["tv"] < entry["plain"]["tv"]
