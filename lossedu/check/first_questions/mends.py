"""The exercise on a broken loss: does every term of it pull, and image by image?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ... import data
from ...losses import l1_loss, ssim_loss
from ..examination import Examination
from ..numbers import WRONG_SIGN
from ..reader import NOT_FINITE, function
from ..verdict import Verdict

_CALL = "fn(x, y)"

#: What is added to the channels of two pictures: brighter and darker by different amounts, with a cast of colour.
_SHIFTS = ((0.12, 0.08, -0.05), (-0.16, -0.10, 0.04))

_FIRST = "the first term was right as it stood"
_WEIGHT = "it takes part, but its weight in found_loss is another one"
_RANGE = "its constants are those of pixels from 0 to 255: the pictures lie in [0, 1]"
_ALL = "the whole loss was multiplied by one number; the terms are to keep the weights of found_loss"
_DEAD = "nothing of it is left in the gradient: which call makes a plain number of a tensor?"
_BATCH = "the mean of the whole batch lets a dark picture make up for a bright one: take each picture by itself"
_CHANNELS = "the brightness of a picture is one mean over all of its pixels and channels"
_SOME = "one picture of the batch is compared and the other is not"
_SUM = "twice too much: the weight is one half, and of the pictures of a batch the mean is taken, not the sum"
_ABS = "without an absolute value a picture that is too dark is cheap"
_SQUARE = "squared, the term pulls the less the nearer it is: found_loss takes the absolute value"
_BESIDE = "something is added to the value that has no gradient: was the dead term left in beside the mended one?"


def mended_loss(fn: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(x, y)``: absolute error, and with weights of one half 1 - SSIM and the difference of the means.

    The gradient on a batch of a bright and a dark picture is taken apart into those of the three terms, of which the
    last takes each picture by itself.  The value has to follow the same terms, and at a perfect picture the gradient
    has to be finite.

    Parameters
    ----------
    fn : callable
        Takes two batches of colour pictures in [0, 1] and returns a scalar tensor.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("mended_loss", _CALL) as exam:
        x, y = _pictures()
        value = exam.call(fn, x, y)
        number = exam.number(value.detach() if isinstance(value, Tensor) else value)
        has_graph = isinstance(value, Tensor) and value.requires_grad
        exam.require(
            "has a gradient", has_graph, "it does" if has_graph else "none", "a scalar tensor that depends on x"
        )
        slope = _slope(value, x)
        if not bool(slope.isfinite().all()):
            exam.require("gradient", False, "NaN or infinite", "finite", NOT_FINITE)
        found, rest = _weights(slope, x, y)
        off = (x - y).detach().mean(dim=(1, 2, 3))
        signed = found["brightness"] * off.sign()[:, None]  # of each picture and channel; one half is right
        hints = ["", "", ""] if rest > 1e-3 else _hints(found, signed, off)
        exam.value("weight of pixels", float(found["pixels"]), 1.0, rtol=0.05, hint=hints[0])
        exam.value("weight of structure", float(found["structure"]), 0.5, rtol=0.05, hint=hints[1])
        seen = "not the same in all channels"
        if _near(signed, signed.mean(dim=1, keepdim=True)):
            seen = " and ".join(f"{weight + 0.0:.3g}" for weight in signed.mean(dim=1).round(decimals=4).tolist())
        exam.test("weight of brightness in two pictures", _near(signed, 0.5), seen, "0.5 and 0.5", hints[2])
        exam.test("nothing else pulls", rest < 1e-3, f"{100 * rest:.1f} % of the gradient is of another kind", "none")
        if all(item.ok for item in exam.properties):
            _test_value(exam, fn, number, x, y)
    return exam.verdict()


def _test_value(exam: Examination, fn: Callable[[Tensor, Tensor], Any], number: float, x: Tensor, y: Tensor) -> None:
    """The gradient is right: is there anything in the value that it does not know of, and does it end at the truth?"""
    same = y.clone().requires_grad_()
    perfect = exam.call(fn, same, y)
    least = exam.number(perfect.detach() if isinstance(perfect, Tensor) else perfect)
    rise, wanted = number - least, float(_truth(x, y).detach())
    exam.value("how much dearer it is than a perfect picture", rise, wanted, rtol=1e-3, hint=_BESIDE)
    finite = bool(_slope(perfect, same).isfinite().all())
    exam.test("gradient at a perfect picture", finite, "finite" if finite else "NaN or infinite", "finite", NOT_FINITE)


def _pictures() -> tuple[Tensor, Tensor]:
    y = torch.cat([data.crop(data.photograph("chelsea"), 90, left, 48) for left in (100, 160)]).double()
    shifts = torch.tensor(_SHIFTS, dtype=y.dtype)[:, :, None, None]
    x = y + shifts + data.correlated_noise(y.shape, length=0.0, std=0.05, seed=0, dtype=y.dtype)
    return x.requires_grad_(), y


def _truth(x: Tensor, y: Tensor) -> Tensor:
    return l1_loss(x, y) + 0.5 * ssim_loss(x, y) + 0.5 * (x - y).mean(dim=(1, 2, 3)).abs().mean()


def _near(weights: Tensor, wanted: Tensor | float) -> bool:
    return bool(((weights - wanted).abs() < 0.025).all())


def _hints(found: dict[str, Tensor], signed: Tensor, off: Tensor) -> list[str]:
    """Say what the weights of the three terms give away."""
    pixels, structure, mean = float(found["pixels"]), float(found["structure"]), float(signed.mean())
    if abs(mean) > 0.05 and _near(signed - pixels / 2, 0) and abs(structure - pixels / 2) < 0.025:
        return [_ALL, _ALL, _ALL]
    of_structure = _RANGE if _near(found["range"], 0.5) else _DEAD if abs(structure) < 1e-3 else _WEIGHT
    return [_FIRST, of_structure, _brightness_hint(signed, off)]


def _brightness_hint(signed: Tensor, off: Tensor) -> str:
    """Say what the weights of brightness, one for each picture and channel, give away."""
    each = signed.mean(dim=1)
    squares = off.abs() / off.abs().sum()
    if _near(signed, 0.0):
        return _DEAD
    if not _near(signed, each[:, None]):
        return _CHANNELS
    if bool((each.abs() < 0.025).any()):
        return _SOME
    if _near(each / each.sum(), squares):
        return _SQUARE
    patterns: dict[str, Tensor | float] = {
        _ABS: off.sign() / 2,
        _BATCH: off.sign() * off.mean().sign() / 2,
        _SUM: 1.0,
        WRONG_SIGN: -0.5,
    }
    return next((hint for hint, weights in patterns.items() if _near(each - weights, 0)), _WEIGHT)


def _slope(value: Any, x: Tensor) -> Tensor:
    if not (isinstance(value, Tensor) and value.requires_grad):
        return torch.zeros_like(x)
    (slope,) = torch.autograd.grad(value, x, allow_unused=True)
    return torch.zeros_like(x) if slope is None else slope


def _weights(seen: Tensor, x: Tensor, y: Tensor) -> tuple[dict[str, Tensor], float]:
    """Return the weights of the terms, by least squares, and the share of the gradient that is none of them.

    Those of brightness (2, 3) are of the mean of each picture and channel.  Structure for
    pixels from 0 to 255 counts as a term where it is there with its weight of one half.
    """
    means = (x - y).mean(dim=(2, 3)).flatten() / len(x) / x.shape[1]
    terms = (l1_loss(x, y), ssim_loss(x, y), *means, ssim_loss(x, y, data_range=255))
    slopes = torch.stack([torch.autograd.grad(term, x, retain_graph=True)[0].flatten() for term in terms], dim=1)
    whole = seen.double().flatten()
    shares = torch.linalg.lstsq(slopes, whole[:, None]).solution[:, 0]
    if not _near(shares[-1], 0.5):
        shares = torch.linalg.lstsq(slopes[:, :-1], whole[:, None]).solution[:, 0]
        shares = torch.cat([shares, shares.new_zeros(1)])
    rest = float((whole - slopes @ shares).norm() / whole.norm().clamp(min=1e-30))
    shares = shares.round(decimals=4) + 0.0
    found = {"pixels": shares[0], "structure": shares[1], "brightness": shares[2:-1].reshape(x.shape[:2])}
    return {**found, "range": shares[-1]}, rest
