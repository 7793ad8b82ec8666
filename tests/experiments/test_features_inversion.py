"""What VGG's layers keep, and how large they are: the experiments `inversion` and `features`."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.io import imread
from trained import needs_weights

from lossedu import PerceptualLoss, data
from lossedu.experiments import features, inversion, running
from lossedu.instruments import invert


def test_photographs_are_squares_of_the_side_asked_for_in_colour() -> None:
    for name in inversion.PICTURES:
        picture = inversion.photograph(name, 96)
        assert picture.shape == (1, 3, 96, 96) and 0 <= float(picture.min()) <= float(picture.max()) <= 1
    assert inversion.TUNED_ON not in inversion.PICTURES


def test_a_run_of_random_weights_keeps_the_pictures_that_are_shown(tmp_path: Path) -> None:
    record = running.run("inversion", "smoke", out=tmp_path, arms=("random",), device="cpu", say=lambda line: None)
    assert [run["task"] for run in record.runs] == list(inversion.TASKS)
    assert set(record.weights) == {f"random/{layer}" for layer in inversion.TASKS}
    (tmp_path / "found.png").write_bytes(record.weights["random/relu1_2"].tobytes())
    pixels = imread(tmp_path / "found.png")
    found = invert(
        inversion.photograph("astronaut", 32), "relu1_2", weights="random:0", steps=2,
        tv=inversion.PRIORS["random"]["relu1_2"],
    )  # fmt: skip
    np.testing.assert_array_equal(pixels, inversion.as_pixels(found.image))
    assert record.runs[0]["error"] == pytest.approx(found.error, rel=1e-4)
    assert inversion.finish([]) == {} and "explorable" not in record.settings
    assert record.settings["priors"]["random"]["relu5_3"] == inversion.PRIORS["random"]["relu5_3"]


def test_a_run_of_features_with_random_weights(tmp_path: Path) -> None:
    record = running.run("features", "smoke", out=tmp_path, arms=("random",), device="cpu", say=lambda line: None)
    active, scale = (record.scores[f"{task}-random-0@test"] for task in features.TASKS)
    assert active.shape == (1, 13) and scale.shape == (1, 4)
    assert active.min() > 0.3 and active.max() < 0.7  # half of what is symmetric about 0
    assert record.runs[0]["columns"] == list(features.LAYERS) and len(record.runs[1]["columns"]) == 4


def test_srgans_content_loss_is_a_sum_over_channels_of_scaled_features() -> None:
    generator = torch.Generator().manual_seed(0)
    seen, target = (torch.rand(2, 5, 4, 6, generator=generator, dtype=torch.float64) for _ in range(2))
    naive = 0.0
    for n in range(2):
        for c in range(5):
            for i in range(4):
                for j in range(6):
                    naive += float((seen[n, c, i, j] / 12.75 - target[n, c, i, j] / 12.75) ** 2)
    assert float(features.srgan_content(seen, target)) == pytest.approx(naive / (2 * 4 * 6))


def test_the_scale_is_that_of_our_perceptual_loss_times_channels() -> None:
    clean = data.photograph("rocket")[..., 100:164, 200:264]
    row = dict(zip(features.columns("scale"), features.scale_of(clean, "random"), strict=True))
    small = features.enlarging.shrunk(clean, 4)
    x = torch.nn.functional.interpolate(small, size=clean.shape[-2:], mode="bicubic", align_corners=False)
    x.requires_grad_()
    ours = PerceptualLoss("relu5_3", weights="random")(x, clean) * 512 / 12.75**2
    error = 4 * (x - clean).square().mean()
    assert row["loss relu5_3"] == pytest.approx(10 * math.log10(float(ours.detach() / error.detach())), abs=1e-3)
    slopes = [torch.autograd.grad(one, x, retain_graph=True)[0].norm() for one in (ours, error)]
    assert row["gradient relu5_3"] == pytest.approx(20 * math.log10(float(slopes[0] / slopes[1])), abs=1e-2)


@needs_weights("vgg16")
def test_trained_weights_are_sparser_than_random_ones_in_the_last_layer() -> None:
    clean = data.photograph("astronaut")
    trained, random = (features.active(clean, weights)[-1] for weights in ("imagenet", "random"))
    assert trained < 0.5 * random
