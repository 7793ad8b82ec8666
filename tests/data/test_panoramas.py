"""Views of panoramas, and the pairs that are graded from them."""

from __future__ import annotations

import builtins
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from lossedu.data import (
    PANORAMAS,
    DataError,
    bt2020_to_bt709,
    grade,
    panorama,
    pq_decode,
    read_panorama,
    srgb_decode,
    view,
)
from lossedu.storage import cache_folder, data_folder


@pytest.fixture
def files() -> None:
    """Skip where the panoramas, or what reads them, are not at hand."""
    pytest.importorskip("OpenEXR", reason="the package OpenEXR, which reads panoramas, is not installed")
    places = [place / "pairs" / "hdr" for place in (data_folder(), cache_folder()) if place is not None]
    missing = [name for name in PANORAMAS if not any((place / f"{name}.exr").is_file() for place in places)]
    if missing:
        pytest.skip(f"the panoramas {', '.join(missing)} are neither in $LOSSEDU_DATA/pairs/hdr nor in the cache")


def sphere(height: int = 180) -> Tensor:
    """A panorama that holds the direction of every pixel: x to the right, y upwards, z forward."""
    longitude = (torch.arange(2 * height, dtype=torch.float64) + 0.5) / height * math.pi - math.pi
    latitude = math.pi / 2 - (torch.arange(height, dtype=torch.float64) + 0.5) / height * math.pi
    lat, lon = torch.meshgrid(latitude, longitude, indexing="ij")
    return torch.stack([lat.cos() * lon.sin(), lat.sin(), lat.cos() * lon.cos()])[None]


def light(seed: int = 0, size: int = 24) -> Tensor:
    """A made-up view with a range of about 1 : 10000."""
    generator = torch.Generator().manual_seed(seed)
    base = (2 * torch.randn(1, 1, size, size, generator=generator, dtype=torch.float64)).exp()
    return base * (0.3 + torch.rand(1, 3, size, size, generator=generator, dtype=torch.float64))


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (90, 0), (-135, 20), (180, -35), (30, 80), (360, -80)])
@pytest.mark.parametrize("angle", [20, 75, 120])
def test_every_pixel_looks_where_it_should(yaw: float, pitch: float, angle: float) -> None:
    """By the product of rotations, a pinhole's rays."""
    size = 9
    found = view(sphere(), yaw=yaw, pitch=pitch, field_of_view=angle, size=size)[0]
    a, b = math.radians(pitch), math.radians(yaw)
    tilt = np.array([[1, 0, 0], [0, math.cos(a), math.sin(a)], [0, -math.sin(a), math.cos(a)]])
    turn = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    for i in range(size):
        for j in range(size):
            reach = math.tan(math.radians(angle) / 2)
            ray = np.array([((2 * j + 1) / size - 1) * reach, (1 - (2 * i + 1) / size) * reach, 1.0])
            expected = turn @ tilt @ (ray / np.linalg.norm(ray))
            np.testing.assert_allclose(found[:, i, j].numpy(), expected, atol=1e-2 if abs(pitch) > 60 else 1e-3)


def test_views_join_where_the_panorama_does() -> None:
    noise = torch.rand(1, 3, 40, 80, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    options: dict[str, Any] = {"pitch": 10, "field_of_view": 60, "size": 12}
    across = view(noise, yaw=180, **options)
    torch.testing.assert_close(across, view(noise.roll(40, dims=-1), yaw=0, **options))
    torch.testing.assert_close(across, view(noise, yaw=-180, **options))
    torch.testing.assert_close(view(noise.flip(-1), yaw=-20, **options), view(noise, yaw=20, **options).flip(-1))
    assert view(noise.float(), yaw=0, **options).dtype == torch.float32
    flat = torch.full((1, 1, 8, 16), 7.0)
    assert torch.equal(view(flat, yaw=5, pitch=90, field_of_view=150, size=30), torch.full((1, 1, 30, 30), 7.0))


def test_light_is_mixed_linearly() -> None:
    x = torch.rand(1, 3, 10, 20, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
    look = lambda z: view(z, yaw=33, pitch=-12, field_of_view=80, size=5)  # noqa: E731
    torch.testing.assert_close(look(3 * x + 1), 3 * look(x) + 1)
    assert torch.autograd.gradcheck(look, (x,))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"yaw": 400}, "yaw must be a number from -360 to 360, got 400"),
        ({"pitch": 91}, "pitch must be a number from -90 to 90"),
        ({"field_of_view": 180}, "field_of_view must be a number from 1 to 150"),
        ({"size": 0}, "size must be an integer of at least 1"),
        ({"panorama": torch.zeros(1, 3, 10, 10)}, r"panorama must be one picture twice as wide as high, got shape"),
        ({"panorama": torch.zeros(2, 3, 10, 20)}, r"panorama must be one picture"),
    ],
)
def test_bad_views(options: dict[str, Any], words: str) -> None:
    fine = {"panorama": torch.zeros(1, 3, 10, 20), "yaw": 0, "pitch": 0, "field_of_view": 60, "size": 4}
    with pytest.raises(ValueError, match=words):
        view(**{**fine, **options})


def test_high_range_is_absolute_luminance_in_wide_primaries() -> None:
    x = light() ** 0.6  # nothing is cut
    hdr, _ = grade(x)
    back = bt2020_to_bt709(pq_decode(hdr.double()))
    luma = torch.tensor([0.2126, 0.7152, 0.0722], dtype=torch.float64)
    y, expected = (torch.einsum("nchw,c->nhw", z, luma) for z in (back, x))
    assert y.log().mean().exp().item() == pytest.approx(26, rel=1e-3)
    torch.testing.assert_close(back / x, (y / expected)[:, None].expand_as(x), rtol=1e-2, atol=0)
    torch.testing.assert_close(
        y / expected, torch.full_like(y, 26 / expected.log().mean().exp().item()), rtol=1e-2, atol=0
    )


def test_high_range_is_cut_at_its_peak() -> None:
    x = light()
    x[..., 3, 4] = 1e9
    x[..., 5, 6] = -1.0
    hdr, sdr = grade(x)
    assert hdr.max().item() == 1 and (hdr == 1).sum() == 3
    assert hdr[..., 5, 6].max() < 1e-6 and not sdr[..., 5, 6].any()


def test_standard_range_is_eight_bits_of_a_tone_curve() -> None:
    x = light()
    _, sdr = grade(x)
    assert torch.equal((255 * sdr).round() / 255, sdr)
    exposed = (
        0.18 * x / torch.einsum("nchw,c->nhw", x, torch.tensor([0.2126, 0.7152, 0.0722]).double()).log().mean().exp()
    )
    m = exposed.amax(dim=1).flatten().numpy()

    def film(v: np.ndarray) -> np.ndarray:
        a, b, c, d, e, f = 0.15, 0.50, 0.10, 0.20, 0.02, 0.30  # as Hable gives them
        return (v * (a * v + c * b) + d * e) / (v * (a * v + b) + d * f) - e / f

    toned = np.minimum(film(2 * m) / film(2 * np.quantile(m, 0.99)), 1)
    rgb = exposed[0].flatten(1).numpy() * toned / m
    y = np.array([0.2126, 0.7152, 0.0722]) @ rgb
    rgb = np.clip(y + 1.1 * (rgb - y), 0, 1)
    stored = np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
    assert np.abs(255 * sdr[0].flatten(1).numpy() - 255 * stored).max() <= 0.5001


def test_the_grade_depends_on_the_picture_and_not_on_its_scale() -> None:
    x = light()
    for a, b in zip(grade(x), grade(1e-3 * x), strict=True):
        assert (a - b).abs().max() <= 1.01 / 255 and (a != b).float().mean() < 0.01
    brighter = torch.cat([x, 30 * x[..., :4]], dim=-1)
    same = grade(brighter)[1][..., : x.shape[-1]]
    assert (same - grade(x)[1]).abs().mean() > 0.05  # what else is in the picture matters
    hdr, sdr = grade(x)
    assert hdr.dtype == sdr.dtype == torch.float32 and hdr.shape == sdr.shape == x.shape
    assert all(torch.equal(a, b) for a, b in zip(grade(x), (hdr, sdr), strict=True))
    grey = torch.rand(1, 1, 9, 9, generator=torch.Generator().manual_seed(0)).expand(1, 3, 9, 9)
    for picture in grade(grey):
        torch.testing.assert_close(picture[:, 0], picture[:, 1], rtol=0, atol=1e-6)
        torch.testing.assert_close(picture[:, 0], picture[:, 2], rtol=0, atol=1e-6)


def test_flat_views_have_a_grade() -> None:
    hdr, sdr = grade(torch.full((1, 3, 4, 4), 0.2))
    assert pq_decode(hdr).mean().item() == pytest.approx(26, rel=1e-3)
    assert 0.1 < srgb_decode(sdr).mean() < 0.6


def test_bad_grades() -> None:
    with pytest.raises(ValueError, match=r"linear_view must have shape \(1, 3, H, W\), got \(2, 3, 4, 4\)"):
        grade(torch.ones(2, 3, 4, 4))
    with pytest.raises(ValueError, match="linear_view must have light"):
        grade(torch.zeros(1, 3, 4, 4))
    with pytest.raises(ValueError, match="linear_view must have light"):
        grade(torch.full((1, 3, 4, 4), math.nan))
    with pytest.raises(TypeError, match="floating"):
        grade(torch.ones(1, 3, 4, 4, dtype=torch.uint8))


def test_files_that_are_not_there(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"the panorama city is neither \$LOSSEDU_DATA/pairs/hdr/city.exr nor .*Blender"
    ):
        panorama("city")
    with pytest.raises(ValueError, match="name must be one of 'city', 'forest'"):
        panorama("desert")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_panorama(tmp_path / "none.exr")


def test_without_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "some.exr"
    path.write_bytes(b"not read")
    original = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name == "OpenEXR":
            raise ModuleNotFoundError("No module named 'OpenEXR'")
        return original(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ImportError, match=r"needs the package OpenEXR: pip install 'openexr>=3.3'"):
        read_panorama(path)


def test_other_files(tmp_path: Path) -> None:
    openexr = pytest.importorskip("OpenEXR", reason="the package OpenEXR, which reads panoramas, is not installed")
    pixels = np.random.default_rng(0).random((4, 8, 3), dtype=np.float32)
    header = {"compression": openexr.ZIP_COMPRESSION, "type": openexr.scanlineimage}
    for name, channels in (("rgb", {"RGB": pixels}), ("rgba", {"RGBA": np.dstack([pixels, pixels[..., 0]])})):
        with openexr.File(header, channels) as file:
            file.write(str(tmp_path / f"{name}.exr"))
        found = read_panorama(tmp_path / f"{name}.exr")
        assert torch.equal(found, torch.from_numpy(pixels).permute(2, 0, 1)[None])
    with openexr.File(header, {"Z": pixels[..., 0].copy()}) as file:
        file.write(str(tmp_path / "depth.exr"))
    with pytest.raises(DataError, match="must have the channels R, G and B, got Z"):
        read_panorama(tmp_path / "depth.exr")
    (tmp_path / "broken.exr").write_bytes(b"no picture")
    with pytest.raises(DataError, match="cannot read the panorama"):
        read_panorama(tmp_path / "broken.exr")


@pytest.mark.parametrize("name", PANORAMAS)
def test_the_six(name: str, files: None) -> None:
    whole = panorama(name)
    assert whole.shape == (1, 3, 512, 1024) and whole.dtype == torch.float32
    assert whole.isfinite().all() and -0.01 < whole.min() < 0 < 100 < whole.max()
    for yaw in (0, 90, 180, 270):
        hdr, sdr = grade(view(whole, yaw=yaw, pitch=0, field_of_view=75, size=48))
        assert hdr.min() >= 0 and hdr.max() <= 1 and 0.3 < hdr.mean() < 0.45
        assert 0.3 < sdr.mean() < 0.7 and (sdr == 1).float().mean() < 0.06 and (sdr == 0).float().mean() < 0.04
