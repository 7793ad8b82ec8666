"""Quality metrics: for judging images, each with its usual direction."""

from .deep import dists, lpips
from .feature_similarity import fsim
from .fidelity import psnr
from .gradient_similarity import gmsd
from .information_weighting import iw_ssim

__all__ = ["dists", "fsim", "gmsd", "iw_ssim", "lpips", "psnr"]
