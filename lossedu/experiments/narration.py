"""How far a network at work is, now and then, in one line."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..sweeps import Place


class Narrator:
    """Says `parts` times how far the job is, and how long it will take; `on_step` goes to `training.train`."""

    def __init__(
        self, place: Place, steps: int, *, parts: int = 5, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.place, self.steps, self.clock = place, steps, clock
        self.every = max(1, steps // parts)
        # Where this sitting began, and where it is: a resumed run does not begin at step 0.
        self.first: tuple[int, float] | None = None
        self.last: tuple[int, float] | None = None

    def on_step(self, step: int, value: float) -> None:
        """Take note of a step and its loss."""
        self.last = (step, self.clock())
        if self.first is None:
            self.first = self.last
        elif (step + 1) % self.every == 0 and step + 1 < self.steps:
            left = (self.steps - step - 1) / self.rate
            self.place.say(f"step {step + 1} of {self.steps}, loss {value:.4g}, {left:.0f} s left")

    @property
    def rate(self) -> float:
        """Steps a second since this sitting began, 0 before there are two."""
        if self.first is None or self.last is None or self.last[0] == self.first[0]:
            return 0.0
        return (self.last[0] - self.first[0]) / max(1e-9, self.last[1] - self.first[1])
