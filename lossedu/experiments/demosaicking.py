"""The task of joint denoising and demosaicking: which pictures, which damage, and how a network is applied."""

from __future__ import annotations

import torch
from torch import Tensor

from .. import data
from ..nets import RestorationCNN


def training_images(photographs: str) -> list[Tensor]:
    """Return the clean pictures to train on, (3, H, W): three of scikit-image, or 200 halved ones of BSDS500."""
    if photographs == "embedded":
        return [data.photograph(name)[0] for name in ("astronaut", "chelsea", "coffee")]
    return [data.downsample2(data.read_image(path))[0] for path in data.bsds500("train")]


def test_images(photographs: str) -> dict[str, Tensor]:
    """Return the clean pictures to judge by, (1, 3, H, W), none of which was trained on."""
    if photographs == "embedded":
        return {"rocket": data.downsample2(data.photograph("rocket"))}
    return {path.stem: data.downsample2(data.read_image(path)) for path in data.bsds500("val")}


def restore(network: RestorationCNN, damaged: Tensor) -> Tensor:
    """Run a whole picture through the network, mirrored at its border so that the size stays."""
    margin = [RestorationCNN.margin] * 4
    with torch.no_grad():
        return network(torch.nn.functional.pad(damaged, margin, mode="reflect"))


def damaged(name: str, clean: Tensor) -> Tensor:
    """Return the noisy mosaic of a test picture, interpolated; the noise depends on its name alone."""
    return data.noisy_bayer(clean, seed=data.derive_seed("test", name))
