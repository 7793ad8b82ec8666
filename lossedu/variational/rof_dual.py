r"""The model of Rudin, Osher and Fatemi (1992), solved through its dual.

Total variation is the most that a field of arrows no longer than 1 can collect along the differences,

.. math:: \mathrm{TV}(x) = \max_{|\xi| \le 1} \langle \nabla x, \xi\rangle
   = \max_{|\xi| \le 1} -\langle x, \operatorname{div} \xi\rangle,

so that :math:`\min_x \frac12\lVert x - z\rVert^2 + w\,\mathrm{TV}(x)` is solved by

.. math:: x = z + w \operatorname{div} \xi, \qquad
   \xi = \arg\min_{|\xi| \le 1} \lVert z + w \operatorname{div} \xi\rVert^2 .

Chambolle (2004) has the opposite sign of :math:`\xi`.  For any :math:`\xi` the *gap*
:math:`w \sum (|\nabla x| - \langle\nabla x, \xi\rangle)` bounds how far x is from the minimum, and
:math:`\sqrt{2\,\text{gap}}` how far x is from the minimiser.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .. import _validate
from .differences import divergence, gradient

KINDS = ("isotropic", "anisotropic")
METHODS = ("fast", "chambolle")

#: How many steps lie between two looks at the gap.
LOOK = 10


@dataclass(frozen=True)
class Solution:
    """An image and what is known of it.

    Attributes
    ----------
    image : Tensor
        The denoised images, (N, C, H, W).
    field : Tensor
        The dual field, (2, N, C, H, W), nowhere longer than 1.
    error : float
        No image of the batch is farther than this from the true minimiser, as a root mean square over its pixels.
    steps : int
        How many were taken.
    """

    image: Tensor
    field: Tensor
    error: float
    steps: int


def mean_weight(weight: float) -> float:
    r"""Return the w of this room that goes with a loss of means, :math:`\overline{(x-z)^2} + c\,` `tv_loss` (x).

    Both terms of that loss are divided by the number of pixels, and its first has no factor 1/2: w = c / 2.
    """
    return _validate.in_range("weight", weight, 0, math.inf) / 2


def rof(
    z: Tensor,
    weight: float,
    *,
    kind: str = "isotropic",
    tol: float = 1e-4,
    max_steps: int = 10_000,
    method: str = "fast",
) -> Solution:
    r"""Return :math:`\arg\min_x \frac12 \lVert x - z\rVert^2 + w\,\mathrm{TV}(x)`, channels one by one.

    Parameters
    ----------
    z : Tensor
        Images (N, C, H, W).  All of a batch take the steps that the slowest needs.
    weight : float
        w, at least 0, in intensity units times pixels.
    kind : {"isotropic", "anisotropic"}
        As in `losses.tv_loss`.
    tol : float
        Stop where every image is known to be so close to its minimiser, as a root mean square over pixels.
    max_steps : int
        Stop then in any case; `Solution.error` says how close the answer is.
    method : {"fast", "chambolle"}
        Projected steps with momentum (Beck and Teboulle, 2009), or the step of Chambolle (2004) with
        :math:`\tau = 1/4`, which needs many more.

    Returns
    -------
    Solution

    Raises
    ------
    TypeError, ValueError
        If `z` is no floating image tensor, `weight` is negative, `tol` or `max_steps` is not positive, or an option is
        unknown.

    Notes
    -----
    Convention: sums over pixels.  ``skimage.restoration.denoise_tv_chambolle(z, weight=w, eps=...)`` minimises the
    same, but stops by how little the last step changed; in ``denoise_tv_bregman`` the weight stands at the other term.
    Halves are computed in float32; float64 is worth its time for a `tol` below 1e-5.
    """
    _validate.image("z", z)
    weight = _validate.in_range("weight", weight, 0, math.inf)
    tol, max_steps = _validate.positive("tol", tol), _validate.count("max_steps", max_steps)
    _validate.option("kind", kind, KINDS)
    _validate.option("method", method, METHODS)
    z = z.detach().to(_validate.working_dtype(z))
    xi = torch.zeros((2, *z.shape), dtype=z.dtype, device=z.device)
    x, lead, momentum = z, xi, 1.0
    if weight == 0:
        return Solution(x, xi, 0.0, 0)
    error = math.inf
    for step in range(1, max_steps + 1):
        if method == "chambolle":
            slope = gradient(x)
            reach = 0.25 / weight
            xi = (xi + reach * slope) / (1 + reach * _length(slope, kind))
        else:
            moved = lead + gradient(z + weight * divergence(lead)) / (8 * weight)
            moved = moved / _length(moved, kind).clamp_min(1)
            following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
            lead = moved + (momentum - 1) / following * (moved - xi)
            xi, momentum = moved, following
        if method == "chambolle" or step % LOOK == 0 or step == max_steps:
            x = z + weight * divergence(xi)
        if step % LOOK == 0 or step == max_steps:
            error = _error(x, xi, weight, kind)
            if error <= tol:
                break
    return Solution(x, xi, error, step)


def _length(field: Tensor, kind: str) -> Tensor:
    """Return the length of each arrow, (1, N, C, H, W), or of each of its parts."""
    return field.abs() if kind == "anisotropic" else field.square().sum(dim=0, keepdim=True).sqrt()


def _error(x: Tensor, xi: Tensor, weight: float, kind: str) -> float:
    """Return the bound on the distance to the minimiser, root mean square, of the worst image."""
    slope = gradient(x)
    missed = _length(slope, kind).sum(dim=0) - (slope * xi).sum(dim=0)
    gap = weight * missed.clamp_min(0).flatten(1).mean(dim=1)
    return math.sqrt(2 * float(gap.max()))


__all__ = ["Solution", "mean_weight", "rof"]
