"""The exercise that transcribes SSIM, (3.1) to (3.3) of the book."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ..examination import Examination
from ..numbers import Mistake, recognise
from ..reader import function
from ..verdict import Verdict
from .textbook import RIGHT, WRONG, flat, noisy_patch

_CALL = "fn(x, y, sigma)"


def ssim_at_centre(fn: Callable[[Tensor, Tensor, float], Any]) -> Verdict:
    """Check ``fn(x, y, sigma)``: SSIM of the one Gaussian window as large as the patches, (3.1) to (3.3).

    Parameters
    ----------
    fn : callable
        Takes two patches (1, 1, K, K), float64, K odd, and the window's sigma; returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    ramp = 0.1 * (torch.arange(3, dtype=torch.float64) - 1).expand(1, 1, 3, 3)
    clean = noisy_patch(11)[1]
    cases = [
        ("equal patches", clean, clean, 1.5),
        ("value by hand: two flat patches, .4 and .6", flat(0.4, 11), flat(0.6, 11), 1.5),
        ("value by hand: rows .4 .5 .6 against .6 .5 .4, sigma 1000 (equal weights)", 0.5 + ramp, 0.5 - ramp, 1e3),
        ("value on a photograph with noise", *noisy_patch(11), 1.5),
        ("value on a photograph with a wider window", *noisy_patch(31), 5.0),
    ]
    with Examination("ssim_at_centre", _CALL) as exam:
        suspects: set[str] = set()
        for name, x, y, sigma in cases:
            answer = exam.number(exam.call(fn, x, y, sigma))
            luminance, contrast_structure = RIGHT.terms(x, y, sigma)
            right = luminance * contrast_structure
            # the same code gave all the answers: what did not explain the first wrong one cannot explain the next
            mistakes = [item for item in _mistakes(x, y, sigma) if not suspects or item[0] in suspects]
            exam.value(name, answer, right, rtol=1e-6, mistakes=mistakes)
            suspects = {item[0] for item in mistakes if recognise(answer, right, [item]) == item[0]} or suspects
    return exam.verdict()


def _mistakes(x: Tensor, y: Tensor, sigma: float) -> list[Mistake]:
    luminance, contrast_structure = RIGHT.terms(x, y, sigma)
    weights = RIGHT.window(x.shape[-1], sigma)
    variances = [(weights * z * z).sum() - (weights * z).sum() ** 2 for z in (x, y)]
    contrast = (2 * (variances[0] * variances[1]).clamp(min=0).sqrt() + RIGHT.c2) / (sum(variances) + RIGHT.c2)
    mistakes: list[Mistake] = [
        ("this is the loss, 1 - SSIM; the index itself was asked for", 1 - luminance * contrast_structure),
        ("this is l alone; SSIM is l times cs", luminance),
        ("this is cs alone; SSIM is l times cs", contrast_structure),
        ("this is l + cs; SSIM is their product", luminance + contrast_structure),
        (
            "sigma_xy is the covariance, not sigma_x times sigma_y: only it knows whether both vary together",
            luminance * contrast,
        ),
    ]
    for formula in WRONG:
        wrong = formula.terms(x, y, sigma)
        mistakes.append((formula.hint, wrong[0] * wrong[1]))
    return mistakes
