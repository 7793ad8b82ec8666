"""The ledger: rows out of records, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ledger_records import below, nets, record

from lossedu import records
from lossedu.experiments import table1
from lossedu.ledger import add, as_text, claims_table, fingerprint, load_all, report, rules_hash, write_claims
from lossedu.ledger.claims import CLAIMS
from lossedu.ledger.decision import SCALES, VERDICTS
from lossedu.ledger.joining import joined
from lossedu.measurements import rounded
from lossedu.records import Record

RESULTS = Path(records.__file__).parent / "results"


def made(scale: str = "cpu", seeds: int = 3, gain: float = 0.5, **settings: Any) -> Record:
    """A record of Table 1 in which l1 is better than l2 by `gain` dB, give or take a hundredth."""
    size = dataclasses.asdict(table1.SCALES[scale])
    runs = nets("dd", "l1", seeds, 0.002, mse=below(gain)) + nets("dd", "l2", seeds)
    for run in runs:
        run["rules"] = rules_hash("table1")
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
    size = dataclasses.asdict(table1.SCALES["cpu_plain"])
    jpeg = nets("jpeg", "l2", 3) + nets("jpeg", "input", 1)
    small = record("table1", nets("dd", "l1") + nets("dd", "l2") + jpeg, scale="cpu_plain", settings=size)
    rows = {row["id"]: row for row in claims_table([made("cpu_wide"), small])}
    assert rows["Z1"]["scale"] == "cpu_wide" and rows["Z11"]["scale"] == "cpu_plain"
    assert rows["Z10"]["verdict"] == "not run"
    assert "Record table1-cpu_wide has no runs of arm ms_ssim, task jpeg. " in rows["Z10"]["why"]


def jpeg(scale: str, gain: float) -> Record:
    """A record in which MS-SSIM has `gain` dB of PSNR over its input, and l2 as much of squared error."""
    size = dataclasses.asdict(table1.SCALES[scale])
    runs = nets("jpeg", "ms_ssim") + nets("jpeg", "l2") + nets("jpeg", "input", 1)
    found = record("table1", runs, scale=scale, settings={**size, "unfinished": []})
    for testset in ("test", "train"):
        before = found.scores[f"jpeg-input-0@{testset}"]
        for arm in ("ms_ssim", "l2"):
            for seed in range(3):
                table = before.copy()
                table[:, found.settings["columns"].index("psnr")] += gain + 0.001 * seed
                table[:, found.settings["columns"].index("mse")] *= below(gain + 0.001 * seed)
                found.scores[f"jpeg-{arm}-{seed}@{testset}"] = table
    return found


def test_networks_that_begin_at_their_input_leave_it_to_others() -> None:
    """They are of a larger scale, and better than their input, which says nothing of the paper's."""
    for pair in ([jpeg("cpu", 1.0), jpeg("cpu_plain", -1.0)], [jpeg("cpu_plain", -1.0), jpeg("cpu", 1.0)]):
        rows = {row["id"]: row for row in claims_table(pair)}
        for name in ("Z10", "Z11"):
            assert rows[name]["scale"] == "cpu_plain" and rows[name]["verdict"] == "supported"
            assert rows[name]["effect"] == pytest.approx(-1.0, abs=0.01) and "At scale cpu:" not in rows[name]["why"]
            assert "add their output" not in rows[name]["why"]
    alone = {row["id"]: row for row in claims_table([jpeg("cpu", 1.0)])}
    for name in ("Z10", "Z11"):
        assert alone[name]["verdict"] == "not run" and alone[name]["scale"] is None
        assert "The networks of record table1-cpu begin at their input." in alone[name]["why"]


def test_networks_that_are_not_the_papers_are_told() -> None:
    words = "The networks add their output to their input, the paper's do not."
    assert words in z1(made("cpu"))["why"] and words in z1(made("quick"))["why"]
    assert words not in z1(made("cpu_wide"))["why"] and words not in z1(made("full"))["why"]
    rows = {row["id"]: row for row in claims_table(load_all())}
    assert words in rows["Z13"]["why"] and words not in rows["Z14"]["why"]  # nothing is trained for Figure 9


def train(found: Record, decibels: float, seeds: int = 3) -> Record:
    """The same record, in which l1 is better by so many dB on training pictures."""
    for seed in range(seeds):
        base = found.scores[f"dd-l2-{seed}@train"].copy()
        base[:, found.settings["columns"].index("mse")] *= below(decibels + 0.001 * seed)
        found.scores[f"dd-l1-{seed}@train"] = base
    return found


@pytest.mark.parametrize(("gain", "verdict"), [(0.5, "supported"), (0.0, "inconclusive"), (-0.5, "not replicated")])
def test_what_holds_in_part_is_told_first(gain: float, verdict: str) -> None:
    row = z1(train(made(), gain))
    assert row["verdict"] == verdict
    told = "Supported in part: l1 over l2 by pooled squared error, test pictures. Endpoint: "
    assert row["why"].startswith(told) == (verdict != "supported")
    assert ("in part" in row["why"]) == (verdict != "supported")


def test_nothing_is_told_of_parts_where_none_holds() -> None:
    for found in (made(gain=0.0), made(gain=-0.5), made(seeds=2), train(made("smoke"), -0.5)):
        assert "in part" not in z1(found)["why"]
    both = made(seeds=4)
    for run in both.runs:  # three seeds on one set alone
        if run["seed"] == 3:
            both.scores[f"{run['job']}@train"][:] = float("nan")
    assert "in part" not in z1(both)["why"]


def indices(**factors: float) -> Record:
    """l1 is better than l2 by squared error, and has so much more of other indices."""
    size = dataclasses.asdict(table1.SCALES["cpu"])
    runs = nets("dd", "l1", 3, 1e-4, mse=below(0.5), **factors) + nets("dd", "l2", 3)
    return record("table1", runs, settings={**size, "unfinished": []})


def test_members_that_are_worse_break_the_statement() -> None:
    row = z1(indices(ms_ssim=-0.3, ssim=-0.5, fsim=0.5))
    assert row["verdict"] == "supported"
    assert row["why"].startswith("The statement as a whole fails: worse in 2 of 8 other comparisons. Endpoint: ")
    assert "2 worse (l1 against l2 by ssim in dd, l1 against l2 by ms_ssim in dd)" in row["why"]
    assert "as a whole" not in z1(indices(ms_ssim=0.3, ssim=0.5))["why"]
    assert "as a whole" not in z1(train(indices(ssim=-0.5), -0.5))["why"]  # not supported anyway


def test_members_that_are_worse_are_what_a_claim_of_par_or_worse_says() -> None:
    size = dataclasses.asdict(table1.SCALES["cpu"])
    runs = nets("dd", "ssim_1.5", 3, 1e-5, ssim=-0.01, ms_ssim=-0.5) + nets("dd", "l1", 3)
    found = record("table1", runs, settings={**size, "unfinished": []})
    row = next(row for row in claims_table([found]) if row["id"] == "Z9")
    assert row["verdict"] == "supported" and "1 worse (" in row["why"] and "as a whole" not in row["why"]


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
    root = Path(fingerprint.__file__).parents[1]
    folder = tmp_path / "ledger"
    folder.mkdir()
    for path in [*(root / "ledger").glob("*.py"), root / "statistics.py"]:
        copy = tmp_path / path.relative_to(root)
        copy.write_text(path.read_text("utf8"), "utf8", newline="\r\n")
    for name in ("claims_table1", "claims_windows"):
        monkeypatch.setattr(sys.modules[f"lossedu.ledger.{name}"], "__file__", str(folder / f"{name}.py"))
    true = {name: rules_hash(name) for name in ("table1", "figure9", "tuning")}
    monkeypatch.setattr(fingerprint, "__file__", str(folder / "fingerprint.py"))
    assert {name: rules_hash(name) for name in true} == true
    assert len(set(true.values())) == 3 and all(len(value) == 12 and int(value, 16) for value in true.values())

    def touched(path: str) -> set[str]:
        before = {name: rules_hash(name) for name in true}
        with (tmp_path / path).open("a", encoding="utf8") as file:
            file.write("# changed\n")
        return {name for name in true if rules_hash(name) != before[name]}

    assert touched("ledger/report.py") == touched("ledger/waiting.py") == set()
    assert touched("ledger/claims_table1.py") == {"table1"}
    assert touched("ledger/claims_windows.py") == {"figure9"}
    for shared in fingerprint.SHARED:
        assert touched(shared) == set(true), shared


def test_a_finished_run_is_added(tmp_path: Path) -> None:
    found = made()
    run, results = tmp_path / "run", tmp_path / "results"
    found.save(run)
    (run / "settings.json").write_text("{}")
    for source in (run, run / "table1-cpu.json"):
        assert add(source, results) == [results / "table1-cpu.json"]
        assert sorted(path.name for path in results.iterdir()) == ["table1-cpu.json", "table1-cpu.npz"]
    assert z1(*load_all(results)) == z1(found)


def test_runs_of_several_days_become_one_record(tmp_path: Path) -> None:
    results, whole = tmp_path / "results", made(seeds=5)
    first, second = made(seeds=5), made(seeds=5)
    for part, seeds in ((first, range(3)), (second, range(3, 5))):
        part.runs = [run for run in part.runs if run["seed"] in seeds]
        own = {run["job"] for run in part.runs}
        part.scores = {key: table for key, table in part.scores.items() if key.partition("@")[0] in own}
    second.command, second.provenance = "lossedu run table1 --seeds 5 --out DIR", {**second.provenance, "device": "B"}
    for part, day in ((first, "one"), (second, "two")):
        assert add(part.save(tmp_path / day), results) == [results / "table1-cpu.json"]
    (found,) = load_all(results)
    assert [run["job"] for run in found.runs] == sorted(run["job"] for run in whole.runs)
    assert found.scores.keys() == whole.scores.keys()
    assert z1(found)["effect"] == pytest.approx(z1(whole)["effect"], rel=1e-3) and z1(found)["seeds"] == 5
    assert found.command == f"{first.command} && {second.command}"
    assert found.provenance["device"] == f"B, {first.provenance['device']}"
    # Added once more, nothing changes; other runs of the same jobs take their place.
    before = {path: path.read_bytes() for path in results.iterdir()}
    add(tmp_path / "two" / "table1-cpu.json", results)
    assert {path: path.read_bytes() for path in results.iterdir()} == before
    add(made(seeds=4, gain=0.7).save(tmp_path / "again"), results)
    (found,) = load_all(results)
    assert len(found.runs) == 10
    assert found.scores["dd-l1-0@test"].tolist() == rounded(made(seeds=4, gain=0.7).scores["dd-l1-0@test"]).tolist()
    assert found.scores["dd-l1-4@test"].tolist() == rounded(second.scores["dd-l1-4@test"]).tolist()


def test_rows_between_runs_are_kept_from_both_records() -> None:
    def walls(seeds: int, height: float) -> list[dict[str, Any]]:
        names = [{"pair": "l1-l2", "mode": "adam", "seed": seed} for seed in range(seeds)]
        return [{**name, "barrier": height} for name in names]

    old, new = made(seeds=4), made(seeds=3)
    for found in (old, new):
        for run in found.runs:
            run["mode"] = "adam"
    old.settings["landscape"], new.settings["landscape"] = walls(4, 1.0), walls(2, 2.0)
    rows = joined(old, new).settings["landscape"]
    # Two are those of the new record; the third had a network that the new record replaced, and has no row for.
    assert [(row["seed"], row["barrier"]) for row in rows] == [(3, 1.0), (0, 2.0), (1, 2.0)]
    del old.settings["landscape"]
    assert joined(old, new).settings["landscape"] == walls(2, 2.0)
    assert joined(new, old).settings["landscape"] == []  # all of its networks were replaced
    old.settings["seeds"] = 7
    assert joined(old, new).settings["seeds"] == new.settings["seeds"]


def test_networks_of_replaced_jobs_are_not_shown() -> None:
    old, new = made(), made()
    weight = np.zeros(1)
    old.weights = {"dd/l1/bias": weight, "dd/mix/bias": weight + 1}
    new.weights = {}  # its network for l1 ran away
    assert joined(old, new).weights.keys() == {"dd/mix/bias"}
    new.weights = {"dd/l1/bias": weight + 2}
    assert joined(old, new).weights["dd/l1/bias"] == 2


def test_runs_with_other_settings_are_not_mixed(tmp_path: Path) -> None:
    results = tmp_path / "results"
    add(made().save(tmp_path / "one"), results)
    before = {path: path.read_bytes() for path in results.iterdir()}
    other = made(seeds=5)
    other.settings["precision"] = "bfloat16"
    with pytest.raises(
        ValueError, match=r"table1-cpu does not go together .*: precision: .* there, 'bfloat16' in the new"
    ):
        add(other.save(tmp_path / "two"), results)
    assert {path: path.read_bytes() for path in results.iterdir()} == before
    # What older records did not name was so; anything else that only one of them names is a difference.
    del other.settings["precision"]
    assert len(joined(made(), other).runs) == 10
    other.settings["border"] = 8
    with pytest.raises(ValueError, match="border: None there, 8 in the new one"):
        joined(made(), other)
    # Seeds of one loss with other step sizes: it was tuned anew in between.
    for found, lr in ((one := made(), 1e-3), (two := made(seeds=5), 2e-3)):
        for run in found.runs:
            run["lr"] = lr
    two.runs = [run for run in two.runs if run["seed"] > 2]
    with pytest.raises(ValueError, match=r"step sizes of dd-l1: 0.001, 0.002; step sizes of dd-l2"):
        joined(one, two)
    # Another scale is another record.
    add(made("quick").save(tmp_path / "three"), results)
    assert len(load_all(results)) == 2
    stranger = dataclasses.replace(made(), experiment="convergence")
    with pytest.raises(ValueError, match="other names"):
        joined(made(), stranger)


def test_one_refused_record_of_a_run_keeps_out_all_of_them(tmp_path: Path) -> None:
    run, results = tmp_path / "run", tmp_path / "results"
    add(made("quick", seeds=4).save(tmp_path / "before"), results)
    made("cpu").save(run)
    made("quick", seeds=3, precision="bfloat16").save(run)
    with pytest.raises(ValueError, match="table1-quick"):
        add(run, results)
    assert not (results / "table1-cpu.json").exists()


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
    assert text.splitlines()[-1] == "2 supported, 37 not run, 1 untestable here"  # Z7 allows a tie
    assert max(map(len, text.splitlines())) <= 110


def test_the_ledger_in_the_package_is_what_its_records_say() -> None:
    """If this fails after a change of rules or records: `lossedu report` writes it anew."""
    rows = json.loads((RESULTS / "claims.json").read_text("utf8"))
    assert rows == claims_table(load_all())
    assert [row["id"] for row in rows] == [claim.id for claim in CLAIMS]
    assert {row["verdict"] for row in rows} <= set(VERDICTS)


def test_the_ledger_is_no_record() -> None:
    assert "claims" not in records.names() and "sigma_sensitivity-cpu" in records.names()
