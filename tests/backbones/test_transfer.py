"""Downloads by the standard library: whole, verified, or nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lossedu.storage import DataError, download, read_page, replacing, transfer

from .conftest import Origin


def accept(path: Path) -> None:
    """Take any file."""


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_download(origin: Origin, tmp_path: Path) -> None:
    body = bytes(range(256)) * 999
    origin.bodies["/a"] = body
    target = tmp_path / "new" / "folder" / "a.bin"
    seen = []
    assert download(f"{origin.url}/a", target, label="a", check=lambda part: seen.append(part.read_bytes())) == target
    assert target.read_bytes() == body and seen == [body]
    assert files_in(tmp_path) == ["a.bin"]
    # a cache may be shared: others may read what they could read if it had been copied there
    (tmp_path / "plain").write_bytes(b"")
    assert stat.S_IMODE(target.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("absent", "the server answered 404"), ("broken", "answered 503"), ("dies", "ended after 500 of 1000 bytes")],
)
def test_a_failure_keeps_the_old_file(origin: Origin, tmp_path: Path, fault: str, words: str) -> None:
    origin.bodies["/a"] = b"x" * 1000
    origin.faults["/a"] = fault
    target = tmp_path / "a"
    target.write_bytes(b"old")
    with pytest.raises(DataError, match=f"could not fetch the file a from {origin.url}/a: .*{words}"):
        download(f"{origin.url}/a", target, label="the file a", check=accept)
    assert target.read_bytes() == b"old" and files_in(tmp_path) == ["a"]


def test_what_the_check_raises_ends_it(origin: Origin, tmp_path: Path) -> None:
    def refuse(path: Path) -> None:
        raise KeyboardInterrupt

    origin.bodies["/a"] = b"x"
    with pytest.raises(KeyboardInterrupt):
        download(f"{origin.url}/a", tmp_path / "a", label="a", check=refuse)
    assert files_in(tmp_path) == []


def test_a_passing_fault_is_tried_again(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin.bodies["/a"] = b"x" * 1000
    origin.faults["/a"] = "once"
    with pytest.raises(DataError):
        download(f"{origin.url}/a", tmp_path / "a", label="a", check=accept)
    origin.requests.clear()
    monkeypatch.setattr(transfer, "RETRIES", 1)
    download(f"{origin.url}/a", tmp_path / "a", label="a", check=accept)
    assert origin.requests["/a"] == 2
    origin.faults["/a"] = "absent"  # an answer is an answer: it is not asked for again
    origin.requests.clear()
    with pytest.raises(DataError):
        download(f"{origin.url}/a", tmp_path / "a", label="a", check=accept)
    assert origin.requests["/a"] == 1


def test_progress(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(transfer, "REPORTED", 2**20)
    origin.bodies["/a"] = bytes(5 * 2**19)
    download(f"{origin.url}/a", tmp_path / "a", label="a.bin", check=accept)
    assert capsys.readouterr().err == "fetching a.bin: 1 of 2 MiB\nfetching a.bin: 2 of 2 MiB\n"
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    origin.faults["/a"] = "short"
    download(f"{origin.url}/a", tmp_path / "a", label="a.bin", check=accept)
    assert capsys.readouterr().err == "fetching a.bin: 1 MiB\r"


def test_page(origin: Origin) -> None:
    origin.bodies["/p"], origin.kinds["/p"] = b"page", "text/plain"
    assert read_page(f"{origin.url}/p", label="p", headers={}) == (b"page", "text/plain", f"{origin.url}/p")
    with pytest.raises(DataError, match=r"could not fetch p from .*404"):
        read_page(f"{origin.url}/q", label="p", headers={})


def test_addresses() -> None:
    with pytest.raises(DataError, match="only addresses of http, https and file"):
        read_page("ftp://127.0.0.1/p", label="p", headers={})
    with pytest.raises(DataError) as caught:
        read_page("http://name:word@127.0.0.1:9/p", label="p", headers={})
    assert "word" not in str(caught.value) and "http://127.0.0.1:9/p" in str(caught.value)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    words = r"cannot write to the folder .*file.*; set LOSSEDU_CACHE to another"
    with pytest.raises(DataError, match=words), replacing(tmp_path / "file" / "a"):
        pass
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "a") as part:
        part.write_bytes(b"half")
        raise ZeroDivisionError
    assert files_in(tmp_path) == ["file"]
