"""Run notebooks in place, so that a second run leaves the same bytes.

    python tools/run_notebooks.py chapters                     # all
    python tools/run_notebooks.py chapters/ch03-ssim.ipynb     # one

What would differ between two runs is not stored: times, the metadata of the kernel, and the state of
widgets (it holds random ids, and a page with it loads a script from another host). A widget has to be
executed with its state all the same: without it, `interact` fails in nbclient.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbclient import NotebookClient

WIDGET = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def find(arguments: list[str]) -> list[Path]:
    """Return the notebooks that the arguments (files or folders) stand for, in order."""
    found: list[Path] = []
    for argument in map(Path, arguments):
        inside = sorted(p for p in argument.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
        if not argument.exists() or (argument.is_dir() and not inside):
            raise SystemExit(f"run_notebooks: no notebook at {argument}")
        found += inside if argument.is_dir() else [argument]
    return found


def normalise(notebook: nbformat.NotebookNode) -> None:
    """Drop what differs from run to run, and number the cells from 1."""
    keep = {key: value for key, value in notebook.metadata.items() if key not in (*METADATA, "widgets")}
    notebook.metadata = nbformat.from_dict({**METADATA, **keep})
    for number, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.metadata.pop("execution", None)
        cell.execution_count = number
        cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number


def run(path: Path) -> None:
    """Execute one notebook in its folder and write it back."""
    before = path.stat().st_mtime_ns
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=1800,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # or lines that a slow cell prints are split by the clock
        extra_arguments=["--log-level=ERROR"],  # or each kernel warns that its connection is not encrypted
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    normalise(notebook)
    warned = [c.execution_count for c in notebook.cells for o in c.get("outputs", []) if o.get("name") == "stderr"]
    if path.stat().st_mtime_ns != before:
        raise SystemExit(f"{path}: the file was changed while it ran; nothing is written, run it again")
    nbformat.write(notebook, path)
    if warned:
        raise SystemExit(f"{path}: code cells {warned} wrote to stderr; the book does not build with that")


def main(arguments: list[str]) -> None:
    if not arguments:
        print("usage: run_notebooks.py NOTEBOOK_OR_FOLDER …", file=sys.stderr)
        raise SystemExit(2)
    # The stored outputs are those of one thread: with more, sums change in their last digits.
    os.environ["OMP_NUM_THREADS"] = "1"
    paths = find(arguments)
    with only_weights():
        run_all(paths)


@contextmanager
def only_weights() -> Iterator[None]:
    """Hide the data folder: a chapter must not depend on what one machine happens to hold.

    Trained weights stay.  They are the same bytes wherever they are, verified whenever they are read, and a chapter
    says which it has.
    """
    kept = Path(os.environ.pop("LOSSEDU_DATA", "")) / "weights"
    with tempfile.TemporaryDirectory() as folder:
        if kept.is_absolute() and kept.is_dir():
            (Path(folder) / "weights").symlink_to(kept)
            os.environ["LOSSEDU_DATA"] = folder
        yield


def run_all(paths: list[Path]) -> None:
    for path in paths:
        start = time.perf_counter()
        run(path)
        print(f"{path}: {time.perf_counter() - start:.0f} s, {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
