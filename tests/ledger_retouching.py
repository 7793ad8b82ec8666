"""Records on networks that retouch whose differences are known, for the tests of the ledger."""

from __future__ import annotations

from typing import Any

import numpy as np
from ledger_records import PICTURE, seed_factor, wobble

from lossedu.experiments.retouch_losses import ARMS
from lossedu.records import Record

COLUMNS = ["psnr", "de00", "emd"]
POINTS = 33

#: Arm -> what it gains (1) or loses (-1) where the claims hold: dB of PSNR, shares of CIEDE2000 and of EMD.
AHEAD: dict[str, tuple[float, float, float]] = {
    "printed": (1.0, 0.0, 0.0),
    "ssim": (-1.0, 1.0, 0.0),
    "sharp": (0.0, 0.0, 1.0),
}


def retouching(size: float) -> Record:
    """Three seeds of every loss on four pictures: what is claimed is there (1), reversed (-1) or not (0).

    Losses that are ahead are so by 0.5 dB, a fifth of CIEDE2000 or of EMD; the mean tone curve of the printed loss is
    off by a tenth less than that of l2, which is off by 0.1.
    """
    scores: dict[str, np.ndarray] = {}
    runs: list[dict[str, Any]] = [{"job": "moody-input-0", "task": "moody", "arm": "input", "seed": 0}]
    ramp = np.linspace(0, 1, POINTS)
    scores["moody-input-0@curve"] = np.stack([ramp, ramp]).astype(np.float32)
    for task in ("moody", "certain"):
        for arm in ARMS:
            far, off, lost = (size * value for value in AHEAD.get(arm, (0.0, 0.0, 0.0)))
            for seed in range(3):
                base = PICTURE * seed_factor(seed)
                shift = 1 + wobble(seed, 1e-3)
                rows = [20 + base + 0.5 * far * shift, 5 * base * (1 + 0.2 * off * shift)]
                rows.append(0.02 * base * (1 + 0.2 * lost * shift))
                job = f"{task}-{arm}-{seed}"
                runs.append({"job": job, "task": task, "arm": arm, "seed": seed, "ran_away": False})
                for where in ("test", "train"):
                    scores[f"{job}@{where}"] = np.stack(rows, axis=1).astype(np.float32)
                error = 0.1 * shift * (1 - 0.1 * size * (arm == "printed"))
                scores[f"{job}@curve"] = np.stack([ramp + 0.02 + error, ramp - 0.02 + error]).astype(np.float32)
    body = {"columns": COLUMNS, "sets": {"test": list("abcd"), "train": list("efgh")}}
    provenance = {"date": "2026-01-02", "device": "toy CPU", "torch": "2"}
    return Record("retouching", "cpu", body, runs, provenance, "lossedu run retouching", scores=scores)
