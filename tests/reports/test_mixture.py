"""What chapter 5 shows of the records: tables have their rows, figures their lines."""

from __future__ import annotations

import pytest
import torch

from lossedu.records import load
from lossedu.reports import mixture
from lossedu.reports.indices import gap
from lossedu.reports.zhao2017 import METRICS
from lossedu.statistics import t_test


def test_tables_have_nine_rows_and_three_tasks() -> None:
    record = load("table1-cpu")
    for text, columns in ((mixture.column(record), 7), (mixture.lead_table(record), 4)):
        lines = [line for line in text.splitlines() if line.startswith("|")]
        assert len(lines) == 2 + len(METRICS)
        assert all(line.count("|") == columns + 1 for line in lines)
        assert "3 seeds (JPEG)" in text
    assert "−0.54 ±0.16 (+0.19) worse" in mixture.lead_table(record)


def test_bold_is_what_holms_correction_leaves() -> None:
    record = load("table1-cpu")
    rare = mixture.adjusted(record)
    assert len(rare) == 3 * len(METRICS)
    text = mixture.lead_table(record)
    assert text.count("**worse**") == sum(p < 0.05 for place, p in rare.items() if place != ("sr2", "ssim"))
    assert text.count("**better**") == 1 and "for these 27 comparisons" in text
    alone = {place: t_test(gap(record, place[0], "mix", "l1", place[1]).values()) for place in rare}
    assert min(rare.values()) == pytest.approx(27 * min(alone.values()))
    assert all(rare[place] >= p for place, p in alone.items())


def test_the_sweep_names_each_weight_and_explains_its_rows() -> None:
    text = mixture.sweep(load("table1-cpu"))
    head, _, first = text.splitlines()[:3]
    weights = [f"Mix, α = {alpha}" for alpha in ("0", "0.025", "0.1", "0.3", "0.84")]
    assert head == f"| {' | '.join(['index', *weights, 'MS-SSIM (α = 1)'])} |"
    assert first.count("|") == 8
    for word in ("Slope:", "Bias:", "Splotches:", "Edge width:"):
        assert word in text


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
