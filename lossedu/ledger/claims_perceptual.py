"""The claims on perceptual losses: what layers keep, how sparse and large they are, and what networks learn of them.

Experiments `inversion` (P1), `features` (P3 and P4) and `perceptual_sr` (P2 and P5).  VGG-16's last layer stands for
that of VGG-19, which the sources used.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..records import Record
from ..statistics import t_interval
from .claim import Claim, Evidence, beside, gathered, part
from .evidence import Missing, Nets, Paired, paired
from .parts import Part

#: The first and the last of the layers that are inverted.
FIRST, LAST = "relu1_2", "relu5_3"

#: ESRGAN's example has 11.17 % of the units of a layer active; at 30 % nobody would call them sparse.
SPARSE = 30.0

#: Two numbers are of the same size where one is at most three times the other, in decibels.
SAME_SIZE = 10 * math.log10(3)


class SameSize(Claim):
    """A claim that two numbers are of one size: its margin is a factor of three, and no just noticeable difference."""

    @property
    def margin(self) -> float:
        """The smallest difference of interest, in decibels."""
        return SAME_SIZE


STANDS = "VGG-16's conv5_3 and relu5_3 stand for VGG-19's conv5_4 and relu5_4"


def p1(record: Record) -> Evidence:
    """Judge what is lost on the way down: PSNR of inversions from the first layer over those from the last, trained.

    Each photograph is the mean over its seeds.  Whether *content* is kept is not measured by any of it.
    """
    found = _fall(record, "trained", FIRST, LAST)
    name = f"PSNR of inversions from {FIRST} over those from {LAST}, trained weights"
    notes = beside("the same with random weights", "dB", lambda: _fall(record, "random", FIRST, LAST))
    notes += ("what is measured is the detail that is lost; what content is kept is not",)
    return gathered((part(name, found, "dB", of="photographs"), found), notes=notes)


def _fall(record: Record, arm: str, one: str, other: str) -> Paired:
    here, there = _by_picture(record, arm, one), _by_picture(record, arm, other)
    pictures = sorted(here.keys() & there.keys())
    return Paired({place: here[name] - there[name] for place, name in enumerate(pictures)}, ())


def _by_picture(record: Record, arm: str, layer: str) -> Mapping[str, float]:
    """Return the mean PSNR of a layer's inversions over the seeds, by photograph."""
    found: dict[str, list[float]] = {}
    for run in record.runs:
        if (run.get("arm"), run.get("task")) == (arm, layer):
            found.setdefault(run["picture"], []).append(run["psnr"])
    if not found:
        raise Missing(f"record {record.name} has no runs of arm {arm}, task {layer}")
    return {name: float(np.mean(values)) for name, values in found.items()}


def p2(record: Record) -> Evidence:
    """Judge features before the activation against those after it: less error of brightness, and nearer by LPIPS.

    LPIPS looks through AlexNet, which has no part in the losses.  Brightness is the mean error of a picture, root mean
    square over the pictures.
    """
    before, after = Nets("before", "sr4"), Nets("after", "sr4")
    dim = paired(record, before, after, "brightness", how="percent", pool="rms")
    near = paired(record, before, after, "lpips_alexnet", how="percent")
    parts = (
        (part("error of brightness, before over after the activation", dim, "%", claimed=-1), dim),
        (part("LPIPS (AlexNet), before over after the activation", near, "%", claimed=-1), near),
    )
    notes = beside("mean PSNR, before over after", "dB", lambda: paired(record, before, after, "psnr"))
    return gathered(*parts, notes=(*notes, STANDS, "no adversary takes part"))


def p3(record: Record) -> Evidence:
    """Judge how sparse the last layer is after its activation: the share of active numbers, by photograph."""
    shares = 100 * _column(record, "active", "trained", LAST)
    over = Paired(dict(enumerate((shares - SPARSE).tolist())), ())
    name = f"share of active numbers of {LAST}, above {SPARSE:g} %"
    mean, low, high = t_interval(shares.tolist()) if len(shares) > 1 else (float(shares[0]), math.nan, math.nan)
    notes = (f"the share itself: {mean:.1f} % [{low:.1f}, {high:.1f}]", "VGG-16's relu5_3 stands for VGG-19's relu5_4")
    return gathered((part(name, over, "%", claimed=-1, of="photographs"), over), notes=notes)


def p4(record: Record) -> Evidence:
    """Judge whether SRGAN's factor brings the loss to the size of the squared error: within a factor of three.

    The picture compared with is a photograph enlarged by interpolation; both losses see [-1, 1], features are summed
    over channels, as in the paper.
    """
    values = tuple(_column(record, "scale", "trained", f"loss {LAST}").tolist())
    name = f"VGG loss of {LAST}, features over 12.75, over the squared error"
    one = Part(name, values, "dB", SAME_SIZE, 0, False, "photographs")

    def gap(column: str) -> Paired:
        return Paired(dict(enumerate(_column(record, "scale", "trained", column).tolist())), ())

    notes = beside("of the gradients in the pixels", "dB", lambda: gap(f"gradient {LAST}"))
    notes += beside("of the losses at relu2_2", "dB", lambda: gap("loss relu2_2"))
    return gathered((one, gap(f"loss {LAST}")), notes=(*notes, "VGG-16's relu5_3 stands for VGG-19's relu5_4"))


def _column(record: Record, task: str, arm: str, column: str) -> np.ndarray:
    """Return one number a photograph, of the first seed of an arm."""
    for run in record.runs:
        if (run.get("task"), run.get("arm"), run.get("seed")) == (task, arm, 0):
            table = record.scores.get(f"{run['job']}@test")
            if table is None or column not in run.get("columns", ()):
                raise ValueError(f"record {record.name} has no {column!r} of job {run['job']}")
            return table[:, run["columns"].index(column)].astype(np.float64)
    raise Missing(f"record {record.name} has no runs of task {task}, arm {arm}")


def p5(record: Record) -> Evidence:
    """Judge l1 with features of random weights against l1 alone, both trained on for the same number of steps.

    A deep layer and an early one must both help by LPIPS (AlexNet).
    """
    base, parts = Nets("l1", "sr4"), []
    for arm, layer in (("random", "relu5_3"), ("random_early", "relu2_2")):
        found = paired(record, Nets(arm, "sr4"), base, "lpips_alexnet", how="percent")
        parts.append((part(f"LPIPS (AlexNet), with {layer} of random weights over l1", found, "%", claimed=-1), found))
    trained = Nets("early", "sr4")
    notes = beside(
        "LPIPS, with relu2_2 of trained weights over l1",
        "%",
        lambda: paired(record, trained, base, "lpips_alexnet", how="percent"),
    )
    return gathered(*parts, notes=notes)


ESRGAN = "Wang et al., ESRGAN, 2018"

CLAIMS = (
    Claim(
        "P1",
        "Johnson et al., 2016, as retold",
        "Deeper layers hold more of the content and less of the detail.",
        "inversion",
        "PSNR of inversions, first over last layer",
        "dB",
        p1,
    ),
    Claim(
        "P2",
        ESRGAN,
        "Features before the activation keep brightness and texture better.",
        "perceptual_sr",
        "error of brightness and LPIPS, before over after the activation",
        "%",
        p2,
    ),
    Claim(
        "P3",
        ESRGAN,
        "Only about a tenth of the neurons of the last layer are active.",
        "features",
        "share of active numbers of relu5_3",
        "%",
        p3,
    ),
    SameSize(
        "P4",
        "Ledig et al., SRGAN, 2017",
        "Divided by 12.75, the VGG loss has the size of squared error.",
        "features",
        "VGG loss over squared error",
        "dB",
        p4,
    ),
    Claim(
        "P5",
        "Liu et al., 2021",
        "A perceptual loss with random weights helps too.",
        "perceptual_sr",
        "LPIPS, l1 with random features over l1 alone",
        "%",
        p5,
    ),
)
