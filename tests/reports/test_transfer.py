"""What chapter 8 shows of colours learned without pairs: rows of tables, lines of figures."""

from __future__ import annotations

import numpy as np
import pytest

from lossedu.experiments import color_transfer, transfer_scenes, transfer_scores
from lossedu.records import Record
from lossedu.reports import transfer, transfer_figures
from lossedu.reports.transfer import NAMES

COLUMNS = list(transfer_scores.COLUMNS)


def record() -> Record:
    """Five seeds, four pictures.  Arm number k is k thousandths farther from the truth than the input, which has 30.

    `color` collapses in two seeds; in `plain` the generator's loss rises with the colour difference that is seen, in
    all others it falls.
    """
    runs, scores, weights = [], {}, {}
    bright = (transfer_scenes.shown().y[0].permute(1, 2, 0) * 255).round().byte().numpy()
    for rank, arm in enumerate(NAMES):
        for seed in range(1 if arm == "input" else 5):
            job = f"cast-{arm}-{seed}"
            run = {"job": job, "task": "cast", "arm": arm, "seed": seed, "ran_away": False, "commit": "0" * 12}
            rows = np.tile(np.linspace(0.1, 0.9, len(COLUMNS), dtype=np.float32), (4, 1))
            rows[:, COLUMNS.index("joint")] = (30 + rank + 0.1 * seed + np.arange(4) - 1.5) / 1000
            rows[:, COLUMNS.index("de00")] = 30 if arm == "color" and seed < 2 else 9
            scores[f"{job}@test"] = rows
            scores[f"{job}@averaged"] = rows * 0.5
            if arm != "input":
                up = 1 if arm == "plain" else -1
                run["watched"] = [
                    [
                        20 * (k + 1),
                        {
                            "generator": {"color": 1 + 0.1 * up * k},
                            "critic": {"color": 1.4 - 0.1 * k},
                            "seen": {"de00": 5.0 + k, "emd": 0.1, "likeness": 1.0},
                        },
                    ]
                    for k in range(4)
                ]
            runs.append(run)
            if (arm in color_transfer.KEPT and seed == 0) or arm in color_transfer.ALL_SEEDS:
                weights[f"{arm}/{seed}"] = bright
    settings = {"columns": COLUMNS, "sets": {"test": list("abcd"), "averaged": list("abcd")}}
    origin = {"device": "x", "torch": "y", "date": "z"}
    return Record("color_transfer", "cpu", settings, runs, origin, "lossedu run", scores=scores, weights=weights)


def test_every_arm_has_a_name() -> None:
    assert set(NAMES) == {"input", *color_transfer.ARMS}
    assert set(transfer_figures.SHOWN) <= set(color_transfer.KEPT)


def test_rows_of_the_table() -> None:
    made = record()
    text = transfer.table(made, ("input", "paired", "color"))
    assert text.count("\n| ") == 4 and "4 pictures and as many seeds as the last column says" in text
    lines = {line.split(" | ")[0].strip("| "): line for line in text.splitlines()}
    assert "| 30.00 |" in lines["tinted input"] and "31.20 ±" in lines["pairs, ℓ2"]
    assert lines["colour critic, published"].rstrip(" |").endswith("2 of 5")
    assert lines["pairs, ℓ2"].rstrip(" |").endswith("0 of 5")
    assert "15.0" in transfer.table(made, ("input",), "averaged")
    with pytest.raises(ValueError, match="arms must be one of"):
        transfer.table(made, ("wgan",))


def test_leads_are_by_seed() -> None:
    made = record()
    found = transfer.gap(made, "histogram", "paired", "joint")
    assert found.mean == pytest.approx(1e-3, abs=1e-7) and found.high - found.low < 1e-6
    assert transfer.over_input(made, "paired").mean == pytest.approx(4, abs=0.01)  # 31.2 over 30
    assert transfer_figures.lead_text(made, "paired").startswith("+4 % [+3, +5]")
    text = transfer.gaps_table(made, "paired", ("histogram", "color"))
    assert "| EMD to another scene | **+1.0 ±<0.1** |" in text and text.count("\n| ") == 3


def test_what_is_gone_of_the_distance() -> None:
    made = record()
    made.scores["cast-paired-0@averaged"] = made.scores["cast-paired-0@averaged"] * 0
    text = transfer.gone_table(made, ("input", "paired", "histogram"))
    lines = {line.split(" | ")[0].strip("| "): line for line in text.splitlines()}
    assert lines["tinted input"] == "| tinted input | 0 | 0 | 1 |"
    assert lines["pairs, ℓ2"].startswith("| pairs, ℓ2 | −4 ±1 | 17 ±")  # one seed of five has nothing left
    assert lines["EMD to another scene"].endswith("| 5 |")
    assert "How much of the tinted input's joint distance" in text
    with pytest.raises(ValueError, match="arms must be one of"):
        transfer.gone_table(made, ("wgan",))


def test_losses_against_what_is_seen() -> None:
    made = record()
    assert transfer.loss_against_colors(made, "plain") == {seed: pytest.approx(1.0) for seed in range(5)}
    assert transfer.loss_against_colors(made, "color") == {seed: pytest.approx(-1.0) for seed in range(5)}
    text = transfer.correlations_table(made, ("plain", "color"))
    assert "| no normalisation | +1.0, +1.0, +1.0, +1.0, +1.0 | −1.0, −1.0, −1.0, −1.0, −1.0 |" in text


def test_a_network_that_diverged_is_named_and_left_out() -> None:
    made = record()
    made.runs = [{**run, "diverged_at": 7} if run["job"] == "cast-plain-3" else run for run in made.runs]
    assert sorted(transfer.by_seed(made, "plain", "joint")) == [0, 1, 2, 4]
    assert "cast-plain-3 diverged at step 7" in transfer.table(made, ("plain",))


def test_figures_show_what_is_asked_for() -> None:
    made = record()
    figure = transfer_figures.courses(made, ("color", "plain"))
    assert [len(ax.lines) for ax in figure.axes] == [10, 10, 5, 5]
    assert transfer_figures.strip(made).get_size_inches()[0] > 0
    assert transfer_figures.seeds(made).get_size_inches()[0] > 0
