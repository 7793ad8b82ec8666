"""Random numbers that do not depend on the device."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from numbers import Integral

import torch
from torch import Tensor

#: What every `seed` argument accepts.
Seed = int | torch.Generator | None


def derive_seed(*parts: int | str) -> int:
    """Return a seed that depends on all the parts: ``derive_seed(seed, "noise", step)``.

    Neighbouring steps get unrelated seeds (the parts are hashed), and the same parts the same one on every
    machine.  The result lies in 0 ... 2**63 - 1.

    >>> derive_seed(0, "noise", 1) == derive_seed(0, "noise", 1) != derive_seed(0, "noise", 2)
    True
    """
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(seed: Seed) -> torch.Generator | None:
    """Return a CPU generator for a seed; a generator is passed on, None means torch's own global one.

    Raises
    ------
    TypeError, ValueError
        If `seed` is something else, or a generator of another device.
    """
    if seed is None:
        return None
    if isinstance(seed, torch.Generator):
        if seed.device.type != "cpu":
            raise ValueError(f"seed must be a CPU generator (the numbers are drawn there), got one on {seed.device}")
        return seed
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise TypeError(f"seed must be an int, a torch.Generator or None, got {type(seed).__name__}")
    return torch.Generator().manual_seed(int(seed))


def standard_normal(shape: Sequence[int], seed: Seed) -> Tensor:
    """Return float64 standard normal numbers, drawn on the CPU: the same for every dtype and device asked for."""
    return torch.randn(tuple(shape), generator=generator(seed), dtype=torch.float64)


def standard_normal_like(x: Tensor, seed: Seed) -> Tensor:
    """Return standard normal numbers with the shape, dtype and device of `x`.

    They are drawn on the CPU (`standard_normal`), unless `seed` is a generator of another device: then there, in
    float32, where `x` must be as well.

    Raises
    ------
    TypeError, ValueError
        If `seed` is something else, or a generator of a device where `x` is not.
    """
    if not isinstance(seed, torch.Generator) or seed.device.type == "cpu":
        return standard_normal(x.shape, seed).to(x)
    # A generator of "cuda" may bear no number: it serves every device of its kind.
    if seed.device.type != x.device.type or seed.device.index not in (None, x.device.index):
        raise ValueError(f"seed must be a generator of the CPU or of the device of x, {x.device}, got {seed.device}")
    return torch.randn(x.shape, generator=seed, dtype=torch.float32, device=x.device).to(x.dtype)
