"""Where files are looked for, and whether what lies there is what it should be."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Protocol

from .errors import CorruptFileError, DataError, missing_package


class Registered(Protocol):
    """A file whose SHA-256 is known: how messages name it, and its place below $LOSSEDU_DATA or the cache."""

    @property
    def label(self) -> str: ...

    @property
    def path(self) -> str: ...

    @property
    def sha256(self) -> str: ...


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def data_folder() -> Path | None:
    """Return the folder that the variable LOSSEDU_DATA names, or None where it is not set.

    Raises
    ------
    DataError
        If the variable names something that is not a folder: a misspelt path must not start a download.
    """
    value = os.environ.get("LOSSEDU_DATA", "")
    if not value:
        return None
    folder = Path(value).expanduser()
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(
            f"LOSSEDU_DATA={value} {what}; set it to the folder that holds photos/ and weights/, or unset it"
        )
    return folder


def cache_folder() -> Path:
    """Return the folder for downloads: the variable LOSSEDU_CACHE, or the system's own cache folder."""
    value = os.environ.get("LOSSEDU_CACHE", "")
    if value:
        return Path(value).expanduser()
    try:
        import pooch
    except ModuleNotFoundError as error:
        raise missing_package("pooch", "finding the download cache (LOSSEDU_CACHE is not set)") from error
    return Path(pooch.os_cache("lossedu"))


def corrupt_file(entry: Registered, path: Path, found: str, advice: str, *, source: str = "") -> CorruptFileError:
    """Return the error for a file whose hash is wrong: which, what was expected, what was found, what to do.

    `path` is where the file lies or was meant to go, `source` (if it came from elsewhere) is what the message names.
    """
    message = (
        f"{source or path} is not the registered file {entry.label}:\n"
        f"  expected SHA-256 {entry.sha256}\n  found SHA-256    {found}\n{advice}"
    )
    return CorruptFileError(message, path=path, expected=entry.sha256, found=found)


def locate(entry: Registered) -> Path | None:
    """Return the verified path of a file, from LOSSEDU_DATA or else from the cache; None if it is in neither.

    A damaged file in the cache counts as absent: the next download replaces it.

    Raises
    ------
    CorruptFileError
        If LOSSEDU_DATA holds the file with other bytes.  It is the user's own folder: such a file is
        neither used nor passed over nor deleted.
    """
    folder = data_folder()
    if folder is not None and (own := folder / entry.path).is_file():
        digest = sha256(own)
        if digest != entry.sha256:
            raise corrupt_file(entry, own, digest, "Replace or remove that file; LOSSEDU_DATA is never written to.")
        return own
    cached = cache_folder() / entry.path
    return cached if cached.is_file() and sha256(cached) == entry.sha256 else None
