"""The ledger: rows out of records, and what is refused."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from ledger_records import below, nets, record

from lossedu import records
from lossedu.experiments import table1
from lossedu.ledger import add, as_text, claims_table, fingerprint, load_all, report, rules_hash, write_claims
from lossedu.ledger.claims import CLAIMS
from lossedu.ledger.decision import SCALES, VERDICTS
from lossedu.records import Record

RESULTS = Path(records.__file__).parent / "results"


def made(scale: str = "cpu", seeds: int = 3, gain: float = 0.5, **settings: Any) -> Record:
    """A record of Table 1 in which l1 is better than l2 by `gain` dB, give or take a hundredth."""
    size = dataclasses.asdict(table1.SCALES[scale])
    runs = nets("dd", "l1", seeds, 0.002, mse=below(gain)) + nets("dd", "l2", seeds)
    for run in runs:
        run["rules"] = rules_hash()
    return record("table1", runs, scale=scale, settings={**size, "unfinished": [], **settings})


def z1(*found: Record) -> dict[str, Any]:
    return next(row for row in claims_table(found) if row["id"] == "Z1")


def test_a_row_holds_what_a_reader_needs() -> None:
    row = z1(made())
    assert tuple(row) == report.KEYS
    assert {key: row[key] for key in ("verdict", "scale", "unit", "seeds", "device", "commit", "date")} == {
        "verdict": "supported",
        "scale": "cpu",
        "unit": "dB",
        "seeds": 3,
        "device": "toy CPU",
        "commit": "0" * 12,
        "date": "2026-01-02",
    }
    assert row["effect"] == pytest.approx(0.5, abs=0.01)
    assert row["ci95"][0] < row["effect"] < row["ci95"][1]
    assert "Endpoint: pooled mean square error" in row["why"] and "margin 0.1 dB" in row["why"]
    assert "rules" not in row["why"]


def test_without_records_nothing_is_said() -> None:
    rows = claims_table([])
    assert [row["id"] for row in rows] == [claim.id for claim in CLAIMS]
    assert {row["verdict"] for row in rows} == {"not run", "untestable here"}
    assert all(row["why"] and row["effect"] is None and row["scale"] is None for row in rows)


@pytest.mark.parametrize("seeds", [1, 2])
def test_two_seeds_never_yield_supported(seeds: int) -> None:
    row = z1(made(seeds=seeds, gain=5.0))
    assert row["verdict"] == "inconclusive" and row["seeds"] == seeds and "at least 3" in row["why"]
    assert (row["ci95"] is None) == (seeds == 1)


def test_the_largest_scale_with_seeds_enough_speaks() -> None:
    quick, cpu, wide, full = made("quick"), made("cpu", gain=-0.5), made("cpu_wide"), made("full", seeds=2)
    assert z1(quick)["scale"] == "quick" and z1(quick)["verdict"] == "supported"
    assert "quick only" in z1(quick)["why"]
    row = z1(quick, cpu)
    assert row["scale"] == "cpu" and row["verdict"] == "not replicated"
    assert "At scale quick: supported" in row["why"]
    assert z1(cpu, wide)["scale"] == "cpu_wide"
    row = z1(cpu, wide, full)
    assert row["scale"] == "cpu_wide" and "At scale full: inconclusive" in row["why"]
    assert z1(full)["scale"] == "full"
    assert z1(made("smoke", gain=5.0))["verdict"] == "inconclusive"


def test_a_scale_that_was_not_meant_for_a_claim_leaves_it_to_another() -> None:
    """The wide networks are trained for one task: what is said of JPEG comes from the others."""
    size = dataclasses.asdict(table1.SCALES["cpu"])
    jpeg = nets("jpeg", "l2", 3) + nets("jpeg", "input", 1)
    small = record("table1", nets("dd", "l1") + nets("dd", "l2") + jpeg, settings=size)
    rows = {row["id"]: row for row in claims_table([made("cpu_wide"), small])}
    assert rows["Z1"]["scale"] == "cpu_wide" and rows["Z11"]["scale"] == "cpu"
    assert rows["Z10"]["verdict"] == "not run"


def test_every_scale_of_the_experiments_has_its_rank() -> None:
    from lossedu.experiments.catalogue import EXPERIMENTS

    assert {scale for scales in EXPERIMENTS.values() for scale in scales} <= set(SCALES)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"steps": 9999}, "steps is 9999 and 10000 there"),
        ({"width": 64}, "width is 64 and 16 there"),
        ({"batch": 8}, "batch is 8 and 16 there"),
        ({"residual": False}, "residual is False"),
        ({"unfinished": ["dd-l1-3", "dd-l2-3"]}, "2 jobs are left"),
    ],
)
def test_a_record_that_is_not_of_its_scale_is_refused(changes: dict[str, Any], named: str, tmp_path: Path) -> None:
    found = made(**changes)
    with pytest.raises(ValueError, match=named):
        claims_table([found])
    with pytest.raises(ValueError, match=named):
        add(found.save(tmp_path / "run"), tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_settings_that_are_not_told_are_refused() -> None:
    found = made()
    del found.settings["batch"]
    with pytest.raises(ValueError, match="batch is None and 16 there"):
        claims_table([found])


def test_unknown_experiments_and_scales_are_refused() -> None:
    with pytest.raises(ValueError, match="no known experiment, got 'table9'"):
        claims_table([dataclasses.replace(made(), experiment="table9")])
    with pytest.raises(ValueError, match=r"must be one of .*cpu_wide.*, got 'gpu'"):
        claims_table([dataclasses.replace(made(), scale="gpu")])
    with pytest.raises(ValueError, match="got two"):
        claims_table([made(), made()])


def test_a_row_that_cannot_be_recomputed_is_an_error() -> None:
    found = made()
    del found.scores["dd-l2-1@test"]
    with pytest.raises(ValueError, match=r"Z1 cannot be recomputed from record table1-cpu: .*dd-l2-1@test"):
        claims_table([found])
    found = made()
    del found.settings["columns"]
    with pytest.raises(ValueError, match="Z1 cannot be recomputed"):
        claims_table([found])


def test_rows_come_from_the_pictures_and_not_from_what_a_run_says() -> None:
    found = made()
    before = z1(found)["effect"]
    for table in found.scores.values():
        table[0, 0] *= 2.0
    assert z1(found)["effect"] == pytest.approx(before, abs=1e-3)  # both losses alike
    found.scores["dd-l1-0@test"][:, 0] *= 2.0
    assert z1(found)["effect"] != pytest.approx(before, abs=0.1)


def test_runs_that_failed_are_counted_and_named() -> None:
    found = made(seeds=4)
    found.runs[0]["ran_away"] = True
    row = z1(found)
    assert row["seeds"] == 3 and "dd-l1-0 ran away" in row["why"]


def test_changed_rules_are_told() -> None:
    found = made()
    for run in found.runs[:2]:
        run["rules"] = "0123456789ab"
    assert "rules have changed since it was run (0123456789ab)" in z1(found)["why"]
    found.runs[0].pop("rules")
    assert "no fingerprint of the rules" in z1(found)["why"]


def test_the_fingerprint_changes_with_the_rules_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "ledger"
    folder.mkdir()
    for path in Path(fingerprint.__file__).parent.glob("*.py"):
        (folder / path.name).write_text(path.read_text("utf8"), "utf8", newline="\r\n")
    statistics = Path(fingerprint.__file__).parents[1] / "statistics.py"
    (tmp_path / "statistics.py").write_text(statistics.read_text("utf8"), "utf8")
    monkeypatch.setattr(fingerprint, "__file__", str(folder / "fingerprint.py"))
    first = rules_hash()
    assert len(first) == 12 and int(first, 16)
    (folder / "report.py").write_text("other", "utf8")
    assert rules_hash() == first
    for path in (folder / "decision.py", folder / "claims_table1.py", tmp_path / "statistics.py"):
        path.write_text(path.read_text("utf8") + "# changed\n", "utf8")
        assert rules_hash() != first
        first = rules_hash()
    monkeypatch.undo()
    assert rules_hash() == rules_hash()


def test_a_finished_run_is_added(tmp_path: Path) -> None:
    found = made()
    run, results = tmp_path / "run", tmp_path / "results"
    found.save(run)
    (run / "settings.json").write_text("{}")
    for source in (run, run / "table1-cpu.json"):
        assert add(source, results) == [results / "table1-cpu.json"]
        assert sorted(path.name for path in results.iterdir()) == ["table1-cpu.json", "table1-cpu.npz"]
    assert z1(*load_all(results)) == z1(found)


def test_a_folder_without_a_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{}")
    for wrong in (tmp_path, tmp_path / "table1-cpu.json", tmp_path / "nowhere"):
        with pytest.raises(ValueError, match=r"^run must be"):
            add(wrong, tmp_path / "results")


def test_claims_are_written_whole_and_the_same_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_claims(claims_table([made()]), tmp_path / "claims.json")
    first = path.read_bytes()
    assert json.loads(first) == claims_table([made()])
    assert b"\r" not in first and first.endswith(b"]\n") and "–" in first.decode()
    assert write_claims(claims_table([made()]), path).read_bytes() == first
    monkeypatch.setattr(report.os, "replace", lambda *_: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space"):
        write_claims([], path)
    assert path.read_bytes() == first


def test_numbers_are_rounded() -> None:
    row = z1(made())
    for value in (row["effect"], *row["ci95"]):
        assert value == float(f"{value:.4g}")


def test_the_ledger_as_text() -> None:
    text = as_text(claims_table([made()]))
    line = next(line for line in text.splitlines() if line.startswith("Z1 "))
    assert "supported" in line and "dB" in line and "cpu, 3 seeds" in line
    assert text.splitlines()[-1] == "2 supported, 34 not run, 4 untestable here"  # Z7 allows a tie
    assert max(map(len, text.splitlines())) <= 110


def test_the_ledger_in_the_package_is_what_its_records_say() -> None:
    """If this fails after a change of rules or records: `lossedu report` writes it anew."""
    rows = json.loads((RESULTS / "claims.json").read_text("utf8"))
    assert rows == claims_table(load_all())
    assert [row["id"] for row in rows] == [claim.id for claim in CLAIMS]
    assert {row["verdict"] for row in rows} <= set(VERDICTS)


def test_the_ledger_is_no_record() -> None:
    assert "claims" not in records.names() and "sigma_sensitivity-cpu" in records.names()
