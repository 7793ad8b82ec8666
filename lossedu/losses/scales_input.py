"""What the sigma trick and Mix take: every check, and the choice of the form."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from torch import Tensor

from .. import _validate, filters
from .dissimilarity import Constants, constants
from .scales import Compute
from .scales_dense import dense_means, dense_windows
from .scales_patch import patch_means, patch_tables

FORMS = ("dense", "patch")


class Task(NamedTuple):
    """Images as the arithmetic wants them, mirrored by `radius` pixels; the arithmetic, and what else it needs."""

    x: Tensor
    y: Tensor
    radius: int
    constants: Constants
    compute: Compute
    tensors: tuple[Tensor, ...]


def _checked(sigmas: Iterable[float]) -> tuple[float, ...]:
    if isinstance(sigmas, str) or not isinstance(sigmas, Iterable):
        raise ValueError(f"sigmas must be a sequence of numbers above 0, got {sigmas!r}")
    values = tuple(_validate.positive(f"sigmas[{i}]", sigma) for i, sigma in enumerate(sigmas))
    if not values:
        raise ValueError("sigmas must hold at least one number above 0, got none")
    return values


def _patch_size(x: Tensor, padding: str) -> int:
    if padding != "valid":
        raise ValueError(
            "padding must be 'valid' with form='patch', whose one window is the patch itself and meets no border, "
            f"got {padding!r}; form='dense' has a use for it"
        )
    height, width = x.shape[2:]
    if height != width or height % 2 == 0:
        raise ValueError(
            f"x must be square with an odd side for form='patch' (its one window needs a centre), got {height} x "
            f"{width}; crop to {min(height, width) - 1 | 1} x {min(height, width) - 1 | 1}, or use form='dense'"
        )
    return height


def _dense_radius(x: Tensor, sigmas: tuple[float, ...], padding: str) -> int:
    widest = max(sigmas)
    taps = filters.window_size(widest)
    needed = {"valid": taps, "reflect": taps // 2 + 1}
    height, width = x.shape[2:]
    if min(height, width) < needed[padding]:
        reflect = f"padding='reflect' (from {needed['reflect']} pixels on), " if padding == "valid" else ""
        raise ValueError(
            f"x is too small: height and width must be at least {needed[padding]} for the widest window, {taps} pixels "
            f"at sigma {widest:g}, with form='dense' and padding={padding!r}, got {height} x {width}; "
            f"use {reflect}form='patch' (square patches with an odd side), larger images or smaller sigmas"
        )
    return taps // 2 if padding == "reflect" else 0


def prepare(
    x: Tensor,
    y: Tensor,
    sigmas: Iterable[float],
    form: str,
    padding: str,
    data_range: float,
    k1: float,
    k2: float,
) -> Task:
    """Check everything and return what is to be computed."""
    x, y = _validate.images(x, y)
    k1, k2 = _validate.positive("k1", k1), _validate.positive("k2", k2)
    k = constants(_validate.positive("data_range", data_range), k1, k2, x.dtype)
    sigmas = _checked(sigmas)
    _validate.option("form", form, FORMS)
    _validate.option("padding", padding, ("valid", "reflect"))
    if form == "patch":
        return Task(x, y, 0, k, patch_means, patch_tables(sigmas, _patch_size(x, padding), k, x))
    radius = _dense_radius(x, sigmas, padding)
    x, y = filters.reflect(x, radius), filters.reflect(y, radius)
    return Task(x, y, radius, k, dense_means, dense_windows(sigmas, x))


__all__ = ["Task", "prepare"]
