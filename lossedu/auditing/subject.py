"""The loss under audit: called so that whatever it does becomes evidence and nothing else."""

from __future__ import annotations

import linecache
import sys
import traceback
import types
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .custody import modules_of, seed_all

_HERE = str(Path(__file__).parent)
_TORCH = str(Path(torch.__file__).parent)

#: In torch's warning that tensors of different shapes were compared.
STRETCHED = "Using a target size"


class LossFailed(Exception):
    """The loss raised, or returned something that is no loss."""

    def __init__(self, message: str, place: str = "", *, returned: str = "") -> None:
        super().__init__(message)
        self.message, self.place, self.returned = message, place, returned

    def __str__(self) -> str:
        return f"{self.message} ({self.place})" if self.place else self.message


def is_foreign(path: str) -> bool:
    """Return whether a file belongs to the loss: neither to torch nor to the audit."""
    return not path.startswith((_HERE, _TORCH, "<frozen"))


def line_of(path: str, line: int) -> str:
    """Return file and line, or cell and line: a notebook calls the file of a cell by the hash of its text."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    named = getattr(getattr(shell, "compile", None), "format_code_name", lambda path: None)(path)
    if named is not None:
        return f"cell {named[1]}, line {line}"
    return f"{path if path.startswith('<') else Path(path).name}:{line}"


def place_of(path: str, line: int, function: str, code: str | None) -> str:
    """Return where something happened, for people."""
    text = f"{line_of(path, line)}, in {function}"
    code = (code or "").strip()
    return text if not code or code.startswith(("raise", "assert")) else f"{text}: {shortened(code, 70)}"


def caller_place(frame: types.FrameType | None) -> str:
    """Return the innermost place of the loss in the stack above `frame`; "" inside a custom autograd function."""
    while frame is not None:
        path, name = frame.f_code.co_filename, frame.f_code.co_name
        if name == "apply" and path.endswith("function.py") and path.startswith(_TORCH):
            return ""
        if is_foreign(path):
            above = frame.f_back
            # A forward of a custom function is called by `apply`: what happens there is its own business.
            while above is not None and is_foreign(above.f_code.co_filename):
                above = above.f_back
            if above is not None and above.f_code.co_name == "apply" and "autograd" in above.f_code.co_filename:
                return ""
            return place_of(path, frame.f_lineno, name, linecache.getline(path, frame.f_lineno))
        frame = frame.f_back
    return ""


def shortened(text: str, width: int) -> str:
    """Return the text in one line of at most `width` characters."""
    text = " ".join(str(text).split())
    return text if len(text) <= width else text[: width - 1] + "…"


class Subject:
    """A loss, called as ``loss(x, y)`` or, when it takes one image, as ``loss(x)``.

    Every call starts from the same random state, gets copies of its images that are no leaves (as a network's output
    is none), and returns one number as a tensor with its graph.
    """

    def __init__(self, loss: Callable[..., Any]) -> None:
        self.loss = loss
        self.takes_pair, self.needs_graph = True, False
        self.warned: dict[str, str] = {}
        self.modules = modules_of(loss)

    def raw(
        self, x: Tensor, y: Tensor, *, seed: int | None = 0, copy: bool = True, mode: Any = None, quiet: bool = False
    ) -> Any:
        """Return whatever the loss returns."""
        if self.needs_graph and not x.requires_grad and x.is_floating_point():
            x = x.detach().requires_grad_()
        if copy:
            x, y = x.clone(), y.clone()
        if seed is not None:
            seed_all(seed)
        try:
            with warnings.catch_warnings(record=True) as caught, mode or nullcontext():
                warnings.simplefilter("always")
                result = self.loss(x, y) if self.takes_pair else self.loss(x)
        except Exception as error:
            raise LossFailed(f"{type(error).__name__}: {shortened(str(error), 300)}", _place(error)) from error
        for warning in [] if quiet else caught:
            # Warnings of one line differ in numbers only: the first will do.
            foreign = is_foreign(warning.filename)
            place = line_of(warning.filename, warning.lineno) if foreign else ""
            text = f"{warning.category.__name__}: {shortened(str(warning.message), 160)}"
            self.warned.setdefault(place or text, f"{text} ({place})" if place else text)
        return result

    def __call__(self, x: Tensor, y: Tensor, **options: Any) -> Tensor:
        """Return the value, shape (), with its graph; several numbers are averaged."""
        result = self.raw(x, y, **options)
        if not isinstance(result, Tensor):
            kind = "None" if result is None else f"a {type(result).__name__}"
            raise LossFailed(f"returned {kind}, not a tensor", returned=type(result).__name__)
        if not result.is_floating_point():
            raise LossFailed(f"returned dtype {result.dtype}, which has no gradient", returned=str(result.dtype))
        if result.numel() == 0:
            raise LossFailed(f"returned an empty tensor of shape {tuple(result.shape)}", returned="empty")
        return result.reshape(()) if result.numel() == 1 else result.mean()

    @property
    def stretched(self) -> str:
        """Torch's warning that tensors of different shapes were compared, or ""."""
        return next((text for text in self.warned.values() if STRETCHED in text), "")

    def value(self, x: Tensor, y: Tensor, **options: Any) -> float:
        """Return the value as a float."""
        return float(self(x, y, **options).detach())

    def gradient(self, x: Tensor, y: Tensor, *, wrt_y: bool = False, **options: Any) -> tuple[float, Tensor | None]:
        """Return the value and its gradient in x (or y); None where the value does not depend on it."""
        x, y = x.detach().clone(), y.detach().clone()
        leaf = (y if wrt_y else x).requires_grad_()
        value = self(x, y, **options)
        if not value.requires_grad:
            return float(value), None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                (gradient,) = torch.autograd.grad(value, leaf, allow_unused=True)
        except Exception as error:
            message = f"{type(error).__name__} in backward: {shortened(str(error), 300)}"
            raise LossFailed(message, _place(error)) from error
        return float(value.detach()), gradient


def _place(error: BaseException) -> str:
    """Return the innermost line of the loss's own code in a traceback."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_foreign(frame.filename)]
    if not frames:
        return ""
    last = frames[-1]
    return place_of(last.filename, last.lineno or 0, last.name, last.line)
