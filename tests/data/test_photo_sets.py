"""The photo sets of a study: which picture is where, what was done to it, and what is said where there are none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import lossedu.data as data
from lossedu import cli
from lossedu.data import pantry, recipes
from lossedu.data.recipes import Recipe


def save(x: torch.Tensor, path: Path, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((x[0] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()).save(path, **options)
    return path


def parts(name: str, number: int, height: int = 63, width: int = 80) -> list[torch.Tensor]:
    """Parts of a photograph that do not overlap."""
    x = data.photograph(name)
    columns = x.shape[-1] // width
    return [data.crop(x, height * (k // columns), width * (k % columns), (height, width)) for k in range(number)]


@pytest.fixture
def folder(tmp_path) -> Path:
    """Twelve pictures."""
    for number, part in enumerate(parts("coffee", 12)):
        save(part, tmp_path / "mine" / f"{number:02}.png")
    return tmp_path / "mine"


@pytest.fixture
def free(cache, tmp_path, monkeypatch) -> Path:
    """A data folder with a few "free" photographs; the cache is empty."""
    own = tmp_path / "own"
    for number, part in enumerate(parts("coffee", 4)):
        save(part, own / "photos" / "train" / "free" / f"{number}.png")
    save(parts("astronaut", 1)[0], own / "photos" / "test" / "free" / "0.png")
    monkeypatch.setenv("LOSSEDU_DATA", str(own))
    return own


def rounded(x: torch.Tensor) -> torch.Tensor:
    return (x * 255).round() / 255


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    status = cli.main(["data", "pack", *map(str, arguments)])
    out, err = capsys.readouterr()
    return status, out, err


# --- what is in them ---


def test_a_folder(folder):
    sets = data.photo_sets(folder)
    assert {split: len(photos) for split, photos in sets.items()} == {
        "train": 10,
        "val": 1,
        "test": 1,
        "test/original": 1,
        "train/jpeg25": 10,
        "val/jpeg25": 1,
        "test/jpeg25": 1,
        "test/original/jpeg25": 1,
    }
    names = [name for split in ("train", "val", "test") for name in sets[split].names]
    assert sorted(names) == [f"{number:02}.png" for number in range(12)] and list(sets["train"].names) == sorted(
        names[:10]
    )
    for split in ("train", "val", "test"):
        for index, name in enumerate(sets[split].names):
            whole = F.pad(data.read_image(folder / name), (0, 0, 0, 1), mode="replicate")
            assert torch.equal(sets[split].picture(index), rounded(data.downsample2(whole)))
            repaired = sets[f"{split}/jpeg25"].picture(index)
            assert torch.equal(repaired, data.jpeg(sets[split].picture(index), quality=25))
    assert torch.equal(sets["test/original"].picture(0), data.read_image(folder / sets["test"].names[0]))
    again = data.photo_sets(str(folder))
    assert {split: photos.sha256() for split, photos in sets.items()} == {s: p.sha256() for s, p in again.items()}


def test_names_decide_and_not_their_order():
    names = [f"{number}.png" for number in range(57)]
    dealt = recipes.split_by_names(names)
    assert {split: len(numbers) for split, numbers in dealt.items()} == {"train": 45, "test": 6, "val": 6}
    assert sorted(number for numbers in dealt.values() for number in numbers) == list(range(57))
    backwards = recipes.split_by_names(names[::-1])
    for split, numbers in dealt.items():
        assert {names[n] for n in numbers} == {names[::-1][n] for n in backwards[split]}
    assert recipes.split_by_names(names, val=False, test=False) == {"train": list(range(57))}
    assert set(recipes.split_by_names(names, test=False)) == {"train", "val"}


def test_the_embedded_photographs(cache):
    sets = data.photo_sets("embedded")
    assert sets["train"].names == ("astronaut", "chelsea", "coffee")
    assert sets["train"].shapes.tolist() == [[256, 256], [300, 451], [200, 300]]
    assert (sets["val"].shapes.tolist(), sets["test"].shapes.tolist()) == ([[177, 177]], [[214, 320]])
    assert all(min(photos.shapes.flatten().tolist()) >= 161 for photos in sets.values()), "MS-SSIM has five scales"
    assert torch.equal(sets["train"].picture(1), data.photograph("chelsea"))
    assert torch.equal(sets["train"].picture(0), rounded(data.downsample2(data.photograph("astronaut"))))
    rocket = data.crop(data.photograph("rocket"), (427 - 161) // 2, (640 - 241) // 2, (161, 241))
    assert torch.equal(sets["test/original"].picture(0), rocket)
    assert torch.equal(sets["test/original/jpeg25"].picture(0), data.jpeg(rocket, quality=25))
    assert sets.about["recipe"]["jpeg"] == [25] and sets.about["made_with"]["pillow"] and "CC0" in sets.about["terms"]
    assert not cache.exists(), "they are at hand anyway"


def test_bsds500(photographs):
    sets = pantry.make_collection("bsds500", Recipe(jpeg=()))
    assert {split: len(photos) for split, photos in sets.items()} == {
        "train": 200,
        "val": 32,
        "test": 68,
        "test/original": 68,
    }
    for photos in sets.values():
        assert {tuple(sorted(shape)) for shape in photos.shapes.tolist()} == {(161, 241)}
    assert sets["test"].names == tuple(path.stem for path in data.cbsd68())
    x = data.read_image(data.cbsd68()[5])
    height, width = x.shape[-2:]
    whole = F.pad(x, (0, 1, 0, 1), mode="replicate")
    assert torch.equal(sets["test"].picture(5), rounded(data.downsample2(whole)))
    middle = x[..., height // 4 : height // 4 + (height + 1) // 2, width // 4 : width // 4 + (width + 1) // 2]
    assert torch.equal(sets["test/original"].picture(5), middle)
    assert len({name for split in ("train", "val", "test") for name in sets[split].names}) == 300


def test_large_pictures_for_the_test_are_cropped_and_those_for_training_are_not(tmp_path):
    x = data.photograph("astronaut")
    save(x, tmp_path / "train" / "a.png")
    save(x.flip(-1), tmp_path / "val" / "b.png")
    save(x.flip(-2), tmp_path / "test" / "c.png")
    sources = pantry.folder_sources(tmp_path / "train", tmp_path / "test", tmp_path / "val")
    sets = recipes.make_sets("own", sources, Recipe(halvings=0, jpeg=(10, 90)), terms="")
    assert "test/original" not in sets and {"val/jpeg10", "val/jpeg90"} <= set(sets)
    assert sets["train"].shapes.tolist() == [[512, 512]] and sets["val"].shapes.tolist() == [[384, 384]]
    assert torch.equal(sets["test"].picture(0), x.flip(-2)[..., 64:448, 64:448])


# --- no picture in two splits ---


@pytest.mark.parametrize("how", ["copy", "jpeg", "half", "flat"])
def test_a_picture_in_two_splits_is_refused(folder, tmp_path, how):
    x = data.crop(data.photograph("chelsea"), 0, 0, (300, 400)) if how != "flat" else torch.full((1, 3, 40, 40), 0.5)
    twin = save(x, folder / "twin.png")
    test = tmp_path / "test" / ("b.jpg" if how == "jpeg" else "b.png")
    save(data.downsample2(x) if how == "half" else x, test, **({"quality": 25} if how == "jpeg" else {}))
    sources = pantry.folder_sources(folder, tmp_path / "test", None)
    with pytest.raises(data.DataError, match="are the same picture; a test picture must not be trained on") as caught:
        recipes.make_sets("own", sources, Recipe(), terms="")
    assert str(twin) in str(caught.value) and str(test) in str(caught.value)


def test_neighbours_in_one_photograph_are_two_pictures(tmp_path):
    x = data.photograph("chelsea")
    save(data.crop(x, 50, 50, 200), tmp_path / "a" / "a.png")
    save(data.crop(x, 50, 58, 200), tmp_path / "a" / "b.png")
    save(data.crop(x, 60, 50, 200), tmp_path / "b" / "c.png")
    # Dark pictures are close to each other, and yet not the same.
    save(data.crop(x, 50, 150, 100) / 64, tmp_path / "a" / "dark.png")
    save(data.crop(x, 50, 250, 100) / 64, tmp_path / "b" / "dark.png")
    recipes.make_sets("own", pantry.folder_sources(tmp_path / "a", tmp_path / "b"), Recipe(jpeg=()), terms="")


def test_too_few_pictures(tmp_path):
    for number, part in enumerate(parts("coffee", 2)):
        save(part, tmp_path / "two" / f"{number}.png")
    with pytest.raises(data.DataError, match="two holds 2 pictures, too few for 3 splits"):
        data.photo_sets(tmp_path / "two")
    save(parts("astronaut", 1)[0], tmp_path / "test" / "0.png")
    assert len(pantry.folder_sources(tmp_path / "two", tmp_path / "test")["val"]) == 1
    with pytest.raises(data.DataError, match="the split 'val' of own has no picture"):
        recipes.make_sets("own", {"val": []}, Recipe(), terms="")


# --- where they are looked for ---


def test_they_are_made_once(free, cache, monkeypatch):
    first = data.photo_sets("free")
    assert {split: len(photos) for split, photos in first.items() if "jpeg" not in split} == {
        "train": 3,
        "val": 1,
        "test": 1,
    }
    assert (cache / "packs" / "free.npz").is_file()
    monkeypatch.setattr(pantry, "make_sets", None)
    again = data.photo_sets("free")
    assert {split: photos.sha256() for split, photos in first.items()} == {s: p.sha256() for s, p in again.items()}


def test_what_does_not_serve_in_the_cache_is_made_anew(free, cache, folder, capsys, monkeypatch):
    expected = data.photo_sets("free")["train"].sha256()
    kept = cache / "packs" / "free.npz"
    kept.write_bytes(kept.read_bytes()[:-100])
    assert data.photo_sets("free")["train"].sha256() == expected
    assert data.read_pack(kept)["train"].sha256() == expected
    # A pack of other pictures under that name, made in the same way but not from that collection.
    for arguments in (["--full", folder], ["free", "--jpeg", "10"]):
        assert run(capsys, *arguments, "--out", kept)[0] == 0
        assert data.photo_sets("free")["train"].sha256() == expected
    monkeypatch.setattr(recipes, "EDITION", 99)
    assert data.photo_sets("free").about["recipe"]["edition"] == 99


def test_the_data_folder_comes_first_and_is_left_alone(free, cache, capsys):
    own = free / "packs" / "free.npz"
    assert run(capsys, "free", "--out", own)[0] == 0
    for part in (free / "photos" / "train" / "free").iterdir():
        part.unlink()
    assert len(data.photo_sets("free")["train"]) == 3 and not cache.exists()
    before = own.read_bytes()[:-100]
    own.write_bytes(before)
    with pytest.raises(data.DataError, match=r"free\.npz is no pack, or a damaged one"):
        data.photo_sets("free")
    assert own.read_bytes() == before


def test_a_pack_of_another_recipe_in_the_data_folder_is_refused(free, capsys):
    assert run(capsys, "free", "--jpeg", "--out", free / "packs" / "free.npz")[0] == 0
    with pytest.raises(
        data.DataError, match=r"made in another way .*'jpeg': \[\].* than 'free' is now .*\[25\].*remove"
    ):
        data.photo_sets("free")


def test_a_cache_that_cannot_be_written_costs_time_only(free, cache):
    cache.write_text("a file in the place of the folder")
    assert len(data.photo_sets("free")["train"]) == 3


def test_without_photographs(cache, tmp_path, monkeypatch):
    with pytest.raises(
        data.DataError, match=r"300 of the 300 .*lossedu data fetch bsds500  and  lossedu data fetch cbsd"
    ):
        data.photo_sets("bsds500")
    with pytest.raises(data.DataError, match="set LOSSEDU_DATA to the folder that holds photos/train/free"):
        data.photo_sets("free")
    monkeypatch.setenv("LOSSEDU_DATA", str(tmp_path))
    with pytest.raises(data.DataError, match="set LOSSEDU_DATA to the folder that holds photos/train/free"):
        data.photo_sets("free")


def test_without_photographs_and_without_packages(monkeypatch):
    monkeypatch.delenv("LOSSEDU_CACHE", raising=False)
    monkeypatch.delenv("LOSSEDU_DATA", raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    for name in ("bsds500", "embedded"):
        with pytest.raises(data.DataError, match=rf"cannot be made: .*lossedu data pack {name} --out {name}\.npz"):
            data.photo_sets(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "div2k",
            "no pack or folder 'div2k'; known are bsds500, free, embedded, .*lossedu data pack div2k --train DIR",
        ),
        ("nowhere/photos", "no folder or pack 'nowhere/photos'; lossedu data pack --help"),
        ("", "no folder or pack ''"),
        ("nowhere/a.npz", r"no pack nowhere/a\.npz; make one with  lossedu data pack NAME"),
    ],
)
def test_unknown_names(cache, name, reason):
    with pytest.raises(data.DataError, match=reason):
        data.photo_sets(name)


# --- the command ---


def test_command(folder, cache, capsys):
    status, out, err = run(capsys, folder)
    assert status == 0 and "12 of 12" in err
    assert "train/jpeg25" in out and "10      32x40      32x40" in out and "experiments find it as 'mine'" in out
    assert str(cache / "packs" / "mine.npz") in out and "local use" in out
    assert len(data.photo_sets("mine")["train"]) == 10 and data.photo_sets("mine").about["name"] == "mine"


def test_command_with_options(folder, cache, tmp_path, capsys):
    for number, part in enumerate(parts("astronaut", 2)):
        save(part, tmp_path / "other" / f"{number}.png")
    test, val = save(parts("chelsea", 2)[1], tmp_path / "test" / "a.png"), tmp_path / "other"
    status, out, _ = run(capsys, "a", "--train", folder, "--val", val, "--test", test.parent, "--full", "--jpeg", 30, 5)
    assert status == 0 and "experiments find it as 'a-full-jpeg5-30'" in out
    sets = data.photo_sets("a-full-jpeg5-30")
    assert [len(sets[split]) for split in ("train", "val", "test")] == [12, 2, 1]
    assert sets["train"].shapes[0].tolist() == [63, 80] and {"test/jpeg5", "test/jpeg30"} < set(sets)
    status, out, _ = run(capsys, "b", "--train", folder, "--out", tmp_path / "b.npz", "--jpeg")
    assert status == 0 and "find it" not in out
    assert set(data.photo_sets(tmp_path / "b.npz")) == {"train", "val", "test", "test/original"}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ["nothing"],
            "NAME must be one of bsds500, free, embedded, a folder of images, or a name together with --train",
        ),
        (
            ["bsds500", "--test", "."],
            "'bsds500' is a known collection: with --train, --val or --test take another NAME",
        ),
        (["own", "--val", "."], "--val and --test need --train"),
        (["own", "--train", "nowhere"], "image folder nowhere does not exist"),
        (["embedded", "--out", "a.zip"], "--out must end in .npz, got a.zip"),
        (["bsds500"], "could not fetch"),
    ],
)
def test_command_with_bad_input(cache, capsys, arguments, reason):
    status, _, err = run(capsys, *arguments)
    assert status == 1 and reason in err and "Traceback" not in err
    assert not list(cache.rglob("*.npz"))


def test_a_folder_named_as_a_collection(cache, folder, capsys):
    taken = folder.rename(folder.with_name("bsds500"))
    status, _, err = run(capsys, taken)
    assert status == 1 and "would be taken for the collection 'bsds500'" in err


@pytest.mark.parametrize("quality", ["0", "101", "-1", "high", "25.5"])
def test_qualities_are_checked_before_anything_is_read(cache, capsys, quality):
    with pytest.raises(SystemExit) as caught:
        run(capsys, "embedded", f"--jpeg={quality}")
    assert caught.value.code == 2 and "from 1 to 100" in capsys.readouterr().err


def test_without_a_known_cache_the_command_asks_for_a_place(folder, capsys, monkeypatch):
    monkeypatch.delenv("LOSSEDU_CACHE", raising=False)
    monkeypatch.setitem(sys.modules, "pooch", None)
    status, _, err = run(capsys, folder)
    assert status == 1 and "set LOSSEDU_CACHE, or say with --out" in err
