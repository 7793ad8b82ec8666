"""Each chapter as a reader on a hosted machine meets it: an empty folder, and everything there but the project.

One run serves all the questions: does the first cell install the project, does the chapter get to its end,
do the outputs agree with the stored ones, is nothing left behind, are the bytes the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))

# Seconds for one cell. A chapter takes one minute, so only a cell that hangs gets there, and is then named.
LIMIT = 300

# Loaded by the pytest inside: writes down what each cell put out.
RECORDER = """
import json

def pytest_runtest_teardown(item):
    with open({out!r}, "a", encoding="utf8") as stream:
        print(json.dumps([item.cell_num, item.test_outputs]), file=stream)
"""


class Run(NamedTuple):
    """What came of one chapter."""

    status: int
    report: str
    left: list[str]
    outputs: dict[int, list[dict]]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with every installed package but the project: links, so that nothing is downloaded."""
    home = tmp_path_factory.mktemp("hosted")
    packages = home / "packages"
    packages.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(("lossedu", "__editable__")):
            (packages / entry.name).symlink_to(entry)
    venv.create(home / "env", symlinks=True)
    inside = {"base": str(home / "env"), "platbase": str(home / "env")}
    Path(sysconfig.get_path("purelib", vars=inside), "hosted.pth").write_text(f"{packages}\n", "utf8")
    python = home / "env" / "bin" / "python"
    check = [python, "-c", "import torch, numpy, skimage, lossedu"]
    found = subprocess.run(check, cwd=home, capture_output=True, text=True)
    assert "No module named 'lossedu'" in found.stderr, found.stderr  # and all the others are there
    return python


@pytest.fixture(scope="module", params=CHAPTERS, ids=lambda path: path.stem)
def run(request: pytest.FixtureRequest, python: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder, aside = tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("aside")
    shutil.copy(request.param, folder)
    (aside / "recorder.py").write_text(RECORDER.format(out=str(aside / "outputs")), "utf8")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LOSSEDU_", "PYTEST_"))}
    environment |= {
        "LOSSEDU_SOURCE": f"lossedu[book] @ {wheel.as_uri()}",
        "LOSSEDU_CACHE": str(aside / "cache"),  # nothing that this machine happens to hold
        "PYTHONPATH": str(aside),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PIP_NO_INDEX": "1",  # whatever is not there already is a failure, not a download
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "IPYTHONDIR": str(aside / "ipython"),
        "JUPYTER_CONFIG_DIR": str(aside / "jupyter"),
        "OMP_NUM_THREADS": "1",
    }
    plugins = ["-p", "recorder", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:hypothesispytest"]
    options = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={LIMIT}", "-q"]
    command = [python, "-m", "pytest", *plugins, *options, request.param.name]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=2 * LIMIT)
    recorded = map(json.loads, (aside / "outputs").read_text("utf8").splitlines())
    left = sorted(path.name for path in folder.iterdir() if path.name != request.param.name)
    return Run(done.returncode, done.stdout + done.stderr, left, {number: out or [] for number, out in recorded})


def test_chapter_runs_and_its_outputs_are_the_stored_ones(run: Run) -> None:
    assert run.status == 0, run.report


def test_chapter_leaves_nothing_behind(run: Run) -> None:
    assert run.left == []


def test_chapter_warns_of_nothing(run: Run) -> None:
    said = {number: o["text"] for number, outputs in run.outputs.items() for o in outputs if o.get("name") == "stderr"}
    assert said == {}


def test_bytes_are_the_stored_ones(run: Run, request: pytest.FixtureRequest) -> None:
    """On the machine that made the stored outputs they come out the same to the last byte, figures included."""
    path = request.node.callspec.params["run"]
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    other = [
        number
        for number, cell in enumerate(code)
        if "nbval-ignore-output" not in cell.metadata.get("tags", [])
        and essence(cell.outputs) != essence(run.outputs[number])
    ]
    if other and not os.environ.get("LOSSEDU_SAME_BYTES"):
        pytest.skip(f"{path.stem}: {len(other)} of {len(code)} cells have other bytes on this machine")
    assert other == []


def essence(outputs: list[dict]) -> list:
    """Return what can be compared: streams joined, and the contents that are stored."""
    said = {name: "".join(o["text"] for o in outputs if o.get("name") == name) for name in ("stdout", "stderr")}
    kept = [o["data"] for o in outputs if "data" in o and not any("widget" in kind for kind in o["data"])]
    return [said, [{kind: str(value).strip() for kind, value in data.items()} for data in kept]]
