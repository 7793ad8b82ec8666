"""Gaussian windows and the separable blur, with its adjoint."""

from .blur import blur_with, correlate, correlate_adjoint, fold, gaussian_blur, reflect, reflect_adjoint, unfold
from .color import color_blur, color_window
from .windows import default_kernel_size, gaussian_window, kept, window_size

__all__ = [
    "blur_with",
    "color_blur",
    "color_window",
    "correlate",
    "correlate_adjoint",
    "default_kernel_size",
    "fold",
    "gaussian_blur",
    "gaussian_window",
    "kept",
    "reflect",
    "reflect_adjoint",
    "unfold",
    "window_size",
]
