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


def _filtered(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return the rows of a file as differences from what PNG's filters 0 to 4 expect, each row led by that number."""
    values = pixels.reshape(*pixels.shape[:2], -1).astype(int)
    padded = np.pad(values, ((1, 0), (1, 0), (0, 0)))
    left, up, corner = padded[1:, :-1], padded[:-1, 1:], padded[:-1, :-1]
    to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    paeth = np.where(to_up <= to_corner, up, corner)
    paeth = np.where((to_left <= to_up) & (to_left <= to_corner), left, paeth)
    files = []
    for number, expected in enumerate((0 * values, left, up, (left + up) // 2, paeth)):
        lines = ((values - expected) % 256).astype(np.uint8).reshape(len(values), -1)
        files.append(np.pad(lines, ((0, 0), (1, 0)), constant_values=number))
    return files


def _squeezed(rows: NDArray[np.uint8]) -> bytes:
    work = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_FILTERED)
    return work.compress(rows.tobytes()) + work.flush()


def encode(pixels: NDArray[np.uint8], palette: NDArray[np.uint8] | None = None, *, small: bool = False) -> bytes:
    """Return a PNG file of 8-bit `pixels`.

    Parameters
    ----------
    pixels : array
        (H, W): grey values, or places in `palette`; or (H, W, 3): red, green and blue.
    palette : array, optional
        (256, 3), for pixels of shape (H, W).
    small : bool
        Try the filters of the format, and keep the smallest file: a fifth off a photograph, at five times the work.

    Returns
    -------
    bytes
        The same for the same pixels, on every machine with the same zlib.
    """
    height, width = pixels.shape[:2]
    kind = 2 if pixels.ndim == 3 else 0 if palette is None else 3
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    if small:
        content = min((_squeezed(rows) for rows in _filtered(pixels)), key=len)
    else:
        lines = pixels.reshape(height, -1)
        rows = np.concatenate([np.zeros((height, 1), np.uint8), lines], axis=1)  # each row says: no filter
        content = zlib.compress(rows.tobytes(), 9)
    chunks = [_chunk(b"IHDR", header)]
    if palette is not None:
        chunks.append(_chunk(b"PLTE", palette.tobytes()))
    chunks += [_chunk(b"IDAT", content), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def data_uri(png: bytes) -> str:
    """Return a PNG file as the address of an image that needs no other file."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")
