"""Quality metrics: for judging images, each with its usual direction."""

from .color_difference import ciede2000, ciede2000_map
from .deep import dists, lpips
from .feature_similarity import fsim
from .fidelity import psnr
from .gradient_similarity import gmsd
from .information_weighting import iw_ssim

__all__ = ["ciede2000", "ciede2000_map", "dists", "fsim", "gmsd", "iw_ssim", "lpips", "psnr"]
