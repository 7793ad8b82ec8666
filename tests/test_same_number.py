"""Every recipe of the page "Get the same number": our call and the other library's give one value.

Two of the others are written out here: MATLAB's `ssim`, from its documentation, and the programs `ssim_index.m` (2003)
and `ssim.m` (2009) of the authors of SSIM.  TensorFlow's values are recorded (tools/record_tensorflow.py).
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from functools import cache
from importlib import resources
from pathlib import Path

import kornia
import numpy as np
import pytest
import pytorch_msssim
import torch
import torch.nn.functional as F
from pictures import noisy
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor

import lossedu as le
from lossedu.filters import gaussian_window

torchmetrics = pytest.importorskip("torchmetrics.functional.image")

ODD, EVEN = (397, 589), (192, 208)


@cache
def pair(size: tuple[int, int] = ODD) -> tuple[Tensor, Tensor]:
    """Return the pair of the page, or a piece of it, in float64 with 8-bit values."""
    y = le.data.crop(le.data.photograph("coffee"), 0, 0, ODD).double()
    x = le.data.sensor_noise(le.gaussian_blur(y, 1.0), seed=1)
    x = (255 * x).round() / 255
    return le.data.crop(x, 100, 200, size) if size != ODD else x, le.data.crop(y, 100, 200, size) if size != ODD else y


def arrays(*tensors: Tensor) -> list[np.ndarray]:
    """Return images as (H, W, C), or (H, W) for one channel."""
    return [z[0].permute(1, 2, 0).numpy().squeeze() for z in tensors]


def grey(z: Tensor) -> Tensor:
    """rgb2gray of MATLAB on 8-bit values, rounded to 8 bits: 0 … 255."""
    weights = torch.tensor([0.298936021293775, 0.587043074451121, 0.114020904255103], dtype=z.dtype)
    return (255 * z * weights.view(1, 3, 1, 1)).sum(1, keepdim=True).round()


def matlab_map(a: np.ndarray, b: np.ndarray, data_range: float = 255) -> np.ndarray:
    def mean(z: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(z, 1.5, mode="nearest", radius=5)

    mu_a, mu_b = mean(a), mean(b)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    luminance = (2 * mu_a * mu_b + c1) / (mu_a**2 + mu_b**2 + c1)
    variances = mean(a * a) - mu_a**2 + mean(b * b) - mu_b**2
    return luminance * (2 * (mean(a * b) - mu_a * mu_b) + c2) / (variances + c2)


def ssim_index(a: np.ndarray, b: np.ndarray) -> float:
    return matlab_map(a, b)[5:-5, 5:-5].mean()


def matlab_shrink(a: np.ndarray) -> np.ndarray:
    """Shrink as ssim.m does: a box filter with a mirrored border, then every f-th pixel from the first."""
    f = max(1, int(min(a.shape) / 256 + 0.5))  # MATLAB rounds halves up
    # the middle of an even box is its last pixel but f / 2 in MATLAB, the next one in SciPy
    origin = -1 if f % 2 == 0 else 0
    return ndimage.correlate(a, np.full((f, f), 1 / f**2), mode="reflect", origin=origin)[::f, ::f]


def halve(z: Tensor) -> Tensor:
    return F.avg_pool2d(F.pad(z, (0, z.shape[-1] % 2, 0, z.shape[-2] % 2), mode="replicate"), 2)


def replicate(z: Tensor) -> Tensor:
    return F.pad(z, (5, 5, 5, 5), mode="replicate")


def luma(z: Tensor) -> Tensor:
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=z.dtype).view(1, 3, 1, 1)
    return ((z * weights).sum(1, keepdim=True) + 16) / 255


def equal(ours: Tensor, theirs: object, within: float) -> None:
    assert ours.item() == pytest.approx(float(theirs), abs=within, rel=0)  # type: ignore[arg-type]


# --- scikit-image


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({}, {"gaussian_weights": True, "use_sample_covariance": False}),
        ({"sigma": 2.5}, {"gaussian_weights": True, "use_sample_covariance": False, "sigma": 2.5}),
        ({"k2": 0.03 * (120 / 121) ** 0.5}, {"gaussian_weights": True}),
        ({"sigma": 1e5, "kernel_size": 7, "k2": 0.03 * (48 / 49) ** 0.5}, {}),
        ({"sigma": 1e5, "kernel_size": 11}, {"win_size": 11, "use_sample_covariance": False}),
    ],
    ids=["paper", "wider", "sample covariance", "defaults", "uniform 11"],
)
def test_scikit_image_ssim(ours: dict[str, float], theirs: dict[str, object]) -> None:
    x, y = pair()
    a, b = arrays(x, y)
    equal(le.ssim(x, y, **ours), structural_similarity(b, a, data_range=1, channel_axis=-1, **theirs), 1e-9)


def test_scikit_image_psnr() -> None:
    x, y = pair()
    a, b = arrays(x, y)
    equal(le.metrics.psnr(x, y), peak_signal_noise_ratio(b, a, data_range=1), 1e-10)


# --- MATLAB


def test_matlab_repeats_the_border() -> None:
    gx, gy = map(grey, pair())
    ours = le.ssim(replicate(gx), replicate(gy), data_range=255)
    equal(ours, matlab_map(*arrays(gx, gy)).mean(), 1e-10)


def test_matlab_by_channel_and_as_a_volume() -> None:
    x, y = pair()
    a, b = arrays(255 * x, 255 * y)
    by_channel = np.mean([matlab_map(a[..., c], b[..., c]).mean() for c in range(3)])
    equal(le.ssim(replicate(x), replicate(y)), by_channel, 1e-10)
    assert matlab_map(a, b).mean() - by_channel > 0.3, "to MATLAB colour is a third axis, unless it is told otherwise"


def test_the_authors_programs() -> None:
    gx, gy = map(grey, pair())
    a, b = arrays(gx, gy)
    equal(le.ssim(gx, gy, data_range=255), ssim_index(a, b), 1e-10)
    theirs = ssim_index(matlab_shrink(a), matlab_shrink(b))
    equal(le.ssim(halve(gx), halve(gy), data_range=255), theirs, 1e-10)
    assert theirs - ssim_index(a, b) > 0.2


def test_a_factor_of_three_is_no_block_mean() -> None:
    """The page says so: the box of ssim.m is centred on the pixels that are kept."""
    a = np.random.default_rng(0).uniform(0, 255, (642, 645))
    blocks = a.reshape(214, 3, 215, 3).mean(axis=(1, 3))
    assert matlab_shrink(a).shape == blocks.shape
    assert np.abs(matlab_shrink(a)[1:, 1:] - a[2:641, 2:644].reshape(213, 3, 214, 3).mean(axis=(1, 3))).max() < 1e-10
    assert np.abs(matlab_shrink(a) - blocks).max() > 10


# --- values that the original programs gave


def official(folder: str, column: str) -> dict[str, float]:
    """Return index -> published value from the data pack, or skip."""
    if "LOSSEDU_DATA" not in os.environ:
        pytest.skip("images with published values are in the data pack: set LOSSEDU_DATA to its folder")
    with open(packed(folder, "official_values.csv"), newline="", encoding="utf8") as stream:
        return {row["index"]: float(row[column]) for row in csv.DictReader(stream)}


def packed(folder: str, name: str) -> Path:
    return Path(os.environ["LOSSEDU_DATA"], "iqa", folder, name)


@pytest.mark.parametrize("name", ["I03", "I04", "I06"])
def test_published_values_on_tid2013(name: str) -> None:
    expected = official("tid2013", name)
    x, y = (le.data.read_image(packed("tid2013", f"{name}_{kind}.png")).double() for kind in ("dist", "ref"))
    gx, gy = grey(x), grey(y)
    equal(le.ssim(gx, gy, data_range=255), expected["ssim"], 5e-5)
    assert ssim_index(*arrays(gx, gy)) == pytest.approx(expected["ssim"], abs=5e-5)
    equal(le.ms_ssim(gx, gy, data_range=255), expected["ms_ssim"], 5e-3)  # its program treats the border otherwise
    equal(le.metrics.psnr(x, y), expected["psnr"], 5e-3)
    equal(le.metrics.gmsd(gx, gy, data_range=255), expected["gmsd"], 5e-6)
    equal(le.metrics.fsim(x, y, chromatic=True), expected["fsimc"], 1e-4)


def test_published_values_on_a_pair_with_noise() -> None:
    expected = official("piq", "value")
    x, y = (le.data.read_image(packed("piq", name)).double() for name in ("i01_01_5.png", "i01_ref.png"))
    equal(le.metrics.gmsd(x, y), expected["gmsd"], 1e-7)  # this one was made without rounding the grey values
    equal(le.metrics.fsim(x, y), expected["fsim"], 1e-4)
    equal(le.metrics.fsim(x, y, chromatic=True), expected["fsimc"], 1e-4)


# --- TensorFlow


@pytest.fixture(scope="module")
def tensorflow() -> dict[str, float]:
    record = json.loads((resources.files("lossedu.results.peers") / "tensorflow.json").read_text("utf8"))
    pixels = b"".join((255 * z[0]).round().permute(1, 2, 0).byte().numpy().tobytes() for z in pair())
    assert hashlib.sha256(pixels).hexdigest() == record["pair"], "the pair is not the one that was recorded"
    return record["values"]


def test_tensorflow(tensorflow: dict[str, float]) -> None:
    x, y = pair()
    equal(le.ssim(x, y), tensorflow["ssim"], 3e-5)
    equal(le.ssim(255 * x, 255 * y, data_range=255), tensorflow["ssim_uint8"], 3e-5)
    equal(le.ms_ssim(x, y), tensorflow["ms_ssim"], 1e-5)
    equal(le.metrics.psnr(x, y), tensorflow["psnr"], 3e-6)
    equal(le.tv_loss(x) * x[0].numel(), tensorflow["total_variation"], 0.02)


# --- pytorch-msssim


def test_pytorch_msssim_ssim() -> None:
    x, y = pair()
    equal(le.ssim(x, y), pytorch_msssim.ssim(x, y, data_range=1), 1e-5)
    window = gaussian_window(1.5).expand(3, 1, 1, 11)
    equal(le.ssim(x, y), pytorch_msssim.ssim(x, y, data_range=1, win=window), 1e-10)
    equal(le.ssim(x, y, data_range=255), pytorch_msssim.ssim(x, y), 1e-8)


def test_pytorch_msssim_ms_ssim_where_no_level_has_an_odd_side() -> None:
    window = gaussian_window(1.5).expand(3, 1, 1, 11)
    theirs = pytorch_msssim.ms_ssim(*pair(EVEN), data_range=1, win=window)
    equal(le.ms_ssim(*pair(EVEN)), theirs, 1e-10)
    odd = pytorch_msssim.ms_ssim(*pair(), data_range=1, win=window)
    assert 1e-5 < abs(le.ms_ssim(*pair()).item() - odd.item()) < 1e-4


def test_pytorch_msssim_finds_integers_equal_and_we_refuse_them() -> None:
    x, y = ((255 * z).round().byte() for z in pair(EVEN))
    assert pytorch_msssim.ssim(x, y).item() == 1.0
    with pytest.raises(TypeError, match=r"x\.float\(\) / 255"):
        le.ssim(x, y)


# --- kornia


@pytest.mark.parametrize(("ours", "theirs"), [("valid", "valid"), ("reflect", "same")])
def test_kornia_ssim(ours: str, theirs: str) -> None:
    x, y = pair()
    equal(le.ssim(x, y, padding=ours), kornia.metrics.ssim(x, y, 11, eps=0.0, padding=theirs).mean(), 1e-10)
    loss = kornia.losses.ssim_loss(x, y, 11, eps=0.0, padding=theirs)
    equal(le.ssim_loss(x, y, padding=ours) / 2, loss, 1e-10)


@pytest.mark.parametrize("alpha", [0.84, 0.025])
def test_kornia_mix_at_the_middle_of_a_patch(alpha: float) -> None:
    x, y = pair((33, 33))
    theirs = kornia.losses.MS_SSIMLoss(alpha=alpha, compensation=1.0, reduction="none").double()(x, y)
    equal(le.mix_loss(x, y, alpha=alpha, form="patch"), theirs[0, 16, 16], 5e-6)


def test_total_variation_of_kornia_and_torchmetrics_is_a_sum() -> None:
    x, y = pair(EVEN)
    x = torch.cat([x, y])
    ours = le.tv_loss(x, reduction="none") * x[0].numel()
    torch.testing.assert_close(ours, kornia.losses.total_variation(x).sum(dim=1), rtol=1e-12, atol=0)
    torch.testing.assert_close(ours, torchmetrics.total_variation(x, reduction="none"), rtol=1e-12, atol=0)
    equal(ours.mean(), torchmetrics.total_variation(x, reduction="mean"), 1e-6)


def test_kornia_and_torchmetrics_pool_the_batch_for_psnr() -> None:
    x, y = pair(EVEN)
    x, y = torch.cat([x, noisy(y, 0.01)]), torch.cat([y, y])
    pooled = -10 * le.mse_loss(x, y).log10()
    equal(pooled, kornia.metrics.psnr(x, y, 1.0), 1e-10)
    equal(pooled, torchmetrics.peak_signal_noise_ratio(x, y, 1.0), 1e-5)
    equal(le.metrics.psnr(x, y), torchmetrics.peak_signal_noise_ratio(x, y, 1.0, dim=(1, 2, 3)), 1e-5)
    assert abs(le.metrics.psnr(x, y).item() - pooled.item()) > 3


# --- torchmetrics


def test_torchmetrics_ssim() -> None:
    x, y = pair()
    theirs = torchmetrics.structural_similarity_index_measure
    equal(le.ssim(x, y, padding="reflect"), theirs(x, y, data_range=1.0), 1e-10)
    equal(le.ssim(x / 5, y / 5, padding="reflect", data_range=0.2), theirs(x / 5, y / 5), 1e-10)
    assert abs(le.ssim(x / 5, y / 5, padding="reflect").item() - theirs(x / 5, y / 5).item()) > 0.3


def test_torchmetrics_ms_ssim_is_put_together_from_two_of_ours() -> None:
    x, y = (z[:, 1:2] for z in pair(EVEN))
    theirs = torchmetrics.multiscale_structural_similarity_index_measure(x, y, data_range=1.0)
    levels = le.ms_ssim(x, y, weights=(*le.WANG_2003[:4], 0))
    last = le.ssim(F.avg_pool2d(x, 16), F.avg_pool2d(y, 16), padding="reflect")
    equal(levels * last ** le.WANG_2003[4], theirs, 1e-7)  # its exponents are float32
    assert abs(le.ms_ssim(x, y).item() - theirs.item()) > 1e-5


# --- what the page says about the questions


def test_the_wrong_range_takes_the_gradient_away() -> None:
    x, y = pair()
    sizes = [le.ssim_grad(x, y, data_range=r).abs().mean().item() for r in (1, 255)]
    assert sizes[0] / sizes[1] > 1000
    assert le.ssim(x, y, data_range=255).item() > 0.9999


def test_y_alone_gains_what_the_page_says() -> None:
    x, y = pair()
    assert le.metrics.psnr(luma(x), luma(y)).item() - le.metrics.psnr(x, y).item() == pytest.approx(3.1, abs=0.1)
    shifted = y + 0.01  # the same error in every channel
    gain = le.metrics.psnr(luma(shifted), luma(y)) - le.metrics.psnr(shifted, y)
    equal(gain, 20 * np.log10(255 / 219), 1e-6)


def test_black_and_white_lie_at_16_and_235() -> None:
    black, white = torch.zeros(1, 3, 1, 1, dtype=torch.float64), torch.ones(1, 3, 1, 1, dtype=torch.float64)
    assert 255 * luma(black).item() == pytest.approx(16)
    assert 255 * luma(white).item() == pytest.approx(235)
