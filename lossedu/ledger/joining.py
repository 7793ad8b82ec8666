"""One record out of two: runs of one experiment may come from several machines and days."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..records import Record

#: What older records do not name, and how they were made.
BEFORE: Mapping[str, Any] = {"device": "cpu", "precision": "float32"}

#: What may differ: how many seeds were asked for, and what was left when the record was written.
LOOSE = ("unfinished", "seeds")


def joined(old: Record, new: Record) -> Record:
    """Return a record with the runs of two; a job that both have is that of the new one.

    Rows in the settings, which are measured between runs, are kept from both; where both have one for the same pair,
    mode and seed, it is that of the new record, and rows of the old one that rest on replaced jobs are gone.

    Raises
    ------
    ValueError
        If the two have other settings, or other step sizes for the same loss: such runs are never mixed.
    """
    again = {run["job"] for run in new.runs}
    kept = [run for run in old.runs if run.get("job") not in again]
    wrong = _differences(old, new) + _step_sizes([*kept, *new.runs])
    if wrong or old.name != new.name:
        raise ValueError(f"record {new.name} does not go together with {old.name}: {'; '.join(wrong) or 'other names'}")
    rows = {
        key: _rows(old, new, key)
        for key in (*old.settings, *new.settings)
        if _are_rows(old, key) or _are_rows(new, key)
    }
    gone = tuple(f"{name}{mark}" for name in again for mark in "@/")
    shown = tuple(f"{run.get('task')}/{run.get('arm')}/" for run in new.runs if run.get("seed") == 0)
    return Record(
        new.experiment,
        new.scale,
        new.settings | rows,
        sorted([*kept, *new.runs], key=lambda run: str(run.get("job"))),
        new.provenance | {key: _both(old, new, key) for key in ("device", "torch")},
        " && ".join(dict.fromkeys([*old.command.split(" && "), *new.command.split(" && ")])),
        weights={key: value for key, value in old.weights.items() if not key.startswith(shown)} | new.weights,
        scores={key: table for key, table in old.scores.items() if not key.startswith(gone)} | new.scores,
    )


def _differences(old: Record, new: Record) -> list[str]:
    ours, theirs = ({**BEFORE, **_plain(record.settings)} for record in (old, new))
    keys = {key for key in ours.keys() | theirs.keys() if key not in LOOSE}
    keys -= {key for key in keys if _are_rows(old, key) or _are_rows(new, key)}
    return [
        f"{key}: {ours.get(key)!r} there, {theirs.get(key)!r} in the new one"
        for key in sorted(keys)
        if ours.get(key) != theirs.get(key)
    ]


def _step_sizes(runs: list[dict[str, Any]]) -> list[str]:
    """Return a sentence for each loss whose seeds had other step sizes: its tuning was renewed between the runs."""
    found: dict[str, set[float]] = {}
    for run in runs:
        if "lr" in run:
            found.setdefault(str(run["job"]).removesuffix(f"-{run.get('seed')}"), set()).add(run["lr"])
    return [
        f"step sizes of {name}: {', '.join(map(str, sorted(s)))}" for name, s in sorted(found.items()) if len(s) > 1
    ]


def _rows(old: Record, new: Record, key: str) -> list[dict[str, Any]]:
    theirs = new.settings.get(key, [])
    replaced = [_identity(row) for row in theirs] + [_identity(run, ("mode", "seed")) for run in new.runs]

    def stays(row: dict[str, Any]) -> bool:
        return not any(all(row.get(name) == value for name, value in which.items()) for which in replaced)

    return [row for row in old.settings.get(key, []) if stays(row)] + theirs


def _identity(row: Mapping[str, Any], names: tuple[str, ...] = ("pair", "mode", "seed")) -> dict[str, Any]:
    return {name: row.get(name) for name in names}


def _both(old: Record, new: Record, key: str) -> str:
    return ", ".join(
        sorted({part for record in (old, new) for part in str(record.provenance.get(key, "")).split(", ")})
    )


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _are_rows(record: Record, key: str) -> bool:
    value = record.settings.get(key)
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)
