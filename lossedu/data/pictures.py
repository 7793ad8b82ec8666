"""Pictures in memory: all of a set in one flat tensor of bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor


class PhotoSet:
    """Pictures of any sizes in one flat tensor of bytes.

    Parameters
    ----------
    names : sequence of str
        One for each picture.
    pixels : Tensor
        uint8, 1-D, on any device: picture after picture, each (3, H, W) in row-major order.
    shapes : Tensor
        int64, shape (n, 2), on the CPU: height and width of each picture.

    Raises
    ------
    TypeError, ValueError
        If the three do not fit together.

    Examples
    --------
    >>> photos = PhotoSet.of([torch.zeros(3, 40, 30, dtype=torch.uint8)], ["black"])
    >>> len(photos), photos.picture(0).shape
    (1, torch.Size([1, 3, 40, 30]))
    """

    def __init__(self, names: Sequence[str], pixels: Tensor, shapes: Tensor) -> None:
        if pixels.dtype != torch.uint8 or shapes.dtype != torch.int64:
            raise TypeError(f"pixels must be uint8 and shapes int64, got {pixels.dtype} and {shapes.dtype}")
        if pixels.ndim != 1 or shapes.shape != (len(names), 2) or (shapes.numel() and int(shapes.min()) < 1):
            raise ValueError(
                f"pixels must be flat and shapes hold height and width (at least 1) of each of {len(names)} pictures, "
                f"got pixels of shape {tuple(pixels.shape)} and shapes of shape {tuple(shapes.shape)}"
            )
        self.names = tuple(names)
        self.pixels = pixels
        self.shapes = shapes
        sizes = 3 * shapes.prod(1)
        #: Where each picture begins in `pixels`.
        self.starts = sizes.cumsum(0) - sizes
        if int(sizes.sum()) != len(pixels):
            raise ValueError(f"shapes ask for {int(sizes.sum())} bytes of pixels, got {len(pixels)}")

    @classmethod
    def of(cls, images: Sequence[Tensor], names: Sequence[str]) -> PhotoSet:
        """Put pictures together: uint8 tensors of shape (3, H, W), as `load_images` returns them."""
        for name, image in zip(names, images, strict=True):
            if not isinstance(image, Tensor) or image.dtype != torch.uint8:
                got = image.dtype if isinstance(image, Tensor) else type(image).__name__
                raise TypeError(f"the picture {name!r} must be a uint8 tensor, got {got}")
            if image.ndim != 3 or image.shape[0] != 3 or not image.numel():
                raise ValueError(f"the picture {name!r} must have shape (3, H, W), got {tuple(image.shape)}")
        shapes = torch.tensor([image.shape[1:] for image in images], dtype=torch.int64).reshape(-1, 2)
        flat = [image.reshape(-1) for image in images] or [torch.zeros(0, dtype=torch.uint8)]
        return cls(names, torch.cat(flat), shapes)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"PhotoSet({len(self)} pictures, {len(self.pixels)} bytes, {self.device})"

    @property
    def device(self) -> torch.device:
        """Where the pixels are."""
        return self.pixels.device

    def raw(self, index: int) -> Tensor:
        """Return the bytes of a picture, uint8 of shape (3, H, W): a view of `pixels`, not a copy."""
        if not 0 <= index < len(self):
            raise IndexError(f"index must be from 0 to {len(self) - 1}, got {index}")
        height, width = self.shapes[index].tolist()
        start = int(self.starts[index])
        return self.pixels[start : start + 3 * height * width].view(3, height, width)

    def picture(self, index: int) -> Tensor:
        """Return a picture as float32 of shape (1, 3, H, W) in [0, 1], on the device of the pixels."""
        return self.raw(index)[None].float() / 255

    def select(self, indices: Sequence[int]) -> PhotoSet:
        """Return some of the pictures, in the order asked for."""
        return PhotoSet.of([self.raw(i) for i in indices], [self.names[i] for i in indices])

    def to(self, device: torch.device | str) -> PhotoSet:
        """Return the same pictures with the pixels on another device."""
        return PhotoSet(self.names, self.pixels.to(device), self.shapes)

    def sha256(self) -> str:
        """Return a SHA-256 that tells whether two sets hold the same pictures: of sizes and pixels, not names."""
        digest = hashlib.sha256(self.shapes.numpy().astype("<i8").tobytes())
        digest.update(self.pixels.cpu().numpy().data)
        return digest.hexdigest()
