"""A run in one process: what is finished stays, what was interrupted goes on, nothing is mixed, no fault is lost."""

from __future__ import annotations

import json
import platform
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sweep_jobs
import torch
from sweep_jobs import job

import lossedu
from lossedu.sweeps import (
    Job,
    JobsFailed,
    disk,
    finished,
    load_arrays,
    perform_all,
    performing,
    read,
    resolve_device,
    sitting,
)
from lossedu.sweeps.lock import alone

SETTINGS = {"steps": 40, "sets": {"test": ["rocket", "cat"]}, "size": (2, 3)}


def perform(jobs: list[Job], folder: Path, **options: Any) -> tuple[list[Any], list[str]]:
    said: list[str] = []
    return perform_all(jobs, folder, **{"settings": SETTINGS, "say": said.append, **options}), said


def test_a_whole_run(tmp_path: Path) -> None:
    jobs = [job("b", start=3), job("a"), job("run_away", "diverge"), job("plain", "plain")]
    outcomes, said = perform(jobs, tmp_path / "new" / "run", stamp={"rules": "0123"}, device="cpu")
    assert [outcome.job for outcome in outcomes] == jobs
    b, a, away, plain = (outcome.entry for outcome in outcomes)
    assert (b["job"], b["began"], b["rules"]) == ("b", 0, "0123")
    assert b["total"] != a["total"]
    assert {"seconds", "commit", "finished"} < b.keys() and re.fullmatch(r"\d{4}-\d\d-\d\d", b["finished"])
    assert away["diverged_at"] == 7  # a result, not a fault
    assert plain["given"] == "cpu"
    for entry in (b, a, away, plain):
        made = {key: entry[key] for key in ("device", "threads", "torch")}
        assert made == {
            "device": f"{platform.machine()} CPU",
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }
    np.testing.assert_array_equal(outcomes[0].arrays()["walk"], np.full(3, b["total"]))
    assert outcomes[3].arrays() == {}
    assert read(tmp_path / "new" / "run") == [a, b, plain, away]  # by name
    assert said[0] == "b: starts"
    assert re.fullmatch(r"b: \d+ s; done 1 of 4, about 0 h 00 min left", said[5])
    assert re.fullmatch(r"plain: 0 s; done 4 of 4", said[-1])


def test_finished_jobs_are_skipped_and_new_ones_done(tmp_path: Path) -> None:
    perform([job("a")], tmp_path)
    before = (tmp_path / "jobs/a/entry.json").stat().st_mtime_ns
    outcomes, said = perform([job("a"), job("b")], tmp_path, stamp={"rules": "new"})
    assert (tmp_path / "jobs/a/entry.json").stat().st_mtime_ns == before
    assert [("rules" in outcome.entry) for outcome in outcomes] == [False, True]
    assert not any(line.startswith("a:") for line in said)
    assert perform([job("a"), job("b")], tmp_path)[1] == []


def test_out_of_time_and_on_again(tmp_path: Path) -> None:
    jobs = [job("quick"), job("slow", pause=0.01), job("never")]
    outcomes, said = perform(jobs, tmp_path, time_limit=0.2 / 60)
    assert [outcome.entry is None for outcome in outcomes] == [False, True, True]
    assert outcomes[1].arrays() == {}
    assert said[-2] == "slow: time is up, its state is kept"
    assert said[-1] == "time is up: 1 of 3 jobs are done, 2 remain, about 0 h 00 min left; start again to go on"
    assert not (tmp_path / "jobs/never").exists()
    outcomes, said = perform(jobs, tmp_path)
    assert said[0].startswith("slow: goes on after ")
    assert outcomes[1].entry["began"] > 0
    assert outcomes[1].entry["total"] == outcomes[0].entry["total"]  # that of the job that was not stopped


def test_seconds_are_those_of_all_sittings(tmp_path: Path) -> None:
    jobs = [job("slow", pause=0.01)]
    perform(jobs, tmp_path, time_limit=0.15 / 60)
    state = json.loads((tmp_path / "jobs/slow/sittings.json").read_text())
    assert len(state["seconds"]) == 1 and 0.1 <= state["seconds"][0] < 30
    (tmp_path / "jobs/slow/sittings.json").write_text(json.dumps({"seconds": [1000.0, 7.5]}))
    (outcome,), said = perform(jobs, tmp_path)
    assert said[0] == "slow: goes on after 1008 s"
    assert 1007.5 < outcome.entry["seconds"] < 1037


def test_a_sitting_notes_its_length_while_it_lasts(tmp_path: Path) -> None:
    with sitting.Sitting(tmp_path, every=0.02):
        end = time.monotonic() + 5
        while sitting.seconds_so_far(tmp_path) < 0.1 and time.monotonic() < end:
            time.sleep(0.02)
        assert sitting.seconds_so_far(tmp_path) >= 0.1  # a process that is killed now has lost no more than `every`


def test_time_left_counts_what_unfinished_jobs_have_behind_them(tmp_path: Path) -> None:
    perform([job("a")], tmp_path)
    entry = json.loads((tmp_path / "jobs/a/entry.json").read_text())
    (tmp_path / "jobs/a/entry.json").write_text(json.dumps({**entry, "seconds": 10_000}))
    (tmp_path / "jobs/c").mkdir()
    (tmp_path / "jobs/c/sittings.json").write_text(json.dumps({"seconds": [400.0]}))
    said: list[str] = []
    with pytest.raises(JobsFailed):
        perform_all([job("a"), job("b", "fail"), job("c", "fail")], tmp_path, settings=SETTINGS, say=said.append)
    run = lossedu.sweeps.run.Run(
        [job("a"), job("b"), job("c")], tmp_path, device="cpu", deadline=None, stamp={}, say=said.append, workers=2
    )
    assert run.left() == ", about 2 h 43 min left"  # (2 x 10,000 - 400) / 2 s


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"steps": 50}, "steps: 40 there, 50 now"),
        ({"steps": 40.0}, "steps: 40 there, 40.0 now"),
        ({"size": (2, 4)}, r"size: \[2, 3\] there, \[2, 4\] now"),
        ({"more": None}, "more: nothing there, None now"),
        ({"sets": {"test": ["rocket"], "train": []}}, r"sets.test: .* there, \['rocket'\] now; sets.train: nothing "),
    ],
)
def test_other_settings_are_refused(change: dict[str, Any], told: str, tmp_path: Path) -> None:
    perform([job("a")], tmp_path)
    with pytest.raises(ValueError, match=rf"out=.* with other settings \({told}.*\); choose another folder"):
        perform([job("b")], tmp_path, settings={**SETTINGS, **change})
    assert [entry["job"] for entry in read(tmp_path)] == ["a"]
    assert len(perform([job("b")], tmp_path)[0]) == 1  # it still takes its own


def test_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    perform([job("a")], tmp_path)
    with monkeypatch.context() as patch, pytest.raises(ValueError, match=r"lossedu: '0.*' there, '9.9' now"):
        patch.setattr(lossedu, "__version__", "9.9")
        perform([job("b")], tmp_path)
    monkeypatch.setattr(disk, "FORMAT", 2)
    with pytest.raises(ValueError, match="format: 1 there, 2 now"):
        perform([job("b")], tmp_path)


def test_a_folder_that_is_not_a_run(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    with pytest.raises(ValueError, match=r"holds jobs but not the settings\.json"):
        perform([job("a")], tmp_path)
    with pytest.raises(ValueError, match=r"folder must be that of a run"):
        read(tmp_path)
    (tmp_path / "settings.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"settings\.json is damaged"):
        perform([job("a")], tmp_path)
    (tmp_path / "settings.json").write_text('{"steps": 1')
    with pytest.raises(ValueError, match=r"settings\.json is damaged"):
        perform([job("a")], tmp_path)


def test_a_job_with_other_options_is_refused(tmp_path: Path) -> None:
    perform([job("a")], tmp_path)
    with pytest.raises(ValueError, match=r"jobs/a holds a job with other options \(start: nothing there, 2 now\)"):
        perform([job("new"), job("a", start=2)], tmp_path)
    assert not (tmp_path / "jobs/new").exists()  # nothing is begun before
    with pytest.raises(ValueError, match=r"module: 'sweep_jobs' there, 'other' now"):
        perform([job("a")._replace(module="other")], tmp_path)


@pytest.mark.parametrize(
    ("jobs", "told"),
    [
        ([job("a"), job("b"), job("A")], "different names, got 'a' and 'A'"),
        ([job("../a")], r"names of letters, digits and .* only, got '\.\./a'"),
        ([job("")], "got ''"),
        ([job("a", shape={1, 2})], "options of job 'a' must be what JSON can hold"),
    ],
)
def test_jobs_that_cannot_be_kept_apart(jobs: list[Job], told: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told):
        perform(jobs, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("options", [{"workers": 0}, {"time_limit": 0.0}, {"device": "abacus"}])
def test_options_out_of_range(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} must be"):
        perform([job("a")], tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


OUT = ["CUDA out of memory. Tried to allocate 2 GiB", "DefaultCPUAllocator: can't allocate memory: you tried"]


def test_faults_are_kept_and_the_others_go_on(tmp_path: Path) -> None:
    jobs = [
        job("bad", "fail"),
        job("same", "fail"),
        job("gpu", "memory", text=OUT[0], batch=64),
        job("cpu", "memory", text=OUT[1]),
        job("real", "real memory", batch=16),
        job("set", "nothing"),
        Job("no_such_module", "lost", {}),
        job("good"),
    ]
    said: list[str] = []
    with pytest.raises(JobsFailed) as caught:
        perform_all(jobs, tmp_path, settings=SETTINGS, say=said.append)
    faults = caught.value.faults
    assert list(faults) == ["bad", "same", "gpu", "cpu", "real", "set", "lost"]
    assert faults["gpu"] == f"out of memory at batch=64; a smaller --batch needs less ({OUT[0]})"
    assert faults["cpu"] == f"out of memory; a smaller --batch needs less ({OUT[1]})"
    assert faults["real"].startswith("out of memory at batch=16; a smaller --batch needs less")
    assert "not JSON serializable" in faults["set"]
    assert "No module named 'no_such_module'" in faults["lost"]
    assert str(caught.value).startswith(
        f"7 of 8 jobs failed (tracebacks in {tmp_path}/jobs/NAME/error.txt): bad, same: Z"
    )
    assert "in fail\n    raise ZeroDivisionError" in (tmp_path / "jobs/bad/error.txt").read_text()
    assert [entry["job"] for entry in read(tmp_path)] == ["good"]
    assert "bad: failed, ZeroDivisionError: a fault of the job" in said
    assert isinstance(caught.value, ValueError)  # which the command line reports


def test_a_failed_job_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(JobsFailed):
        perform([job("a", "fail")], tmp_path)
    monkeypatch.setitem(sweep_jobs.DOINGS, "fail", sweep_jobs.without_arrays)
    (outcome,), _ = perform([job("a", "fail")], tmp_path)
    assert outcome.entry is not None
    assert not (tmp_path / "jobs/a/error.txt").exists()


def test_an_ordinary_runtime_error_says_nothing_of_memory(tmp_path: Path) -> None:
    with pytest.raises(JobsFailed, match="RuntimeError: shapes differ"):
        perform([job("a", "memory", text="shapes differ")], tmp_path)


class PowerCut(BaseException):
    """What no `except Exception` catches."""


@pytest.mark.parametrize("file", ["arrays.npz", "entry.json"])
def test_an_entry_never_stands_without_its_arrays(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = disk.os.replace

    def cut(half: Path, path: Path) -> None:
        if path.name == file:
            raise PowerCut
        replace(half, path)

    with monkeypatch.context() as patch, pytest.raises(PowerCut):
        patch.setattr(disk.os, "replace", cut)
        perform([job("a")], tmp_path)
    assert read(tmp_path) == []
    assert (tmp_path / "jobs/a/arrays.npz").exists() == (file == "entry.json")
    with pytest.raises(ValueError, match="name must be a finished job"):
        load_arrays(tmp_path, "a")
    (outcome,), _ = perform([job("a")], tmp_path)
    np.testing.assert_array_equal(load_arrays(tmp_path, "a")["walk"], np.full(3, outcome.entry["total"]))


def test_arrays_of_an_attempt_that_was_cut_off_do_not_stay(tmp_path: Path) -> None:
    (folder := tmp_path / "jobs" / "a").mkdir(parents=True)
    np.savez(folder / "arrays.npz", old=np.zeros(1))
    disk.keep(folder, {"job": "a"}, {})
    assert load_arrays(tmp_path, "a") == {}


def test_damaged_arrays(tmp_path: Path) -> None:
    (outcome,), _ = perform([job("a")], tmp_path)
    (tmp_path / "jobs/a/arrays.npz").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(ValueError, match=r"arrays\.npz is damaged"):
        outcome.arrays()


def test_ctrl_c_loses_one_checkpoint_interval_at_most(tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        if line == "a: step 20":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        perform([job("a")], tmp_path, say=interrupt)
    (resumed, straight), _ = perform([job("a"), job("b")], tmp_path)
    assert resumed.entry["began"] == 20
    assert resumed.entry["total"] == straight.entry["total"]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="this system has no locks of that kind")
    perform([job("a")], tmp_path)
    with alone(tmp_path), pytest.raises(ValueError, match="is at work in another process"):
        perform([job("b")], tmp_path)
    perform([job("b")], tmp_path)
    assert len(read(tmp_path)) == 2


@pytest.fixture
def forgotten() -> Iterator[None]:
    """The process has not been given a job yet."""
    performing.source.cache_clear()
    yield
    performing.source.cache_clear()


@pytest.mark.usefixtures("forgotten")
def test_the_commit_is_that_of_the_code_that_was_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree may move on while a run goes on: it is asked once, before the first job."""
    commits = iter(["0123456789ab", "moved on"])
    asked: list[str] = []

    def commit() -> str:
        asked.append(next(commits))
        return asked[-1]

    monkeypatch.setattr(performing, "commit", commit)

    def say(line: str) -> None:
        assert asked == ["0123456789ab"], line  # known before anything is begun

    outcomes, _ = perform([job("a"), job("b"), job("c", "diverge")], tmp_path, say=say)
    assert [outcome.entry["commit"] for outcome in outcomes] == ["0123456789ab"] * 3


def test_the_finished_jobs_of_a_folder(tmp_path: Path) -> None:
    """Whoever asked for them, with their options and arrays."""
    perform([job("b", start=3), job("a")], tmp_path)
    with pytest.raises(JobsFailed):
        perform([job("0", "diverge"), job("bad", "fail")], tmp_path)
    found = finished(tmp_path)
    assert [outcome.job for outcome in found] == [job("0", "diverge"), job("a"), job("b", start=3)]
    assert [outcome.entry for outcome in found] == read(tmp_path)
    assert {outcome.run for outcome in found} == {tmp_path}
    assert found[0].arrays() == {} and set(found[2].arrays()) == {"walk"}
    assert finished(str(tmp_path)) == found
    with pytest.raises(ValueError, match="folder must be that of a run"):
        finished(tmp_path / "jobs")


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert (resolve_device("auto"), resolve_device("cpu")) == ("cpu", "cpu")
    with pytest.raises(ValueError, match=r"device must be one that this machine has \(auto, cpu\), got 'cuda'"):
        resolve_device("cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert resolve_device("auto") == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert (resolve_device("auto"), resolve_device("cuda:1"), resolve_device("mps")) == ("cuda", "cuda:1", "mps")
    with pytest.raises(ValueError, match=r"\(auto, .*cuda:1.*\), got 'cuda:2'"):
        resolve_device("cuda:2")
