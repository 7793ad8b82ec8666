"""Watch a loss at work: where the graph is cut, where numbers stop being finite, which constants it was given."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from .subject import caller_place, is_foreign

#: These keep the graph and pass a gradient of 0 through it.
_FLAT = {"round", "round_", "floor", "floor_", "ceil", "ceil_", "trunc", "trunc_", "fix", "sign", "sgn", "heaviside"}
#: These take an image for its shape alone.
_SHAPE_ONLY = {"zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like", "randint_like"}
_SHAPE_ONLY |= {"new_zeros", "new_ones", "new_full", "new_empty", "new_tensor"}
_TO_NUMBER = {"item", "tolist", "numpy", "__float__", "__int__", "__array__", "__bool__"}
_WHOLE_RANGES = (255, 1023, 4095, 65535)


def _tensors(things: Any) -> Iterator[Tensor]:
    if isinstance(things, Tensor):
        yield things
    elif isinstance(things, list | tuple):
        for thing in things:
            yield from _tensors(thing)
    elif isinstance(things, dict):
        yield from _tensors(list(things.values()))


def _name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", str(function))
    return getattr(getattr(function, "__self__", None), "__name__", name) if name == "__get__" else name


@dataclass(frozen=True)
class Cut:
    """A call behind which the gradient is lost."""

    operation: str
    place: str
    flat: bool = False  # the graph goes on, but its gradient is 0

    def __str__(self) -> str:
        what = f"torch.{self.operation}" if self.operation in ("histc", "bincount") else self.operation
        return f"{what} at {self.place}" if self.place else what


def _cut(name: str, args: Any, kwargs: Any, result: Any) -> str:
    """Return how a call loses the gradient: the name of the operation, or "" if it does not."""
    if not any(tensor.requires_grad for tensor in _tensors([args, kwargs])):
        return ""
    if isinstance(result, Tensor) and not result.requires_grad and name not in _SHAPE_ONLY and result.numel():
        if not torch.is_grad_enabled():
            return f"torch.no_grad() around {name}" if result.is_floating_point() else ""
        if result.is_floating_point():
            return name
        return name if result.dtype != torch.bool and name in ("long", "int", "byte", "to", "short", "argmax") else ""
    return name if name in _TO_NUMBER and name != "__bool__" else ""


class Watch(TorchFunctionMode):
    """Collect `cuts`, and `ranges`: arguments of the loss's functions that hold 255 or another whole range."""

    def __init__(self) -> None:
        super().__init__()
        self.cuts: dict[Cut, None] = {}
        self.ranges: dict[str, float] = {}
        self.raw_convolution: tuple[int, ...] = ()
        self.image: Tensor | None = None

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        name = _name(function)
        flat = name in _FLAT and isinstance(result, Tensor) and result.requires_grad
        if what := name if flat else _cut(name, args, kwargs, result):
            place = caller_place(sys._getframe(1))
            if place:
                self.cuts[Cut(what, place, flat)] = None
        if name.startswith("conv") and self.image is not None and not self.raw_convolution:
            self._look_at_convolution([*args, *kwargs.values()])
        self._look_for_ranges()
        return result

    def _look_at_convolution(self, args: list[Any]) -> None:
        """Note the shape of the weights when the untouched image goes straight into a bank of many filters."""
        if len(args) > 1 and isinstance(args[0], Tensor) and isinstance(args[1], Tensor) and self.image is not None:
            same = args[0].shape == self.image.shape and torch.equal(args[0].detach(), self.image.to(args[0].dtype))
            if same and args[1].shape[0] >= 16 and args[1].shape[1] == self.image.shape[1]:
                self.raw_convolution = tuple(args[1].shape)

    def _look_for_ranges(self) -> None:
        frame: Any = sys._getframe(2)
        while frame is not None:
            code = frame.f_code
            if is_foreign(code.co_filename):
                count = code.co_argcount + code.co_kwonlyargcount
                for name in code.co_varnames[:count]:
                    held = frame.f_locals.get(name)
                    for label, value in [(name, held), *(vars(held).items() if name == "self" else ())]:
                        if type(value) in (int, float) and value in _WHOLE_RANGES:
                            self.ranges[label] = value
            elif code.co_name == "audit":
                return
            frame = frame.f_back


@dataclass
class Nudge(TorchFunctionMode):
    """Change what comes out of one cut by 1 %: does the gradient notice, or only the value?"""

    cut: Cut
    hits: int = field(default=0)

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        if (
            _cut(_name(function), args, kwargs, result) == self.cut.operation
            and caller_place(sys._getframe(1)) == self.cut.place
        ):
            self.hits += 1
            if isinstance(result, float):
                return result * 1.01
            if isinstance(result, Tensor) and result.is_floating_point():
                # Not the same factor everywhere: a histogram is often normalised afterwards.
                ramp = torch.linspace(1.01, 1.03, result.numel(), device=result.device, dtype=result.dtype)
                return result * ramp.view(result.shape)
        return result


class FirstNonFinite(TorchFunctionMode):
    """Find the first call whose result is not finite although all that went in was."""

    def __init__(self) -> None:
        super().__init__()
        self.found = ""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = function(*args, **kwargs)
        if not self.found and isinstance(result, Tensor) and result.is_floating_point():
            finite = all(_finite(tensor) for tensor in _tensors([args, kwargs]))
            if finite and not _finite(result):
                place = caller_place(sys._getframe(1))
                self.found = f"{_name(function)} at {place}" if place else _name(function)
        return result


def _finite(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() or math.isfinite(float(tensor.detach().abs().sum(dtype=torch.float64)))


def graph_nodes(value: Tensor) -> list[Any]:
    """Return every node of the graph behind a value."""
    todo: list[Any] = [value.grad_fn]
    seen: dict[Any, None] = {}
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen[node] = None
            todo += [parent for parent, _ in node.next_functions]
    return list(seen)
