r"""How a restored picture differs from the clean one, told apart: contrast, colour, flat ground, edges, blocks.

======================  ===============================================================================================
slope                   least-squares slope of clean on output over all pixels and channels: 1 is calibrated, below 1
                        the output swings too far, above 1 not far enough
bias                    mean over channels of the size of the mean error
chroma                  mean of :math:`\sqrt{I^2+Q^2}` (of YIQ) of the output over that of the clean picture
flat_fine ... _coarse   root mean square of the error's bands over flat pixels, `residuals.BANDS`
flat_bias               mean error over flat pixels, with its sign
ring                    root mean square of the error on quiet pixels 3 to 10 pixels off strong edges
edge_width              10-90 % rise of the typical edge over that in the clean picture (`edge_profiles`): 1 is as sharp
blockiness              luma steps across the borders of blocks of 8 x 8, which begin in the upper left corner, over
                        steps inside them, relative to the clean picture: 1 is no blocks
======================  ===============================================================================================

Which pixels are flat, quiet or near an edge depends on the clean picture alone, as in `residuals`.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from .. import _validate
from ..filters.windows import default_kernel_size
from ..metrics.feature_similarity import FeatureMaps, feature_maps
from ..metrics.luma import luma, plane
from .edge_profiles import Edges
from .residuals import BANDS, FEW, HALF, band, edge_distance, edge_mask, flat_mask, local_deviation

ASPECTS = (
    *("slope", "bias", "chroma", "flat_fine", "flat_middle", "flat_coarse", "flat_bias", "ring"),
    *("edge_width", "blockiness"),
)

#: The smallest side for what is told by place: the widest blur mirrors the picture at its border.
SMALLEST = default_kernel_size(HALF * 64.0) // 2 + 1

#: The chessboard distances to the nearest strong edge between which `ring` is measured, in pixels.
RING = (3, 10)

#: The mean chroma below which a picture counts as grey.
GREY = 1e-3

#: The side of the blocks of JPEG.
BLOCK = 8


class Reference:
    """A clean picture (1, 3, H, W) with all that depends on it alone, made when first needed and kept.

    Attributes
    ----------
    clean : Tensor
        The picture, at least in float32, on its own device.
    side : int
        The shorter side in pixels.
    """

    def __init__(self, clean: Tensor) -> None:
        _validate.image("clean", clean)
        if clean.shape[:2] != (1, 3):
            raise ValueError(f"clean must have shape (1, 3, H, W), got {tuple(clean.shape)}")
        self.clean = clean.to(_validate.working_dtype(clean))
        self.side = min(clean.shape[-2:])

    @cached_property
    def flat(self) -> Tensor | None:
        """Where the picture is flat; None where hardly anywhere."""
        return _some(flat_mask(self.clean)) if self.side >= SMALLEST else None

    @cached_property
    def ring(self) -> Tensor | None:
        """The quiet pixels around strong edges, or None."""
        if self.side < SMALLEST:
            return None
        low, high = RING
        distance = edge_distance(edge_mask(self.clean), limit=high + 1)
        return _some((local_deviation(self.clean, 1.0) < 0.015) & (distance >= low) & (distance <= high))

    @cached_property
    def edges(self) -> Edges:
        """The strong, isolated edges."""
        return Edges(self.clean)

    @cached_property
    def edge_width(self) -> float:
        """The width of the typical edge in pixels, or NaN."""
        return self.edges.width(self.clean)

    @cached_property
    def chroma(self) -> float:
        """The mean chroma."""
        return _chroma(self.clean)

    @cached_property
    def block_steps(self) -> float:
        """The ratio of steps across and inside blocks, or NaN."""
        return _block_steps(self.clean)

    @cached_property
    def features(self) -> FeatureMaps:
        """What FSIM sees."""
        return feature_maps(self.clean)


def aspects(output: Tensor, reference: Reference) -> dict[str, float]:
    """Return those of `ASPECTS` that are defined for an output (1, 3, H, W), in [0, 1] and not clipped, and maybe NaN.

    The output has the dtype, the device and the shape of ``reference.clean``.
    """
    error = output - reference.clean
    found = {"bias": float(error.mean(dim=(2, 3)).abs().mean())}
    centred = output - output.mean()
    if (spread := float(centred.square().sum())) > 0:
        found["slope"] = float((centred * (reference.clean - reference.clean.mean())).sum()) / spread
    if reference.chroma > GREY:
        found["chroma"] = _chroma(output) / reference.chroma
    if reference.flat is not None:
        for name, limits in BANDS.items():
            found[f"flat_{name}"] = _mean(band(error, *limits).square(), reference.flat) ** 0.5
        found["flat_bias"] = _mean(error, reference.flat)
    if reference.ring is not None:
        found["ring"] = _mean(error.square(), reference.ring) ** 0.5
    found["edge_width"] = reference.edges.width(output) / reference.edge_width
    found["blockiness"] = _block_steps(output) / reference.block_steps
    return found


def _some(mask: Tensor) -> Tensor | None:
    """Return a mask that holds enough pixels for a mean, or None."""
    return mask if int(mask.sum()) >= FEW else None


def _mean(x: Tensor, mask: Tensor) -> float:
    """Return the mean over the pixels of a mask (1, 1, H, W) and all channels."""
    return float((x * mask).sum() / (mask.sum() * x.shape[1]))


def _chroma(x: Tensor) -> float:
    return float((plane(x, 1).square() + plane(x, 2).square()).sqrt().mean())


def _block_steps(x: Tensor) -> float:
    """Return the mean step of luma across block borders over the mean step inside blocks; NaN if either is 0 or none.

    A picture without any step, or smaller than two blocks, has no ratio.
    """
    grey = luma(x)
    border, inside = [], []
    for steps in (grey.diff(dim=-1).abs(), grey.diff(dim=-2).abs().mT):
        at_border = torch.arange(1, steps.shape[-1] + 1, device=x.device) % BLOCK == 0
        border.append(steps[..., at_border].flatten())
        inside.append(steps[..., ~at_border].flatten())
    across, within = (float(torch.cat(some).sum()) / max(1, sum(map(len, some))) for some in (border, inside))
    return across / within if across > 0 and within > 0 else float("nan")


__all__ = ["ASPECTS", "Reference", "aspects"]
