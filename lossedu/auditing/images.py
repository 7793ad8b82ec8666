"""What happens to the images themselves: are they written into, and are their shapes compared as meant?"""

from __future__ import annotations

import torch

from .findings import Finding, Outcome
from .opening import Case
from .subject import LossFailed


def inputs_kept(case: Case) -> Outcome:
    """The loss must not write into its images, whatever their values."""
    shift = 2 * case.peak  # what clamp_() leaves alone inside the range, it changes outside
    pairs = {
        "": (case.x, case.y),
        " of a pair above the range": (case.x + shift, case.y + shift),
        " of a pair below the range": (case.x - shift, case.y - shift),
    }
    changed: dict[str, str] = {}
    written: dict[str, None] = {}
    for where, images in pairs.items():
        held = [image.clone() for image in images]
        versions = [image._version for image in held]  # counts every in-place call, also one that changes no value
        try:
            case.subject.raw(held[0], held[1], copy=False, quiet=bool(where))
        except LossFailed:
            if not where:
                raise
        for name, now, then, version in zip("xy", held, images, versions, strict=True):
            if not torch.equal(now, then):
                changed.setdefault(name, where)
            elif now._version != version:
                written[name] = None
    advice = "Replace in-place calls (names that end in _, +=, indexed assignment) by ordinary ones, or clone first."
    if changed:
        where = min(changed.values(), key=len)
        evidence = f"{' and '.join(changed)}{where} had other values after the call"
        return "inputs are changed", [Finding("changes its input", "error", evidence, advice)]
    if written:
        evidence = f"an in-place call was made on {' and '.join(written)}; no value changed in what was tried"
        return "inputs are written to", [Finding("changes its input", "warning", evidence, advice)]
    return "inputs are left as they are", []


def broadcasting(case: Case) -> Outcome:
    """Shapes that differ inside the loss are stretched onto each other: torch says so, and it is hardly ever meant."""
    told = case.subject.stretched
    if not told:
        return "torch did not complain about shapes", []
    advice = (
        "Every image, channel or row is then compared with others than its own. Let both sides keep the same "
        "dimensions: mean(1, keepdim=True), for x and for y."
    )
    return "tensors of different shapes are compared", [Finding("broadcasting", "warning", told, advice)]
