"""Exercises on channels: a test that notices when a loss treats them unlike, and the repair of one that does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ... import data
from ...losses.mix import mix_loss
from ...losses.pixel import l1_loss, mse_loss
from ..examination import Examination
from ..numbers import Mistake
from ..reader import function
from ..verdict import Verdict
from .ports import grouped_mix

Loss = Callable[[Tensor, Tensor], Tensor]

#: Below this a difference is rounding, in single precision.
ROUNDING, SEEN = 2e-5, 1e-4


def _weighted(*shares: float) -> Loss:
    def loss(x: Tensor, y: Tensor) -> Tensor:
        return ((x - y).square() * x.new_tensor(shares)[:, None, None]).mean()

    return loss


def _reflect(x: Tensor, y: Tensor) -> Tensor:
    return mix_loss(x, y, alpha=0.025, padding="reflect")


def _ported(x: Tensor, y: Tensor) -> Tensor:
    return 200 * grouped_mix(x, y, order="by width", together=True)


_SAME = "the same order for both pictures, loss(x[:, p], y[:, p]), less the value before, divided by that value"

#: Title, loss, whether it treats all channels alike, and what a test that is wrong about it does.
_TRIED: tuple[tuple[str, Loss, bool, str], ...] = (
    ("mean absolute error", l1_loss, True, _SAME),
    ("mean square error", mse_loss, True, _SAME),
    ("Mix of this book", _reflect, True, _SAME),
    ("weights .3, .6, .1", _weighted(0.3, 0.6, 0.1), False, "the three channels must have different errors"),
    ("weights .4, .2, .4", _weighted(0.4, 0.2, 0.4), False, "red and blue are alike here: try every order, not one"),
    ("weights .2, .2, .6", _weighted(0.2, 0.2, 0.6), False, "red and green are alike here: try every order, not one"),
    (
        "the port",
        _ported,
        False,
        "keep x near y, or MS-SSIM is 0 in any order; and no tolerance: the change may be small",
    ),
)


def permutation_test(fn: Callable[[Loss], Any]) -> Verdict:
    """Check ``fn(loss)``: by how much, relative to its value, a loss changes at most under a new order of channels.

    It is tried on losses that treat all channels alike, and on others that do not.

    Parameters
    ----------
    fn : callable
        Takes a loss, called as ``loss(x, y)`` with floating pictures (N, 3, H, W) of at least 32 pixels a side; returns
        one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, "fn(loss)")
    with Examination("permutation_test", "fn(loss)") as exam:
        for title, loss, alike, hint in _TRIED:
            answer = exam.number(exam.call(fn, loss))
            ok = abs(answer) < ROUNDING if alike else answer > SEEN
            wanted = "0 but for rounding" if alike else f"more than {SEEN:g}"
            exam.test(f"{title}: {'alike' if alike else 'not alike'}", ok, f"{answer:.2g}", wanted, hint)
        exact = exam.number(exam.call(fn, _weighted(1.0, 0.0, 0.0)))
        hint = "give every channel an error, of unlike strength, and divide the change by the value that you began with"
        exam.test("a loss of red alone can change by much", exact > 0.02, f"{exact:.2g}", "more than 0.02", hint)
    return exam.verdict()


def paired_by_channel(fn: Callable[[Tensor, Tensor], Any]) -> Verdict:
    """Check ``fn(x, y)``: the port of Mix, mended; alpha 0.025, no factor, 33 taps, zeros beyond the border.

    Parameters
    ----------
    fn : callable
        Takes two pictures (1, 3, H, W), float64; returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, "fn(x, y)")
    y = data.crop(data.photograph("astronaut"), 60, 180, 48).double()
    noise = torch.randn(y.shape, generator=torch.Generator().manual_seed(5), dtype=y.dtype)
    x = y + noise * y.new_tensor([0.02, 0.05, 0.08])[:, None, None]
    with Examination("paired_by_channel", "fn(x, y)") as exam:
        same = exam.number(exam.call(fn, y, y))
        exam.value("0 for equal pictures", same, 0.0, rtol=0, atol=1e-9)
        values = []
        for order in ([0, 1, 2], [1, 2, 0], [2, 1, 0]):
            values.append(exam.number(exam.call(fn, x[:, order], y[:, order])))
        spread = (max(values) - min(values)) / abs(values[0])
        hint = "a grouped convolution gives each channel five masks that stand side by side"
        exam.test("any order of channels", spread < 1e-9, f"values differ by {spread:.2g}", "the same value", hint)
        grey = exam.number(exam.call(fn, x[:, :1].expand_as(x), y[:, :1].expand_as(y)))
        right = float(grouped_mix(x[:, :1].expand_as(x), y[:, :1].expand_as(y)))
        mistakes = _mistakes(*(z[:, :1].expand_as(z) for z in (x, y)), grey=True)
        exam.value("a grey picture", grey, right, rtol=_SINGLE, mistakes=mistakes)
        exam.value("a picture in colour", values[0], float(grouped_mix(x, y)), rtol=_SINGLE, mistakes=_mistakes(x, y))
    return exam.verdict()


#: An answer may compute in single precision.
_SINGLE = 2e-5

#: Two slices of the port that mean another thing once its masks are put in order.
_SLICES = (
    "with the masks channel by channel l[:, -3:] and masks[-3:] are blue's widths 2, 4 and 8: take the widest of each"
)
_PRODUCT = "the product still runs over all channels: average over them"


def _mistakes(x: Tensor, y: Tensor, *, grey: bool = False) -> list[Mistake]:
    """On grey a product over all channels is the same in either order of the masks, and says nothing of the order."""
    right = float(grouped_mix(x, y))
    slices = [
        (_SLICES, grouped_mix(x, y, last_bright=True, last_masks=True)),
        (_SLICES, grouped_mix(x, y, last_bright=True)),
        (_SLICES, grouped_mix(x, y, last_masks=True)),
        (_SLICES, grouped_mix(x, y, together=True, last_masks=True)),
        (_PRODUCT, grouped_mix(x, y, together=True)),
        (_PRODUCT, grouped_mix(x, y, together=True, last_bright=False)),
    ]
    return [
        (
            _PRODUCT if grey else "masks of one width still stand together",
            float(grouped_mix(x, y, order="by width", together=True)),
        ),
        ("masks of one width still stand together", float(grouped_mix(x, y, order="by width"))),
        *((hint, float(value)) for hint, value in slices),
        ("the luminance is that of the first width, not of the last", float(grouped_mix(x, y, luminance=0))),
        ("the factor of 200 is still there", 200 * right),
    ]
