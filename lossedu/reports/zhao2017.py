"""The numbers that Zhao et al. (2017) print in their Table 1, under our names and in our units.

In the copies of the paper that are text, the heads of the table's first block sit one cell too far right, and the last
of them, Mix, is lost; read so, l2 would seem to beat l1.  The file has them over the columns that the paper's own
sentences name.
"""

from __future__ import annotations

import csv
import math
from functools import cache
from importlib import resources

from .. import _validate
from ..experiments.arms import LOSSES, OTHERS
from ..experiments.scoring import COLUMNS
from ..experiments.tasks import TASKS

#: Our tasks -> the paper's.  It does not say by which factor its pictures were shrunk.
BLOCKS = {"dd": "DD", "sr2": "SR", "sr3": "SR", "jpeg": "JPEG"}

#: Our losses, and what is not learned -> the paper's columns.
ARMS = {
    "input": "baseline0",
    "bm3d": "BM3D",
    "l2": "l2",
    "l1": "l1",
    "ssim_5": "SSIM5",
    "ssim_9": "SSIM9",
    "ms_ssim": "MSSSIM",
    "mix": "Mix",
}

#: Our indices -> the paper's rows, and what the paper multiplies them by.
METRICS = {
    "mse": ("1000*l2", 1000),
    "psnr": ("PSNR", 1),
    "l1": ("1000*l1", 1000),
    "ssim": ("SSIM", 1),
    "ms_ssim": ("MS-SSIM", 1),
    "iw_ssim": ("IW-SSIM", 1),
    "gmsd": ("GMSD", 1),
    "fsim": ("FSIM", 1),
    "fsimc": ("FSIMc", 1),
}


def published(task: str, metric: str, arm: str) -> float | None:
    """Return what the paper found, None where its table has no such number.

    Parameters
    ----------
    task : str
        "dd", "sr2", "jpeg" or another of `experiments.tasks`.
    metric : str
        A column of `experiments.scoring`.
    arm : str
        A loss of `experiments.arms`, "input" for the damaged picture, or "bm3d".

    Returns
    -------
    float or None
        In our unit: the paper's 1000 l2 of 0.56 is a mean square error of 0.00056.

    Raises
    ------
    ValueError
        If a name is unknown, with the list of known ones.

    Examples
    --------
    >>> published("dd", "psnr", "mix"), published("jpeg", "psnr", "ssim_5")
    (34.61, None)
    """
    _validate.option("task", task, TASKS)
    _validate.option("metric", metric, COLUMNS)
    _validate.option("arm", arm, {**LOSSES, **OTHERS, **ARMS})
    if task not in BLOCKS or metric not in METRICS or arm not in ARMS:
        return None
    row, factor = METRICS[metric]
    cell = _cells()[BLOCKS[task], row][ARMS[arm]]
    return float(cell) / factor if cell else None


def over_l2(task: str, metric: str, arm: str) -> tuple[float, int]:
    """Return what a loss has over l2 in the paper, in its own unit, and with how many decimals it prints it.

    NaN and 0 where its table has no such number.
    """
    if published(task, metric, arm) is None or published(task, metric, "l2") is None:
        return math.nan, 0
    line = _cells()[BLOCKS[task], METRICS[metric][0]]
    digits = len(line["l2"].partition(".")[2])
    return round(float(line[ARMS[arm]]) - float(line["l2"]), digits), digits


@cache
def _cells() -> dict[tuple[str, str], dict[str, str]]:
    text = resources.files(__package__).joinpath("zhao2017_table1.csv").read_text("utf8")
    return {(line["task"], line["metric"]): line for line in csv.DictReader(text.splitlines())}
