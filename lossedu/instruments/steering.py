r"""PULL, counted: how hard a loss pulls on each picture, and what a weight comes to beside an absolute error.

The pull of a weighted mean of absolute errors, as the sum of sizes over the pixels, is 1 wherever no pixel is exactly
right.  So the share of another term beside it depends on the weight and on that term's own pull alone.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def pull_sizes(loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor, *, order: float = 1) -> Tensor:
    """Return the norm of the gradient in the pixels of each picture, (N,); order 1 adds up sizes.

    Parameters
    ----------
    loss : callable
        ``loss(x, y)``, a mean over its batch, as all of the package are.
    x, y : Tensor
        Processed images and references, (N, C, H, W).
    order : float
        Of the norm.
    """
    leaf = x.detach().clone().requires_grad_()
    (grad,) = torch.autograd.grad(loss(leaf, y) * len(x), leaf)
    return torch.linalg.vector_norm(grad.flatten(1), ord=order, dim=1)


def share_beside_l1(pull: float, alpha: float, unit: float = 1.0) -> float:
    r"""Return the share of a term of this pull and of weight alpha beside :math:`(1-\alpha)\,\ell_1`.

    :math:`\alpha m / (\alpha m + (1-\alpha) R)`, with m the pull, and R the `unit`: 1 for an absolute error of values
    in [0, 1], 255 for 0 to 255.
    """
    return alpha * pull / (alpha * pull + (1 - alpha) * unit)


def same_weight(alpha: float, unit: float) -> float:
    r"""Return the weight that does on [0, 1] what `alpha` does with :math:`\ell_1` in 0 to `unit`."""
    return alpha / (alpha + (1 - alpha) * unit)


def weight_for(wanted: float, pull: float) -> float:
    """Return the weight at which a term of this pull has the share that is wanted beside an absolute error."""
    return wanted / (wanted + (1 - wanted) * pull)
