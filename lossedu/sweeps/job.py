"""What a job is, where it is performed, and what comes of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .disk import load_arrays, read, read_json

#: Names become folders, on every system.
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+=-]*")


class Job(NamedTuple):
    """One piece of work that depends on nothing but its options.

    `module` is the dotted name of the module whose ``perform(job, place)`` does it, and returns a JSON entry and arrays
    by name.  `name` is unique in a run, and a valid name of a folder, such as "dd-ssim_1.5-0".  `options` hold
    everything the outcome depends on, as JSON can hold it.
    """

    module: str
    name: str
    options: dict[str, Any]


class Place(NamedTuple):
    """Where and how a job is performed; nothing in here may change its outcome, but for sums in another order.

    `folder` is the job's own, which exists; checkpoints go there.  `device` is "cpu", "cuda", "cuda:1" or "mps".
    `deadline` is the ``time.time()`` at which to write a checkpoint and raise `lossedu.training.OutOfTime`; None is
    never.  `say` takes a line about how far the job is.  `compiled` asks for networks that go through `torch.compile`.
    """

    folder: Path
    device: str
    deadline: float | None
    say: Callable[[str], None]
    compiled: bool = False


class Outcome(NamedTuple):
    """A job and what came of it; `entry` is None if it is not finished."""

    job: Job
    entry: dict[str, Any] | None
    run: Path

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the job's arrays, read now; none if it is not finished or made none."""
        return {} if self.entry is None else load_arrays(self.run, self.job.name)


def finished(run: str | Path) -> list[Outcome]:
    """Return the finished jobs of a folder in the order of their names, whoever asked for them.

    Raises
    ------
    ValueError
        If `run` is not the folder of a run.
    """
    found = []
    for entry in read(run):
        begun = read_json(Path(run) / "jobs" / entry["job"] / "options.json")
        found.append(Outcome(Job(begun["module"], entry["job"], begun["options"]), entry, Path(run)))
    return found


def check(jobs: Sequence[Job]) -> None:
    """Raise `ValueError` unless each job has a name of its own that can be a folder, and options that JSON can hold."""
    seen: dict[str, str] = {}
    for job in jobs:
        if not _SAFE.fullmatch(job.name):
            raise ValueError(f"jobs must have names of letters, digits and . _ @ + = - only, got {job.name!r}")
        # The folders of some systems do not tell capitals apart.
        if (key := job.name.casefold()) in seen:
            raise ValueError(f"jobs must have different names, got {seen[key]!r} and {job.name!r}")
        seen[key] = job.name
        try:
            json.dumps(job.options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"options of job {job.name!r} must be what JSON can hold: {error}") from error
