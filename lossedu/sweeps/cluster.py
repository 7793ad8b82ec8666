"""Jobs on a Dask cluster: each is one task, its result comes home and is written by the process that asked for it.

The workers need the same version of this package.  The folder of the run must be on a disk that all of them see under
the same path, or a job that is taken up again elsewhere does not find its checkpoint and begins anew; its result is
the same.  One thread a worker (``dask worker --nthreads 1``) is the best use of a machine.
"""

from __future__ import annotations

import functools
import queue
import time
import uuid
from pathlib import Path
from typing import Any

import torch

from .devices import resolve_device
from .disk import begin_job, version
from .job import Job, Place
from .performing import Report, attempt
from .processes import TRIES
from .run import Run


class CalledOff(BaseException):
    """Nobody waits for this job any more.  Not an `Exception`: a job must not take it for a fault of its own."""


def perform_on_cluster(run: Run, address: str) -> None:
    """Perform the jobs of a run on the workers of a Dask scheduler.

    Raises
    ------
    ImportError
        If Dask is not installed.
    OSError
        If there is no scheduler at the address.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError("a scheduler needs Dask: pip install 'lossedu[cluster]'") from error
    post: queue.Queue[tuple[Job | None, Any]] = queue.Queue()  # what comes in, on threads of the client
    topic = f"lossedu-{uuid.uuid4().hex}"  # so that runs on one cluster do not hear each other
    begun: set[str] = set()
    with Client(address, name="lossedu", set_as_default=False) as client:
        client.subscribe_topic(topic, lambda event: post.put((None, event[1])))
        threads = sum(client.nthreads().values())
        run.workers = max(1, threads)
        run.say(f"{address}: {threads} threads for {len(run.waiting)} jobs")
        futures = {}
        for job in run.waiting:
            place = run.place(job, say=print)
            task = (job, run.folder.resolve(), place.device, run.deadline, run.stamp, topic, version())
            future = client.submit(_perform_there, *task, key=f"{topic}-{job.name}", pure=False)
            futures[job.name] = future
            future.add_done_callback(functools.partial(_put, post, job))
        while futures:
            if run.deadline is not None and time.time() >= run.deadline:
                for name in futures.keys() - begun:  # it stays in the queue of a cluster that has no room for it
                    futures.pop(name).cancel()
            try:
                job_or_none, news = post.get(timeout=1.0)
            except queue.Empty:
                continue
            if job_or_none is None:
                begun.add(news["job"])
                run.say(news["line"])
            elif futures.pop(job_or_none.name, None) is not None:
                if (report := _report(news)).entry is None and not report.fault:
                    begun.discard(job_or_none.name)
                run.ended(job_or_none, report)


def _put(post: queue.Queue[tuple[Job | None, Any]], job: Job, future: Any) -> None:
    post.put((job, future))


def _report(future: Any) -> Report:
    """Return the report that a future holds, or one that says why it holds none."""
    if future.status == "finished":
        return future.result()
    if future.cancelled():
        return Report(None, {}, 0.0, "the scheduler was lost or gave it up")
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return Report(None, {}, 0.0, "its workers died more often than the scheduler allows")
    return Report(None, {}, 0.0, f"{type(error).__name__}: {error}")


def _perform_there(
    job: Job, run: Path, device: str, deadline: float | None, stamp: dict[str, Any], topic: str, asked: str
) -> Report:
    """Perform a job where this is called: on a worker."""
    from distributed import get_client, get_worker

    if asked != version():
        return Report(None, {}, 0.0, f"the worker has lossedu {version()}, and {asked} is asked for")
    if deadline is not None and time.time() >= deadline:
        return Report(None, {}, 0.0)
    client, worker = get_client(), get_worker()
    key = worker.get_current_task()

    def say(line: str) -> None:
        worker.log_event(topic, {"job": job.name, "line": line})
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise CalledOff

    # The scheduler counts: the worker that died cannot, and the disk may be another one.
    tries = client.get_metadata([topic, job.name], 0) + 1
    client.set_metadata([topic, job.name], tries)
    if tries > TRIES:
        return Report(None, {}, 0.0, "its worker died; so did the one before")
    if tries > 1:
        say(f"{job.name}: its worker died; once more, from its checkpoint")
    torch.set_num_threads(1)
    folder = begin_job(run, job.name, job.module, job.options)
    try:
        return attempt(job, Place(folder, resolve_device(device), deadline, say), stamp)
    except CalledOff:
        return Report(None, {}, 0.0)
