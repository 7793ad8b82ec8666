"""From photographs to the splits of a pack: halved, cropped, damaged by JPEG, and without a picture in two splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..storage import DataError
from .degradations import jpeg
from .embedded import photograph
from .files import read_image
from .packs import Pack
from .pictures import PhotoSet
from .randomness import derive_seed
from .sampling import downsample2

#: Changes when the same photographs give other pixels; a pack of another edition is not taken for the present one.
EDITION = 1

#: Height and width of what is kept of a test picture at its own size, turned for upright ones.  161 pixels are the
#: least that five scales of MS-SSIM need, and half of a BSDS500 picture, rounded up.
ORIGINAL = (161, 241)

#: Two pictures are the same if their 16x16 grey thumbnails differ by at most this on average, and by at most this share
#: of their own spread (dark pictures are all close).  Saving a BSDS500 picture as JPEG of quality 25 changes its
#: thumbnail by up to 1/255, halving it by up to 2/255; the closest two of its pictures are 9/255 apart.
ALIKE = 2 / 255
ALIKE_SHARE = 1 / 4

#: Split -> (name, file) of each picture; without a file it is a photograph of scikit-image.
Sources = Mapping[str, Sequence[tuple[str, Path | None]]]


class Recipe(NamedTuple):
    """What is done to the photographs of a collection.

    Attributes
    ----------
    halvings : int
        How often both sides are halved (an odd last row or column is repeated first).  Once removes the traces of
        JPEG: the colour planes are full again, and the 8x8 blocks are gone.
    least : int
        A picture is halved no further once its smaller side would fall below this.
    largest : int
        Pictures of "val" and "test" are cropped to at most this many pixels a side, about the centre.
    jpeg : tuple of int
        Qualities; each split S gets a companion "S/jpeg25", saved at that quality and read again.
    """

    halvings: int = 1
    least: int = 1
    largest: int = 384
    jpeg: tuple[int, ...] = (25,)

    def described(self) -> dict[str, Any]:
        """Return what is written into a pack, as it comes back from JSON."""
        return {**self._asdict(), "jpeg": list(self.jpeg), "edition": EDITION}


def make_sets(
    name: str, sources: Sources, recipe: Recipe, *, terms: str, progress: Callable[[int, int], None] | None = None
) -> Pack:
    """Read the photographs and return the splits of a pack.

    Raises
    ------
    DataError
        If a split is empty, or a picture (by its 16x16 thumbnail) is in two splits; both files are named.
    """
    sets: dict[str, list[Tensor]] = {split: [] for split in sources}
    originals: list[Tensor] = []
    thumbnails: dict[str, list[Tensor]] = {split: [] for split in sources}
    total, done = sum(map(len, sources.values())), 0
    for split, pictures in sources.items():
        if not pictures:
            raise DataError(f"the split {split!r} of {name} has no picture")
        for label, file in pictures:
            x = photograph(label) if file is None else read_image(file)
            thumbnails[split].append(F.adaptive_avg_pool2d(x.mean(1, keepdim=True), 16).flatten())
            small = _halved(x, recipe)
            sets[split].append(_bytes(small if split == "train" else _centre(small, recipe.largest, recipe.largest)))
            if split == "test" and recipe.halvings:
                originals.append(_bytes(_centre(x, *(ORIGINAL if x.shape[-1] >= x.shape[-2] else ORIGINAL[::-1]))))
            done += 1
            if progress is not None:
                progress(done, total)
    refuse_leaks(sources, {split: torch.stack(thumbs) for split, thumbs in thumbnails.items()})
    labels = {split: [label for label, _ in pictures] for split, pictures in sources.items()}
    made = {split: PhotoSet.of(images, labels[split]) for split, images in sets.items()}
    if originals:
        made["test/original"] = PhotoSet.of(originals, labels["test"])
    for split, photos in list(made.items()):
        for quality in recipe.jpeg:
            saved = [_bytes(jpeg(photos.picture(index), quality=quality)) for index in range(len(photos))]
            made[f"{split}/jpeg{quality}"] = PhotoSet.of(saved, photos.names)
    about = {"name": name, "recipe": recipe.described(), "terms": terms, "made_with": _decoder()}
    return Pack(made, about)


def split_by_names(names: Sequence[str], *, val: bool = True, test: bool = True) -> dict[str, list[int]]:
    """Deal pictures out to "train" and, where asked, "val" and "test" by the hashes of their names.

    Returns the numbers of each split's pictures.  One in ten goes to "val" and one in ten to "test", at least one each.
    """
    order = sorted(range(len(names)), key=lambda index: derive_seed("split", names[index]))
    share = max(1, round(len(names) / 10))
    dealt = {}
    for split in (["test"] if test else []) + (["val"] if val else []):
        dealt[split], order = sorted(order[:share]), order[share:]
    return {"train": sorted(order), **dealt}


def refuse_leaks(sources: Sources, thumbnails: Mapping[str, Tensor]) -> None:
    """Raise `DataError` if two splits share a picture; `thumbnails` has one row a picture."""
    for split, other in combinations(sources, 2):
        ours, theirs = thumbnails[split], thumbnails[other]
        distances = torch.cdist(ours, theirs, p=1) / ours.shape[1]
        spread = torch.minimum(_spread(ours)[:, None], _spread(theirs))
        same = ((distances <= ALIKE) & (distances <= ALIKE_SHARE * spread)).nonzero().tolist()
        if same:
            one, two = sources[split][same[0][0]], sources[other][same[0][1]]
            raise DataError(
                f"{one[1] or one[0]} in {split!r} and {two[1] or two[0]} in {other!r} are the same picture"
                f"{f' (and {len(same) - 1} more such pairs)' if len(same) > 1 else ''}; "
                "a test picture must not be trained on: remove one of them"
            )


def _spread(thumbnails: Tensor) -> Tensor:
    """Return the mean distance of each thumbnail's pixels from their mean."""
    return (thumbnails - thumbnails.mean(1, keepdim=True)).abs().mean(1)


def _halved(x: Tensor, recipe: Recipe) -> Tensor:
    for _ in range(recipe.halvings):
        if (min(x.shape[-2:]) + 1) // 2 < recipe.least:
            break
        x = downsample2(F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2), mode="replicate"))
    return x


def _centre(x: Tensor, height: int, width: int) -> Tensor:
    """Return the middle of a picture, all of it along a side that is short enough."""
    top, left = (max(0, side - wanted) // 2 for side, wanted in zip(x.shape[-2:], (height, width), strict=True))
    return x[..., top : top + height, left : left + width]


def _bytes(x: Tensor) -> Tensor:
    return (x[0] * 255).round().to(torch.uint8)


def _decoder() -> dict[str, str]:
    """Return what read and wrote JPEG: other builds may differ by a level."""
    import PIL
    from PIL import features

    return {"pillow": PIL.__version__, "libjpeg": str(features.version("jpg"))}
