"""The reader's side: what was handed in, and where in the reader's own code did it fail?"""

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


NOT_FINITE = "a division by 0, the square root of a negative number, or 0 times infinity"


def is_plain(answer: Tensor) -> bool:
    """Return whether a tensor holds real numbers, all of them in memory."""
    return not answer.is_complex() and answer.layout is torch.strided and not answer.is_meta


def kind(answer: Any) -> str:
    """Return in words what an answer is."""
    if not isinstance(answer, Tensor):
        return "None" if answer is None else f"an object of type {type(answer).__name__}"
    if is_plain(answer):
        return f"a tensor of shape {tuple(answer.shape)}"
    return f"a {dtype_name(answer.dtype)} tensor, {answer.layout}, on {answer.device.type}".replace("torch.", "")


def no_tensor_hint(answer: Any) -> str:
    """Return why an answer is no tensor."""
    if answer is None:
        return "the function has no return"
    array = type(answer).__module__ == "numpy"
    return "stay in torch from end to end: torch.from_numpy turns an array back" if array else ""


def dtype_name(dtype: torch.dtype) -> str:
    """Return a dtype without the name of the library."""
    return str(dtype).removeprefix("torch.")


def dtype_hint(dtype: torch.dtype) -> str:
    """Return how an answer comes to have this dtype."""
    if dtype == torch.float64:
        return "something in it is float64: a constant tensor, or a window"
    return "something in it is float32 or less and throws digits away: give torch.arange and torch.zeros the dtype of x"
