"""How far apart two trained networks are, and whether a barrier lies between them.

Raw weights answer neither question: any two networks differ in the arbitrary order of their channels.  Everything is
therefore told twice, as the networks are and after `matching.matched` has taken out what is arbitrary.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .. import _validate
from .matching import matched
from .symmetry import canonical, scrambled

LossOf = Callable[[nn.Module], float]


def _numbers(a: nn.Module, b: nn.Module) -> tuple[Tensor, Tensor]:
    """Return the parameters of both in one float64 vector each, or raise `ValueError` if they do not correspond."""
    shapes = [{name: tuple(p.shape) for name, p in network.named_parameters()} for network in (a, b)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"a and b must have parameters of equal names and shapes, got {shapes[0]} and {shapes[1]}")
    vectors = [[p.detach().to("cpu", torch.float64).flatten() for p in network.parameters()] for network in (a, b)]
    return torch.cat(vectors[0]), torch.cat(vectors[1])


def distance(a: nn.Module, b: nn.Module) -> float:
    r"""Relative distance of two networks in their parameters.

    .. math:: d(a, b) = \frac{\|a - b\|_2}{\sqrt{\|a\|_2\, \|b\|_2}}

    Symmetric, without a unit, and 0 for equal networks alone.  Vectors of equal norm at a right angle, which vectors
    of many unrelated numbers nearly are, have :math:`\sqrt 2`; opposite ones have 2.  The geometric mean below
    rather than one of the norms: neither network is the reference.

    Raises
    ------
    ValueError
        If names or shapes of the parameters differ, or all parameters of a network are 0.
    """
    x, y = _numbers(a, b)
    size = math.sqrt(float(x.norm()) * float(y.norm()))
    if size == 0:
        raise ValueError("a and b must each have a parameter that is not 0: there is no length to compare with")
    return float((x - y).norm()) / size


def line(a: nn.Module, b: nn.Module, loss_of: LossOf, points: int = 11) -> list[float]:
    r"""Loss along the straight line between two networks, :math:`L\bigl((1 - t)\,a + t\,b\bigr)`.

    Parameters
    ----------
    a, b : Module
        Networks whose parameters correspond.  Neither is changed.
    loss_of : callable
        ``loss_of(network)`` returns one number; called without gradients, on a network in evaluation mode.
    points : int
        Values of t from 0 to 1 at equal steps, both ends included; at least 3.

    Returns
    -------
    list of float
        `points` values, first that of `a`, last that of `b`.

    Raises
    ------
    ValueError
        If the networks do not correspond or `points` is too small.
    """
    if _validate.count("points", points) < 3:
        raise ValueError(f"points must be at least 3 (with 2 nothing lies between the ends), got {points}")
    _numbers(a, b)
    walker = copy.deepcopy(a).eval()
    values = []
    with torch.no_grad():
        for k in range(points):
            t = k / (points - 1)
            for here, start, end in zip(walker.parameters(), a.parameters(), b.parameters(), strict=True):
                here.copy_((1 - t) * start + t * end.to(start.device))  # at t = 0 and 1 the ends themselves, bit by bit
            values.append(float(loss_of(walker)))
    return values


def barrier(values: Sequence[float]) -> float:
    r"""Height of the barrier along a line, in the unit of the loss.

    .. math:: B = \max_t \Bigl[ L(t) - \bigl((1 - t)\,L(0) + t\,L(1)\bigr) \Bigr] \ge 0

    The largest excess over the straight line between the end values, as in Entezari, Sedghi, Saukh and Neyshabur
    (2022); for ends of equal loss it is the error barrier of Frankle, Dziugaite, Roy and Carbin (2020).
    The ends count, so that it is never negative: 0 says that no point of the line lies above it.

    Raises
    ------
    ValueError
        If there are fewer than 3 values or one is not finite.
    """
    numbers = [float(value) for value in values]
    if len(numbers) < 3 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"values must be at least 3 finite numbers, got {numbers}")
    last = len(numbers) - 1
    # Written so that it is exactly 0 at both ends.
    return max(v - ((last - k) / last * numbers[0] + k / last * numbers[-1]) for k, v in enumerate(numbers))


def relative_barrier(values: Sequence[float]) -> float | None:
    """Return `barrier` as a multiple of the mean of the two end values; None where that mean is not above 0."""
    height, ends = barrier(values), (float(values[0]) + float(values[-1])) / 2
    return height / ends if ends > 0 else None


def compare(a: nn.Module, b: nn.Module, loss_of: LossOf, points: int = 11) -> dict[str, Any]:
    """Compare two networks as they are and after everything arbitrary about them has been taken out.

    Parameters
    ----------
    a, b : Module
        Chains of equal shapes; see `symmetry.chain`.
    loss_of : callable
        ``loss_of(network)``; called twice `points` times, so a few pictures must do.
    points : int
        See `line`.

    Returns
    -------
    dict
        `distance_raw`, `line_raw`, `barrier_raw`, `barrier_raw_relative` of the networks as they are; `distance`,
        `line`, `barrier`, `barrier_relative` of ``canonical(a)`` and ``matched(b, a)``, which compute the same;
        `distance_balanced` of the two canonical forms before matching, which tells scale from order; and
        `distance_chance`, to which ``matched(scrambled(b), a)`` comes: no smaller a `distance`, no kinship found.
        Numbers for JSON, 6 significant digits.

    Raises
    ------
    TypeError, ValueError
        If a network is no such chain, their shapes differ, or a loss is not finite.

    Notes
    -----
    A barrier that is left may be one of the landscape, or of a matching that did not find the best order.  Two
    networks of the same loss and other seeds say how much is left between networks that differ in luck alone.
    """
    plain, near = canonical(a), matched(b, a)
    raw, straight = line(a, b, loss_of, points), line(plain, near, loss_of, points)
    result: dict[str, Any] = {
        "distance_raw": distance(a, b),
        "distance_balanced": distance(plain, canonical(b)),
        "distance": distance(plain, near),
        "distance_chance": distance(plain, matched(scrambled(b), a)),
        "line_raw": raw,
        "line": straight,
        "barrier_raw": barrier(raw),
        "barrier_raw_relative": relative_barrier(raw),
        "barrier": barrier(straight),
        "barrier_relative": relative_barrier(straight),
    }
    return {key: [_six(v) for v in value] if isinstance(value, list) else _six(value) for key, value in result.items()}


def _six(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")
