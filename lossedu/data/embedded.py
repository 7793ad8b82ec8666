"""Photographs that come with scikit-image: no download, free terms."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from .. import _validate
from ..storage import missing_package


class Credit(NamedTuple):
    """What a photograph shows, who made it, under which terms it may be used, and where it comes from."""

    title: str
    author: str
    terms: str
    source: str


#: Name -> credit, from scikit-image's own documentation.  Pictures whose terms it does not state are left out.
PHOTOGRAPHS: Mapping[str, Credit] = MappingProxyType(
    {
        "astronaut": Credit("Eileen Collins, astronaut", "NASA", "public domain", "https://flic.kr/p/r9qvLn"),
        "chelsea": Credit("Chelsea the cat", "Stefan van der Walt", "CC0", "scikit-image"),
        "coffee": Credit("Cup of coffee, Pikolo Espresso Bar", "Rachel Michetti", "CC0", "scikit-image"),
        "rocket": Credit(
            "Launch of DSCOVR on a Falcon 9",
            "SpaceX",
            "public domain",
            "https://www.flickr.com/photos/spacexphotos/16511594820",
        ),
        "hubble_deep_field": Credit(
            "Hubble eXtreme Deep Field",
            "NASA",
            "public domain",
            "http://hubblesite.org/newscenter/archive/releases/2012/37/image/a/",
        ),
        "retina": Credit(
            "Fundus of a normal left eye",
            "Mikael Häggström",
            "CC0",
            "https://commons.wikimedia.org/wiki/File:Fundus_photograph_of_normal_left_eye.jpg",
        ),
        "camera": Credit("Photographer with a camera", "Lav Varshney", "CC0", "scikit-image"),
        "brick": Credit("Brick wall", "CC0 Textures", "CC0", "https://cc0textures.com/view.php?tex=Bricks25"),
        "grass": Credit("Grass", "linolafett", "CC0", "https://www.deviantart.com/linolafett/art/Grass-01-434853879"),
        "gravel": Credit("Gravel", "CC0 Textures", "CC0", "https://cc0textures.com/view.php?tex=Gravel04"),
        "coins": Credit(
            "Greek coins from Pompeii",
            "Brooklyn Museum",
            "no known copyright restrictions",
            "https://www.brooklynmuseum.org/opencollection/archives/image/51611",
        ),
        "clock": Credit("Wall clock, blurred by motion", "Stefan van der Walt", "public domain", "scikit-image"),
    }
)


def photograph(name: str, *, gray: bool = False) -> Tensor:
    """Return one of the photographs that scikit-image carries.

    Parameters
    ----------
    name : str
        A key of `PHOTOGRAPHS`, which holds author and terms of each.  In colour: astronaut, chelsea, coffee, rocket,
        hubble_deep_field, retina; grey: camera, brick, grass, gravel, coins, clock.
    gray : bool
        Return the luma of a colour photograph, ``0.299 R + 0.587 G + 0.114 B`` (ITU-R BT.601).

    Returns
    -------
    Tensor
        float32 in [0, 1], the file's 8-bit values divided by 255: shape (1, 3, H, W), or (1, 1, H, W) for a grey
        photograph and with ``gray=True``.

    Raises
    ------
    ValueError
        If there is no photograph of that name; the message lists those there are.
    ImportError
        If scikit-image is not installed.

    Notes
    -----
    rocket, hubble_deep_field and retina are JPEG files and carry its traces; the others are stored without loss.
    """
    _validate.option("name", name, PHOTOGRAPHS)
    try:
        import skimage.data
    except ModuleNotFoundError as error:
        raise missing_package("scikit-image", f"the photograph {name!r}") from error
    pixels = torch.from_numpy(getattr(skimage.data, name)().copy())
    x = pixels.permute(2, 0, 1)[None] if pixels.ndim == 3 else pixels[None, None]
    x = x.to(torch.float32).contiguous() / 255
    if gray and x.shape[1] == 3:
        x = (x * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    return x


def crop(x: Tensor, top: int, left: int, size: int | tuple[int, int]) -> Tensor:
    """Return the part of an image that starts at row `top` and column `left`.

    Parameters
    ----------
    x : Tensor
        Shape (N, C, H, W), floating.
    top, left : int
        From 0; negative numbers do not count from the end.
    size : int or (int, int)
        Side of a square, or height and width.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor, or the part does not lie wholly inside the image.
    """
    _validate.image("x", x)
    sides = size if isinstance(size, tuple | list) else (size, size)
    height, width = (_validate.integer("size", side) for side in sides)
    if top < 0 or left < 0 or height < 1 or width < 1 or top + height > x.shape[-2] or left + width > x.shape[-1]:
        raise ValueError(
            f"crop must lie inside the image of {x.shape[-2]} x {x.shape[-1]} pixels, "
            f"got top={top}, left={left}, size={height} x {width}"
        )
    return x[..., top : top + height, left : left + width]
