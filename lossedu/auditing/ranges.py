"""Does the loss know the range of the pixel values?

The question is put to its dependence on content.  A purely pixelwise loss charges an error the same on a flat ground
and on a picture; SSIM and its relatives charge less where there is texture.  The difference between the two is free
of all pixelwise terms, so it also shows one badly scaled term within a sum.  In the right range it is of its final
order of magnitude; where constants meant for 0 to 255 drown images in [0, 1] it is nearly nothing, appears when the
images are scaled by 255, and then stays.  Constants meant for [0, 1] betray themselves on images of 0 to 255 in the
same way: the difference is nearly nothing at 1 / 255 of [0, 1], and from [0, 1] on it stays.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .findings import Finding, Outcome
from .gradients import watched
from .opening import Case
from .probes import noise
from .subject import LossFailed, shortened

# At 3 a histogram over [0, 1] has nothing to say any more, and constants for 0 to 255 still drown everything.
_SCALES = (1.0, 3.0, 255.0, 1020.0)


def data_range(case: Case) -> Outcome:
    """Look for constants that belong to another range, and for a range that is taken from the images."""
    case.need_reference()
    own = f"[0, {case.peak:g}]"
    try:
        if found := _from_data(case):
            return "the range comes from the data", [found]
        if case.peak > 1 and (found := _too_narrow(case)):
            return "constants are too small for the images", [found]
        masking = [_content_dependence(case, scale) for scale in _SCALES]
    except LossFailed as failure:
        return f"values outside {own} are refused: {shortened(failure.message, 60)}", []
    if not all(map(math.isfinite, masking)):
        return f"values outside {own} give no finite answer", []
    now, wide, wider = min(masking[:2], key=abs), *masking[2:]
    real = abs(wide) > 1e-6
    drowned = real and abs(now) < 0.02 * abs(wide) and 0.5 * abs(wide) < abs(wider) < 2 * abs(wide)
    ranges = watched(case).ranges
    if drowned and case.peak > 1:
        evidence = (
            f"noise of {0.05 * case.peak:.3g} costs {now:.2g} more on flat ground than on your picture, {wide:.2g} "
            f"more when all is multiplied by 255"
        )
        advice = f"Its constants are made for larger values than your images hold: pass data_range={case.peak:g}."
        return f"constants drown images in {own}", [Finding("data range", "warning", evidence, advice)]
    if drowned:
        evidence = (
            f"the audit's pair costs {case.value:.3g}; noise of 0.05 costs {now:.2g} more on flat ground than on a "
            f"picture, {wide:.2g} more when all is multiplied by 255, and hardly more beyond ({wider:.2g} at 1020)"
        )
        if ranges:
            evidence += "; in use: " + ", ".join(f"{name} = {value:g}" for name, value in ranges.items())
        pass_it = f"{next(iter(ranges))}=1.0" if ranges else "data_range=1.0 (also called max_val, val_range or L)"
        advice = (
            "Its constants are made for 0 to 255: on images in [0, 1] this term is almost a constant and pulls almost "
            f"nothing. Pass {pass_it}, or multiply the images by 255."
        )
        return "constants drown images in [0, 1]", [Finding("data range", "warning", evidence, advice)]
    return f"constants fit images in {own}" if real else "no constant depends on the range", []


def _content_dependence(case: Case, scale: float) -> float:
    """Return the price of noise on flat ground minus that of the same noise on the picture, all scaled."""
    x, y = case.pair()
    error = 0.05 * case.peak * noise(y, 21)
    flat = torch.full_like(y, 0.5 * case.peak)
    # A strip stays as it is: a histogram of which every value lies outside would be 0 / 0.
    kept = torch.arange(y.shape[-1], device=y.device) >= y.shape[-1] * 7 // 8

    def priced(ground: Tensor) -> float:
        a, b = scale * (ground + error), scale * ground
        return case.subject.value(torch.where(kept, x, a), torch.where(kept, y, b))

    return priced(flat) - priced(y)


def _too_narrow(case: Case) -> Finding | None:
    """Find constants for [0, 1] under images of a larger range: multiplied by 255 again, nothing is new."""
    narrow, fitting, now = (_content_dependence(case, k / case.peak) for k in (1 / 255, 1.0, case.peak))
    if not all(map(math.isfinite, (narrow, fitting, now))) or not abs(now) > 1e-6:
        return None
    if not (abs(narrow) < 0.02 * abs(fitting) and 0.25 * abs(now) < abs(fitting) < 4 * abs(now)):
        return None
    return Finding(
        "data range",
        "warning",
        f"noise of 5 % of your range costs {now:.2g} more on flat ground than on your picture, and {fitting:.2g} more "
        f"when all is divided by {case.peak:g} (by {255 * case.peak:g}: {narrow:.2g})",
        f"Its constants are made for [0, 1]: on your images they are nearly 0 and no longer calm flat ground down. "
        f"Pass data_range={case.peak:g} (also called max_val, val_range or L), or divide the "
        f"images by {case.peak:g}.",
    )


def _from_data(case: Case) -> Finding | None:
    """Find a range that is measured on each batch: scaling changes nothing, one bright pixel changes everything."""
    x, y = case.pair()
    value = case.subject.value(x, y)

    def ignores(in_x: bool, in_y: bool) -> bool:
        """Return whether scaling these images leaves the value alone."""
        values = [case.subject.value(s * x if in_x else x, s * y if in_y else y) for s in (0.25, 4.0)]
        return all(abs(scaled - value) <= 1e-4 * abs(value) for scaled in values)

    tried = {"both images": (True, True), "x": (True, False), "y": (False, True)}
    if not abs(value) > 0 or not (scaled := next((name for name, which in tried.items() if ignores(*which)), "")):
        return None
    bright_x, bright_y = x.clone(), y.clone()
    bright_x[:, :, 0, 0] = bright_y[:, :, 0, 0] = 4.0 * case.peak
    changed = case.subject.value(bright_x, bright_y)
    if not abs(changed - value) > 0.2 * abs(value):
        return None
    return Finding(
        "data range",
        "warning",
        f"scaling {scaled} changes nothing, one bright pixel in both turns {value:.4g} into {changed:.4g}",
        "The range is taken from each batch, so that the same pair costs more or less in other company. Pass it: "
        f"data_range={case.peak:.1f}.",
    )
