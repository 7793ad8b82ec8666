"""Jobs on a Dask cluster of this machine."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dask
import numpy as np
import pytest
import torch
from distributed import Client, LocalCluster
from sweep_jobs import job

from lossedu.sweeps import JobsFailed, cluster, perform_all, read

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*:ResourceWarning", "ignore:.*:DeprecationWarning", "ignore:.*:pytest.PytestUnraisableExceptionWarning"
)

#: A local cluster takes a worker for lost that is not back in so many seconds, and kills its successor.
PATIENT = {"distributed.deploy.lost-worker-timeout": "600s", "distributed.comm.timeouts.connect": "60s"}


def test_one_of_two_workers_is_killed(tmp_path: Path) -> None:
    jobs = [
        job("killed", "train", seed=1, dies_at=25),
        job("a"),
        job("fault", "fail"),
        job("plain", "plain"),
        job("b", "train", seed=2),
    ]
    said: list[str] = []
    with (
        dask.config.set(PATIENT),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as local,
        pytest.raises(JobsFailed) as caught,
    ):
        perform_all(
            jobs,
            tmp_path / "far",
            settings={},
            say=said.append,
            scheduler=local.scheduler_address,
            stamp={"rules": "01"},
        )
    assert caught.value.faults == {"fault": "ZeroDivisionError: a fault of the job"}
    assert "in fail\n" in (tmp_path / "far/jobs/fault/error.txt").read_text()
    entries = {entry["job"]: entry for entry in read(tmp_path / "far")}
    assert entries.keys() == {"killed", "a", "plain", "b"}
    assert entries["plain"]["used"] == 1 and entries["plain"]["given"] in ("cpu", "cuda", "mps")
    assert {entry["threads"] for entry in entries.values()} == {1}
    assert {entry["rules"] for entry in entries.values()} == {"01"}
    assert said[0].endswith("which has 2 threads for them")
    assert "killed: its worker died; once more, from its checkpoint" in said
    assert any(line.startswith("a: step 40") for line in said)

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    again = [job("killed", "train", seed=1), job("a"), job("b", "train", seed=2)]
    for expected in perform_all(again, tmp_path / "here", settings={}, say=said.append):
        assert expected.entry is not None
        for key, value in expected.arrays().items():
            np.testing.assert_array_equal(cluster_arrays(tmp_path / "far", expected.job.name)[key], value)
    torch.set_num_threads(before)


def cluster_arrays(folder: Path, name: str) -> Any:
    return np.load(folder / "jobs" / name / "arrays.npz")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A cluster inside this process: two workers that nobody can kill."""
    with (
        dask.config.set(PATIENT),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as local,
    ):
        yield local.scheduler_address


def test_two_deaths_are_a_fault(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler remembers how often a job was begun; this one was twice."""
    number = uuid.UUID(int=7)
    monkeypatch.setattr(cluster.uuid, "uuid4", lambda: number)
    with Client(address, set_as_default=False) as client:
        client.set_metadata([f"lossedu-{number.hex}", "doomed"], 2)
        client.set_metadata([f"lossedu-{number.hex}", "once"], 1)
    said: list[str] = []
    with pytest.raises(JobsFailed) as caught:
        perform_all([job("doomed"), job("once")], tmp_path, settings={}, scheduler=address, say=said.append)
    assert list(caught.value.faults) == ["doomed"]
    assert caught.value.faults["doomed"].startswith("its worker died, for the second time; systems that are short")
    assert "once: its worker died; once more, from its checkpoint" in said


def test_time_is_up(address: str, tmp_path: Path) -> None:
    jobs = [job(name, pause=0.1) for name in "abcd"]
    said: list[str] = []
    outcomes = perform_all(jobs, tmp_path, settings={}, scheduler=address, time_limit=1.0 / 60, say=said.append)
    assert [outcome.entry for outcome in outcomes] == [None] * 4
    assert sum(line.endswith("time is up, its state is kept") for line in said) == 2  # the others were not begun
    assert said[-1] == "time is up: 0 of 4 jobs are done, 4 remain; start again to go on"
    jobs = [each._replace(options={**each.options}) for each in jobs]
    outcomes = perform_all(jobs[:1], tmp_path, settings={}, say=said.append)  # on here, from there
    assert outcomes[0].entry is not None and outcomes[0].entry["began"] > 0


def test_jobs_that_nobody_waits_for_end(address: str, tmp_path: Path) -> None:
    class Interrupted(KeyboardInterrupt):
        pass

    def interrupt(line: str) -> None:
        if line == "still here":
            raise Interrupted

    with pytest.raises(Interrupted):
        perform_all([job("stubborn", "stubborn")], tmp_path, settings={}, scheduler=address, say=interrupt)
    for _ in range(200):
        if (tmp_path / "jobs/stubborn/ended").exists():
            break
        cluster.time.sleep(0.05)
    assert (tmp_path / "jobs/stubborn/ended").exists()
    assert read(tmp_path) == []


def test_a_worker_with_another_version(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "version", iter(["0.2", "0.1", "0.1"]).__next__)
    with pytest.raises(JobsFailed, match=r"the worker has lossedu 0\.1, and 0\.2 is asked for"):
        perform_all([job("a")], tmp_path, settings={}, scheduler=address, say=lambda line: None)


def test_a_device_that_the_worker_has_not(address: str, tmp_path: Path) -> None:
    with pytest.raises(JobsFailed, match=r"device must be one that this machine has"):
        perform_all([job("a")], tmp_path, settings={}, scheduler=address, device="cuda:99", say=lambda line: None)


def test_without_dask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r"a scheduler needs Dask: pip install 'lossedu\[cluster\]'"):
        perform_all([job("a")], tmp_path, settings={}, scheduler="tcp://127.0.0.1:1", say=lambda line: None)


def test_no_scheduler_at_the_address(tmp_path: Path) -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(OSError, match=r"127\.0\.0\.1:9"),
    ):
        perform_all([job("a")], tmp_path, settings={}, scheduler="tcp://127.0.0.1:9", say=lambda line: None)
