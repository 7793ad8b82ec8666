r"""The blur of the colour losses, in the three forms that go by one name.

Ignatov et al. (WESPE, 2018) blur with :math:`G(k,l) = A\exp(-k^2/2\sigma - l^2/2\sigma)`, A = 0.053 and
:math:`\sigma = 3`.  Only with 3 as the *variance* do these weights add up to 1, since
:math:`1/(2\pi\cdot3) = 0.05305`; with 3 as the standard deviation they would make images 3 times as bright.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .. import _validate
from .blur import blur_with
from .windows import gaussian_window, kept

#: Taps of every preset.
TAPS = 21

#: Standard deviations of the presets that are Gaussian windows.
DEVIATIONS = {"wespe": math.sqrt(3.0), "std3": 3.0}

PRESETS = ("wespe", "dped", "std3")


def _dped_taps() -> tuple[float, ...]:
    """Return the window of DPED's code: roots of what a normal distribution puts into 21 bins from -3 to 3.

    The bins are centred, and a little wider than 6/20: the outermost begin at -3 - 1/6.  The root, taken there of
    the outer product of two such windows, widens the Gaussian by the square root of 2.
    """
    width = (6 + 7 / TAPS) / TAPS
    radius = TAPS // 2

    def beyond(z: float) -> float:
        return math.erfc(z / math.sqrt(2))  # twice the tail, which the sum takes out again

    half = [math.sqrt(beyond((k - 0.5) * width) - beyond((k + 0.5) * width)) for k in range(radius + 1)]
    raw = [*half[:0:-1], *half]
    total = math.fsum(raw)
    return tuple(value / total for value in raw)


def color_window(
    preset: str = "wespe", *, dtype: torch.dtype = torch.float64, device: torch.device | str = "cpu"
) -> Tensor:
    """Return the one-dimensional window of a preset of `color_blur`, shape (21,), summing to 1: do not write into it.

    Raises
    ------
    ValueError
        If `preset` is unknown or `dtype` is below float32.

    Examples
    --------
    >>> round(color_window("wespe").max().item() ** 2, 5)
    0.05305
    """
    _validate.option("preset", preset, PRESETS)
    if preset == "dped":
        return kept(("dped", TAPS), _dped_taps, dtype=dtype, device=device)
    return gaussian_window(DEVIATIONS[preset], TAPS, dtype=dtype, device=device)


def color_blur(x: Tensor, *, preset: str = "wespe", padding: str = "valid") -> Tensor:
    """Blur images until colour is left and texture is not, or so the papers mean.

    Parameters
    ----------
    x : Tensor
        Images (N, C, H, W), any floating dtype; half precision is computed and returned in float32.
    preset : {"wespe", "dped", "std3"}
        All have 21 x 21 taps.  "wespe": as printed, variance 3, so a standard deviation of 1.73 pixels.  "dped": as
        in the code published with DPED, and in ports of WESPE; standard deviation 4.34 (4.71 before it is cut off).
        "std3": standard deviation 3, what a reader of the paper may take it for.
    padding : {"valid", "reflect", "zeros"}
        "valid" visits only windows inside the image and shrinks it by 20 pixels; "reflect" mirrors the image at its
        border and keeps the size; "zeros", as in the papers' code, keeps the size and darkens the border.

    Returns
    -------
    Tensor
        (N, C, H - 20, W - 20) for "valid", else (N, C, H, W).  Differentiable to any order.

    Raises
    ------
    TypeError
        If `x` is no floating tensor.
    ValueError
        If `x` is not (N, C, H, W), the image is smaller than the window, or an option is unknown.

    Notes
    -----
    Convention: windows sum to 1 exactly (as printed they sum to 0.999).  Equals
    ``gaussian_blur(x, 3**0.5, kernel_size=21, padding=padding)`` for "wespe".

    Examples
    --------
    >>> color_blur(torch.ones(1, 3, 100, 100)).shape
    torch.Size([1, 3, 80, 80])
    """
    _validate.image("x", x)
    _validate.option("padding", padding, ("valid", "reflect", "zeros"))
    x = x.to(_validate.working_dtype(x))
    window = color_window(preset, dtype=x.dtype, device=x.device)
    _validate.window_fits("x", x, TAPS, padding, smaller="")
    return blur_with(x, window, padding)


__all__ = ["PRESETS", "color_blur", "color_window"]
