"""The exercise on the sigma trick as a product of matrices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ...filters import gaussian_window
from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..structural_similarity.textbook import noisy_patch
from ..verdict import Verdict

_CALL = "fn(x, y, sigmas)"
_C2 = 0.03**2


def all_contrast_structures(fn: Callable[[Tensor, Tensor, Sequence[float]], Any]) -> Verdict:
    """Check ``fn(x, y, sigmas)``: cs of every patch under every window, each window as large as the patch.

    Parameters
    ----------
    fn : callable
        Takes patches (N, K, K), float64, K odd, and M widths; returns (N, M).

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("all_contrast_structures", _CALL) as exam:
        places = ((96, 208), (40, 180), (300, 100))
        pairs = [noisy_patch(15, top=top, left=left) for top, left in places]
        x, y = (torch.cat([pair[k][0] for pair in pairs]) for k in (0, 1))
        for name, a, b, sigmas in (
            ("equal patches", y, y, (1.0, 3.0)),
            ("patches with noise, two windows", x, y, (1.0, 3.0)),
            ("patches with noise, five windows", x, y, (0.5, 1.0, 2.0, 4.0, 8.0)),
            ("one patch, one window", x[:1], y[:1], (1.5,)),
            ("opposite patches", y, 1 - y, (2.0, 8.0)),
        ):
            shape = (len(a), len(sigmas))
            hints: dict[tuple[int, ...], str] = {}
            if shape[0] != shape[1]:
                hints[shape[::-1]] = "patches along rows, windows along columns: (N, M); this is its transpose"
            answer = exam.tensor(exam.call(fn, a, b, sigmas), shape, torch.float64, hints)
            exam.value(name, answer, _right(a, b, sigmas), rtol=1e-8, mistakes=_mistakes(a, b, sigmas))
    return exam.verdict()


def _windows(size: int, sigmas: Sequence[float]) -> Tensor:
    lines = [gaussian_window(sigma, size).double() for sigma in sigmas]
    return torch.stack([torch.outer(line, line).flatten() for line in lines])


def _right(x: Tensor, y: Tensor, sigmas: Sequence[float], *, c2: float = _C2, form: str = "") -> Tensor:
    windows = _windows(x.shape[-1], sigmas)
    if form == "sum":
        windows = windows / windows.amax(dim=1, keepdim=True)
    a, b = x.flatten(1), y.flatten(1)
    m_a, m_b, aa, bb, ab = (z @ windows.T for z in (a, b, a * a, b * b, a * b))
    if form == "raw":
        m_a, m_b = torch.zeros_like(m_a), torch.zeros_like(m_b)
    two = 1 if form == "one" else 2
    return (two * (ab - m_a * m_b) + c2) / (aa - m_a**2 + bb - m_b**2 + c2)


def _mistakes(x: Tensor, y: Tensor, sigmas: Sequence[float]) -> list[Mistake]:
    windows = _windows(x.shape[-1], sigmas)
    m_a, m_b = x.flatten(1) @ windows.T, y.flatten(1) @ windows.T
    luminance = (2 * m_a * m_b + 1e-4) / (m_a**2 + m_b**2 + 1e-4)
    right = _right(x, y, sigmas)
    first = _right(x, y, [sigmas[0]] * len(sigmas))
    found: list[Mistake] = [
        ("the means were not subtracted: the variance is E[x^2] - mu^2", _right(x, y, sigmas, form="raw")),
        ("the weights of each window must sum to 1", _right(x, y, sigmas, form="sum")),
        ("C2 is (0.03)^2", _right(x, y, sigmas, c2=0.03)),
        ("C2 is missing", _right(x, y, sigmas, c2=0.0)),
        ("a factor 2 is missing in the numerator", _right(x, y, sigmas, form="one")),
        ("this is l, not cs", luminance),
        ("this is l times cs; cs alone was asked for", luminance * right),
    ]
    if len(sigmas) > 1:
        found.append(("all windows have the first width: each row of the matrix needs its own", first))
    return found
