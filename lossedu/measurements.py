"""Tables of measurements, packed: thousands of float32 numbers, most of which differ in their last digits only.

Tables of one shape are stacked, so that the same measure of the same picture stands together for all jobs, and the four
bytes of each number are taken apart, so that those that agree follow each other.  Sixteen significant bits are kept,
five decimal digits, which is more than any of the measures is good for.  Together that halves a compressed file.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

#: Bits of a float32's 24 that are not kept.
DROPPED = 8

_NAMES = "/names"


def rounded(table: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the table with 16 significant bits, rounded to nearest; a rounded table stays as it is."""
    bits = np.ascontiguousarray(table, dtype=np.float32).view(np.uint32)
    near = (bits + np.uint32(1 << (DROPPED - 1))) & ~np.uint32((1 << DROPPED) - 1)
    # Beyond the largest number lies infinity; that and NaN are left alone.
    result = np.where(np.isfinite(near.view(np.float32)) & np.isfinite(table), near, bits)
    return result.astype(np.uint32).view(np.float32)


def pack(tables: Mapping[str, NDArray[np.float32]], prefix: str) -> dict[str, NDArray[np.generic]]:
    """Return arrays for an NPZ file, two for each shape of table."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, table in tables.items():
        groups.setdefault(table.shape, []).append(name)
    arrays: dict[str, NDArray[np.generic]] = {}
    for shape, names in groups.items():
        stack = np.stack([rounded(tables[name]) for name in names], axis=-1)  # jobs last: they differ least
        order = np.moveaxis(stack, 0, -2) if stack.ndim > 2 else stack
        planes = np.ascontiguousarray(order).view(np.uint8).reshape(-1, 4).T
        key = prefix + "x".join(map(str, shape))
        arrays |= {key: np.ascontiguousarray(planes), key + _NAMES: np.array(names)}
    return arrays


def unpack(arrays: Mapping[str, NDArray[np.generic]], prefix: str) -> dict[str, NDArray[np.float32]]:
    """Return the tables that `pack` packed, and those that stand in the file by themselves, sorted by name."""
    tables: dict[str, NDArray[np.float32]] = {}
    for key in [key for key in arrays if key.startswith(prefix) and not key.endswith(_NAMES)]:
        if key + _NAMES not in arrays:
            tables[key.removeprefix(prefix)] = arrays[key].astype(np.float32)
        else:
            shape = tuple(int(side) for side in key.removeprefix(prefix).split("x") if side)
            names = [str(name) for name in arrays[key + _NAMES]]
            flat = np.ascontiguousarray(arrays[key].T).view(np.float32).ravel()
            order = flat.reshape(*shape[1:], *shape[:1], len(names)) if shape else flat.reshape(len(names))
            stack = np.moveaxis(order, -2, 0) if order.ndim > 2 else order
            tables |= {name: np.ascontiguousarray(stack[..., place]) for place, name in enumerate(names)}
    return dict(sorted(tables.items()))
