"""LPIPS and DISTS on pictures whose numbers were published, and on four that people have judged.

The pictures may be used for research and not be shown, so the numbers are kept instead: `judged.csv`, which
`measure_all` writes from the folder ``iqa`` of the data pack.  A test measures them again where the pack is.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .. import ssim
from ..metrics import dists, gmsd, lpips, psnr
from .wording import NOTHING, markdown_table, number

#: Picture -> reference, folder, and what was published of it: LPIPS (AlexNet, VGG-16) and DISTS by their own code.
PUBLISHED: Mapping[str, tuple[str, str, Mapping[str, float]]] = {
    "I03_dist": ("I03_ref", "tid2013", {"lpips_alexnet": 0.7237, "dists": 0.4742}),
    "I04_dist": ("I04_ref", "tid2013", {"lpips_alexnet": 0.2572, "dists": 0.1424}),
    "I06_dist": ("I06_ref", "tid2013", {"lpips_alexnet": 0.0508, "dists": 0.0683}),
    "ex_p0": ("ex_ref", "lpips", {"lpips_alexnet": 0.722}),
    "ex_p1": ("ex_ref", "lpips", {"lpips_alexnet": 0.138}),
}

#: Picture of KADID-10k -> what was done to it, and the mean opinion of people, 5 best and 1 worst.
OPINIONS: Mapping[str, tuple[str, float]] = {
    "I01_01_02": ("faint blur", 4.33),
    "I01_06_05": ("few colours", 2.27),
    "I01_15_05": ("strong noise, smoothed", 1.33),
    "I01_01_05": ("strong blur", 1.1),
}

#: Columns of the file, and whether more is better.
COLUMNS: Mapping[str, bool] = {
    "psnr": True,
    "ssim": True,
    "gmsd": False,
    "lpips_alexnet": False,
    "lpips_vgg16": False,
    "dists": False,
}

LABELS = {
    "psnr": "PSNR (dB)",
    "ssim": "SSIM",
    "gmsd": "GMSD",
    "lpips_alexnet": "LPIPS, AlexNet",
    "lpips_vgg16": "LPIPS, VGG-16",
    "dists": "DISTS",
}

_FILE = "judged.csv"


def _picture(path: Path) -> Tensor:
    from PIL import Image

    with Image.open(path) as opened:
        return torch.from_numpy(np.array(opened.convert("RGB"))).permute(2, 0, 1)[None].float() / 255


def _grey(x: Tensor) -> Tensor:
    """Return MATLAB's grey, rounded to 8 bits."""
    weights = x.new_tensor([0.298936021293775, 0.587043074451121, 0.114020904255103]).view(1, 3, 1, 1)
    return ((x * weights).sum(dim=1, keepdim=True) * 255).round() / 255


@torch.no_grad()
def measure(x: Tensor, y: Tensor) -> dict[str, float]:
    """Return all columns for one pair; SSIM is that of the rounded grey pictures, as in MATLAB."""
    return {
        "psnr": float(psnr(x, y)),
        "ssim": float(ssim(_grey(x), _grey(y))),
        "gmsd": float(gmsd(x, y)),
        "lpips_alexnet": float(lpips(x, y, net="alexnet")),
        "lpips_vgg16": float(lpips(x, y)),
        "dists": float(dists(x, y)),
    }


def pair(name: str, pack: Path) -> tuple[Tensor, Tensor]:
    """Return a picture of the data pack and its reference."""
    folder, reference = ("kadid10k", "I01") if name in OPINIONS else (PUBLISHED[name][1], PUBLISHED[name][0])
    return _picture(pack / "iqa" / folder / f"{name}.png"), _picture(pack / "iqa" / folder / f"{reference}.png")


def measure_all(pack: Path, file: Path) -> None:
    """Write the file of numbers anew."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["picture", *COLUMNS])
        for name in (*PUBLISHED, *OPINIONS):
            found = measure(*pair(name, pack))
            writer.writerow([name, *(f"{found[column]:.5f}" for column in COLUMNS)])


@cache
def measured() -> Mapping[str, Mapping[str, float]]:
    """Return the numbers of the file, by picture and column."""
    text = resources.files(__package__).joinpath(_FILE).read_text("utf8")
    return {
        row.pop("picture"): {key: float(value) for key, value in row.items()}
        for row in csv.DictReader(text.splitlines())
    }


def reference_table() -> str:
    """Return as Markdown the published numbers and ours."""
    rows = []
    for name, (_, folder, known) in PUBLISHED.items():
        cells = []
        for column in ("lpips_alexnet", "dists"):
            theirs = NOTHING if column not in known else f"{known[column]:g}"
            cells += [theirs, number(measured()[name][column], 4) if column in known else NOTHING]
        rows.append([f"{folder}, {name}", *cells])
    head = ["pair", "LPIPS published", "ours", "DISTS published", "ours"]
    return markdown_table(head, rows)


def opinion_table() -> str:
    """Return as Markdown what people and indices say of four damaged pictures, and each index's order of them."""
    rows = []
    for place, (name, (what, opinion)) in enumerate(OPINIONS.items(), start=1):
        cells = [
            f"{number(measured()[name][column], 1 if column == 'psnr' else 3)} ({order(column)[name]})"
            for column in COLUMNS
        ]
        rows.append([what, f"{opinion:g} ({place})", *cells])
    return markdown_table(
        [
            "damage",
            "people (mean opinion, 1 worst to 5 best) ↑",
            *(f"{LABELS[c]} {'↑' if more else '↓'}" for c, more in COLUMNS.items()),
        ],
        rows,
    )


def order(column: str) -> dict[str, int]:
    """Return the place of each of the four pictures by a column, 1 for the best."""
    sign = -1 if COLUMNS[column] else 1
    ranked = sorted(OPINIONS, key=lambda name: sign * measured()[name][column])
    return {name: place for place, name in enumerate(ranked, start=1)}


def agrees(column: str) -> bool:
    """Return whether a column orders the four pictures as people did."""
    return list(order(column).values()) == [list(OPINIONS).index(name) + 1 for name in order(column)]
