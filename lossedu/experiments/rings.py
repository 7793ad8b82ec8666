"""Two rings around a noisy picture: what networks make of it, and what their losses want to see: chapter 0's opening.

One job is one loss and one scene of `plausible`.  It finds the Bayes act over the plausible clean scenes, runs the
network that was trained with the loss, which is kept in another record, on the same measurement, and measures both
inside the picture: `contrast` on either side of the edge and `rise` across the edge, relative to the clean scene,
`level` above it, and `error`, the root mean square difference from it.

Networks and acts share the measurement and the loss.  They do not share what they know: the networks have seen two
hundred photographs, each of them patches of 31 x 31 pixels; the acts know how the scene was drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import _validate, bayes_act, data, mix_loss, ms_ssim_sigma_loss, records
from ..sweeps import Job, Place
from . import keepsakes, plausible
from .arms import LOSSES, OTHERS, Loss
from .tasks import restore

NAME = "rings"

TASKS = ("dd",)

#: Loss -> the record that has its network.
NETWORKS = {
    **dict.fromkeys(("l2", "l1", "ssim_5", "ms_ssim", "mix"), "table1-cpu"),
    **dict.fromkeys(("ssim_1", "ssim_9"), "sigma_sensitivity-cpu"),
}

#: The losses of the acts.  One window as large as a patch, as two of the networks were trained with, is on average
#: over the places of the patch the dense form.
ACTS: Mapping[str, Loss] = {
    **{name: {**LOSSES, **OTHERS}[name] for name in ("l2", "l1", "ssim_1", "ssim_5", "ssim_9")},
    "ms_ssim": partial(ms_ssim_sigma_loss, form="dense", padding="reflect"),
    "mix": partial(mix_loss, form="dense", padding="reflect"),
}

ARMS = tuple(ACTS)

#: Pixels at the border that are neither shown nor measured.
MARGIN = 8

MEASURES = ("contrast", "rise", "level", "error")


@dataclass(frozen=True)
class Scale:
    """Plausible scenes, steps of the descent, and scenes (seeds)."""

    count: int
    steps: int
    seeds: int


FULL = Scale(count=24, steps=80, seeds=6)
SCALES = {"smoke": Scale(count=2, steps=2, seeds=1), "quick": Scale(count=8, steps=40, seeds=2), "cpu": FULL}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job a loss and scene."""
    _validate.option("scale", scale, SCALES)
    sizes = asdict(SCALES[scale])
    trials = range(sizes.pop("seeds") if seeds is None else seeds)
    return [
        Job(f"lossedu.experiments.{NAME}", f"{arm}-{seed}", {"task": "dd", "arm": arm, "seed": seed, **sizes})
        for seed in trials
        for arm in ARMS
        if not arms or arm in arms
    ]


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return what was measured of act and network, and the act of the first scene as a picture."""
    options = job.options
    arm, seed = options["arm"], options["seed"]
    scene = plausible.draw_scene(seed)
    act = inside(best_act(arm, seed, options["count"], options["steps"]))
    entry = {key: options[key] for key in ("task", "arm", "seed")}
    entry |= {"act": measured(act, scene), "network": measured(inside(network_output(arm, scene)), scene)}
    return entry, {"act": act.numpy()} if seed == 0 else {}


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the scene is made of."""
    p = plausible
    edge = {"levels": [p.LOW, p.HIGH], "reach": p.REACH, "straight": p.STRAIGHT}
    texture = {"texture": p.TEXTURE, "deviation": p.DEVIATION, "noise": [p.PHOTON, p.READ]}
    return {"side": p.SIDE, "margin": MARGIN, **edge, **texture, "every": p.EVERY, "networks": NETWORKS}


@cache
def candidates(seed: int, count: int) -> Tensor:
    """Return the plausible clean scenes behind scene `seed`, (count, 1, side, side), float32."""
    return plausible.plausible_scenes(plausible.draw_scene(seed).seen, count, seed=seed).float()


def best_act(arm: str, seed: int, count: int, steps: int) -> Tensor:
    """Return the Bayes act of a loss, (side, side), in steps that are small beside the texture."""
    return bayes_act(ACTS[arm], candidates(seed, count), steps=steps, lr=plausible.DEVIATION / 4)[0, 0].double()


def sensor_input(scene: plausible.Scene) -> Tensor:
    """Return what a network sees: the mosaic, clipped as by a sensor, with its missing colours interpolated."""
    return data.demosaick_bilinear(scene.seen[None, None].clamp(0, 1).float())


def network_output(arm: str, scene: plausible.Scene) -> Tensor:
    """Return the luma of what the trained network makes of a measurement, (side, side)."""
    output = restore(keepsakes.network(_record(NETWORKS[arm]), arm), sensor_input(scene))
    return torch.tensordot(torch.tensor([0.299, 0.587, 0.114]), output[0], dims=1).double()


@cache
def _record(name: str) -> records.Record:
    return records.load(name)


def inside(picture: Tensor) -> Tensor:
    """Return a picture without its border."""
    return picture[..., MARGIN:-MARGIN, MARGIN:-MARGIN]


def measured(picture: Tensor, scene: plausible.Scene) -> dict[str, float]:
    """Return `MEASURES` of the inside of a picture."""
    _validate.image("picture", picture[None, None])
    clean, edge = inside(scene.clean), scene.edge[MARGIN:-MARGIN, None] - MARGIN
    across = partial(torch.gather, dim=1)

    def rise(z: Tensor) -> Tensor:
        return (across(z, index=edge) - across(z, index=edge - 1)).mean()

    found = {
        "contrast": _contrast(picture, edge) / _contrast(clean, edge),
        "rise": rise(picture) / rise(clean),
        "level": (picture - clean).mean(),
        "error": (picture - clean).square().mean().sqrt(),
    }
    return {name: round(float(value), 6) for name, value in found.items()}


def _contrast(picture: Tensor, edge: Tensor) -> Tensor:
    """Return the standard deviation within the two sides, at least three pixels off the edge."""
    off = torch.arange(picture.shape[-1]) - edge
    sides = [side - side.mean() for side in (picture[off >= 3], picture[off < -3])]
    return torch.cat(sides).square().mean().sqrt()
