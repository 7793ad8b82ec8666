"""The claims on histogram losses for networks that retouch: experiment `retouching`.

All are judged on the task ``moody``, where the target is not a function of the input: with the others, squared error
wins by construction.  Notes have the same on ``certain``.
"""

from __future__ import annotations

import numpy as np

from ..records import Record
from .claim import Claim, Evidence, beside, gathered, part
from .evidence import Nets, Paired, entries, left_out, paired

TASK = "moody"

STANDS = "photographs and a made-up retoucher stand for FiveK and films; 600 steps, no validation of lambda"


def _nets(arm: str, task: str = TASK) -> Nets:
    return Nets(arm, task)


def _over(
    record: Record, one: str, other: str, column: str = "psnr", how: str = "difference", task: str = TASK
) -> Paired:
    return paired(record, _nets(one, task), _nets(other, task), column, how=how)


def _certain(record: Record, one: str, other: str, name: str, unit: str, column: str, how: str) -> tuple[str, ...]:
    return beside(f"{name}, target certain", unit, lambda: _over(record, one, other, column, how=how, task="certain"))


def m1(record: Record) -> Evidence:
    """Judge the printed loss: higher mean PSNR than squared error alone, and than squared error with features."""
    parts = []
    for other, words in (("l2", "l2"), ("vgg", "l2 with VGG")):
        found = _over(record, "printed", other)
        parts.append((part(f"mean PSNR, l2 with the printed histogram term over {words}", found, "dB"), found))
    notes = _certain(record, "printed", "l2", "mean PSNR, printed over l2", "dB", "psnr", "difference")
    for arm, words in (
        ("unit", "with 1/K"),
        ("printed_mirror", "with mirror terms"),
        ("unit_mirror", "with 1/K and mirror terms"),
    ):
        notes += beside(f"{words}, over l2", "dB", lambda arm=arm: _over(record, arm, "l2"))  # type: ignore[misc]
    notes += beside(
        "on training pictures, printed over l2",
        "dB",
        lambda: paired(record, _nets("printed"), _nets("l2"), "psnr", "train"),
    )
    return gathered(*parts, notes=(*notes, STANDS))


def m4(record: Record) -> Evidence:
    """Judge what a sharp kernel loses: distance of histograms after training, a thousandth of a bin over a quarter."""
    found = _over(record, "sharp", "unit_mirror", "emd", "percent")
    name = "exact EMD of test pictures, kernel of L/1000 over 1/1000 of the range (both mended)"
    notes = beside(
        "exact EMD, without bins over the wide kernel",
        "%",
        lambda: _over(record, "sort", "unit_mirror", "emd", "percent"),
    )
    notes += beside("mean PSNR, sharp over wide", "dB", lambda: _over(record, "sharp", "unit_mirror"))
    return gathered((part(name, found, "%"), found), notes=(*notes, STANDS))


def curve_error(record: Record, entry_job: str, target_job: str) -> float:
    """Return how far the mean tone curve of a network is from that of the retoucher: root mean square, in the range."""
    own, target = (record.scores[f"{job}@curve"].astype(np.float64).mean(axis=0) for job in (entry_job, target_job))
    return float(np.sqrt(np.mean((own - target) ** 2)))


def curve_errors(record: Record, arm: str, task: str = TASK) -> dict[int, float]:
    """Return the error of the mean tone curve by seed; networks that ran away are left out."""
    (target,) = entries(record, Nets("input", task))
    return {
        entry["seed"]: curve_error(record, entry["job"], target["job"])
        for entry in entries(record, Nets(arm, task))
        if left_out(entry) is None
    }


def slopes(record: Record, arm: str, task: str = TASK) -> dict[int, float]:
    """Return the steepest slope of the mean tone curve by seed."""
    found = {}
    for entry in entries(record, Nets(arm, task)):
        if left_out(entry) is None:
            curve = record.scores[f"{entry['job']}@curve"].astype(np.float64).mean(axis=0)
            found[entry["seed"]] = float(np.max(np.diff(curve)) * (len(curve) - 1))
    return found


def m6(record: Record) -> Evidence:
    """Judge whether the histogram term brings tone curves nearer to the retoucher's: ramps of grey within pictures."""
    found = _percent(curve_errors(record, "printed"), curve_errors(record, "l2"))
    name = "distance of the mean tone curve from the retoucher's, printed over l2"
    notes = beside(
        "steepest slope of the mean curve, printed over l2",
        "%",
        lambda: _percent(slopes(record, "printed"), slopes(record, "l2")),
    )
    notes += beside(
        "distance of the curve, target certain",
        "%",
        lambda: _percent(curve_errors(record, "printed", "certain"), curve_errors(record, "l2", "certain")),
    )
    return gathered((part(name, found, "%", claimed=-1), found), notes=(*notes, STANDS))


def _percent(one: dict[int, float], other: dict[int, float]) -> Paired:
    both = sorted(one.keys() & other.keys())
    gone = tuple(f"seed {seed} has no partner" for seed in sorted(one.keys() ^ other.keys()))
    return Paired({seed: 100 * (one[seed] / other[seed] - 1) for seed in both}, gone)


def m8(record: Record) -> Evidence:
    """Judge the search for bins and weight: 256 over 50 and 100, and 1 over 0.1 and 10, by mean PSNR, as printed."""
    parts = []
    for other, words in (
        ("printed_k100", "256 bins over 100"),
        ("printed_k50", "256 bins over 50"),
        ("printed_01", "lambda 1 over 0.1"),
        ("printed_10", "lambda 1 over 10"),
    ):
        found = _over(record, "printed", other)
        parts.append((part(f"mean PSNR, {words}", found, "dB"), found))
    notes: tuple[str, ...] = ()
    for other, words in (("unit_01", "0.1"), ("unit_10", "10")):
        notes += beside(
            f"with 1/K, lambda 1 over {words}",
            "dB",
            lambda other=other: _over(record, "unit", other),  # type: ignore[misc]
        )
    return gathered(*parts, notes=(*notes, STANDS))


def m9(record: Record) -> Evidence:
    """Judge SSIM where colours shift: lower PSNR and larger colour difference than squared error."""
    low = _over(record, "ssim", "l2")
    far = _over(record, "ssim", "l2", "de00", "percent")
    parts = (
        (part("mean PSNR, SSIM over l2", low, "dB", claimed=-1), low),
        (part("CIEDE2000, SSIM over l2", far, "%"), far),
    )
    notes = _certain(record, "ssim", "l2", "CIEDE2000, SSIM over l2", "%", "de00", "percent")
    notes += _certain(record, "ssim", "l2", "mean PSNR, SSIM over l2", "dB", "psnr", "difference")
    return gathered(*parts, notes=(*notes, "SSIM with sigma 1.5, channel by channel; MS-SSIM is not tried", STANDS))


MUSTAFA = "Mustafa et al., 2022"

CLAIMS = (
    Claim(
        "M1",
        f"{MUSTAFA}, Figure 6",
        "l2 with a histogram term has a higher mean PSNR than l2 alone and than l2 with VGG.",
        "retouching",
        "mean PSNR, l2 with the printed histogram term over the others",
        "dB",
        m1,
    ),
    Claim(
        "M4",
        "our inference",
        "A sharp kernel in the soft histogram starves the gradient.",
        "retouching",
        "exact EMD after training, sharp kernel over wide",
        "%",
        m4,
    ),
    Claim(
        "M6",
        f"{MUSTAFA}, Figure 5",
        "A histogram term makes the tone curves of the network regular.",
        "retouching",
        "distance of the mean tone curve from the retoucher's, with the term over without",
        "%",
        m6,
    ),
    Claim(
        "M8",
        MUSTAFA,
        "Of 50, 100 and 256 bins 256 are best, and a weight of 1.",
        "retouching",
        "mean PSNR, 256 bins and weight 1 over the others",
        "dB",
        m8,
    ),
    Claim(
        "M9",
        MUSTAFA,
        "SSIM and MS-SSIM do not suit tasks in which colours shift.",
        "retouching",
        "mean PSNR and CIEDE2000, SSIM over l2",
        "dB",
        m9,
    ),
)
