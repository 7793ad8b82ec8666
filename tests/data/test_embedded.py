"""Photographs that come with scikit-image."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lossedu.data as data

COLOUR = ("astronaut", "chelsea", "coffee", "rocket", "hubble_deep_field", "retina")


@pytest.mark.parametrize("name", data.PHOTOGRAPHS)
def test_photograph(name):
    x = data.photograph(name)
    assert x.dtype == torch.float32 and x.is_contiguous()
    assert x.shape[:2] == (1, 3 if name in COLOUR else 1) and min(x.shape[2:]) >= 300
    assert x.min() >= 0 and x.max() <= 1 and x.std() > 0.02
    assert torch.equal((x * 255).round() / 255, x)
    assert data.photograph(name, gray=True).shape == (1, 1, *x.shape[2:])


def test_against_the_files():
    import skimage.data

    pixels = torch.from_numpy(skimage.data.coffee().copy())
    assert torch.equal((data.photograph("coffee")[0] * 255).round().to(torch.uint8), pixels.permute(2, 0, 1))
    r, g, b = data.photograph("coffee")[0]
    torch.testing.assert_close(data.photograph("coffee", gray=True)[0, 0], 0.299 * r + 0.587 * g + 0.114 * b)


def test_all_are_inside_the_package(tmp_path):
    """In a fresh process with an empty cache and no way out, every photograph must still load."""
    code = (
        "import socket\n"
        "def refuse(*args, **kwargs): raise OSError('no network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from lossedu.data import PHOTOGRAPHS, photograph\n"
        "print(sum(photograph(name).numel() > 0 for name in PHOTOGRAPHS))\n"
    )
    environment = {**os.environ, "SKIMAGE_DATADIR": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert int(done.stdout) == len(data.PHOTOGRAPHS)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".png", ".jpg")]


def test_every_photograph_has_a_credit():
    for credit in data.PHOTOGRAPHS.values():
        assert all(credit) and credit.terms in ("CC0", "public domain", "no known copyright restrictions")
    with pytest.raises(TypeError):
        data.PHOTOGRAPHS["new"] = None  # type: ignore[index]


def test_unknown_name_lists_the_known():
    with pytest.raises(ValueError, match=r"name must be one of 'astronaut', .*'clock', got 'lena'"):
        data.photograph("lena")


def test_without_scikit_image(monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.data", None)
    with pytest.raises(ImportError, match=r"scikit-image.*lossedu\[book\]"):
        data.photograph("camera")


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 20), st.integers(0, 30), st.integers(1, 10), st.integers(1, 10))
def test_crop(top, left, height, width):
    x = torch.arange(30.0 * 40).reshape(1, 1, 30, 40)
    z = data.crop(x, top, left, (height, width))
    assert z.shape == (1, 1, height, width) and z[0, 0, 0, 0] == 40 * top + left


@pytest.mark.parametrize(("top", "left", "size"), [(-1, 0, 4), (0, 37, 4), (27, 0, 4), (0, 0, 0), (0, 0, (31, 1))])
def test_crop_outside(top, left, size):
    with pytest.raises(ValueError, match="must lie inside the image of 30 x 40"):
        data.crop(torch.zeros(1, 1, 30, 40), top, left, size)
