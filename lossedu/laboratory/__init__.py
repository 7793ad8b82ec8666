"""Live cells for JupyterLab and Colab: turn the controls, and see what a loss makes of it.

They need a running kernel.  In the built book their place is taken by the explorables.
"""

from __future__ import annotations

from .bench import Laboratory
from .ssim_bench import ssim_laboratory

__all__ = ["Laboratory", "ssim_laboratory"]
