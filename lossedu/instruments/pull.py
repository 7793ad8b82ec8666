"""PULL: which term of a weighted loss steers, measured by its gradient."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from .. import _validate
from ..losses.weighted import WeightedLoss


def gradient_share(
    weighted_loss: WeightedLoss,
    x: Tensor,
    y: Tensor,
    *,
    parameters: Iterable[Tensor] | None = None,
    norm: float = 2,
) -> dict[str, float]:
    r"""Return each term's share of the pull, :math:`\|w_k\nabla\mathcal L_k\| / \sum_j \|w_j\nabla\mathcal L_j\|`.

    A weight is not an influence: a term of weight 0.84 can hold 99 % of the gradient, and the share moves in training.

    Parameters
    ----------
    weighted_loss : WeightedLoss
        The loss whose terms are compared.
    x, y : Tensor
        Processed image and reference, (N, C, H, W).  With `parameters`, x must have been computed from them.
    parameters : iterable of Tensor, optional
        Take gradients in these instead of in the pixels of x.
    norm : float
        Order of the norm, at least 1.  Always say which norm and which space: shares depend on both.

    Returns
    -------
    dict of str to float
        Adds up to 1.  A term without a gradient has 0; if no term has one, all have 0.

    Raises
    ------
    TypeError, ValueError
        If `weighted_loss` is no `WeightedLoss` or a term of it returns no tensor, x and y are no image pair,
        `parameters` is empty or has something that requires no gradient, x was computed under
        ``torch.inference_mode`` (with `parameters`: it has no graph), or `norm` is below 1.
    """
    if not isinstance(weighted_loss, WeightedLoss):
        raise TypeError(f"weighted_loss must be a le.WeightedLoss, got {type(weighted_loss).__name__}")
    wide_x, wide_y = _validate.images(x, y)
    order = _validate.in_range("norm", norm, 1, float("inf"))
    if parameters is None:
        with torch.inference_mode(False):  # clones made here are ordinary tensors, wherever x and y come from
            x, y = wide_x.detach().clone().requires_grad_(), wide_y.detach().clone()
        leaves = [x]
    else:
        leaves = list(parameters)
        if not leaves:
            raise ValueError("parameters must hold at least one tensor, got none; leave it out to use the pixels of x")
        if not all(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in leaves):
            raise ValueError("parameters must be tensors that require a gradient, got one that does not")
        if x.is_inference():
            raise ValueError("x must be computed outside torch.inference_mode() to have gradients in parameters")
        with torch.inference_mode(False):
            y = y.clone() if y.is_inference() else y
    pulls = {}
    with torch.inference_mode(False), torch.enable_grad():
        for name, value in weighted_loss.terms(x, y).items():
            pulls[name] = 0.0
            if not isinstance(value, Tensor):
                raise TypeError(f"term {name!r} of weighted_loss must return a tensor, got {type(value).__name__}")
            if value.requires_grad:
                grads = torch.autograd.grad(value.sum(), leaves, retain_graph=True, allow_unused=True)
                flat = [grad.reshape(-1).cpu().to(torch.float64) for grad in grads if grad is not None]
                if flat:
                    size = torch.linalg.vector_norm(torch.cat(flat), ord=order)
                    pulls[name] = weighted_loss.weights[name] * float(size)
    total = sum(pulls.values())
    return {name: pull / total if total else 0.0 for name, pull in pulls.items()}
