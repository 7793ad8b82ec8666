"""Gaussian windows and the separable blur, with its adjoint."""

from .blur import correlate, correlate_adjoint, fold, gaussian_blur, reflect, reflect_adjoint, unfold
from .windows import default_kernel_size, gaussian_window, window_size

__all__ = [
    "correlate",
    "correlate_adjoint",
    "default_kernel_size",
    "fold",
    "gaussian_blur",
    "gaussian_window",
    "reflect",
    "reflect_adjoint",
    "unfold",
    "window_size",
]
