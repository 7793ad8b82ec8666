"""Downloads by the standard library alone: whole and verified, or not at all.

A download goes to a temporary file beside its target, is checked there, and takes the target's name in one step.
Whatever fails, or interrupts it, leaves nothing behind.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from .errors import CorruptFileError, DataError

#: Seconds without an answer that count as a failure, and further tries after one.
TIMEOUT = 15
RETRIES = 2

#: Bytes read at a time; bytes after which progress is reported; the longest page that is read into memory.
CHUNK = 2**16
REPORTED = 2**24
LONGEST_PAGE = 2**25


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; when the block ends well, it takes the target's name in one step.

    Raises
    ------
    DataError
        If the folder cannot be made or written to.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # opened, not made by `tempfile`: a cache may be shared, and a temporary file is its owner's alone
        part = target.parent / f".{target.name}.{uuid.uuid4().hex}.part"
        part.open("xb").close()
    except OSError as error:
        raise DataError(
            f"cannot write to the folder {target.parent} ({error}); set LOSSEDU_CACHE to another"
        ) from error
    try:
        yield part
        with part.open("rb+") as stream:
            os.fsync(stream.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def download(url: str, target: Path, *, label: str, check: Callable[[Path], None]) -> Path:
    """Fetch `url` into `target` and return it.

    Parameters
    ----------
    url : str
        An address of http, https or file.
    target : Path
        Where the file goes; an older file of that name is replaced.
    label : str
        How messages name the file.
    check : callable
        Called with the path of the temporary file; what it raises ends the download.

    Raises
    ------
    DataError
        If the file could not be fetched whole, or its folder could not be written to.
    """
    with replacing(target) as part:
        for attempt in range(RETRIES + 1):
            try:
                _stream(url, part, label)
                break
            except (OSError, HTTPException) as error:
                final = attempt == RETRIES or isinstance(error, urllib.error.HTTPError)
                if final:
                    raise _failure(label, url, error) from error
        check(part)
    return target


def read_page(url: str, *, label: str, headers: Mapping[str, str]) -> tuple[bytes, str, str]:
    """Return the body of a page, its content type, and the address that it came from in the end.

    Raises
    ------
    DataError
        If the page could not be read.
    """
    try:
        with _open(url, headers) as response:
            body = response.read(LONGEST_PAGE)
            return body, response.headers.get("Content-Type", ""), response.geturl()
    except (OSError, HTTPException) as error:
        raise _failure(label, url, error) from error


def public_address(url: str) -> str:
    """Return an address without the name and password that may stand in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _open(url: str, headers: Mapping[str, str]) -> Any:
    if urlsplit(url).scheme not in ("http", "https", "file"):
        raise DataError("only addresses of http, https and file can be read")
    return urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers)), timeout=TIMEOUT)


def _stream(url: str, part: Path, label: str) -> None:
    """Write what `url` sends into `part`, and raise unless all of it came."""
    with _open(url, {}) as response, part.open("wb") as stream:
        total = int(response.headers.get("Content-Length") or 0)
        done = 0
        while chunk := response.read(CHUNK):
            stream.write(chunk)
            done += len(chunk)
            if done // REPORTED > (done - len(chunk)) // REPORTED:
                _report(label, done, total)
    if done < total:
        raise DataError(f"the connection ended after {done} of {total} bytes")


def _failure(label: str, url: str, error: Exception) -> DataError:
    if isinstance(error, CorruptFileError):
        return error
    reason = getattr(error, "reason", None) or error
    if isinstance(error, urllib.error.HTTPError):
        reason = f"the server answered {error.code} {error.reason}"
    return DataError(f"could not fetch {label} from {public_address(url)}: {reason}")


def _report(label: str, done: int, total: int) -> None:
    """Show progress: a line that is rewritten on a terminal, a line now and then elsewhere."""
    size = f" of {total >> 20}" if total else ""
    end = "\r" if sys.stderr.isatty() else "\n"
    print(f"fetching {label}: {done >> 20}{size} MiB", end=end, file=sys.stderr, flush=True)
