"""Quality metrics: for judging images, each with its usual direction."""

from .fidelity import psnr

__all__ = ["psnr"]
