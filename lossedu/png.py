"""PNG files of small pictures, written without an imaging library so that the bytes depend on the pixels alone."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def _chunk(kind: bytes, content: bytes) -> bytes:
    body = kind + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def encode(pixels: NDArray[np.uint8], palette: NDArray[np.uint8] | None = None) -> bytes:
    """Return a PNG file of 8-bit `pixels`.

    Parameters
    ----------
    pixels : array
        (H, W): grey values, or places in `palette`; or (H, W, 3): red, green and blue.
    palette : array, optional
        (256, 3), for pixels of shape (H, W).

    Returns
    -------
    bytes
        The same for the same pixels, on every machine with the same zlib.
    """
    height, width = pixels.shape[:2]
    kind = 2 if pixels.ndim == 3 else 0 if palette is None else 3
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    lines = pixels.reshape(height, -1)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), lines], axis=1)  # each row says: no filter
    chunks = [_chunk(b"IHDR", header)]
    if palette is not None:
        chunks.append(_chunk(b"PLTE", palette.tobytes()))
    chunks += [_chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def data_uri(png: bytes) -> str:
    """Return a PNG file as the address of an image that needs no other file."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
