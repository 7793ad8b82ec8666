"""Image pairs with values that the authors' programs gave, from the data folder; tests skip where there is none."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from lossedu.data import read_image


def folder(name: str) -> Path:
    """Return a folder of quality-index references, or skip the test."""
    root = os.environ.get("LOSSEDU_DATA")
    if not root:
        pytest.skip("needs the reference images: set LOSSEDU_DATA to the data folder")
    path = Path(root) / "iqa" / name
    if not path.is_dir():
        pytest.skip(f"there is no iqa/{name} in the folder that LOSSEDU_DATA names")
    return path


def image(name: str, file: str) -> Tensor:
    """Return an image (1, 3, H, W) in float64, its 8-bit values divided by 255 in that precision."""
    return (255 * read_image(folder(name) / file)).round().double() / 255


def values(name: str, file: str = "official_values.csv") -> dict[str, dict[str, str]]:
    """Return the rows of a table by their first column."""
    with (folder(name) / file).open(newline="", encoding="utf8") as table:
        rows = list(csv.DictReader(table))
    return {next(iter(row.values())): row for row in rows}


def rounded_grey(x: Tensor) -> Tensor:
    """MATLAB's rgb2gray of an 8-bit image: luma by the inverse of its matrix for YIQ, rounded to 8 bits."""
    to_rgb = torch.tensor([[1, 0.956, 0.621], [1, -0.272, -0.647], [1, -1.106, 1.703]], dtype=torch.float64)
    weights = torch.linalg.inv(to_rgb)[0]
    grey = (255 * x * weights.view(1, 3, 1, 1)).sum(dim=1, keepdim=True)
    return (grey + 0.5).floor() / 255
