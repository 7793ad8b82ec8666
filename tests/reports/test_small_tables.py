"""The tables of verdicts, of costs, and of what shorter numbers change."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import report_records as made

from lossedu.experiments.precision import ARMS, PRECISIONS
from lossedu.figures.palette import LOSS_NAMES, loss_style
from lossedu.ledger import CLAIMS
from lossedu.records import Record
from lossedu.reports import costs, precision, verdicts, wording


def row(**changes: Any) -> dict[str, Any]:
    known = {"id": "Z1", "statement": "A network trained with l1 beats one with l2.", "verdict": "equivalent"}
    return known | {"scale": "cpu", "effect": 0.0312, "unit": "dB", "ci95": [-0.01, 0.0724], "seeds": 3} | changes


def write(folder: Path, *rows: dict[str, Any]) -> Path:
    (folder / "claims.json").write_text(json.dumps(rows))
    return folder


def test_a_verdict_stands_with_its_numbers_and_a_link(tmp_path: Path) -> None:
    none = row(id="Z20", verdict="not run", scale=None, effect=None, ci95=None, seeds=None, unit=None)
    folder = write(tmp_path, row(), none, row(id="Z15", effect=12.4, ci95=[8.415, 1830.0], seeds=None))
    lines = verdicts.table("Z20", "Z1", "Z15", folder=folder).splitlines()[2:]
    assert lines[0].endswith("| **not run** | – |")
    said = "[Z1](#z1): A network trained with $\\ell_1$ beats one with $\\ell_2$."
    assert lines[1] == f"| {said} | **equivalent** | cpu, 3 seeds |"
    assert lines[2].endswith("| cpu |")
    (line,) = verdicts.table("Z1", folder=folder, endpoints=True).splitlines()[2:]
    assert line.startswith(f"| {said} *Judged by:* pooled mean square error, $\\ell_1$ over $\\ell_2$, denoising and ")
    with pytest.raises(ValueError, match="claims must be among Z1, Z20, Z15, got Z99"):
        verdicts.table("Z99", folder=write(tmp_path, row(), none, row(id="Z15")))


def test_the_package_has_a_row_for_every_claim() -> None:
    assert list(verdicts.rows()) == [claim.id for claim in CLAIMS]
    assert verdicts.table("Z1", "Z20").count("\n") == 3


def test_comparisons_are_those_of_the_rule() -> None:
    found = made.table1({"l1": {"mse": 0.8}, "l2": {}}, spread=0.0)
    first, second = verdicts.comparisons(found, "Z1").splitlines()
    words = (
        "over $\\ell_2$ by pooled squared error, test pictures: +0.969 (+0.969 to +0.969) dB, 3 seeds; of interest from"
    )
    assert first == f"- $\\ell_1$ {words} 0.1 on" and "training pictures" in second
    with pytest.raises(ValueError, match=r"claim must be one of 'Z1', .*, got 'Z20'"):
        verdicts.comparisons(found, "Z20")
    with pytest.raises(ValueError, match="has no runs of"):
        verdicts.comparisons(found, "Z8")


def test_costs_are_the_hours_of_all_jobs() -> None:
    one = made.record("table1", [{"job": "a", "seconds": 1800.0, "device": "A"}, {"job": "b", "seconds": 5400.0}])
    other = made.record("figure9", [{"job": "a", "seconds": 360.0}])
    lines = costs.table([one, other]).splitlines()[2:]
    assert lines == [
        "| table1, cpu, A | 1 | 0.5 |",
        "| table1, cpu, toy CPU | 1 | 1.5 |",
        "| figure9, cpu, toy CPU | 1 | 0.1 |",
        "| together, A | 1 | 0.5 |",
        "| together, toy CPU | 2 | 1.6 |",
    ]


def runs(shift: dict[tuple[str, str], float]) -> Record:
    """A record in which a loss in a precision is so many dB above its seed's common value."""
    entries, tables = [], {}
    for arm in ARMS:
        for name in PRECISIONS:
            for seed in range(3):
                job = f"{arm}-{name}-{seed}"
                entries.append({"task": "dd", "arm": arm, "precision": name, "seed": seed, "job": job})
                tables[f"{job}@test"] = made.rows(seed, {}) + shift.get((arm, name), 0.0) + 0.001 * seed
    return made.record("precision", entries, tables)


def test_what_shorter_numbers_change_is_paired() -> None:
    found = runs({("mix", "bfloat16"): -0.02, ("l1", "bfloat16"): 0.01, ("mix", "float32"): 0.1})
    assert precision.change(found, "mix") == pytest.approx([-0.12] * 3, abs=1e-4)
    assert precision.lead(found, "mix", "l1", "bfloat16") == pytest.approx([-0.03] * 3, abs=1e-4)
    lines = precision.table(found).splitlines()
    assert [line.split(" | ")[0].strip("| ") for line in lines[2:6]] == [precision.label(arm) for arm in ARMS]
    mix = lines[5].strip("| ").split(" | ")
    assert mix[2].startswith("−0.120") and mix[3].startswith("+0.100") and mix[4].startswith("−0.030")
    assert lines[3].strip("| ").split(" | ")[3:] == ["–", "–"] and "0.1 dB" in lines[-1]


def test_networks_that_only_short_numbers_lose_are_named() -> None:
    found = runs({})
    for run in found.runs:
        run["ran_away"] = run["arm"] == "mix" and run["precision"] == "bfloat16"
    text = precision.table(found)
    assert "Left out of all means: mix-bfloat16-0 ran away, mix-bfloat16-1 ran away" in text
    assert text.splitlines()[5].strip("| ").split(" | ")[2] == "–"
    found.runs = [run for run in found.runs if run["arm"] != "l1" and run["job"] != "l2-bfloat16-0"]
    assert precision.table(found).splitlines()[2].strip("| ").split(" | ")[3:] == ["–", "–"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"),
        (5e-5, "+0.00005"),
        (-3.123e-5, "−0.0000312"),
        (0.0724, "+0.0724"),
        (12.4, "+12.4"),
        (1830.0, "+1830"),
    ],
)
def test_small_numbers_are_no_zeros(value: float, words: str) -> None:
    assert verdicts._signed(value) == words


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_heads_of_tables_can_be_read_without_formulas(name: str) -> None:
    head = wording.markdown_table(["loss", str(loss_style(name)["label"])], []).splitlines()[0]
    assert not set(head) & set("$\\{}_") and len(head.split(" | ")[1].strip("| ")) > 1


def test_no_number_in_a_verdict_looks_like_that_of_an_equation() -> None:
    told = verdicts.table(*verdicts.rows(), endpoints=True)
    assert "sigma, 1.5, over" in told and not re.search(r"\(\d+\.\d+\)", told)
