"""How the networks of chapter 1 were trained that compare l1 with l2, from made-up records."""

from __future__ import annotations

import numpy as np
import pytest
import report_records as made

from lossedu.records import Record
from lossedu.reports import pixel_runs


def tuned() -> Record:
    record = made.tuning({"l2": 2, "l1": 1}, away=[("l2", 1.0)])
    for run in record.runs:
        run["mse"] = run["validation"] / 10 if run["arm"] == "l1" else run["validation"]
    return record


def noisy(steps: dict[str, float]) -> Record:
    runs, scores = [], {}
    for arm, lr in steps.items():
        for seed in range(3):
            runs.append({"job": f"clean-{arm}-{seed}", "task": "clean", "arm": arm, "seed": seed, "lr": lr})
            scores[f"clean-{arm}-{seed}@test"] = np.ones((5, 1), dtype=np.float32)
    return made.record("noisy_targets", runs, scores, columns=["mse"], sets={"test": list("abcde")}, steps=2_000)


def table() -> Record:
    record = made.table1({"l2": {}, "l1": {}})
    for run in record.runs:
        run["lr"] = 1e-3
    record.settings["steps"] = 10_000
    return record


def course() -> Record:
    record = made.convergence({})
    for run in record.runs:
        run["lr"] = 0.015 if run["mode"] == "sgd_tuned" else 0.001
    return record


def test_steps_that_were_tried_are_told_by_squared_error_and_by_the_own_loss() -> None:
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in pixel_runs.steps_tried(tuned()).splitlines()]
    assert lines[0] == [
        "optimiser, step size",
        "1000 × squared error, ℓ2",
        "1000 × squared error, ℓ1",
        "1000 × own loss, ℓ1",
    ]
    cells = {line[0]: line[1:] for line in lines[2:]}
    assert len(cells) == 10
    assert cells["gradient descent, 0.1"] == ["10.000 (chosen)", "1.060 (+6.0 %)", "10.60 (+6.0 %)"]
    assert cells["gradient descent, 0.03"] == ["10.600 (+6.0 %)", "1.000 (chosen)", "10.00 (chosen)"]
    assert cells["gradient descent, 1"][0] == "ran away"
    assert cells["Adam, 0.002"][0] == "10.000 (chosen)"


def test_conditions_tell_steps_seeds_and_pictures() -> None:
    text = pixel_runs.conditions(tuned(), noisy({"l2": 2e-3, "l1": 2e-3}), table(), course())
    lines = text.splitlines()[2:]
    assert "| gradient descent and Adam | 5 tried with each |" in lines[0] and "| 1 | validation pictures |" in lines[0]
    assert "| Adam | 0.002 | 2,000 | 3 | 5 test pictures |" in lines[1]
    assert "| Adam | 0.001 | 10,000 |" in lines[2]
    assert "| gradient descent | 0.015 |" in lines[3] and "| Adam | 0.001 |" in lines[4]


def test_losses_with_steps_of_their_own_are_no_such_comparison() -> None:
    with pytest.raises(ValueError, match="trained with one step size"):
        pixel_runs.conditions(tuned(), noisy({"l2": 2e-3, "l1": 1e-3}), table(), course())


def test_leads_on_the_way_are_told_by_seed_and_step() -> None:
    record = course()
    for run in record.runs:
        factor = 0.5 if run["arm"] == "l1" else 1.0
        run["curves"]["trunk"] = [[step, [factor * 1e-3 * (1 + run["seed"])] * 2] for step in pixel_runs.LOOKS]
    for step in pixel_runs.LOOKS:
        assert pixel_runs.lead(record, "adam_tuned", step) == pytest.approx([10 * np.log10(2)] * 3)
    lines = pixel_runs.leads(record).splitlines()
    assert lines[0] == "| steps | Adam, step size 0.001 | gradient descent, step size 0.015 |"
    assert lines[2].startswith("| 500 | +3.01 ±")
