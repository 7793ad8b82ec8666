"""The trained weights, for tests that need them: skipped, with the reason, where they are not at hand."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

# Read once, before a test may change it.
_VALUE = os.environ.get("LOSSEDU_DATA", "")


def folder() -> Path:
    """Return the data folder, or skip."""
    if not _VALUE:
        pytest.skip("needs trained weights: LOSSEDU_DATA is not set")
    return Path(_VALUE)


@functools.cache
def _read(path: Path) -> dict[str, Tensor]:
    return torch.load(path, weights_only=True)


def tensors(name: str) -> dict[str, Tensor]:
    """Return the tensors of a file of $LOSSEDU_DATA/weights, or skip."""
    path = folder() / "weights" / name
    if not path.is_file():
        pytest.skip(f"needs {name} in $LOSSEDU_DATA/weights")
    return _read(path)


def judged(name: str) -> Tensor:
    """Return a picture of $LOSSEDU_DATA/iqa, (1, 3, H, W) in [0, 1], or skip."""
    from PIL import Image

    path = folder() / "iqa" / name
    if not path.is_file():
        pytest.skip(f"needs {name} in $LOSSEDU_DATA/iqa")
    with Image.open(path) as opened:
        return torch.from_numpy(np.array(opened.convert("RGB"))).permute(2, 0, 1)[None].float() / 255


def needs_weights(*names: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test where trained weights, as ``lossedu weights`` calls them, are not at hand."""
    from lossedu.backbones import NAMES, copies

    gone = [name for name in names if not all(any(good for *_, good in copies(item)) for item in NAMES[name])]
    return pytest.mark.skipif(bool(gone), reason=f"needs trained weights: {', '.join(gone)}")
