"""Packing keeps every table, its shape and sixteen bits of each number, and makes files much smaller."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from lossedu import measurements, records


@given(arrays(np.float32, array_shapes(max_dims=3, max_side=5), elements=st.floats(width=32)))
def test_rounding_keeps_sixteen_bits_and_is_done_once(table: np.ndarray) -> None:
    found = measurements.rounded(table)
    finite = np.isfinite(table)
    assert np.array_equal(found[~finite], table[~finite], equal_nan=True)
    normal = finite & (np.abs(table) > 1e-30) & (np.abs(table) < 1e38)
    assert (np.abs(found[normal] / table[normal] - 1) <= 2.0**-16).all()
    assert np.isfinite(found[finite]).all()
    assert measurements.rounded(found).tobytes() == found.tobytes()


@given(st.data())
def test_what_is_packed_comes_back(data: st.DataObject) -> None:
    shapes = data.draw(st.lists(array_shapes(min_dims=1, max_dims=3, max_side=4), min_size=1, max_size=6))
    numbers = st.floats(-1e6, 1e6, width=32)
    tables = {f"{place}-job@test": data.draw(arrays(np.float32, s, elements=numbers)) for place, s in enumerate(shapes)}
    packed = measurements.pack(tables, "scores/")
    file = BytesIO()
    np.savez_compressed(file, **packed)  # type: ignore[arg-type]
    file.seek(0)
    with np.load(file) as stored:
        found = measurements.unpack({key: stored[key] for key in stored.files}, "scores/")
    assert list(found) == sorted(tables)
    for name, table in tables.items():
        assert found[name].shape == table.shape and found[name].dtype == np.float32
        assert found[name].tobytes() == measurements.rounded(table).tobytes()


@pytest.mark.parametrize("name", ["table1-cpu", "convergence-cpu"])
def test_a_packed_record_is_little_more_than_half_as_large(name: str) -> None:
    tables = records.load(name).scores
    plain, packed = BytesIO(), BytesIO()
    np.savez_compressed(plain, **tables)  # type: ignore[arg-type]
    np.savez_compressed(packed, **measurements.pack(tables, ""))  # type: ignore[arg-type]
    assert packed.tell() < 0.6 * plain.tell()
