"""Single rows of a step under total variation: where the jump is, and how wide a row is."""

from __future__ import annotations

import pytest

from lossedu.records import Record
from lossedu.reports import step_rows


def made(weights: dict[str, float]) -> Record:
    levels = {noise: {"weight": weight} for noise, weight in weights.items()}
    runs = [{"task": "step", "arm": "tv", "seed": 0, "levels": levels}]
    settings = {"noises": [0.1, 0.3], "rows": 12}
    return Record("total_variation", "cpu", settings, runs, {"date": "2026-01-02", "device": "toy"}, "run")


def test_rows_are_those_of_the_first_draw_with_the_weight_of_the_record() -> None:
    weak = step_rows.rows(made({"0.1": 0.2, "0.3": 0.6}), 0.1)
    assert weak.places == (63,) * 12 and 0.8 <= weak.rise < 1.5
    faint = step_rows.rows(made({"0.1": 1e-6, "0.3": 0.6}), 0.1)
    assert len(set(faint.places)) > 1 or faint.rise != pytest.approx(weak.rise)


def test_sentence_speaks_of_weak_and_of_the_strongest_noise() -> None:
    text = step_rows.sentence(made({"0.1": 0.2, "0.3": 0.6}))
    assert "at noise of 0.1 the largest jump is in its place in 12 of 12 rows" in text
    assert "at noise of 0.3 " in text and "of 12 rows" in text.split(";")[1]
