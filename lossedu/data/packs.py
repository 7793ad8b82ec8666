"""Packs: all pictures of a study in one file, which torch and numpy read without any decoder of images.

A pack is an NPZ file with one flat array of pixels for each split, and a header in JSON.  The pixels are stored as
differences to the channel before and to the row above, modulo 256, which makes the file a third smaller; reading gives
the very bytes back, and compares their SHA-256 with the header's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..storage import DataError, replacing
from .pictures import PhotoSet

#: Of the file; another number is refused.
FORMAT = 1

_HEADER = "header"
_PIXELS = "pixels/"


class MissingSplitError(DataError, KeyError):
    """A split that a pack does not hold; the message lists those it holds."""


class Pack(Mapping[str, PhotoSet]):
    """The splits of a pack by name ("train", "val", "test", "train/jpeg25", …); `about` says how it was made."""

    def __init__(self, sets: Mapping[str, PhotoSet], about: Mapping[str, Any]) -> None:
        self._sets = dict(sets)
        self.about = dict(about)

    def __getitem__(self, split: str) -> PhotoSet:
        if split not in self._sets:
            name = self.about.get("name", "")
            raise MissingSplitError(
                f"the pack {name} has no split {split!r}; it has {', '.join(self._sets)}. "
                "lossedu data pack --help  tells how others are made"
            )
        return self._sets[split]

    def __iter__(self) -> Iterator[str]:
        return iter(self._sets)

    def __len__(self) -> int:
        return len(self._sets)


def write_pack(path: str | os.PathLike[str], sets: Mapping[str, PhotoSet], about: Mapping[str, Any]) -> None:
    """Write a pack: one NPZ file, whole or not at all.

    Parameters
    ----------
    path : path
        Ends in .npz; folders are made, an older file of that name is replaced.
    sets : mapping
        Split -> `PhotoSet`, for instance ``{"train": …, "val": …, "test": …}``.
    about : mapping
        How the pack was made; anything that JSON can hold.

    Raises
    ------
    ValueError
        If the name ends otherwise, or there is no split.
    DataError
        If the folder cannot be written to.
    """
    path = Path(path).expanduser()
    if path.suffix != ".npz":
        raise ValueError(f"path must end in .npz, got {path}")
    if not sets:
        raise ValueError("sets must hold at least one split, got none")
    splits = {
        split: {"names": photos.names, "shapes": photos.shapes.tolist(), "sha256": photos.sha256()}
        for split, photos in sets.items()
    }
    header = {"format": FORMAT, "package": _package_version(), "about": dict(about), "splits": splits}
    arrays: dict[str, Any] = {_HEADER: np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)}
    arrays.update((_PIXELS + split, _differences(photos)) for split, photos in sets.items())
    with replacing(path) as part, part.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def read_pack(path: str | os.PathLike[str]) -> Pack:
    """Read a pack that `write_pack` wrote, and verify every pixel.

    Raises
    ------
    DataError
        If there is no such file, or it is no pack, a damaged one, or of another format; the message says which, and
        which command makes a pack.
    """
    path = Path(path).expanduser()
    make = "make one with  lossedu data pack NAME"
    if not path.is_file():
        raise DataError(f"there is no pack {path}; {make}")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            header = json.loads(archive[_HEADER].tobytes())
            if header["format"] != FORMAT:
                raise DataError(f"{path} is a pack of format {header['format']}, this version reads {FORMAT}; {make}")
            sets = {split: _restored(archive[_PIXELS + split], known) for split, known in header["splits"].items()}
    except DataError:
        raise
    # A damaged archive makes its readers raise many kinds of errors; each of them means the same here.
    except Exception as error:
        raise DataError(f"{path} is no pack, or a damaged one ({error}); {make}") from error
    for split, photos in sets.items():
        if (found := photos.sha256()) != header["splits"][split]["sha256"]:
            expected = header["splits"][split]["sha256"]
            raise DataError(f"{path} is damaged: the pixels of {split!r} have SHA-256 {found}, not {expected}; {make}")
    return Pack(sets, {**header["about"], "package": header["package"]})


def _differences(photos: PhotoSet) -> np.ndarray[Any, Any]:
    """Return each pixel minus that of the channel before, minus the same one row above, modulo 256."""
    found = photos.pixels.cpu().numpy().copy()
    for picture in _views(found, photos):
        picture[1:] -= picture[:-1].copy()
        picture[:, 1:] -= picture[:, :-1].copy()
    return found


def _restored(differences: np.ndarray[Any, Any], known: Mapping[str, Any]) -> PhotoSet:
    """Undo `_differences` in place."""
    photos = PhotoSet(known["names"], torch.from_numpy(differences), torch.tensor(known["shapes"], dtype=torch.int64))
    for picture in _views(differences, photos):
        for axis in (1, 0):
            np.cumsum(picture, axis=axis, dtype=np.uint8, out=picture)
    return photos


def _views(flat: np.ndarray[Any, Any], photos: PhotoSet) -> Iterator[np.ndarray[Any, Any]]:
    """Yield each picture of a flat array as (3, H, W)."""
    for start, (height, width) in zip(photos.starts.tolist(), photos.shapes.tolist(), strict=True):
        yield flat[start : start + 3 * height * width].reshape(3, height, width)


def _package_version() -> str:
    try:
        return version("lossedu")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "unknown"
