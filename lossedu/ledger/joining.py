"""One record out of two: runs of one experiment may come from several machines and days."""

from __future__ import annotations

import json
from typing import Any

from ..records import Record


def joined(old: Record, new: Record) -> Record:
    """Return a record with the runs of two; a job that both have is that of the new one.

    What is measured between runs, rows in the settings, is kept from both.  A setting that only one of them names was
    none yet when the other was made.

    Raises
    ------
    ValueError
        If the two have other settings, with the difference: such runs are never mixed.
    """
    ours, theirs = ({key: _plain(value) for key, value in record.settings.items()} for record in (old, new))
    rows = {key for key, value in (*ours.items(), *theirs.items()) if _are_rows(value)}
    loose = rows | {"unfinished", "seeds"}
    wrong = [
        f"{key}: {ours[key]!r} there, {theirs[key]!r} in the new one"
        for key in sorted((ours.keys() & theirs.keys()) - loose)
        if ours[key] != theirs[key]
    ]
    if wrong or old.name != new.name:
        raise ValueError(f"record {new.name} does not go together with {old.name}: {'; '.join(wrong) or 'other names'}")
    again = {run["job"] for run in new.runs}
    kept = [run for run in old.runs if run.get("job") not in again]
    gone = tuple(f"{name}{mark}" for name in again for mark in "@/")
    settings = new.settings | {
        key: [row for row in ours.get(key, []) if row not in theirs.get(key, [])] + theirs.get(key, []) for key in rows
    }
    devices = {device for record in (old, new) for device in record.provenance["device"].split(", ")}
    return Record(
        new.experiment,
        new.scale,
        settings,
        sorted([*kept, *new.runs], key=lambda run: str(run.get("job"))),
        new.provenance | {"device": ", ".join(sorted(devices))},
        " && ".join(dict.fromkeys([*old.command.split(" && "), *new.command.split(" && ")])),
        weights=old.weights | new.weights,
        scores={key: table for key, table in old.scores.items() if not key.startswith(gone)} | new.scores,
    )


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)
