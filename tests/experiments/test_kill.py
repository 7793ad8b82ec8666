"""kill -9 at any moment, and the run ends with the same bits."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lossedu.experiments import trial
from lossedu.records import load
from lossedu.training import read_checkpoint

SCRIPT = Path(__file__).parents[1] / "killed_runs.py"

#: Name -> experiment, what of it, steps, checkpoint every so many, batches in all.
RUNS: dict[str, tuple[str, dict[str, Any], int, int, int]] = {
    "table1": ("table1", {"tasks": ["dd"], "arms": ["mix"]}, 24, 6, 24),
    # The trunk, and four branches of half its length
    "convergence": ("convergence", {"arms": ["l1"]}, 8, 2, 8 + 4 * 4),
}
PASSING = {"seconds", "finished"}


def deaths(name: str, seed: int) -> list[list[Any]]:
    """Draw when a run is killed: at a step, at a step of what is left, and while it writes a checkpoint."""
    _, _, _, every, batches = RUNS[name]
    rng = random.Random(f"{name} {seed}")
    first = rng.randint(2, batches - 1)
    return [["step", first], ["step", rng.randint(1, every)], ["save", 1]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder, plan = tmp_path_factory.mktemp("killed"), []
    for name, (experiment, options, steps, _, _) in RUNS.items():
        for kind, ends in (("straight", []), ("killed", deaths(name, 0))):
            run = {"experiment": experiment, "options": options, "steps": steps, "out": str(folder / name / kind)}
            plan.append(run | {"deaths": ends})
    (folder / "plan.json").write_text(json.dumps(plan), "utf8")
    command = [sys.executable, str(SCRIPT), str(folder / "plan.json"), str(folder / "results.json")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    codes = json.loads((folder / "results.json").read_text("utf8"))
    names = [Path(run["out"]).relative_to(folder).as_posix() for run in plan]
    return {"folder": folder, "codes": dict(zip(names, codes, strict=True)), "said": done.stdout + done.stderr}


def flattened(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for key, part in value.items() for k, v in flattened(part, f"{name}/{key}").items()}
    if isinstance(value, list):
        return {k: v for key, part in enumerate(value) for k, v in flattened(part, f"{name}/{key}").items()}
    return {name: value}


@pytest.mark.parametrize("name", RUNS)
def test_a_killed_run_ends_with_the_same_bits(name: str, runs: dict[str, Any]) -> None:
    straight, killed = (runs["folder"] / name / kind for kind in ("straight", "killed"))
    assert runs["codes"][f"{name}/straight"] == [0], runs["said"]
    assert runs["codes"][f"{name}/killed"] == [-9, -9, -9, 0], runs["said"]
    assert "goes on after" in runs["said"]

    checkpoints = sorted(path.relative_to(straight) for path in straight.rglob("*.pt"))
    assert len(checkpoints) == (1 if name == "table1" else 5)
    for path in checkpoints:
        a, b = (flattened(read_checkpoint(root / path)) for root in (straight, killed))
        assert a.keys() == b.keys()
        for key, value in a.items():
            if isinstance(value, torch.Tensor):
                assert torch.equal(value, b[key]), f"{path}: {key}"
            else:
                assert value == b[key], f"{path}: {key}"

    records = [load(f"{name}-smoke", root) for root in (straight, killed)]
    entries = [[{k: v for k, v in run.items() if k not in PASSING} for run in record.runs] for record in records]
    assert entries[0] == entries[1]
    assert records[0].settings == records[1].settings and records[0].command == records[1].command
    assert records[0].scores.keys() == records[1].scores.keys() and records[0].scores
    for key in records[0].scores:
        np.testing.assert_array_equal(records[0].scores[key], records[1].scores[key])


def test_the_network_did_learn(runs: dict[str, Any]) -> None:
    """Or else equal bits would say little."""
    folder = runs["folder"] / "table1" / "straight" / "jobs" / "dd-mix-0"
    options = json.loads((folder / "options.json").read_text("utf8"))["options"]
    first, last = trial.new_network(options), trial.network_of(folder, options)
    assert all(not torch.equal(a, b) for a, b in zip(first.parameters(), last.parameters(), strict=True))
