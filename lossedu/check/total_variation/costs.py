"""Exercises on what total variation charges for an edge, and what contrast it takes from a shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

from torch import Tensor

from ..examination import Examination
from ..numbers import Mistake
from ..reader import function, is_plain
from ..verdict import Verdict

#: Into how many equal steps the edge from 0 to 1 is cut.
CUTS = (1, 4, 16)

_KINDS = {"tv": [1.0] * 3, "squared": [1 / k for k in CUTS]}


def edge_costs(tv: Sequence[float] | Tensor, squared: Sequence[float] | Tensor) -> Verdict:
    """Check what an edge from 0 to 1 costs along one row when it is cut into 1, 4 and 16 equal steps.

    Parameters
    ----------
    tv, squared : sequence of float, or Tensor
        Three sums each, right to 0.1 %: of the absolute and of the squared differences.
    """
    with Examination("edge_costs") as exam:
        for name, given in (("tv", tv), ("squared", squared)):
            listed = _listed(given)
            fits = len(listed) == len(CUTS) and all(isinstance(one, Real) and one == one for one in listed)
            hint = "one number for each of the edges with 1, 4 and 16 steps"
            exam.require(f"{name}: three numbers", fits, repr(given)[:60], "a list of three numbers", hint)
            for cut, seen, right in zip(CUTS, listed, _KINDS[name], strict=True):
                title = f"{name}: edge in {cut} step{'s' if cut > 1 else ''}"
                hint = _ROUNDED if abs(seen - right) < 0.05 * right else ""
                exam.value(title, float(seen), right, rtol=1e-3, mistakes=_cost_mistakes(name, cut), hint=hint)
        if exam.properties and all(item.ok for item in exam.properties):
            exam.notes.append("Who pays by the square is paid for blurring; who pays by the difference is not.")
    return exam.verdict()


_ROUNDED = "this is near, and rounded too far: give a fraction, or digits enough for 0.1 %"


def _listed(given: Any) -> list[Any]:
    """Return the numbers of a list, a tensor or a list of tensors; nothing if it is something else."""
    if isinstance(given, Tensor):
        return list(given.tolist()) if is_plain(given) and given.ndim == 1 else []
    if not isinstance(given, Sequence) or isinstance(given, str):
        return []
    return [one.item() if isinstance(one, Tensor) and is_plain(one) and one.numel() == 1 else one for one in given]


def _cost_mistakes(name: str, cut: int) -> list[Mistake]:
    one = 1 / cut
    rows = ("this is the sum of 32 rows, as in the text; one row was asked for", 32.0 if name == "tv" else 32 * one)
    if name == "tv":
        return [
            ("this is the square: absolute differences add up to the height however it is cut", one),
            ("this is one step alone; there are several", one),
            ("this counts the steps; each is only a part of the height", float(cut)),
            rows,
        ]
    return [
        ("this is one step alone; there are several of its square", one**2),
        ("each step was not squared: their squares are what is added", 1.0),
        ("this counts the steps; each is only a part of the height", float(cut)),
        rows,
    ]


#: Shape -> half of its rim over its area, times its size: what it loses is this, times 2 w, over its size.
_SHAPES = {"stripe": 1.0, "disc": 1.0, "step": 0.5}
_CASES = (("stripe", 12, 0.6), ("disc", 20, 1.0), ("step", 48, 2.0), ("stripe", 5, 0.2), ("disc", 8, 0.4))

#: Radius and height of the disc that is to vanish.
_GONE = (8, 0.5)

_CALL = "fn(shape, size, w)"


def contrast_loss(fn: Callable[[str, float, float], Any], gone: float | None = None) -> Verdict:
    r"""Check ``fn(shape, size, w)``: how far total variation moves the level of a shape in a wide flat world.

    Parameters
    ----------
    fn : callable
        Takes "stripe" (size: its width n), "disc" (size: its radius r) or "step" (size: the width n of the plateau on
        one side of it, the border of the picture on the other) and the weight w of ROF; returns a positive number.
    gone : float, optional
        The least w at which a disc of radius 8 and height 0.5 is gone, on ground so wide that it hardly moves.
        Without it the answer does not pass.

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """
    function("fn", fn, _CALL)
    with Examination("contrast_loss", _CALL) as exam:
        for shape, size, weight in _CASES:
            answer = exam.number(exam.call(fn, shape, size, weight))
            right = 2 * weight * _SHAPES[shape] / size
            name = f"{shape} of {'radius' if shape == 'disc' else 'width'} {size}, w = {weight}"
            exam.value(name, answer, right, rtol=1e-3, mistakes=_loss_mistakes(shape, size, weight))
        if gone is None:
            exam.test("gone: disc of radius 8, height 0.5", False, "gone is missing", "a weight, as gone=")
        else:
            radius, height = _GONE
            right, hint = height * radius / 2, "it is gone where what it loses, as your function says it, is its height"
            exam.value(
                "gone: disc of radius 8, height 0.5",
                exam.number(gone),
                right,
                rtol=1e-3,
                hint=hint,
                mistakes=[
                    ("so it is where its surroundings move as far as the disc; wide ground hardly moves", right / 2),
                    ("the disc loses 2w/r, and not w/r", right * 2),
                    ("this is a weight for a height of 1", radius / 2),
                ],
            )
        exam.notes.append("`variational.rof` finds 0.1002 for the disc of radius 20 at w = 1, drawn with soft pixels.")
    return exam.verdict()


def _loss_mistakes(shape: str, size: float, weight: float) -> list[Mistake]:
    right = 2 * weight * _SHAPES[shape] / size
    rim = {
        "stripe": "a stripe has two edges, and TV pays for both",
        "disc": "the rim of a disc is 2 pi r, its area pi r^2",
        "step": "a step has one edge: the border of the picture costs nothing",
    }[shape]
    return [
        (rim, right / 2),
        (rim, right * 2),
        ("the sign is wrong: a positive number was asked for", -right),
        ("this does not depend on the size: divide by it", right * size),
        ("w is missing", right / weight),
        ("size is the radius; its square is not needed, the rim grows with the radius too", right / size),
        ("this is the weight of a loss of means, c = 2 w", right * 2),
    ]
