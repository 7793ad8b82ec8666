"""Exercises on the derivative of one window in each of its pixels, (3.9) and (3.10) of the book."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..examination import Examination
from ..numbers import Mistake, gradient_mistakes, recognise
from ..reader import function
from ..verdict import Verdict
from .maps import gradient_target
from .textbook import RIGHT, WRONG, by_hand, flat, noisy_patch

Answer = Callable[[Tensor, Tensor, float], Any]

_CALL = "fn(x, y, sigma)"
_RTOL = 1e-6
_TERMS = ("l", "cs")


def luminance_gradient(fn: Answer) -> Verdict:
    r"""Check ``fn(x, y, sigma)``: the derivative of l in every pixel of x, (3.9).

    .. math:: \frac{\partial l}{\partial x_j} = 2 G_j\,\frac{\mu_y - \mu_x l}{\mu_x^2 + \mu_y^2 + C_1}

    Parameters
    ----------
    fn : callable
        Takes two patches (1, 1, K, K), float64, K odd, and the sigma of the one window as large as they are; returns
        (1, 1, K, K).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("luminance_gradient", _CALL) as exam:
        x, y = flat(0.4, 11), flat(0.6, 11)
        answer, right = _answer(exam, fn, x, y, 1.5), RIGHT.gradients(x, y, 1.5)[0]
        # what turns the sign round need not be a minus: it may be x and y
        cause, total = recognise(answer, right, _mistakes(0, x, y, 1.5)), answer.sum()
        seen = f"brightening a patch that is too dark changes l by {float(total):.4g}"
        exam.test("sign", bool(total > 0), seen, "l goes up", cause)
        exam.value("sum by hand: two flat patches, .4 and .6", total, right.sum(), rtol=_RTOL, hint=cause)
        _on_photographs(exam, fn, 0)
    return exam.verdict()


def contrast_structure_gradient(fn: Answer) -> Verdict:
    r"""Check ``fn(x, y, sigma)``: the derivative of cs in every pixel of x, (3.10).

    .. math:: \frac{\partial\, cs}{\partial x_j}
       = 2 G_j\,\frac{(y_j - \mu_y) - cs\,(x_j - \mu_x)}{\sigma_x^2 + \sigma_y^2 + C_2}

    Parameters
    ----------
    fn : callable
        Takes two patches (1, 1, K, K), float64, K odd, and the sigma of the one window as large as they are; returns
        (1, 1, K, K).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("contrast_structure_gradient", _CALL) as exam:
        x, y = noisy_patch(11)
        answer = _answer(exam, fn, x, y, 1.5)
        total, felt = float(answer.sum()), bool(answer.sum().abs() > _RTOL * answer.abs().sum())
        seen = (
            f"the sum over the patch is {total:.4g}: a uniform shift changes cs" if felt else "no uniform shift is felt"
        )
        hint = "subtract both means, y - mu_y and x - mu_x, and weight every pixel with G"
        cause = recognise(answer, RIGHT.gradients(x, y, 1.5)[1], _mistakes(1, x, y, 1.5))
        exam.test("sums to 0", not felt, seen, "0", cause or hint)
        _on_photographs(exam, fn, 1)
    return exam.verdict()


_PLAIN = "mu_x and mu_y are weighted means, (G * x).sum() and (G * y).sum(), not x.mean() and y.mean()"
_MOMENTS = "means, variances and covariance are weighted with G, as in (3.1), not plain"
#: For l and for cs: a hint, and what was written otherwise than in `by_hand`.
_SLIPS: tuple[list[tuple[str, dict[str, Any]]], ...] = (
    [
        ("l is left out: l multiplies mu_x", {"factor": False}),
        ("this has C2 = 0.03^2 where C1 = 0.01^2 belongs", {"c1": RIGHT.c2}),
        (_PLAIN, {"plain_means": True}),
    ],
    [
        ("cs is left out: cs multiplies (x - mu_x)", {"factor": False}),
        ("this has C1 = 0.01^2 where C2 = 0.03^2 belongs", {"c2": RIGHT.c1}),
        (_PLAIN, {"plain_means": True}),
        (_MOMENTS, {"plain_means": True, "plain_spread": True}),
        (_MOMENTS, {"plain_means": True, "plain_spread": True, "correction": 1}),
        ("subtract both means: y - mu_y and x - mu_x", {"centred": False}),
    ],
)


def _answer(exam: Examination, fn: Answer, x: Tensor, y: Tensor, sigma: float) -> Tensor:
    hints: dict[tuple[int, ...], str] = {(): "this is one number for the patch; one for each pixel of x was asked for"}
    return exam.tensor(exam.call(fn, x, y, sigma), x.shape, torch.float64, hints)


def _on_photographs(exam: Examination, fn: Answer, term: int) -> None:
    for name, size, sigma in (("a photograph with noise", 11, 1.5), ("a photograph with a wider window", 31, 5.0)):
        x, y = noisy_patch(size)
        answer, right = _answer(exam, fn, x, y, sigma), RIGHT.gradients(x, y, sigma)[term]
        exam.value(f"value on {name}", answer, right, rtol=_RTOL, mistakes=_mistakes(term, x, y, sigma))
    exam.target = gradient_target(right, answer, _TERMS[term], zoom=6)


def _mistakes(term: int, x: Tensor, y: Tensor, sigma: float) -> list[Mistake]:
    gradients = RIGHT.gradients(x, y, sigma)
    right, weights = gradients[term], RIGHT.window(x.shape[-1], sigma)
    mistakes = gradient_mistakes(right, RIGHT.gradients(y, x, sigma)[term], 1, "")
    mistakes.append(("the weight G of each pixel is missing", right / weights))
    mistakes.append((f"this is the gradient of {_TERMS[1 - term]}", gradients[1 - term]))
    mistakes += [(hint, by_hand(x, y, sigma, **slip)[term]) for hint, slip in _SLIPS[term]]
    mistakes += [
        (f"{hint}, and x and y are swapped", by_hand(y, x, sigma, **slip)[term]) for hint, slip in _SLIPS[term]
    ]
    return mistakes + [(formula.hint, formula.gradients(x, y, sigma)[term]) for formula in WRONG]
