"""Jobs on a Dask cluster: each is one task, its result comes home and is written by the process that asked for it.

The workers need the same version of this package.  The folder of the run must be on a disk that all of them see under
the same path, or a job that is taken up again elsewhere does not find its checkpoint and begins anew; its result is
the same.  One thread a worker (``dask worker --nthreads 1``) is the best use of a machine.
"""

from __future__ import annotations

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
from .processes import HINT, TRIES
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
    where = (run.folder.resolve(), run.device, run.deadline, run.stamp, topic, version())
    begun: set[str] = set()
    futures: dict[str, Any] = {}
    with Client(address, name="lossedu", set_as_default=False) as client:

        def submit(job: Job, key: str) -> None:
            futures[job.name] = client.submit(_perform_there, job, *where, key=key, pure=False)
            futures[job.name].add_done_callback(lambda future: post.put((job, future)))

        client.subscribe_topic(topic, lambda event: post.put((None, event[1])))
        threads = sum(client.nthreads().values())
        run.workers = max(1, threads)
        run.say(f"{len(run.waiting)} jobs go to {address}, which has {threads} threads for them")
        for job in run.waiting:
            submit(job, f"{topic}-{job.name}")
        while futures:
            if run.deadline is not None and time.time() >= run.deadline:
                for name in futures.keys() - begun:  # it waits in the queue of a cluster that has no room for it
                    futures.pop(name).cancel()
            try:
                ended, news = post.get(timeout=1.0)
            except queue.Empty:
                continue
            if ended is None:
                begun.add(news["job"])
                run.say(news["line"])
            elif futures.pop(ended.name, None) is not None:
                report = _report(news)
                if report is None and news.key.endswith(ended.name):
                    submit(ended, f"{topic}-{ended.name}-again")
                elif report is None:
                    run.ended(ended, Report(None, {}, 0.0, f"workers died under it, again and again{HINT}"))
                elif report.entry is not None or report.fault or ended.name in begun:
                    run.ended(ended, report)
            del news  # a result that somebody holds is worked out again if its worker dies


def _report(future: Any) -> Report | None:
    """Return the report that a future holds, or one that says why it holds none; None if the scheduler gave it up.

    That happens to jobs who only stood in the queue of workers that died, and they deserve another chance.
    """
    if future.status == "finished":
        return future.result()
    if future.cancelled():
        return Report(None, {}, 0.0, "the scheduler was lost")
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return None
    return Report(None, {}, 0.0, f"{type(error).__name__}: {error}")


def _perform_there(
    job: Job, run: Path, device: str, deadline: float | None, stamp: dict[str, Any], topic: str, asked: str
) -> Report:
    """Perform a job where this is called: on a worker."""
    from distributed import get_worker
    from distributed.utils import sync

    if asked != version():
        return Report(None, {}, 0.0, f"the worker has lossedu {version()}, and {asked} is asked for")
    if deadline is not None and time.time() >= deadline:
        return Report(None, {}, 0.0)
    worker = get_worker()
    key = worker.get_current_task()

    def say(line: str) -> None:
        worker.log_event(topic, {"job": job.name, "line": line})
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise CalledOff

    # The scheduler counts: a worker that dies cannot, and the next one may not see its disk.
    tries = 1 + sync(worker.loop, worker.scheduler.get_metadata, keys=[topic, job.name], default=0)
    sync(worker.loop, worker.scheduler.set_metadata, keys=[topic, job.name], value=tries)
    if tries > TRIES:
        return Report(None, {}, 0.0, f"its worker died, for the second time{HINT}")
    torch.set_num_threads(1)
    folder = begin_job(run, job.name, job.module, job.options)
    try:
        if tries > 1:
            say(f"{job.name}: its worker died; once more, from its checkpoint")
        return attempt(job, Place(folder, resolve_device(device), deadline, say), stamp)
    except CalledOff:
        return Report(None, {}, 0.0)
