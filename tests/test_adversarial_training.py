"""The loop for two players: whose turn it is, who gets which gradient, and a run that is stopped and goes on."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lossedu.training import Diverged, History, OutOfTime, train_adversarial


class Point(nn.Module):
    """A generator that moves everything by one number."""

    def __init__(self, at: float = 1.0) -> None:
        super().__init__()
        self.at = nn.Parameter(torch.tensor(at))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.at


def batch_at(step: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(step)
    return torch.rand(4, 1, generator=generator), 3 + torch.rand(4, 1, generator=generator)


def players(seed: int = 0) -> tuple[Point, nn.Linear]:
    torch.manual_seed(seed)
    return Point(), nn.Linear(1, 1)


def play(network: nn.Module, critic: nn.Module, steps: int = 6, **options: Any) -> History:
    def generator_terms(output: Tensor, x: Tensor) -> Mapping[str, Tensor]:
        return {"fool": -critic(output).mean(), "small": 0.1 * (output - x).square().mean()}

    def critic_terms(output: Tensor, x: Tensor, real: Tensor) -> Mapping[str, Tensor]:
        assert not output.requires_grad and x.shape == real.shape
        return {"tell": critic(output).mean() - critic(real).mean() + critic.weight.square().sum()}

    return train_adversarial(network, critic, generator_terms, critic_terms, batch_at, steps=steps, lr=0.1, **options)


def test_both_players_take_the_steps_that_adam_would() -> None:
    network, critic = players()
    own, other = copy.deepcopy(network), copy.deepcopy(critic)
    history = play(network, critic, steps=4, critic_lr=0.05, critic_steps=2, betas=(0.4, 0.9))
    first = torch.optim.Adam(own.parameters(), lr=0.1, betas=(0.4, 0.9))
    second = torch.optim.Adam(other.parameters(), lr=0.05, betas=(0.4, 0.9))
    for step in range(4):
        x, real = batch_at(step)
        for _ in range(2):
            second.zero_grad()
            output = own(x).detach()
            (other(output).mean() - other(real).mean() + other.weight.square().sum()).backward()
            second.step()
        first.zero_grad()
        output = own(x)
        value = -other(output).mean() + 0.1 * (output - x).square().mean()
        value.backward()
        first.step()
        assert history[step] == pytest.approx(float(value.detach()), abs=1e-6)
    assert float(network.at.detach()) == pytest.approx(float(own.at.detach()), abs=1e-6)
    torch.testing.assert_close(critic.weight, other.weight)


def test_what_is_watched_are_means_since_the_last_look() -> None:
    network, critic = players()
    seen: list[int] = []
    history = play(network, critic, steps=5, watch=lambda step: seen.append(step) or float(step), watch_every=2)
    assert seen == [2, 4, 5] and [step for step, _ in history.watched] == seen
    for (step, found), steps in zip(history.watched, ((0, 1), (2, 3), (4,)), strict=True):
        total = sum(found["generator"].values())
        assert total == pytest.approx(sum(history[k] for k in steps) / len(steps), abs=1e-6)
        assert set(found) == {"generator", "critic", "seen"} and found["seen"] == step


def test_a_run_that_is_stopped_goes_on_with_the_same_numbers(tmp_path: Path) -> None:
    straight, judge = players()
    average = copy.deepcopy(straight)
    whole = play(straight, judge, steps=7, average=average, decay=0.5, watch_every=3, schedule="cosine")
    again, other = players()
    kept = copy.deepcopy(again)
    options: dict[str, Any] = {"average": kept, "decay": 0.5, "watch_every": 3, "schedule": "cosine"}
    options["checkpoint"] = tmp_path / "run.pt"
    for deadline in (0.0, 0.0, None):  # two of seven steps, one at a time, and then the rest
        if deadline is None:
            found = play(again, other, steps=7, **options)
            continue
        with pytest.raises(OutOfTime):
            play(again, other, steps=7, deadline=deadline, **options)
        again, other = players(1)
        kept = options["average"] = Point(-5.0)
    assert list(found) == list(whole) and found.watched == whole.watched
    assert float(again.at.detach()) == float(straight.at.detach())
    assert torch.equal(other.weight, judge.weight)
    assert float(kept.at) == float(average.at)
    with pytest.raises(ValueError, match=r"of a run with steps=7, got steps=8"):
        play(again, other, steps=8, **options)


def test_the_average_follows_the_weights() -> None:
    network, critic = players()
    average = copy.deepcopy(network)
    play(network, critic, steps=1, average=average, decay=0.75)
    assert float(average.at) == pytest.approx(0.75 * 1.0 + 0.25 * float(network.at.detach()), abs=1e-6)
    assert not average.at.requires_grad


def test_without_a_critic_the_generator_plays_alone() -> None:
    network = Point()
    history = train_adversarial(
        network, nn.ModuleDict(), lambda output, x: {"off": (output - x - 3).square().mean()}, None, batch_at, steps=60,
        lr=0.2, watch_every=60,
    )  # fmt: skip
    assert float(network.at.detach()) == pytest.approx(3, abs=0.1)
    assert set(history.watched[0][1]) == {"generator", "seen"}


def test_a_player_that_is_no_number_is_named_by_its_step() -> None:
    network, critic = players()
    before = float(network.at.detach())
    with pytest.raises(Diverged) as caught:
        train_adversarial(
            network,
            critic,
            lambda output, x: {"bad": output.mean() * math.nan},
            lambda output, x, real: {"ok": critic(real).mean()},
            batch_at,
            steps=3,
        )
    assert caught.value.step == 0 and float(network.at.detach()) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps must be"),
        ({"critic_steps": 0}, "critic_steps must be"),
        ({"critic_lr": -1.0}, "critic_lr must be"),
        ({"decay": 1.5}, "decay must be"),
        ({"schedule": "steep"}, "schedule must be one of"),
    ],
)
def test_wrong_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        play(*players(), **options)


def test_time_that_is_up_leaves_a_state(tmp_path: Path) -> None:
    network, critic = players()
    file = tmp_path / "run.pt"
    with pytest.raises(OutOfTime, match="out of time after step 1 of 6"):
        play(network, critic, checkpoint=file, deadline=time.time() - 1)
    assert file.exists()
