"""Where an archive lies: asked of the package index that pip is set up with.

A machine behind a wall has a mirror of its own, and pip knows it; so no index is named here.  The index's page for a
project is a list of links (PEP 503) or the same as JSON (PEP 691).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from ..storage import DataError, read_page
from .registry import Archive

#: Asks pip for its settings as it would use them: those of files and of the environment, and its own defaults.
_QUESTION = """
from pip._internal.commands import create_command
options, _ = create_command("download").parse_args([])
print(*([] if options.no_index else [options.index_url, *options.extra_index_urls]), sep="\\n")
"""

_HEADERS = {"Accept": "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"}


def index_addresses() -> list[str]:
    """Return the package indexes that pip would ask, in order.

    Raises
    ------
    DataError
        If neither PIP_INDEX_URL nor pip itself names one.
    """
    if own := os.environ.get("PIP_INDEX_URL"):
        return [own]
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _QUESTION], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise DataError("pip could not be asked for its package index: set PIP_INDEX_URL to one") from error
    if not (found := asked.stdout.split()):
        raise DataError("pip is set up to use no package index: set PIP_INDEX_URL to one")
    return found


def find_archive(archive: Archive) -> str:
    """Return the address of an archive.

    Raises
    ------
    DataError
        If no index has it, or one has it with another SHA-256.
    """
    reasons = []
    for index in index_addresses():
        page = f"{index.rstrip('/')}/{archive.project}/"
        if urlsplit(index).scheme == "file":
            page += "index.html"
        try:
            links = read_links(page)
        except DataError as error:
            reasons.append(str(error))
            continue
        if archive.label not in links:
            reasons.append(f"{archive.project} has no file {archive.label} there")
            continue
        address, digest = links[archive.label]
        if digest not in ("", archive.sha256):
            raise DataError(
                f"the package index has another {archive.label} than the one that is known:\n"
                f"  expected SHA-256 {archive.sha256}\n  found SHA-256    {digest}\nNothing was downloaded."
            )
        return address
    raise DataError(f"no package index has {archive.label}: " + "; ".join(reasons))


def read_links(page: str) -> dict[str, tuple[str, str]]:
    """Return file name -> (address, SHA-256 or "") for every file on an index's page of a project."""
    body, kind, final = read_page(page, label="the package index's page", headers=_HEADERS)
    try:
        if "json" in kind:
            return {
                file["filename"]: (urljoin(final, file["url"]), file.get("hashes", {}).get("sha256", ""))
                for file in json.loads(body)["files"]
            }
        parser = _Links()
        parser.feed(body.decode())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"the package index's page for a project cannot be read: {error!r}") from error
    links = {}
    for reference in parser.found:
        address, fragment = urldefrag(urljoin(final, reference))
        digest = re.search(r"sha256=([0-9a-f]{64})", fragment)
        links[unquote(urlsplit(address).path.rpartition("/")[2])] = (address, digest[1] if digest else "")
    return links


class _Links(HTMLParser):
    """Collects where the links of a page lead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


__all__ = ["find_archive", "index_addresses", "read_links"]
