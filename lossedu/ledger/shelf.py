"""The records that verdicts are made from: finished, of the scale that they name, and where they are kept."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

from ..records import Record, load
from .joining import joined

#: What a record must hold as its scale has it, or its name would promise what was not done.
ALWAYS = ("steps", "width", "batch")

#: What is chosen for each run: neither more seeds than a scale asks for nor shorter numbers in the networks make it
#: another.  What the latter change is measured by the experiment `precision`, on one task with four losses, and every
#: row and caption says so; step sizes are tuned as the scale has it.
FREE = ("seeds", "precision")
STRICT = ("tuning",)


def results_folder() -> Path:
    """Return the folder of the records that come with the package."""
    return Path(str(resources.files("lossedu.results")))


def record_names(folder: str | Path) -> list[str]:
    """Return the names of the records in a folder: files called EXPERIMENT-SCALE.json."""
    return sorted(path.stem for path in Path(folder).glob("*-*.json"))


def load_all(folder: str | Path | None = None) -> list[Record]:
    """Return every record of a folder, by default of the package."""
    folder = results_folder() if folder is None else Path(folder)
    return [load(name, folder) for name in record_names(folder)]


def check(record: Record) -> None:
    """Refuse a record that is not finished, or not of the scale that it is named after.

    Raises
    ------
    ValueError
        If experiment or scale are unknown, jobs are missing, or a setting is not that of the scale.
    """
    try:
        scales = importlib.import_module(f"lossedu.experiments.{record.experiment}").SCALES
    except (ImportError, AttributeError) as error:
        raise ValueError(f"record {record.name} is of no known experiment, got {record.experiment!r}") from error
    if record.scale not in scales:
        raise ValueError(f"scale of record {record.name} must be one of {', '.join(scales)}, got {record.scale!r}")
    if left := record.settings.get("unfinished"):
        raise ValueError(f"record {record.name} is not finished: {len(left)} jobs are left ({', '.join(left[:3])}, …)")
    declared = asdict(scales[record.scale])
    # As JSON has it: tuples become lists.
    declared = json.loads(json.dumps(declared))
    free = FREE[:1] if record.experiment in STRICT else FREE
    asked = [key for key in declared if key not in free and (key in record.settings or key in ALWAYS)]
    wrong = [
        f"{key} is {record.settings.get(key)!r} and {declared[key]!r} there"
        for key in asked
        if record.settings.get(key) != declared[key]
    ]
    if wrong:
        raise ValueError(f"record {record.name} does not fit its scale {record.scale}: {'; '.join(wrong)}")


def add(run: str | Path, folder: str | Path | None = None) -> list[Path]:
    """Put the record of a finished run among the results, with what a record of that name has there already.

    Parameters
    ----------
    run : path
        Folder of the run, or the JSON file of its record.
    folder : path, optional
        Where to; by default into the package.

    Returns
    -------
    list of Path
        The files written, one a record.

    Raises
    ------
    ValueError
        If there is no record, `check` refuses it, or it does not go together with the one that is there.
    """
    run = Path(run)
    source, names = (run, record_names(run)) if run.is_dir() else (run.parent, [run.stem])
    if not names or not (source / f"{names[0]}.json").is_file():
        raise ValueError(f"run must be the folder or the JSON file of a run with a record, got {str(run)!r}")
    target = results_folder() if folder is None else Path(folder)
    found = [load(name, source) for name in names]
    for place, record in enumerate(found):
        check(record)
        if record.name in record_names(target):
            found[place] = joined(load(record.name, target), record)
    return [record.save(target) for record in found]


def of_experiment(records: Iterable[Record], experiment: str) -> list[Record]:
    """Return the records of an experiment; two of one scale are an error."""
    found: dict[str, Any] = {}
    for record in records:
        if record.experiment == experiment:
            if record.scale in found:
                raise ValueError(f"records must hold one {record.name}, got two")
            found[record.scale] = record
    return list(found.values())
