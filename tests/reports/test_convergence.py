"""The inset of section 5.1 with its controls, from records whose effects are known."""

from __future__ import annotations

import itertools
import math
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import report_records as made

from lossedu.experiments.convergence import BRANCHES, MODES
from lossedu.experiments.scoring import COLUMNS
from lossedu.experiments.tuning import SAFETY
from lossedu.figures import loss_style
from lossedu.records import Record
from lossedu.reports import convergence, endpoints
from lossedu.statistics import t_interval

mpl.use("Agg")

#: What the branches have of the trunk's error: a switch helps l2, but not with the old optimiser, and a reset helps l1.
FACTORS = {("l2", "switch"): 0.90, ("l2", "continue"): 0.95, ("l2", "reset"): 0.951, ("l1", "reset"): 0.97}
FACTORS |= {("l2", "switch_carried"): 1.02, ("l1", "switch_carried"): 0.98}

KEPT = "switched, optimiser's memory kept"


@pytest.fixture(scope="module")
def plain() -> Record:
    return made.convergence(FACTORS, modes=("adam_tuned", "sgd"))


def changed(record: Record, job: str, **entry: Any) -> Record:
    runs = [{**run, **(entry if run["job"] == job else {})} for run in record.runs]
    return Record(record.experiment, "cpu", record.settings, runs, record.provenance, "run", scores=record.scores)


def older(record: Record) -> Record:
    """The same record from before there was a switch that keeps the optimiser's memory."""
    runs = [
        {**run, "curves": {name: course for name, course in run["curves"].items() if name != "switch_carried"}}
        for run in record.runs
    ]
    scores = {key: table for key, table in record.scores.items() if "/switch_carried@" not in key}
    return Record(record.experiment, "cpu", record.settings, runs, record.provenance, "run", scores=scores)


def remark(figure: Any) -> str:
    return figure._supxlabel.get_text().replace("\n", " ") if figure._supxlabel else ""


def ends(record: Record, mode: str, arm: str, branch: str, where: str = "test") -> np.ndarray:
    keys = [f"{mode}-{arm}-{seed}/{branch}@{where}" for seed in range(3)]
    return np.array([record.scores[key][:, COLUMNS.index("mse")].astype(float).mean() for key in keys])


def test_curves_show_every_branch_of_both_losses(plain: Record) -> None:
    figure = convergence.draw_curves(plain, "adam_tuned")
    figure.canvas.draw()
    whole, close = figure.axes
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert len(texts) == 8 and r"$\ell_2$, then $\ell_1$" in texts and r"$\ell_1$, optimiser reset" in texts
    old = [text for text in texts if text.endswith("old memory")]
    assert old == [r"$\ell_2$, then $\ell_1$, old memory", r"$\ell_1$, then $\ell_2$, old memory"]
    lines = {line.get_label(): line for line in whole.get_lines() if line.get_label() in texts}
    assert len({(line.get_color(), line.get_linestyle(), str(line._dash_pattern)) for line in lines.values()}) == 8
    # Light lines for seeds: for both losses, the trunk and four branches.
    assert sum(line.get_alpha() == 0.3 for line in whole.get_lines()) == 2 * 5 * 3
    assert sum(line.get_alpha() == 0.3 for line in close.get_lines()) == 2 * 4 * 3
    runs = [run for run in plain.runs if run["mode"] == "adam_tuned" and run["arm"] == "l2"]
    mean = np.mean([[1000 * e[0] for _, e in run["curves"]["switch"]] for run in runs], axis=0)
    line = lines[r"$\ell_2$, then $\ell_1$"]
    assert line.get_color() == loss_style("l2")["color"]
    # It begins where the trunk ended.
    start = np.mean([1000 * run["curves"]["trunk"][-1][1][0] for run in runs])
    assert line.get_ydata() == pytest.approx([start, *mean])
    assert lines[r"$\ell_2$, then $\ell_1$, old memory"].get_ydata()[-1] > 1.1 * line.get_ydata()[-1]
    assert list(line.get_xdata())[:2] == [1000, 1025] and line.get_xdata()[-1] == 1500
    assert [line.get_xdata()[0] for line in close.get_lines() if line.get_ydata()[0] == 0] == [1000]  # the mark
    assert remark(figure) == "Adam, half of the best step."


def test_older_records_without_the_old_optimiser_can_be_drawn(plain: Record) -> None:
    record = older(plain)
    assert convergence.branches_of(plain) == list(BRANCHES) and convergence.branches_of(record) == list(BRANCHES[:3])
    figure = convergence.draw_curves(record, "sgd")
    assert len(figure.legends[0].get_texts()) == 6
    assert [text.get_text() for text in endpoints.draw_final(record).axes[0].get_xticklabels()] == [
        *("continued", "reset", "switched"),
    ]
    text = convergence.switch_effects(record)
    assert KEPT not in text and len(row(text, "Adam, half of the best step", r"$\ell_1$")) == 4
    # A branch that diverged everywhere was there all the same.
    for run in record.runs:
        run["branches_diverged"] = {"switch_carried": 7}
    assert convergence.branches_of(record) == list(BRANCHES)
    assert row(convergence.switch_effects(record), "Adam, half of the best step", r"$\ell_1$")[4] == "–"
    assert "diverged at step 7 of switch_carried" in remark(convergence.draw_curves(record, "sgd"))


def test_curves_name_what_they_leave_out(plain: Record) -> None:
    run = next(run for run in plain.runs if run["job"] == "sgd-l1-1")
    curves = {**run["curves"], "switch": [[25, [math.inf, 1.0]]]}
    record = changed(changed(plain, "sgd-l1-1", curves=curves), "sgd-l2-0", branches_diverged={"reset": 9})
    figure = convergence.draw_curves(record, "sgd")
    assert r"$\ell_1$, then $\ell_2$: 1 left out, error not finite." in remark(figure)
    assert "sgd-l2-0 diverged at step 9 of reset" in remark(figure)
    assert len(convergence.courses(record, "sgd", "l2", "reset")) == 2
    assert len(convergence.courses(record, "sgd", "l2", "switch")) == 3
    none = changed(plain, "adam_tuned-l1-0", curves={}, ran_away=True, diverged_at=3)
    assert "adam_tuned-l1-0 diverged at step 3" in remark(convergence.draw_curves(none, "adam_tuned"))
    with pytest.raises(ValueError, match=r"mode must be one that record .* \['adam_tuned', 'sgd'\], got 'adam'"):
        convergence.draw_curves(plain, "adam")


def test_every_mode_has_its_panel_with_its_step_size_in_words() -> None:
    assert set(convergence.TITLES) == set(MODES)
    names, said = {"adam": "Adam", "sgd": "SGD"}, {0.5: "half of the best step", 0.05: "a twentieth of the best step"}
    for mode, (optimizer, factor) in MODES.items():
        assert convergence.TITLES[mode] == f"{names[optimizer]}, {said[SAFETY * factor]}"


def row(text: str, mode: str, loss: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {mode} | {loss} |")]
    return line.strip("| ").split(" | ")[2:]


def test_effects_are_decibels_over_the_same_loss_continued(plain: Record) -> None:
    text = convergence.switch_effects(plain)
    assert len(text.split("\n\n")[0].splitlines()) == 2 + 4
    columns = [(branch, where) for branch in ("switch", "reset") for where in ("test", "train")]
    columns.append(("switch_carried", "test"))
    assert text.splitlines()[0].endswith(f"| reset, test | reset, training | {KEPT}, test |")
    for arm, loss in (("l2", r"$\ell_2$"), ("l1", r"$\ell_1$")):
        cells = row(text, "Adam, half of the best step", loss)
        for cell, (branch, where) in zip(cells, columns, strict=True):
            gains = 10 * np.log10(
                ends(plain, "adam_tuned", arm, "continue", where) / ends(plain, "adam_tuned", arm, branch, where)
            )
            expected = t_interval(gains)
            numbers = cell.replace("−", "-").replace(" ~", "").replace("(", "").replace(")", "").replace("to ", "")
            found = [float(number) for number in numbers.split()]
            assert found == pytest.approx(list(expected), abs=0.006)
            assert cell.endswith("~") == (expected.low <= 0 <= expected.high)
    # What a reset changes may be far below a thousandth, and is no zero.
    tiny = row(
        convergence.switch_effects(made.convergence({("l2", "reset"): 1.0001})),
        "Adam, half of the best step",
        r"$\ell_2$",
    )
    assert float(tiny[2].split()[0].replace("−", "-")) != 0
    # A switch helps l2 by .23 dB; l1 gains nothing by it.
    assert row(text, "SGD, a twentieth of the best step", r"$\ell_2$")[0].startswith("+0.2")
    assert row(text, "SGD, a twentieth of the best step", r"$\ell_1$")[0].endswith("~")


def test_effects_without_seeds_or_losses(plain: Record) -> None:
    two = changed(plain, "sgd-l2-1", ran_away=True)
    text = convergence.switch_effects(two)
    assert "(" not in row(text, "SGD, a twentieth of the best step", r"$\ell_2$")[0]
    assert "Left out of all means: sgd-l2-1 ran away." in text
    for seed in (0, 2):
        two = changed(two, f"sgd-l2-{seed}", ran_away=True)
    assert row(convergence.switch_effects(two), "SGD, a twentieth of the best step", r"$\ell_2$") == ["–"] * 5
    alone = Record("convergence", "cpu", plain.settings, [r for r in plain.runs if r["arm"] == "l1"], {}, "", {})
    alone.scores = plain.scores
    assert r"| $\ell_2$ |" not in convergence.switch_effects(alone)
    assert endpoints.draw_final(alone).legends[0].get_texts()[0].get_text() == r"first $\ell_1$"


def test_one_network_of_two_modes_is_named_once(plain: Record) -> None:
    runs = [{**run, "job": "shared", "ran_away": True} for run in plain.runs if run["seed"] == 0 and run["arm"] == "l1"]
    record = Record("convergence", "cpu", plain.settings, [*plain.runs, *runs], {}, "", scores=plain.scores)
    assert convergence.gaps(record, "adam_tuned", "sgd") == ["Left out of all means: shared ran away."]


def test_final_errors_are_those_of_the_tables(plain: Record) -> None:
    figure = endpoints.draw_final(plain)
    figure.canvas.draw()
    assert [ax.get_title() for ax in figure.axes] == [
        "Adam, half of the best step",
        "SGD, a twentieth of the best step",
    ]
    clouds = [line for line in figure.axes[1].get_lines() if line.get_markerfacecolor() == "white"]
    order = [(arm, branch) for arm in ("l2", "l1") for branch in BRANCHES]
    ticks = [text.get_text() for text in figure.axes[1].get_xticklabels()]
    assert ticks[:3] == ["continued", "reset", "switched"] and ticks[3].split() == KEPT.split()
    # The long name begins below its neighbours, which lie side by side.
    boxes = [text.get_window_extent() for text in figure.axes[1].get_xticklabels()[:3]]
    assert ticks[3].startswith("\n") and not any(a.overlaps(b) for a, b in itertools.pairwise(boxes))
    for line, (arm, branch) in zip(clouds, order, strict=True):
        assert line.get_ydata() == pytest.approx(1000 * ends(plain, "sgd", arm, branch))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [r"first $\ell_2$", r"first $\ell_1$"]


def test_line_is_told_above_the_one_between_its_ends() -> None:
    assert endpoints.above([1.0, 4.0, 3.0]) == pytest.approx([0, 10 * math.log10(2), 0])


def test_landscape_has_the_walls_that_were_made(plain: Record) -> None:
    figure = endpoints.draw_landscape(plain)
    assert len(figure.axes) == 2
    lines = {line.get_label(): line for line in figure.axes[0].get_lines() if "$" in str(line.get_label())}
    tops = {label: max(line.get_ydata()) for label, line in lines.items()}
    assert tops == {
        r"$\ell_1$ then $\ell_2$, against $\ell_2$ throughout": pytest.approx(2.1),
        r"$\ell_2$ throughout, both": pytest.approx(1.1),
        r"$\ell_1$ then $\ell_2$, both": pytest.approx(1.1),
    }
    rows = [dict(row) for row in plain.settings["landscape"]]
    rows[0]["line"] = [1.0, math.inf, 1.0]
    record = Record("convergence", "cpu", {**plain.settings, "landscape": rows}, plain.runs, {}, "")
    assert "1 left out, error not finite" in remark(endpoints.draw_landscape(record))
    empty = Record("convergence", "cpu", {}, plain.runs, {}, "")
    with pytest.raises(ValueError, match="must have a landscape"):
        endpoints.draw_landscape(empty)


def test_beside_the_walls_stand_distances_and_the_errors_after_the_switch() -> None:
    record = made.convergence({("l2", "switch"): 1.1, ("l1", "switch"): 1.0}, modes=("adam_tuned",))
    for line in record.settings["landscape"]:
        line["distance_chance"] = 1.2
        line["distance"] = 0.8 if line["pair"] == "l1-l2" else 0.7
    head, _, line = endpoints.beside_walls(record).splitlines()
    cells = line.strip("| ").split(" | ")
    assert cells[:4] == ["Adam, half of the best step", "0.800", "1.200", "0.700"]
    assert "| ℓ1 then ℓ2 over ℓ2, test (dB) |" in head
    own = 10 * np.log10(ends(record, "adam_tuned", "l2", "continue") / ends(record, "adam_tuned", "l1", "switch"))
    assert cells[4].startswith(f"{own.mean():+.2f} (".replace("-", "−"))
    gains = 10 * np.log10(ends(record, "adam_tuned", "l1", "switch") / ends(record, "adam_tuned", "l2", "switch"))
    assert cells[5].startswith(f"−{abs(gains.mean()):.2f} (") and gains.mean() < -0.3
