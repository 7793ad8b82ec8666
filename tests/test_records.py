"""Recorded runs: what is written comes back, whole or not at all."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from lossedu import records
from lossedu.records import Record, commit, load, names, provenance


def record(**changes: object) -> Record:
    body = {
        "experiment": "toy",
        "scale": "smoke",
        "settings": {"steps": 4, "lr": 2e-3, "residual": True},
        "runs": [
            {
                "loss": "l1",
                "seed": 0,
                "commit": "0123456789ab",
                "images": {"rocket": {"psnr": 29.1234, "ring": [0.1, None]}},
            },
            {"loss": "l1", "seed": 1, "commit": "0123456789ab+", "diverged_at": 3},
        ],
        "provenance": provenance(),
        "command": "lossedu run toy --scale smoke --seeds 2 --out DIR",
        "weights": {"l1/layers.0.weight": np.arange(6, dtype=np.float32).reshape(2, 3)},
    }
    return Record(**{**body, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("weighted", [True, False])
def test_round_trip(weighted: bool, tmp_path: Path) -> None:
    written = record() if weighted else record(weights={})
    path = written.save(tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "toy-smoke.json"
    read = load("toy-smoke", path.parent)
    assert {**vars(read), "weights": None} == {**vars(written), "weights": None}
    assert read.weights.keys() == written.weights.keys()
    for key, value in written.weights.items():
        assert read.weights[key].dtype == np.float32
        np.testing.assert_array_equal(read.weights[key], value)
    assert sorted(p.name for p in path.parent.iterdir()) == ["toy-smoke.json"] + ["toy-smoke.npz"] * weighted


def test_the_file_is_plain_json_without_weights(tmp_path: Path) -> None:
    body = json.loads(record().save(tmp_path).read_text(encoding="utf-8"))
    assert body["format"] == records.FORMAT
    assert "weights" not in body
    assert body["runs"][0]["images"]["rocket"]["ring"] == [0.1, None]


def test_saving_again_replaces_everything(tmp_path: Path) -> None:
    record().save(tmp_path)
    record(weights={}, settings={"steps": 5}).save(tmp_path)
    read = load("toy-smoke", tmp_path)
    assert read.settings == {"steps": 5}
    assert read.weights == {}  # not those of the earlier record


def test_a_failed_save_leaves_the_earlier_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record().save(tmp_path)

    def disk_full(file: object, **_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", disk_full)
    with pytest.raises(OSError, match="no space"):
        record(settings={"steps": 5}).save(tmp_path)
    monkeypatch.undo()
    read = load("toy-smoke", tmp_path)
    assert read.settings["steps"] == 4
    np.testing.assert_array_equal(read.weights["l1/layers.0.weight"], record().weights["l1/layers.0.weight"])

    with pytest.raises(TypeError, match="JSON"):  # a number that is none
        record(settings={"steps": torch.tensor(5)}, weights={}).save(tmp_path)
    assert load("toy-smoke", tmp_path).settings["steps"] == 4
    assert load("toy-smoke", tmp_path).weights


def test_unknown_names_list_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"name must be one of the records \(there are none\), got 'toy'"):
        load("toy", tmp_path)
    record().save(tmp_path)
    record(scale="cpu").save(tmp_path)
    with pytest.raises(ValueError, match="records toy-cpu, toy-smoke, got 'toy'"):
        load("toy", tmp_path)


@pytest.mark.parametrize("version", [None, 0, 2, "1"])
def test_another_format_is_refused(version: object, tmp_path: Path) -> None:
    path = record().save(tmp_path)
    body = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**body, "format": version}), encoding="utf-8")
    with pytest.raises(ValueError, match="record 'toy-smoke' is not of format 1"):
        load("toy-smoke", tmp_path)


def test_records_of_the_package_can_be_read() -> None:
    for name in names():
        found = load(name)
        assert found.name == name
        assert found.runs
        assert found.provenance["torch"]


def test_provenance() -> None:
    found = provenance()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", found["date"])
    assert found["torch"] == torch.__version__
    assert found["threads"] == torch.get_num_threads()
    assert found["device"].endswith("CPU")
    assert commit() == "unknown" or re.fullmatch(r"[0-9a-f]{12}\+?", commit())


def test_outside_a_repository_the_commit_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")):

        def fail(*_: object, error: Exception = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(subprocess, "run", fail)
        assert commit() == "unknown"


def test_source_says_where_the_numbers_come_from() -> None:
    text = record().source()
    assert "scale “smoke”" in text
    assert "2 seeds" in text
    assert torch.__version__ in text
    assert "0123456789ab, 0123456789ab+" in text
    assert "`lossedu run toy --scale smoke --seeds 2 --out DIR`" in text


def test_source_says_what_had_less_than_float32() -> None:
    short = record()
    assert "2 seeds, on" in short.source() and short.shortened() == ""
    short.settings["precision"] = "bfloat16"
    assert "2 seeds, networks in bfloat16, on" in short.source()
    assert short.shortened("computed") == "networks computed in bfloat16"
    short.settings["shortened"] = "features"
    short.runs = short.runs[:1]
    assert "1 seed, features in bfloat16, on" in short.source()
    # Networks that kept float32 are not said to have been shortened.
    for name in ("retouching-cpu", "retouch_rates-cpu"):
        assert "VGG features in bfloat16" in load(name).source()


def test_the_repository_of_somebody_else_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    installed = tmp_path / "site-packages" / "records.py"
    installed.parent.mkdir()
    installed.touch()
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "theirs")
    monkeypatch.setattr(records, "__file__", str(installed))
    assert commit() == "unknown"
    git("add", ".")
    git("commit", "-q", "-m", "now it is tracked")
    assert re.fullmatch(r"[0-9a-f]{12}", commit())


@pytest.mark.parametrize("text", ["", "{half", "[]", '{"format": 1}', '{"format": 1, "other": 2}'])
def test_a_damaged_record_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(ValueError, match=r"record 'r' is damaged: r.json"):
        load("r", tmp_path)


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    path = record().save(tmp_path)
    path.with_suffix(".npz").write_bytes(b"half of it")
    with pytest.raises(ValueError, match=r"is damaged: cannot read .*npz"):
        load(path.stem, tmp_path)


def test_what_fits_a_line_takes_one_and_so_do_lists_of_numbers(tmp_path: Path) -> None:
    course = [0.5, 1e-7, -2, *range(100)]
    watched = [[step, {"gain": [1, 2], "loss": step / 7}] for step in range(10)]
    runs = [{"seed": 0, "history": course, "words": ["a [\n1, 2]", "b"], "watched": watched, "none": []}]
    record = Record("toy", "smoke", {"none": []}, runs, {"date": "d", "device": "D"}, "run")
    text = record.save(tmp_path).read_text("utf8")
    assert f'\n   "history": {json.dumps(course)},\n   "words": ["a [\\n1, 2]", "b"],\n' in text
    assert '\n    [1, {"gain": [1, 2], "loss": 0.14285714285714285}],\n' in text
    assert load("toy-smoke", tmp_path).runs == runs
