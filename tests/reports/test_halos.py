"""What is said of halos: parts of the error by distance from edges, and near against far, from made-up residuals."""

from __future__ import annotations

import math

import matplotlib as mpl
import pytest
import report_records as made
import torch
from torch import Tensor, nn

from lossedu import data
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


def test_the_level_is_told_for_every_loss() -> None:
    said = halos.level(record())
    assert said.count("\n") == 0 and "$\\mathrm{SSIM}_9$ less $\\mathrm{SSIM}_1$: +0.0 (+0.0 to +0.0)" in said


def test_percent_of_a_kept_network_against_itself_are_zero_and_pictures_without_edges_have_no_number() -> None:
    widths = load("sigma_sensitivity-cpu")
    grey = torch.full((1, 3, 96, 96), 0.5)
    grey[..., 40:] = 0.8
    (found,) = halos.changes(widths, {"edge": grey}, "ssim_9", "ssim_9").values()
    assert all(value == 0 or math.isnan(value) for part in found for value in part)
    (empty,) = halos.changes(widths, {"flat": grey[..., :32]}).values()
    assert all(math.isnan(value) for part in empty for value in part)


def test_the_sentence_has_the_ends_and_the_figure_every_picture() -> None:
    found = {
        "one": halos.Errors([NAN, NAN, 1.0, -2.0, 0.0, 5.0], [NAN, 12.0, 1.0, -2.0, 0.0, -7.0]),
        "two": halos.Errors([1.0, 3.0, 1.0, 4.0, 0.0, 6.0], [1.0, 3.0, 1.0, 0.0, 0.0, -6.0]),
    }
    whole, noise = halos.sentence(found).splitlines()
    assert "3 to 4 pixels away +3 to +3 % (1 photographs)" in whole
    assert "3 to 4 pixels away +3 to +12 % (2 photographs)" in noise and "17 to 24 pixels away −7 to −6 %" in noise
    axes = halos.draw(found).axes
    assert [len(ax.get_legend_handles_labels()[0]) for ax in axes] == [2, 2]
    assert [text.get_text() for text in axes[0].get_xticklabels()] == [f"{a}–{b}" for a, b in RINGS]


def test_photographs_are_in_colour_and_half_as_large() -> None:
    found = halos.photographs()
    assert "camera" not in found and found["astronaut"].shape == (1, 3, 256, 256)
