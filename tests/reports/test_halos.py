"""What is said of halos: parts of the error by distance from edges, and near against far, from made-up residuals."""

from __future__ import annotations

import math

import matplotlib as mpl
import numpy as np
import pytest
import report_records as made
import torch
from torch import Tensor, nn

from lossedu import data
from lossedu.experiments import keepsakes
from lossedu.experiments.residuals import RINGS
from lossedu.experiments.sigma_sensitivity import BESIDE_EDGES
from lossedu.records import Record, load
from lossedu.reports import halos
from lossedu.statistics import t_interval

mpl.use("Agg")

NAN = math.nan


def record() -> Record:
    """A record of two windows; the wide one leaves 0.8 of the narrow one's residual, near edges 0.9 and more."""
    found = made.table1({arm: {"flat_bias": 1.0} for arm in ("ssim_1", "ssim_9")}, seeds=3, spread=0.0)
    found.experiment = "sigma_sensitivity"
    found.settings["rings"] = [list(ring) for ring in RINGS]
    for run in found.runs:
        rings = torch.full((2, len(RINGS)), 0.01, dtype=torch.float64)
        if run["arm"] == "ssim_9":
            rings *= 0.8
            rings[:, halos.NEAR] = 0.01 * (0.9 + 0.01 * run["seed"])
        found.scores[f"{run['job']}/{BESIDE_EDGES}"] = rings.numpy()
    return found


def test_a_tint_is_in_the_whole_error_and_not_in_the_noise() -> None:
    class Tinted(nn.Module):
        """Puts out a part of the noise that it sees in green, and a tint."""

        margin = 8

        def __init__(self, tint: float) -> None:
            super().__init__()
            self.tint = tint

        def forward(self, seen: Tensor) -> Tensor:
            return 0.1 * seen[..., 8:-8, 8:-8] + self.tint

    clean = torch.full((1, 3, 96, 96), 0.25)
    clean[..., 48:] = 0.75
    without, tinted = (halos.errors(Tinted(tint), clean) for tint in (0.0, 0.2))  # type: ignore[arg-type]
    assert tinted.noise == pytest.approx(without.noise, rel=1e-4, nan_ok=True)
    assert abs(tinted.whole[halos.FAR] - without.whole[halos.FAR]) > 0.05
    one, other = (0.1 * data.noisy_bayer(clean, seed=seed) for seed in (0, 1))
    everywhere = float((one - other).square().mean().sqrt()) / math.sqrt(2)
    assert 0.3 * everywhere < without.noise[halos.FAR] < 3 * everywhere


def test_near_against_far_is_paired_by_seed() -> None:
    expected = t_interval([10.0, 11.0, 12.0])
    assert halos.shrinks(record(), "ssim_9") == pytest.approx(expected)
    said = halos.near_and_far(record())
    assert "$\\mathrm{SSIM}_9$ +11.0 (+8.5 to +13.5)" in said and "3 to 4 pixels away less 7 to 10" in said
    assert said.count("\n") == 1 and said.endswith("$\\mathrm{SSIM}_9$ −20 (−20 to −20).")


def test_photographs_are_counted_one_by_one_and_those_without_such_a_place_are_not() -> None:
    found = record()
    for run in found.runs:
        key, size = (
            f"{run['job']}/{BESIDE_EDGES}",
            {0: 0.9, 1: 1.2, 2: 1.2}[run["seed"]] if run["arm"] == "ssim_9" else 1,
        )
        found.scores[key] = np.array([[NAN, 0.01 * size, 0.01, 0.01, 0.01, 0.01], [0.02 * (2 - size)] * 6])
    near = halos.count(found)
    assert (near.less, near.of) == (1, 2) and near.median == pytest.approx(0, abs=1e-6)
    assert halos.count(found, ring=halos.SLOPE) == (1, 1, pytest.approx(-10))
    flat = halos.count(found, band="middle")
    assert flat.less == 0 and flat.median == pytest.approx(0)
    assert "3 to 4 pixels off edges 1 of 2 (median +0 %)" in halos.one_by_one(found)


def test_the_level_is_told_in_two_groups() -> None:
    found = record()
    column = found.settings["columns"].index("flat_bias")
    for run in found.runs:
        scores = found.scores[f"{run['job']}@test"]
        scores[:, column] = 0.002 if run["arm"] == "ssim_1" else -0.004
        scores[0, column] = -0.02 if run["arm"] == "ssim_1" else -0.01
    count = len(scores)
    said = halos.level(found)
    assert f"In 1 of {count} photographs $\\mathrm{{SSIM}}_1$ leaves them darker by more than 15; there " in said
    assert "there $\\mathrm{SSIM}_1$ −20.0; $\\mathrm{SSIM}_9$ −10.0. In the others" in said
    assert said.endswith("$\\mathrm{SSIM}_1$ 2.0; $\\mathrm{SSIM}_9$ 4.0.")


def left() -> dict[str, dict[str, halos.Errors]]:
    """Two losses and two pictures; in the second picture nothing is near an edge."""
    return {
        "ssim_1": {
            "one_two": halos.Errors([1.0] * 6, [2.0] * 6),
            "bare": halos.Errors([1.0] * 6, [NAN, NAN, 1.0, 1.0, 1.0, 1.0]),
        },
        "ssim_9": {
            "one_two": halos.Errors([1.1] * 6, [3.0, 2.5, 2.0, 1.0, 1.0, 1.0]),
            "bare": halos.Errors([0.5] * 6, [NAN, NAN, 1.0, 2.0, 1.0, 1.0]),
        },
    }


def test_changes_are_in_percent_by_picture() -> None:
    found = halos.changes(left())
    assert found["one_two"].whole == pytest.approx([10.0] * 6) and found["bare"].whole == pytest.approx([-50.0] * 6)
    assert found["one_two"].noise == pytest.approx([50, 25, 0, -50, -50, -50])
    assert found["bare"].noise[3] == 100 and math.isnan(found["bare"].noise[1])


def test_the_table_has_the_pictures_that_have_both_distances() -> None:
    rows = halos.table(left()).splitlines()
    assert rows[0].startswith("| noise 3 to 4 pixels off edges over that 7 to 10 off | ")
    assert rows[2:] == ["| one two | 1.00 | 2.50 |"]


def test_pictures_without_edges_have_no_number() -> None:
    network = keepsakes.network(load("sigma_sensitivity-cpu"), "ssim_9")
    found = halos.measured({"ssim_9": network}, {"flat": torch.full((1, 3, 96, 32), 0.5)})
    assert all(math.isnan(value) for part in found["ssim_9"]["flat"] for value in part)


def test_the_figure_has_a_line_a_picture() -> None:
    axes = halos.draw(left()).axes
    assert [len(ax.get_legend_handles_labels()[0]) for ax in axes] == [2, 2]
    assert [text.get_text() for text in axes[0].get_xticklabels()] == [f"{a}–{b}" for a, b in RINGS]


def test_photographs_are_in_colour_and_half_as_large() -> None:
    found = halos.photographs()
    assert "camera" not in found and found["astronaut"].shape == (1, 3, 256, 256)
