"""Crops out of a `PhotoSet`, all of a batch in one gather."""

from __future__ import annotations

import torch
from torch import Tensor

from .. import _validate
from .pictures import PhotoSet
from .randomness import derive_seed, generator


class PackSampler:
    """Random crops from a `PhotoSet`, on its device, the same at a given seed and step on every run and device.

    Parameters
    ----------
    photo_set : PhotoSet
        The pictures; on a GPU, everything but the choice of the positions happens there.
    size : int
        Side of a crop in pixels.
    batch : int
        Crops in a batch.
    seed : int
        Two samplers with the same pictures and seed give the same batches.
    stride, offset : int
        Rows and columns at which a crop may begin: ``offset + k * stride``, ``0 <= offset < stride``.  With stride 8
        and offset 0 the crop's corner is a corner of the 8x8 blocks of a JPEG file.

    Raises
    ------
    TypeError, ValueError
        If there are no pictures, if one has no room for a crop (its name is given), or a number is out of range.

    Notes
    -----
    Convention: every position of every picture is equally likely, so a larger picture is drawn more often.  The
    positions are drawn on the CPU from seed and step alone.  With stride 1 the batches are, bit for bit, those of
    `PatchSampler` on the same pictures.

    Examples
    --------
    >>> photos = PhotoSet.of([torch.zeros(3, 64, 80, dtype=torch.uint8)], ["black"])
    >>> PackSampler(photos, size=49, batch=2, seed=7, stride=8).batch_at(0).shape
    torch.Size([2, 3, 49, 49])
    """

    def __init__(
        self, photo_set: PhotoSet, *, size: int = 47, batch: int = 16, seed: int = 0, stride: int = 1, offset: int = 0
    ) -> None:
        self.size = _validate.count("size", size)
        self.batch = _validate.count("batch", batch)
        self.seed = _validate.integer("seed", seed)
        self.stride = _validate.count("stride", stride)
        self.offset = _validate.integer("offset", offset)
        if not 0 <= self.offset < self.stride:
            raise ValueError(f"offset must be from 0 to stride - 1 = {self.stride - 1}, got {offset}")
        if len(photo_set) == 0:
            raise ValueError("photo_set must hold at least one picture, got none")
        self.photo_set = photo_set
        # How many rows and columns a crop can begin at, in each picture.
        room = photo_set.shapes - self.size - self.offset
        if bool((room < 0).any()):
            index = int((room < 0).any(1).nonzero()[0])
            height, width = photo_set.shapes[index].tolist()
            raise ValueError(
                f"the picture {photo_set.names[index]!r} is {height} x {width} pixels, too small for crops of "
                f"{self.size} x {self.size} at offset {self.offset}; use a smaller size or leave that picture out"
            )
        places = room // self.stride + 1
        self._columns = places[:, 1]
        self._ends = places.prod(1).cumsum(0)
        self._begins = self._ends - places.prod(1)
        device = photo_set.device
        self._steps = torch.arange(self.size, device=device)
        self._channels = torch.arange(3, device=device)[:, None]
        # A tensor: a GPU multiplies by the reciprocal of a plain number, and the last bit would depend on the device.
        self._white = torch.tensor(255.0, device=device)

    def positions_at(self, step: int) -> Tensor:
        """Return picture, top row and left column of each crop of a step: int64, shape (batch, 3), on the CPU."""
        rng = generator(derive_seed(self.seed, "patches", step))
        draws = torch.randint(int(self._ends[-1]), (self.batch,), generator=rng)
        which = torch.searchsorted(self._ends, draws, right=True)
        place, columns = draws - self._begins[which], self._columns[which]
        top, left = (self.offset + self.stride * part for part in (place // columns, place % columns))
        return torch.stack((which, top, left), dim=1)

    def batch_at(self, step: int) -> Tensor:
        """Return the batch of a step: float32, shape (batch, 3, size, size), in [0, 1]."""
        return self._gather(self.photo_set, self._rows(step))

    def pair_at(self, step: int, other: PhotoSet) -> tuple[Tensor, Tensor]:
        """Return the batch of a step, and the same crops of a second set: the damaged versions, for instance.

        Raises
        ------
        ValueError
            If `other` holds pictures of other sizes or is on another device.
        """
        if not torch.equal(other.shapes, self.photo_set.shapes):
            raise ValueError(
                f"other must hold {len(self.photo_set)} pictures of the same sizes in the same order, "
                f"got {len(other)} of {'the same' if len(other) == len(self.photo_set) else 'their own'} number"
            )
        if other.device != self.photo_set.device:
            raise ValueError(f"other must be on {self.photo_set.device} as well, got {other.device}")
        rows = self._rows(step)
        return self._gather(self.photo_set, rows), self._gather(other, rows)

    def _rows(self, step: int) -> Tensor:
        """Return where each row of each crop begins in the flat pixels: shape (batch, 3, size), on their device."""
        which, top, left = self.positions_at(step).unbind(1)
        height, width = self.photo_set.shapes[which].unbind(1)
        corner = self.photo_set.starts[which] + top * width + left
        # One small copy to the device; the rest is computed there.
        small = torch.stack((corner, height * width, width)).to(self.photo_set.device, non_blocking=True)
        corner, plane, width = small[..., None, None]
        return corner + plane * self._channels + width * self._steps

    def _gather(self, photos: PhotoSet, rows: Tensor) -> Tensor:
        """Cut out rows of `size` pixels.  The windows overlap in memory: `unfold` copies nothing."""
        crops = photos.pixels.unfold(0, self.size, 1).index_select(0, rows.reshape(-1))
        return crops.view(*rows.shape, self.size).float().div_(self._white)
