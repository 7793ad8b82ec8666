"""What chapter 6 shows of networks that enlarge four times, trained on with one feature loss or another beside l1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .. import data
from ..experiments import by_hand, enlarging, perceptual_sr
from ..experiments.two_stages import LAYERS
from ..ledger.evidence import INPUT, images, left_out, paired, seed_values
from ..ledger.evidence import Nets as Networks
from ..records import Record
from ..statistics import Interval
from . import wording
from .wording import estimate, losses_left_out, number, with_half

TASK = "sr4"

#: Arm -> what it is called in tables and figures.
NAMES: Mapping[str, str] = {
    INPUT: "bicubic",
    "l1": "ℓ1 alone",
    "early": "relu2_2",
    "random_early": "relu2_2, random",
    "after": "relu5_3",
    "after_alike": "relu5_3, same step",
    "before": "conv5_3",
    "random": "relu5_3, random",
}

#: Column -> label, factor, usual decimals, how pictures are put together.
ROWS: Mapping[str, tuple[str, float, int, str]] = {
    "psnr": ("PSNR (dB) ↑", 1, 2, "mean"),
    "ssim": ("SSIM ↑", 1, 4, "mean"),
    "lpips_alexnet": ("LPIPS, AlexNet ↓", 1, 4, "mean"),
    "lpips": ("LPIPS, VGG-16 ↓", 1, 4, "mean"),
    "dists": ("DISTS ↓", 1, 4, "mean"),
    "brightness": (
        "error of brightness: mean error of a picture, rms over pictures, thousandths of the range ↓",
        1000,
        2,
        "rms",
    ),
    "detail": ("fine detail → 1", 1, 3, "mean"),
    "lattice": ("lattice of 16 px → 1", 1, 2, "mean"),
}


#: Columns of which three seeds say nothing as a ratio: they are small, and one seed may be many times another.
NO_RATIO = ("brightness", "lattice")


def arms_of(record: Record) -> list[str]:
    """Return the arms that a record has, in the order of the table."""
    there = {run["arm"] for run in record.runs}
    return [arm for arm in NAMES if arm in there]


def values(record: Record, arm: str, column: str) -> list[float]:
    """Return one number a seed, in the table's unit."""
    _, factor, _, pool = ROWS[column]
    return [factor * value for value in seed_values(record, TASK, arm, column, pool=pool).values()]


def lead(record: Record, arm: str, base: str, column: str, *, how: str = "difference") -> Interval:
    """Return by how much a number is larger for one arm than for another, by seed, in percent or as it is."""
    pool = ROWS[column][3]
    return estimate(
        list(paired(record, Networks(arm, TASK), Networks(base, TASK), column, how=how, pool=pool).values.values())
    )


def table(record: Record) -> str:
    """Return as Markdown what the networks of every arm reach."""
    arms = arms_of(record)
    rows = []
    for column, (label, _, usual, _) in ROWS.items():
        found = [estimate(values(record, arm, column)) for arm in arms]
        digits = wording.decimals([one.high - one.mean for one in found[1:]], usual)
        cells = [
            number(one.mean, digits) if arm == INPUT else with_half(one, digits)
            for arm, one in zip(arms, found, strict=True)
        ]
        rows.append([label, *cells])
    seeds = len({run["seed"] for run in record.runs})
    note = f"Mean over {seeds} seeds ± half of the 95 % interval."
    remarks = losses_left_out(record.runs)
    return _table(["index", *(NAMES[arm] for arm in arms)], rows) + "\n\n" + " ".join([note, counts(record), *remarks])


def counts(record: Record) -> str:
    """Return in words on how many test photographs each row rests: two indices are dear, and seen of a part only."""
    many: dict[int, list[str]] = {}
    for column, (label, _, _, _) in ROWS.items():
        seen = [images(record, run, Networks(run["arm"], TASK), column) for run in record.runs if left_out(run) is None]
        known = min(int(np.isfinite(one).sum()) for one in seen)
        many.setdefault(known, []).append(label.rstrip(" ↓↑").replace(", VGG-16", " through VGG-16"))
    most = len(record.settings["sets"]["test"])
    few = [f"{' and '.join(rows)}: {count} of the {most} photographs" for count, rows in many.items() if count < most]
    return "; ".join([*few, f"the other rows: all {most}"] if few else [f"all {most} photographs"]) + "."


def lead_table(record: Record, base: str = "l1") -> str:
    """Return as Markdown what every feature loss beside l1 has over l1 alone, in percent, PSNR in decibels."""
    rows = []
    for column, (label, _, _, _) in ROWS.items():
        if column in NO_RATIO:
            continue
        cells = []
        for arm in arms_of(record):
            if arm in (INPUT, base):
                continue
            decibels = column == "psnr"
            found = lead(record, arm, base, column, how="difference" if decibels else "percent")
            cells.append(with_half(found, 2 if decibels else 1, signed=True) + ("" if decibels else " %"))
        rows.append([label, *cells])
    head = [f"over {NAMES[base]}", *(NAMES[arm] for arm in arms_of(record) if arm not in (INPUT, base))]
    return _table(head, rows) + "\n\n" + f"Paired by seed; mean ± half of the 95 % interval. {counts(record)}"


#: What is done by hand: name in the record -> words.  Other rows are arms.
BY_HAND: Mapping[str, str] = {
    "l1": "ℓ1 alone",
    "grain 0.01": "ℓ1, with grain of 0.01",
    "grain 0.02": "ℓ1, with grain of 0.02",
    "sharpened": "ℓ1, sharpened",
    "sharpened, grain 0.01": "ℓ1, sharpened, with grain of 0.01",
}
INDICES: Mapping[str, str] = {
    "psnr": "PSNR (dB) ↑",
    "lpips_alexnet": "LPIPS, AlexNet ↓",
    "lpips": "LPIPS, VGG-16 ↓",
    "dists": "DISTS ↓",
}


def by_hand_table(record: Record) -> str:
    """Return as Markdown what indices say of pictures sharpened and grained by hand, beside those of the networks.

    Twice: of the test photographs that have all indices, and of the photographs of the package.
    """
    test = record.settings["by_hand_test"]
    three = _by_hand(record, record.settings["by_hand"], f"{len(by_hand.PICTURES)} other photographs")
    return "\n\n".join([_by_hand(record, test["means"], f"{test['pictures']} test photographs"), three])


def _by_hand(record: Record, found: Mapping[str, Mapping[str, float]], which: str) -> str:
    rows = []
    for name in [*BY_HAND, *(arm for arm in arms_of(record) if arm in found and arm not in BY_HAND)]:
        cells = [f"{found[name]['psnr']:.2f}"]
        for index in list(INDICES)[1:]:
            change = 100 * (found[name][index] / found["l1"][index] - 1)
            cells.append(f"{found[name][index]:.3f}" + (f" ({change:+.0f} %)" if name != "l1" else ""))
        rows.append([BY_HAND.get(name, NAMES.get(name, name)), *(cell.replace("-", "−") for cell in cells)])
    return _table([f"seed 0, {which}", *INDICES.values()], rows)


def steps(record: Record) -> str:
    """Return as Markdown the step sizes that were chosen, seed by seed, and the weight of the features beside l1."""
    rows = []
    for arm in LAYERS:
        runs = [run for run in record.runs if run["arm"] == arm and "lr" in run]
        if runs:
            sizes = ", ".join(f"{run['lr']:g}" for run in runs)
            weights = ", ".join(f"{run['weights'][-1]:.3g}" for run in runs) if arm != "l1" else wording.NOTHING
            rows.append([NAMES[arm], sizes, weights])
    seeds = ", ".join(str(seed) for seed in sorted({run["seed"] for run in record.runs}))
    return _table(["beside ℓ1", f"step sizes, seeds {seeds}", "weight of the features (ℓ1 has 1)"], rows)


@torch.no_grad()
def crops(record: Record, arms: Sequence[str], name: str, top: int, left: int, *, side: int = 64) -> list[Tensor]:
    """Return a square of a photograph clean, enlarged by interpolation, and as networks of seed 0 enlarge it."""
    factor = record.settings["factor"]
    clean = enlarging.whole(data.photograph(name), factor).contiguous()
    small = enlarging.shrunk(clean, factor)
    made = [F.interpolate(small, size=clean.shape[-2:], mode="bicubic", align_corners=False)]
    made += [perceptual_sr.network(record, arm)(small) for arm in arms]
    return [data.crop(picture.clamp(0, 1), top, left, side) for picture in (clean, *made)]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose head keeps the names of layers as they are."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
