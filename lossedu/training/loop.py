"""One training loop: seeded, resumable, and honest about divergence."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .. import _validate
from . import checkpoints

Batches = Callable[[int], tuple[Tensor, Tensor]]

#: Steps after which a GPU is asked for its numbers; asking after each would make it wait.
BLOCK = 50


class Diverged(RuntimeError):
    """The loss was no longer finite.  `step` says when."""

    def __init__(self, step: int, value: float) -> None:
        super().__init__(step, value)  # as they came, so that the error survives the way back from another process
        self.step, self.value = step, value

    def __str__(self) -> str:
        return f"training diverged: the loss was {self.value} at step {self.step}; lower lr"


class OutOfTime(RuntimeError):
    """The deadline has passed.  Everything up to `step`, of `steps`, is in the checkpoint."""

    def __init__(self, step: int, steps: int) -> None:
        super().__init__(step, steps)
        self.step, self.steps = step, steps

    def __str__(self) -> str:
        return f"out of time after step {self.step} of {self.steps}; started again, the run goes on from there"


class History(list[float]):
    """The loss at each step; `watched` holds what was seen on the way, as ``[step, what watch returned]``."""

    watched: list[list[Any]]

    def __init__(self, values: Iterable[float] = (), watched: Iterable[list[Any]] = ()) -> None:
        super().__init__(values)
        self.watched = list(watched)


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}

#: The step size at a share (0 to 1) of the way, in units of the first.
SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": lambda way: 0.5 * (1 + math.cos(math.pi * way)),
    "constant": lambda way: 1.0,
    "warm": lambda way: min(1.0, 20 * way) * SCHEDULES["cosine"](way),
}


def train(
    network: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    batch_at: Batches,
    *,
    steps: int,
    lr: float = 2e-3,
    optimizer: str = "adam",
    schedule: str = "cosine",
    precision: str = "float32",
    compiled: bool = False,
    start: dict[str, Any] | None = None,
    checkpoint: str | Path | None = None,
    every: int = 500,
    on_step: Callable[[int, float], None] | None = None,
    watch: Callable[[int], Any] | None = None,
    watch_every: int = 500,
    deadline: float | None = None,
) -> History:
    """Minimise ``loss(network(input), target)``.

    Parameters
    ----------
    network : Module
        Trained in place, on the device where it is.
    loss : callable
        ``loss(x, y)``, a scalar tensor.
    batch_at : callable
        ``batch_at(step)`` returns input and target of a step, on the network's device.  It must depend on the step
        alone: then a run that was stopped and resumed sees what it would have seen.
    steps : int
        Number of steps in all.
    lr : float
        First step size.
    optimizer : {"adam", "sgd"}
        Adam with torch's defaults, or gradient descent with momentum 0.9.
    schedule : {"cosine", "constant", "warm"}
        How the step size goes on: to 0 along half a cosine, or not at all; "warm" is the cosine after a rise from 0
        over the first twentieth of the steps.
    precision : {"float32", "bfloat16"}
        What the network computes in; weights and loss stay in float32.
    compiled : bool
        Run the network through `torch.compile`.
    start : dict, optional
        State of an optimiser of the same kind (the ``"optimiser"`` of a checkpoint) to carry on with; its step size
        is not taken over.  None begins afresh.
    checkpoint : path, optional
        Where the state is kept, every `every` steps and at the end.  If the file is there, the run continues from it;
        on one CPU thread it ends with the same numbers as a run without a stop.
    every : int
        Steps between checkpoints.
    on_step : callable, optional
        ``on_step(step, value)`` after each step, for progress; on a GPU after each block of `BLOCK` steps.
    watch : callable, optional
        ``watch(step)`` after every `watch_every` steps and after the last; what it returns (numbers, or lists and
        dictionaries of them) is kept with the history.
    watch_every : int
        See there.
    deadline : float, optional
        When to stop, in seconds as `time.time` counts them; the state is saved first.

    Returns
    -------
    History
        The loss at each step, a list; ``.watched`` has what `watch` saw.

    Raises
    ------
    Diverged
        If the loss is not finite; on the CPU the network is left as it was before that step, on a GPU, which is asked
        for its numbers once a block, as it was at the end of the block.
    OutOfTime
        If the deadline passed before the last step.
    ValueError
        If an option is out of range, `start` is no state of such an optimiser, or the checkpoint is damaged, or
        belongs to another network or to a run with other settings.
    """
    steps, every, lr = _validate.count("steps", steps), _validate.count("every", every), _validate.positive("lr", lr)
    watch_every = _validate.count("watch_every", watch_every)
    _validate.option("optimizer", optimizer, OPTIMIZERS)
    _validate.option("schedule", schedule, SCHEDULES)
    _validate.option("precision", precision, ("float32", "bfloat16"))
    descent = OPTIMIZERS[optimizer](network.parameters(), lr=lr)
    if start is not None:
        checkpoints.carry_on(descent, start)
    settings: dict[str, Any] = {"steps": steps, "lr": lr, "optimizer": optimizer, "schedule": schedule}
    settings["precision"] = precision
    path = None if checkpoint is None else Path(checkpoint)
    history = History()
    if path is not None and path.exists():
        history = History(*checkpoints.load(path, settings, network, descent))
    device = next(network.parameters()).device
    forward = torch.compile(network) if compiled else network
    values: list[Tensor] = []  # losses of the steps since the device was last asked for numbers

    def settle() -> None:
        """Turn the losses at hand into numbers, and see that they are."""
        for number in torch.stack(values).tolist() if values else ():
            if not math.isfinite(number):
                raise Diverged(len(history), number)
            history.append(number)
            if on_step is not None:
                on_step(len(history) - 1, number)
        values.clear()

    network.train()
    for step in range(len(history), steps):
        for group in descent.param_groups:
            group["lr"] = lr * SCHEDULES[schedule](step / steps)
        damaged, target = batch_at(step)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
            output = forward(damaged)
        value = loss(output, target)
        if device.type == "cpu" and not math.isfinite(number := float(value.detach())):
            raise Diverged(step, number)
        descent.zero_grad(set_to_none=True)
        value.backward()
        descent.step()
        values.append(value.detach())
        done = step + 1
        late = deadline is not None and time.time() >= deadline and done < steps
        saved = path is not None and (done % every == 0 or done == steps or late)
        seen = watch is not None and (done % watch_every == 0 or done == steps)
        if saved or seen or late or done == steps or device.type == "cpu" or len(values) == BLOCK:
            settle()
        if seen and watch is not None:
            network.eval()
            history.watched.append([done, watch(done)])
            network.train()
        if saved and path is not None:
            parts = {"network": network.state_dict(), "optimiser": descent.state_dict()}
            checkpoints.save(
                path, {"settings": settings, "history": list(history), "watched": history.watched, **parts}
            )
        if late:
            raise OutOfTime(done, steps)
    network.eval()
    return history
