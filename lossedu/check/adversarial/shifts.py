"""Exercises on a squared error that looks for the best displacement, and on a picture that deceives it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import data
from ..examination import Examination
from ..numbers import Mistake
from ..reader import function, picture
from ..verdict import Target, Verdict
from .answers import distinct, number, slopes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CALL = "fn(x, y, shift)"


def errors(x: Tensor, y: Tensor, shift: int) -> Tensor:
    """Return the squared error of the middle of x against every part of y, (displacements, N, C, h, w)."""
    height, width = (side - 2 * shift for side in x.shape[-2:])
    middle = x[..., shift : shift + height, shift : shift + width]
    offsets = range(2 * shift + 1)
    return torch.stack([(middle - y[..., i : i + height, j : j + width]).square() for i in offsets for j in offsets])


def least(x: Tensor, y: Tensor, shift: int) -> Tensor:
    """Return the least mean square error over all displacements, for each picture, and its mean."""
    return errors(x, y, shift).mean(dim=(2, 3, 4)).amin(dim=0).mean()


def pictures() -> tuple[Tensor, Tensor]:
    """Return two grainy photographs (2, 3, 26, 28), float64, moved in different directions, their blue a little more.

    They are made such that the usual mistakes lead to different numbers.
    """
    generator = torch.Generator().manual_seed(8)
    photo = data.photograph("coffee").double()
    one, two = (data.crop(photo, top, left, (34, 36)) for top, left in ((146, 216), (96, 326)))
    canvas = torch.cat([one, two])
    canvas = 0.2 * canvas + 0.5 * torch.rand(canvas.shape, generator=generator, dtype=canvas.dtype)
    y, moved = canvas[..., 4:30, 4:32], []
    for scene, (i, j), grain in zip(canvas, ((-2, 1), (1, -2)), (0.01, 0.04), strict=True):
        rest = scene[:2, 4 - i : 30 - i, 4 - j : 32 - j]
        blue = scene[2:, 4 - i : 30 - i, 3 - j : 31 - j]
        both = torch.cat([rest, blue])
        moved.append(both + grain * torch.randn(both.shape, generator=generator, dtype=both.dtype))
    return torch.stack(moved), y


def min_shift(fn: Callable[[Tensor, Tensor, int], Any]) -> Verdict:
    """Check ``fn(x, y, shift)``: the mean over pictures of the least mean square error over displacements.

    Parameters
    ----------
    fn : callable
        Takes two batches (N, C, H, W), float64, and the largest displacement in rows and in columns; compares x less a
        frame of `shift` pixels with every equally large part of y, and returns one number.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    x, y = pictures()
    cases = {
        "both photographs, up to 2 pixels": (x, y, 2),
        "up to 3 pixels": (x, y, 3),
        "up to 1 pixel, less than they were moved": (x, y, 1),
        "no displacement: the mean square error": (x, y, 0),
        "one grey picture": (x[:1, :1], y[:1, :1], 2),
    }
    with Examination("min_shift", _CALL, _explain) as exam:
        for title, (a, b, shift) in cases.items():
            found = number(
                exam, exam.call(fn, a, b, shift), title, "the least of no number at all, or a mean over none"
            )
            right = float(least(a, b, shift))
            exam.value(title, found, right, rtol=1e-5, mistakes=distinct(_mistakes(a, b, shift)) if shift else [])
        leaf = x.clone().requires_grad_()
        total = slopes(exam, exam.call(lambda: fn(leaf, y, 2)), "stay in torch, and no .item()")
        (slope,) = torch.autograd.grad(total, leaf, allow_unused=True)
        slope = torch.zeros_like(x) if slope is None else slope
        wanted = x.clone().requires_grad_()
        (right_slope,) = torch.autograd.grad(least(wanted, y, 2), wanted)
        exam.value("gradient in x, at the best displacement", slope, right_slope, rtol=1e-5)
        still = exam.call(fn, y, y, 2)
        exam.value("0 for equal pictures", exam.number(still), 0.0, rtol=0, atol=1e-9)
    return exam.verdict()


def _explain(error: Exception) -> str:
    if "must match the size" in str(error):
        return "x less its frame and the part of y have to be equally large: H - 2 shift rows, W - 2 shift columns"
    return ""


def _mistakes(x: Tensor, y: Tensor, shift: int) -> list[Mistake]:
    every = errors(x, y, shift)
    means = every.mean(dim=(2, 3, 4))
    count, side = len(x), 2 * shift + 1
    square = means.view(side, side, count)
    cross = torch.cat([square[shift], square[:, shift]])
    moves = [(i, j) for i in range(-shift, shift + 1) for j in range(-shift, shift + 1)]
    rolled = torch.stack([(x - y.roll(move, (2, 3))).square().mean(dim=(1, 2, 3)) for move in moves])
    padded = F.pad(y, (shift,) * 4)
    height, width = x.shape[-2:]
    zeros = [(x - padded[..., shift + i :, shift + j :][..., :height, :width]).square() for i, j in moves]
    black = torch.stack([one.mean(dim=(1, 2, 3)) for one in zeros])
    right, turned = means.amin(dim=0).mean(), errors(y, x, shift).mean(dim=(2, 3, 4))
    channels = every.mean(dim=(3, 4))
    overlap = torch.stack([_overlap(x, y, i, j) for i, j in moves])
    named = {
        "roll brings in at one border what went out at the other: compare what both pictures have": rolled.amin(0),
        "zeros come in at the border: compare what both pictures have": black.amin(0),
        "the overlap is compared, another one for each displacement: here x always loses its frame": overlap.amin(0),
        "the frame is cut off y, and x is moved: it is the other way round here": turned.amin(0),
        "this is the largest error": means.amax(0),
        "this is the mean over all displacements": means.mean(0),
        "this is the mean square error of the whole pictures": (x - y).square(),
        "no displacement is tried": square[shift, shift],
        "one displacement for the whole batch: every picture has its own": means.mean(dim=1).amin()[None],
        "the least over displacements *and* pictures: every picture has its own": means.amin()[None],
        "the least is taken pixel by pixel: the whole picture moves": every.amin(dim=0).mean()[None],
        "the least is taken channel by channel: the whole picture moves": channels.amin(0),
        "rows or columns, but never both at once": cross.amin(0),
        "only down and to the right": square[shift:, shift:].flatten(0, 1).amin(0),
        "only up and to the left": square[: shift + 1, : shift + 1].flatten(0, 1).amin(0),
        "the last displacement is missing: range ends one before its end": square[:-1, :-1].flatten(0, 1).amin(0),
        "this is the sum over channels and pixels": right[None] * every[0, 0].numel(),
        "divided by all pixels of x, those of the frame too": right[None] * every[0, 0].numel() / x[0].numel(),
        "this is the sum over the pictures: take their mean": right[None] * count,
        "this is the square root": means.amin(0).sqrt(),
        "absolute differences instead of squares": every.sqrt().mean(dim=(2, 3, 4)).amin(0),
    }
    return [(hint, float(value.mean())) for hint, value in named.items()]


def _overlap(x: Tensor, y: Tensor, i: int, j: int) -> Tensor:
    height, width = x.shape[-2:]
    a = x[..., max(0, -i) : height - max(0, i), max(0, -j) : width - max(0, j)]
    b = y[..., max(0, i) : height - max(0, -i), max(0, j) : width - max(0, -j)]
    return (a - b).square().mean(dim=(1, 2, 3))


#: The largest displacement of the exercise, the sides of a picture that are accepted, how far each value has to be off.
REACH, SIDES, OFF = 4, (24, 256), 0.5


def free_negative(x: Tensor) -> Verdict:
    """Check a picture whose negative costs nothing once displacements up to 4 pixels are forgiven.

    Parameters
    ----------
    x : Tensor
        (1, C, H, W), C 1 or 3, in [0, 1], 24 to 256 pixels a side; no value nearer to 1/2 than 1/4.

    Raises
    ------
    TypeError
        If `x` is no floating tensor.
    """
    picture("x", x)
    with Examination("free_negative") as exam:
        shape = tuple(x.shape)
        good = len(shape) == 4 and shape[0] == 1 and shape[1] in (1, 3) and SIDES[0] <= min(shape[2:])
        good = good and max(shape[2:]) <= SIDES[1]
        exam.require("shape", good, str(shape), f"(1, 1 or 3, H, W), {SIDES[0]} to {SIDES[1]} pixels a side")
        z = exam.tensor(x, shape).double()
        inside = float(z.min()) >= -1e-6 and float(z.max()) <= 1 + 1e-6
        exam.require("values", inside, f"{float(z.min()):.3g} to {float(z.max()):.3g}", "within [0, 1]", "clamp")
        apart, nearest = float((1 - 2 * z).square().mean()), float((1 - 2 * z).abs().min())
        hint = "grey of 1/2 is its own negative: take values of at most 1/4 or at least 3/4"
        exam.test(
            "every value is off", nearest >= OFF - 1e-6, f"by {nearest:.3g} at least", f"by {OFF:g} or more", hint
        )
        cost = float(least(1 - z, z, REACH))
        exam.test(f"least MSE up to {REACH} pixels", cost <= 1e-6, f"{cost:.3g}", "at most 1e-06", _reason(z, cost))
        exam.target = _negative(z, apart, cost)
    return exam.verdict()


def _reason(z: Tensor, cost: float) -> str:
    if cost <= 1e-6:
        return ""
    for wider in range(REACH + 1, min(3 * REACH, (min(z.shape[-2:]) - 8) // 2) + 1):
        if float(least(1 - z, z, wider)) <= 1e-6:
            return f"with displacements of up to {wider} pixels it would be free: make the pattern finer"
    return "no displacement of a few pixels turns it into its negative: which pattern is dark where it was bright?"


def _negative(z: Tensor, apart: float, cost: float) -> Target:
    def draw() -> Figure:
        from ...figures import image_strip

        top, left = ((side - min(side, 96)) // 2 for side in z.shape[-2:])
        shown = [one[..., top : top + 96, left : left + 96] for one in (z, 1 - z)]
        return image_strip(shown, ["x", "its negative"], ["", f"MSE {apart:.2f}, least over displacements {cost:.2g}"])

    alt = "Two pictures side by side: the answer, and the same with light and dark changed round."
    return Target(draw, alt, "Your picture and its negative.")
