"""The classical baseline: the transform and its inverses, the filters for the missing colours, the whole way."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import photo
from torch import Tensor

from lossedu import data
from lossedu.experiments import classical
from lossedu.experiments.classical import ARMS, A, B, from_planes, planes, restore
from lossedu.experiments.malvar import demosaick_malvar
from lossedu.experiments.scoring import COLUMNS
from lossedu.experiments.variance import Inverse, algebraic_inverse, stabilise
from lossedu.metrics import psnr
from lossedu.sweeps import Place
from lossedu.sweeps.job import check


@functools.cache
def inverse() -> Inverse:
    return Inverse(A, B)


def readings(level: float, n: int = 200_000) -> np.ndarray:
    """What the sensor reads of a flat grey."""
    flat = torch.full((1, 1, n, 1), level, dtype=torch.float64)
    return data.sensor_noise(flat, a=A, b=B, seed=5).numpy().ravel()


@pytest.mark.parametrize("level", [0.05, 0.1, 0.3, 0.5, 0.8])
def test_noise_is_equally_strong_at_all_levels(level: float) -> None:
    assert stabilise(readings(level), A, B).std() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("level", [0.0, 0.01, 0.1, 0.5, 0.9, 0.98, 1.0])
def test_the_exact_inverse_is_unbiased(level: float) -> None:
    mean = stabilise(readings(level), A, B).mean()
    assert inverse()(mean) == pytest.approx(level, abs=5e-4)


def test_the_algebraic_inverse_is_biased() -> None:
    """By a quarter of `a` where nothing is clipped, and by what the sensor clips at black and white."""

    def bias(level: float) -> float:
        return float(algebraic_inverse(stabilise(readings(level), A, B).mean(), A, B)) - level

    assert [bias(level) for level in (0.1, 0.3, 0.5)] == pytest.approx([-A / 4] * 3, abs=3e-4)
    assert bias(0.0) > 0.003
    assert bias(1.0) == pytest.approx(-0.029, abs=1e-3)


def test_inverses_without_noise_to_speak_of() -> None:
    z = np.linspace(0, 1, 101)
    assert algebraic_inverse(stabilise(z, A, B), A, B) == pytest.approx(z, abs=1e-12)
    assert (np.diff(inverse().expected) > 0).all()
    assert inverse()(np.array([-5.0, 1e3])).tolist() == [0, 1]
    open_ended = Inverse(A, B, clip=False)
    assert open_ended(open_ended.expected[::500]) == pytest.approx(open_ended.levels[::500], abs=1e-12)
    assert open_ended.expected[-1] > inverse().expected[-1] + 0.3  # at white the sensor clips upwards only


@pytest.mark.parametrize("size", [(8, 10), (9, 10), (8, 11), (161, 7)])
def test_planes_and_back(size: tuple[int, int]) -> None:
    mosaic = data.bayer_mosaic(photo(size=size))
    cut = planes(mosaic)
    assert cut.shape == ((size[0] + 1) // 2, (size[1] + 1) // 2, 4)
    assert np.array_equal(cut[:2, :2, 1], mosaic[0, 0, :4:2, 1:4:2].numpy())  # green, beside red
    assert torch.equal(from_planes(cut, mosaic), mosaic)


def test_planes_keep_one_colour_each_at_odd_sides() -> None:
    colours = torch.tensor([0.1, 0.5, 0.9]).view(1, 3, 1, 1).expand(1, 3, 9, 11)
    cut = planes(data.bayer_mosaic(colours))
    for place, level in enumerate((0.1, 0.5, 0.5, 0.9)):
        assert np.ptp(cut[..., place]) == 0
        assert cut[0, 0, place] == pytest.approx(level)


def test_malvar_keeps_what_was_measured_and_flat_colours() -> None:
    clean = photo(size=(21, 24))
    mosaic = data.bayer_mosaic(clean)
    found = demosaick_malvar(mosaic)
    assert torch.equal(data.bayer_mosaic(found), mosaic)
    flat = torch.tensor([0.2, 0.5, 0.7], dtype=torch.float64).view(1, 3, 1, 1).expand(2, 3, 8, 9)
    torch.testing.assert_close(demosaick_malvar(data.bayer_mosaic(flat)), flat)


def test_malvar_is_exact_on_grey_ramps() -> None:
    rows, columns = torch.meshgrid(torch.arange(14.0), torch.arange(16.0), indexing="ij")
    ramp = (0.1 + 0.02 * rows - 0.01 * columns).double().expand(1, 3, -1, -1)
    inside = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(demosaick_malvar(data.bayer_mosaic(ramp))[inside], ramp[inside])


@pytest.mark.parametrize(
    ("row", "column", "channel", "weights"),
    [
        # Figure 2 of the paper, in eighths: straight neighbours at 1, diagonal ones, straight ones at 2, the middle.
        (4, 4, 1, {(0, 1): 2, (1, 0): 2, (1, 1): 0, (0, 2): -1, (2, 0): -1, (0, 0): 4}),
        (4, 5, 0, {(0, 1): 4, (1, 0): 0, (1, 1): -1, (0, 2): -1, (2, 0): 0.5, (0, 0): 5}),
        (5, 4, 0, {(0, 1): 0, (1, 0): 4, (1, 1): -1, (0, 2): 0.5, (2, 0): -1, (0, 0): 5}),
        (5, 5, 0, {(0, 1): 0, (1, 0): 0, (1, 1): 2, (0, 2): -1.5, (2, 0): -1.5, (0, 0): 6}),
        (4, 4, 2, {(0, 1): 0, (1, 0): 0, (1, 1): 2, (0, 2): -1.5, (2, 0): -1.5, (0, 0): 6}),
        (5, 4, 2, {(0, 1): 4, (1, 0): 0, (1, 1): -1, (0, 2): -1, (2, 0): 0.5, (0, 0): 5}),
        (4, 5, 2, {(0, 1): 0, (1, 0): 4, (1, 1): -1, (0, 2): 0.5, (2, 0): -1, (0, 0): 5}),
        (5, 5, 1, {(0, 1): 2, (1, 0): 2, (1, 1): 0, (0, 2): -1, (2, 0): -1, (0, 0): 4}),
    ],
)
def test_malvar_pixel_by_pixel(row: int, column: int, channel: int, weights: dict[tuple[int, int], float]) -> None:
    m = photo("coffee", 11, top=150, left=280)[:, :1]
    around = ((i, j) for i in range(-2, 3) for j in range(-2, 3))
    total = sum(weights.get((abs(i), abs(j)), 0) / 8 * m[0, 0, row + i, column + j] for i, j in around)
    assert demosaick_malvar(m)[0, channel, row, column].item() == pytest.approx(float(total), abs=1e-12)


@functools.cache
def rocket() -> tuple[Tensor, Tensor]:
    """A noisy mosaic and its clean picture."""
    clean = data.downsample2(data.crop(data.photograph("rocket"), 100, 240, 193))
    return data.sensor_noise(data.bayer_mosaic(clean), a=A, b=B, seed=3), clean


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_restores(arm: str) -> None:
    mosaic, clean = rocket()
    found = restore(mosaic, arm, h=1.0)
    assert found.shape == clean.shape
    assert found.dtype == torch.float32
    floor = psnr(data.demosaick_bilinear(mosaic), clean).item()
    better = psnr(found, clean).item() - floor
    assert better > (1.5 if arm.startswith("nlm") else -1.5)


@pytest.mark.parametrize(("arm", "within"), [("nlm_bayer_algebraic", 1e-5), ("nlm_bayer_malvar", 0.002)])
def test_without_denoising_the_way_there_and_back_is_the_interpolation(
    arm: str, within: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, float, bool]] = []

    def nothing(noisy: np.ndarray, h: float, *, fast: bool) -> np.ndarray:
        asked.append((noisy.shape[2], h, fast))
        return noisy

    monkeypatch.setattr(classical, "_non_local_means", nothing)
    mosaic = rocket()[0].clamp(0.05, 0.8)
    torch.testing.assert_close(restore(mosaic, arm, h=1.0), demosaick_malvar(mosaic), atol=within, rtol=0)
    torch.testing.assert_close(restore(mosaic, "malvar", h=0.0), demosaick_malvar(mosaic))
    restore(mosaic, "nlm_rgb", h=0.7)
    assert asked == [(4, 1.0, False), (3, 0.7, True)]


def test_channels_share_their_weights() -> None:
    """A line that three planes show is kept in the fourth, where noise hides it."""
    rng = np.random.default_rng(0)
    line = np.zeros((40, 40, 4))
    line[:, 20:22] = (8.0, 8.0, 8.0, 1.5)
    noisy = line + rng.standard_normal(line.shape)
    together = classical._non_local_means(noisy, 1.0, fast=False)[..., 3]
    alone = classical._non_local_means(noisy[..., 3:], 1.0, fast=False).reshape(40, 40)
    height = [found[4:-4, 20:22].mean() - found[4:-4, 26:].mean() for found in (together, alone)]
    assert height[0] > 1.2 > 1.0 > height[1]


def test_a_white_wall_stays_white() -> None:
    wall = torch.ones(1, 3, 48, 48)
    mosaic = data.sensor_noise(data.bayer_mosaic(wall), a=A, b=B, seed=0)
    exact, algebraic = (
        restore(mosaic, arm, h=1.5).mean().item() for arm in ("nlm_bayer_malvar", "nlm_bayer_algebraic")
    )
    assert exact > 0.99
    assert algebraic == pytest.approx(0.972, abs=0.005)


def test_from_job_to_entry(tmp_path: Path) -> None:
    jobs = classical.jobs("smoke")
    check(jobs)
    assert [job.options["arm"] for job in jobs] == list(ARMS)
    (job,) = classical.jobs("smoke", arms=("nlm_rgb_malvar",))
    job = job._replace(options=job.options | {"grid": [0.1, 1.0, 5.0]})
    said: list[str] = []
    entry, arrays = classical.perform(job, Place(tmp_path, "cpu", None, said.append))
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry
    assert entry["h"] == 1.0
    assert entry["at_the_end"] is False
    assert list(entry["tried"]) == ["0.1", "1", "5"]
    assert min(entry["tried"].values()) == entry["tried"]["1"]
    assert len(said) == 3
    scores = dict(zip(COLUMNS, arrays["test"][0], strict=True))
    assert arrays["test"].shape == (1, len(COLUMNS))
    assert 27 < scores["psnr"] < 34
    told = classical.describe(job.options)
    assert told["columns"] == list(COLUMNS)
    assert told["sets"] == {"test": ["rocket"]}


def test_the_end_of_the_grid_is_told(tmp_path: Path) -> None:
    (job,) = classical.jobs("smoke", arms=("nlm_rgb",))
    entry, _ = classical.perform(
        job._replace(options=job.options | {"grid": [0.2, 0.3]}), Place(tmp_path, "cpu", None, print)
    )
    assert entry["at_the_end"] is True


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="method must be one of 'nlm_bayer',"):
        restore(torch.zeros(1, 1, 8, 8), "bm3d", h=1.0)
    with pytest.raises(ValueError, match=r"mosaic must have shape \(1, 1, H, W\), got \(1, 3, 8, 8\)"):
        restore(torch.zeros(1, 3, 8, 8), h=1.0)
    with pytest.raises(ValueError, match="m must be a mosaic"):
        demosaick_malvar(torch.zeros(1, 1, 2, 8))
    with pytest.raises(ValueError, match="scale must be one of"):
        classical.jobs("huge")
