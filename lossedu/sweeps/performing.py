"""One job, performed where this process runs; whatever happens comes back as a `Report`."""

from __future__ import annotations

import functools
import importlib
import traceback
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from ..records import commit, provenance
from ..training import Diverged, OutOfTime
from .job import Job, Place
from .sitting import Sitting


@functools.cache
def source() -> str:
    """Return the commit of the code, as it was when this process was first given a job.

    Every process asks for itself, and once: the tree may move on while a long run goes on.
    """
    return commit()


class Report(NamedTuple):
    """What came of one attempt.

    Attributes
    ----------
    entry : dict or None
        What the job found; None if it did not end.
    arrays : dict
        The same in numbers.
    seconds : float
        Spent on the job so far, in all sittings.
    fault : str
        What went wrong, in a sentence; empty if nothing did.  With neither `entry` nor `fault`, time was up.
    trace : str
        Where it went wrong.
    """

    entry: dict[str, Any] | None
    arrays: dict[str, np.ndarray]
    seconds: float
    fault: str = ""
    trace: str = ""


def attempt(job: Job, place: Place, stamp: Mapping[str, Any]) -> Report:
    """Perform a job, or go on with it, and return what came of it; whether it is compiled stands in the stamp."""
    code, place = source(), place._replace(compiled=place.compiled or bool(stamp.get("compiled")))
    with Sitting(place.folder) as sitting:
        place.say(f"{job.name}: goes on after {sitting.earlier:.0f} s" if sitting.resumed else f"{job.name}: starts")
        try:
            entry, arrays = importlib.import_module(job.module).perform(job, place)
        except OutOfTime:
            return Report(None, {}, sitting.total)
        except Diverged as error:
            entry, arrays = {"diverged_at": error.step}, {}
        except Exception as error:  # whatever it is, the other jobs go on
            return Report(None, {}, sitting.total, _sentence(error, job), traceback.format_exc())
        seconds = sitting.total
    made = provenance(place.device)
    added = {"seconds": round(seconds, 1), "commit": code, "finished": made["date"]}
    added |= {key: made[key] for key in ("device", "threads", "torch")}
    return Report({"job": job.name, **entry, **added, **stamp}, dict(arrays), seconds)


def _sentence(error: Exception, job: Job) -> str:
    text = str(error).strip() or "no message"
    if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _tells_of_memory(text)):
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # or the next job would find the device full of what this one left
        batch = job.options.get("batch")
        tried = "" if batch is None else f" at batch={batch}"
        return f"out of memory{tried}; a smaller --batch needs less ({text.splitlines()[0]})"
    return f"{type(error).__name__}: {text}"


def _tells_of_memory(text: str) -> bool:
    text = text.lower()
    return "out of memory" in text or "can't allocate memory" in text or "not enough memory" in text
