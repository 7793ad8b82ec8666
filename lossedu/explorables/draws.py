"""Random numbers that a page draws as well: ``drawsFrom`` in ``common.js`` is the same generator."""

from __future__ import annotations

import torch
from torch import Tensor

#: Of the "minimal standard" of Park and Miller (1988): its products are exact in double precision, a page's numbers.
MULTIPLIER, MODULUS = 16807, 2**31 - 1


def draws(count: int, *, seed: int, terms: int = 1) -> Tensor:
    r"""Return sums of `terms` numbers each, all between 0 and 1, (count,) in double precision.

    The numbers are :math:`s_k / (2^{31} - 1)` with :math:`s_{k+1} = 16807\, s_k \bmod (2^{31} - 1)` and `seed` for the
    first state.  Sums of twelve, less 6, are nearly normal with standard deviation 1.
    """
    state, values = seed, []
    for _ in range(count):
        total = 0.0
        for _ in range(terms):
            state = state * MULTIPLIER % MODULUS
            total += state / MODULUS
        values.append(total)
    return torch.tensor(values, dtype=torch.float64)
