"""What chapter 2 shows of its record: means over draws, leads, and the comparisons of a claim."""

from __future__ import annotations

from typing import Any

import pytest

from lossedu.records import Record
from lossedu.reports import variation


def made() -> Record:
    runs: list[dict[str, Any]] = []
    for seed in range(3):
        for task in ("step", "photographs", "ramp"):
            for arm, better in (("tv", 1.0), ("squared", 0.0)):
                level = {
                    "weight": 0.1,
                    "psnr": 30 + seed + better,
                    "rise": 4 - 2 * better,
                    "flat": 0.02 - 0.01 * better,
                    "edge": 0.05,
                    "stairs": 0.5,
                    "contrast": 0.9,
                }
                runs.append({"task": task, "arm": arm, "seed": seed, "levels": {"0.1": level, "1": level}})
        for arm in ("l2_tv", "l2_squared"):
            kinds = {
                kind: {"psnr": 29 + k, "tv": 1.0 - 0.3 * k, "detail": 0.5, "flat": 0.01 * (1 - 0.25 * k)}
                for k, kind in enumerate(("plain", "network", "applied"))
            }
            runs.append({"task": "network", "arm": arm, "seed": seed, "agreement": 0.7, "strength": 0.4, **kinds})
    for radius, lost in ((15, 0.068), (30, 0.033), (20, 0.05)):
        runs.append(
            {
                "task": "disc",
                "arm": "disc",
                "seed": 0,
                "radius": radius,
                "weight": 0.5,
                "lost": lost,
                "predicted": 1 / radius,
            }
        )
    return Record(
        "total_variation", "cpu", {"noises": [0.1, 1.0]}, runs, {"date": "2026-01-02", "device": "toy"}, "run"
    )


def test_leads_and_changes_are_paired_by_draw() -> None:
    found = made()
    assert variation.values(found, "step", "tv", 1.0, "psnr") == [31, 32, 33]
    assert variation.lead(found, "step", 0.1) == pytest.approx((1, 1, 1))
    assert variation.change(found, "step", 0.1, "rise") == pytest.approx((-50, -50, -50))


def test_tables_have_their_rows() -> None:
    found = made()
    table = variation.table(found).splitlines()
    assert len(table) == 4 and table[2].startswith("| 0.1 | +1.0 ±<0.1 |")
    weights = variation.weight_table(found).splitlines()
    assert weights[2:] == [f"| {noise} | 0.1 | 0.1 | 0.1 | 0.1 | 0.1 | 0.1 |" for noise in ("0.1", "1")]
    details = variation.detail_table(found).splitlines()
    assert details[2] == "| 0.1 | +0.0 ±<0.1 | −50.0 ±<0.1 | 90 ±<1 | 90 ±<1 | 50 ±<1 |"
    discs = variation.disc_table(found).splitlines()
    assert [line.split(" | ")[0] for line in discs[2:]] == ["| 15", "| 20", "| 30"]
    assert discs[2].endswith("| +2.0 % |")
    networks = variation.network_table(found).splitlines()
    assert len(networks) == 2 + 5
    assert networks[2].startswith("| ℓ2 alone | 29.00") and "TV applied to the output of ℓ2 alone" in networks[4]


def test_sentence_names_both_weights() -> None:
    said = variation.network_sentence(made())
    assert "of the predicted one: 0.40 (0.40 to 0.40)" in said
    assert "variation of its output, as a share of the predicted one: 1.75 (1.75 to 1.75)" in said
    assert "takes off 25 % (25 to 25), the regulariser on the output 50 % (50 to 50)" in said
    assert "**TV, c = 0.04:** correlation of the two changes 0.70" in said and "**squared, c = 2:**" in said


def test_comparisons_of_computed_things_span_from_least_to_largest() -> None:
    lines = variation.rests_on(made(), "T2").splitlines()
    assert len(lines) == 3 and "(−1.0 to +2.0, 3 discs); claimed within, margin 5 %" in lines[2]
    with pytest.raises(ValueError, match="claim must be"):
        variation.rests_on(made(), "Z1")


def test_panels_have_a_line_for_each() -> None:
    figure = variation.draw_noise(made())
    assert len(figure.axes) == 4
    assert all(len(ax.containers) == 2 for ax in figure.axes)
