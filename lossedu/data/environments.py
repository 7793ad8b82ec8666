"""Panoramas in linear light: six that come with Blender, and any OpenEXR file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .. import _validate
from ..storage import DataError, cache_folder, locate

#: The panoramas that are known by name, and the SHA-256 of their files.
PANORAMAS = {
    "city": "70940108df90c0721799d29f758ca79e67e509d9a2636487e639db7779561524",
    "forest": "63ad3243d0f9c29bd1f51b9a3bbf5c0ad25ea39299698dba6cfc29d1660d6008",
    "interior": "4f6810b182ade346eac6964bf02405adf430c321b8853a644316af4e05d0fdb5",
    "night": "a46488f5cb744f325abc9f5af3c3eeb5d9393df69b5178fbe727538522120045",
    "studio": "e501dd8a1172bd0e03903ede7f452300f8368448fe74720600338304d79281d9",
    "sunset": "a164f20b86bc43ba4afd66c988a20a9dd5f1a0a5d8e960aed57a33f78119c168",
}


@dataclass(frozen=True)
class _File:
    """A panorama's file, as `locate` asks for it."""

    label: str
    path: str
    sha256: str


def panorama(name: str) -> Tensor:
    """Return one of the six panoramas by Greg Zaal (CC0) that come with Blender, float32 (1, 3, 512, 1024).

    Parameters
    ----------
    name : str
        A key of `PANORAMAS`: "city", "forest", "interior", "night", "studio" or "sunset".

    Raises
    ------
    ValueError
        If `name` is another one.
    DataError
        If the file is in neither $LOSSEDU_DATA/pairs/hdr nor pairs/hdr of the cache, or is another file.
    ImportError
        If the package OpenEXR is not installed.
    """
    _validate.option("name", name, PANORAMAS)
    entry = _File(f"{name}.exr", f"pairs/hdr/{name}.exr", PANORAMAS[name])
    path = locate(entry)
    if path is None:
        raise DataError(
            f"the panorama {name} is neither $LOSSEDU_DATA/{entry.path} nor {cache_folder() / entry.path}; it is "
            f"datafiles/studiolights/world/{name}.exr of Blender"
        )
    return read_panorama(path)


def read_panorama(path: str | os.PathLike[str]) -> Tensor:
    """Return an OpenEXR file's red, green and blue as float32 of shape (1, 3, H, W), in the file's own scale.

    Convention: linear light, taken for BT.709's primaries whatever the file says of chromaticities.  Values below 0,
    which lossy compression leaves, stay.

    Raises
    ------
    ImportError
        If the package OpenEXR is not installed.
    FileNotFoundError
        If there is no such file.
    DataError
        If it cannot be read, or has no red, green and blue.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileNotFoundError(f"panorama {path} does not exist")
    try:
        import OpenEXR
    except ModuleNotFoundError as error:
        raise ImportError("reading a panorama needs the package OpenEXR: pip install 'openexr>=3.3'") from error
    try:
        with OpenEXR.File(str(path)) as file:
            channels = {name: np.array(channel.pixels, np.float32) for name, channel in file.channels().items()}
    except Exception as error:  # the library raises many kinds of errors on damaged files
        raise DataError(f"cannot read the panorama {path}: {error}") from error
    pixels = channels.get("RGB", channels.get("RGBA"))
    if pixels is None:
        raise DataError(f"the panorama {path} must have the channels R, G and B, got {', '.join(channels) or 'none'}")
    return torch.from_numpy(pixels[..., :3]).permute(2, 0, 1)[None].contiguous()


__all__ = ["PANORAMAS", "panorama", "read_panorama"]
