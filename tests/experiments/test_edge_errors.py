"""Errors beside edges, by coarseness: a tint is coarse, grain is not, and a record has a row for every picture."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from lossedu import data
from lossedu.experiments import edge_errors, running
from lossedu.records import load


def test_a_tint_is_coarse_and_grain_is_fine() -> None:
    clean = data.photograph("rocket")
    whole, rest, fine, coarse, mse, without = edge_errors.measured(torch.full_like(clean, 0.02), clean)
    assert whole == pytest.approx(coarse) == pytest.approx(0.02) and max(rest, fine) < 1e-6
    assert mse == pytest.approx(4e-4) and without < 1e-10
    grain = 0.02 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    whole, rest, fine, coarse, mse, without = edge_errors.measured(grain, clean)
    assert whole == pytest.approx(0.02, rel=0.05)
    assert 0.95 * whole < fine < whole and 0.95 * whole < rest and coarse < 0.05 * whole
    assert mse == pytest.approx(4e-4, rel=0.02) and without == pytest.approx(mse, rel=0.02)


def test_where_there_are_no_edges_there_is_nothing_beside_them() -> None:
    flat = torch.full((1, 3, 160, 160), 0.5)
    found = edge_errors.measured(torch.full_like(flat, 0.1), flat)
    assert all(math.isnan(value) for value in found[:4]) and found[4] == pytest.approx(0.01)


def test_a_record_has_every_network_and_picture(tmp_path: Path) -> None:
    record = running.run("edge_errors", "smoke", out=tmp_path, device="cpu", say=lambda line: None)
    assert sorted(run["arm"] for run in record.runs) == sorted(edge_errors.ARMS)
    for arm in edge_errors.ARMS:
        rows = record.scores[f"{arm}@test"]
        assert rows.shape == (len(record.settings["sets"]["test"]), len(edge_errors.COLUMNS))
        assert np.isfinite(rows[:, 4:]).all() and (rows[:, 5] < rows[:, 4]).all()


def test_the_whole_error_is_that_of_table_1() -> None:
    """The record measures the networks that Table 1 judged: up to half precision, in which they are kept."""
    table, found = load("table1-cpu"), load("edge_errors-cpu")
    places = [table.settings["columns"].index(name) for name in ("ring", "mse")]
    own = [found.settings["columns"].index(name) for name in ("whole", "mse")]
    assert found.settings["sets"]["test"] == table.settings["sets"]["test"]
    for arm in edge_errors.ARMS:
        judged = table.scores[f"dd-{arm}-0@test"][:, places]
        measured = found.scores[f"{arm}@test"][:, own]
        np.testing.assert_allclose(measured, judged, rtol=0.05)
