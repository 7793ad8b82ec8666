"""Packs: the very pixels come back, whatever is wrong with the file is said, and crops are cut as they should be."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lossedu.data as data
from lossedu.data import packs


def pixels(name: str, height: int, width: int, top: int = 100, left: int = 100) -> torch.Tensor:
    """A part of a photograph, uint8 of shape (3, height, width)."""
    x = data.crop(data.photograph(name), top, left, (height, width))
    return (x[0] * 255).round().to(torch.uint8)


@pytest.fixture(scope="module")
def photos() -> data.PhotoSet:
    names = ("astronaut", "coffee", "chelsea")
    sizes = ((60, 71), (49, 90), (64, 50))
    return data.PhotoSet.of([pixels(name, *size) for name, size in zip(names, sizes, strict=True)], names)


def coded(*sizes: tuple[int, int]) -> data.PhotoSet:
    """Pictures whose channels tell which it is, the row and the column."""
    images = []
    for code, (height, width) in enumerate(sizes):
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        images.append(torch.stack((torch.full_like(rows, code), rows, columns)).to(torch.uint8))
    return data.PhotoSet.of(images, [str(size) for size in sizes])


# --- sets ---


def test_a_set_gives_its_pictures_back(photos):
    assert len(photos) == 3 and photos.names == ("astronaut", "coffee", "chelsea")
    for index, (name, (height, width)) in enumerate(zip(photos.names, photos.shapes.tolist(), strict=True)):
        x = photos.picture(index)
        assert torch.equal(x, data.crop(data.photograph(name), 100, 100, (height, width))) and x.dtype == torch.float32
        assert torch.equal(photos.raw(index), pixels(name, height, width))
        assert photos.raw(index).untyped_storage().data_ptr() == photos.pixels.untyped_storage().data_ptr()
    chosen = photos.select([2, 0])
    assert chosen.names == ("chelsea", "astronaut") and torch.equal(chosen.picture(0), photos.picture(2))
    assert torch.equal(photos.to("cpu").pixels, photos.pixels) and len(data.PhotoSet.of([], [])) == 0


def test_the_hash_of_a_set_is_that_of_its_sizes_and_pixels(photos):
    same = data.PhotoSet(["a", "b", "c"], photos.pixels.clone(), photos.shapes)
    assert same.sha256() == photos.sha256()
    same.pixels[1000] ^= 1
    turned = data.PhotoSet(photos.names, photos.pixels, photos.shapes.flip(1))
    assert len({same.sha256(), turned.sha256(), photos.sha256()}) == 3


def test_bad_sets(photos):
    x = pixels("coffee", 8, 9)
    with pytest.raises(TypeError, match=r"the picture 'b' must be a uint8 tensor, got torch\.float32"):
        data.PhotoSet.of([x, x / 255], ["a", "b"])
    with pytest.raises(TypeError, match="the picture 'a' must be a uint8 tensor, got ndarray"):
        data.PhotoSet.of([x.numpy()], ["a"])
    with pytest.raises(ValueError, match=r"the picture 'a' must have shape \(3, H, W\), got \(1, 3, 8, 9\)"):
        data.PhotoSet.of([x[None]], ["a"])
    with pytest.raises(TypeError, match=r"pixels must be uint8 and shapes int64, got torch\.float32"):
        data.PhotoSet(["a"], torch.zeros(12), torch.tensor([[2, 2]]))
    with pytest.raises(ValueError, match=r"shapes ask for 12 bytes of pixels, got 13"):
        data.PhotoSet(["a"], torch.zeros(13, dtype=torch.uint8), torch.tensor([[2, 2]]))
    for shapes in ([[2, 2], [0, 2]], [[2, 2]], [[-1, -4], [0, 0]]):
        with pytest.raises(ValueError, match=r"height and width \(at least 1\) of each of 2 pictures"):
            data.PhotoSet(["a", "b"], torch.zeros(12, dtype=torch.uint8), torch.tensor(shapes))
    for index in (-1, 3):
        with pytest.raises(IndexError, match="index must be from 0 to 2"):
            photos.picture(index)


# --- files ---


@pytest.fixture
def file(photos, tmp_path) -> Path:
    path = tmp_path / "new" / "small.npz"
    data.write_pack(path, {"train": photos, "test/jpeg25": photos.select([1])}, {"name": "small", "jpeg": [25]})
    return path


def test_the_very_pixels_come_back(file, photos):
    pack = data.read_pack(str(file))
    assert list(pack) == ["train", "test/jpeg25"] and len(pack) == 2 and "val" not in pack and pack.get("val") is None
    assert pack.about == {"name": "small", "jpeg": [25], "package": packs._package_version()}
    for split, expected in (("train", photos), ("test/jpeg25", photos.select([1]))):
        assert pack[split].names == expected.names and torch.equal(pack[split].pixels, expected.pixels)
        assert torch.equal(pack[split].shapes, expected.shapes)
    assert [path.name for path in file.parent.iterdir()] == ["small.npz"]
    before = file.read_bytes()
    data.write_pack(file, pack, {"name": "small", "jpeg": [25]})
    assert file.read_bytes() == before, "the same pictures make the same file"


def test_differences_make_the_file_smaller(tmp_path):
    photos = data.PhotoSet.of([pixels("coffee", 200, 300, 0, 0)], ["coffee"])
    data.write_pack(tmp_path / "a.npz", {"train": photos}, {})
    np.savez_compressed(tmp_path / "plain.npz", photos.pixels.numpy())
    assert (tmp_path / "a.npz").stat().st_size < 0.8 * (tmp_path / "plain.npz").stat().st_size


def test_reading_and_training_need_torch_and_numpy_alone(file, photos, monkeypatch):
    monkeypatch.delenv("LOSSEDU_CACHE", raising=False)
    for package in ("PIL", "skimage", "skimage.data", "pooch", "tifffile", "scipy"):
        monkeypatch.setitem(sys.modules, package, None)
    train = data.photo_sets(file)["train"]
    batch = data.PackSampler(train, size=49, batch=2, seed=1).batch_at(0)
    assert torch.equal(batch, data.PackSampler(photos, size=49, batch=2, seed=1).batch_at(0))


def rewritten(path: Path, change) -> None:
    """Write the file again after `change` has worked on its header and arrays."""
    with np.load(path) as archive:
        arrays = {name: archive[name].copy() for name in archive.files}
    header = json.loads(arrays["header"].tobytes())
    change(header, arrays)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez_compressed(path, **arrays)


def flipped(body: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 255]) + body[middle + 1 :]


@pytest.mark.parametrize("damage", [flipped, lambda body: body[:-400], lambda body: b"photographs", lambda body: b""])
def test_damaged_files(file, damage):
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(data.DataError, match=r"small\.npz is no pack, or a damaged one.*lossedu data pack NAME"):
        data.read_pack(file)


def test_one_wrong_byte_anywhere_never_gives_other_pixels(file, photos):
    body = file.read_bytes()
    for position in range(0, len(body), 151):
        file.write_bytes(body[:position] + bytes([body[position] ^ 0x55]) + body[position + 1 :])
        try:
            pack = data.read_pack(file)
        except data.DataError:
            continue
        assert pack["train"].sha256() == photos.sha256()  # a byte that says nothing: a date, for instance


def wrong_sizes(header, arrays):
    header["splits"]["train"]["shapes"][0] = [60, 70]


def other_pixels(header, arrays):
    arrays["pixels/train"][7] ^= 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda header, arrays: header.update(format=2), "is a pack of format 2, this version reads 1"),
        (lambda header, arrays: header.pop("splits"), "is no pack, or a damaged one"),
        (lambda header, arrays: header.update(splits=[1]), "is no pack, or a damaged one"),
        (lambda header, arrays: arrays.pop("pixels/train"), "is no pack, or a damaged one"),
        (wrong_sizes, "is no pack, or a damaged one .*shapes ask for"),
        (other_pixels, "is damaged: the pixels of 'train' have SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}"),
    ],
)
def test_files_that_do_not_hold_together(file, change, reason):
    rewritten(file, change)
    with pytest.raises(data.DataError, match=rf"small\.npz {reason}.*lossedu data pack NAME"):
        data.read_pack(file)


def test_other_files(file, tmp_path):
    with pytest.raises(data.DataError, match=r"there is no pack .*none\.npz; make one with  lossedu data pack NAME"):
        data.read_pack(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", a=np.arange(3))
    np.save(tmp_path / "array.npy", np.arange(3))
    for name in ("other.npz", "array.npy"):
        with pytest.raises(data.DataError, match=f"{name} is no pack"):
            data.read_pack(tmp_path / name)


def test_unknown_split(file):
    pack = data.read_pack(file)
    with pytest.raises(data.DataError, match="the pack small has no split 'val'; it has train, test/jpeg25"):
        pack["val"]
    with pytest.raises(KeyError):
        pack["val"]


def test_bad_files_to_write(photos, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"path must end in \.npz"):
        data.write_pack(tmp_path / "a.zip", {"train": photos}, {})
    with pytest.raises(ValueError, match="sets must hold at least one split"):
        data.write_pack(tmp_path / "a.npz", {}, {})
    with pytest.raises(TypeError, match="JSON"):
        data.write_pack(tmp_path / "a.npz", {"train": photos}, {"file": tmp_path})

    def breaks_off(stream, **arrays):
        stream.write(b"half of it")
        raise KeyboardInterrupt

    data.write_pack(tmp_path / "a.npz", {"train": photos}, {})
    monkeypatch.setattr(np, "savez_compressed", breaks_off)
    with pytest.raises(KeyboardInterrupt):
        data.write_pack(tmp_path / "a.npz", {"train": photos}, {"name": "second"})
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]
    assert "name" not in data.read_pack(tmp_path / "a.npz").about, "the older file is still there"


# --- crops ---


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 49), st.integers(1, 5), st.integers(0, 2**40), st.integers(0, 10**6))
def test_without_a_stride_the_batches_are_those_of_the_patch_sampler(photos, size, batch, seed, step):
    plain = data.PatchSampler([photos.raw(index) for index in range(3)], size=size, batch=batch, seed=seed)
    assert torch.equal(data.PackSampler(photos, size=size, batch=batch, seed=seed).batch_at(step), plain.batch_at(step))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 9), st.integers(1, 5), st.data(), st.integers(0, 2**40))
def test_corners_lie_on_the_lattice(size, stride, more, step):
    offset = more.draw(st.integers(0, min(stride - 1, 10 - size)))
    photos = coded((11, 30), (20, 10), (13, 13))
    sampler = data.PackSampler(photos, size=size, batch=8, seed=1, stride=stride, offset=offset)
    for patch, (index, top, left) in zip(sampler.batch_at(step), sampler.positions_at(step).tolist(), strict=True):
        expected = photos.picture(index)[0, :, top : top + size, left : left + size]
        assert torch.equal(patch, expected) and patch.shape == (3, size, size)
        assert (top - offset) % stride == (left - offset) % stride == 0 <= min(top, left) - offset


@pytest.mark.parametrize(("stride", "offset", "places"), [(1, 0, 4 * 6 + 3 * 1), (2, 0, 2 * 3 + 2 * 1), (3, 1, 1 * 2)])
def test_every_position_is_equally_likely(stride, offset, places):
    photos = coded((6, 8), (5, 3)) if offset == 0 else coded((6, 8))
    batch = 500 * places
    sampler = data.PackSampler(photos, size=3, batch=batch, seed=3, stride=stride, offset=offset)
    corners = (sampler.batch_at(0)[:, :, 0, 0] * 255).round().int()
    counts = Counter(map(tuple, corners.tolist()))
    # 500 each, with a standard deviation of 22
    assert len(counts) == places and all(abs(count - 500) < 110 for count in counts.values())


def test_batches_depend_on_seed_and_step_alone(photos):
    sampler = data.PackSampler(photos, size=20, batch=4, seed=3, stride=8)
    for step in range(5):
        sampler.batch_at(step)
    again = data.PackSampler(photos, size=20, batch=4, seed=3, stride=8)
    assert torch.equal(again.batch_at(5), sampler.batch_at(5))
    assert not torch.equal(again.batch_at(5), sampler.batch_at(6))
    other = data.PackSampler(photos, size=20, batch=4, seed=4, stride=8)
    assert not torch.equal(again.positions_at(5), other.positions_at(5))


def test_pairs_are_cut_at_the_same_places(photos):
    negative = data.PhotoSet(photos.names, 255 - photos.pixels, photos.shapes)
    sampler = data.PackSampler(photos, size=33, batch=6, seed=2)
    x, y = sampler.pair_at(7, negative)
    assert torch.equal(x, sampler.batch_at(7))
    torch.testing.assert_close(y, 1 - x, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="other must hold 3 pictures of the same sizes in the same order"):
        sampler.pair_at(0, photos.select([0, 2, 1]))
    with pytest.raises(ValueError, match="other must hold 3 pictures of the same sizes"):
        sampler.pair_at(0, photos.select([0, 1]))


@pytest.mark.parametrize("offset", [0, 3, 4])
def test_a_stride_of_8_keeps_the_blocks_of_jpeg_in_place(offset):
    x = data.downsample2(data.photograph("astronaut"))
    photos = data.PhotoSet.of([(data.jpeg(x, quality=10)[0] * 255).round().to(torch.uint8)], ["astronaut"])
    sampler = data.PackSampler(photos, size=65, batch=32, seed=0, stride=8, offset=offset)
    jumps = sampler.batch_at(0).mean(1).diff(dim=-1).abs().mean((0, 1))
    # The jump from column c to c + 1 is wide where c + 1 + offset is a multiple of 8.
    by_phase = torch.stack([jumps[phase::8].mean() for phase in range(8)])
    assert int(by_phase.argmax()) == (7 - offset) % 8 and by_phase.max() > 1.5 * by_phase.median()


def test_bad_samplers(photos):
    with pytest.raises(ValueError, match=r"the picture 'coffee' is 49 x 90 pixels, too small for crops of 50 x 50"):
        data.PackSampler(photos, size=50)
    with pytest.raises(ValueError, match=r"the picture 'coffee' is 49 x 90 .* of 45 x 45 at offset 5"):
        data.PackSampler(photos, size=45, stride=8, offset=5)
    for offset in (-1, 8):
        with pytest.raises(ValueError, match=f"offset must be from 0 to stride - 1 = 7, got {offset}"):
            data.PackSampler(photos, stride=8, offset=offset)
    with pytest.raises(ValueError, match="photo_set must hold at least one picture"):
        data.PackSampler(data.PhotoSet.of([], []))
    with pytest.raises(ValueError, match="stride must be an integer of at least 1, got 0"):
        data.PackSampler(photos, stride=0)
    with pytest.raises(TypeError, match="seed must be an integer, got float"):
        data.PackSampler(photos, seed=1.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_cuts_the_same_crops(photos):
    there = photos.to("cuda")
    here, far = (data.PackSampler(p, size=40, batch=64, seed=5, stride=3, offset=1) for p in (photos, there))
    assert torch.equal(far.batch_at(9).cpu(), here.batch_at(9))
    assert there.sha256() == photos.sha256() and torch.equal(there.picture(1).cpu(), photos.picture(1))
    with pytest.raises(ValueError, match="other must be on cuda:0 as well, got cpu"):
        far.pair_at(0, photos)
