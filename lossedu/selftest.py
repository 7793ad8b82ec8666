"""Does this machine compute the losses right?  Their golden values and gradients, recomputed and compared.

``lossedu selftest --device cuda`` takes the numbers that come with the package (float64, from slow transcriptions of
the formulas, see ``tools/make_golden.py``), computes each with the library's own function on the device, and says which
are off.  The pictures are made from integers by exact arithmetic, so that they are the same bits everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np
import torch
from torch import Tensor

import lossedu

from . import _validate
from .sweeps import resolve_device

#: Relative errors allowed, by precision: of a value, and of a gradient by its largest component.  Those of float32 hold
#: for sums in any order, not for convolutions in TF32.
TOLERANCES = {torch.float64: (1e-9, 1e-9), torch.float32: (1e-5, 1e-4)}

#: A prime near 2^20: grey levels k/LEVELS do not meet the centres of any histogram, and hardly ever each other.
LEVELS = 1048573


@dataclass(frozen=True)
class Golden:
    """A function of the library, how to call it, and what it must return.

    Attributes
    ----------
    name : str
        Of the case.
    function : str
        Dotted name inside the package, such as "ssim_loss" or "metrics.psnr".
    options : dict
        Keyword arguments.
    shape : tuple of int
        Of the two pictures, (N, C, H, W).
    unary : bool
        Called with x alone.
    values : ndarray
        One value per image, shape (N,), float64.
    gradient : ndarray or None
        Of the sum of the values in x, where it is part of the test.
    """

    name: str
    function: str
    options: dict[str, Any]
    shape: tuple[int, ...]
    unary: bool
    values: np.ndarray
    gradient: np.ndarray | None

    def call(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the library's values for two pictures, shape (N,)."""
        function: Any = lossedu
        for part in self.function.split("."):
            function = getattr(function, part)
        images = (x,) if self.unary else (x, y)
        return function(*images, **self.options, reduction="none")


@dataclass(frozen=True)
class Outcome:
    """How far off a case was, relative to the golden numbers; `gradient` is None where none is compared."""

    name: str
    value: float
    gradient: float | None
    ok: bool
    error: str = ""

    def __str__(self) -> str:
        if self.error:
            return f"FAILED  {self.name}: {self.error}"
        gradient = "" if self.gradient is None else f", gradient {self.gradient:.1e}"
        return f"{'ok    ' if self.ok else 'FAILED'}  {self.name}: value {self.value:.1e}{gradient}"


def pictures(shape: Iterable[int]) -> tuple[Tensor, Tensor]:
    """Return two pictures (N, C, H, W) in float64, x and y: slopes, an edge and texture, and x with noise and a shift.

    Whole numbers only until the last division, so that every machine makes the same.
    """
    n, c, h, w = shape
    image, channel, row, column = torch.meshgrid(*map(torch.arange, (n, c, h, w)), indexing="ij")
    slopes = (37 * row * 7919 + 53 * column * 7907 + 11 * row * column * 101 + 131071 * channel) % 524287
    edge = torch.where(2 * column + row * (image + 1) > w + channel, 262144, 0)
    texture = (row * 48271 + column * 69621 + (channel + 3 * image) * 16807) % 65537
    noise = ((row * 31 + column * 17 + channel * 7 + image * 3 + 1) ** 3 * 40692) % 131071 - 40000
    y = 60000 + slopes + edge + texture
    return (y + noise).double() / LEVELS, y.double() / LEVELS


def golden() -> list[Golden]:
    """Return all cases that come with the package."""
    with resources.files("lossedu.results").joinpath("golden.npz").open("rb") as file, np.load(file) as arrays:
        numbers = {name: arrays[name] for name in arrays.files}
    return [
        Golden(
            **{**case, "shape": tuple(case["shape"])},
            values=numbers[f"{case['name']}/values"],
            gradient=numbers.get(f"{case['name']}/gradient"),
        )
        for case in json.loads(str(numbers["cases"]))
    ]


def _off(found: Tensor, expected: np.ndarray) -> float:
    """Return the largest error over the largest number expected; infinite where something is not a number."""
    truth = torch.from_numpy(expected)
    found = found.detach().double().cpu()
    if found.shape != truth.shape or not found.isfinite().all():
        return float("inf")
    return ((found - truth).abs().max() / truth.abs().max()).item()


def judge(case: Golden, device: torch.device | str, dtype: torch.dtype) -> Outcome:
    """Compute one case on a device in a precision, and compare."""
    x, y = (z.to(device=device, dtype=dtype) for z in pictures(case.shape))
    x.requires_grad_(case.gradient is not None)
    try:
        values = case.call(x, y)
        value, gradient = _off(values, case.values), None
        if case.gradient is not None:
            gradient = _off(torch.autograd.grad(values.sum(), x)[0], case.gradient)
    except Exception as error:  # whatever goes wrong on a strange device is a finding, and the others still count
        return Outcome(case.name, float("inf"), None, False, f"{type(error).__name__}: {error}")
    limits = TOLERANCES[dtype]
    return Outcome(case.name, value, gradient, value <= limits[0] and (gradient or 0.0) <= limits[1])


def outcomes(
    device: torch.device | str = "auto",
    dtype: torch.dtype | None = None,
    *,
    cases: Callable[[], Iterable[Golden]] = golden,
) -> Iterator[Outcome]:
    """Yield the outcome of every case.

    Parameters
    ----------
    device : str or torch.device
        "auto" takes the accelerator where there is one.
    dtype : torch.dtype, optional
        torch.float64, the default, or torch.float32, the default on devices that have nothing better (MPS).

    Raises
    ------
    ValueError
        If the device is not there, or the precision is another.
    """
    place = torch.device(resolve_device(str(device)))
    precision = dtype or (torch.float32 if place.type == "mps" else torch.float64)
    _validate.option("dtype", str(precision), [str(known) for known in TOLERANCES])
    for case in cases():
        yield judge(case, place, precision)


__all__ = ["LEVELS", "TOLERANCES", "Golden", "Outcome", "golden", "judge", "outcomes", "pictures"]
