"""Pairs out of HDR panoramas for `retouching`: views that a camera in their middle takes, graded for two displays.

There are six panoramas.  Each seed keeps two of them for the test, other ones each time, so that three seeds are tested
on all; what varies between seeds is then also what they are tested on.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor

from .. import _validate
from ..data.codes import bt2020_to_bt709, pq_decode
from ..data.panoramas import PANORAMAS, grade, panorama, view
from .retouch_pairs import Pair
from .tasks import chosen, noise_generator

#: Views that are drawn before training, of which each batch takes some; and of the test, so many degrees apart.
DRAWN, APART = 240, 45

#: Degrees: how far up and down training looks, and how wide the camera sees (training, test).
TILT, NARROW, WIDE, TESTED = 25.0, 45.0, 80.0, 60.0

#: Side of the pictures that are judged, how far up and down they look, and how many there are.
SIDE, PITCHES = 192, (-15.0, 10.0)
VIEWS = {"test": 2 * len(PITCHES) * (360 // APART), "train": 4 * len(PITCHES) * (360 // APART)}


def held_out(seed: int) -> tuple[str, ...]:
    """Return the two panoramas that a seed is tested on."""
    names = sorted(PANORAMAS)
    return tuple(names[(2 * seed + k) % len(names)] for k in range(2))


def view_batches(side: int, batch: int, seed: int, device: str) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Return ``batch_at``: random ones of the views that a seed trains on."""
    inputs, targets = (part.to(device) for part in _drawn(side, seed))

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        which = torch.randint(DRAWN, (batch,), generator=noise_generator("cpu", "views", seed, step)).to(device)
        return inputs[which], targets[which]

    return batch_at


@functools.lru_cache(maxsize=2)
def _drawn(side: int, seed: int) -> tuple[Tensor, Tensor]:
    names = [name for name in sorted(PANORAMAS) if name not in held_out(seed)]
    generator = noise_generator("cpu", "views of training", seed)
    graded = []
    for number in range(DRAWN):
        yaw, pitch, field = torch.rand(3, generator=generator).tolist()
        seen = view(
            panorama(names[number % len(names)]),
            yaw=360 * yaw - 180,
            pitch=TILT * (2 * pitch - 1),
            field_of_view=NARROW + (WIDE - NARROW) * field,
            size=side,
        )
        graded.append(grade(seen))
    return torch.cat([hdr for hdr, _ in graded]), torch.cat([sdr for _, sdr in graded])


@functools.lru_cache(maxsize=8)
def view_pairs(where: str, limit: int, seed: int) -> list[Pair]:
    """Return views at equal distances of the panoramas of a split ("train" or "test"), at most `limit` if not 0."""
    _validate.option("where", where, VIEWS)
    test = held_out(seed)
    found = []
    for name in sorted(PANORAMAS):
        if (name in test) != (where == "test"):
            continue
        for yaw in range(-180, 180, APART):
            for pitch in PITCHES:
                seen = view(panorama(name), yaw=float(yaw), pitch=pitch, field_of_view=TESTED, size=SIDE)
                hdr, sdr = grade(seen)
                found.append(Pair(f"{name} {yaw:+d} {pitch:+g}", hdr, sdr, again))
    return [found[k] for k in chosen(len(found), limit)]


def again(hdr: Tensor) -> Tensor:
    """Return what the colourist makes of another picture in PQ codes: graded anew from its linear light."""
    return grade(bt2020_to_bt709(pq_decode(hdr)).clamp_min(0))[1]
