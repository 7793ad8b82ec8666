"""Networks: three convolutions as in Zhao et al. (2017), one that enlarges, HDRNet, and the generator of WESPE."""

from __future__ import annotations

from .convolutional import RestorationCNN, SubPixelCNN, SuperResolutionCNN, inner
from .enhancement import EnhancementGenerator
from .hdrnet import HDRNet
from .slicing import apply_affine, slice_grid

__all__ = [
    "EnhancementGenerator",
    "HDRNet",
    "RestorationCNN",
    "SubPixelCNN",
    "SuperResolutionCNN",
    "apply_affine",
    "inner",
    "slice_grid",
]
