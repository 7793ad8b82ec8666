"""Which files make up each downloadable collection, with the SHA-256 of every one.

The photographs are those of the repository BIDS/BSDS500, pinned to one commit.  The CBSD68 test
set is 68 of its 100 ``val`` images, byte for byte; the other 32 remain for validation, and none
of them is in ``train``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from .. import _validate

#: Where the files come from; the commit is part of the address, so the bytes cannot change under it.
BASE_URL = (
    "https://raw.githubusercontent.com/BIDS/BSDS500/a04b7c6c3a9f0ace74bf205c72a43d32e1c72722/BSDS500/data/images/"
)

#: Split -> (folder below $LOSSEDU_DATA or the cache, folder at the origin).
_FOLDERS = {
    "train": ("photos/train/bsds500", "train"),
    "val": ("photos/val/bsds500", "val"),
    "cbsd68": ("photos/test/cbsd68", "val"),
}

#: Collection -> the splits that belong to it.
COLLECTIONS = {"bsds500": ("train", "val"), "cbsd68": ("cbsd68",)}


@dataclass(frozen=True)
class Entry:
    """One registered file: its collection's split, its name, its SHA-256, and its two relative places."""

    split: str
    name: str
    sha256: str
    path: str
    remote: str

    @property
    def label(self) -> str:
        """The file as messages name it."""
        return f"{self.split}/{self.name}"


@cache
def _entries() -> tuple[Entry, ...]:
    """Read the registry that ships with the package: lines of 'sha256  split/NAME'."""
    found = []
    for line in files(__package__).joinpath("bsds500.sha256").read_text(encoding="utf-8").splitlines():
        digest, _, label = line.partition("  ")
        split, _, name = label.partition("/")
        local, remote = _FOLDERS[split]
        found.append(Entry(split, name, digest, f"{local}/{name}", f"{remote}/{name}"))
    return tuple(found)


def split_entries(split: str) -> tuple[Entry, ...]:
    """Return the files of one split ("train", "val" or "cbsd68"), in the order of their numbers."""
    _validate.option("split", split, _FOLDERS)
    return tuple(entry for entry in _entries() if entry.split == split)


def collection_entries(name: str) -> tuple[Entry, ...]:
    """Return the files of one collection ("bsds500" or "cbsd68"), split by split."""
    _validate.option("name", name, COLLECTIONS)
    return tuple(entry for split in COLLECTIONS[name] for entry in split_entries(split))
