"""Find out how a loss wants to be called, and on what."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from .. import _validate
from .findings import Finding, Skipped
from .probes import degraded, picture
from .subject import LossFailed, Subject

# The last three are for losses with grey images only, and for pyramids that need 161 pixels.
_TRIES = ((3, 64), (3, 65), (3, 176), (3, 256), (1, 64), (1, 176))
_LARGEST = 256
_PEAKS = (255.0, 1023.0, 4095.0, 65535.0)
#: Seconds for value and gradient above which an audit tries fewer points and one image instead of two.
_SLOW = 0.015


@dataclass
class Case:
    """Everything that the checks share: the loss, the pair it is tried on, and what is known so far."""

    subject: Subject
    x: Tensor
    y: Tensor
    peak: float
    value: float
    gradient: Tensor | None
    wide: torch.dtype = torch.float32
    reference: bool = True  # the value depends on y
    slow: bool = False
    takes_double: bool = False
    cache: dict[str, Any] = field(default_factory=dict)
    notes: list[Finding] = field(default_factory=list)

    def pair(self, dtype: torch.dtype | None = None) -> tuple[Tensor, Tensor]:
        """Return the pair in `dtype`; by default in float64 if the loss takes that."""
        return self.x.to(dtype or self.wide), self.y.to(dtype or self.wide)

    def need_reference(self) -> None:
        """Skip a check that compares two images."""
        if not self.reference:
            raise Skipped("the loss has no reference image")

    def need_calm(self) -> None:
        """Skip a check that compares calls of a loss that differ anyway."""
        if "restless" in self.cache:
            raise Skipped(self.cache["restless"])

    def need_gradient(self) -> Tensor:
        """Skip a check that needs a gradient; return it."""
        if self.gradient is None or not bool(self.gradient.any()):
            raise Skipped("there is no gradient")
        return self.gradient


def given_pair(x: Tensor | None, y: Tensor | None) -> tuple[Tensor, Tensor, float] | None:
    """Check the reader's images, and return a pair of moderate size and the peak of its range; None without any."""
    one = x if x is not None else y
    if one is None:
        return None
    if x is not None and y is not None:
        x, y = _validate.images(x, y)
    else:
        name = "x" if x is not None else "y"
        _validate.image(name, one)
        x = y = one.to(_validate.working_dtype(one))
    rows, columns = (
        slice((side - k) // 2, (side - k) // 2 + k) for side in y.shape[-2:] for k in [min(side, _LARGEST)]
    )
    x, y = (image.detach()[:2, :, rows, columns].float().clone() for image in (x, y))
    for name, image in (("x", x), ("y", y)):
        if not bool(image.isfinite().all()):
            raise ValueError(f"{name} must hold finite numbers, got NaN or infinity in it")
    largest = float(y.abs().max())
    peak = 1.0 if largest <= 2 else next((top for top in _PEAKS if largest <= 1.02 * top), _PEAKS[-1])
    return (x if not torch.equal(x, y) else degraded(y, peak)), y, peak


def open_case(loss: Callable[..., Any], x: Tensor | None, y: Tensor | None) -> Case | LossFailed:
    """Return the case, or the first failure if the loss cannot be called at all."""
    subject = Subject(loss)
    own = given_pair(x, y)
    first: LossFailed | None = None
    tries = [(0, 0)] if own else list(_TRIES)
    while tries:
        channels, side = tries.pop(0)
        a, b, peak = own or _default_pair(side, channels, subject)
        # A gradient penalty needs an x that asks for a gradient at every call.
        for takes_pair, needs_graph in ((True, False), (True, True), (False, False)):
            if needs_graph and not (first is not None and "grad" in first.message):
                continue
            subject.takes_pair, subject.needs_graph = takes_pair, needs_graph
            try:
                value = subject.value(a, b)
            except LossFailed as failure:
                if first is None:
                    first = failure
                    tries += _sides_in(failure.message) if own is None else []
                continue
            case = _opened(subject, a, b, peak, value)
            # Stretched onto each other, one channel or row did not fail: that it worked says nothing.
            if first is not None and not needs_graph and not subject.stretched:
                case.notes.append(_note(takes_pair, own is None, channels, side, first))
            return case
        if first is not None and first.returned:
            break
    subject.takes_pair = True
    assert first is not None
    return first


def _sides_in(message: str) -> list[tuple[int, int]]:
    """Return the sides that an error at 64 x 64 speaks of: a network's fixed size, with or without a border."""
    numbers = sorted({int(word) for word in re.findall(r"\b\d{2,3}\b", message)})
    sides = numbers + [64 + a - b for a in numbers for b in numbers if a > b]
    return [(3, side) for side in dict.fromkeys(sides) if 16 <= side <= _LARGEST][:12]


def _default_pair(side: int, channels: int, subject: Subject) -> tuple[Tensor, Tensor, float]:
    device = next((p.device for module in subject.modules for p in module.parameters()), torch.device("cpu"))
    with torch.device("cpu"):  # whatever the default is
        y = picture((side, side), channels=channels).to(device)
    return degraded(y, 1.0).float(), y.float(), 1.0


def _opened(subject: Subject, x: Tensor, y: Tensor, peak: float, value: float) -> Case:
    broken, gradient, seconds = [], None, math.inf
    for _ in range(2):  # the first call may build windows, or load a library
        start = time.process_time()
        try:
            gradient = subject.gradient(x, y)[1]
        except LossFailed as failure:
            broken = [
                Finding("crash in backward", "error", str(failure), "Training calls backward(): it must not raise.")
            ]
        seconds = min(seconds, time.process_time() - start)
        if seconds < _SLOW or broken:
            break
    slow = seconds > _SLOW
    if slow and len(x) > 1:
        x, y = x[:1], y[:1]
        value, gradient = subject.value(x, y), None if gradient is None else subject.gradient(x, y)[1]
    case = Case(subject, x, y, peak, value, gradient, slow=slow, notes=broken)
    try:
        start = time.process_time()
        subject.value(x.double(), y.double())
        case.takes_double = True
        # Convolutions in float64 take several times as long.
        case.wide = torch.float32 if slow or time.process_time() - start > 2 * _SLOW else torch.float64
    except LossFailed as failure:
        case.cache["float64"] = str(failure)
    if not subject.takes_pair:
        case.reference = False
    else:
        other = 0.5 * y.flip(-1) + 0.3 * peak
        try:
            changed = subject.value(x, other) != value
            slope = subject.gradient(x, y, wrt_y=True)[1]
            case.reference = changed or (slope is not None and bool(slope.any()))
        except LossFailed:
            case.reference = True
    return case


def _note(takes_pair: bool, tried_sizes: bool, channels: int, side: int, first: LossFailed) -> Finding:
    """Return the finding about a first call that failed where another one worked."""
    if not takes_pair:
        return Finding(
            "one image",
            "info",
            f"loss(x, y) failed ({first}), loss(x) works",
            "Audited as a loss without a reference. To stand in a sum with others, let it accept and ignore y.",
        )
    if tried_sizes and channels == 1:
        return Finding(
            "grey images only",
            "info",
            f"three channels failed ({first}); one channel of {side} x {side} works",
            "Pass one channel at a time, or build the windows for as many channels as the image has.",
        )
    return Finding(
        "size",
        "info",
        f"64 x 64 failed ({first}); audited at {side} x {side}",
        "Know the smallest size before you choose the size of training patches.",
    )
