"""The photo sets of a study by name: out of a pack where there is one, else made from the photographs at hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..storage import DataError, cache_folder, data_folder, locate
from .downloads import obtain
from .files import image_folder
from .packs import Pack, read_pack, write_pack
from .recipes import Recipe, Sources, make_sets, split_by_names
from .registry import collection_entries, split_entries

#: Collections that have a name, and what is done to each.
RECIPES = {
    "bsds500": Recipe(),
    # Scaled down by their makers' packages from far larger files: clean as they are.
    "free": Recipe(halvings=0),
    # 161 pixels: five scales of MS-SSIM need them.
    "embedded": Recipe(halvings=3, least=161),
}

#: Terms as they go into a pack.
TERMS = {
    "bsds500": "Berkeley: free for non-commercial research and education; for local use, do not publish the pack",
    "free": "free licences, author and licence of each in photos/free_credits.csv; keep the credits with the pack",
    "embedded": "CC0 and public domain; credits in lossedu.data.PHOTOGRAPHS",
}
OWN_TERMS = "those of your pictures; for local use"

_EMBEDDED = {"train": ("astronaut", "chelsea", "coffee"), "val": ("retina",), "test": ("rocket",)}


def photo_sets(name: str | os.PathLike[str]) -> Pack:
    """Return the training, validation and test pictures of a collection.

    Parameters
    ----------
    name : str or path
        - ``"bsds500"``: 200 training pictures, 32 for validation, CBSD68 for the test, halved to 241x161, with
          "test/original" besides: the middle 241x161 pixels of the test pictures at their own size
        - ``"free"``: the freely licensed PNG files of the data folder
        - ``"embedded"``: five photographs of scikit-image, for trials
        - the name of another pack in ``$LOSSEDU_DATA/packs`` or the cache, or the path of one (.npz)
        - a folder of images: one in ten for the test, one in ten for validation, by the hashes of their names; halved

    Returns
    -------
    Pack
        Split -> `PhotoSet`: "train", "val", "test", and each once more as it looks after JPEG, "train/jpeg25" ….

    Raises
    ------
    DataError
        If there is no such pack and it cannot be made here; the message names the command that helps.

    Notes
    -----
    A pack is looked for in ``$LOSSEDU_DATA/packs``, then in the cache.  Where there is none, "bsds500" and "free" are
    made from the photographs, if those are at hand (nothing is fetched), and kept in the cache if it can be written to.
    """
    path = Path(name).expanduser()
    if path.suffix == ".npz":
        return read_pack(path)
    name = str(name)
    if name and name not in RECIPES and path.is_dir():
        return make_sets(path.name, folder_sources(path), Recipe(), terms=OWN_TERMS)
    if path.name != name or not name:
        raise DataError(f"there is no folder or pack {name!r}; lossedu data pack --help  tells how packs are made")
    if (kept := _kept(name)) is not None:
        return kept
    if name not in RECIPES:
        raise DataError(
            f"there is no pack or folder {name!r}; known are {', '.join(RECIPES)}, a folder of images, and packs made "
            f"with  lossedu data pack {name} --train DIR --test DIR"
        )
    pack = make_collection(name)
    if name != "embedded" and (target := default_place(name)) is not None:
        with suppress(OSError):  # a cache that cannot be written to costs time only
            write_pack(target, pack, pack.about)
    return pack


def make_collection(
    name: str, recipe: Recipe | None = None, *, fetch: bool = False, progress: Callable[[int, int], None] | None = None
) -> Pack:
    """Make the sets of a named collection from its photographs; `fetch` allows to download what is missing."""
    try:
        sources = named_sources(name, fetch=fetch)
        pack = make_sets(name, sources, recipe or RECIPES[name], terms=TERMS[name], progress=progress)
    except ImportError as error:
        raise DataError(
            f"there is no pack {name!r} here and it cannot be made: {error}.  Make it on another machine with  "
            f"lossedu data pack {name} --out {name}.npz  and give the path of that file"
        ) from error
    pack.about["collection"] = name
    return pack


def named_sources(name: str, *, fetch: bool) -> Sources:
    """Return the photographs of a named collection, split by split."""
    if name == "embedded":
        return {split: [(label, None) for label in labels] for split, labels in _EMBEDDED.items()}
    if name == "free":
        return _free()
    splits = {"train": split_entries("train"), "val": split_entries("val"), "test": split_entries("cbsd68")}
    if not fetch:
        missing = sum(locate(entry) is None for entries in splits.values() for entry in entries)
        if missing:
            total = len(collection_entries("bsds500")) + len(collection_entries("cbsd68"))
            raise DataError(
                f"{missing} of the {total} photographs of bsds500 and cbsd68 are not here: get them with  lossedu data "
                "fetch bsds500  and  lossedu data fetch cbsd68, or set LOSSEDU_DATA to the folder that holds photos/"
            )
    return {split: [(file.stem, file) for file in obtain(entries)] for split, entries in splits.items()}


def folder_sources(train: Path, test: Path | None = None, val: Path | None = None) -> Sources:
    """Return the pictures of one, two or three folders, split by split; what has no folder is taken from `train`."""
    files = image_folder(train)
    names = [file.relative_to(train).as_posix() for file in files]
    least = 1 + (val is None) + (test is None)
    if len(files) < least:
        raise DataError(f"the folder {train} holds {len(files)} pictures, too few for {least} splits")
    dealt = split_by_names(names, val=val is None, test=test is None)
    sources = {split: [(names[index], files[index]) for index in indices] for split, indices in dealt.items()}
    for split, folder in (("val", val), ("test", test)):
        if folder is not None:
            sources[split] = [(file.relative_to(folder).as_posix(), file) for file in image_folder(folder)]
    return {split: sources[split] for split in ("train", "val", "test")}


def default_place(name: str) -> Path | None:
    """Return where a pack of that name is kept in the cache; None where no cache is known (pooch is not there)."""
    try:
        return cache_folder() / "packs" / f"{name}.npz"
    except ImportError:
        return None


def _kept(name: str) -> Pack | None:
    """Return the pack from $LOSSEDU_DATA or the cache.  In the cache, one that does not serve counts as absent."""
    folder = data_folder()
    if folder is not None and (own := folder / "packs" / f"{name}.npz").is_file():
        pack = read_pack(own)
        if not _serves(name, pack):
            raise DataError(
                f"{own} was made in another way ({pack.about.get('recipe')}) than {name!r} is now "
                f"({RECIPES[name].described()}); remove it, or make it again with  lossedu data pack {name} --out {own}"
            )
        return pack
    cached = default_place(name)
    if cached is None or not cached.is_file():
        return None
    if name not in RECIPES:
        return read_pack(cached)
    try:
        pack = read_pack(cached)
    except DataError:
        return None
    return pack if _serves(name, pack) else None


def _serves(name: str, pack: Pack) -> bool:
    made = pack.about.get("collection"), pack.about.get("recipe")
    return name not in RECIPES or made == (name, RECIPES[name].described())


def _free() -> Sources:
    folder = data_folder()
    train, test = (folder / "photos" / split / "free" if folder else None for split in ("train", "test"))
    if train is None or test is None or not train.is_dir() or not test.is_dir():
        raise DataError(
            "the photographs of 'free' come with the data folder and cannot be fetched: set LOSSEDU_DATA to the folder "
            "that holds photos/train/free and photos/test/free"
        )
    return folder_sources(train, test)
