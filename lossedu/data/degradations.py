"""Ways in which pictures lose detail: compression, and too few pixels."""

from __future__ import annotations

import io
from numbers import Integral

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import _validate
from ..storage import missing_package

#: Chroma subsampling -> Pillow's number for it.
_SUBSAMPLING = {"4:4:4": 0, "4:2:2": 1, "4:2:0": 2}


def jpeg(x: Tensor, *, quality: int = 25, subsampling: str = "4:2:0") -> Tensor:
    """Return each picture as it looks after being saved as JPEG (ITU-T T.81) and opened again.

    Parameters
    ----------
    x : Tensor
        Shape (N, 1, H, W) or (N, 3, H, W), floating, in [0, 1].
    quality : int
        1 (worst) to 100, on the scale of libjpeg; 25 as in Zhao et al.
    subsampling : {"4:2:0", "4:2:2", "4:4:4"}
        How the colour planes are thinned out; no effect on one channel.

    Returns
    -------
    Tensor
        Shape, dtype and device of `x`, values k/255, no gradient.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor, or an option is out of range.

    Notes
    -----
    Convention: the input is clipped to [0, 1] and rounded to 8 bits, ``k = round(255 x)``, as a file needs.  The
    8x8 blocks begin at the top left.  Coding is done by Pillow; other builds of libjpeg may differ by a level.
    """
    _validate.image("x", x)
    if isinstance(quality, bool) or not isinstance(quality, Integral) or not 1 <= quality <= 100:
        raise ValueError(f"quality must be an integer from 1 to 100, got {quality!r}")
    _validate.option("subsampling", subsampling, _SUBSAMPLING)
    if x.shape[1] not in (1, 3):
        raise ValueError(f"x must have 1 or 3 channels to be saved as JPEG, got shape {tuple(x.shape)}")
    pictures = (x.detach().to(_validate.working_dtype(x)).clamp(0, 1) * 255).round().to("cpu", torch.uint8)
    done = torch.stack([_round_trip(picture, int(quality), _SUBSAMPLING[subsampling]) for picture in pictures])
    return done.to(x) / 255


def _round_trip(picture: Tensor, quality: int, subsampling: int) -> Tensor:
    """Save one uint8 (C, H, W) picture in memory and read it again."""
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise missing_package("Pillow", "saving as JPEG") from error
    import numpy as np

    pixels = picture.permute(1, 2, 0).numpy()
    colour = pixels.shape[2] == 3
    image = Image.fromarray(pixels if colour else pixels[..., 0])
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling=subsampling if colour else -1)
    with Image.open(buffer) as opened:
        decoded = torch.from_numpy(np.array(opened))
    return decoded.permute(2, 0, 1) if colour else decoded[None]


def down_up(x: Tensor, *, factor: float = 2, mode: str = "bilinear", up: str | None = None) -> Tensor:
    """Shrink by a factor and enlarge to the old size again: the input of a network for super-resolution.

    Parameters
    ----------
    x : Tensor
        Shape (N, C, H, W), floating.
    factor : float
        At least 1; the small picture has round(H / factor) x round(W / factor) pixels, at least 1 x 1.
    mode : {"bilinear", "bicubic"}
        The interpolation, both ways (bicubic: a = -0.5 down and -0.75 up, torch's kernels; it may leave [0, 1]).
    up : {"bilinear", "bicubic"}, optional
        Another interpolation for the way up.

    Returns
    -------
    Tensor
        Shape, dtype and device of `x`; differentiable.  Half precision is computed in float32.

    Raises
    ------
    TypeError, ValueError
        If `x` is not such a tensor, or an option is out of range.

    Notes
    -----
    Convention: shrinking is antialiased (the kernel is widened by the factor: for bilinear and 2, a tent over 4
    pixels), so fine detail turns grey instead of into false patterns.  Picture edges, not pixel centres, are aligned
    (``align_corners=False``), so nothing is shifted.
    """
    _validate.image("x", x)
    _validate.in_range("factor", factor, 1, 1e4)
    _validate.option("mode", mode, ("bilinear", "bicubic"))
    up = mode if up is None else up
    _validate.option("up", up, ("bilinear", "bicubic"))
    height, width = x.shape[-2:]
    small = (max(1, int(height / factor + 0.5)), max(1, int(width / factor + 0.5)))
    wide = x.to(_validate.working_dtype(x))
    shrunk = F.interpolate(wide, size=small, mode=mode, antialias=True, align_corners=False)
    return F.interpolate(shrunk, size=(height, width), mode=up, align_corners=False).to(x.dtype)
