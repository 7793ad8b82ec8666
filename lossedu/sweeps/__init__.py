"""Runs of many jobs that do not depend on each other: begun, stopped, resumed, spread over processes or a cluster.

- `Job`, `Place`: what is to be done, and where; a module's ``perform(job, place)`` does it
- `perform_all`: performs what is not finished yet, and returns an `Outcome` for each job
- `finished`, `read`, `load_arrays`: the finished jobs of a folder, and what they found
- `resolve_device`: which device "auto" is
- `matmul_rate`, `sentence`: how fast a training goes, against what its device could do
"""

from __future__ import annotations

from .devices import resolve_device
from .disk import load_arrays, read
from .engine import perform_all
from .job import Job, Outcome, Place, finished
from .rates import matmul_rate, sentence
from .run import JobsFailed

__all__ = [
    "Job",
    "JobsFailed",
    "Outcome",
    "Place",
    "finished",
    "load_arrays",
    "matmul_rate",
    "perform_all",
    "read",
    "resolve_device",
    "sentence",
]
