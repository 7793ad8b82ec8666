"""Image files of any folder, as tensors."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..storage import DataError, missing_package
from .sampling import downsample2

if TYPE_CHECKING:
    from PIL import Image

#: What counts as an image in a folder, in lower case; upper case counts as well.
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp")

#: EXIF orientation -> (swap rows and columns, then flip up-down, then flip left-right).
_ORIENTATIONS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def image_folder(path: str | os.PathLike[str]) -> list[Path]:
    """Return the image files in a folder and in all folders below it.

    Parameters
    ----------
    path : path
        Any folder.  Files ending in png, jpg, jpeg, tif, tiff, bmp or webp count, in upper or lower case; files
        and folders whose names begin with a dot do not (some systems leave hidden copies beside the images).
        Links to files count; links to folders are not followed, since they may lead round in a circle.

    Returns
    -------
    list of Path
        Sorted by path, so that every machine sees the same order.  The files are not opened here.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder, or it is a file.
    DataError
        If it holds no image, or cannot be read.
    """
    folder = Path(path).expanduser()
    if not folder.exists():
        raise FileNotFoundError(f"image folder {folder} does not exist")
    if not folder.is_dir():
        raise NotADirectoryError(f"image folder {folder} is a file; give the folder that holds the images")

    def refuse(error: OSError) -> None:
        raise DataError(f"cannot read the image folder {error.filename}: {error.strerror}") from error

    found = []
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]  # walk enters what is left in the list
        shown = (name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith("."))
        found += [Path(parent) / name for name in shown]
    if not found:
        raise DataError(f"image folder {folder} holds no image (looked for {', '.join(SUFFIXES)}, in subfolders too)")
    return sorted(found, key=lambda file: file.relative_to(folder).as_posix())


def read_image(path: str | os.PathLike[str]) -> Tensor:
    """Return an image file as a float32 tensor of shape (1, 3, H, W) in [0, 1].

    Convention
    ----------
    Values are divided by 255 (8 bits) or 65535 (16 bits).  Grey is repeated to three channels, palettes are
    looked up, CMYK is converted by Pillow.  Transparency is dropped: the pixel's own colour counts.  The EXIF
    orientation is applied.  Of several frames the first counts.  A colour profile is ignored.  PNG files with
    16 bits a colour are read at 8 bits, with a warning (Pillow knows no more of them); as TIFF they keep all 16.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DataError
        If it cannot be read as an image; the message names the path and the reason.
    """
    array = _pixels(Path(path).expanduser())
    scale = 65535.0 if array.dtype == np.uint16 else 255.0
    return torch.from_numpy(array.astype(np.float32) / np.float32(scale)).permute(2, 0, 1)[None].contiguous()


def load_images(paths: Iterable[str | os.PathLike[str]], *, downsample: bool = False) -> list[Tensor]:
    """Read images into memory as uint8 tensors of shape (3, H, W), for `PatchSampler`.

    Parameters
    ----------
    paths : iterable of path
        Such as `bsds500` and `image_folder` return.
    downsample : bool
        Halve both sides first (`downsample2`), rounded to 8 bits again.  JPEG files have halved colour
        resolution and block traces; at half size they make fair targets for demosaicking and JPEG repair.

    Raises
    ------
    FileNotFoundError, DataError
        As `read_image`.
    ValueError
        If a side is below 2 pixels and `downsample` is set.
    """
    images = []
    for path in paths:
        x = read_image(path)
        if downsample:
            x = downsample2(x)
        images.append((x[0] * 255).round().to(torch.uint8))
    return images


def _pixels(path: Path) -> np.ndarray[Any, Any]:
    """Return the file's pixels, upright, as an (H, W, 3) array of uint8 or uint16."""
    if not path.exists():
        raise FileNotFoundError(f"image file {path} does not exist")
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise missing_package("Pillow", "reading an image file") from error
    try:
        with Image.open(path) as picture:
            array = _decode(picture, path)
            orientation = picture.getexif().get(0x0112, 1)
    # Pillow and its codecs raise many kinds of errors on damaged files; each of them means the same here.
    except Exception as error:
        raise DataError(f"cannot read the image {path}: {error}") from error
    if orientation in _ORIENTATIONS:
        swap, vertical, horizontal = _ORIENTATIONS[orientation]
        array = array.swapaxes(0, 1) if swap else array
        array = array[:: -1 if vertical else 1, :: -1 if horizontal else 1]
    return array


def _decode(picture: Image.Image, path: Path) -> np.ndarray[Any, Any]:
    """Return (H, W, 3) pixels, 16-bit where the file is and a decoder is at hand."""
    # Older versions of Pillow widen 16-bit grey PNG files to 32-bit integers.
    deep_grey = picture.mode.startswith("I;16") or (picture.mode, picture.format) == ("I", "PNG")
    if picture.mode in ("I", "F") and not deep_grey:
        kind = "32-bit integers" if picture.mode == "I" else "floating-point numbers"
        raise ValueError(f"its pixels are {kind}, which have no nominal range; save it with 8 or 16 bits")
    # Pillow opens every depth in modes of 8 bits, and misreads some (12 bits, planes of 16) without a word:
    # a TIFF's own tag and, for the other formats, the name of Pillow's decoder tell the depth.
    if picture.format == "TIFF":
        depth = max(getattr(picture, "tag_v2", {}).get(258) or (1,))
    else:
        depth = 16 if any(";16" in str(tile[3]) for tile in getattr(picture, "tile", ())) else 8
    if depth > 8 and depth != 16:
        raise ValueError(f"it has {depth} bits a sample; save it with 8 or 16 bits")
    if deep_grey:
        return np.repeat(np.asarray(picture).astype(np.uint16)[..., None], 3, axis=2)
    if depth == 16 and picture.format == "TIFF":
        return _decode_tiff(path)
    if depth == 16:
        warnings.warn(f"{path} has 16 bits a colour and is read at 8 bits; a TIFF keeps all 16", stacklevel=5)
    return np.asarray(picture.convert("RGB"))


def _decode_tiff(path: Path) -> np.ndarray[Any, Any]:
    """Read a TIFF with 16 bits a colour; tifffile comes with scikit-image."""
    try:
        import tifffile
    except ModuleNotFoundError as error:
        raise missing_package("tifffile", "reading a 16-bit colour TIFF") from error
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        array, axes = page.asarray(), page.axes
    if axes == "SYX":
        array = np.moveaxis(array, 0, -1)
    if array.ndim != 3 or array.dtype != np.uint16:
        raise ValueError(f"unknown layout: axes {axes}, {array.dtype}; save it as 16-bit RGB")
    return array[..., :3]
