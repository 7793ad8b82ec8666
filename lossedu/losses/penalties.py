r"""What keeps a critic from growing steep: the gradient penalty R1 (Mescheder, Geiger and Nowozin, 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .. import _validate


def r1_penalty(D: nn.Module, y: Tensor, *, reduction: str = "mean") -> Tensor:
    r"""Half the squared gradient of a critic's logit at real images, :math:`\tfrac12\|\nabla_y D(y)\|_2^2`.

    Parameters
    ----------
    D : nn.Module
        Critic: gives logits (N, 1), (N,) or maps of them, which are averaged for each image.
    y : Tensor
        Real images as the critic sees them, (N, C, H, W), any floating dtype: blur them first, if it sees them blurred.
    reduction : {"mean", "sum", "none"}
        Over the batch; "none" gives shape (N,).

    Returns
    -------
    Tensor
        At least 0, in squared logits by squared intensity; 0 for a critic that says the same of all images nearby.
        Its gradient goes to the parameters of D alone.

    Raises
    ------
    TypeError
        If `D` is no module, or `y` no floating tensor.
    ValueError
        If `y` is not (N, C, H, W), or D does not return one logit or map of logits per image.

    Notes
    -----
    Convention: the sum over pixels and channels, not their mean, as in the source; add it to the critic's loss with a
    weight :math:`\gamma` (10 there).  It needs a critic whose second derivatives exist; images of a batch must not
    meet in it (a batch normalisation lets them).
    """
    if not isinstance(D, nn.Module):
        raise TypeError(f"D must be a torch.nn.Module that gives one logit per image, got {type(D).__name__}")
    _validate.image("y", y)
    parameter = next(D.parameters(), None)
    dtype = _validate.working_dtype(y) if parameter is None else parameter.dtype
    with torch.enable_grad():
        seen = y.detach().to(dtype).requires_grad_()
        logits = D(seen)
        if not isinstance(logits, Tensor) or logits.shape[:1] != y.shape[:1]:
            came = f"shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
            raise ValueError(f"D must return logits of shape ({y.shape[0]}, …), the first axis as in y, got {came}")
        total = logits.reshape(len(y), -1).mean(dim=1).sum()
        (slope,) = torch.autograd.grad(total, seen, create_graph=True)
    return _validate.reduce(0.5 * slope.to(_validate.working_dtype(y)).square().sum(dim=(1, 2, 3)), reduction)


__all__ = ["r1_penalty"]
