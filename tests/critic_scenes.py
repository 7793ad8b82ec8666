"""Made-up accuracies for the tests of the explorable on blurred critics."""

from __future__ import annotations

import math

DEVIATIONS = (0.0, 1.73, 3.0, 4.34, 6.0, 9.0, 13.0)
#: How wide a blur each judge bears, and how much of that each task.
_JUDGES = {"critic": 3.0, "critic_plain": 4.0, "spectrum": 9.0, "spectrum_8bit": 5.0}
_TASKS = {"texture": 1.0, "grain": 1.4, "cast": 20.0, "tint": 30.0}


def _rows(width: float, count: int, seeds: bool) -> list[tuple[float, float, float, float]]:
    means = [0.5 + 0.48 * math.exp(-((sd / width) ** 2)) for sd in DEVIATIONS[:count]]
    spans = [(mean - 0.03, min(1.0, mean + 0.02)) if seeds else (math.nan, math.nan) for mean in means]
    return [(sd, mean, *span) for sd, mean, span in zip(DEVIATIONS, means, spans, strict=False)]


#: Grain and tint only up to 4.34 pixels, and the spectrum's grain with one seed: no interval.
MADE_UP = {
    (judge, task): _rows(
        0.6 if (judge, task) == ("critic", "tint") else wide * factor,
        len(DEVIATIONS) if task in ("texture", "cast") else 4,
        (judge, task) != ("spectrum", "grain"),
    )
    for judge, wide in _JUDGES.items()
    for task, factor in _TASKS.items()
}
