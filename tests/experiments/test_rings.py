"""The scene of which everything plausible is known: its posterior against brute force; and the two rings around it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lossedu.experiments import plausible, rings
from lossedu.sweeps import Place

SIDE = 8


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def test_the_texture_is_stationary_and_as_strong_as_it_says() -> None:
    c = plausible.texture_covariance(SIDE)
    torch.testing.assert_close(c, c.T, rtol=0, atol=1e-15)  # the last digit depends on the machine
    torch.testing.assert_close(c.diagonal(), torch.full((SIDE * SIDE,), plausible.DEVIATION**2, dtype=c.dtype))
    assert torch.linalg.eigvalsh(c).min() > -1e-12
    neighbours = c.view(SIDE, SIDE, SIDE, SIDE)
    assert neighbours[0, 0, 0, 1] == pytest.approx(neighbours[4, 2, 4, 3].item(), rel=1e-12)


def test_texture_is_drawn_from_the_gaussian_posterior(rng: torch.Generator) -> None:
    seen = 0.05 * torch.randn(SIDE, SIDE, generator=rng, dtype=torch.float64)
    draws = torch.stack([plausible.draw_texture_given(seen, rng).flatten() for _ in range(4000)])
    c, n = plausible.texture_covariance(SIDE), SIDE * SIDE
    gain = torch.linalg.solve(c + plausible.noise_variance() * torch.eye(n, dtype=c.dtype), c).T
    covariance = c - gain @ c
    off = (draws.mean(dim=0) - gain @ seen.flatten()) / (covariance.diagonal() / 4000).sqrt()
    assert off.abs().max() < 4.5 and off.square().mean() == pytest.approx(1, abs=0.6)
    assert torch.cov(draws.T).diagonal().mean() == pytest.approx(covariance.diagonal().mean().item(), rel=0.03)


def edges(side: int) -> list[tuple[list[int], float]]:
    """All edges of a small picture, with their chances."""
    count = len(plausible.places(side))
    step = plausible.transition(count)
    found = []
    for path in itertools.product(range(count), repeat=side - 1):
        walk = [count // 2, *path]
        chance = torch.tensor([step[a, b] for a, b in itertools.pairwise(walk)]).prod().item()
        if chance > 0:
            found.append((walk, chance))
    return found


def test_the_edge_is_drawn_from_its_posterior(rng: torch.Generator) -> None:
    side = 4
    columns = plausible.places(side)
    seen = plausible.levels(plausible.draw_edge(side, rng), side)
    seen = seen + 0.05 * torch.randn(side, side, generator=rng, dtype=torch.float64)
    chances = {}
    for walk, chance in edges(side):
        misfit = (seen - plausible.levels(columns[walk], side)).square().sum() / (2 * plausible.noise_variance())
        chances[tuple(columns[walk].tolist())] = chance * torch.exp(-misfit).item()
    total = sum(chances.values())
    draws = [tuple(plausible.draw_edge_given(seen, rng).tolist()) for _ in range(4000)]
    assert set(draws) <= set(chances)
    for edge, chance in chances.items():
        assert draws.count(edge) / 4000 == pytest.approx(chance / total, abs=0.03)


def test_chances_of_a_step_add_up_and_straight_on_is_likeliest() -> None:
    step = plausible.transition(5)
    assert torch.allclose(step.sum(dim=1), torch.ones(5, dtype=step.dtype))
    assert step[2].tolist() == [0, 0.25, 0.5, 0.25, 0]


def test_scenes_and_plausible_scenes_depend_on_the_seed_alone() -> None:
    one, other = plausible.draw_scene(3, side=12), plausible.draw_scene(3, side=12)
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    assert not torch.equal(one.clean, plausible.draw_scene(4, side=12).clean)
    found = plausible.plausible_scenes(one.seen, 2, seed=1)
    assert found.shape == (2, 1, 12, 12) and torch.equal(found, plausible.plausible_scenes(one.seen, 2, seed=1))


def test_the_truth_is_one_of_the_plausible_scenes() -> None:
    """Scenes drawn given the measurement scatter about the truth as about each other: the posterior is calibrated."""
    scene = plausible.draw_scene(1)
    found = plausible.plausible_scenes(scene.seen, 8)[:, 0]
    pairs = [(a - b).square().mean() for a, b in itertools.combinations(found, 2)]
    to_truth = (found - scene.clean).square().mean(dim=(1, 2))
    assert to_truth.mean() == pytest.approx(torch.stack(pairs).mean().item(), rel=0.15)


def test_the_measures_know_a_faint_a_dark_and_a_shifted_picture() -> None:
    scene = plausible.draw_scene(0)
    clean = rings.inside(scene.clean)
    assert rings.measured(clean, scene) == {"contrast": 1.0, "rise": 1.0, "level": 0.0, "error": 0.0}
    faint = rings.measured(0.5 * clean, scene)
    assert (faint["contrast"], faint["rise"]) == (0.5, 0.5)
    dark = rings.measured(clean - 0.02, scene)
    assert dark == {"contrast": 1.0, "rise": 1.0, "level": -0.02, "error": 0.02}
    assert rings.measured(blurred(clean), scene)["rise"] < 0.7


def blurred(x: Tensor) -> Tensor:
    return (x + x.roll(1, -1) + x.roll(-1, -1)) / 3


def test_one_job_of_each_kind(tmp_path: Path) -> None:
    job = next(job for job in rings.jobs("smoke") if job.options["arm"] == "l1")
    entry, tables = rings.perform(job, Place(tmp_path, "cpu", None, print))
    assert set(entry["act"]) == set(entry["network"]) == set(rings.MEASURES)
    assert tables["act"].shape == (plausible.SIDE - 2 * rings.MARGIN,) * 2
