"""Exercises on the dual of ROF: the divergence as an adjoint, and one step of Chambolle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...variational import divergence, gradient
from ..examination import Examination
from ..numbers import Mistake, short, two_numbers
from ..reader import function
from ..verdict import Verdict
from .pictures import field, noisy_patch

_DIVERGENCE, _STEP = "fn(xi)", "fn(xi, z, w)"


def field_divergence(fn: Callable[[Tensor], Any]) -> Verdict:
    r"""Check ``fn(xi)``: the divergence of a field, which is minus the adjoint of the gradient.

    .. math:: \langle\nabla x, \xi\rangle = -\langle x, \operatorname{div} \xi\rangle

    Parameters
    ----------
    fn : callable
        Takes a field (2, 1, 1, H, W), float64, first its part down, then its part to the right; returns (1, 1, H, W).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _DIVERGENCE)
    with Examination("field_divergence", _DIVERGENCE) as exam:
        arrow = torch.zeros(2, 1, 1, 4, 5, dtype=torch.float64)
        arrow[0, ..., 1, 2] = 1
        edge = torch.randn(2, 1, 1, 7, 9, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
        cases = [
            ("by hand: one arrow down", arrow),
            ("a field that is 0 past the border", field()),
            ("a field with arrows past the border, which must not count", edge),
        ]
        for name, p in cases:
            answer = exam.tensor(exam.call(fn, p), p.shape[1:], torch.float64, {tuple(p.shape): _SHAPE})
            exam.value(name, answer, divergence(p), rtol=1e-9, mistakes=_divergence_mistakes(p), hint=_BORDER)
        u = noisy_patch(7, 9)
        left = float((gradient(u) * edge).sum())
        right = -float((u * exam.tensor(exam.call(fn, edge), u.shape)).sum())
        same = abs(left - right) <= 1e-9 * abs(left)
        seen = (
            f"both sides are {short(left)}"
            if same
            else "{} on the left, {} on the right".format(*two_numbers(left, right))
        )
        hint = "test it with x = 1: then div must add to 0"
        exam.test(
            "<grad x, xi> = -<x, div xi>, with arrows past the border", same, seen, "the same on both sides", hint
        )
    return exam.verdict()


_SHAPE = "this is still a field; the divergence adds its two parts"
_BORDER = "in the first row only xi itself is left, in the last row only minus its neighbour above"


def _divergence_mistakes(p: Tensor) -> list[Mistake]:
    right = divergence(p)
    forward = gradient(p[0])[0] + gradient(p[1])[1]
    wrapped = p[0] - p[0].roll(1, -2) + p[1] - p[1].roll(1, -1)
    open_end = p[0] - torch.nn.functional.pad(p[0], (0, 0, 1, 0))[..., :-1, :]
    open_end = open_end + p[1] - torch.nn.functional.pad(p[1], (1, 0))[..., :-1]
    parts = [
        divergence(torch.stack((p[0], torch.zeros_like(p[1])))),
        divergence(torch.stack((torch.zeros_like(p[0]), p[1]))),
    ]
    return [
        ("the sign is wrong: this is the adjoint of the gradient, and the divergence is minus the adjoint", -right),
        ("these are forward differences; the adjoint of a forward difference looks back", forward),
        ("roll carries the arrows round the border", wrapped),
        ("the last row and column: what leaves the picture there does not count", open_end),
        ("the part to the right is missing", parts[0]),
        ("the part down is missing", parts[1]),
        ("the two parts are swapped: first down, then to the right", divergence(p.flip(0))),
    ]


def chambolle_step(fn: Callable[[Tensor, Tensor, float], Any]) -> Verdict:
    r"""Check ``fn(xi, z, w)``: the field after one step of Chambolle with :math:`\tau = 1/4`.

    Parameters
    ----------
    fn : callable
        Takes a field (2, 1, 1, H, W) and a picture (1, 1, H, W), float64, and the weight; returns a field.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _STEP)
    with Examination("chambolle_step", _STEP) as exam:
        f = noisy_patch(7, 9)
        for name, p, weight in (
            ("from xi = 0", torch.zeros(2, 1, 1, 7, 9, dtype=torch.float64), 0.1),
            ("from a field", field(), 0.1),
            ("from a field, another weight", field(seed=5), 0.7),
        ):
            hints = {tuple(f.shape): "this is a picture, x perhaps; the new field was asked for"}
            answer = exam.tensor(exam.call(fn, p, f, weight), p.shape, torch.float64, hints)
            exam.value(name, answer, _step(p, f, weight), rtol=1e-9, mistakes=_step_mistakes(p, f, weight))
        longest = float(answer.square().sum(dim=0).sqrt().max())
        exam.test("no arrow is longer than 1", longest <= 1 + 1e-12, f"the longest is {longest:.4f}", "at most 1")
    return exam.verdict()


def _step(
    p: Tensor,
    f: Tensor,
    weight: float,
    *,
    tau: float = 0.25,
    sign: float = 1.0,
    way: float = 1.0,
    scaled: bool = True,
    divided: bool = True,
    inside: bool = True,
    single: bool = False,
) -> Tensor:
    """Return the step, or what it becomes with one of its parts wrong."""
    u = f + sign * weight * divergence(p) if inside else f + divergence(p)
    slope = gradient(u) * (tau / weight if scaled else tau)
    length = slope.abs() if single else slope.square().sum(dim=0, keepdim=True).sqrt()
    moved = p + sign * way * slope
    return moved / (1 + length) if divided else moved


def _step_mistakes(p: Tensor, f: Tensor, weight: float) -> list[Mistake]:
    moved = _step(p, f, weight, divided=False)
    projected = moved / moved.square().sum(dim=0, keepdim=True).sqrt().clamp_min(1)
    return [
        ("the division by 1 + tau |grad x| / w is missing: arrows grow beyond 1", moved),
        ("this is a projected step: Chambolle divides by 1 + tau |grad x| / w everywhere", projected),
        ("tau is divided by w: the step of xi goes with grad x / w", _step(p, f, weight, scaled=False)),
        ("x is z + w div xi: the w is missing there", _step(p, f, weight, inside=False)),
        ("the sign of the step is wrong: xi grows along the gradient of x", _step(p, f, weight, way=-1.0)),
        (
            "this has the sign of Chambolle's paper, whose field is minus the one of this chapter",
            _step(p, f, weight, sign=-1.0),
        ),
        ("tau is 1/4, and this looks like 1/8", _step(p, f, weight, tau=0.125)),
        (
            "each part is divided by its own length; isotropic TV has one length for both",
            _step(p, f, weight, single=True),
        ),
        ("this is still the old field", p),
    ]
