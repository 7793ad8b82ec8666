"""From the name of an experiment to its record: the jobs are performed, and what they found is gathered."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .. import _validate
from ..records import Record, provenance
from ..storage import missing_package
from ..sweeps import Job, JobsFailed, Outcome, finished, perform_all, resolve_device
from .arms import LOSSES
from .catalogue import EXPERIMENTS


def run(
    experiment: str,
    scale: str = "quick",
    *,
    out: str | Path,
    seeds: int | None = None,
    tasks: Sequence[str] = (),
    arms: Sequence[str] = (),
    batch: int | None = None,
    precision: str | None = None,
    compiled: bool = False,
    device: str = "auto",
    workers: int = 1,
    scheduler: str | None = None,
    time_limit: float | None = None,
    stamp: Mapping[str, Any] | None = None,
    say: Callable[[str], None] | None = None,
) -> Record:
    """Perform what is not finished of an experiment, and return and save the record of what is.

    Parameters
    ----------
    experiment, scale : str
        Names from `EXPERIMENTS`.
    out : path
        Folder that holds the state of this one run; started again with the same one, it goes on.
    seeds : int, optional
        How many; None for as many as the scale has.  More can be asked for later, in the same folder.
    tasks, arms : sequence of str
        Only these; all where empty.
    batch : int, optional
        Crops in a batch, where those of the scale do not fit into memory; such a run has its own settings.
    precision : {"float32", "bfloat16"}, optional
        What the networks compute in, instead of the scale's; such a run has its own settings too.
    compiled : bool
        Send networks through `torch.compile`: faster where there is a compiler; sums may be in another order.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".
    workers : int
        Processes on this machine, each with one thread.
    scheduler : str, optional
        Address of a Dask cluster that performs the jobs.
    time_limit : float, optional
        Minutes after which the run stops cleanly.
    stamp : mapping, optional
        Goes into every entry.
    say : callable, optional
        Takes lines about how far the run is.

    Returns
    -------
    Record
        Of all jobs of the folder that are finished; ``settings["unfinished"]`` has the names of those that were asked
        for and are not.

    Raises
    ------
    ValueError
        If a name is unknown, or `out` belongs to a run with other settings.
    JobsFailed
        If jobs failed; the record of the others is written before.
    """
    _validate.option("experiment", experiment, EXPERIMENTS)
    _validate.option("scale", scale, EXPERIMENTS[experiment])
    module = importlib.import_module(f".{experiment}", __package__)
    for name in tasks:
        _validate.option("tasks", name, getattr(module, "TASKS", ()))
    for name in arms:
        _validate.option("losses", name, getattr(module, "ARMS", getattr(module, "LOSSES", LOSSES)))
    seeds = None if seeds is None else _validate.count("seeds", seeds)
    changes: dict[str, Any] = {} if batch is None else {"batch": _validate.count("batch", batch)}
    if precision is not None:
        _validate.option("precision", precision, ("float32", "bfloat16"))
        changes["precision"] = precision
    tasks, arms = tuple(dict.fromkeys(tasks)), tuple(dict.fromkeys(arms))
    jobs = module.jobs(scale, seeds=seeds, tasks=tasks, arms=arms)
    if not jobs:
        raise ValueError(f"{experiment} has none of the losses {', '.join(arms)} at scale {scale!r}; choose others")
    own = set(getattr(module, "OWN", ()))  # what an experiment varies itself
    if foreign := sorted(changes.keys() - (jobs[0].options.keys() - own)):
        raise ValueError(f"{experiment} has no {' and no '.join(foreign)} that could be changed; leave it out")
    if compiled and "precision" not in jobs[0].options:
        raise ValueError(f"{experiment} trains no networks that could be compiled; leave compiled (--compile) out")
    jobs = [job._replace(options=job.options | changes) for job in jobs]
    for package in getattr(module, "REQUIRES", ()):
        if importlib.util.find_spec(package) is None:
            raise missing_package(package, f"the experiment {experiment}")
    folder = Path(out)
    place = resolve_device(device) if scheduler is None else device  # a cluster has devices of its own
    settings = {"experiment": experiment, "scale": scale, **asdict(module.SCALES[scale])}
    # Noise is drawn where the training is, so jobs of two kinds of device do not see the same.
    settings["device"] = "cluster" if scheduler is not None else place.partition(":")[0]
    settings |= changes
    extra: dict[str, Any] = {} if say is None else {"say": say}
    chosen = {"tasks": tasks, "losses": arms, **{name: (str(value),) for name, value in changes.items()}}
    words = "".join(f" --{name} {' '.join(values)}" for name, values in chosen.items() if values)

    def save() -> tuple[Record, list[Outcome]]:
        done = finished(folder)
        record = gather(module, scale, jobs, done, settings, words)
        if done and (folder / f"{record.name}.json").exists():
            # Parts of an experiment may have been asked for one by one; all of them belong to its command.
            record.command = " && ".join(dict.fromkeys([*_commands(record.name, folder), record.command]))
        record.save(folder)
        return record, done

    try:
        perform_all(
            jobs,
            folder,
            settings=settings,
            device=place,
            workers=workers,
            scheduler=scheduler,
            time_limit=time_limit,
            stamp={**(stamp or {}), **({"compiled": True} if compiled else {})},
            **extra,
        )
    except BaseException as error:
        # What is finished is worth a record, whatever became of the rest; but any other ValueError than this one says
        # that the folder is somebody else's, or that somebody else is at work in it.
        ours = isinstance(error, JobsFailed) or not isinstance(error, ValueError)
        if ours and (folder / "settings.json").exists():
            save()
        raise
    record, done = save()
    if not record.settings["unfinished"] and hasattr(module, "finish"):
        record.settings |= module.finish(done)
        record.save(folder)
    return record


def _commands(name: str, folder: Path) -> list[str]:
    return list(json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["command"].split(" && "))


def gather(
    module: Any,
    scale: str,
    jobs: Sequence[Job],
    done: Sequence[Outcome],
    settings: Mapping[str, Any],
    words: str = "",
) -> Record:
    """Return the record of all finished jobs of a folder; `jobs` were asked for last, `words` are of that command."""
    names = {outcome.job.name for outcome in done}
    body = dict(settings)
    body["unfinished"] = [job.name for job in jobs if job.name not in names]
    scores: dict[str, np.ndarray] = {}
    for outcome in done:
        for name, table in outcome.arrays().items():
            key = f"{outcome.job.name}/{name}" if "@" in name else f"{outcome.job.name}@{name}"
            scores[key] = compact(table)
    if done and hasattr(module, "describe"):
        body |= module.describe(done[0].job.options)
    devices = {str((outcome.entry or {})["device"]) for outcome in done}
    seeds = len({job.options.get("seed", 0) for job in jobs})
    return Record(
        module.NAME,
        scale,
        body,
        [dict(outcome.entry or {}) for outcome in done],
        provenance() | {"device": ", ".join(sorted(devices)) or "none yet"},
        f"lossedu run {module.NAME} --scale {scale} --seeds {seeds}{words} --out DIR",
        weights=module.kept(done) if hasattr(module, "kept") and not body["unfinished"] else {},
        scores=scores,
    )


def compact(table: np.ndarray) -> np.ndarray:
    """Return a table as float32 with five significant digits: what lies below is noise, and would not compress."""
    wide = np.asarray(table, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.where(np.isfinite(wide) & (wide != 0), np.floor(np.log10(np.abs(wide))), 0)
    factor = 10.0 ** (4 - exponent)
    return (np.round(wide * factor) / factor).astype(np.float32)


def shown(record: Record) -> str:
    """Return what a run found, in a few lines for the terminal."""
    left = record.settings["unfinished"]
    state = f"{len(record.runs)} jobs finished" + (f", {len(left)} left" if left else "")
    away = [run["job"] for run in record.runs if run.get("ran_away")]
    return state + (f"; ran away: {', '.join(away)}" if away else "")
