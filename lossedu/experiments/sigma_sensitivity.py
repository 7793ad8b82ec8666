"""How the window's sigma shapes what an SSIM-trained network leaves behind (Zhao et al. 2017, section 5.2, Figure 8).

The small network is trained to denoise and demosaick with SSIM_1, SSIM_3 and SSIM_9, and with l1 and l2 for comparison.
Everything else is the same for all: first weights, crops, noise, steps, step size.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import _validate, data, l1_loss, mse_loss, ssim_loss
from ..nets import RestorationCNN, inner
from ..records import Record
from ..sweeps import Job, Outcome, Place
from ..training import Diverged, read_checkpoint, train
from .demosaicking import damaged, restore, test_images, training_images
from .narration import Narrator
from .residuals import measure

NAME = "sigma_sensitivity"

#: The file in a job's folder that holds its network.
CHECKPOINT = "network.pt"

TASKS = ("dd",)

Loss = Callable[[Tensor, Tensor], Tensor]


def _ssim(sigma: float) -> Loss:
    # The window of the authors' code is as large as the 31 x 31 patch.  Theirs gives one value, at the centre; here the
    # patch is mirrored at its border and every pixel has its window, so that a small sigma is not short of pixels.
    return functools.partial(ssim_loss, sigma=sigma, kernel_size=31, padding="reflect")


LOSSES: dict[str, Loss] = {
    "ssim_1": _ssim(1.0),
    "ssim_3": _ssim(3.0),
    "ssim_9": _ssim(9.0),
    "l1": l1_loss,
    "l2": mse_loss,
}


@dataclass(frozen=True)
class Scale:
    """How large a run is; everything that the outcome depends on beside loss and seed."""

    photographs: str  # "embedded", or "bsds500" (halved, which removes the traces of JPEG)
    steps: int
    width: int = 16
    residual: bool = True
    batch: int = 16
    crop: int = 47
    lr: float = 1e-3


SCALES = {
    "smoke": Scale("embedded", steps=4, width=4, batch=2),
    "quick": Scale("embedded", steps=500, lr=2e-3),
    "cpu": Scale("bsds500", steps=10_000),
    # The same with twice the step size, at which a network may run away and not come back.
    "cpu_fast": Scale("bsds500", steps=10_000, lr=2e-3),
}


def batches(images: Sequence[Tensor], scale: Scale, seed: int) -> Callable[[int], tuple[Tensor, Tensor]]:
    """Return ``batch_at(step)``: noisy Bayer crops, interpolated, and the clean inner parts that belong to them."""
    # One pixel more on each side: the interpolation at the border of a crop is not that of the inside.
    sampler = data.PatchSampler(images, size=scale.crop + 2, batch=scale.batch, seed=data.derive_seed(seed, "crops"))

    def batch_at(step: int) -> tuple[Tensor, Tensor]:
        clean = sampler.batch_at(step)
        noisy = data.noisy_bayer(clean, seed=data.derive_seed(seed, "noise", step))
        return inner(noisy, 1), inner(clean, 1 + RestorationCNN.margin)

    return batch_at


def new_network(scale: Scale, seed: int) -> RestorationCNN:
    """Return a network whose first weights depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(data.derive_seed(seed, "weights") % 2**32)
        return RestorationCNN(scale.width, residual=scale.residual)


def train_one(
    loss: str,
    *,
    scale: str | Scale = "quick",
    seed: int = 0,
    place: Place | None = None,
) -> RestorationCNN:
    """Train the network with one loss and return it; with a place, it is kept there and goes on from there.

    Raises
    ------
    ValueError
        If `loss` is not in `LOSSES` or `scale` not in `SCALES`.
    Diverged
        If the loss stops being finite.
    OutOfTime
        If the deadline of the place has passed.
    """
    _validate.option("loss", loss, LOSSES)
    size = _scale(scale)
    network = new_network(size, seed)
    batch_at = batches(training_images(size.photographs), size, seed)
    at_home: dict[str, Any] = {}
    if place is not None:
        at_home = {"checkpoint": place.folder / CHECKPOINT, "deadline": place.deadline}
        at_home["on_step"] = Narrator(place, size.steps).on_step
    train(network, LOSSES[loss], batch_at, steps=size.steps, lr=size.lr, **at_home)
    return network


def evaluate(network: RestorationCNN, photographs: str) -> dict[str, Any]:
    """Return `residuals.measure` for each test picture."""
    return {
        name: measure(restore(network, damaged(name, clean)), clean) for name, clean in test_images(photographs).items()
    }


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each seed and loss."""
    size = _scale(scale)
    return [
        Job("lossedu.experiments.sigma_sensitivity", f"{loss}-{seed}", {"loss": loss, "seed": seed, **asdict(size)})
        for seed in range(_validate.count("seeds", 3 if seeds is None else seeds))
        for loss in arms or LOSSES
    ]


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train and judge one network; the entry has `residuals.measure` for each picture."""
    options = dict(job.options)
    loss, seed = options.pop("loss"), options.pop("seed")
    entry: dict[str, Any] = {"loss": loss, "seed": seed}
    size = Scale(**options)
    try:
        network = train_one(loss, scale=size, seed=seed, place=place)
    except Diverged as error:
        return {**entry, "diverged_at": error.step, "history": [], "ran_away": True}, {}
    history = read_checkpoint(place.folder / CHECKPOINT)["history"]
    return {**entry, "images": evaluate(network, size.photographs), **course(history)}, {}


def course(history: Sequence[float], block: int = 100) -> dict[str, Any]:
    """Return the loss over training, block by block, and whether it ended above where it began.

    SSIM is bounded: a network that has run away shows a loss near 1, not an infinite one.
    """
    means = [round(float(np.mean(history[k : k + block])), 5) for k in range(0, len(history), block)]
    return {"history": means, "ran_away": means[-1] > means[0]}


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the settings of a record say beside the scale."""
    return {"task": "denoise and demosaick, a = 0.005, b = 0.0001", "window": "31 taps, reflect"}


def kept(outcomes: Sequence[Outcome]) -> dict[str, np.ndarray]:
    """Return the weights of the networks of the first seed, which chapters show."""
    weights = {}
    for outcome in outcomes:
        if outcome.job.options["seed"] == 0 and outcome.entry is not None and "images" in outcome.entry:
            state = read_checkpoint(outcome.run / "jobs" / outcome.job.name / CHECKPOINT)["network"]
            loss = outcome.job.options["loss"]
            weights.update({f"{loss}/{key}": value.numpy().astype(np.float32) for key, value in state.items()})
    return weights


def recorded_network(record: Record, loss: str) -> RestorationCNN:
    """Return the network of seed 0 that a record keeps for a loss."""
    names = sorted({key.split("/")[0] for key in record.weights})
    _validate.option("loss", loss, names)
    network = RestorationCNN(record.settings["width"], residual=record.settings["residual"])
    own = {
        key.split("/", 1)[1]: torch.from_numpy(value)
        for key, value in record.weights.items()
        if key.startswith(f"{loss}/")
    }
    network.load_state_dict(own)
    return network.eval()


def _scale(scale: str | Scale) -> Scale:
    if isinstance(scale, Scale):
        return scale
    _validate.option("scale", scale, SCALES)
    return SCALES[scale]
