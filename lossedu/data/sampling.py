"""Crops for training: the batch of a step depends on the seed and the step alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .. import _validate
from .randomness import derive_seed, generator


def downsample2(x: Tensor) -> Tensor:
    r"""Halve both sides by the mean of 2x2 pixels.

    .. math:: z(i, j) = \tfrac14 \sum_{u, v \in \{0, 1\}} x(2i + u, 2j + v)

    Convention: an odd last row or column is left out, so (N, C, H, W) becomes (N, C, H // 2, W // 2).

    Raises
    ------
    TypeError, ValueError
        If `x` is not a floating (N, C, H, W) tensor, or a side is below 2 pixels.

    Examples
    --------
    >>> downsample2(torch.arange(6.0).reshape(1, 1, 2, 3))
    tensor([[[[2.]]]])
    """
    _validate.image("x", x)
    height, width = x.shape[-2] // 2 * 2, x.shape[-1] // 2 * 2
    if not height or not width:
        raise ValueError(f"x must be at least 2 pixels high and wide to be halved, got {x.shape[-2]} x {x.shape[-1]}")
    x = x[..., :height, :width]
    return (x[..., 0::2, 0::2] + x[..., 0::2, 1::2] + x[..., 1::2, 0::2] + x[..., 1::2, 1::2]) / 4


class PatchSampler:
    """Random crops from images in memory, the same at a given seed and step on every run.

    Parameters
    ----------
    images : sequence of Tensor
        Shape (3, H, W) or (1, 3, H, W): uint8 in 0 ... 255 (a quarter of the memory), or floating in [0, 1].
        Sizes may differ.  `load_images` makes them from files.
    size : int
        Side of a crop in pixels.
    batch : int
        Crops in a batch.
    seed : int
        Two samplers with the same images and seed give the same batches.
    device : device
        Where the images are kept and the crops are cut.  The choice of crops does not depend on it.

    Raises
    ------
    TypeError, ValueError
        If there are no images, if one has another shape or dtype or is smaller than a crop (its index is named),
        if their dtypes differ, or `seed` is no integer.

    Notes
    -----
    Convention: every position of every image is equally likely, so a larger image is drawn more often.
    No state is carried from step to step: a run that is resumed at step k asks for ``batch_at(k)`` and goes on
    exactly as it would have.

    Examples
    --------
    >>> sampler = PatchSampler([torch.zeros(3, 64, 80)], size=47, batch=2, seed=7)
    >>> sampler.batch_at(0).shape
    torch.Size([2, 3, 47, 47])
    """

    def __init__(
        self,
        images: Sequence[Tensor],
        *,
        size: int = 47,
        batch: int = 16,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.size = _validate.count("size", size)
        self.batch = _validate.count("batch", batch)
        self.seed = _validate.integer("seed", seed)
        if len(images) == 0:
            raise ValueError("images must hold at least one image, got none")
        self.images = [_checked(index, image, self.size).to(device) for index, image in enumerate(images)]
        if len(kinds := {image.dtype for image in self.images}) > 1:
            raise ValueError(f"images must all have one dtype, got {', '.join(sorted(map(str, kinds)))}")
        # How many positions a crop can take in the images up to and including each.
        counts = [(image.shape[1] - self.size + 1) * (image.shape[2] - self.size + 1) for image in self.images]
        self._ends = torch.tensor(counts).cumsum(0)

    def batch_at(self, step: int) -> Tensor:
        """Return the batch of a step: shape (batch, 3, size, size), floating, in [0, 1]."""
        rng = generator(derive_seed(self.seed, "patches", step))
        draws = torch.randint(int(self._ends[-1]), (self.batch,), generator=rng)
        which = torch.searchsorted(self._ends, draws, right=True)
        crops = []
        for draw, index in zip(draws.tolist(), which.tolist(), strict=True):
            image = self.images[index]
            start = draw - (int(self._ends[index - 1]) if index else 0)
            top, left = divmod(start, image.shape[2] - self.size + 1)
            crops.append(image[:, top : top + self.size, left : left + self.size])
        x = torch.stack(crops)
        return x if x.is_floating_point() else x.float() / 255


def _checked(index: int, image: Tensor, size: int) -> Tensor:
    """Return an image as (3, H, W), or say which one cannot be used and why."""
    name = f"images[{index}]"
    if not isinstance(image, Tensor) or not (image.dtype == torch.uint8 or image.is_floating_point()):
        got = image.dtype if isinstance(image, Tensor) else type(image).__name__
        raise TypeError(f"{name} must be a uint8 or floating tensor, got {got}")
    if image.ndim == 4 and image.shape[0] == 1:
        image = image[0]
    if image.ndim != 3 or image.shape[0] != 3:
        raise ValueError(f"{name} must have shape (3, H, W) or (1, 3, H, W), got {tuple(image.shape)}")
    if min(image.shape[1:]) < size:
        raise ValueError(
            f"{name} is {image.shape[1]} x {image.shape[2]} pixels, too small for crops of {size} x {size}; "
            "use a smaller size or leave that image out"
        )
    return image
