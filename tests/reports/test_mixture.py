"""What chapter 5 shows of the records: tables have their rows, figures their lines."""

from __future__ import annotations

import pytest
import torch

from lossedu.records import load
from lossedu.reports import mixture
from lossedu.reports.zhao2017 import METRICS


def test_tables_have_nine_rows_and_three_tasks() -> None:
    record = load("table1-cpu")
    for text, columns in ((mixture.column(record), 7), (mixture.lead_table(record), 4)):
        lines = [line for line in text.splitlines() if line.startswith("|")]
        assert len(lines) == 2 + len(METRICS)
        assert all(line.count("|") == columns + 1 for line in lines)
        assert "3 seeds (JPEG)" in text
    assert "−0.54 ±0.16 (+0.19) worse" in mixture.lead_table(record)


def test_leads_change_their_sign_with_the_order() -> None:
    record = load("table1-cpu")
    there, back = (mixture.lead(record, "dd", "psnr", *pair).mean for pair in (("mix", "l1"), ("l1", "mix")))
    assert there == pytest.approx(-back)
    assert mixture.paper_lead("dd", "psnr") == pytest.approx(0.19)


def test_rest_has_a_line_for_each_network_and_one_for_single_batches() -> None:
    record = load("at_rest-cpu")
    (ax,) = mixture.draw_rest(record).axes
    assert len(ax.get_lines()) == 4
    text = mixture.rest_sentence(record)
    assert text.count("\n") == 1 and "32,768 crops" in text
    with pytest.raises(ValueError, match="arm must be one"):
        mixture.courses(record, "l2")


def test_notes_have_two_numbers_for_each_crop_but_the_clean_one() -> None:
    clean = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    assert mixture.notes([clean, clean + 0.1 * (clean - 0.5)])[0] == ""
    decibels, index = mixture.notes([clean, clean.clamp(0.1, 0.9)])[1].split(" dB, ")
    assert float(decibels) > 20 and 0.9 < float(index) < 1
