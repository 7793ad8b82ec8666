r"""A classical baseline for denoising and demosaicking: no training, and one number that is tuned.

The noise is made equally strong everywhere (`variance`), taken out by non-local means, and its strength undone.  Arms:

=========================  ===========================================================================================
nlm_bayer                  denoised in the mosaic, whose four half-size planes share their weights; then bilinear
nlm_bayer_malvar           the same, then the filters of Malvar, He and Cutler (`malvar`)
nlm_rgb, nlm_rgb_malvar    interpolated first, denoised then, though the noise has become correlated
nlm_bayer_algebraic        as nlm_bayer_malvar, with the inverse that does not know of the bias
malvar                     interpolated only: what the better filters owe to no denoiser
=========================  ===========================================================================================

The strength h is the best of a grid on the validation pictures, by pooled mean square error.  Non-local means: Buades,
Coll, Morel, CVPR 2005, in scikit-image's implementation.  The paper's own baseline is BM3D on the mosaic; the packages
bm3d and bm4d are licensed for non-commercial use only, so this one, with a free licence, does not depend on them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .. import _validate, data
from ..storage import missing_package
from ..sweeps import Job, Place
from . import trial
from .malvar import demosaick_malvar
from .scoring import COLUMNS
from .tasks import chosen, photographs, test_pairs
from .variance import Array, Inverse, algebraic_inverse, stabilise

NAME = "classical"

TASKS = ("dd",)

#: The noise of the task.
A, B = 0.005, 0.0001

#: Side of the patches that are compared, and how far off they may lie.
PATCH, REACH = 3, 7


class Method(NamedTuple):
    """Where the noise is taken out, how the colours are filled in, how the transform is undone, which h are tried.

    With the whole of a picture's channels at hand (`rgb`), patches compared with equal weights do as well as Gaussian
    ones, in a quarter of the time; in the mosaic they do not.
    """

    where: str
    demosaick: Callable[[Tensor], Tensor]
    grid: tuple[float, ...]
    inverse: str = "exact"


_BAYER = (0.6, 0.8, 1.0, 1.2, 1.4, 1.7)
_RGB = (0.4, 0.5, 0.6, 0.7, 0.85, 1.0, 1.3, 1.6, 2.0)

ARMS: Mapping[str, Method] = {
    "nlm_bayer": Method("bayer", data.demosaick_bilinear, _BAYER),
    "nlm_bayer_malvar": Method("bayer", demosaick_malvar, _BAYER),
    "nlm_rgb": Method("rgb", data.demosaick_bilinear, _RGB),
    "nlm_rgb_malvar": Method("rgb", demosaick_malvar, _RGB),
    "nlm_bayer_algebraic": Method("bayer", demosaick_malvar, _BAYER, inverse="algebraic"),
    "malvar": Method("none", demosaick_malvar, (0.0,)),
}


@dataclass(frozen=True)
class Scale:
    """Which photographs (`data.photo_sets`), how many for the test and for tuning (0: all), how often LPIPS; seeds."""

    photographs: str
    pictures: int = 0
    tuning_pictures: int = 0
    deep_every: int = 4
    seeds: int = 1


SCALES: Mapping[str, Scale] = {
    "smoke": Scale("embedded", pictures=1, tuning_pictures=1, deep_every=0),
    "quick": Scale("embedded", deep_every=1),
    "cpu": Scale("bsds500"),
    "full": Scale("bsds500", deep_every=1),
}


def jobs(scale: str, *, seeds: int | None = None, tasks: Sequence[str] = (), arms: Sequence[str] = ()) -> list[Job]:
    """Return one job for each method; nothing but the noise of the test pictures is drawn, and `seeds` says nothing."""
    _validate.option("scale", scale, SCALES)
    options = {"task": "dd", "seed": 0, **asdict(SCALES[scale])}
    del options["seeds"]
    return [
        Job("lossedu.experiments.classical", f"dd-{arm}-0", {**options, "arm": arm, "grid": list(ARMS[arm].grid)})
        for arm in arms or ARMS
    ]


def perform(job: Job, place: Place) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Tune the strength on the validation pictures, and judge the test pictures."""
    options, arm = job.options, job.options["arm"]
    photos = photographs(options["photographs"])
    tried = {}
    for h in options["grid"]:
        pairs = test_pairs("dd", photos, "val", options["tuning_pictures"])
        errors = [(restore(data.bayer_mosaic(x), arm, h=h) - y).square().mean().item() for _, x, y in pairs]
        tried[h] = sum(errors) / len(errors)
        place.say(f"{arm}: h {h:g}, mean square error {tried[h]:.6f} on {len(errors)} validation pictures")
    best = min(tried, key=lambda h: tried[h])
    # What was measured comes back from the interpolated input bit for bit.
    outputs = [
        restore(data.bayer_mosaic(x), arm, h=best) for _, x, _ in test_pairs("dd", photos, "test", options["pictures"])
    ]
    judge = trial.judge(options["photographs"], "test", options["pictures"], options["deep_every"])
    entry = {key: options[key] for key in ("task", "arm", "seed")}
    entry |= {"h": best, "tried": {f"{h:g}": round(error, 8) for h, error in tried.items()}}
    entry |= {"at_the_end": len(tried) > 1 and best in (min(tried), max(tried)), "deterministic": True}
    return entry, {"test": judge.score(outputs)}


def describe(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of the scores and the names of the pictures."""
    test = photographs(options["photographs"])["test"]
    names = [test.names[index] for index in chosen(len(test), options["pictures"])]
    return {"columns": list(COLUMNS), "sets": {"test": names}}


def restore(mosaic: Tensor, method: str = "nlm_rgb_malvar", *, h: float, a: float = A, b: float = B) -> Tensor:
    """Denoise and demosaick an RGGB mosaic.

    Parameters
    ----------
    mosaic : Tensor
        Shape (1, 1, H, W), noise as `data.sensor_noise` makes it, clipped to [0, 1].
    method : str
        One of `ARMS`.
    h : float
        Strength of the denoising in standard deviations of the noise; without meaning for the method "malvar".
    a, b : float
        The noise.

    Returns
    -------
    Tensor
        Shape (1, 3, H, W), dtype of the mosaic, on the CPU.
    """
    _validate.option("method", method, ARMS)
    _validate.image("mosaic", mosaic)
    if mosaic.shape[:2] != (1, 1):
        raise ValueError(f"mosaic must have shape (1, 1, H, W), got {tuple(mosaic.shape)}")
    where, demosaick, _, inverse = ARMS[method]
    mosaic = mosaic.cpu()
    undo = _inverse(a, b) if inverse == "exact" else functools.partial(algebraic_inverse, a=a, b=b)

    def denoise(noisy: Array) -> Array:
        return undo(_non_local_means(stabilise(noisy.astype(np.float64), a, b), h, fast=where == "rgb"))

    if where == "bayer":
        mosaic = from_planes(denoise(planes(mosaic)), mosaic)
    picture = demosaick(mosaic)
    if where == "rgb":
        picture = torch.from_numpy(denoise(picture[0].permute(1, 2, 0).numpy())).permute(2, 0, 1)[None].to(picture)
    return picture


def planes(mosaic: Tensor) -> Array:
    """Return the four planes of a mosaic, (H/2, W/2, 4); odd sides are mirrored, which keeps the colours in step."""
    height, width = mosaic.shape[2:]
    even = F.pad(mosaic, (0, width % 2, 0, height % 2), mode="reflect")
    return F.pixel_unshuffle(even, 2)[0].permute(1, 2, 0).numpy()


def from_planes(values: Array, like: Tensor) -> Tensor:
    """Return the mosaic of four planes, of the shape of another."""
    mosaic = F.pixel_shuffle(torch.from_numpy(values).permute(2, 0, 1)[None].to(like), 2)
    return mosaic[..., : like.shape[2], : like.shape[3]]


_inverse = functools.lru_cache(maxsize=4)(Inverse)


def _non_local_means(noisy: Array, h: float, *, fast: bool) -> Array:
    """Denoise (H, W, C) with noise of standard deviation 1; the channels share their weights."""
    try:
        from skimage.restoration import denoise_nl_means
    except ModuleNotFoundError as error:
        raise missing_package("scikit-image", "non-local means") from error
    found: Array = denoise_nl_means(
        noisy, patch_size=PATCH, patch_distance=REACH, h=h, sigma=1.0, fast_mode=fast, channel_axis=-1
    )
    return found
