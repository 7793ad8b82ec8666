"""What the networks of a record make of a photograph that none of them has seen, as crops side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from .. import _validate, data
from ..experiments import keepsakes, tasks
from ..records import Record


def _halved(photo: Tensor) -> Tensor:
    """Return the picture shrunk and enlarged by two; of an odd side the last pixel is left out."""
    height, width = (side // 2 * 2 for side in photo.shape[-2:])
    return data.down_up(photo[..., :height, :width].contiguous(), factor=2, mode="bicubic", up="bilinear")


#: Task -> what it does to a photograph, always in the same way.
DAMAGE: Mapping[str, Callable[[Tensor], Tensor]] = {
    "dd": lambda photo: data.noisy_bayer(photo, seed=0),
    "jpeg": lambda photo: data.jpeg(photo, quality=25),
    "sr2": _halved,
}


def crops(
    record: Record,
    task: str,
    arms: Sequence[str],
    name: str,
    top: int,
    left: int,
    *,
    side: int = 52,
    stretch: float = 1,
) -> list[Tensor]:
    """Return crops of a photograph clean, damaged, and as the network of each loss repairs it.

    Parameters
    ----------
    record : Record
        One that keeps networks of the task.
    task, arms : str, sequence of str
        Which damage, and which losses.
    name, top, left, side
        Photograph of the package, and the square of it.  A grey one is shown to the networks in three equal channels.
    stretch : float
        Factor of the contrast, about the mean colour of the clean crop and for all crops alike.

    Raises
    ------
    ValueError
        For a task that is none of `DAMAGE`, or a loss whose network the record does not keep.
    """
    _validate.option("task", task, DAMAGE)
    photo = data.photograph(name)
    photo = photo.expand(1, 3, *photo.shape[2:]).contiguous()
    seen = DAMAGE[task](photo)
    made = [tasks.restore(keepsakes.network(record, arm, task), seen) for arm in arms]
    cut = [data.crop(picture, top, left, side) for picture in (photo, seen, *made)]
    middle = cut[0].mean(dim=(2, 3), keepdim=True)
    return [middle + stretch * (crop - middle) for crop in cut]
