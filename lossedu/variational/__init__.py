r"""Denoising as an optimisation: the image that is close to the data and cheap to a regulariser.

.. math:: \min_x\; \tfrac12 \lVert x - z\rVert^2 + w\, R(x)

Sums over pixels, not means: see `mean_weight` for the weight of a loss that averages.

    rof            R is total variation in two dimensions, solved with a certificate of how close the answer is
    tikhonov       R is the sum of squared differences; the answer is a linear blur, and exact
    taut_string    total variation of a signal, exact
    gradient, divergence    forward differences, and less their adjoint
"""

from .differences import divergence, gradient
from .rof_dual import Solution, mean_weight, rof
from .taut_strings import taut_string
from .tikhonov_solution import tikhonov

__all__ = ["Solution", "divergence", "gradient", "mean_weight", "rof", "taut_string", "tikhonov"]
