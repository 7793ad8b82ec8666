"""What the records of `sigma_sensitivity` say, from made-up residuals."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
import report_records as made

from lossedu.experiments.residuals import RINGS
from lossedu.experiments.sigma_sensitivity import ARMS, BESIDE_EDGES
from lossedu.records import Record
from lossedu.reports import windows
from lossedu.statistics import t_interval

mpl.use("Agg")

#: Loss -> factor on every residual.
FACTORS = {"ssim_1": 1.0, "ssim_3": 0.8, "ssim_5": 0.79, "ssim_9": 0.7, "l1": 0.9, "l2": 1.4}


def record(factors: dict[str, float] = FACTORS, *, seeds: int = 3, away: str = "") -> Record:
    """A record whose networks leave residuals with these factors, in flat regions and at every distance."""
    effects = {arm: dict.fromkeys(("flat_fine", "flat_middle", "flat_coarse"), f) for arm, f in factors.items()}
    found = made.table1(effects, seeds=seeds, spread=0.0)
    found.experiment = "sigma_sensitivity"
    found.settings["rings"] = [list(ring) for ring in RINGS]
    for run in found.runs:
        size = factors[run["arm"]] * made.SEEDS[run["seed"]]
        found.scores[f"{run['job']}/{BESIDE_EDGES}"] = size * np.array([[0.01] * len(RINGS), [0.03] * len(RINGS)])
        run["ran_away"] = run["job"] == away
    return found


def test_bands_are_pooled_over_pictures() -> None:
    squares = [(0.004 * picture * made.SEEDS[1] * 0.7) ** 2 for picture in made.PICTURES]
    assert windows.band_values(record(), "ssim_9", "middle")[1] == pytest.approx(np.sqrt(np.mean(squares)), rel=1e-6)


def test_rings_are_pooled_over_the_pictures_that_have_them() -> None:
    found = record()
    expected = 0.8 * made.SEEDS[2] * np.sqrt((0.01**2 + 0.03**2) / 2)
    assert windows.ring_values(found, "ssim_3", 2)[2] == pytest.approx(expected)
    found.scores[f"dd-ssim_3-2/{BESIDE_EDGES}"][1, 2] = np.nan
    assert windows.ring_values(found, "ssim_3", 2)[2] == pytest.approx(0.8 * made.SEEDS[2] * 0.01)


def test_changes_are_paired_by_seed() -> None:
    found = record(seeds=5)
    for run in found.runs:
        if run["arm"] == "ssim_9":
            for key in [key for key in found.scores if key.startswith(run["job"])]:
                found.scores[key] = found.scores[key] * (1 + 0.01 * run["seed"])
    expected = t_interval([100 * (0.7 * (1 + 0.01 * seed) - 1) for seed in range(5)])
    assert windows.ring_change(found, 1, "ssim_9", "ssim_1") == pytest.approx(expected, rel=1e-5)
    assert windows.band_change(found, "coarse", "ssim_9", "ssim_1") == pytest.approx(expected, rel=1e-5)


def test_a_network_that_ran_away_is_in_no_mean() -> None:
    found = record(away="dd-ssim_9-1")
    assert set(windows.band_values(found, "ssim_9", "fine")) == set(windows.ring_values(found, "ssim_9", 3)) == {0, 2}
    # Two seeds give no interval, and the word for that is not "more" or "less".
    assert not np.isfinite(windows.ring_change(found, 1, "ssim_9", "ssim_1").low)
    said = windows.findings(found).splitlines()
    assert said[3].count("(too few seeds)") == len(RINGS) - 1 and "nan" not in "".join(said)
    assert said[-1] == windows.table(found).splitlines()[-1] == "Left out of all means: dd-ssim_9-1 ran away."
    for draw in (windows.draw_bands, windows.draw_rings):
        assert draw(found)._supxlabel.get_text().replace("\n", " ") == said[-1]  # type: ignore[attr-defined]


def test_a_record_of_some_losses_says_what_it_can() -> None:
    found = record({"ssim_1": 1.0, "ssim_9": 0.7})
    assert len(windows.findings(found).splitlines()) == 4 and windows.table(found).count("\n") == 3
    assert len(windows.draw_rings(found).axes[0].get_legend_handles_labels()[0]) == 2


def test_findings_say_no_more_than_the_intervals() -> None:
    found = record()
    for run in found.runs:  # ssim_5 differs from ssim_3 by chance alone
        if run["arm"] == "ssim_5":
            key = f"{run['job']}@test"
            found.scores[key] = found.scores[key] * [1.2, 0.8, 1.03][run["seed"]]
    flat = windows.findings(found).splitlines()[1]
    assert "_3$ against $\\mathrm{SSIM}_1$ −20 % (−20 to −20: less)" in flat
    assert flat.count(": open)") == 2 and "+40 % (+40 to +40: more)" in flat


def test_the_table_has_a_line_for_each_loss() -> None:
    lines = windows.table(record()).splitlines()
    assert len(lines) == 2 + len(ARMS)
    assert all(line.count("|") == lines[0].count("|") for line in lines)
    assert f"{RINGS[1][0]}–{RINGS[1][1]} px" in lines[0]


def test_figures_show_every_seed_and_every_distance() -> None:
    figure = windows.draw_bands(record())
    assert len(figure.axes) == 3
    for ax in figure.axes:
        assert [text.get_text() for text in ax.get_xticklabels()] == [windows.label(arm) for arm in ARMS]
    (ax,) = windows.draw_rings(record()).axes
    assert [text.get_text() for text in ax.get_xticklabels()] == [f"{a}–{b}" for a, b in RINGS[1:]]
    assert len(ax.get_legend_handles_labels()[0]) == 4  # three windows and the one they are compared with


def test_an_end_that_is_not_zero_does_not_read_as_zero() -> None:
    told = windows.findings(record({"ssim_3": 1.0, "ssim_9": 0.9996}))
    assert "−0.04 % (−0.04 to −0.04: less)" in told
    assert "−0 %" not in told and "+0 " not in told
