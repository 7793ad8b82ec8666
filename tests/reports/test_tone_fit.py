"""What chapter 7 shows of tone curves: tables have their rows and numbers, figures their lines."""

from __future__ import annotations

import numpy as np
import pytest
from ledger_transport import PICTURES, tone_fit

from lossedu.experiments.tone_gradients import READINGS
from lossedu.reports import tone_fit as shown


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_gradients_have_a_row_for_each_reading() -> None:
    found = lines(shown.gradient_table(tone_fit(1.0)))
    assert len(found) == 2 + len(READINGS) and all(line.count("|") == 12 for line in found)
    assert "| 0.4, no mirror | 50.0 % | 25.0 % | \N{MINUS SIGN}200 | 259 | 245 |" in found[7]


def test_errors_by_condition_and_kernel() -> None:
    made = tone_fit(1.0)
    found = lines(shown.fit_table(made))
    assert set(shown.CONDITIONS) == set(made.settings["conditions"]) and len(found) == 2 + len(shown.CONDITIONS)
    (row,) = (line for line in found if line.startswith("| a fifth black, lift |"))
    cells = [cell.strip() for cell in row.split("|")[2:-1]]
    assert cells[0].startswith("5.20 ±") and cells[1].startswith("5.20 ±") and cells[2].startswith("3.20 ±")
    (row,) = (line for line in found if line.startswith("| a twentieth black"))
    assert row.count("–") == 4


def test_curves_are_drawn() -> None:
    made = tone_fit(1.0)
    axes = shown.draw_curves(made).axes
    assert [len(ax.get_lines()) for ax in axes] == [PICTURES + 1] * 2
    # White in a tenth of the light is stored as 0.349, and the truth makes 0.349 ** 0.6 of it.
    np.testing.assert_allclose(axes[0].get_lines()[-1].get_xdata()[-1], 0.349, atol=0.001)
    np.testing.assert_allclose(axes[0].get_lines()[-1].get_ydata()[-1], 0.349**0.6, atol=0.001)


def test_steps_by_start_and_loss() -> None:
    made = tone_fit(1.0)
    found = lines(shown.steps_table(made))
    assert len(found) == 2 + 9
    # The budget of the made-up record is two steps: nobody arrived.
    assert f"| far | cumulative, ℓ1 | 100 ({PICTURES}) | 200 ({PICTURES}) | 0.1 |" in found[2]
    made.settings["steps"] = 1000
    assert "| far | bins, ℓ1 | 160 | 320 | 0.1 |" in lines(shown.steps_table(made))[3]


def test_what_is_not_there_is_named() -> None:
    made = tone_fit(1.0)
    with pytest.raises(ValueError, match="has no runs of task dark, arm printed"):
        shown.column(made, "dark", "printed", "gamma")
    with pytest.raises(ValueError, match="name must be one of"):
        shown.column(made, "dark", "sort", "gammas")
