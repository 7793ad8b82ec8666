"""Reports on several windows: tables and figures that follow their records."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lossedu.experiments import edge_errors
from lossedu.records import Record, load
from lossedu.reports import scale_curves, scales, tints


@pytest.fixture(scope="module")
def table() -> Record:
    return load("table1-cpu")


def test_order_and_speed_say_what_the_record_says() -> None:
    record = load("ms_ssim_forms-cpu")
    text = scales.order_table(record)
    run = next(run for run in record.runs if run["task"] == "rank" and run["arm"] == "ms_ssim" and run["seed"] == 0)
    assert f"{run['spearman']:.3f} ({run['spearman_interval'][0]:.3f} to" in text
    assert len(text.splitlines()) == 2 + len(scales.FORMS)
    runs = [run for run in record.runs if run["task"] == "step_64" and run["arm"] == "ms_ssim"]
    assert scales.speed(record, "step_64")[0] == pytest.approx(np.mean([run["ms"] for run in runs]))
    assert f"{scales.speed(record, 'step_64')[2]:.2f} |" in scales.speed_table(record)
    with pytest.raises(ValueError, match="task must be"):
        scales.speed(record, "map_256")


def test_a_record_without_runs_is_refused(table: Record) -> None:
    with pytest.raises(ValueError, match="must have runs of 'rank'"):
        scales.order_table(table)


def test_table_has_a_row_an_index_and_a_column_a_loss(table: Record) -> None:
    lines = scales.table(table).splitlines()
    assert lines[0].count("|") == len(scales.ARMS) + 2
    assert len([line for line in lines if line.startswith("|")]) == 2 + len(scales.COLUMNS)
    ring = scales.values(table, "l1", "ring")
    assert len(ring) == 3 and 10 < np.mean(ring) < 25
    assert f"{np.mean(ring):.1f}" in next(line for line in lines if "beside edges" in line)


def test_errors_beside_edges_are_pooled_over_the_pictures_that_have_edges() -> None:
    scores = np.array([[0.03, 0.02, 0.01, 0.02, 1e-3, 1e-4], [0.04, 0.02, 0.01, 0.03, 1e-2, 1e-3]], np.float32)
    none = np.array([[np.nan, np.nan, np.nan, np.nan, 1e-2, 1e-3]], np.float32)
    settings = {"columns": list(edge_errors.COLUMNS), "sets": {"test": ["a", "b", "c"]}}
    made = Record("edge_errors", "cpu", settings, [], {}, "run", scores={"l1@test": np.concatenate([scores, none])})
    lines = scales.edge_table(made, ["l1"]).splitlines()
    assert [line.split("|")[2].strip() for line in lines[2:8]] == ["35.4", "20.0", "10.0", "25.5", "23.33", "33.33"]
    assert lines[-1].startswith("One network a loss, 3 test photographs")


def test_bias_is_drawn_for_every_loss(table: Record) -> None:
    (ax,) = scales.draw_bias(table).axes
    assert [text.get_text().replace("\n", " ") for text in ax.get_xticklabels()][-1] == "Mix"
    assert ax.get_ylim()[0] == 0
    assert scales.bias_change(table, "ms_ssim", "l1").mean == pytest.approx(540, abs=1)


def test_coarse_error_is_what_a_blur_leaves_of_a_tint(table: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = torch.full((1, 3, 96, 96), 0.5)
    tinted = photo + 0.02 * torch.tensor([0.0, 1.0, 0.0]).view(1, 3, 1, 1)
    monkeypatch.setattr(tints, "_scene", lambda name: (photo, photo))
    monkeypatch.setattr(tints, "_output", lambda record, arm, name: tinted)
    found = tints.coarse_error(table, "l1", "any")
    assert found.mean((0, 2, 3)).tolist() == pytest.approx([0, 0.02, 0], abs=1e-6)
    shown = tints.panels(table, ["l1"], ["any"], step=2, side=20)
    assert [tuple(panel.shape) for panel in shown] == [(1, 3, 20, 20)] * 2
    assert float(shown[1][0, 1].mean()) == pytest.approx(0.5 + 15 * 0.02, abs=1e-5)
    classes = tints.by_brightness(table, "l1", ["any"])
    assert classes[3] == pytest.approx(0.02 / 3, abs=1e-6) and all(np.isnan(classes[:3]))


def test_curves_of_the_windows() -> None:
    (ax,) = scale_curves.draw_windows(31).axes
    solid = [line for line in ax.get_lines() if line.get_label().startswith("σ")]
    assert len(solid) == 5 and all(len(line.get_xdata()) == 31 for line in solid)
    left, right = scale_curves.draw_prices().axes
    labels = [text.get_text() for text in left.get_legend().get_texts()]
    assert labels == ["σ = 0.5", "σ = 1", "σ = 2", "σ = 4", "σ = 8", "MS-SSIM"]
    assert left.get_ylim() == right.get_ylim()


def test_theory_of_the_veto_meets_the_measurement() -> None:
    for ax in scale_curves.draw_veto().axes:
        lines = ax.get_lines()
        for theory, dots, tolerance in ((lines[0], lines[1], 0.08), (lines[2], lines[3], 0.2)):
            expected = np.interp(dots.get_xdata(), theory.get_xdata(), theory.get_ydata())
            few = expected > 0.1 if ax.get_yscale() == "linear" else expected > 0
            np.testing.assert_allclose(np.asarray(dots.get_ydata())[few], expected[few], rtol=tolerance)
