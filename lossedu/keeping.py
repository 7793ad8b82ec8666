"""Things that are made once and kept for the next call: windows, maps of weights, banks of filters, networks.

What is kept must not remember in whose call it was made.  A tensor made under ``torch.inference_mode`` can never be
trained through, one made inside ``torch.func.grad`` is a wrapper that dies with the transform, and one made while
``torch.compile`` traces has no values.  All these modes belong to a thread, so that a thread of its own has none.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, Generic, TypeVar

import torch

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])


def made_apart(make: Callable[[], T]) -> T:
    """Return what `make` returns, made outside all modes and transforms of the caller.

    Examples
    --------
    >>> with torch.inference_mode():
    ...     made_apart(lambda: torch.ones(3)).is_inference()
    False
    """
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(make).result()


def called_while_tracing(function: Function) -> Function:
    """Have `torch.compile` call a function, whose result is a constant, where it would trace it: to read a file, say.

    This is what ``torch.compiler.assume_constant_result`` does, but that one imports the whole compiler: seconds.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


class Shelf(Generic[T]):
    """Keeps the last few things that were made, by key.

    Parameters
    ----------
    size : int
        How many are kept; the oldest goes first.

    Examples
    --------
    >>> shelf = Shelf(2)
    >>> shelf.get("a", lambda: 1), shelf.get("a", lambda: 2)
    (1, 1)
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._things: dict[Hashable, T] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._things)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the thing of that name, making it if it is not there.  While a graph is traced nothing is kept."""
        if torch.compiler.is_compiling():
            return make()
        thing = self._things.get(key)
        if thing is None:
            thing = made_apart(make)
            with self._lock:
                while len(self._things) >= self.size:
                    del self._things[next(iter(self._things))]
                self._things[key] = thing
        return thing

    def clear(self) -> None:
        """Give up everything that is kept."""
        self._things.clear()


__all__ = ["Shelf", "called_while_tracing", "made_apart"]
