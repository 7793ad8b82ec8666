"""Figure 9 with draws, controls and photographs: the numbers known from elsewhere, and what each measure means."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pictures import photo

from lossedu import ssim_map
from lossedu.experiments import figure9
from lossedu.experiments.figure9 import CLASSES, DISTANCES, LEVELS, NEAR, SIGMAS, by_distance
from lossedu.sweeps import Place
from lossedu.sweeps.job import check

HERE = Path(__file__).parent


def performed(scale: str, **chosen: Any) -> list[dict[str, Any]]:
    entries = []
    for job in figure9.jobs(scale, **chosen):
        entry, arrays = figure9.perform(job, Place(HERE, "cpu", None, print))
        assert arrays == {}
        entries.append(json.loads(json.dumps(entry, allow_nan=False)))
    return entries


@functools.cache
def steps() -> dict[str, dict[str, Any]]:
    return {entry["arm"]: entry for entry in performed("full", seeds=1, tasks=("step",))}


def test_jobs_are_all_there_and_can_be_chosen() -> None:
    jobs = figure9.jobs("quick")
    check(jobs)
    assert len(jobs) == 2 * 3 * 10 + 3
    assert len(figure9.jobs("full", seeds=4, tasks=("step",), arms=("ssim_9",))) == 4
    assert [job.options["arm"] for job in figure9.jobs("smoke", tasks=("bias",))] == list(LEVELS)
    assert {job.module for job in jobs} == {figure9.__name__}
    with pytest.raises(ValueError, match="scale must be one of 'smoke', 'quick', 'cpu', 'full', got 'huge'"):
        figure9.jobs("huge")


@pytest.mark.parametrize(
    ("arm", "one", "two", "zone"),
    [
        ("ssim_1", [0.43, 0.42, 0.43, 0.41, 0.41, 0.42], 0.30, 4),
        ("ssim_3", [0.96, 0.64, 0.32, 0.31, 0.31, 0.31], 0.27, 12),
        ("ssim_9", [0.98, 0.97, 0.95, 0.90, 0.56, 0.28], 0.27, 38),
    ],
)
def test_the_step_as_measured_independently(arm: str, one: list[float], two: float, zone: int) -> None:
    found = steps()[arm]
    assert DISTANCES == (4, 8, 12, 16, 24, 40)
    assert found["profile_1d"] == pytest.approx(one, abs=0.025)
    assert found["zone_1d"] == found["zone_2d"] == zone
    assert found["far_1d"] == pytest.approx(one[-1], abs=0.015)
    assert found["far_2d"] == pytest.approx(two, abs=0.015)
    assert found["gain_2d"] == pytest.approx(found["near_2d"] - found["far_2d"], abs=2e-6)


def test_near_is_the_mean_from_8_to_16_pixels() -> None:
    found = steps()["ssim_9"]
    inside = found["profile_1d"][1:4]  # at 8, 12 and 16 pixels
    assert min(inside) < found["near_1d"] < max(inside)
    assert found["near_1d"] == pytest.approx(sum(inside) / 3, abs=0.01)
    assert found["near_2d"] > 0.9


def test_the_companion_in_two_dimensions() -> None:
    """White to coarse noise: SSIM_1 .72 to .99, SSIM_9 .69 to .82."""
    small, large = steps()["ssim_1"]["grain"], steps()["ssim_9"]["grain"]
    assert [small[0], small[-1]] == pytest.approx([0.72, 0.99], abs=0.01)
    assert [large[0], large[-1]] == pytest.approx([0.69, 0.82], abs=0.03)
    assert steps()["ssim_1"]["blindness"] > 15 > 3 > steps()["ssim_9"]["blindness"] > 1.2
    for entry in steps().values():
        assert entry["blindness"] == pytest.approx((1 - entry["grain"][0]) / (1 - entry["grain"][-1]), rel=1e-3)


def test_seeds_are_draws_and_the_arms_share_them() -> None:
    first, again = (performed("smoke", seeds=2, tasks=("step",)) for _ in range(2))
    assert first == again
    assert [(entry["arm"], entry["seed"]) for entry in first] == [(arm, seed) for seed in (0, 1) for arm in SIGMAS]
    assert first[0]["near_1d"] != first[3]["near_1d"]
    assert first[0]["near_2d"] != first[3]["near_2d"]
    assert first[0]["grain"] != first[3]["grain"]
    # Far more pixels than draws: what the arms do not share would differ by more.
    assert first[1]["far_2d"] == pytest.approx(first[2]["far_2d"], abs=0.02)


def test_bias_is_dearer_on_the_dark_side() -> None:
    entries = performed("smoke", tasks=("bias",))
    assert [entry["ratio"] for entry in entries] == pytest.approx([6.9, 11, 68], rel=0.03)
    for entry in entries:
        assert entry["deterministic"] is True
        assert entry["ratio"] == pytest.approx(entry["closed_form"], rel=1e-6)
        assert entry["dark"] > entry["bright"] > 0
        low, _, bias = LEVELS[entry["arm"]]
        y = torch.full((1, 1, 40, 40), low, dtype=torch.float64)
        assert entry["dark"] == pytest.approx(1 - ssim_map(y + bias, y).mean().item(), rel=1e-6)


def test_one_edge_seen_from_several_distances() -> None:
    clean = torch.full((1, 1, 96, 128), 0.25)
    clean[..., 64:] = 0.75
    small, large = (by_distance(clean, sigma, noise=0.05, seed=1) for sigma in (1.0, 9.0))
    assert small["pixels"] == large["pixels"]
    # Two columns are the edge, and the slope of a window of sigma 1 is not quiet.
    assert small["pixels"][CLASSES.index(NEAR)] == 2 * 9 * 96
    assert sum(small["pixels"]) < 96 * 126
    assert small["near"] == small["classes"][CLASSES.index(NEAR)]
    assert small["far"] == small["classes"][-1]
    assert large["near"] > 0.9 > 0.4 > large["far"]
    assert abs(small["near"] - small["far"]) < 0.05


def test_photographs_show_what_the_step_shows() -> None:
    entries = {entry["arm"]: entry for entry in performed("smoke", seeds=1, tasks=("photographs",))}
    assert entries.keys() == SIGMAS.keys()
    assert set(entries["ssim_9"]["pictures"]) == {"rocket"}
    small, middle, large = (entries[arm]["pictures"]["rocket"]["classes"] for arm in SIGMAS)
    near = CLASSES.index(NEAR)
    assert large[near] > middle[near] > small[near]
    assert large[near] - small[near] > 0.4
    assert large[near] - large[-1] > 0.3 > abs(small[near] - small[-1])


def test_a_picture_without_edges() -> None:
    found = by_distance(torch.full((1, 3, 64, 64), 0.5), 3.0, noise=0.05, seed=0)
    assert found["near"] is None
    assert found["far"] is not None
    assert found["pixels"][-1] == 64 * 64
    texture = by_distance(photo("brick", 64), 1.0, noise=0.05, seed=0)
    assert len(texture["classes"]) == len(CLASSES)


def test_the_record_says_where_the_numbers_lie() -> None:
    said = figure9.describe(figure9.jobs("smoke")[0].options)
    assert json.loads(json.dumps(said)) == said
    assert said["distances"] == list(DISTANCES)
    assert said["classes"][3] == said["near"] == [8, 16]
