"""How the window's sigma shapes what an SSIM-trained network leaves behind (Zhao et al. 2017, section 5.2, Figure 8).

The small network is trained to denoise and demosaick with SSIM_1, SSIM_3 and SSIM_9, and with l1 and l2 for comparison.
Everything else is the same for all: first weights, crops, noise, steps, step size.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import _validate, data, l1_loss, mse_loss, ssim_loss
from ..nets import RestorationCNN, inner
from ..records import Record, commit, provenance
from ..training import Diverged, train
from . import run_folder
from .demosaicking import damaged, restore, test_images, training_images
from .residuals import measure

NAME = "sigma_sensitivity"

#: Asked for when the code is loaded: the tree may move on while a long process runs.
SOURCE = commit()

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
    checkpoint: Path | None = None,
    on_step: Callable[[int, float], None] | None = None,
) -> RestorationCNN:
    """Train the network with one loss and return it.

    Raises
    ------
    ValueError
        If `loss` is not in `LOSSES` or `scale` not in `SCALES`.
    Diverged
        If the loss stops being finite.
    """
    _validate.option("loss", loss, LOSSES)
    size = _scale(scale)
    network = new_network(size, seed)
    batch_at = batches(training_images(size.photographs), size, seed)
    train(network, LOSSES[loss], batch_at, steps=size.steps, lr=size.lr, checkpoint=checkpoint, on_step=on_step)
    return network


def evaluate(network: RestorationCNN, photographs: str) -> dict[str, Any]:
    """Return `residuals.measure` for each test picture."""
    return {
        name: measure(restore(network, damaged(name, clean)), clean) for name, clean in test_images(photographs).items()
    }


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def run(
    scale: str = "quick",
    *,
    seeds: int = 3,
    losses: Sequence[str] = tuple(LOSSES),
    out: str | Path,
    progress: Callable[[str], None] = say,
) -> Record:
    """Train and judge every loss with every seed, and return the record.

    `out` holds one file per finished network and a checkpoint of the one at work: started again, it goes on.
    A network whose weights the record needs is trained again if they are gone.  `seconds` of an entry are those of the
    last sitting alone, not of what a resumed run had done before.  `progress` gets lines of text about how far it is.

    Raises
    ------
    ValueError
        If an option is unknown, or `out` belongs to a run with other settings.
    """
    size = _scale(scale)
    seeds = _validate.count("seeds", seeds)
    losses = tuple(dict.fromkeys(losses))  # each once
    for loss in losses:
        _validate.option("losses", loss, LOSSES)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    settings = {**asdict(size), "task": "denoise and demosaick, a = 0.005, b = 0.0001", "window": "31 taps, reflect"}
    run_folder.claim(folder / "settings.json", settings)
    runs, weights = [], {}
    for seed in range(seeds):
        for loss in losses:
            done, checkpoint = folder / f"{loss}-{seed}.json", folder / f"{loss}-{seed}.pt"
            entry = run_folder.finished(done, checkpoint, weights=seed == 0)
            if entry is None:
                name, started = f"{loss}, seed {seed}", time.perf_counter()
                on_step = run_folder.narrator(progress, name, size.steps)
                entry = {"loss": loss, "seed": seed, "commit": SOURCE}
                try:
                    network = train_one(loss, scale=size, seed=seed, checkpoint=checkpoint, on_step=on_step)
                    entry["images"] = evaluate(network, size.photographs)
                except Diverged as error:
                    entry["diverged_at"] = error.step
                entry["seconds"] = round(time.perf_counter() - started, 1)
                entry.update(run_folder.course(checkpoint))
                run_folder.write(done, entry)
                progress(f"{name}: {entry['seconds']} s")
            runs.append(entry)
            if seed == 0 and "images" in entry:
                state = torch.load(checkpoint, weights_only=True)["network"]
                weights.update({f"{loss}/{key}": w.numpy().astype(np.float32) for key, w in state.items()})
    chosen = "" if losses == tuple(LOSSES) else f" --losses {' '.join(losses)}"
    command = f"lossedu run {NAME} --scale {scale} --seeds {seeds}{chosen} --out DIR"
    return Record(NAME, scale, settings, runs, provenance(), command, weights)


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
