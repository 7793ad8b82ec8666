"""The folder of a run: claimed for one set of settings, one sub-folder a job, every file whole or not at all.

::

    DIR/settings.json              what the run is; others are refused
    DIR/jobs/NAME/options.json     what the job is, from its start on
    DIR/jobs/NAME/sittings.json    how long it has been worked at
    DIR/jobs/NAME/*.pt             its checkpoints
    DIR/jobs/NAME/arrays.npz       what it found; written first,
    DIR/jobs/NAME/entry.json       so that a job with an entry has its arrays
    DIR/jobs/NAME/error.txt        why it failed, until it does not
"""

from __future__ import annotations

import importlib
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

FORMAT = 1
_ABSENT = object()


def write_json(path: Path, body: Any) -> None:
    """Write a JSON file, whole or not at all."""
    text = json.dumps(body, indent=1) + "\n"
    _whole(path, lambda file: file.write(text.encode()))


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file, or raise a `ValueError` that names the file."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged: it holds no JSON ({error})") from error
    if not isinstance(body, dict):
        raise ValueError(f"{path} is damaged: it holds no JSON object")
    return body


def version() -> str:
    """Return the version of the package, read at the call: its face stands above this room."""
    return str(importlib.import_module(__name__.partition(".")[0]).__version__)


def claim(folder: Path, settings: Mapping[str, Any]) -> None:
    """Make the folder that of a run with these settings, or raise `ValueError` if it is another's."""
    body = {"format": FORMAT, "lossedu": version(), "settings": _plain(settings)}
    path = folder / "settings.json"
    if path.exists():
        _refuse(path, read_json(path), body, f"out={folder} holds a run of another version or with other settings")
    elif (folder / "jobs").exists():
        raise ValueError(f"out={folder} holds jobs but not the settings.json that says whose; choose another folder")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(path, body)


def check_job(run: Path, name: str, module: str, options: Mapping[str, Any]) -> None:
    """Raise `ValueError` if the job's folder was begun with other options."""
    path = run / "jobs" / name / "options.json"
    if path.exists():
        there = read_json(path)
        _refuse(path, there, _body(module, options), f"{path.parent} holds a job with other options")


def begin_job(run: Path, name: str, module: str, options: Mapping[str, Any]) -> Path:
    """Return the folder of a job, made and marked with its options."""
    folder = run / "jobs" / name
    if not (folder / "options.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "options.json", _body(module, options))
    return folder


def keep(folder: Path, entry: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Write what a job found: the arrays first, then the entry, which makes the job a finished one."""
    text = json.dumps(entry)  # what JSON cannot hold must not cost the arrays of an earlier entry
    (folder / "entry.json").unlink(missing_ok=True)
    if arrays:
        _whole(folder / "arrays.npz", lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]
    else:
        (folder / "arrays.npz").unlink(missing_ok=True)
    write_json(folder / "entry.json", json.loads(text))
    (folder / "error.txt").unlink(missing_ok=True)


def entry_of(run: Path, name: str) -> dict[str, Any] | None:
    """Return the entry of a job, or None if it is not finished."""
    path = run / "jobs" / name / "entry.json"
    return read_json(path) if path.exists() else None


def load_arrays(run: str | Path, name: str) -> dict[str, np.ndarray]:
    """Return the arrays of a finished job by name; none if it made none.

    Raises
    ------
    ValueError
        If `run` has no finished job of that name, or the file is damaged.
    """
    folder = Path(run) / "jobs" / name
    if not (folder / "entry.json").exists():
        raise ValueError(f"name must be a finished job of {run}, got {name!r}")
    if not (path := folder / "arrays.npz").exists():
        return {}
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged ({error}); delete the folder of the job, and it is done again") from error


def read(run: str | Path) -> list[dict[str, Any]]:
    """Return the entries of all finished jobs in the folder of a run, by name.

    Raises
    ------
    ValueError
        If the folder is not that of a run.
    """
    run = Path(run)
    if not (run / "settings.json").exists():
        raise ValueError(f"folder must be that of a run, with its settings.json, got {run}")
    return [read_json(path) for path in sorted(run.glob("jobs/*/entry.json"))]


def _body(module: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return {"module": module, "options": _plain(options)}


def _plain(body: Mapping[str, Any]) -> Any:
    """Return what JSON makes of it: lists for tuples, strings for keys."""
    return json.loads(json.dumps(dict(body)))


def _whole(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    half = path.with_name(path.name + ".part")
    with half.open("wb") as file:
        fill(file)
        file.flush()
        os.fsync(file.fileno())  # after a power cut no file stands in front of one that should have come first
    os.replace(half, path)


def _refuse(path: Path, there: dict[str, Any], now: dict[str, Any], what: str) -> None:
    old, new = dict(_flat(there)), dict(_flat(now))
    found = [
        f"{_short(key)}: {_shown(old.get(key, _ABSENT))} there, {_shown(new.get(key, _ABSENT))} now"
        for key in sorted({*old, *new})
        if repr(old.get(key, _ABSENT)) != repr(new.get(key, _ABSENT))  # nan is nan here, and True is not 1
    ]
    if found:
        raise ValueError(f"{what} ({'; '.join(found)}); choose another folder")


def _flat(body: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in body.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _short(key: str) -> str:
    return key.removeprefix("settings.").removeprefix("options.")


def _shown(value: Any) -> str:
    text = "nothing" if value is _ABSENT else repr(value)
    return text if len(text) <= 200 else f"{text[:200]}… ({len(text)} characters)"
