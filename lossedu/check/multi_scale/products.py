"""Exercises on the product over scales: all products that leave one factor out, and the gradient that needs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...filters import gaussian_window
from ...losses import ms_ssim_sigma_grad
from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..structural_similarity.textbook import RIGHT, noisy_patch
from ..verdict import Verdict

_LEAVE = "fn(cs)"
_GRADIENT = "fn(x, y, sigmas)"


def leave_one_out(fn: Callable[[Tensor], Any]) -> Verdict:
    r"""Check ``fn(cs)``: for each factor the product of all others, :math:`\prod_{j\ne i} cs_j`, also where some are 0.

    Parameters
    ----------
    fn : callable
        Takes factors (M, N), float64, M along the first axis; returns (M, N).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _LEAVE)
    with Examination("leave_one_out", _LEAVE) as exam:
        random = torch.rand(5, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64) - 0.2
        cases = {
            "by hand: 2, 3, 5": [[2.0], [3.0], [5.0]],
            "one factor alone": [[0.7]],
            "five factors, some negative": random.tolist(),
            "one factor is 0": [[0.0, 2.0], [3.0, 0.0], [5.0, 7.0]],
            "two factors are 0": [[0.0], [0.0], [4.0], [0.5]],
        }
        for name, values in cases.items():
            cs = torch.tensor(values, dtype=torch.float64)
            given = exam.call(fn, cs)
            if isinstance(given, Tensor) and given.shape == cs.shape:
                bad = int((~torch.isfinite(given)).sum())
                seen = f"{bad} of {cs.numel()} values are NaN or infinite" if bad else "every value is finite"
                exam.require(f"{name}: finite", bad == 0, seen, "no NaN, no infinity", _DIVIDED)
            answer = exam.tensor(given, cs.shape, torch.float64, {tuple(cs.shape[1:]): _ALL})
            right_so_far = all(item.ok for item in exam.properties)
            exam.value(name, answer, _others(cs), rtol=1e-10, atol=1e-14, mistakes=_leave_mistakes(cs, right_so_far))
    return exam.verdict()


_DIVIDED = "the product of all, divided by each, is 0/0 where a factor is 0: multiply those before by those after"
_ALL = "this is one product for all; each factor needs its own, without itself"


def _others(cs: Tensor) -> Tensor:
    return torch.stack([torch.cat((cs[:i], cs[i + 1 :])).prod(0) for i in range(len(cs))])


def _leave_mistakes(cs: Tensor, right_so_far: bool) -> list[Mistake]:
    if bool((cs == 0).any()):
        # What was right without a zero is no product of all; what was wrong has been explained.
        eps = "an eps in the denominator gives 0 where a factor is 0; the product of the others is not 0 there"
        return [(eps, torch.where(cs == 0, 0.0, _others(cs)))] if right_so_far else []
    before = torch.cat((torch.ones_like(cs[:1]), cs.cumprod(0)[:-1]))
    after = torch.cat((cs.flip(0).cumprod(0).flip(0)[1:], torch.ones_like(cs[:1])))
    return [
        ("this is the product of all factors, each its own among them", cs.prod(0).expand_as(cs)),
        ("these are the factors before each; those after are missing", before),
        ("these are the factors after each; those before are missing", after),
        ("this is a running product that has the factor itself in it", cs.cumprod(0)),
    ]


def ms_ssim_patch_gradient(fn: Callable[[Tensor, Tensor, Sequence[float]], Any]) -> Verdict:
    """Check ``fn(x, y, sigmas)``: the gradient of 1 - l_M prod cs_j of one patch, every window as large as the patch.

    Parameters
    ----------
    fn : callable
        Takes two patches (1, 1, K, K), float64, K odd, and the widths; returns (1, 1, K, K).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _GRADIENT)
    with Examination("ms_ssim_patch_gradient", _GRADIENT) as exam:
        x, y = noisy_patch(17)
        five = (0.5, 1.0, 2.0, 4.0, 8.0)
        cases = [
            ("equal patches", y, y, five),
            ("one window: the gradient of SSIM", x, y, (1.5,)),
            ("two windows", x, y, (1.0, 3.0)),
            ("five windows", x, y, five),
            ("opposite patches, negative cs", 1 - y, y, five),
        ]
        for name, a, b, sigmas in cases:
            answer = exam.tensor(exam.call(fn, a, b, sigmas), a.shape, torch.float64, {(17, 17): "keep the shape of x"})
            right = ms_ssim_sigma_grad(a, b, sigmas=sigmas, form="patch")
            exam.value(name, answer, right, rtol=1e-7, atol=1e-12, mistakes=_gradient_mistakes(a, b, sigmas))
        for number, weights in enumerate((_along_rows(17), RIGHT.window(17, 1.0)), 1):
            a, b = _with_a_vanishing_factor(weights)
            given = exam.call(fn, a, b, (1.0, 3.0))
            bad = int((~torch.isfinite(given)).sum()) if isinstance(given, Tensor) else 1
            seen = f"{bad} values are NaN or infinite" if bad else "every value is finite"
            exam.require(f"a cs is 0, patch {number}: finite", bad == 0, seen, "no NaN, no infinity", _DIVIDED)
            right = ms_ssim_sigma_grad(a, b, sigmas=(1.0, 3.0), form="patch")
            answer = exam.tensor(given, a.shape, torch.float64)
            exam.value(f"a cs is 0, patch {number}", answer, right, rtol=1e-7, atol=1e-12, hint=_SHIFTED)
    return exam.verdict()


_SHIFTED = "right where no factor is 0: an eps in a denominator, or a mask, loses the product of the others here"


def _along_rows(size: int) -> Tensor:
    row = gaussian_window(1.0, size).double()
    return torch.outer(row, row)


def _with_a_vanishing_factor(weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return two patches for which cs under these weights is exactly 0, in whatever order it is computed.

    Both are 0 but for two pixels of opposite sign and equal weight: all means are exactly 0.  In x these are a power of
    two, so that weight times x times y is rounded once; y is chosen so that the result is -C2 / 4.  For sigma = 1 and
    these pixels the digits of the weight are above those of C2 / 4, so that the rounded quotient, multiplied by the
    weight, gives C2 / 4 again.  Windows that differ in the last digit give a cs of about 1e-16.
    """
    size = weights.shape[-1]
    before, after = size // 2 - 1, size // 2 + 1
    x = torch.zeros(1, 1, size, size, dtype=torch.float64)
    x[..., before, before], x[..., after, after] = 1 / 16, -1 / 16
    weight = float(weights[after, after])  # torch divides a number by a tensor in two steps, and rounds twice
    return x, -x * (256 * (RIGHT.c2 / 4 / weight))


def _parts(x: Tensor, y: Tensor, sigmas: Sequence[float]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return l of the last window and its slope, and all cs and their slopes."""
    terms = [RIGHT.terms(x, y, sigma) for sigma in sigmas]
    slopes = [RIGHT.gradients(x, y, sigma) for sigma in sigmas]
    return terms[-1][0], slopes[-1][0], torch.stack([t[1] for t in terms]), torch.stack([s[1] for s in slopes])


def _gradient_mistakes(x: Tensor, y: Tensor, sigmas: Sequence[float]) -> list[Mistake]:
    l, dl, cs, dcs = _parts(x, y, sigmas)
    others = _others(cs[:, None])[:, 0]
    through = (others[:, None, None, None, None] * dcs).sum(0)
    right = -(dl * cs.prod() + l * through)
    found: list[Mistake] = [
        ("the minus is missing: the loss is 1 - MS-SSIM, see E2", -right),
        ("the part of the luminance is missing", -l * through),
        ("the parts of the contrast-structure terms are missing", -dl * cs.prod()),
    ]
    if len(sigmas) > 1:
        first, slope = RIGHT.terms(x, y, sigmas[0])[0], RIGHT.gradients(x, y, sigmas[0])[0]
        found += [
            (
                "there is no scale 0: this counts the first scale twice, see E3",
                right - l * others[0] * dcs[0],
            ),
            ("the luminance belongs to the last window, not to the first", -(slope * cs.prod() + first * through)),
            ("each slope must be multiplied by the other factors", -(dl * cs.prod() + l * dcs.sum(0))),
            (
                "each slope is multiplied by all factors, its own among them",
                -(dl * cs.prod() + l * cs.prod() * dcs.sum(0)),
            ),
        ]
    return found
