"""The user's own image files."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image, ImageOps
from skimage import io as skimage_io

import lossedu.data as data


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def as_tensor(array: np.ndarray) -> torch.Tensor:
    scale = np.iinfo(array.dtype).max
    return torch.from_numpy(array.astype(np.float32) / np.float32(scale)).permute(2, 0, 1)[None]


@pytest.mark.parametrize("suffix", ["png", "PNG", "bmp", "tif", "tiff", "webp"])
def test_eight_bit_colour(tmp_path, suffix):
    pixels = noise(7, 9, 3)
    Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", **({"lossless": True} if suffix == "webp" else {}))
    x = data.read_image(str(tmp_path / f"a.{suffix}"))
    assert x.dtype == torch.float32 and x.is_contiguous()
    torch.testing.assert_close(x, as_tensor(pixels), rtol=0, atol=0)


def test_jpeg(tmp_path):
    Image.fromarray(noise(16, 16, 3)).save(tmp_path / "a.jpg")
    expected = torch.from_numpy(skimage_io.imread(tmp_path / "a.jpg").copy())
    assert torch.equal((data.read_image(tmp_path / "a.jpg")[0] * 255).round().byte(), expected.permute(2, 0, 1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_grey_becomes_three_channels(tmp_path, dtype, suffix):
    pixels = noise(7, 9, dtype=dtype)
    Image.fromarray(pixels).save(tmp_path / f"a.{suffix}")
    expected = as_tensor(np.repeat(pixels[..., None], 3, axis=2))
    torch.testing.assert_close(data.read_image(tmp_path / f"a.{suffix}"), expected, rtol=0, atol=0)


@pytest.mark.parametrize("planar", [None, "separate"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colour_tiff_keeps_all_bits(tmp_path, channels, planar):
    pixels = noise(7, 9, channels, dtype=np.uint16)
    stored = pixels if planar is None else np.moveaxis(pixels, -1, 0)
    extra = ["unassalpha"] if channels == 4 else []
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", planarconfig=planar, extrasamples=extra)
    torch.testing.assert_close(data.read_image(tmp_path / "a.tif"), as_tensor(pixels[..., :3]), rtol=0, atol=0)


def test_sixteen_bit_colour_png_warns(tmp_path):
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    pixels = noise(4, 5, 3, dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", 5, 4, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(png)
    with pytest.warns(UserWarning, match=r"a\.png has 16 bits a colour and is read at 8 bits"):
        x = data.read_image(tmp_path / "a.png")
    torch.testing.assert_close(x, as_tensor(pixels), rtol=0, atol=1 / 255)


def test_grey_png_as_older_versions_of_pillow_open_it(tmp_path, monkeypatch):
    pixels = noise(7, 9, dtype=np.uint16)
    opened = Image.fromarray(pixels.astype(np.int32))
    opened.format = "PNG"
    (tmp_path / "a.png").touch()
    monkeypatch.setattr(Image, "open", lambda path: opened)
    expected = as_tensor(np.repeat(pixels[..., None], 3, axis=2))
    torch.testing.assert_close(data.read_image(tmp_path / "a.png"), expected, rtol=0, atol=0)


def test_transparency_is_dropped_and_palettes_are_looked_up(tmp_path):
    pixels = noise(7, 9, 4)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    torch.testing.assert_close(data.read_image(tmp_path / "a.png"), as_tensor(pixels[..., :3]), rtol=0, atol=0)
    palette = Image.fromarray(noise(7, 9, 3)).quantize(16)
    palette.save(tmp_path / "p.png")
    torch.testing.assert_close(data.read_image(tmp_path / "p.png"), as_tensor(np.asarray(palette.convert("RGB"))))


def test_twelve_bits_are_refused_rather_than_misread(tmp_path):
    picture = Image.fromarray(noise(7, 9, dtype=np.uint16))
    picture.save(tmp_path / "a.tif", tiffinfo={258: 12})
    content = bytearray((tmp_path / "a.tif").read_bytes())
    entry = content.index(b"\x02\x01\x03\x00\x01\x00\x00\x00")  # BitsPerSample, one short
    content[entry + 8] = 12
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(data.DataError, match="12 bits a sample"):
        data.read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(tmp_path, orientation):
    picture = Image.fromarray(noise(7, 9, 3))
    exif = picture.getexif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as opened:
        upright = np.asarray(ImageOps.exif_transpose(opened))
    torch.testing.assert_close(data.read_image(tmp_path / "a.png"), as_tensor(upright), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("text.png", b"not an image at all", "cannot identify image file"),
        ("empty.jpg", b"", "cannot identify image file"),
    ],
)
def test_unreadable(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(data.DataError, match=reason) as caught:
        data.read_image(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_truncated(tmp_path):
    buffer = io.BytesIO()
    Image.fromarray(noise(64, 64, 3)).save(buffer, "JPEG")
    (tmp_path / "cut.jpg").write_bytes(buffer.getvalue()[:1000])
    with pytest.raises(data.DataError, match=r"cannot read the image .*cut\.jpg: .*truncated"):
        data.read_image(tmp_path / "cut.jpg")


def test_pixels_without_a_range(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "f.tif")
    with pytest.raises(data.DataError, match="floating-point numbers, which have no nominal range"):
        data.read_image(tmp_path / "f.tif")


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.png does not exist"):
        data.read_image(tmp_path / "nothing.png")


def test_image_folder(tmp_path):
    for name in ("b.png", "a.JPG", "sub/deeper/c.webp", "note.txt", "._a.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = [path.relative_to(tmp_path).as_posix() for path in data.image_folder(str(tmp_path))]
    assert found == ["a.JPG", "b.png", "sub/deeper/c.webp"]


def test_image_folder_says_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        data.image_folder(tmp_path / "nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        data.image_folder(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    with pytest.raises(data.DataError, match=r"empty holds no image \(looked for .png"):
        data.image_folder(tmp_path / "empty")


def test_load_images(tmp_path):
    pixels = noise(8, 10, 3)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (full,) = data.load_images(data.image_folder(tmp_path))
    assert full.dtype == torch.uint8 and torch.equal(full, torch.from_numpy(pixels).permute(2, 0, 1))
    (half,) = data.load_images([tmp_path / "a.png"], downsample=True)
    mean = pixels.reshape(4, 2, 5, 2, 3).astype(float).mean(axis=(1, 3))
    assert half.shape == (3, 4, 5)
    assert np.abs(half.permute(1, 2, 0).numpy() - mean).max() <= 0.5


def test_hidden_folders_and_linked_folders_are_not_entered(tmp_path):
    photos = tmp_path / "photos"
    for folder in (photos, photos / ".thumbnails" / "deep", tmp_path / "elsewhere"):
        folder.mkdir(parents=True)
        (folder / "a.png").touch()
    (photos / "round").symlink_to(photos, target_is_directory=True)
    (photos / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (photos / "b.png").symlink_to(tmp_path / "elsewhere" / "a.png")
    assert [p.relative_to(photos).as_posix() for p in data.image_folder(photos)] == ["a.png", "b.png"]
