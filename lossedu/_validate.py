"""The one place that checks input.

Every message names the argument, says what came and what would be accepted.  No check reads a
pixel value: that would stall a GPU at every call and break ``torch.compile(fullgraph=True)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any

import torch
from torch import Tensor

REDUCTIONS = ("mean", "sum", "none")
#: 8-bit floats are floating to torch, which cannot compute with them.
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def tensor(name: str, value: Tensor) -> None:
    """Raise `TypeError` unless `value` is a real floating-point tensor."""
    if not isinstance(value, Tensor):
        hint = "; torch.from_numpy makes one" if type(value).__name__ == "ndarray" else ""
        raise TypeError(f"{name} must be a torch.Tensor of floating dtype, got {type(value).__name__}{hint}")
    if value.dtype not in DTYPES:
        complex_hint = f"take {name}.abs() or its real part"
        hint = f"convert 8-bit images with {name}.float() / 255 and keep data_range=1.0"
        raise TypeError(
            f"{name} must have a floating dtype (float16, bfloat16, float32 or float64), got {value.dtype}; "
            f"{complex_hint if value.dtype.is_complex else hint}"
        )


def image(name: str, value: Tensor) -> None:
    """Raise unless `value` is a non-empty floating tensor of shape (N, C, H, W)."""
    tensor(name, value)
    if value.ndim != 4:
        raise ValueError(f"{name} must have shape (N, C, H, W), got {tuple(value.shape)}")
    if value.numel() == 0:
        raise ValueError(f"{name} must not be empty, got shape {tuple(value.shape)}; every axis needs at least 1")


def numbers(name: str, value: Any) -> Tensor:
    """Return a sequence of real numbers as a tensor without a graph, or raise `ValueError`."""
    try:
        found = torch.as_tensor(value).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} must be a sequence of numbers, got {value!r}") from error
    if found.is_complex():
        raise ValueError(f"{name} must be real numbers, got {value!r}")
    return found


def working_dtype(*values: Tensor) -> torch.dtype:
    """Return the dtype to compute in: the promoted dtype, and never less than float32."""
    dtype = torch.float32
    for value in values:
        dtype = torch.promote_types(dtype, value.dtype)
    return dtype


def images(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Check the pair and return both in the working dtype.

    Raises
    ------
    TypeError
        If one is no tensor or has an integer, bool or complex dtype.
    ValueError
        If one is not (N, C, H, W), or if shapes or devices differ.  Nothing is broadcast:
        a (N, 1, H, W) output against a (N, 3, H, W) target is nearly always a mistake.
    """
    image("x", x)
    image("y", y)
    if x.shape != y.shape:
        raise ValueError(f"x and y must have the same shape (N, C, H, W), got {tuple(x.shape)} and {tuple(y.shape)}")
    if x.device != y.device:
        raise ValueError(f"x and y must be on the same device, got {x.device} and {y.device}")
    dtype = working_dtype(x, y)
    return x.to(dtype), y.to(dtype)


def positive(name: str, value: float) -> float:
    """Return `value` as a float, or raise `ValueError` unless it is a finite number above 0."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"{name} must be a number above 0, got {value!r}")
    number = float(value)
    if not 0.0 < number < float("inf"):
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")
    return number


def in_range(name: str, value: float, low: float, high: float) -> float:
    """Return `value` as a float, or raise `ValueError` unless it lies in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= high:
        raise ValueError(f"{name} must be a number from {low:g} to {high:g}, got {value!r}")
    return float(value)


def count(name: str, value: int) -> int:
    """Return `value` as an int, or raise `ValueError` unless it is an integer of at least 1."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")
    return int(value)


def integer(name: str, value: int) -> int:
    """Return `value` as an int, or raise `TypeError` unless it is an integer (numpy's are)."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    return int(value)


def odd(name: str, value: int) -> int:
    """Return `value` as an int, or raise `ValueError` unless it is a positive odd integer."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1 or value % 2 == 0:
        raise ValueError(f"{name} must be a positive odd integer (the window needs a centre), got {value!r}")
    return int(value)


def option(name: str, value: str, choices: Iterable[str]) -> None:
    """Raise `ValueError` unless `value` is one of `choices`."""
    known = tuple(choices)
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {value!r}")


def function(name: str, value: Callable[..., Any]) -> None:
    """Raise `TypeError` unless `value` can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be a function or module, called as {name}(x, y), got {type(value).__name__}")


def one_number(name: str, value: Tensor) -> Tensor:
    """Return what the function `name` returned, as shape (), or raise `ValueError` unless it is one number."""
    if not isinstance(value, Tensor) or value.numel() != 1:
        came = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"{name} must return a tensor with one number, got {came}")
    return value.reshape(())


def window_fits(
    name: str, value: Tensor, kernel_size: int, padding: str, smaller: str = ", a smaller sigma or kernel_size"
) -> None:
    """Raise `ValueError` when an image is too small for the window under the given padding."""
    smallest = min(value.shape[-2:])
    # Reflection repeats pixels 1 … radius, so it needs radius + 1 of them.
    needed = kernel_size if padding == "valid" else kernel_size // 2 + 1
    if padding != "zeros" and smallest < needed:
        way_out = ", or padding='reflect'" if padding == "valid" and smallest > kernel_size // 2 else ""
        raise ValueError(
            f"{name} is too small: height and width must be at least {needed} for a window of {kernel_size} pixels "
            f"with padding={padding!r}, got {value.shape[-2]} x {value.shape[-1]}; "
            f"use larger images{smaller}{way_out}"
        )


def reduce(values: Tensor, reduction: str) -> Tensor:
    """Reduce one value per image, shape (N,), as `reduction` says."""
    option("reduction", reduction, REDUCTIONS)
    if reduction == "mean":
        return values.mean()
    return values.sum() if reduction == "sum" else values
