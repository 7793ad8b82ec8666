"""The main comparisons on original pictures, and without a way back."""

from __future__ import annotations

import numpy as np
import pytest
import report_records as made

from lossedu.experiments.scoring import COLUMNS
from lossedu.records import Record
from lossedu.reports import originals


def with_originals(record: Record, **factors: float) -> Record:
    """The same with scores of the original pictures, on which MS-SSIM was not measured."""
    record.settings = record.settings | {"sets": made.SETS | {"original": made.SETS["test"]}}
    for run in record.runs:
        scores = record.scores[f"{run['job']}@test"].copy()
        scores[:, COLUMNS.index("psnr")] *= factors.get(run["arm"], 1.0)
        scores[:, COLUMNS.index("ms_ssim")] = np.nan
        record.scores[f"{run['job']}@original"] = scores
    return record


@pytest.fixture(scope="module")
def pair() -> tuple[Record, Record]:
    arms = {"input": {"psnr": 0.9}, "l2": {"mse": 0.8}, "ms_ssim": {"psnr": 0.95}, "l1": {}, "mix": {"psnr": 0.98}}
    back = with_originals(made.table1(arms, task="jpeg"), mix=0.9)
    return back, with_originals(made.table1({arm: arms[arm] for arm in ("input", "l2", "ms_ssim")}, task="jpeg"))


def cells(pair: tuple[Record, Record], words: str) -> list[str]:
    (line,) = [line for line in originals.table(*pair).splitlines() if line.startswith(f"| {words} |")]
    return line.strip("| ").split(" | ")[1:]


def test_comparisons_are_paired_by_seed_in_every_column(pair: tuple[Record, Record]) -> None:
    found = cells(pair, r"JPEG: Mix over $\ell_1$, PSNR (dB)")
    for cell, where in zip(found, originals.SETS, strict=False):
        one, other = (
            np.array(
                [pair[0].scores[f"jpeg-{arm}-{seed}@{where}"][:, COLUMNS.index("psnr")].mean() for seed in range(3)]
            )
            for arm in ("mix", "l1")
        )
        assert float(cell.split()[0].replace("−", "-")) == pytest.approx((one - other).mean(), abs=0.06)
    assert found[2:] == ["–", "–"]
    assert float(found[1].split()[0].replace("−", "-")) < float(found[0].split()[0].replace("−", "-")) - 2


def test_what_was_not_measured_is_no_number(pair: tuple[Record, Record]) -> None:
    known = [cell != "–" for cell in cells(pair, r"JPEG: MS-SSIM over $\ell_2$, MS-SSIM")]
    assert known == [True, False, True, False]
    assert set(cells(pair, r"mosaic: $\ell_1$ over $\ell_2$, squared error (dB)")) == {"–"}


def test_decibels_of_an_error_are_positive_where_there_is_less(pair: tuple[Record, Record]) -> None:
    # 0.8 of the error is 0.97 dB less; the seeds have a common factor that the input does not have.
    for cell in cells(pair, r"JPEG: $\ell_2$ over its input, squared error (dB)"):
        assert 0.85 < float(cell.split()[0]) < 1.05
