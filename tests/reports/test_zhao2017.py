"""The paper's own numbers, under our names."""

from __future__ import annotations

import csv
import math
from importlib import resources

import pytest

from lossedu.reports.zhao2017 import ARMS, BLOCKS, METRICS, over_l2, published


def test_numbers_of_the_paper_come_back_in_our_units() -> None:
    assert published("dd", "mse", "l2") == pytest.approx(0.56e-3)
    assert published("dd", "psnr", "bm3d") == 34.05
    assert published("jpeg", "l1", "ms_ssim") == pytest.approx(33.6134e-3)
    assert published("sr2", "fsimc", "input") == published("sr3", "fsimc", "input") == 0.9064
    assert published("dd", "gmsd", "ssim_9") == 0.0467


def test_columns_are_those_of_the_repaired_heading() -> None:
    """Read one cell too far right, l2 would beat l1: the paper's text says the opposite, and that Mix is best."""
    for task in ("dd", "sr2", "jpeg"):
        by_psnr = {arm: published(task, "psnr", arm) or 0 for arm in ("l2", "l1", "mix")}
        assert by_psnr["l2"] < by_psnr["l1"] < by_psnr["mix"]
    assert published("dd", "psnr", "input") == 28.24


def test_every_cell_is_reached_once() -> None:
    text = resources.files("lossedu.reports").joinpath("zhao2017_table1.csv").read_text("utf8")
    filled = sum(bool(cell) for line in list(csv.reader(text.splitlines()))[1:] for cell in line[2:])
    tasks = [task for task in BLOCKS if task != "sr3"]
    found = [published(t, m, a) for t in tasks for m in METRICS for a in ARMS]
    assert sum(value is not None for value in found) == filled == 9 * (8 + 5 + 5)


@pytest.mark.parametrize("names", [("jpeg", "psnr", "ssim_5"), ("dd", "lpips", "l1"), ("dd", "psnr", "charbonnier")])
def test_what_the_paper_has_not_is_none(names: tuple[str, str, str]) -> None:
    assert published(*names) is None
    assert math.isnan(over_l2(*names)[0])


@pytest.mark.parametrize("names", [("denoise", "psnr", "l1"), ("dd", "PSNR", "l1"), ("dd", "psnr", "SSIM5")])
def test_unknown_names_are_refused(names: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        published(*names)


def test_differences_have_the_papers_decimals() -> None:
    assert over_l2("dd", "psnr", "l1") == (1.24, 2)
    assert over_l2("jpeg", "mse", "input") == (-0.0048, 4)
