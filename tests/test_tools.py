"""The commands that people type: the Makefile's set-up, a fork's address, renewing outputs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]


def make(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")} | variables
    command = [shutil.which("make") or "make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder to use as PATH: the shell's tools, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "find", "sort", "awk", "touch", "cmp", "mkdir", "printf"):
        (folder / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    return folder


def fake(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_without_a_suitable_python_one_line_names_what_is_missing(programs: Path) -> None:
    fake(programs, "python3", "exit 1")  # as a Python that is too old, or lacks venv, answers
    done = make("--always-make", "--dry-run", ".venv/.ready", PATH=str(programs))
    assert done.returncode != 0
    assert len((done.stdout + done.stderr).strip().splitlines()) == 1
    assert "Python 3.11 or newer with its venv module is missing" in done.stderr


def test_another_python_is_found_when_the_first_is_too_old(programs: Path) -> None:
    fake(programs, "python3", "exit 1")
    fake(programs, "python3.12", f'exec "{sys.executable}" "$@"')
    done = make("--always-make", "--dry-run", ".venv/.ready", PATH=str(programs))
    assert done.returncode == 0, done.stderr
    assert f"{programs}/python3.12 -m venv .venv" in done.stdout


def test_help_lists_every_target() -> None:
    listed = make("help").stdout
    for target in ("book", "test", "run", "lab", "serve", "pdf", "address", "clean"):
        assert f"make {target} " in listed
    assert make().stdout == listed


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    """A repository with the files that spell out the address."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "set_address.py", tmp_path / "tools")
    for name in ("pyproject.toml", "CITATION.cff", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def test_address_changes_everywhere(fork: Path) -> None:
    old = "lossedu/loss-functions-for-image-enhancement"
    command = [sys.executable, fork / "tools" / "set_address.py"]
    subprocess.run([*command, "https://github.com/Somebody/their-book.git"], check=True, capture_output=True)
    pyproject, citation = ((fork / name).read_text("utf8") for name in ("pyproject.toml", "CITATION.cff"))
    assert 'Repository = "https://github.com/Somebody/their-book"' in pyproject
    assert "url: https://somebody.github.io/their-book/" in citation
    assert not [p for p in fork.iterdir() if p.is_file() and p.suffix != ".png" and old in p.read_text("utf8")]
    # Once more with the same address changes nothing.
    again = subprocess.run([*command, "https://github.com/Somebody/their-book"], capture_output=True, text=True)
    assert again.stdout.startswith("0 files changed")


@pytest.mark.parametrize("url", ["", "somebody/their-book", "https://example.org/a/b", "https://github.com/only-owner"])
def test_wrong_address_is_refused(fork: Path, url: str) -> None:
    before = (fork / "pyproject.toml").read_bytes()
    done = subprocess.run([sys.executable, fork / "tools" / "set_address.py", url], capture_output=True, text=True)
    assert done.returncode != 0
    assert "must look like https://github.com/OWNER/NAME" in done.stderr
    assert (fork / "pyproject.toml").read_bytes() == before


def test_renewing_outputs_twice_leaves_the_same_bytes(tmp_path: Path) -> None:
    widget = "from IPython.display import display\nimport ipywidgets\ndisplay(ipywidgets.IntSlider())"
    sources = ["import random\nrandom.seed(0)\nprint(random.random())", widget, "1 + 1"]
    path = tmp_path / "a.ipynb"
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    kernel = {"kernelspec": {"name": "other", "display_name": "Other"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
    command = [sys.executable, ROOT / "tools" / "run_notebooks.py", path]
    stored = []
    for _ in range(2):
        subprocess.run(command, check=True, capture_output=True, text=True)
        stored.append(path.read_bytes())
    assert stored[0] == stored[1]
    notebook = nbformat.reads(stored[0].decode(), as_version=4)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert notebook.cells[1].outputs == [] and "widgets" not in notebook.metadata
    assert notebook.cells[2].outputs[0].data["text/plain"] == "2"


def test_renewing_outputs_says_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, ROOT / "tools" / "run_notebooks.py", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0 and f"no notebook at {tmp_path}" in done.stderr


def test_renewing_outputs_wants_to_be_told_what() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "run_notebooks.py"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("usage:")


def test_renewing_outputs_leaves_a_file_that_was_saved_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    # The notebook plays the author, who saves while it runs.
    save = "import os, pathlib\np = pathlib.Path('a.ipynb')\np.write_text(p.read_text().replace('0.5', '0.75'))"
    cells = [nbformat.v4.new_code_cell(source) for source in (save + "\nos.utime(p, (1, 1))", "0.5")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "run_notebooks.py", path], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0 and "changed while it ran" in done.stderr
    assert "0.75" in path.read_text("utf8")
