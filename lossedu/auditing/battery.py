"""The battery: every check in order, and `audit`, which runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from .. import _validate
from . import (
    backward,
    completeness,
    costs,
    coverage,
    extremes,
    gradients,
    images,
    invariances,
    networks,
    optimum,
    precision,
    ranges,
    scale,
    terms,
    values,
)
from .custody import undisturbed
from .findings import SEVERITIES, TIMING, Check, Finding, Outcome, Skipped
from .opening import Case, open_case
from .report import Report
from .subject import STRETCHED, LossFailed, line_of

CHECKS: tuple[tuple[str, Callable[[Case], Outcome]], ...] = (
    ("one number is returned", values.return_value),
    ("same call, same value", values.repeatability),
    ("gradient in x", gradients.presence),
    ("every part of x counts", coverage.ignored_parts),
    ("value against gradient", completeness.dead_terms),
    ("gradient against finite differences", completeness.finite_differences),
    ("gradient of a multiple", backward.handed_on),
    ("terms of a weighted sum", terms.term_shares),
    ("equal, flat, black, white, inverted, outside", extremes.extreme_pairs),
    ("range of the data", ranges.data_range),
    ("equal images are best", optimum.floor),
    ("8-bit images", values.integer_input),
    ("half precision and autocast", precision.half_precision),
    ("digits near the optimum", precision.near_optimum),
    ("batch and size", invariances.batching),
    ("memory layout", invariances.strides),
    ("inputs unchanged", images.inputs_kept),
    ("parameters inside", networks.trainable_parameters),
    ("train() and eval()", networks.training_mode),
    ("scale beside MSE", scale.scale),
    ("price by frequency", optimum.rewards),
    ("sharp and soft steps", scale.sharp_steps),
    ("order of the images", invariances.symmetry),
    ("order of the channels", invariances.channel_order),
    ("channels and sizes", invariances.shapes),
    ("shapes inside", images.broadcasting),
    ("gradient in y", gradients.target_gradient),
    ("memory for backward", costs.memory),
    (TIMING, costs.duration),
)


def audit(loss: Callable[..., Any], *, x: Tensor | None = None, y: Tensor | None = None) -> Report:
    """Examine any loss: is it sane, what is wrong, what shows it, and what to do.

    The loss is only called and differentiated; no name or module is looked at, except to tell where something
    happened.  Whatever it raises becomes evidence.  Its state (parameters and their gradients, buffers, training mode)
    and all random generators are afterwards as before.

    Parameters
    ----------
    loss : callable
        ``loss(x, y)`` or ``loss(x)``, function or module, ours or a third party's, lower is better.
    x, y : Tensor, optional
        Processed image and reference, (N, C, H, W), floating, to try it on; at most two of them and their central
        256 x 256 pixels are used.  One alone serves as reference.  By default pictures made for the purpose.

    Returns
    -------
    Report
        ``.findings``, ``.ok`` (no error), ``.checks``, ``.passed``, ``.price``; prints as a table, shows as a page in a
        notebook, and ``.save("page.html")`` writes that page.

    Raises
    ------
    TypeError, ValueError
        If `loss` cannot be called or is a class, or the images are no floating (N, C, H, W) pair of finite numbers.

    Notes
    -----
    Convention: images in [0, 1] unless `y` holds values above 2, which is read as 0 to 255 (or 1023, 4095,
    65535).  "error" is what makes training fail or go wrong, "warning" what may, "info" a property.  Blindness and
    asymmetry are properties; a range that was not passed is a warning.

    Examples
    --------
    >>> import torch
    >>> report = audit(lambda x, y: (x.round() - y).abs().mean())
    >>> report.ok, report.findings[0].name
    (False, 'no gradient')
    """
    _validate.function("loss", loss)
    if isinstance(loss, type):
        raise TypeError(f"loss must be an instance, got the class {loss.__name__}; pass {loss.__name__}()")
    with undisturbed(loss):
        case = open_case(loss, x, y)
        if isinstance(case, LossFailed):
            return Report(_label(loss), (_unusable(case),), (Check("loss(x, y)", "found", str(case)),))
        return _examined(case)


def _examined(case: Case) -> Report:
    findings, checks = list(case.notes), []
    for name, check in CHECKS:
        try:
            outcome, found = check(case)
        except Skipped as reason:
            checks.append(Check(name, "skipped", str(reason)))
            continue
        except LossFailed as failure:
            if "refuses" in case.cache:
                checks.append(Check(name, "skipped", f"the loss refuses such values: {failure.message}"))
                continue
            advice = "It worked on the audit's first pair; find out what is different here."
            outcome, found = "the loss failed", [Finding("crash", "warning", f"{name}: {failure}", advice)]
        findings += found
        checks.append(Check(name, "found" if found else "passed", outcome))
    told = "; ".join([text for text in case.subject.warned.values() if STRETCHED not in text][:3])
    if told:
        advice = "Read them once; a warning that comes at every step hides the one that matters."
        findings.append(Finding("Python warnings", "info", told, advice))
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    pictures = (case.x[0], case.y[0] if case.reference else None, None if case.gradient is None else case.gradient[0])
    return Report(_label(case.subject.loss), tuple(findings), tuple(checks), case.cache.get("price"), pictures)


def _label(loss: object) -> str:
    """Return what to call the loss on paper."""
    name = getattr(loss, "__name__", "")
    if name == "<lambda>" and (code := getattr(loss, "__code__", None)) is not None:
        return f"lambda at {line_of(code.co_filename, code.co_firstlineno)}"
    return str(name) if name else type(loss).__name__


def _unusable(failure: LossFailed) -> Finding:
    """Return the finding about a loss that cannot be called or returns no tensor."""
    if failure.returned == "NoneType":
        return Finding("returns nothing", "error", "loss(x, y) returned None", "The function ends without a return.")
    if failure.returned:
        advice = (
            "Return one floating tensor that is still part of the graph: no float, tuple, dict, integers or .item()."
        )
        return Finding("return value", "error", f"loss(x, y) {failure}", advice)
    return Finding("crash", "error", str(failure), _crash_advice(failure.message))


def _crash_advice(message: str) -> str:
    known = {
        "must be Tensor, not": "A torch function was given a Python number: use math.exp for one number, or build "
        "the whole window as a tensor with torch.arange.",
        "expected scalar type": "Two dtypes meet: build constants with the dtype of the image, w.to(x).",
        "same device": "Two devices meet: build constants on the image's device, w.to(x), or register them as buffers.",
        "in-place operation": "Do not write into the images: use the version without underscore, or clone first.",
        "not compatible with input tensor": "Use reshape instead of view.",
    }
    for words, advice in known.items():
        if words in message:
            return advice
    return "It must run on two floating images (N, C, H, W): tried were 3 channels of 64 to 256 pixels, and 1 channel."
