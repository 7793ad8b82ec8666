"""Does all of x count: every image of the batch, every channel, the border?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from .findings import Finding, Outcome
from .opening import Case
from .probes import noise


def ignored_parts(case: Case) -> Outcome:
    """Look for parts of x that get no gradient, and whose strong noise leaves the value as it is."""
    case.need_calm()
    case.need_gradient()
    x, y = case.pair()
    value, slope = case.subject.gradient(x, y)
    assert slope is not None
    ignored: dict[str, list[str]] = {}
    for kind, name, part in _parts(slope):
        damaged = x.clone()
        damaged[part] += 0.3 * case.peak * noise(damaged[part], 21)
        # A median or a maximum has no gradient at most pixels, yet notices noise there.
        if case.subject.value(damaged, y) == value:
            ignored.setdefault(kind, []).append(name)
    told = f"no gradient, and noise of 0.3 there leaves the value as it is ({value:.6g})"
    findings = [_finding(kind, f"{', '.join(names)}: {told}") for kind, names in ignored.items()]
    case.cache["ignored"] = set(ignored)  # by kind: other checks need not wonder at what follows from it
    if findings:
        return "part of x is ignored", findings
    return "all images, all channels, up to the border", []


def _parts(slope: Tensor) -> Iterator[tuple[str, str, Any]]:
    """Yield kind, name and index of every image, channel and side of the border without a gradient."""
    there = slope != 0
    for kind, dim in (("image", 0), ("channel", 1)):
        for k in range(slope.shape[dim]):
            if not bool(there.select(dim, k).any()):
                # Slices, as an index alone would make a copy of other dimensions.
                index = (slice(None),) * dim + (slice(k, k + 1),)
                yield kind, f"{kind} {k} of {slope.shape[dim]}", index
    rows, columns = (there.any(dim=3).any(dim=0).any(dim=0), there.any(dim=2).any(dim=0).any(dim=0))
    for seen, before, after, axis in ((rows, "top", "bottom", 2), (columns, "left", "right", 3)):
        where = seen.nonzero().flatten().tolist()
        if not where:
            continue
        whole = (slice(None),) * axis
        if where[0] > 0:
            yield "border", _strip(where[0], axis, before), (*whole, slice(0, where[0]))
        if where[-1] < len(seen) - 1:
            count = len(seen) - 1 - where[-1]
            yield "border", _strip(count, axis, after), (*whole, slice(len(seen) - count, None))


def _strip(count: int, axis: int, side: str) -> str:
    return f"{count} {'rows' if axis == 2 else 'columns'} at the {side}"


def _finding(kind: str, evidence: str) -> Finding:
    if kind == "border":
        advice = (
            "Fine if the border is left out on purpose; a network is then free to put anything there. Otherwise look "
            "for a window without padding, or a crop."
        )
        return Finding("the border is ignored", "info", evidence, advice)
    if kind == "image":
        advice = "Only some images of a batch train: look for an index x[0] where the mean over the batch was meant."
        return Finding("an image is ignored", "warning", evidence, advice)
    advice = (
        "Nothing holds this channel: look for an index x[:, 0] where all channels were meant, or average over them."
    )
    return Finding("a channel is ignored", "warning", evidence, advice)
