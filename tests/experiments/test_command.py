"""``lossedu list`` and ``lossedu run``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossedu import cli
from lossedu.experiments import running
from lossedu.experiments.catalogue import EXPERIMENTS
from lossedu.ledger import rules_hash
from lossedu.records import Record, load, names
from lossedu.sweeps import JobsFailed


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == [f"{name}: scales {', '.join(scales)}" for name, scales in EXPERIMENTS.items()]
    assert lines[-1] == f"records: {', '.join(names())}"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, ...], dict[str, Any]]]:
    """What the command asks for, in the place of the run itself."""
    calls: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    def run(*names: str, **options: Any) -> Record:
        calls.append((names, options))
        left = ["a"] if options["time_limit"] else []
        return Record(names[0], names[1], {"unfinished": left}, [{"job": "b", "ran_away": True}], {}, "")

    monkeypatch.setattr(running, "run", run)
    return calls


def test_every_option_arrives(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    line = "run table1 --scale cpu --out here --seeds 2 --tasks dd jpeg --losses l1 mix --batch 8 --device cpu --jobs 3"
    more = "--precision bfloat16 --compile --time-limit 7.5 --scheduler tcp://x:1"
    assert cli.main(f"{line} {more}".split()) == 3  # not all is done
    assert asked == [
        (
            ("table1", "cpu"),
            {
                "out": "here",
                "seeds": 2,
                "tasks": ["dd", "jpeg"],
                "arms": ["l1", "mix"],
                "batch": 8,
                "precision": "bfloat16",
                "compiled": True,
                "device": "cpu",
                "workers": 3,
                "scheduler": "tcp://x:1",
                "time_limit": 7.5,
                "stamp": {"rules": rules_hash("table1")},
            },
        )
    ]
    said = capsys.readouterr().out
    assert "1 jobs finished, 1 left; ran away: b" in said
    assert "here/table1-cpu.json" in said and "the same command goes on" in said and "lossedu report" not in said


def test_what_is_taken_where_nothing_is_said(asked: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "runaway", "--out", "there"]) == 0
    assert "lossedu report there" in capsys.readouterr().out
    ((names_, options),) = asked
    assert names_ == ("runaway", "quick")
    assert options == {
        "out": "there",
        "seeds": None,
        "tasks": (),
        "arms": (),
        "batch": None,
        "precision": None,
        "compiled": False,
        "device": "auto",
        "workers": 1,
        "scheduler": None,
        "time_limit": None,
        "stamp": {"rules": rules_hash("runaway")},
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run table2 --out x", ["invalid choice: 'table2'", "'table1'", "'runaway'"]),
        ("run table1 --scale huge --out x", ["invalid choice: 'huge'", "'cpu_wide'"]),
        ("run table1", ["--out"]),
        ("run table1 --out x --seeds many", ["--seeds", "'many'"]),
    ],
)
def test_what_the_parser_refuses(line: str, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(line.split())
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("tuning", ["scale must be one of 'smoke', 'cpu'", "got 'quick'"]),
        ("table1 --scale smoke --tasks sr9", ["tasks must be one of 'dd', 'jpeg', 'sr2', got 'sr9'"]),
        ("table1 --scale smoke --losses l7", ["losses must be one of 'l2', 'l1', ", "got 'l7'"]),
        ("table1 --scale smoke --seeds 0", ["seeds must be an integer of at least 1, got 0"]),
        ("table1 --scale smoke --device abacus", ["device must be one that this machine has", "got 'abacus'"]),
    ],
)
def test_what_the_run_refuses(line: str, words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", *line.split(), "--out", str(tmp_path / "x")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("lossedu: ") and all(word in said for word in words), said
    assert not (tmp_path / "x").exists()


def test_failed_jobs_are_told_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*names: str, **options: Any) -> Record:
        raise JobsFailed({"dd-l1-0": "out of memory at batch=64; a smaller --batch needs less (…)"}, 3, tmp_path)

    monkeypatch.setattr(running, "run", run)
    assert cli.main(["run", "table1", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "1 of 3 jobs failed" in said and "batch=64" in said and "Traceback" not in said


def test_the_command_in_a_record_does_it_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = f"run sr_start --scale smoke --tasks sr3 --losses bicubic --device cpu --out {tmp_path / 'one'}"
    assert cli.main(line.split()) == 0
    said = capsys.readouterr().out
    assert "2 jobs finished" in said and "sr3-bicubic-0: starts" in said
    first = load("sr_start-smoke", tmp_path / "one")
    assert {run["rules"] for run in first.runs} == {rules_hash("sr_start")}
    assert cli.main([*first.command.replace("DIR", str(tmp_path / "two")).split()[1:], "--device", "cpu"]) == 0
    second = load("sr_start-smoke", tmp_path / "two")
    assert second.command == first.command
    assert second.scores.keys() == first.scores.keys()
    for key, table in first.scores.items():
        np.testing.assert_array_equal(second.scores[key], table)
