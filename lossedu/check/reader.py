"""The reader's side: is it a function, and where in the reader's own code did it fail?"""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import _validate

# Frames in these folders are not the reader's code.
_LIBRARIES = tuple(
    str(Path(folder).resolve())
    for folder in (Path(__file__).parents[1], Path(torch.__file__).parents[1], sysconfig.get_path("stdlib"))
)


def function(name: str, answer: Callable[..., Any], call: str) -> None:
    """Raise `TypeError` unless the answer can be called."""
    if not callable(answer):
        raise TypeError(
            f"{name} must be a function, called as {call}, got {type(answer).__name__}; hand it over without calling it"
        )


def picture(name: str, answer: Tensor) -> None:
    """Raise `TypeError` unless the answer is a tensor of a floating dtype."""
    _validate.tensor(name, answer)


def describe(error: Exception) -> str:
    """Return type and message of an error, and the deepest line of the reader's code that was on the way.

    File names are left out: a notebook gives each cell another one at each run.
    """
    message = " ".join(str(error).split())
    text = (
        f"{type(error).__name__}: {message[:300]}{' …' if len(message) > 300 else ''}"
        if message
        else type(error).__name__
    )
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith(("<frozen", *_LIBRARIES)):
            code = f": {frame.line}" if frame.line else ""
            return f"{text} (line {frame.lineno}, in {frame.name}{code})"
    return text
