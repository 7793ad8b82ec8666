"""The script of the page "In your own training loop": killed and resumed, shared out, compiled, in half precision."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch

from lossedu import nets

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "examples" / "train.py"
PAGE = ROOT / "chapters" / "training-loop.ipynb"
TINY = ["--steps", "6", "--every", "2", "--batch", "4", "--width", "4"]

# Name -> processes, options.  "resumed" goes on where "killed" ends, and shares its checkpoint.
RUNS: dict[str, tuple[int, list[str]]] = {
    "undisturbed": (2, ["--amp", "float16", "--compile", "none"]),
    "killed": (2, ["--amp", "float16", "--compile", "none"]),
    "resumed": (2, ["--amp", "float16", "--compile", "none"]),
    "alone": (1, ["--amp", "float32", "--compile", "none"]),
    "compiled": (2, ["--amp", "float32", "--compile", "aot_eager"]),
    "bfloat16": (1, ["--amp", "bfloat16", "--compile", "none"]),
}


class Runs:
    """What each run printed, how its processes ended, and its checkpoint."""

    def __init__(self, folder: Path) -> None:
        plan = [
            {
                "processes": processes,
                "arguments": [*TINY, *options, "--checkpoint", str(self.path(folder, name))],
                "dies_at_save": 2 if name == "killed" else 0,
            }
            for name, (processes, options) in RUNS.items()
        ]
        (folder / "plan.json").write_text(json.dumps(plan), "utf8")
        command = [sys.executable, str(ROOT / "tests" / "training_runs.py"), str(SCRIPT)]
        command += [str(folder / "plan.json"), str(folder / "results.json")]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=400)
        assert done.returncode == 0, done.stderr
        found = json.loads((folder / "results.json").read_text("utf8"))
        self.results: dict[str, dict[str, Any]] = dict(zip(RUNS, found, strict=True))
        self.folder = folder

    @staticmethod
    def path(folder: Path, name: str) -> Path:
        return folder / ("killed.pt" if name == "resumed" else f"{name}.pt")

    def state(self, name: str) -> dict[str, Any]:
        assert set(self.results[name]["codes"]) == {0}, self.results[name]["output"]
        return torch.load(self.path(self.folder, name), weights_only=True)

    def reported(self, name: str) -> list[int]:
        """Return the steps that the run reported."""
        return [int(step) for step in re.findall(r"^step (\d+):", self.results[name]["output"], re.MULTILINE)]

    def decibels(self, name: str) -> list[str]:
        return re.findall(r"^step \d+: ([\d.]+) dB", self.results[name]["output"], re.MULTILINE)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("training"))


def flat(state: Any) -> dict[str, Any]:
    """Return all leaves of nested dicts and lists, by their path."""
    if isinstance(state, dict | list):
        items = state.items() if isinstance(state, dict) else enumerate(state)
        return {f"{key}/{path}": leaf for key, value in items for path, leaf in flat(value).items()}
    return {"": state}


def same(a: Any, b: Any) -> bool:
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


def furthest(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> float:
    return max((a[name] - b[name]).abs().max().item() for name in a)


def test_the_killed_run_dies_while_it_saves_and_leaves_its_last_checkpoint(runs: Runs) -> None:
    assert runs.results["killed"]["codes"][0] == -9
    assert runs.reported("killed") == [2, 4]  # it reports, and then saves


def test_a_resumed_run_goes_on_from_the_checkpoint(runs: Runs) -> None:
    assert runs.reported("undisturbed") == [2, 4, 6]
    assert runs.reported("resumed") == [4, 6]


def test_a_resumed_run_ends_bit_for_bit_as_one_that_nobody_disturbed(runs: Runs) -> None:
    expected, found = flat(runs.state("undisturbed")), flat(runs.state("resumed"))
    assert expected.keys() == found.keys()
    assert [path for path in expected if not same(expected[path], found[path])] == []
    assert any(path.startswith("adam/state") for path in expected)
    lines = [runs.results[name]["output"].strip().splitlines()[-1] for name in ("undisturbed", "resumed")]
    assert lines[0] == lines[1]


def test_the_checkpoint_holds_the_plain_network_and_the_state_of_the_scaler(runs: Runs) -> None:
    state = runs.state("resumed")
    assert state["done"] == 6
    assert state["scaler"]["_growth_tracker"] > 0
    nets.RestorationCNN(4, residual=True).load_state_dict(runs.state("compiled")["network"])


def test_two_processes_compiled_are_one_process_that_is_not(runs: Runs) -> None:
    alone, both = runs.state("alone")["network"], runs.state("compiled")["network"]
    torch.manual_seed(0)
    start = nets.RestorationCNN(4, residual=True).state_dict()
    assert furthest(alone, start) > 1e-3, "nothing was learnt, so the comparison means nothing"
    assert furthest(alone, both) < 1e-6


@pytest.mark.parametrize("name", ["undisturbed", "bfloat16"])
def test_half_precision_trains_nearly_as_float32_does(runs: Runs, name: str) -> None:
    assert furthest(runs.state(name)["network"], runs.state("alone")["network"]) > 0, "autocast was off"
    low, full = (float(runs.decibels(each)[-1]) for each in (name, "alone"))
    assert low == pytest.approx(full, abs=0.05)


def test_training_helps_and_every_term_is_reported(runs: Runs) -> None:
    found = re.findall(r"step \d+: ([\d.]+) dB, SSIM pulls (\d+)%", runs.results["alone"]["output"])
    assert len(found) == 3
    assert float(found[0][0]) < float(found[-1][0])
    assert all(50 < int(share) < 100 for _, share in found)


def test_the_page_shows_the_script_as_it_is() -> None:
    cells = nbformat.read(PAGE, as_version=4).cells
    blocks = [b for c in cells if c.cell_type == "markdown" for b in re.findall(r"```python\n(.*?)```", c.source, re.S)]
    assert blocks[0] == SCRIPT.read_text("utf8")


def test_the_script_fits_the_page() -> None:
    lines = SCRIPT.read_text("utf8").splitlines()
    assert [line for line in lines if len(line) > 79] == []
    assert len(lines) <= 120
