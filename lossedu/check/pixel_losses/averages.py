"""The exercise on averages: one network wins the mean PSNR, the other the mean square error, and both are right."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ... import _validate
from ..examination import Examination
from ..verdict import Verdict

_MARGIN = 0.1
_LEAST, _MOST = 1e-5, 1e-1
#: Relative room at both ends: the .1 of single precision is a little more than .1.
_ROUNDING = 1e-6


def both_win(mse_a: Tensor | Sequence[float], mse_b: Tensor | Sequence[float]) -> Verdict:
    """Check two made-up networks: A must win by mean PSNR, B by mean square error, each by .1 dB or more.

    Parameters
    ----------
    mse_a, mse_b : Tensor or sequence of float
        Mean square error of each picture, 1-D, of one length of at least 2; between 1e-5 and 1e-1, that is from 50 dB
        down to 10 dB.

    Raises
    ------
    ValueError
        If one of them holds no real numbers.
    """
    a, b = (_validate.numbers(name, mse).double() for name, mse in (("mse_a", mse_a), ("mse_b", mse_b)))
    with Examination("both_win") as exam:
        one_axis = a.dim() == b.dim() == 1 and len(a) >= 2 and a.shape == b.shape
        seen = f"{tuple(a.shape)} and {tuple(b.shape)}"
        exam.require("one number a picture, for the same pictures", one_axis, seen, "(K,) and (K,), K at least 2")
        ends = min(float(a.min()), float(b.min())), max(float(a.max()), float(b.max()))
        possible = ends[0] >= _LEAST * (1 - _ROUNDING) and ends[1] <= _MOST * (1 + _ROUNDING)
        exam.require("errors of pictures", possible, f"from {ends[0]:.2g} to {ends[1]:.2g}", f"{_LEAST} to {_MOST}")
        by_psnr = float((10 * (b / a).log10()).mean())
        by_mse = float(10 * (b.mean() / a.mean()).log10())
        hint = _MANY if by_mse <= -_MARGIN else _HARD if by_psnr >= _MARGIN else _BOTH
        wanted = f"A ahead by at least {_MARGIN} dB"
        exam.test("mean PSNR", by_psnr >= _MARGIN, _ahead(by_psnr), wanted, hint)
        wanted = f"B ahead by at least {_MARGIN} dB"
        exam.test("mean square error, in dB", by_mse <= -_MARGIN, _ahead(by_mse), wanted, hint)
        wins = int((a < b).sum())
        exam.notes.append(f"A is better on {wins} of {len(a)} pictures.")
    return exam.verdict()


_MANY = "PSNR is a logarithm, so it counts factors: let A be better by a factor on easy pictures, whose error is small"
_HARD = "the mean of errors belongs to the largest: let A be worse on one hard picture, by a little"
_BOTH = "take two pictures, one with a hundred times the error of the other; A halves the small one and loses the large"


def _ahead(gap: float) -> str:
    return f"A ahead by {gap:.3f} dB" if gap > 0 else f"B ahead by {-gap:.3f} dB" if gap < 0 else "no difference"


def gaps(mse_a: Tensor, mse_b: Tensor) -> tuple[float, float]:
    """Return by how many dB A is ahead in mean PSNR, and in pooled mean square error."""
    a, b = mse_a.double(), mse_b.double()
    return float((10 * torch.log10(b / a)).mean()), float(10 * torch.log10(b.mean() / a.mean()))
