"""Gaussian windows: how many taps, and their weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .. import _validate
from ..keeping import Shelf

#: More taps than any picture has use for; a sigma of 1e9 is refused, instead of filling the memory.
LARGEST = 2**16 + 1

#: How many windows are kept at a time.
KEPT = 128

_windows: Shelf[Tensor] = Shelf(KEPT)


def default_kernel_size(sigma: float) -> int:
    """Return ``2 * int(3.5 * sigma + 0.5) + 1``: 11 taps at sigma 1.5, 57 at 8.

    This is scikit-image's rule (``truncate=3.5``), and at sigma 1.5 the window of Wang et al. (2004).

    Examples
    --------
    >>> default_kernel_size(1.5), default_kernel_size(8)
    (11, 57)
    """
    return 2 * int(3.5 * sigma + 0.5) + 1


def window_size(sigma: float, kernel_size: int | None = None) -> int:
    """Return the number of taps, `kernel_size` or the default for `sigma`, without building the window.

    Raises
    ------
    ValueError
        If `sigma` is not above 0, `kernel_size` is not odd, or there would be more than `LARGEST` taps.
    """
    sigma = _validate.positive("sigma", sigma)
    size = default_kernel_size(sigma) if kernel_size is None else _validate.odd("kernel_size", kernel_size)
    if size > LARGEST:
        came = f"sigma={sigma:g}" if kernel_size is None else f"kernel_size={size}"
        raise ValueError(f"sigma and kernel_size must give a window of at most {LARGEST} taps, got {came}")
    return size


def _taps(sigma: float, kernel_size: int) -> tuple[float, ...]:
    radius = kernel_size // 2
    # z * z becomes infinite where z ** 2 raises: a tiny sigma leaves the middle tap alone.
    raw = [math.exp(-0.5 * z * z) for z in (k / sigma for k in range(-radius, radius + 1))]
    total = math.fsum(raw)
    return tuple(value / total for value in raw)


def gaussian_window(
    sigma: float,
    kernel_size: int | None = None,
    *,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str = "cpu",
) -> Tensor:
    r"""Return the one-dimensional Gaussian window :math:`G_\sigma(k) \propto e^{-k^2 / 2\sigma^2}`, summing to 1.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels, above 0.
    kernel_size : int, optional
        Number of taps, odd.  `default_kernel_size` of `sigma` when left out.  The kernel size is part of the
        definition: 31 taps cut a sigma of 8 down to an effective 6.9.
    dtype, device
        Of the result.  Taps are computed in float64 and cast once; half precision is refused.

    Returns
    -------
    Tensor
        Shape (kernel_size,), kept for the next call: do not write into it.

    Raises
    ------
    ValueError
        If `sigma` is not above 0, `kernel_size` is not odd, there would be more than `LARGEST` taps, or `dtype`
        is below float32.

    Examples
    --------
    >>> gaussian_window(1.5).sum().item()
    1.0
    """
    size, sigma = window_size(sigma, kernel_size), float(sigma)
    return kept((sigma, size), lambda: _taps(sigma, size), dtype=dtype, device=device)


def kept(
    name: tuple[Any, ...], taps: Callable[[], tuple[float, ...]], *, dtype: torch.dtype, device: torch.device | str
) -> Tensor:
    """Return a window by its name from the one cache of windows; `taps` works its numbers out where it is new."""
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(
            f"dtype must be torch.float32 or torch.float64, got {dtype}; half precision cannot hold a window"
        )
    return _windows.get(
        (*name, dtype, str(device)),
        lambda: torch.tensor(taps(), dtype=torch.float64, device="cpu").to(device=device, dtype=dtype),
    )


__all__ = ["default_kernel_size", "gaussian_window", "kept", "window_size"]
