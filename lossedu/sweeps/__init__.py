"""Runs of many jobs that do not depend on each other: begun, stopped, resumed, spread over processes or a cluster.

- `Job`, `Place`: what is to be done, and where; a module's ``perform(job, place)`` does it
- `perform_all`: performs what is not finished yet, and returns an `Outcome` for each job
- `read`, `load_arrays`: what the finished jobs of a folder found
- `resolve_device`: which device "auto" is
- `matmul_rate`, `sentence`: how fast a training goes, against what its device could do
"""

from __future__ import annotations

from .devices import resolve_device
from .disk import load_arrays, read
from .engine import perform_all
from .job import Job, Outcome, Place
from .rates import matmul_rate, sentence
from .run import JobsFailed

__all__ = [
    "Job",
    "JobsFailed",
    "Outcome",
    "Place",
    "load_arrays",
    "matmul_rate",
    "perform_all",
    "read",
    "resolve_device",
    "sentence",
]
