"""A run: jobs that do not depend on each other, performed here, in local processes, or on a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .. import _validate
from .cluster import perform_on_cluster
from .devices import resolve_device
from .disk import check_job, claim, entry_of
from .job import Job, Outcome, check
from .lock import alone
from .performing import attempt
from .processes import perform_in_processes
from .run import JobsFailed, Run


def say_at_once(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def perform_all(
    jobs: Sequence[Job],
    folder: str | Path,
    *,
    settings: dict[str, Any],
    device: str = "auto",
    workers: int = 1,
    scheduler: str | None = None,
    time_limit: float | None = None,
    say: Callable[[str], None] = say_at_once,
    stamp: dict[str, Any] | None = None,
) -> list[Outcome]:
    """Perform the jobs that are not finished yet, and return what came of all of them.

    Started again with the same jobs and folder, it goes on: finished jobs are skipped, a job that was interrupted goes
    on from its checkpoint.

    Parameters
    ----------
    jobs : sequence of Job
        Performed in this order.
    folder : path
        Holds everything about the run; see `lossedu.sweeps.disk`.
    settings : dict
        What the run as a whole depends on.  The folder belongs to one set of them, and to one version of the package.
    device : str
        "auto" takes the accelerator where there is one.
    workers : int
        1: the jobs are performed in this process.  More: in so many processes, with one thread each.
    scheduler : str, optional
        Address of a Dask scheduler, such as "tcp://10.0.0.1:8786".  The jobs go to its workers.
    time_limit : float, optional
        Minutes after which the jobs at work write a checkpoint and stop, and no other is begun.
    say : callable
        Takes lines about how far the run is.
    stamp : dict, optional
        Added to each new entry.

    Returns
    -------
    list of Outcome
        One per job, in order; the entry is None where time was up before the job was finished.

    Raises
    ------
    ValueError
        If an option is wrong, or the folder belongs to another version, other settings or other jobs.
    JobsFailed
        If jobs failed; all others were performed before.
    """
    folder, workers = Path(folder), _validate.count("workers", workers)
    deadline = None if time_limit is None else time.time() + 60 * _validate.positive("time_limit", time_limit)
    if scheduler is None:
        device = resolve_device(device)  # a cluster has devices of its own
    check(jobs)
    claim(folder, settings)
    with alone(folder):
        for job in jobs:
            check_job(folder, job.name, job.module, job.options)
        run = Run(jobs, folder, device=device, deadline=deadline, stamp=stamp or {}, say=say, workers=workers)
        if not run.waiting:
            pass
        elif scheduler is not None:
            perform_on_cluster(run, scheduler)
        elif workers > 1:
            perform_in_processes(run)
        else:
            _perform_here(run)
    if run.faults:
        raise JobsFailed(run.faults, len(jobs), folder)
    if rest := len(jobs) - run.done:
        say(f"time is up: {run.done} of {len(jobs)} jobs are done, {rest} remain{run.left()}; start again to go on")
    return [Outcome(job, entry_of(folder, job.name), folder) for job in jobs]


def _perform_here(run: Run) -> None:
    for job in run.waiting:
        if run.deadline is not None and time.time() >= run.deadline:
            break
        run.ended(job, attempt(job, run.place(job), run.stamp))
