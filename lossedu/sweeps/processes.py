"""Jobs in local processes, one thread each: two processes at one thread do more than one at two."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from itertools import cycle
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from .devices import cards
from .job import Job, Place
from .performing import Report, attempt
from .run import Run

#: How often a job is begun whose worker dies: it gets one retry, from its checkpoint.
TRIES = 2
HINT = "; systems that are short of memory do that: fewer workers or a smaller --batch need less"


class Worker:
    """A process that performs one job at a time, as its parent sees it; `job` is the one at work."""

    def __init__(self, device: str) -> None:
        # A forked process would inherit torch's threads and an accelerator in a state of which nothing good comes.
        context = multiprocessing.get_context("spawn")
        self.device = device
        self.job: Job | None = None
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs,), name="lossedu worker")
        self._process.start()
        theirs.close()  # or the end of the process would not be the end of the pipe

    @property
    def sign(self) -> Connection:
        """Becomes ready when the worker has something to say, and when it has died."""
        return self._ours

    def begin(self, job: Job, place: Place, stamp: dict[str, Any]) -> None:
        """Have a job performed."""
        self.job = job
        with contextlib.suppress(OSError):  # if it has died already, that shows in its sign
            self._ours.send((job, place._replace(device=self.device, say=print), stamp))

    def hear(self) -> str | Report | None:
        """Return the next line, or the report that ends a job, or None if the worker has died."""
        try:
            return self._ours.recv()
        except (EOFError, OSError):  # OSError: in the middle of a sentence
            return None

    def obituary(self) -> str:
        """Return how the process ended, in words that follow "its worker"."""
        self._process.join()
        code = self._process.exitcode or 0
        if code >= 0:
            return f"ended with exit status {code}"
        return f"was killed ({signal.Signals(-code).name})"

    def dismiss(self) -> None:
        """End the process, at once if it is at work."""
        self._ours.close()
        if self.job is not None:
            self._process.kill()
        self._process.join()
        self._process.close()


def perform_in_processes(run: Run) -> None:
    """Perform the jobs of a run in as many processes as it has workers."""
    waiting, tries = deque(run.waiting), {job.name: 0 for job in run.waiting}
    devices = cycle(cards() if run.device == "cuda" and len(cards()) > 1 else [run.device])
    team: list[Worker] = []
    try:
        while True:
            late = run.deadline is not None and time.time() >= run.deadline
            for worker in [worker for worker in team if worker.job is None]:
                if waiting and not late:
                    _begin(worker, waiting.popleft(), run, tries)
                else:
                    team.remove(worker)
                    worker.dismiss()
            while waiting and not late and len(team) < run.workers:
                team.append(Worker(next(devices)))
                _begin(team[-1], waiting.popleft(), run, tries)
            if not team:
                return
            ready = wait([worker.sign for worker in team])
            for worker in [worker for worker in team if worker.sign in ready]:
                job = worker.job
                assert job is not None  # the others were dismissed
                match worker.hear():
                    case str(line):
                        run.say(line)
                    case Report() as report:
                        worker.job = None
                        run.ended(job, report)
                    case _:
                        team.remove(worker)
                        death = worker.obituary()
                        worker.dismiss()
                        if tries[job.name] < TRIES:
                            run.say(f"{job.name}: its worker {death}; once more, from its checkpoint")
                            waiting.appendleft(job)
                        else:
                            run.ended(job, Report(None, {}, 0.0, f"its worker {death}, for the second time{HINT}"))
    finally:
        for worker in team:  # if somebody pressed Ctrl-C, or something went wrong here
            worker.dismiss()


def _begin(worker: Worker, job: Job, run: Run, tries: dict[str, int]) -> None:
    tries[job.name] += 1
    worker.begin(job, run.place(job), run.stamp)


def _work(connection: Connection) -> None:
    """Perform what comes through the pipe until it is closed: the life of a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent sees to the others
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(1)
    with contextlib.suppress(EOFError, OSError):
        while True:
            job, place, stamp = connection.recv()
            report = attempt(job, place._replace(say=connection.send), stamp)
            try:
                connection.send(report)
            except OSError:
                raise
            except Exception as error:  # of many kinds: what the job calls its entry cannot be pickled
                connection.send(Report(None, {}, report.seconds, f"what it found cannot be sent: {error}"))


def _end_with_parent() -> None:
    """End this process with its parent, however that ends: nobody would collect what is worked out here."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
