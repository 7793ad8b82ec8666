"""The books of a run: which jobs are done, which failed, how long the rest will take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .disk import begin_job, entry_of, keep
from .job import Job, Place
from .performing import Report
from .sitting import seconds_so_far


class JobsFailed(RuntimeError, ValueError):
    """Jobs of a run failed, and the others went on; `faults` has a sentence for each, by name.

    Also a `ValueError`, as all faults that the command line reports without a traceback.
    """

    def __init__(self, faults: dict[str, str], jobs: int, folder: Path) -> None:
        super().__init__(faults, jobs, folder)
        self.faults, self.jobs, self.folder = faults, jobs, folder

    def __str__(self) -> str:
        alike: dict[str, list[str]] = {}
        for name, fault in self.faults.items():
            alike.setdefault(fault, []).append(name)
        told = "; ".join(f"{', '.join(names)}: {fault}" for fault, names in alike.items())
        where = self.folder / "jobs" / "NAME" / "error.txt"
        return f"{len(self.faults)} of {self.jobs} jobs failed (tracebacks in {where}): {told}"


class Run:
    """What every way of performing jobs needs to know, and where it reports.

    Attributes
    ----------
    waiting : list of Job
        Those that were not finished at the beginning, in order.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        folder: Path,
        *,
        device: str,
        deadline: float | None,
        stamp: Mapping[str, Any],
        say: Callable[[str], None],
        workers: int = 1,
    ) -> None:
        self.folder, self.device, self.deadline = folder, device, deadline
        self.stamp, self.say, self.workers = dict(stamp), say, workers
        self.jobs = list(jobs)
        self.faults: dict[str, str] = {}
        entries = {job.name: entry_of(folder, job.name) for job in jobs}
        self._seconds = {name: float(entry["seconds"]) for name, entry in entries.items() if entry is not None}
        self.waiting = [job for job in self.jobs if entries[job.name] is None]

    @property
    def done(self) -> int:
        """How many jobs are finished."""
        return len(self._seconds)

    def place(self, job: Job, say: Callable[[str], None] | None = None) -> Place:
        """Return the place of a job, whose folder is made."""
        folder = begin_job(self.folder, job.name, job.module, job.options)
        return Place(folder, self.device, self.deadline, say or self.say)

    def ended(self, job: Job, report: Report) -> None:
        """Write what came of a job, and say so."""
        folder = begin_job(self.folder, job.name, job.module, job.options)
        if report.entry is not None:
            try:
                keep(folder, report.entry, report.arrays)
            except (TypeError, ValueError) as error:  # JSON cannot hold what the job calls its entry
                report = Report(None, {}, report.seconds, f"its entry cannot be written: {error}")
            else:
                self._seconds[job.name] = report.seconds
                self.say(f"{job.name}: {report.seconds:.0f} s; done {self.done} of {len(self.jobs)}{self.left()}")
        if report.fault:
            self.faults[job.name] = report.fault
            (folder / "error.txt").write_text(f"{report.fault}\n\n{report.trace}", encoding="utf-8")
            self.say(f"{job.name}: failed, {report.fault}")
        elif report.entry is None:
            self.say(f"{job.name}: time is up, its state is kept")

    def left(self) -> str:
        """Return ", about 1 h 20 min left" from the mean seconds of the finished jobs; empty if there is no telling."""
        rest = [job for job in self.jobs if job.name not in self._seconds]
        if not rest or not self._seconds:
            return ""
        spent = sum(seconds_so_far(self.folder / "jobs" / job.name) for job in rest)
        mean = sum(self._seconds.values()) / len(self._seconds)
        minutes = round(max(0.0, mean * len(rest) - spent) / self.workers / 60)
        return f", about {minutes // 60} h {minutes % 60:02d} min left"
