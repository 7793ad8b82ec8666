"""The command ``lossedu data``."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest

from lossedu import cli
from lossedu.data import downloads, registry, verification


@pytest.fixture
def small(origin, cache, monkeypatch):
    """The command line over the small collection of the test server."""
    monkeypatch.setattr(downloads, "collection_entries", lambda name: origin.entries)
    monkeypatch.setattr(
        verification, "split_entries", lambda split: origin.entries[:8] if split == "train" else origin.entries[8:]
    )
    return origin


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    status = cli.main(arguments)
    out, err = capsys.readouterr()
    return status, out, err


def test_check_fetch_check(small, cache, capsys):
    status, out, _ = run(capsys, "data", "check", "bsds500")
    assert status == 1 and "lossedu data fetch bsds500" in out and "and 5 more" in out
    assert out.split("bsds500 train")[1].split()[:4] == ["0", "0", "8", "0"]
    status, out, err = run(capsys, "data", "fetch", "bsds500")
    assert status == 0 and "12 files, all verified" in out and "12 of 12" in err
    status, out, _ = run(capsys, "data", "check", "bsds500")
    assert status == 0 and "all files are there" in out
    assert out.split("bsds500 val")[1].split()[:4] == ["0", "4", "0", "0"]


def test_check_reports_corrupt_files_with_both_hashes(small, cache, capsys):
    run(capsys, "data", "fetch", "bsds500")
    broken = cache / small.entries[2].path
    broken.write_bytes(b"damaged")
    status, out, _ = run(capsys, "data", "check", "bsds500")
    assert status == 1
    assert str(broken) in out and small.entries[2].sha256 in out and hashlib.sha256(b"damaged").hexdigest() in out
    assert broken.read_bytes() == b"damaged", "check must not change anything"


def test_fetch_that_fails_says_so_and_exits_with_1(small, capsys):
    small.faults["5.jpg"] = "absent"
    status, _, err = run(capsys, "data", "fetch", "bsds500")
    assert status == 1 and "train/5.jpg" in err and "404" in err and "Traceback" not in err


def test_pack(cache, tmp_path, monkeypatch, capsys):
    status, _, err = run(capsys, "data", "check", "pack")
    assert status == 1 and "LOSSEDU_DATA" in err
    monkeypatch.setenv("LOSSEDU_DATA", str(tmp_path))
    status, _, err = run(capsys, "data", "check", "pack")
    assert status == 1 and "SHA256SUMS" in err
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.png").write_bytes(b"1")
    digest = hashlib.sha256(b"1").hexdigest()
    (tmp_path / "SHA256SUMS").write_text(f"{digest}  photos/one.png\n\n{digest}  photos/two.png\n")
    status, out, _ = run(capsys, "data", "check", "pack")
    assert status == 1 and out.split("photos")[1].split()[:4] == ["1", "0", "1", "0"]
    (tmp_path / "photos" / "two.png").write_bytes(b"1")
    assert run(capsys, "data", "check", "pack")[0] == 0
    (tmp_path / "SHA256SUMS").write_text("no digest\n")
    status, _, err = run(capsys, "data", "check", "pack")
    assert status == 1 and "line 1" in err


def test_interrupt(small, capsys, monkeypatch):
    def interrupted(name):
        raise KeyboardInterrupt

    monkeypatch.setattr(downloads, "collection_entries", interrupted)
    status, _, err = run(capsys, "data", "fetch", "bsds500")
    assert status == 130 and "kept" in err


def test_names_agree_with_the_registry(capsys):
    for name in registry.COLLECTIONS:
        assert cli.build_parser().parse_args(["data", "fetch", name]).name == name
    with pytest.raises(SystemExit) as caught:
        cli.main(["data", "fetch", "div2k"])
    assert caught.value.code == 2
    assert all(name in capsys.readouterr().err for name in ("bsds500",))


def test_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "lossedu", "data", "--help"], capture_output=True, text=True, check=True
    )
    assert "fetch" in done.stdout and "LOSSEDU_DATA" in done.stdout
