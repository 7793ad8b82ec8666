"""Fetching weights: from the first place that answers, verified, never half a file, and never by surprise."""

from __future__ import annotations

import os
import pickle
import re
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import lossedu as le
from lossedu import cli
from lossedu.backbones import Backbone, fetch, fetching, package_index, registered_tensors, registry, weights
from lossedu.backbones.archives import network_from_arrays, read_member
from lossedu.storage import CorruptFileError, DataError

from .conftest import Origin, arrays, digest, saved, state, tar


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_published_file_comes_first(small: SimpleNamespace, empty_home: SimpleNamespace) -> None:
    (path,) = fetch("vgg16")
    assert path == empty_home.cache / "weights" / small.label
    assert path.read_bytes() == small.origin.bodies[small.published]
    assert fetch("vgg16") == [path]
    assert small.origin.requests == {small.published: 1}
    assert files_in(empty_home.cache) == [small.label]


def test_published_file_goes_where_torch_hub_keeps_it(
    small: SimpleNamespace, empty_home: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOSSEDU_CACHE")
    (path,) = fetch("vgg16")
    assert path == empty_home.hub / "checkpoints" / small.label
    small.origin.faults[small.published] = "absent"
    path.unlink()
    (own,) = fetch("vgg16")
    assert own == empty_home.hub / "lossedu" / small.own.label


def test_a_file_of_torch_hub_is_used_from_beside_the_cache(small: SimpleNamespace, empty_home: SimpleNamespace) -> None:
    path = empty_home.hub / "checkpoints" / small.label
    path.parent.mkdir(parents=True)
    path.write_bytes(small.origin.bodies[small.published])
    assert fetch("vgg16") == [path]
    assert not small.origin.requests


@pytest.mark.parametrize("fault", ["absent", "other", "dies", "short", "broken"])
def test_falls_back_to_the_archive(
    small: SimpleNamespace, empty_home: SimpleNamespace, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    small.origin.faults[small.published] = fault
    (path,) = fetch("vgg16")
    assert path == empty_home.cache / "weights" / small.own.label
    assert files_in(empty_home.cache) == [small.own.label]
    found = torch.load(path, weights_only=True)
    assert found.keys() == state().keys()
    assert all(torch.equal(found[name], value) for name, value in state().items())
    said = capsys.readouterr().err
    assert small.label in said and f"taking vgg16 from {small.archive.label} instead" in said
    assert weights.find("vgg16") == path


@pytest.mark.parametrize("as_json", [False, True])
def test_both_forms_of_an_index(small: SimpleNamespace, as_json: bool) -> None:
    body = small.origin.bodies[small.packed]
    small.origin.serve_archive(small.archive, body, as_json=as_json)
    links = package_index.read_links(f"{small.origin.url}{small.page}")
    assert links[small.archive.label] == (f"{small.origin.url}{small.packed}", small.archive.sha256)
    assert package_index.find_archive(small.archive) == f"{small.origin.url}{small.packed}"


@pytest.mark.parametrize(
    ("path", "fault", "words"),
    [
        ("packed", "other", "found SHA-256"),
        ("packed", "short", "found SHA-256"),
        ("packed", "dies", "the connection ended after"),
        ("packed", "absent", "the server answered 404"),
        ("page", "absent", "no package index has jax_package-1.tar.gz: .*404"),
    ],
)
def test_a_bad_archive_leaves_nothing(
    small: SimpleNamespace, empty_home: SimpleNamespace, path: str, fault: str, words: str
) -> None:
    small.origin.faults[small.published] = "absent"
    small.origin.faults[getattr(small, path)] = fault
    with pytest.raises(DataError, match=words) as caught:
        fetch("vgg16")
    message = str(caught.value)
    assert small.label in message, "both failures are reported"
    assert "could not fetch the weights 'vgg16'" in message
    assert "without a network, put $LOSSEDU_DATA/weights/vgg16_half.pth there" in message
    assert files_in(empty_home.cache) == []


def test_an_index_with_another_archive_is_not_even_asked_for_it(small: SimpleNamespace) -> None:
    small.origin.serve_archive(small.archive, b"", sum="0" * 64)
    with pytest.raises(DataError, match=r"another jax_package-1\.tar\.gz") as caught:
        package_index.find_archive(small.archive)
    assert "0" * 64 in str(caught.value) and small.archive.sha256 in str(caught.value)
    assert small.packed not in small.origin.requests


def test_an_index_without_hashes_is_enough(small: SimpleNamespace) -> None:
    small.origin.bodies[small.page] = f'<a href="{small.origin.url}{small.packed}">x</a>'.encode()
    assert package_index.find_archive(small.archive) == f"{small.origin.url}{small.packed}"


def test_an_index_without_the_file(small: SimpleNamespace) -> None:
    small.origin.bodies[small.page] = b'<a href="other-1.tar.gz">x</a>'
    with pytest.raises(DataError, match=r"jax-package has no file jax_package-1\.tar\.gz there"):
        package_index.find_archive(small.archive)
    small.origin.kinds[small.page] = "application/json"
    for body in (b"{", b"[]", b'{"files": [{}]}', b'{"files": 3}'):
        small.origin.bodies[small.page] = body
        with pytest.raises(DataError, match="cannot be read"):
            package_index.find_archive(small.archive)


def test_a_mirror_in_a_folder(small: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mirror" / "simple" / small.archive.project
    folder.mkdir(parents=True)
    (folder / small.archive.label).write_bytes(small.origin.bodies[small.packed])
    (folder / "index.html").write_text(f'<a href="{small.archive.label}">x</a>')
    monkeypatch.setenv("PIP_INDEX_URL", folder.parent.as_uri() + "/")
    small.origin.faults[small.published] = "absent"
    (path,) = fetch("vgg16")
    assert path.name == small.own.label and not small.origin.requests[small.packed]


def test_pip_is_asked_for_its_index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PIP_INDEX_URL")
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nindex-url = http://127.0.0.1:9/ours\nextra-index-url = http://127.0.0.1:9/more\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    assert package_index.index_addresses() == ["http://127.0.0.1:9/ours", "http://127.0.0.1:9/more"]
    settings.write_text("[global]\nno-index = true\n")
    with pytest.raises(DataError, match="no package index: set PIP_INDEX_URL"):
        package_index.index_addresses()
    settings.write_text("not a configuration\n")
    with pytest.raises(DataError, match=r"pip could not be asked .*set PIP_INDEX_URL"):
        package_index.index_addresses()
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/own")
    assert package_index.index_addresses() == ["http://127.0.0.1:9/own"]


class Malicious:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def test_a_pickle_that_runs_a_command_is_refused(
    small: SimpleNamespace, empty_home: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "mark"
    body = pickle.dumps({"VGG16_0": Malicious(mark)}, protocol=3)
    with pytest.raises(DataError, match=r"asks for (posix|nt)\.system"):
        network_from_arrays("vgg16", body)
    packed = tar(small.member, body)
    archive = registry.Archive(small.archive.project, small.archive.label, digest(packed))
    monkeypatch.setitem(registry.CARRIED, "vgg16", (archive, small.member))
    small.origin.serve_archive(archive, packed)
    small.origin.faults[small.published] = "absent"
    with pytest.raises(DataError, match="which no array needs"):
        fetch("vgg16")
    assert not mark.exists() and files_in(empty_home.cache) == []
    pickle.loads(body)  # the same pickle, read as most programs would
    assert mark.exists()


def test_a_torch_file_that_runs_a_command_is_refused(tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / "bad.pth"
    path.write_bytes(saved({"features.0.weight": Malicious(mark)}))
    with pytest.raises(DataError, match=r"cannot read .*bad\.pth as a file of tensors"):
        weights.read_tensors(path)
    assert not mark.exists()


@pytest.mark.parametrize("spoil", ["missing", "renamed", "values", "list", "scalar"])
def test_other_arrays_are_refused(small: SimpleNamespace, spoil: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found: object = arrays()
    if spoil == "missing":
        del found["VGG16_0"]["Conv_1"]
    elif spoil == "renamed":
        found["Other"] = found.pop("VGG16_0")
    elif spoil == "values":
        found["VGG16_0"]["Conv_0"]["bias"] += 1
    elif spoil == "scalar":
        found["VGG16_0"]["Conv_0"]["kernel"] = 3
    else:
        found = [1, 2]
    packed = tar(small.member, pickle.dumps(found, protocol=3))
    archive = registry.Archive(small.archive.project, small.archive.label, digest(packed))
    monkeypatch.setitem(registry.CARRIED, "vgg16", (archive, small.member))
    small.origin.serve_archive(archive, packed)
    small.origin.faults[small.published] = "absent"
    words = "is not the registered jax_package-1-vgg16.pth" if spoil == "values" else "are not the expected arrays"
    with pytest.raises(DataError, match=words):
        fetch("vgg16")


def test_archives(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(tar("a/b", b"body"))
    assert read_member(path, "a/b") == b"body"
    with pytest.raises(DataError, match=r"cannot read a/c from a\.tar\.gz"):
        read_member(path, "a/c")
    path.write_bytes(tar("a/b", b"body")[:40])
    with pytest.raises(DataError, match="cannot read a/b"):
        read_member(path, "a/b")
    path.write_bytes(b"neither")
    with pytest.raises(DataError, match="cannot read a/b"):
        read_member(path, "a/b")


def test_a_wheel(small: SimpleNamespace, empty_home: SimpleNamespace) -> None:
    (path,) = fetch("lpips")
    assert path == empty_home.cache / "weights" / "lpips-1-vgg.pth" and path.read_bytes() == small.head
    assert registered_tensors("lpips_vgg16")["lin0.model.1.weight"].tolist() == torch.ones(1, 4, 1, 1).tolist()


def test_data_folder_comes_first(
    small: SimpleNamespace, empty_home: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch("vgg16")
    path = empty_home.data / small.data.path
    path.parent.mkdir(parents=True)
    path.write_bytes(saved(state()))
    monkeypatch.setenv("LOSSEDU_DATA", str(empty_home.data))
    assert fetch("vgg16") == [path]
    path.write_bytes(b"damaged")
    with pytest.raises(CorruptFileError, match="LOSSEDU_DATA is never written to") as caught:
        fetch("vgg16")
    assert caught.value.path == path and path.read_bytes() == b"damaged"


def test_a_damaged_copy_is_passed_over_and_replaced(small: SimpleNamespace, empty_home: SimpleNamespace) -> None:
    (path,) = fetch("vgg16")
    path.write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"\(damaged\)"):
        registered_tensors("vgg16")
    assert fetch("vgg16") == [path] and path.read_bytes() == small.origin.bodies[small.published]
    path.unlink()
    small.origin.faults[small.published] = "absent"
    (own,) = fetch("vgg16")
    own.write_bytes(saved({name: value + 1 for name, value in state().items()}))
    assert weights.find("vgg16") is None
    own.write_bytes(b"damaged")
    assert weights.find("vgg16") is None
    assert fetch("vgg16") == [own] and weights.find("vgg16") == own


def test_where_nothing_answers(empty_home: SimpleNamespace) -> None:
    for name in registry.NAMES:
        with pytest.raises(DataError, match=f"could not fetch the weights '{registry.NAMES[name][0]}'"):
            fetch(name)
    assert files_in(empty_home.cache) == []
    with pytest.raises(DataError, match="no package is known to carry them; a file of your own"):
        fetch("vgg19")
    with pytest.raises(ValueError, match=r"name must be one of 'vgg16', .*, got 'resnet'"):
        fetch("resnet")


def test_nothing_is_downloaded_without_the_command(
    small: SimpleNamespace, empty_home: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(*_: object, **__: object) -> None:
        raise AssertionError("a surprise download")

    monkeypatch.setattr(urllib.request, "urlopen", surprise)
    image = torch.rand(1, 3, 8, 8)
    for attempt in (
        lambda: le.PerceptualLoss("relu2_1"),
        lambda: le.vgg_features(image, ["relu2_1"]),
        lambda: Backbone("vgg16", "relu2_1"),
        lambda: le.metrics.dists(image, image),
        lambda: le.metrics.lpips(image, image),
    ):
        with pytest.raises(DataError) as caught:
            attempt()
        message = str(caught.value)
        assert "lossedu weights fetch vgg16" in message
        assert f"$LOSSEDU_DATA/{small.data.path} (LOSSEDU_DATA is not set)" in message
        for file in (small.own.label, small.label):
            assert str(empty_home.cache / "weights" / file) in message
        assert str(empty_home.hub / "checkpoints" / small.label) in message
    with pytest.raises(DataError, match="lossedu weights fetch lpips"):
        registered_tensors("lpips_vgg16")


def test_fetched_weights_are_used(small: SimpleNamespace) -> None:
    image = torch.rand(1, 3, 8, 8)
    fetch("vgg16")
    from_published = le.vgg_features(image, "conv2_1")["conv2_1"]
    network = Backbone("vgg16", "conv2_1")
    assert torch.equal(network.layers["conv2_1"].weight, state()["features.3.weight"])
    small.origin.faults[small.published] = "absent"
    weights.find("vgg16").unlink()
    fetch("vgg16")
    assert torch.equal(Backbone("vgg16", "conv2_1")(image)["conv2_1"], from_published)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = cli.main(["weights", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_command(small: SimpleNamespace, empty_home: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "check", "vgg16")
    assert status == 1 and "vgg16: missing; it may be any of" in out and "lossedu weights fetch vgg16" in out
    status, out, _ = run(capsys, "fetch", "vgg16")
    path = empty_home.cache / "weights" / small.label
    assert status == 0 and out == f"vgg16: verified, {path}\n"
    status, out, _ = run(capsys, "check", "vgg16")
    assert status == 0 and out == f"vgg16: verified  {path}  (published)\n"
    own = empty_home.cache / "weights" / small.own.label
    own.write_bytes(b"damaged")
    status, out, _ = run(capsys, "check", "vgg16")
    assert status == 1 and f"DAMAGED   {own}  (own)" in out and "fetch what" not in out
    path.unlink()
    small.origin.faults[small.published] = small.origin.faults[small.packed] = "absent"
    status, out, _ = run(capsys, "check", "vgg16")
    assert status == 1 and "fetch what is missing" in out
    status, _, err = run(capsys, "fetch", "vgg16")
    assert status == 1 and err.count("404") >= 2 and "Traceback" not in err
    with pytest.raises(SystemExit):
        cli.main(["weights", "fetch", "resnet"])


def test_registry() -> None:
    for item, files in registry.ITEMS.items():
        labels = [file.label for file in files]
        assert len(set(labels)) == len(labels)
        for file in files:
            assert bool(file.sha256) != bool(file.content)
            wanted = r"[0-9a-f]{8}" if file.place == "published" else r"[0-9a-f]{64}"
            assert re.fullmatch(wanted, file.sha256 or file.content)
            assert file.place != "published" or f"-{file.sha256}.pth" in file.label
        assert any(item in items for items in registry.NAMES.values())
        assert registry.command_name(item) in registry.NAMES
    for archive, _ in registry.CARRIED.values():
        assert re.fullmatch(r"[0-9a-f]{64}", archive.sha256)
        assert archive.path == archive.label
    assert registry.PUBLISHED_URL.startswith("https://")
    assert set(registry.CARRIED) == set(registry.ITEMS) - {"vgg19"}


def test_fetching_leaves_no_archive_behind(small: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Path] = []
    real = fetching.read_member

    def watched(archive: Path, member: str) -> bytes:
        seen.append(archive)
        assert archive.exists()
        return real(archive, member)

    monkeypatch.setattr(fetching, "read_member", watched)
    small.origin.faults[small.published] = "absent"
    fetch("vgg16")
    assert seen and not seen[0].parent.exists()


def test_origin_is_a_stand_in(origin: Origin) -> None:
    assert origin.url.startswith("http://127.0.0.1:") and origin.url in fetching.PUBLISHED_URL
