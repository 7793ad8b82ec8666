"""Records as the trained experiments leave them, with effects that are known, for the tests of the reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lossedu.experiments.arms import ALPHAS
from lossedu.experiments.convergence import ARMS, BRANCHES, MODES
from lossedu.experiments.scoring import COLUMNS
from lossedu.records import Record

SETS = {"test": ["a", "b", "c", "d"], "train": ["e", "f"]}

#: What a middling network has.
USUAL = {
    "mse": 6e-4,
    "psnr": 32.0,
    "l1": 0.016,
    "ssim": 0.9,
    "gmsd": 0.05,
    "slope": 0.99,
    "bias": 0.003,
    "flat_middle": 0.004,
    "edge_width": 1.1,
    "blockiness": 1.2,
    **dict.fromkeys(("ms_ssim", "iw_ssim", "fsim", "fsimc", "chroma"), 0.96),
    **dict.fromkeys(("lpips", "dists"), 0.1),
    **dict.fromkeys(("flat_fine", "flat_coarse", "flat_bias", "ring"), 0.005),
}

#: Pictures and seeds differ by far more than losses do.
PICTURES = np.array([0.7, 1.3, 0.9, 1.1])
SEEDS = (1.0, 1.02, 0.99, 1.01, 0.995)


def record(experiment: str, runs: Sequence[Mapping[str, Any]], tables: Any = None, **settings: Any) -> Record:
    entries = [{"commit": "0" * 12, "rules": "", "ran_away": False, **run} for run in runs]
    body = {"columns": list(COLUMNS), "sets": SETS, "unfinished": [], "steps": 1000, **settings}
    origin = {"date": "2026-01-02", "device": "toy CPU", "torch": "2"}
    return Record(experiment, "cpu", body, entries, origin, "run", scores=tables or {})


def rows(seed: int, effect: Mapping[str, float], where: str = "test") -> np.ndarray:
    """Pictures by columns: a common size for picture and seed, and the effect, as a factor, on top of it."""
    common = PICTURES[: len(SETS[where]), None] * SEEDS[seed]
    factors = np.array([effect.get(column, 1.0) for column in COLUMNS])
    return (np.array([USUAL[column] for column in COLUMNS]) * common * factors).astype(np.float32)


def table1(
    effects: Mapping[str, Mapping[str, float]], *, task: str = "dd", seeds: int = 3, spread: float = 0.001
) -> Record:
    """Runs of the losses in `effects`: factors on the columns, each off by up to `spread` from seed to seed."""
    runs, tables = [], {}
    for place, (arm, effect) in enumerate(effects.items()):
        for seed in range(1 if arm == "input" else seeds):
            job = f"{task}-{arm}-{seed}"
            run: dict[str, Any] = {"job": job, "task": task, "arm": arm, "seed": seed, "lr": 1e-3}
            if 0 <= ALPHAS.get(arm, -1.0) <= 1:
                run["watched"] = watched(ALPHAS[arm], seed)
            runs.append(run)
            # Five losses in a row wobble in orders of their own.
            wobble = 0 if arm == "input" else [-1, 0, 1, -0.5, 0.5][(seed + place) % 5]
            shaken = {column: effect.get(column, 1.0) + spread * wobble for column in COLUMNS}
            for where in SETS:
                tables[f"{job}@{where}"] = rows(0 if arm == "input" else seed, shaken, where)
    return record("table1", runs, tables)


def watched(alpha: float, seed: int) -> list[Any]:
    """Shares that fall over the steps, and that a seed shifts by a hundredth."""
    share = alpha / (alpha + 0.05 * (1 - alpha))
    steps = [(step, share * (1 - 0.3 * step / 1000) + 0.01 * seed * (0 < alpha < 1)) for step in range(50, 1001, 50)]
    return [[step, {"parameters": value, "pixels": value**0.5}] for step, value in steps]


def convergence(
    factors: Mapping[tuple[str, str], float], *, modes: Sequence[str] = tuple(MODES), seeds: int = 3
) -> Record:
    """Runs whose branches end with the error of the trunk times a factor, by (loss, branch)."""
    runs, tables = [], {}
    for mode in modes:
        for arm in ARMS:
            for seed in range(seeds):
                job = f"{mode}-{arm}-{seed}"
                start = {"adam": 1.0, "adam_tuned": 0.95, "sgd": 1.6, "sgd_tuned": 1.3}[mode] * SEEDS[seed]
                trunk = [[s, [6e-4 * start * (1 + 5 * np.exp(-s / 150)), 0.016]] for s in range(50, 1001, 50)]
                curves: dict[str, Any] = {"trunk": trunk}
                for branch in BRANCHES:
                    factor = factors.get((arm, branch), 1.0) * (1 + 0.002 * ((seed + len(branch)) % 3 - 1))
                    last = trunk[-1][1][0]
                    ends = [(s, last * (1 + (factor - 1) * min(1, s / 200))) for s in range(25, 501, 25)]
                    curves[branch] = [[s, [value, 0.016]] for s, value in ends]
                    for where in SETS:
                        tables[f"{job}/{branch}@{where}"] = rows(
                            seed, {"mse": factor if where == "test" else factor**2}, where
                        )
                run = {"job": job, "task": "dd", "arm": arm, "seed": seed, "mode": mode, "curves": curves}
                runs.append({**run, "histories": {}})
    return record("convergence", runs, tables, landscape=landscape(modes, seeds))


def landscape(modes: Sequence[str], seeds: int) -> list[dict[str, Any]]:
    """Lines with a wall of 1 dB, of 2 between two losses, a tenth more with each seed and half a dB more with SGD."""
    ways = np.linspace(0, 1, 11)
    return [
        {"pair": pair, "mode": mode, "seed": seed, "distance": 0.8, "line": list(map(float, line))}
        for mode in modes
        for pair, wall in (("l1-l2", 2.0), ("l2-l2", 1.0), ("l1-l1", 1.0))
        for seed in range(seeds)
        for height in [wall + 0.1 * seed + 0.5 * mode.startswith("sgd")]
        for line in [(5e-4 + 1e-4 * ways) * 10 ** (height * 4 * ways * (1 - ways) / 10)]
    ]


def tuning(best: Mapping[str, int], *, task: str = "dd", away: Sequence[tuple[str, float]] = ()) -> Record:
    """Losses whose validation loss is least at a place of the grid, 6 % more with each place beside it."""
    runs = []
    for arm, place in best.items():
        for optimizer, rates in {"adam": (5e-4, 1e-3, 2e-3, 4e-3, 8e-3), "sgd": (0.01, 0.03, 0.1, 0.3, 1.0)}.items():
            if optimizer == "adam" or arm in ("l2", "l1"):
                for k, lr in enumerate(rates):
                    run = {"job": f"{task}-{arm}-{optimizer}-{lr:g}-0", "task": task, "arm": arm, "seed": 0, "lr": lr}
                    run |= {"optimizer": optimizer, "ran_away": (arm, lr) in away}
                    runs.append({**run, "validation": 0.01 * (1 + 0.06 * abs(k - place) ** 1.5)})
    return record("tuning", runs)


def runaway(
    ends: Mapping[tuple[str, str, int], Sequence[float]], *, away: Sequence[tuple[str, str, int]] = ()
) -> Record:
    """Networks, by condition, loss and seed, whose channels' gains go from 0.9 to where they end."""
    runs = []
    for (condition, arm, seed), gains in ends.items():
        run: dict[str, Any] = {"job": f"{condition}-{arm}-{seed}", "task": condition, "arm": arm, "seed": seed}
        course = [
            [
                step,
                {
                    "gain": [0.9 + (end - 0.9) * step / 1000 for end in gains],
                    "offset": [0, 0, 0],
                    "loss": 0.1,
                    "pull": 1,
                },
            ]
            for step in range(10, 1001, 10)
        ]
        runs.append({**run, "ran_away": (condition, arm, seed) in away, "watched": course})
    return record("runaway", runs)
