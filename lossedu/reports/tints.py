"""What networks do to colours: the coarse error of their output, as a picture and by the brightness of the place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import torch
from matplotlib.figure import Figure
from torch import Tensor

from .. import data, gaussian_blur
from ..experiments import keepsakes, tasks
from ..figures import chart, loss_style
from ..records import Record

#: Photographs of the package that no network was trained on.
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")

#: Width of the blur that leaves the coarse part of an error, in pixels, and how much it is enlarged to be seen.
COARSE, ENLARGED = 8.0, 15.0

#: Ends of the classes of brightness.
CLASSES = (0.0, 0.1, 0.25, 0.4, 0.6, 0.75, 1.0)


@lru_cache(maxsize=16)
def _scene(name: str) -> tuple[Tensor, Tensor]:
    photo = data.photograph(name)
    return photo, data.noisy_bayer(photo, seed=0)


#: Record, loss, photograph -> output: two figures of a page show the same ones.
_OUTPUTS: dict[tuple[str, str, str], Tensor] = {}


def _output(record: Record, arm: str, name: str) -> Tensor:
    key = record.name, arm, name
    if key not in _OUTPUTS:
        _OUTPUTS[key] = tasks.restore(keepsakes.network(record, arm), _scene(name)[1])
    return _OUTPUTS[key]


def coarse_error(record: Record, arm: str, name: str) -> Tensor:
    """Return output minus clean photograph, blurred by `COARSE`, (1, 3, H, W): noise is gone, a tint stays."""
    return gaussian_blur(_output(record, arm, name) - _scene(name)[0], COARSE)


def panels(record: Record, arms: Sequence[str], names: Sequence[str], *, step: int = 4, side: int = 80) -> list[Tensor]:
    """Return for each photograph itself and the coarse errors of some losses on mid grey, every `step`-th pixel."""
    shown = []
    for name in names:
        errors = [0.5 + ENLARGED * coarse_error(record, arm, name) for arm in arms]
        photo = gaussian_blur(_scene(name)[0], step / 3)
        shown += [
            picture[..., 40 : 40 + step * side : step, 40 : 40 + step * side : step] for picture in (photo, *errors)
        ]
    return shown


def by_brightness(record: Record, arm: str, names: Sequence[str] = PHOTOGRAPHS) -> list[float]:
    """Return the mean absolute coarse error of a channel by how bright that channel is there, one number a class."""
    total, count = torch.zeros(len(CLASSES) - 1), torch.zeros(len(CLASSES) - 1)
    for name in names:
        level, error = gaussian_blur(_scene(name)[0], COARSE), coarse_error(record, arm, name).abs()
        for k, (low, high) in enumerate(pairwise(CLASSES)):
            here = (level >= low) & (level < high)
            total[k] += error[here].sum()
            count[k] += here.sum()
    return (total / count).tolist()


def draw_by_brightness(record: Record, arms: Sequence[str]) -> Figure:
    """Draw the coarse error over the brightness of the channel, a line a loss."""
    figure, (ax,) = chart(height=360)
    middles = [(low + high) / 2 for low, high in pairwise(CLASSES)]
    for arm in arms:
        ax.plot(middles, [1000 * value for value in by_brightness(record, arm)], **loss_style(arm))
    ax.set(xlabel="brightness of the channel", ylabel="coarse error of the channel (10⁻³)", xlim=(0, 1))
    ax.set_ylim(bottom=0)
    ax.legend()
    return figure
