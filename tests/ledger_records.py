"""Records whose differences are known, for the tests of the ledger."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossedu.records import Record

COLUMNS = [
    *("mse", "psnr", "l1", "ssim", "ms_ssim", "iw_ssim", "gmsd", "fsim", "fsimc", "lpips", "dists"),
    *("slope", "bias", "chroma", "flat_fine", "flat_middle", "flat_coarse", "flat_bias", "ring", "edge_width"),
]
SETS = {"test": ["a", "b", "c", "d"], "train": ["e", "f"]}

#: Each picture and each seed is far more different from others than any two losses are.
PICTURE = np.array([1.0, 3.0, 0.5, 2.0])


def seed_factor(seed: int) -> float:
    return [1.0, 1.7, 0.6, 2.2, 1.3][seed]


def wobble(seed: int, size: float) -> float:
    """A deviation that differs from seed to seed and has mean 0 over three of them."""
    return size * [-1.0, 0.0, 1.0, -0.5, 0.5][seed]


def table(testset: str, seed: int, values: dict[str, float]) -> np.ndarray:
    """Rows of pictures: mse and other errors as factors of a common size, indices as offsets, in `values`."""
    n = len(SETS[testset])
    rows = np.zeros((n, len(COLUMNS)))
    for k, column in enumerate(COLUMNS):
        value = values.get(column, 1.0 if column in FACTORS else 0.0)
        base = PICTURE[:n] * seed_factor(seed)
        rows[:, k] = 1e-3 * base * value if column in FACTORS else 30 + base + value
    return rows.astype(np.float32)


FACTORS = ("mse", "l1", "bias", "flat_fine", "flat_middle", "flat_coarse", "ring", "edge_width", "gmsd", "slope")


def record(
    experiment: str, runs: list[dict[str, Any]], *, scale: str = "cpu", settings: dict[str, Any] | None = None
) -> Record:
    """A record of runs, each an entry with `values`: {branch or "": {column: factor or offset}}."""
    entries, scores = [], {}
    for run in runs:
        entry = {"commit": "0" * 12, "rules": "", "ran_away": False, **run}
        values = entry.pop("values", {})
        entry.setdefault("job", "-".join(str(entry[key]) for key in ("task", "mode", "arm", "seed") if key in entry))
        entries.append(entry)
        for branch, numbers in values.items():
            for testset in SETS:
                key = f"{entry['job']}/{branch}@{testset}" if branch else f"{entry['job']}@{testset}"
                scores[key] = table(testset, 0 if entry["arm"] == "input" else entry["seed"], numbers)
    body = {"columns": COLUMNS, "sets": SETS, **(settings or {})}
    provenance = {"date": "2026-01-02", "device": "toy CPU", "torch": "2"}
    return Record(experiment, scale, body, entries, provenance, f"lossedu run {experiment}", scores=scores)


def nets(task: str, arm: str, seeds: int = 3, spread: float = 0.0, **columns: float) -> list[dict[str, Any]]:
    """Runs of one arm: columns as given, each off by a little from seed to seed."""
    return [
        {
            "task": task,
            "arm": arm,
            "seed": seed,
            "values": {"": {name: value + wobble(seed, spread) for name, value in columns.items()}},
        }
        for seed in range(seeds)
    ]


def below(decibels: float) -> float:
    """The factor by which an error lies below another, in decibels."""
    return float(10 ** (-decibels / 10))
