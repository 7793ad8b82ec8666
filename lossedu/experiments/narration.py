"""How far a network at work is, now and then, in one line."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..sweeps import Place


def narrator(
    place: Place, steps: int, *, parts: int = 5, clock: Callable[[], float] = time.perf_counter
) -> Callable[[int, float], None]:
    """Return an ``on_step`` that says `parts` times how far the job is, and how long it will take."""
    began: list[tuple[int, float]] = []  # where this sitting began: a resumed run does not begin at step 0
    every = max(1, steps // parts)

    def on_step(step: int, value: float) -> None:
        if not began:
            began.append((step, clock()))
        elif (step + 1) % every == 0 and step + 1 < steps:
            first, started = began[0]
            left = (clock() - started) / (step - first) * (steps - step - 1)
            place.say(f"step {step + 1} of {steps}, loss {value:.4g}, {left:.0f} s left")

    return on_step
