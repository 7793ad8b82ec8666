"""BSDS500 and CBSD68: verified file by file, fetched only when they are nowhere.

Each file is looked for in $LOSSEDU_DATA, then in the cache, then at its origin.  A download goes to
a temporary file, is hashed there, and is moved into the cache only if the hash is the registered one.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from .. import _validate
from ..storage import CorruptFileError, DataError, cache_folder, corrupt_file, locate, missing_package, sha256
from .registry import BASE_URL, COLLECTIONS, Entry, collection_entries, split_entries

if TYPE_CHECKING:
    from pooch import Pooch

#: Downloads at the same time, further tries after a failure, and seconds without an answer that count as one.
WORKERS = 8
RETRIES = 2
TIMEOUT = 15


def bsds500(split: str = "train") -> list[Path]:
    """Return the paths of the Berkeley photographs, fetching those that are nowhere.

    Parameters
    ----------
    split : {"train", "val"}
        The 200 training images, or the 32 of the 100 validation images that are not in CBSD68.

    Returns
    -------
    list of Path
        JPEG files of 481x321 or 321x481 pixels, each with its SHA-256 checked, in the order of their numbers.

    Raises
    ------
    ValueError
        If `split` is another one.
    CorruptFileError
        If a file in $LOSSEDU_DATA, or what the origin sent, has another SHA-256.
    DataError
        If a file could not be fetched.

    Notes
    -----
    Source: Arbelaez, Maire, Fowlkes, Malik: Contour Detection and Hierarchical Image Segmentation, IEEE TPAMI
    33(5), 2011.  Terms: free for non-commercial research and education.

    Convention: the files are JPEGs with halved colour resolution (4:2:0), so fine colour detail is already
    gone from them; `load_images` with ``downsample=True`` gives targets without that trace.
    """
    _validate.option("split", split, COLLECTIONS["bsds500"])
    return obtain(split_entries(split))


def cbsd68() -> list[Path]:
    """Return the paths of the 68 colour test photographs, fetching those that are nowhere.

    They are byte for byte 68 of the 100 ``val`` images of BSDS500, and none is in ``bsds500("train")`` or
    ``bsds500("val")``.  Source: Martin, Fowlkes, Tal, Malik, ICCV 2001.  Errors and terms as for `bsds500`.
    """
    return obtain(split_entries("cbsd68"))


def fetch(name: str) -> list[Path]:
    """Make sure that every file of a collection ("bsds500" or "cbsd68") is here; return their paths."""
    return obtain(collection_entries(name))


def obtain(entries: Sequence[Entry]) -> list[Path]:
    """Return the verified path of every entry, in order; what is in no folder is downloaded into the cache."""
    paths = {entry: locate(entry) for entry in entries}
    missing = [entry for entry, path in paths.items() if path is None]
    if missing:
        paths.update(_download(missing))
    return [path for path in paths.values() if path is not None]


def _download(entries: Sequence[Entry]) -> dict[Entry, Path]:
    """Fetch the entries into the cache, several at a time, and report progress on standard error."""
    store = _store(entries)
    stop = Event()
    done: dict[Entry, Path] = {}
    with _quiet_log(), ThreadPoolExecutor(WORKERS) as pool:
        _report(0, len(entries))
        jobs = {pool.submit(_fetch_one, store, entry, stop): entry for entry in entries}
        try:
            for job in as_completed(jobs):
                done[jobs[job]] = job.result()
                _report(len(done), len(entries))
        except BaseException:
            # One failure (or Ctrl-C) ends the rest; what is finished stays in the cache and is not fetched again.
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return done


def _store(entries: Sequence[Entry]) -> Pooch:
    """Return the pooch that knows these files, with their folders made."""
    try:
        import pooch
    except ModuleNotFoundError as error:
        raise missing_package("pooch", "downloading photographs") from error
    folder = cache_folder()
    try:
        for parent in {(folder / entry.path).parent for entry in entries}:
            parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot write to the cache folder {folder} ({error}); set LOSSEDU_CACHE to another") from error
    return pooch.create(
        path=folder,
        base_url=BASE_URL,
        registry={entry.path: f"sha256:{entry.sha256}" for entry in entries},
        urls={entry.path: BASE_URL + entry.remote for entry in entries},
        retry_if_failed=RETRIES,
    )


def _fetch_one(store: Pooch, entry: Entry, stop: Event) -> Path:
    """Fetch one file; say which, from where and why if that fails.  Once `stop` is set nothing more is asked for."""
    import requests  # comes with pooch

    target = Path(store.abspath) / entry.path

    def verified(url: str, output: str, _: Any) -> None:
        with requests.get(url, stream=True, timeout=TIMEOUT) as response, open(output, "wb") as stream:
            response.raise_for_status()
            for chunk in response.iter_content(1 << 14):
                if stop.is_set():
                    raise DataError("stopped")
                stream.write(chunk)
        # Hashed here, ahead of pooch's own check, so that the error can name both sums.
        if (digest := sha256(Path(output))) != entry.sha256:
            raise corrupt_file(entry, target, digest, "The download was thrown away.", source=f"What came from {url}")

    try:
        return Path(store.fetch(entry.path, downloader=verified))
    except CorruptFileError:
        raise
    except OSError as error:
        # The innermost reason ("failed to resolve …") says more than the layers around it.
        reason = getattr(error.args[0], "reason", error) if error.args else error
        raise DataError(
            f"could not fetch {entry.label} from {BASE_URL}{entry.remote}: {reason}\n"
            f"With a network,  lossedu data fetch {_collection_of(entry)}  goes on from here (files that arrived are "
            f"kept); without one, set LOSSEDU_DATA to a folder that holds {entry.path}"
        ) from error


def _collection_of(entry: Entry) -> str:
    """Return the name by which the command line knows the entry's collection."""
    return next(name for name, splits in COLLECTIONS.items() if entry.split in splits)


def _report(done: int, total: int) -> None:
    """Show progress: a line that is rewritten on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\rfetching photographs: {done} of {total}", end=end, file=sys.stderr, flush=True)
    elif done == total or done % 50 == 0:
        print(f"fetching photographs: {done} of {total}", file=sys.stderr, flush=True)


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Keep pooch from logging one line a file; the progress report takes their place."""
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
