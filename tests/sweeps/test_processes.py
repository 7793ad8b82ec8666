"""Jobs in local processes: any of them may die, and so may this one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from sweep_jobs import EVERY, job, waiting

from lossedu.sweeps import JobsFailed, Outcome, perform_all, read
from lossedu.sweeps import processes as room
from lossedu.sweeps.run import Run

TESTS = Path(__file__).parents[1]
PATIENCE = 120.0


def here(jobs: list[Any], folder: Path) -> list[Outcome]:
    """Perform jobs in this process, on one thread as the workers do."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return perform_all(jobs, folder, settings={}, say=lambda line: None)
    finally:
        torch.set_num_threads(before)


def test_workers_die_and_jobs_fail(tmp_path: Path) -> None:
    jobs = [
        job("once", "train", seed=1, dies_at=25),
        job("twice", dies_at=25, deaths=2),
        job("fault", "fail"),
        job("set", "nothing"),
        job("plain", "plain"),
        job("last", "train", seed=2),
    ]
    said: list[str] = []
    with pytest.raises(JobsFailed) as caught:
        perform_all(jobs, tmp_path / "many", settings={}, workers=2, say=said.append, stamp={"rules": "0123"})
    faults = caught.value.faults
    assert set(faults) == {"twice", "fault", "set"}
    assert faults["twice"].startswith("its worker was killed (SIGKILL), for the second time; systems that are short")
    assert faults["fault"] == "ZeroDivisionError: a fault of the job"
    assert "in fail\n" in (tmp_path / "many/jobs/fault/error.txt").read_text()
    entries = {entry["job"]: entry for entry in read(tmp_path / "many")}
    assert entries.keys() == {"once", "plain", "last"}
    assert entries["plain"]["used"] == 1 and entries["plain"]["rules"] == "0123"
    assert {entry["threads"] for entry in entries.values()} == {1}  # of the worker, not of this process
    assert said.count("once: its worker was killed (SIGKILL); once more, from its checkpoint") == 1
    assert any(line.startswith("once: goes on after ") for line in said) and "twice: step 20" in said

    # The one that was killed ends with the same bits as one that was not.
    straight = here([job("once", "train", seed=1), jobs[-1]], tmp_path / "straight")
    finished = [job for job in jobs if job.name in ("once", "last")]
    for expected, found in zip(straight, here(finished, tmp_path / "many"), strict=True):
        assert found.entry is not None and expected.entry is not None
        assert found.entry["last"] == expected.entry["last"]
        arrays = found.arrays()
        for key, value in expected.arrays().items():
            np.testing.assert_array_equal(arrays[key], value)

    # Started again, only what failed is done; now that it has died twice, it lives.
    with pytest.raises(JobsFailed) as again:
        here(jobs, tmp_path / "many")
    assert set(again.value.faults) == {"fault", "set"}
    twice = {entry["job"]: entry for entry in read(tmp_path / "many")}["twice"]
    assert twice["began"] == 20


def test_time_is_up_for_all_workers(tmp_path: Path) -> None:
    jobs = [job(name, pause=0.5) for name in "abc"]
    said: list[str] = []
    began = time.monotonic()
    outcomes = perform_all(jobs, tmp_path, settings={}, workers=2, time_limit=1.0 / 60, say=said.append)
    assert time.monotonic() - began < 60
    assert [outcome.entry for outcome in outcomes] == [None] * 3
    assert said[-1] == "time is up: 0 of 3 jobs are done, 3 remain; start again to go on"
    assert not (tmp_path / "jobs/c").exists()


@pytest.mark.parametrize("how", ["Ctrl-C", "kill -9"])
def test_children_end_with_their_parent(how: str, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(TESTS)!r}); import sweep_jobs as s; s.outside(s.Path({str(tmp_path)!r}))"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=TESTS.parent,
    )
    assert parent.stdout is not None and parent.stderr is not None
    with parent.stdout, parent.stderr:
        seen = ""
        while "a: step 10" not in seen or "b: step 10" not in seen:
            line = parent.stdout.readline()
            assert line, parent.stderr.read()
            seen += line
        if how == "Ctrl-C":
            os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: all processes get it
        else:
            parent.kill()
        code_of_exit = parent.wait(PATIENCE)
        assert code_of_exit == -(signal.SIGINT if how == "Ctrl-C" else signal.SIGKILL)
    children = [int(path.read_text().split()[-1]) for path in tmp_path.glob("jobs/*/pids.txt")]
    assert len(set(children)) == 2
    end = time.monotonic() + PATIENCE
    while any(map(alive, children)):
        assert time.monotonic() < end, "a worker outlives its parent"
        time.sleep(0.02)

    (tmp_path / "jobs/go").touch()
    resumed = here(waiting(), tmp_path)
    straight = here([job("a"), job("b", start=2)], tmp_path.with_name(f"{tmp_path.name}_straight"))
    for found, expected in zip(resumed, straight, strict=True):
        assert found.entry is not None and expected.entry is not None
        assert found.entry["began"] == EVERY  # it goes on from its checkpoint
        assert found.entry["total"] == expected.entry["total"]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_cards_are_dealt_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With two graphics cards, every other worker has the second."""
    monkeypatch.setattr(room, "cards", lambda: ["cuda:0", "cuda:1"])
    dealt: list[str] = []

    class Recruit:
        def __init__(self, device: str) -> None:
            dealt.append(device)
            if len(dealt) == 3:
                raise KeyboardInterrupt

        def begin(self, *what: Any) -> None: ...

        def dismiss(self) -> None: ...

    monkeypatch.setattr(room, "Worker", Recruit)
    for device, expected in (("cuda", ["cuda:0", "cuda:1", "cuda:0"]), ("cuda:1", ["cuda:1"] * 3)):
        dealt.clear()
        run = Run([job(name) for name in "abc"], tmp_path, device=device, deadline=None, stamp={}, say=print, workers=3)
        with pytest.raises(KeyboardInterrupt):
            room.perform_in_processes(run)
        assert dealt == expected
