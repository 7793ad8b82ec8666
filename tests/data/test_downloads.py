"""Downloads: verified, never half-written, never repeated, and clear about what went wrong."""

from __future__ import annotations

import logging
import re
import sys
from pathlib import Path

import pytest

import lossedu.data as data
from lossedu import storage
from lossedu.data import downloads, registry
from lossedu.data.downloads import obtain


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_fetches_once_and_then_never_again(origin, cache, capsys):
    paths = obtain(origin.entries)
    assert [path.read_bytes() for path in paths] == list(origin.bodies.values())
    assert all(path == cache / entry.path for path, entry in zip(paths, origin.entries, strict=True))
    assert obtain(origin.entries) == paths
    assert set(origin.requests.values()) == {1}
    assert "fetching photographs: 12 of 12" in capsys.readouterr().err


def test_fetches_only_what_is_missing(origin, cache):
    obtain(origin.entries[:5])
    obtain(origin.entries)
    assert set(origin.requests.values()) == {1}
    assert len(files_in(cache)) == 12


def test_data_folder_comes_first_and_is_left_alone(origin, cache, tmp_path, monkeypatch):
    own = tmp_path / "own"
    for entry in origin.entries[:4]:
        (own / entry.path).parent.mkdir(parents=True, exist_ok=True)
        (own / entry.path).write_bytes(origin.bodies[entry.name])
    monkeypatch.setenv("LOSSEDU_DATA", str(own))
    paths = obtain(origin.entries)
    assert [path.is_relative_to(own) for path in paths] == [True] * 4 + [False] * 8
    assert len(files_in(own)) == 4 and len(files_in(cache)) == 8
    assert sum(origin.requests.values()) == 8


@pytest.mark.parametrize("fault", ["other", "short"])
def test_wrong_content_names_file_and_both_hashes(origin, cache, fault):
    origin.faults["3.jpg"] = fault
    with pytest.raises(data.CorruptFileError) as caught:
        obtain(origin.entries[3:4])
    error = caught.value
    expected = origin.entries[3].sha256
    assert error.expected == expected and len(error.found) == 64 and error.found != expected
    assert error.path == cache / origin.entries[3].path
    assert all(part in str(error) for part in ("train/3.jpg", "http://", expected, error.found))
    assert files_in(cache) == []


@pytest.mark.parametrize(("fault", "reason"), [("dies", "IncompleteRead|incomplete|broken"), ("absent", "404")])
def test_broken_download_says_which_and_leaves_nothing(origin, cache, fault, reason):
    origin.faults["3.jpg"] = fault
    with pytest.raises(data.DataError, match=reason) as caught:
        obtain(origin.entries[3:4])
    message = str(caught.value)
    assert "train/3.jpg" in message and "lossedu data fetch bsds500" in message and "LOSSEDU_DATA" in message
    assert files_in(cache) == []


def test_failure_keeps_what_arrived(origin, cache):
    origin.faults["7.jpg"] = "dies"
    with pytest.raises(data.DataError, match=r"train/7\.jpg"):
        obtain(origin.entries)
    for name in files_in(cache):
        assert Path(name).name in origin.bodies, f"{name} is no registered file"
        assert (cache / name).read_bytes() == origin.bodies[Path(name).name]
    del origin.faults["7.jpg"]
    before = set(files_in(cache))
    origin.requests.clear()
    assert len(obtain(origin.entries)) == 12
    assert sum(origin.requests.values()) == 12 - len(before)


def test_a_passing_fault_is_tried_again(origin, cache, monkeypatch):
    monkeypatch.setattr(downloads, "RETRIES", 1)
    origin.faults["2.jpg"] = "once"
    (path,) = obtain(origin.entries[2:3])
    assert path.read_bytes() == origin.bodies["2.jpg"] and origin.requests["2.jpg"] == 2


def test_no_network_names_the_way_out(cache):
    with pytest.raises(data.DataError, match="could not fetch") as caught:
        data.bsds500("val")
    assert "lossedu data fetch bsds500" in str(caught.value) and "LOSSEDU_DATA" in str(caught.value)
    with pytest.raises(data.DataError, match="lossedu data fetch cbsd68"):
        data.cbsd68()
    assert files_in(cache) == []


def test_damaged_file_in_the_cache_is_replaced(origin, cache):
    (path,) = obtain(origin.entries[:1])
    path.write_bytes(b"damaged")
    assert obtain(origin.entries[:1]) == [path]
    assert path.read_bytes() == origin.bodies["0.jpg"] and origin.requests["0.jpg"] == 2


def test_corrupt_file_in_the_data_folder_is_refused_and_kept(origin, cache, tmp_path, monkeypatch):
    entry = origin.entries[0]
    own = tmp_path / "own" / entry.path
    own.parent.mkdir(parents=True)
    own.write_bytes(b"damaged")
    monkeypatch.setenv("LOSSEDU_DATA", str(tmp_path / "own"))
    with pytest.raises(data.CorruptFileError) as caught:
        obtain([entry])
    assert all(part in str(caught.value) for part in (str(own), entry.sha256, storage.sha256(own)))
    assert own.read_bytes() == b"damaged" and not origin.requests


def test_misspelt_data_folder_starts_no_download(origin, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("LOSSEDU_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(data.DataError, match=r"LOSSEDU_DATA=.*nowhere does not exist"):
        obtain(origin.entries)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LOSSEDU_DATA", str(tmp_path / "file"))
    with pytest.raises(data.DataError, match="is not a folder"):
        obtain(origin.entries)
    assert not origin.requests


def test_cache_that_cannot_be_written(origin, cache):
    cache.write_text("a file in the place of the folder")
    with pytest.raises(data.DataError, match=r"cannot write to the cache folder .*set LOSSEDU_CACHE"):
        obtain(origin.entries)


def test_without_pooch_the_extra_is_named(origin, cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=re.escape("lossedu[book]")):
        obtain(origin.entries)


def test_pooch_keeps_its_log_level(origin, cache):
    import pooch

    pooch.get_logger().setLevel(logging.INFO)
    obtain(origin.entries[:1])
    assert pooch.get_logger().level == logging.INFO


def test_system_cache_is_the_default(monkeypatch):
    monkeypatch.delenv("LOSSEDU_CACHE", raising=False)
    assert storage.cache_folder().parts[-1].lower() in ("lossedu", "cache")


def test_unknown_split():
    with pytest.raises(ValueError, match="split must be one of 'train', 'val', got 'test'"):
        data.bsds500("test")
    with pytest.raises(ValueError, match="name must be one of 'bsds500', 'cbsd68', got 'div2k'"):
        data.fetch("div2k")


def test_registry():
    splits = {split: registry.split_entries(split) for split in ("train", "val", "cbsd68")}
    assert {split: len(entries) for split, entries in splits.items()} == {"train": 200, "val": 32, "cbsd68": 68}
    everything = [entry for entries in splits.values() for entry in entries]
    assert len({entry.name for entry in everything}) == len({entry.sha256 for entry in everything}) == 300
    assert all(re.fullmatch(r"[0-9a-f]{64}", entry.sha256) for entry in everything)
    assert {entry.remote.split("/")[0] for entry in splits["cbsd68"]} == {"val"}
    assert re.search(r"/[0-9a-f]{40}/", registry.BASE_URL)


def test_the_photographs_themselves(photographs):
    train, val, test = data.bsds500("train"), data.bsds500("val"), data.cbsd68()
    assert (len(train), len(val), len(test)) == (200, 32, 68)
    assert len({path.name for path in (*train, *val, *test)}) == 300
    sizes = {tuple(data.read_image(path).shape) for path in val}
    assert sizes <= {(1, 3, 321, 481), (1, 3, 481, 321)}
