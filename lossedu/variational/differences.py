r"""Forward differences, 0 past the last row and column as in `losses.tv_loss`, and their divergence."""

from __future__ import annotations

import torch
from torch import Tensor

from .. import _validate


def gradient(u: Tensor) -> Tensor:
    r"""Return the differences to the next row and to the next column: (N, C, H, W) to (2, N, C, H, W).

    .. math:: (\nabla u)_{i,j} = (u_{i+1,j} - u_{i,j},\; u_{i,j+1} - u_{i,j})

    Past the last row and column they are 0.

    Raises
    ------
    TypeError, ValueError
        If `u` is no floating image tensor (N, C, H, W).

    Examples
    --------
    >>> gradient(torch.tensor([[[[0.0, 2.0], [5.0, 9.0]]]])).tolist()
    [[[[[5.0, 7.0], [0.0, 0.0]]]], [[[[2.0, 0.0], [4.0, 0.0]]]]]
    """
    _validate.image("u", u)
    out = u.new_zeros((2, *u.shape))
    out[0, ..., :-1, :] = u[..., 1:, :] - u[..., :-1, :]
    out[1, ..., :-1] = u[..., 1:] - u[..., :-1]
    return out


def divergence(p: Tensor) -> Tensor:
    r"""Return the divergence of a field (2, N, C, H, W): less the adjoint of `gradient`.

    .. math:: \langle \nabla u, p\rangle = -\langle u, \operatorname{div} p\rangle \quad\text{for every } u.

    What the field holds past the last row and column does not count.

    Raises
    ------
    TypeError, ValueError
        If `p` is no floating tensor (2, N, C, H, W).
    """
    _validate.tensor("p", p)
    if p.ndim != 5 or len(p) != 2:
        raise ValueError(f"p must be (2, N, C, H, W), the field of an image, got shape {tuple(p.shape)}")
    down, right = p[0, ..., :-1, :], p[1, ..., :-1]
    out = torch.zeros_like(p[0])
    out[..., :-1, :] += down
    out[..., 1:, :] -= down
    out[..., :-1] += right
    out[..., 1:] -= right
    return out


__all__ = ["divergence", "gradient"]
