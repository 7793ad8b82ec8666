"""What can go wrong with files, said so that it can be put right."""

from __future__ import annotations

from pathlib import Path


class DataError(OSError):
    """A file or folder that is missing, unreadable, or could not be fetched; the message names it and says why."""


class CorruptFileError(DataError, ValueError):
    """A file whose SHA-256 is not the registered one.

    Attributes
    ----------
    path : Path
        The file, or the place where a download was meant to go.
    expected, found : str
        The two SHA-256 sums in hexadecimal.
    """

    def __init__(self, message: str, *, path: Path, expected: str, found: str) -> None:
        """Keep the path and the two sums beside the message."""
        super().__init__(message)
        self.path = path
        self.expected = expected
        self.found = found


def missing_package(package: str, purpose: str) -> ImportError:
    """Return the error to raise where an optional package is needed and absent."""
    return ImportError(f"{purpose} needs the package {package}: install it with  pip install 'lossedu[book]'")
