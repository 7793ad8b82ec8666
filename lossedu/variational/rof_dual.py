r"""The model of Rudin, Osher and Fatemi (1992), solved through its dual.

Total variation is the most that a field of arrows no longer than 1 can collect along the differences,

.. math:: \mathrm{TV}(u) = \max_{|p| \le 1} \langle \nabla u, p\rangle
   = \max_{|p| \le 1} -\langle u, \operatorname{div} p\rangle,

so that :math:`\min_u \frac12\lVert u - f\rVert^2 + w\,\mathrm{TV}(u)` is solved by

.. math:: u = f + w \operatorname{div} p, \qquad p = \arg\min_{|p| \le 1} \lVert f + w \operatorname{div} p\rVert^2 .

Chambolle (2004) has the opposite sign of p.  For any p the *gap*
:math:`w \sum (|\nabla u| - \langle\nabla u, p\rangle)` bounds how far u is from the minimum, and
:math:`\sqrt{2\,\text{gap}}` how far u is from the minimiser.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate
from .differences import divergence, gradient

KINDS = ("isotropic", "anisotropic")
METHODS = ("fast", "chambolle")

#: How many steps lie between two looks at the gap.
LOOK = 10


class Solution(NamedTuple):
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
    r"""Return the w of this room that goes with a loss of means, :math:`\overline{(u-f)^2} + c\,` `tv_loss` (u).

    Both terms of that loss are divided by the number of pixels, and its first has no factor 1/2: w = c / 2.
    """
    return _validate.in_range("weight", weight, 0, math.inf) / 2


def rof(
    f: Tensor,
    weight: float,
    *,
    kind: str = "isotropic",
    tol: float = 1e-4,
    max_steps: int = 10_000,
    method: str = "fast",
) -> Solution:
    r"""Return :math:`\arg\min_u \frac12 \lVert u - f\rVert^2 + w\,\mathrm{TV}(u)`, channels one by one.

    Parameters
    ----------
    f : Tensor
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
        If `f` is no floating image tensor, `weight` is negative, `tol` or `max_steps` is not positive, or an option is
        unknown.

    Notes
    -----
    Convention: sums over pixels.  ``skimage.restoration.denoise_tv_chambolle(f, weight=w, eps=...)`` minimises the
    same, but stops by how little the last step changed; in ``denoise_tv_bregman`` the weight stands at the other term.
    Halves are computed in float32; float64 is worth its time for a `tol` below 1e-5.
    """
    _validate.image("f", f)
    weight = _validate.in_range("weight", weight, 0, math.inf)
    tol, max_steps = _validate.positive("tol", tol), _validate.count("max_steps", max_steps)
    _validate.option("kind", kind, KINDS)
    _validate.option("method", method, METHODS)
    f = f.detach().to(_validate.working_dtype(f))
    p = torch.zeros((2, *f.shape), dtype=f.dtype, device=f.device)
    u, lead, momentum = f, p, 1.0
    if weight == 0:
        return Solution(u, p, 0.0, 0)
    error = math.inf
    for step in range(1, max_steps + 1):
        if method == "chambolle":
            slope = gradient(u)
            reach = 0.25 / weight
            p = (p + reach * slope) / (1 + reach * _length(slope, kind))
        else:
            moved = lead + gradient(f + weight * divergence(lead)) / (8 * weight)
            moved = moved / _length(moved, kind).clamp_min(1)
            following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
            lead = moved + (momentum - 1) / following * (moved - p)
            p, momentum = moved, following
        if method == "chambolle" or step % LOOK == 0 or step == max_steps:
            u = f + weight * divergence(p)
        if step % LOOK == 0 or step == max_steps:
            error = _error(u, p, weight, kind)
            if error <= tol:
                break
    return Solution(u, p, error, step)


def _length(field: Tensor, kind: str) -> Tensor:
    """Return the length of each arrow, (1, N, C, H, W), or of each of its parts."""
    return field.abs() if kind == "anisotropic" else field.square().sum(dim=0, keepdim=True).sqrt()


def _error(u: Tensor, p: Tensor, weight: float, kind: str) -> float:
    """Return the bound on the distance to the minimiser, root mean square, of the worst image."""
    slope = gradient(u)
    missed = _length(slope, kind).sum(dim=0) - (slope * p).sum(dim=0)
    gap = weight * missed.clamp_min(0).flatten(1).mean(dim=1)
    return math.sqrt(2 * float(gap.max()))


__all__ = ["Solution", "mean_weight", "rof"]
