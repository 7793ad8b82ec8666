"""Two players: a generator and its critics, trained in turns; seeded, resumable, and honest about divergence."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .. import _validate
from . import checkpoints
from .loop import SCHEDULES, Batches, Diverged, History, OutOfTime

#: ``terms(...)`` of a player: name -> what is added up, weighted already.
Terms = Mapping[str, Tensor]


class _Both:
    """Two optimisers that are kept and loaded as one."""

    def __init__(self, *optimisers: torch.optim.Optimizer) -> None:
        self.optimisers = optimisers

    def state_dict(self) -> dict[str, Any]:
        return {str(number): one.state_dict() for number, one in enumerate(self.optimisers)}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        for number, one in enumerate(self.optimisers):
            one.load_state_dict(state[str(number)])


def train_adversarial(
    generator: nn.Module,
    critic: nn.Module,
    generator_terms: Callable[[Tensor, Tensor], Terms],
    critic_terms: Callable[[Tensor, Tensor, Tensor], Terms] | None,
    batch_at: Batches,
    *,
    steps: int,
    lr: float = 5e-4,
    critic_lr: float | None = None,
    critic_steps: int = 1,
    betas: tuple[float, float] = (0.5, 0.99),
    average: nn.Module | None = None,
    decay: float = 0.99,
    schedule: str = "constant",
    checkpoint: str | Path | None = None,
    every: int = 500,
    watch: Callable[[int], Any] | None = None,
    watch_every: int = 500,
    deadline: float | None = None,
) -> History:
    """Let a generator and its critics take turns, each with Adam: first the critics, then the generator.

    Parameters
    ----------
    generator : Module
        Trained in place, on the device where it is.
    critic : Module
        Everything that learns to judge, as one module: an `nn.ModuleDict` of several, say.
    generator_terms : callable
        ``generator_terms(output, x)`` returns the terms of the generator's loss by name, weighted; their sum is
        minimised.  No gradient of it reaches the critic.
    critic_terms : callable or None
        ``critic_terms(output, x, real)`` returns those of the critic's loss; `output` comes without a graph.
        None for a generator without a critic, which may be an empty module.
    batch_at : callable
        ``batch_at(step)`` returns the inputs of the generator and real pictures.  It must depend on the step alone.
    steps : int
        Turns of the generator.
    lr, critic_lr : float
        Step sizes; that of the critic is `lr` if not given.
    critic_steps : int
        Turns of the critic before each of the generator, all on the batch of that step.
    betas : (float, float)
        Of Adam, for both; the first is lower than usual, as is common for two players.
    average : Module, optional
        A copy of the generator, whose weights become the moving average of the generator's.
    decay : float
        Share of the average that stays at each step, 0 to 1.
    schedule, checkpoint, every, watch, watch_every, deadline
        As for `train`; both step sizes follow the schedule.

    Returns
    -------
    History
        The generator's loss at each step.  ``.watched`` has one entry after every `watch_every` steps and after the
        last: the terms of both players as means over the steps since the entry before, under "generator" and "critic",
        and under "seen" what `watch` returned.

    Raises
    ------
    Diverged
        If the loss of one player is not finite; the generator is as it was before that step.
    OutOfTime
        If the deadline passed before the last step.
    ValueError
        If an option is out of range, or the checkpoint is damaged or of another run.
    """
    steps, every = _validate.count("steps", steps), _validate.count("every", every)
    watch_every, critic_steps = (
        _validate.count("watch_every", watch_every),
        _validate.count("critic_steps", critic_steps),
    )
    sizes = [_validate.positive("lr", lr), _validate.positive("critic_lr", lr if critic_lr is None else critic_lr)]
    _validate.option("schedule", schedule, SCHEDULES)
    _validate.in_range("decay", decay, 0, 1)
    players = nn.ModuleDict({"generator": generator, "critic": critic})
    if average is not None:
        players["average"] = average.requires_grad_(False)
    descents = [
        torch.optim.Adam(player.parameters(), lr=size, betas=betas)
        for player, size in zip((generator, critic), sizes, strict=True)
        if player is generator or critic_terms is not None
    ]
    both = _Both(*descents)
    settings: dict[str, Any] = {"steps": steps, "lr": sizes[0], "critic_lr": sizes[1], "critic_steps": critic_steps}
    settings |= {"betas": list(betas), "schedule": schedule, "watch_every": watch_every, "decay": decay}
    path = None if checkpoint is None else Path(checkpoint)
    history, sums = History(), _Sums()
    if path is not None and path.exists():
        values, watched = checkpoints.load(path, settings, players, both)
        sums.entries = watched.pop()[0]  # the sums at hand travel as a last entry
        history = History(values, watched)
    players.train()
    for step in range(len(history), steps):
        for descent, size in zip(descents, sizes, strict=False):  # without a critic there is one
            for group in descent.param_groups:
                group["lr"] = size * SCHEDULES[schedule](step / steps)
        x, real = batch_at(step)
        output = generator(x)
        for _ in range(critic_steps if critic_terms is not None else 0):
            assert critic_terms is not None
            _turn(descents[1], critic_terms(output.detach(), x, real), step, "critic", sums)
        value = _turn(descents[0], generator_terms(output, x), step, "generator", sums)
        history.append(value)
        if average is not None:
            for own, new in zip(average.parameters(), generator.parameters(), strict=True):
                own.lerp_(new.detach(), 1 - decay)
        done = step + 1
        late = deadline is not None and time.time() >= deadline and done < steps
        if done % watch_every == 0 or done == steps:
            players.eval()
            history.watched.append([done, {**sums.means(), "seen": None if watch is None else watch(done)}])
            players.train()
        if path is not None and (done % every == 0 or done == steps or late):
            state = {"network": players.state_dict(), "optimiser": both.state_dict()}
            kept = [*history.watched, [sums.entries]]
            checkpoints.save(path, {"settings": settings, "history": list(history), "watched": kept, **state})
        if late:
            raise OutOfTime(done, steps)
    players.eval()
    return history


class _Sums:
    """Terms of both players, added up since they were last told."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, list[float]]] = {}

    def add(self, player: str, terms: Mapping[str, float]) -> None:
        own = self.entries.setdefault(player, {})
        for name, value in terms.items():
            total, count = own.get(name, [0.0, 0])
            own[name] = [total + value, count + 1]

    def means(self) -> dict[str, dict[str, float]]:
        found = {
            player: {name: total / count for name, (total, count) in own.items()}
            for player, own in self.entries.items()
        }
        self.entries = {}
        return found


def _turn(descent: torch.optim.Optimizer, terms: Terms, step: int, player: str, sums: _Sums) -> float:
    total = torch.stack(list(terms.values())).sum()
    number = float(total.detach())
    if not math.isfinite(number):
        raise Diverged(step, number)
    descent.zero_grad(set_to_none=True)
    total.backward()
    descent.step()
    sums.add(player, {name: float(value.detach()) for name, value in terms.items()})
    return number


__all__ = ["train_adversarial"]
