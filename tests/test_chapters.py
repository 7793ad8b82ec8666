"""The limits that keep a chapter readable, and a proof that the comparison of outputs can fail."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text("utf8"))["project"]["urls"]["Repository"]

RAW_MARKUP = re.compile(r"^\s*(:::|```\{|\([\w-]+\)=\s*$)|\{[a-z:-]+\}`", re.MULTILINE)  # directives, targets, roles
HIDDEN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}

pytestmark = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def tags(cell: nbformat.NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def lines(cell: nbformat.NotebookNode) -> int:
    return len(cell.source.strip().splitlines())


def images(cell: nbformat.NotebookNode) -> int:
    return sum(any(kind.startswith("image/") for kind in output.get("data", {})) for output in cell.outputs)


def test_code_cells_are_short(path: Path) -> None:
    shown = [lines(cell) for cell in cells(path, "code") if not tags(cell) & HIDDEN]
    assert max(shown) <= 25
    assert statistics.median(shown) <= 8


def test_every_figure_has_name_caption_and_alternative_text(path: Path) -> None:
    names = []
    for cell in filter(images, cells(path, "code")):
        described = cell.metadata.get("mystnb", {})
        figure, alt = described.get("figure", {}), described.get("image", {}).get("alt", "")
        assert images(cell) == 1, f"one figure a cell, so that each has its own text:\n{cell.source}"
        assert figure.get("name") and figure.get("caption"), f"no name or caption:\n{cell.source}"
        assert len(alt) >= 20, f"no text for those who cannot see the figure:\n{cell.source}"
        assert "plot" not in alt.lower().split()[:3], f"say what is to be seen, not that it is a plot: {alt}"
        names.append(figure["name"])
    assert len(set(names)) == len(names)


def test_code_that_a_reader_sees_fits_the_page(path: Path) -> None:
    for cell in cells(path, "code"):
        if not tags(cell) & HIDDEN:
            assert [line for line in cell.source.splitlines() if len(line) > 79] == []


def test_text_reads_well_without_the_build(path: Path) -> None:
    for cell in cells(path, "markdown"):
        assert not RAW_MARKUP.search(cell.source), f"shown raw on Colab:\n{cell.source}"


#: What every chapter on a loss has, in this order; others may stand between.
SECTIONS = (
    "A feeling for it",
    "The formula, step by step",
    "Twice in code",
    "PRICE: what does it charge?",
    "CHOICE: what does it output when in doubt?",
    "PULL: how does it steer?",
    "The experiment",
    "Failure gallery",
    "Passport",
    "Exercises",
    "Summary",
)


def test_a_chapter_on_a_loss_has_all_sections_in_their_order(path: Path) -> None:
    if not re.match(r"ch(?!00)\d\d-", path.stem):
        return
    found = [line[3:] for cell in cells(path, "markdown") for line in cell.source.splitlines() if line[:3] == "## "]
    names = [name.replace("Passports", "Passport") for name in found]
    assert [name for name in names if name in SECTIONS] == list(SECTIONS)


def told(path: Path) -> list[str]:
    """Everything that a reader reads: the text of a chapter, and the text that its cells display."""
    shown = [output for cell in cells(path, "code") for output in cell.outputs]
    displayed = [output.data["text/markdown"] for output in shown if "text/markdown" in output.get("data", {})]
    return [cell.source for cell in cells(path, "markdown")] + displayed


def test_a_level_in_brackets_is_not_taken_for_an_equation(path: Path) -> None:
    """The build links (0.5) to the equation of chapter 0; elsewhere it is nearly always a grey level."""
    if path.stem.startswith("ch00"):
        return
    for text in told(path):
        assert not re.search(r"(?<!equation )\(0\.\d+\)", text), text


EMPTY_HEADER = re.compile(r"^\|(?:.*\|)?[ \t]*\|.*\n\|[ :|-]+\|[ \t]*$", re.MULTILINE)  # the line above |---|---|


def test_every_column_of_a_table_has_a_header(path: Path) -> None:
    """A screen reader says the header with each cell."""
    assert EMPTY_HEADER.search("| | b |\n|---|---|")
    assert EMPTY_HEADER.search("| a | |\n| :-- | --- |")
    assert not EMPTY_HEADER.search("| a | b |\n|---|---|\n| | 2 |")
    assert [found[0] for text in told(path) for found in EMPTY_HEADER.finditer(text)] == []


def test_first_cell_installs_only_what_is_missing(path: Path) -> None:
    first = cells(path, "code")[0]
    assert 'find_spec("lossedu") is None' in first.source
    assert 'os.environ.get("LOSSEDU_SOURCE"' in first.source
    assert f"lossedu[book] @ git+{REPOSITORY}" in first.source
    assert "nbval-ignore-output" in tags(first)
    assert not re.search(r"pip install\b.*\b(torch|numpy)\b", first.source), "it must leave what is there alone"


def test_stored_notebook_is_complete_and_the_same_after_every_run(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert path.stat().st_size < 1_000_000
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "mystnb"}, "run `make run`"
    assert notebook.metadata.kernelspec.name == "python3"
    for number, cell in enumerate(cells(path, "code"), start=1):
        assert cell.execution_count == number, "not run from top to bottom: run `make run`"
        assert "execution" not in cell.metadata, "times differ from run to run"
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"
            assert not any("widget" in kind for kind in output.get("data", {})), "needs a script from another host"


def test_at_least_three_outputs_are_compared(path: Path) -> None:
    compared = [cell for cell in cells(path, "code") if "nbval-check-output" in tags(cell)]
    assert len(compared) >= 3
    assert all(cell.outputs for cell in compared)


def test_equation_numbers_are_those_of_the_chapter(path: Path) -> None:
    found = re.match(r"ch(\d\d)-", path.stem)
    chapter = str(int(found[1])) if found else "none: only chapters number their equations"
    numbers = [n for cell in cells(path, "markdown") for n in re.findall(r"\\tag\{([^}]*)\}", cell.source)]
    assert [n for n in numbers if n.split(".")[0] != chapter] == []
    assert len(set(numbers)) == len(numbers)


def test_comparison_sees_a_changed_output(path: Path, tmp_path: Path) -> None:
    """A one-cell notebook with the tags of the chapter passes as it is, and fails with one digit changed."""
    cell = nbformat.v4.new_code_cell("print(6 * 7)", metadata={"tags": ["nbval-check-output"]}, execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="42\n")]
    metadata = nbformat.read(path, as_version=4).metadata
    text = nbformat.writes(nbformat.v4.new_notebook(cells=[cell], metadata=metadata))
    (tmp_path / "right.ipynb").write_text(text, "utf8")
    (tmp_path / "wrong.ipynb").write_text(text.replace('"42\\n"', '"43\\n"'), "utf8")
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", "--nbval-lax", "--nbval-current-env", "-q"]
    command = [sys.executable, "-m", "pytest", *options, str(tmp_path)]
    report = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    assert "1 failed, 1 passed" in report, report
