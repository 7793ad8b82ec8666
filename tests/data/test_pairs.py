"""Pairs of folders, and the layouts in which FiveK goes round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lossedu.data import DataError, fivek_pairs, load_pair, paired_folders


def put(folder: Path, *names: str, size: tuple[int, int] = (4, 3), level: int = 100) -> Path:
    """Write small pictures of one level, (width, height), and return the folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, (level, level, level)).save(path)
    return folder


def found(pairs: list[tuple[str, Path, Path]], root: Path) -> list[tuple[str, str, str]]:
    return [(name, a.relative_to(root).as_posix(), b.relative_to(root).as_posix()) for name, a, b in pairs]


def test_names_without_endings(tmp_path: Path) -> None:
    low = put(tmp_path / "low", "b.png", "a.jpg", ".hidden.png", "c.x.png")
    high = put(tmp_path / "high", "a.png", "b.PNG", "c.x.bmp")
    (high / "notes.txt").write_text("no picture")
    assert found(paired_folders(low, str(high)), tmp_path) == [
        ("a", "low/a.jpg", "high/a.png"),
        ("b", "low/b.png", "high/b.PNG"),
        ("c.x", "low/c.x.png", "high/c.x.bmp"),
    ]


def test_folders_below(tmp_path: Path) -> None:
    low = put(tmp_path / "low", "one/a.png", "two/a.png")
    high = put(tmp_path / "high", "one/a.jpg", "two/a.jpg")
    assert [name for name, *_ in paired_folders(low, high)] == ["one/a", "two/a"]
    deep, flat = put(tmp_path / "deep", "x/y/a.png", "x/b.png"), put(tmp_path / "flat", "a.png", "b.png")
    assert [name for name, *_ in paired_folders(deep, flat)] == ["a", "b"]


def test_without_partner(tmp_path: Path) -> None:
    low = put(tmp_path / "low", *(f"{n}.png" for n in range(6)))
    high = put(tmp_path / "high", "0.png", "9.png")
    with pytest.raises(DataError) as caught:
        paired_folders(low, high)
    message = str(caught.value)
    assert f"1 pictures of {low} and {high} have the same name" in message
    assert "5 (1, 2, 3, ...) of 6 inputs and 1 (9) of 2 targets have no partner" in message
    assert "a0001.tif and a0001.jpg" in message and "missing='skip'" in message
    assert [name for name, *_ in paired_folders(low, high, missing="skip")] == ["0"]


def test_nothing_in_common(tmp_path: Path) -> None:
    low, high = put(tmp_path / "low", "a.png"), put(tmp_path / "high", "b.png")
    for missing in ("error", "skip"):
        with pytest.raises(DataError, match=r"^0 pictures of .*1 \(a\) of 1 inputs and 1 \(b\) of 1 targets") as caught:
            paired_folders(low, high, missing=missing)
        assert "skip" not in str(caught.value)


def test_bad_folders(tmp_path: Path) -> None:
    low = put(tmp_path / "low", "a.png", "a.jpg")
    high = put(tmp_path / "high", "a.png")
    with pytest.raises(DataError, match=r"low holds 1 \(a\) more than once with other endings"):
        paired_folders(low, high)
    with pytest.raises(ValueError, match=r"inputs and targets must be two folders, got .*high for both"):
        paired_folders(high, tmp_path / "low" / ".." / "high")
    with pytest.raises(ValueError, match="missing must be one of 'error', 'skip', got 'ignore'"):
        paired_folders(low, high, missing="ignore")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        paired_folders(low, tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no image"):
        paired_folders(tmp_path / "empty", high)


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        ("input", "expertC"),
        ("input/JPG/480p", "expertC/JPG/480p"),
        ("input", "expertC_gt"),
        ("raw", "c"),
        ("original", "tiff16_c"),
        ("Input", "Expert_C"),
        ("INPUT", "Expert C"),
    ],
)
def test_layouts_of_fivek(tmp_path: Path, inputs: str, targets: str) -> None:
    names = ["a0001-jmac_DSC1459", "a1384-dvf_095"]
    put(tmp_path / inputs, *(f"{name}.png" for name in names), level=50)
    put(tmp_path / targets, *(f"{name}.jpg" for name in names), level=90)
    put(tmp_path / targets.replace("C", "B").replace("c", "b"), *(f"{name}.jpg" for name in names), level=200)
    pairs = fivek_pairs(tmp_path)
    assert found(pairs, tmp_path) == [(name, f"{inputs}/{name}.png", f"{targets}/{name}.jpg") for name in names]
    x, y = load_pair(*pairs[0][1:])
    assert (255 * x.mean()).round() == 50 and (255 * y.mean()).round() == 90
    _, y = load_pair(*fivek_pairs(tmp_path, expert="B")[0][1:])
    assert (255 * y.mean()).round() == 200


def test_other_sizes_beside_the_usual_one(tmp_path: Path) -> None:
    """The widely used export has several copies of the inputs."""
    put(tmp_path / "input", "JPG/480p/a.jpg", "JPG/original/a.jpg", "PNG/480p_16bits_XYZ_WB/a.png")
    put(tmp_path / "expertC", "JPG/480p/a.jpg")
    assert found(fivek_pairs(tmp_path), tmp_path) == [("a", "input/JPG/480p/a.jpg", "expertC/JPG/480p/a.jpg")]


def test_what_is_no_fivek(tmp_path: Path) -> None:
    put(tmp_path, "low/a.png", "expertA/a.png")
    with pytest.raises(DataError) as caught:
        fivek_pairs(tmp_path)
    message = str(caught.value)
    assert "must have one folder for expert C, called expertc or expertcgt or tiff16c or c" in message
    assert "got expertA, low; give other folders to paired_folders" in message
    with pytest.raises(DataError, match=r"one folder for the inputs, called input or inputs or original .*got expertA"):
        fivek_pairs(tmp_path, expert="A")
    put(tmp_path, "input/a.png", "raw/a.png")
    with pytest.raises(DataError, match="got the folders input, raw"):
        fivek_pairs(tmp_path, expert="A")
    with pytest.raises(ValueError, match="expert must be one of 'A', 'B', 'C', 'D', 'E', got 'c'"):
        fivek_pairs(tmp_path, expert="c")
    with pytest.raises(FileNotFoundError, match=r"FiveK folder .* does not exist"):
        fivek_pairs(tmp_path / "none")
    with pytest.raises(NotADirectoryError, match="is a file; give the folder that holds input and expertC"):
        fivek_pairs(tmp_path / "low" / "a.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="got none;"):
        fivek_pairs(tmp_path / "empty")


def test_a_pair(tmp_path: Path) -> None:
    put(tmp_path, "a.png", level=51)
    Image.fromarray(np.full((3, 4), 255, np.uint8)).save(tmp_path / "b.png")
    x, y = load_pair(tmp_path / "a.png", tmp_path / "b.png")
    assert x.shape == y.shape == (1, 3, 3, 4) and str(x.dtype) == "torch.float32"
    assert x.unique().item() == pytest.approx(0.2) and y.unique().item() == 1


def test_pictures_of_other_sizes(tmp_path: Path) -> None:
    put(tmp_path, "a.png")
    put(tmp_path, "b.png", size=(5, 3))
    put(tmp_path, "c.png", size=(3, 4))
    with pytest.raises(ValueError, match=r"same height and width, got: .*a.png has 3 x 4, .*b.png has 3 x 5$"):
        load_pair(tmp_path / "a.png", tmp_path / "b.png")
    with pytest.raises(ValueError, match=r"a.png has 3 x 4, .*c.png has 4 x 3; one of them lies on its side"):
        load_pair(tmp_path / "a.png", tmp_path / "c.png")
    with pytest.raises(FileNotFoundError):
        load_pair(tmp_path / "a.png", tmp_path / "d.png")
