"""Folders of pictures in pairs: what a network is given, and what a person made of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from torch import Tensor

from .. import _validate
from ..storage import DataError
from .files import image_folder, read_image

#: The five retouchers of MIT-Adobe FiveK.
EXPERTS = ("A", "B", "C", "D", "E")

#: How exports of FiveK call their folders, in lower case and without signs; {} is the expert's letter.
_INPUTS = ("input", "inputs", "original", "originals", "raw")
_TARGETS = ("expert{}", "expert{}gt", "tiff16{}", "{}")

#: Where the picture files of a widely used export lie, below its folders.
_SIZES = ("JPG/480p", "jpg/480p")

#: How many names a message lists.
_SHOWN = 3

Place = str | os.PathLike[str]


def paired_folders(inputs: Place, targets: Place, *, missing: str = "error") -> list[tuple[str, Path, Path]]:
    """Return the pictures of two folders that belong together by their names.

    Parameters
    ----------
    inputs, targets : path
        Two folders; what counts as a picture in them, and that folders below them count, is as in `image_folder`.
    missing : {"error", "skip"}
        What is done about a picture that has no partner.

    Returns
    -------
    list of (name, input path, target path)
        Sorted by name.  The files are not opened here: see `load_pair`.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, DataError
        As `image_folder`; `DataError` also where nothing matches, a name is there twice, or (with "error") a picture
        has no partner.
    ValueError
        If `missing` is another word, or both folders are the same.

    Notes
    -----
    Convention: the name is that of the file without its ending, so that ``a0001.tif`` and ``a0001.jpg`` are a pair.
    Where a folder has that name twice, in two folders below it, the path below the folder is part of the name.  Upper
    and lower case differ.
    """
    _validate.option("missing", missing, ("error", "skip"))
    folders = [Path(folder).expanduser() for folder in (inputs, targets)]
    files = [image_folder(folder) for folder in folders]
    if folders[0].resolve() == folders[1].resolve():
        raise ValueError(f"inputs and targets must be two folders, got {folders[0]} for both")
    short = all(len({file.stem for file in found}) == len(found) for found in files)
    first, second = (_by_name(folder, found, short) for folder, found in zip(folders, files, strict=True))
    names = sorted(first.keys() & second.keys())
    lone = [sorted(a.keys() - b.keys()) for a, b in ((first, second), (second, first))]
    if not names or (missing == "error" and any(lone)):
        raise DataError(
            f"{len(names)} pictures of {folders[0]} and {folders[1]} have the same name: "
            f"{_listed(lone[0])} of {len(first)} inputs and {_listed(lone[1])} of {len(second)} targets have no "
            "partner; both must be called alike up to the ending, as a0001.tif and a0001.jpg"
            + ("" if not names else ", or give missing='skip'")
        )
    return [(name, first[name], second[name]) for name in names]


def _by_name(folder: Path, files: Sequence[Path], short: bool) -> dict[str, Path]:
    """Return the files by what they are called, with or without the folders below `folder`."""
    names = [file.stem if short else file.relative_to(folder).with_suffix("").as_posix() for file in files]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{folder} holds {_listed(twice)} more than once with other endings; a picture's name must be its own"
        )
    return dict(zip(names, files, strict=True))


def _listed(names: Sequence[str]) -> str:
    """Return how many names there are, and the first of them."""
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names)} ({', '.join(names[:_SHOWN])}{more})" if names else "0"


def fivek_pairs(root: Place, *, expert: str = "C", missing: str = "error") -> list[tuple[str, Path, Path]]:
    """Return the pairs of an export of MIT-Adobe FiveK: photographs, and what one of five retouchers made of them.

    Parameters
    ----------
    root : path
        A folder that holds a folder of inputs ("input", "original" or "raw") and one for the expert ("expertC",
        "expertC_gt", "tiff16_c" or "c"), in upper or lower case, with "_", "-" or a blank anywhere.  If pictures lie in
        "JPG/480p" below such a folder, those are taken.
    expert : {"A", "B", "C", "D", "E"}
        Most papers take C.
    missing : {"error", "skip"}
        As in `paired_folders`.

    Returns
    -------
    list of (name, input path, target path)
        As `paired_folders`.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, DataError
        As `paired_folders`; `DataError` also where `root` has no such folders, or more than one that fits: the message
        says which are there.
    ValueError
        If an option is unknown.

    Notes
    -----
    Source: Bychkovsky, Paris, Chan and Durand: Learning photographic global tonal adjustment with a database of input /
    output image pairs, CVPR 2011.  Terms: research only.  The inputs are camera files (DNG), which have to be developed
    first; programs differ in how, so say which export you used.  The 16-bit TIFF files of the experts are in ProPhoto
    RGB, and `read_image` does not convert them.
    """
    _validate.option("expert", expert, EXPERTS)
    place = Path(root).expanduser()
    if not place.exists():
        raise FileNotFoundError(f"FiveK folder {place} does not exist")
    if not place.is_dir():
        raise NotADirectoryError(f"FiveK folder {place} is a file; give the folder that holds input and expert{expert}")
    targets = _part(place, [name.format(expert.lower()) for name in _TARGETS], f"expert {expert}")
    return paired_folders(_part(place, _INPUTS, "the inputs"), targets, missing=missing)


def _part(root: Path, accepted: Iterable[str], what: str) -> Path:
    """Return the one folder below `root` that has one of the names, or the folder of pictures inside it."""
    accepted = list(accepted)
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    fitting = [path for path in folders if "".join(filter(str.isalnum, path.name.lower())) in accepted]
    if len(fitting) != 1:
        there = ", ".join(path.name for path in (fitting or folders)) or "none"
        raise DataError(
            f"{root} must have one folder for {what}, called {' or '.join(accepted)} (case and _ do not matter), "
            f"got {'the folders ' if fitting else ''}{there}; give other folders to paired_folders"
        )
    inner = [fitting[0] / size for size in _SIZES]
    return next((path for path in inner if path.is_dir()), fitting[0])


def load_pair(input_path: Place, target_path: Place) -> tuple[Tensor, Tensor]:
    """Read two pictures of one scene: x and y, both float32 of shape (1, 3, H, W) in [0, 1].

    Convention: that of `read_image`.

    Raises
    ------
    FileNotFoundError, DataError
        As `read_image`.
    ValueError
        If they differ in size.
    """
    x, y = read_image(input_path), read_image(target_path)
    if x.shape != y.shape:
        sizes = [f"{path} has {z.shape[-2]} x {z.shape[-1]}" for path, z in ((input_path, x), (target_path, y))]
        turned = "; one of them lies on its side" if x.shape[-2:] == y.shape[:-3:-1] else ""
        raise ValueError(
            f"both pictures of a pair must have the same height and width, got: {sizes[0]}, {sizes[1]}{turned}"
        )
    return x, y


__all__ = ["EXPERTS", "fivek_pairs", "load_pair", "paired_folders"]
