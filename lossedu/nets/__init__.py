"""Networks: three convolutions as in Zhao et al. (2017), one that enlarges, and HDRNet, which retouches."""

from __future__ import annotations

from .convolutional import RestorationCNN, SubPixelCNN, SuperResolutionCNN, inner
from .hdrnet import HDRNet
from .slicing import apply_affine, slice_grid

__all__ = ["HDRNet", "RestorationCNN", "SubPixelCNN", "SuperResolutionCNN", "apply_affine", "inner", "slice_grid"]
