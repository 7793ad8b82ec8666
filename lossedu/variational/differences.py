r"""Forward differences, 0 past the last row and column as in `losses.tv_loss`, and their divergence."""

from __future__ import annotations

import torch
from torch import Tensor

from .. import _validate


def gradient(x: Tensor) -> Tensor:
    r"""Return the differences to the next row and to the next column: (N, C, H, W) to (2, N, C, H, W).

    .. math:: (\nabla x)_{i,j} = (x_{i+1,j} - x_{i,j},\; x_{i,j+1} - x_{i,j})

    Past the last row and column they are 0.

    Raises
    ------
    TypeError, ValueError
        If `x` is no floating image tensor (N, C, H, W).

    Examples
    --------
    >>> gradient(torch.tensor([[[[0.0, 2.0], [5.0, 9.0]]]])).tolist()
    [[[[[5.0, 7.0], [0.0, 0.0]]]], [[[[2.0, 0.0], [4.0, 0.0]]]]]
    """
    _validate.image("x", x)
    out = x.new_zeros((2, *x.shape))
    out[0, ..., :-1, :] = x[..., 1:, :] - x[..., :-1, :]
    out[1, ..., :-1] = x[..., 1:] - x[..., :-1]
    return out


def divergence(xi: Tensor) -> Tensor:
    r"""Return the divergence of a field (2, N, C, H, W): less the adjoint of `gradient`.

    .. math:: \langle \nabla x, \xi\rangle = -\langle x, \operatorname{div} \xi\rangle \quad\text{for every } x.

    What the field holds past the last row and column does not count.

    Raises
    ------
    TypeError, ValueError
        If `xi` is no floating tensor (2, N, C, H, W).
    """
    _validate.tensor("xi", xi)
    if xi.ndim != 5 or len(xi) != 2:
        raise ValueError(f"xi must be (2, N, C, H, W), the field of an image, got shape {tuple(xi.shape)}")
    down, right = xi[0, ..., :-1, :], xi[1, ..., :-1]
    out = torch.zeros_like(xi[0])
    out[..., :-1, :] += down
    out[..., 1:, :] -= down
    out[..., :-1] += right
    out[..., 1:] -= right
    return out


__all__ = ["divergence", "gradient"]
