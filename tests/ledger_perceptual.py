"""Records on perceptual losses whose differences are known, for the tests of the ledger."""

from __future__ import annotations

from typing import Any

import numpy as np
from ledger_records import PICTURE, seed_factor, wobble

from lossedu.records import Record

COLUMNS = ["psnr", "brightness", "lpips_alexnet"]
PROVENANCE = {"date": "2026-01-02", "device": "toy CPU", "torch": "2"}


def inversion(size: float) -> Record:
    """Inversions of four photographs with three seeds: the first layer is ahead by 0.2 dB, 0.4 with random weights."""
    runs: list[dict[str, Any]] = []
    for arm, gap in (("trained", 0.2 * size), ("random", 0.4 * size)):
        for place, picture in enumerate("abcd"):
            for seed in range(3):
                for layer, ahead in (("relu1_2", gap), ("relu5_3", 0.0)):
                    psnr = 10 + 5 * place + ahead + (wobble(seed, 1.0) if layer == "relu1_2" else 0.0)
                    runs.append({"task": layer, "arm": arm, "picture": picture, "seed": seed, "psnr": psnr})
    return Record("inversion", "cpu", {}, runs, PROVENANCE, "lossedu run inversion")


def features(size: float, *, decibels: float | None = None) -> Record:
    """Active shares of 10 % (size 1), 30 % (0) or 50 % (-1), and VGG losses so many decibels from the squared error."""
    scores, runs = {}, []
    off = (0.0 if size >= 0 else 10.0) if decibels is None else decibels
    for arm in ("trained", "random"):
        scaled = [f"{what} {layer}" for layer in ("relu2_2", "relu5_3") for what in ("loss", "gradient")]
        for task, columns in (("active", ["relu1_1", "relu5_3"]), ("scale", scaled)):
            job = f"{task}-{arm}-0"
            runs.append({"job": job, "task": task, "arm": arm, "seed": 0, "columns": columns})
            small = np.array([-0.5, 0.0, 0.5, 0.0])
            last = 0.3 - 0.2 * size + small / 100 if task == "active" else off + small
            rows = [last + 1, last] if task == "active" else [last + 2, last + 3, last, last + 1]
            scores[f"{job}@test"] = np.stack(rows, axis=1).astype(np.float32)
    return Record("features", "cpu", {}, runs, PROVENANCE, "lossedu run features", scores=scores)


def perceptual_sr(size: float) -> Record:
    """Five seeds of six losses on four pictures: what is claimed is there by 10 % (1), reversed (-1) or not (0)."""
    better, scores, runs = 1 - 0.1 * size, {}, []
    factors = {
        "l1": (1.0, 1.0),
        "before": (better, better),
        "after": (1.0, 1.0),
        "random": (1.0, better),
        "early": (1.0, better),
        "random_early": (1.0, better),
    }
    for arm, (dim, near) in factors.items():
        for seed in range(5):
            base = PICTURE * seed_factor(seed)
            shift = 1 + wobble(seed, 1e-3)
            rows = np.stack([30 + base, 0.01 * dim * shift * base, 0.1 * near * shift * base], axis=1)
            job = f"sr4-{arm}-{seed}"
            runs.append({"job": job, "task": "sr4", "arm": arm, "seed": seed, "ran_away": False})
            scores[f"{job}@test"] = rows.astype(np.float32)
    body = {"columns": COLUMNS, "sets": {"test": list("abcd")}}
    return Record("perceptual_sr", "cpu", body, runs, PROVENANCE, "lossedu run perceptual_sr", scores=scores)
