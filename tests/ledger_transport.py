"""Records of the experiment `tone_fit` whose differences are known, for the tests of the ledger and of the reports."""

from __future__ import annotations

from typing import Any

import numpy as np
from ledger_records import wobble

from lossedu.experiments.tone_curves import CONDITIONS
from lossedu.experiments.tone_fit import FIT_COLUMNS, STEP_COLUMNS
from lossedu.experiments.tone_gradients import COLUMNS, READINGS
from lossedu.experiments.tone_steps import SPEED_ARMS, STARTS
from lossedu.records import Record

PROVENANCE = {"date": "2026-01-02", "device": "toy CPU", "torch": "2"}
PICTURES = 5


def tone_fit(size: float) -> Record:
    """Five photographs: plain kernels are off by 2 steps more, bin-wise losses need 1.6 times the steps, for size 1.

    Without a lift there is no difference in any record.
    """
    runs: list[dict[str, Any]] = []
    scores: dict[str, np.ndarray] = {}
    small = np.array([wobble(place, 1e-2) for place in range(PICTURES)])

    def add(task: str, arm: str, columns: tuple[str, ...], table: np.ndarray, **more: Any) -> None:
        job = f"{task}-{arm}-0"
        entry = {"job": job, "task": task, "arm": arm, "seed": 0, "columns": list(columns), "commit": "0" * 12}
        runs.append(entry | more)
        scores[f"{job}@test"] = table.astype(np.float32)

    for task, condition in CONDITIONS.items():
        for arm in condition.arms:
            excess = 2 * size if arm in ("plain", "printed") and condition.lift else 0.0
            error = 3 + np.arange(PICTURES) / 10 + excess + (small if arm == "plain" else 0)
            gamma = condition.truth + 0.1 * excess + 0 * small
            add(task, arm, FIT_COLUMNS, np.stack([gamma, gamma, 0 * gamma, error], axis=1), black=condition.black)
    for task in STARTS:
        for arm in SPEED_ARMS:
            steps = 100 * (1.6 ** (0 if arm.startswith("cdf") else size)) * (1 + small * (not arm.startswith("cdf")))
            table = np.stack([0 * steps + 0.2, steps, 2 * steps, 0 * steps + 0.001], axis=1)
            more = {"lr": 0.1, "tuning": {"0.1": 100.0}, "missed": 0, "course": [1.0, 0.5, 0.05]}
            add(task, arm, STEP_COLUMNS, table, **more)
    for reading in READINGS:
        add("gradient", reading, COLUMNS, np.tile([0.5, 0.25, -200.0, 259.0, 245.0] * 2, (PICTURES, 1)))
    conditions = {name: one._asdict() | {"arms": list(one.arms)} for name, one in CONDITIONS.items()}
    names = {key: list("abcde") for key in ("fits", "steps", "tuning")}
    body = {"conditions": conditions, "pictures_of": names, "rates": [0.1], "steps": 2}
    return Record("tone_fit", "cpu", body, runs, PROVENANCE, "lossedu run tone_fit", scores=scores)
