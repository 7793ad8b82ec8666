"""Records on colour critics whose differences are known, for the tests of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ledger_records import PICTURE, seed_factor, wobble

from lossedu.records import Record

SETS = {"test": list("abcd"), "averaged": list("abcd")}
PROVENANCE = {"date": "2026-01-02", "device": "toy CPU", "torch": "2"}


def _record(name: str, columns: Sequence[str], runs: list[dict[str, Any]], scores: dict[str, np.ndarray]) -> Record:
    body = {"columns": list(columns), "sets": SETS}
    tables = {key: table.astype(np.float32) for key, table in scores.items()}
    return Record(name, "cpu", body, runs, PROVENANCE, f"lossedu run {name}", scores=tables)


def blur_critics(size: float) -> Record:
    """Five seeds of both critics: at chance after the printed blur, or (size below 0) right in 90 of 100 cases.

    The critic with instance normalisation is a point worse.  Without a blur both are right in 95.
    """
    runs, scores = [], {}
    for task in ("texture", "cast"):
        for blur in ("none", "wespe", "std3", "dped"):
            for arm, less in (("critic", 0.01), ("critic_plain", 0.0)):
                for seed in range(5):
                    told = 0.95 if blur == "none" or task == "cast" else 0.5 + 0.4 * max(0.0, -size)
                    job = f"{task}-{blur}-{arm}-{seed}"
                    runs.append({"job": job, "task": task, "blur": blur, "arm": arm, "seed": seed, "ran_away": False})
                    mean = told - less + wobble(seed, 5e-3)
                    scores[f"{job}@test"] = (mean + np.array([0.02, -0.02, 0.01, -0.01]))[:, None]
    return _record("blur_critics", ["accuracy"], runs, scores)


def color_transfer(size: float) -> Record:
    """Five seeds: the published arm a fifth nearer to the truth than the input, the swapped arm a fifth farther."""
    runs: list[dict[str, Any]] = [{"job": "cast-input-0", "task": "cast", "arm": "input", "seed": 0}]
    base = 0.05 * PICTURE
    scores = {f"cast-input-0@{where}": base[:, None] for where in SETS}
    for arm, side in (("wespe", -1.0), ("swapped", 1.0), ("plain_r1", -2.0)):
        for seed in range(5):
            job = f"cast-{arm}-{seed}"
            runs.append({"job": job, "task": "cast", "arm": arm, "seed": seed, "ran_away": False})
            for where in SETS:
                scores[f"{job}@{where}"] = (base * (1 + 0.2 * side * size + wobble(seed, 5e-3)))[:, None]
    return _record("color_transfer", ["joint"], runs, scores)


def misaligned(size: float, level: float | None = None) -> Record:
    """Three seeds: each pixel of translation costs l2 0.2 dB more than the blurred, which starts level with it.

    With a `level` the blurred is so many decibels above at every translation.
    """
    runs, scores = [], {}
    for shift in (0, 1, 2, 3, 5):
        for arm, slope, above in (("l2", 0.2 * size, 0.0), ("blurred_wespe", 0.0, level or 0.0)):
            for seed in range(3):
                job = f"shift{shift}-{arm}-{seed}"
                runs.append({"job": job, "task": f"shift{shift}", "arm": arm, "seed": seed, "ran_away": False})
                value = 30 + PICTURE + seed_factor(seed) - slope * shift + above + wobble(seed, 1e-3) * (arm == "l2")
                for where in SETS:
                    scores[f"{job}@{where}"] = value[:, None]
    return _record("misaligned", ["psnr"], runs, scores)
