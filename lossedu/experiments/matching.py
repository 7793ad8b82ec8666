"""The order of the channels in which one network is closest to another: weight matching.

After Ainsworth, Hayase and Srinivasa, "Git Re-Basin: Merging Models modulo Permutation Symmetries" (2023): the order
of one layer that agrees best with the other network, all other layers held, is a linear assignment problem, solved
exactly; one layer after the other until nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from .. import _validate
from ..storage import missing_package
from .symmetry import Chain, canonical, chain, holding, reorder, turn_over


def gap(c: Chain, target: Chain) -> float:
    """Return the squared Euclidean distance of two chains."""
    pairs = (pair for parts in zip(c, target, strict=True) for pair in zip(*parts, strict=True))
    return sum(float((x - y).square().sum()) for x, y in pairs)


def _belongings(c: Chain, k: int, inward: bool = True, outward: bool = True) -> Tensor:
    """Return all numbers that belong to each channel of hidden layer k, (channels, numbers)."""
    parts = [c.slopes[k][:, None]]
    if inward:
        parts += [c.weights[k].flatten(1), c.biases[k][:, None]]
    if outward:
        parts += [c.weights[k + 1].transpose(0, 1).flatten(1)]
    return torch.cat(parts, 1)


def _assign(c: Chain, target: Chain, k: int, **sides: bool) -> None:
    """Order, and where it helps turn over, the channels of layer k so that they come closest to the target's.

    At equal lengths the smallest sum of squared differences is the largest sum of inner products.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError as error:
        raise missing_package("scipy", "matching the channels of two networks") from error

    turned = c.copy()
    may_turn = c.slopes[k].abs() > 0.25  # the others would get slopes above 4, never closer
    turn_over(turned, k, may_turn)
    wanted = _belongings(target, k, **sides)
    plain, other = (torch.cdist(wanted, _belongings(v, k, **sides)).square() for v in (c, turned))
    rows, columns = map(torch.from_numpy, linear_sum_assignment(torch.minimum(plain, other).numpy()))
    which = torch.zeros_like(may_turn)
    which[columns] = other[rows, columns] < plain[rows, columns]
    turn_over(c, k, which)
    reorder(c, k, columns)


def descend(c: Chain, target: Chain) -> tuple[Chain, list[float]]:
    """Assign one layer after the other until nothing changes; return the result, and `gap` at first and every step."""
    c, gaps = c.copy(), [gap(c, target)]
    while True:
        for k in range(len(c.slopes)):
            _assign(c, target, k)
            gaps.append(gap(c, target))
        if gaps[-1] >= gaps[-1 - len(c.slopes)]:
            return c, gaps


def _starts(c: Chain, target: Chain, restarts: int, seed: int) -> Iterator[Chain]:
    """Yield orders to start from: as it is, layer by layer from either end, and `restarts` random ones."""
    yield c
    hidden = range(len(c.slopes))
    for layers, sides in ((hidden, {"outward": False}), (hidden[::-1], {"inward": False})):
        start = c.copy()
        for k in layers:
            _assign(start, target, k, **sides)
        yield start
    rng = torch.Generator().manual_seed(seed)
    for _ in range(restarts):
        start = c.copy()
        for k in hidden:
            reorder(start, k, torch.randperm(len(c.slopes[k]), generator=rng))
        yield start


def matched(network_b: nn.Module, network_a: nn.Module, *, restarts: int = 8, seed: int = 0) -> nn.Module:
    """Return a copy of `network_b` that computes the same and lies as close as it can to ``canonical(network_a)``.

    Parameters
    ----------
    network_b, network_a : Module
        Chains of equal shapes; see `symmetry.chain`.  Neither is changed.
    restarts : int
        Random orders to start from, beside three that are always tried: the order as it is, and the layers assigned
        one by one from either end.  The closest result is taken.
    seed : int
        Of the random orders.

    Returns
    -------
    Module
        ``canonical(network_b)`` with its hidden channels in another order.  A channel may also have been turned over:
        near slopes of 1 and -1 its two sides are equally good, and the standard one is a matter of luck.

    Raises
    ------
    TypeError, ValueError
        If a network is no such chain, their shapes differ, or `restarts` is negative or no integer.
    ImportError
        If scipy is missing.

    Notes
    -----
    Convention: closest is the smallest sum of squared differences of weights, biases and slopes, never more than that
    of the two canonical forms.  The layers together are a hard problem, and the result need not be the best of all.
    Unrelated networks come closer by matching as well: `symmetry.scrambled` tells how much.
    """
    ours, target = chain(canonical(network_b)), chain(canonical(network_a))
    shapes = [[tuple(p.shape) for p in c.weights] for c in (ours, target)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"network_b must have weights of the shapes of network_a, {shapes[1]}, got {shapes[0]}")
    restarts, seed = _validate.integer("restarts", restarts), _validate.integer("seed", seed)
    if restarts < 0:
        raise ValueError(f"restarts must be at least 0, got {restarts}")
    ends = (descend(start, target) for start in _starts(ours, target, restarts, seed))
    return holding(min(ends, key=lambda end: end[1][-1])[0], network_b)
