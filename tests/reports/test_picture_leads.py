"""Whose lead TV's is: picture by picture, from made-up errors and from the record of chapter 2."""

from __future__ import annotations

import math

import pytest
import torch

from lossedu.records import load
from lossedu.reports import picture_leads
from lossedu.reports.picture_leads import Lead, Trial


def made() -> Trial:
    """Two pictures: TV is 10 dB ahead in the first, which is flat, and 0 dB in the second, half of which is edge."""
    squared = torch.full((2, 1, 4, 4), 0.04)
    tv = squared.clone()
    tv[0] = 0.004
    edge, flat = torch.zeros(2, 1, 4, 4, dtype=torch.bool), torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    flat[0], edge[1, :, :2], flat[1, :, 3] = True, True, True
    tv[1, :, :2] *= 2.25
    tv[1, :, 2:] = 0
    return Trial(tv, squared, edge, flat)


def test_leads_of_several_are_means_of_decibels_and_errors_of_pooled_pixels() -> None:
    found = picture_leads.lead(made())
    assert found.edge == pytest.approx(50) and found.decibels == pytest.approx((10 - 10 * math.log10(1.125)) / 2)
    assert found.flat == pytest.approx(100 * (math.sqrt(0.004 * 16 / 20 / 0.04) - 1))
    first = picture_leads.lead(made(), slice(0, 1))
    assert first.decibels == pytest.approx(10) and math.isnan(first.edge)
    assert picture_leads.shares(made().flat) == pytest.approx([0.8, 0.2])


def test_the_table_has_a_row_a_picture_and_one_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_leads, "trial", lambda *_, **__: made())
    record = load("total_variation-cpu")
    monkeypatch.setitem(record.settings, "judged_on", ["one", "two"])
    one, two, both = picture_leads.table(record, 0.1).splitlines()[2:]
    assert one == "| one | +10.0 | – | −68.4 | 0 | 80 |" and two.endswith("| +50.0 | −100.0 | 100 | 20 |")
    assert both.startswith("| all four | ") and both.endswith("| 100 | 100 |")
    assert picture_leads._percent(0.004) == "<1" and picture_leads._percent(0.006) == "1"


def test_the_smaller_weight_is_the_next_on_the_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def once(*_: object, share: float) -> Trial:
        asked.append(share)
        return made()

    monkeypatch.setattr(picture_leads, "trial", once)
    monkeypatch.setattr(picture_leads, "lead", lambda _: Lead(1.25, -7.04, -34.6))
    said = picture_leads.lighter(load("total_variation-cpu"), 0.2)
    assert asked == [1.0, pytest.approx(1 / math.sqrt(2))]
    assert said.count("−7.0 % at strong edges, −35 % in flat regions and +1.2 dB") == 2
