"""The model solutions of a chapter, taken from its notebook: what readers see is what the checks are tried on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import nbformat

CHAPTERS = Path(__file__).parents[1] / "chapters"
IMPORTS = """
import math
import torch
import lossedu as le
from lossedu import check, data
from lossedu.filters import correlate, correlate_adjoint, gaussian_window
"""


def solutions(chapter: str, *, but: Sequence[str] = ()) -> SimpleNamespace:
    """Run the cells that begin with "# @title Solution", without their calls of a check, and return their names.

    Those whose title ends with one of `but` are left out: they go on with what the chapter has made.
    """
    (path,) = CHAPTERS.glob(f"{chapter}-*.ipynb")
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    chosen = [source for source in cells if source.startswith("# @title Solution")]
    chosen = [source for source in chosen if not source.splitlines()[0].endswith(tuple(but))]
    lines = [line for source in chosen for line in source.splitlines() if not line.startswith("check.")]
    names: dict[str, object] = {}
    exec(compile(IMPORTS + "\n".join(lines), str(path), "exec"), names)
    return SimpleNamespace(**{name: value for name, value in names.items() if not name.startswith("__")})
