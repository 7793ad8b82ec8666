"""The model solutions of a chapter, taken from its notebook: what readers see is what the checks are tried on."""

from __future__ import annotations

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


def solutions(chapter: str) -> SimpleNamespace:
    """Run the cells that begin with "# @title Solution", without their calls of a check, and return their names."""
    (path,) = CHAPTERS.glob(f"{chapter}-*.ipynb")
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    chosen = [source for source in cells if source.startswith("# @title Solution")]
    lines = [line for source in chosen for line in source.splitlines() if not line.startswith("check.")]
    names: dict[str, object] = {}
    exec(compile(IMPORTS + "\n".join(lines), str(path), "exec"), names)
    return SimpleNamespace(**{name: value for name, value in names.items() if not name.startswith("__")})
