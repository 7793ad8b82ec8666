"""Reports on the files at hand: what is there, what is missing, what is damaged.  Nothing is fetched or changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .. import _validate
from ..storage import DataError, cache_folder, data_folder, sha256
from .registry import COLLECTIONS, split_entries


@dataclass
class GroupReport:
    """The state of one group of files: verified ones by where they lie, the missing and the corrupt by name."""

    name: str
    in_data: int = 0
    in_cache: int = 0
    missing: list[str] = field(default_factory=list)
    corrupt: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True when every file is there and is the registered one."""
        return not self.missing and not self.corrupt

    def look(self, label: str, expected: str, data: Path | None, cached: Path | None) -> None:
        """Record one file: `data` and `cached` are where it may lie, and the first that exists is the one in use."""
        path = next((place for place in (data, cached) if place is not None and place.is_file()), None)
        if path is None:
            self.missing.append(label)
        elif (found := sha256(path)) != expected:
            self.corrupt.append(f"{path}: expected SHA-256 {expected}, found {found}")
        elif path == data:
            self.in_data += 1
        else:
            self.in_cache += 1


def check_files(name: str) -> list[GroupReport]:
    """Look at every file of a collection, or of the whole data folder.

    Parameters
    ----------
    name : {"bsds500", "cbsd68", "pack"}
        A collection, looked for in $LOSSEDU_DATA and then in the cache; or ``"pack"``: every file that the
        list ``SHA256SUMS`` in $LOSSEDU_DATA names.

    Returns
    -------
    list of GroupReport
        One for each split of a collection, or for each first-level folder of the data folder.

    Raises
    ------
    DataError
        For ``"pack"``: if LOSSEDU_DATA is not set, or the folder has no readable ``SHA256SUMS``.
    """
    _validate.option("name", name, (*COLLECTIONS, "pack"))
    if name == "pack":
        return _check_pack()
    folder = data_folder()
    cache = cache_folder()
    reports = []
    for split in COLLECTIONS[name]:
        report = GroupReport(split if split == name else f"{name} {split}")
        for entry in split_entries(split):
            report.look(entry.path, entry.sha256, folder and folder / entry.path, cache / entry.path)
        reports.append(report)
    return reports


def _check_pack() -> list[GroupReport]:
    folder = data_folder()
    if folder is None:
        raise DataError("there is no data folder to check: set LOSSEDU_DATA to the folder that holds SHA256SUMS")
    reports: dict[str, GroupReport] = {}
    for expected, label in _sums(folder / "SHA256SUMS"):
        group = label.split("/")[0] if "/" in label else "(top)"
        report = reports.setdefault(group, GroupReport(group))
        report.look(label, expected, folder / label, None)
    return list(reports.values())


def _sums(path: Path) -> Iterable[tuple[str, str]]:
    """Read a list in the format of sha256sum: digest, two characters (blank and mode), name."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read the list of sums {path}: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        digest, label = line[:64].lower(), line[66:]
        if len(digest) < 64 or set(digest) - set("0123456789abcdef") or not label:
            raise DataError(f"{path}, line {number}: expected 'SHA-256  name', got {line!r}")
        yield digest, label
